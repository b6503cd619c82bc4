"""What an hour has shown, and what it must have shown: a proof over nothing is none."""

from bess.core import points
from bess.core.battery import sequence, stages
from bess.core.control import modes
from bess.core.events import SIZE
from bess.core.flow import grid_support
from bess.core.points import FLOW

_NUMBERS = 96
_COUNT_MASK = 0xFFFF
_SUMMER_S = 3600                    # clocks go forward at 01:00 UTC of the day of the hour
# no event of the tick: they belong to the store, the planner's task and the restart
_EVENTS_ELSEWHERE = (
    "EVENT_RESTART", "EVENT_CONFIG_CHANGED", "EVENT_CONFIG_FALLBACK", "EVENT_STORE_REPAIRED",
    "EVENT_PLAN_REFUSED", "EVENT_CONFIG_WARNING",
    "EVENT_INVARIANT",                  # only a bug can raise it
    "EVENT_PCS_OVERRULED",              # noted by the inverter's driver
)
_NO_EVENTS = ("EVENT_COUNT", "EVENT_POINTS", "EVENT_BASE", "EVENT_SPAN", "EVENT_STRIDE",
              "EVENT_MAP")


def _named(prefix, without=()):
    """{number: name} of the constants of core/points.py that begin with prefix."""
    return {getattr(points, name): name for name in dir(points)
            if name.startswith(prefix) and name not in without}


def _of(module, names):
    return {getattr(module, name): name for name in names.split()}


def wanted():
    """{kind: {number: name}} of everything that an hour must show."""
    return {
        "mode": _of(modes, "STANDBY CHARGE DISCHARGE IDLE EMERGENCY MAINTENANCE"),
        "step": _of(sequence, "REST CHECK CLOSE_MINUS FILL COOL CLOSE_PLUS SETTLE WAIT_PCS "
                    "START_PCS HOLD_ZERO RUN EMPTY STOP_PCS OPEN_PLUS OPEN HOLD"),
        "why": _named("WHY_", (
            "WHY_GRID_CHARGING_OFF", "WHY_GRID_EXPORT_OFF",     # set only at the start
            "WHY_NONE")),
        "owner": _named("BY_", ("BY_PLAN", "BY_RESERVE", "BY_FUSE_ASSIST")),
        "trip": _named("TRIP_", ("TRIP_CONFIG", "TRIP_CHECKS")),
        "cause": _named("CAUSE_", ("CAUSE_NONE", "CAUSE_INVARIANT", "CAUSE_LATCH_UNREADABLE")),
        "event": _named("EVENT_", _EVENTS_ELSEWHERE + _NO_EVENTS),
        "method": _of(stages, "CC_CV PULSED MULTI_STAGE TRICKLE HOLD"),
        "done": {1: "FULL", 2: "TARGET", 3: "LIMIT", 4: "DURATION", 5: "TIMEOUT", 6: "STOPPED"},
        "curve": _of(grid_support, "FREQUENCY_WATT VOLT_WATT VOLT_VAR"),
        "flow": {n: "flow %d" % n for n in range(8)},
        "strings": {n: "%d strings live" % n for n in range(5)},
        "joined": {n: "%d strings on the bus" % n for n in range(5)},
        "other": {0: "island", 1: "balancing", 2: "load 1 shed", 3: "load 2 shed",
                  4: "16 samples in a tick", 5: "module left out", 6: "LOCAL", 7: "callback",
                  8: "clock unknown", 9: "wrap", 10: "black start", 11: "summer time"},
    }


class Seen:
    """Looks after each tick; missing() names what is wanted and has not been seen."""

    def __init__(self, manager):
        self._manager = manager
        self._kinds = wanted()
        self._marks = {kind: bytearray(_NUMBERS) for kind in self._kinds}
        self._events = manager.events.count
        self._before_ms = None
        self._islanded = False
        manager.register_callback(-1, self._called)

    def mark(self, kind, number):
        self._marks[kind][number] = 1

    def missing(self):
        """["kind name", ..], sorted; empty when everything has happened."""
        found = []
        for kind in self._kinds:
            for number in self._kinds[kind]:
                if not self._marks[kind][number]:
                    found.append("%s %s" % (kind, self._kinds[kind][number]))
        return sorted(found)

    def _called(self, event, data, user_data):
        self.mark("other", 7)

    def look(self):
        manager, mark = self._manager, self.mark
        window, now = manager.window, manager.image.now
        mark("mode", manager.mode)
        mark("step", manager.sequence.step)
        mark("why", window.lo_why)
        mark("why", window.hi_why)
        mark("owner", manager.requests.rank)
        for kind, bits in (("trip", manager.trips.present), ("cause", manager.latched)):
            while bits:
                lowest = bits & -bits
                mark(kind, len(bin(lowest)) - 3)
                bits ^= lowest
        operations = manager.wishes.operations
        if operations is not None:
            charge = operations.charge
            if not charge.done and charge.wish_w and manager.command.battery_w < 0:
                mark("method", charge._method)
            mark("done", charge.done)
            mark("done", operations.discharge.done)
        for bit in (1, 2, 4):
            if manager.support.acts & bit:
                mark("curve", bit)
        if now[FLOW] is not None:
            mark("flow", now[FLOW])
        self._look_at_pack(manager.pack)
        self._look_at_site(manager)
        self._look_at_events(manager.events)

    def _look_at_pack(self, pack):
        self.mark("strings", pack.strings_live)
        self.mark("joined", self._on_bus())
        if pack.fresh == (1 << pack.count) - 1:
            self.mark("other", 4)
        if pack.excluded:
            self.mark("other", 5)
        if pack.balance_wanted:
            self.mark("other", 1)

    def _on_bus(self):
        coils, strings = self._manager.sequence.coils, 0
        while coils:
            strings += coils & 5 == 5
            coils >>= 3
        return strings

    def _look_at_site(self, manager):
        mark, island = self.mark, manager.island
        if island.islanded:
            mark("other", 0)
            if not self._islanded and manager.sequence.step != sequence.RUN:
                mark("other", 10)
        self._islanded = island.islanded
        for i in range(2):
            if island.shed >> i & 1:
                mark("other", 2 + i)
        if manager.local:
            mark("other", 6)
        if manager.image.now[points.UTC_DAY] is None:
            mark("other", 8)
        elif manager.image.now[points.UTC_S] >= _SUMMER_S:
            mark("other", 11)
        if self._before_ms is not None and manager.now_ms < self._before_ms:
            mark("other", 9)
        self._before_ms = manager.now_ms

    def _look_at_events(self, events):
        new = (events.count - self._events) & _COUNT_MASK
        self._events = events.count
        for back in range(min(new, SIZE)):
            slot = events.slot(back)
            if slot >= 0:
                self.mark("event", events.event(slot))
