"""Any order of calls on the manager: what must hold holds, what is refused changes nothing."""

from array import array

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test,
)

from bess.core.battery.sequence import K_MINUS, K_PLUS, PRECHARGE
from bess.core.control.operate import LIMITS, STATS, STATUS
from bess.core.control.modes import (
    CHARGE, DISCHARGE, EMERGENCY, IDLE, MAINTENANCE, REFUSED_CLOCK, STANDBY,
)
from bess.core.points import (
    CAUSE_INPUT, EVENT_MODE_CHANGE, M_CELL_MV_MAX, M_CELL_MV_MIN, M_SOC_PM, UTC_DAY, UTC_S,
)
from host_tests.core.bench_pack import Bench
from host_tests.core.control.test_manager_host import Watch
from host_tests.core.control.test_modes import ALLOWED

KEY = "brass"
PERMITTED = [(before, after) for before, after, _ in ALLOWED]
WATTS = st.integers(-20_000, 20_000) | st.integers(-1200, 1200)
MINUTES = st.integers(0, 3) | st.integers(0, 1440)
PM = st.sampled_from((0, 99, 100, 300, 950, 951, 1000)) | st.integers(0, 1000)
ENTRY = st.integers(0, 15)
ON = st.booleans()
MODES = st.integers(STANDBY, MAINTENANCE)
FIELDS = st.tuples(ON, st.integers(0, 7), st.integers(0, 23), st.integers(0, 59),
                   st.sampled_from((CHARGE, DISCHARGE, IDLE)), st.integers(0, 20_000),
                   st.integers(1, 90), ON)
NOW_FIELDS = st.tuples(st.just(True), st.just(7), st.just(12), st.integers(0, 3),
                       st.sampled_from((CHARGE, DISCHARGE, IDLE)), st.integers(0, 9000),
                       st.integers(1, 5), ON)

# calls that answer 0 or a refusal: name, strategies of the arguments
CALLS = {
    "start": (), "stop": (), "stop_operation": (), "release_remote": (),
    "set_mode": (MODES,), "set_constant_power": (WATTS, MINUTES), "start_charging": (PM,),
    "start_discharging": (st.integers(0, 20_000), MINUTES),
    "ask_remote": (WATTS, st.integers(1000, 60_000), st.integers(0, 2)),
    "set_charge_params": (st.integers(0, 3), st.integers(0, 20_000), st.integers(0, 400_000),
                          st.just(0) | st.integers(40_000, 60_000), PM, MINUTES,
                          st.integers(0, 1)),
    "set_discharge_params": (st.integers(0, 20_000), st.integers(0, 400_000),
                             st.just(0) | st.integers(40_000, 60_000), PM, MINUTES),
    "remove_schedule": (ENTRY,), "enable_schedule": (ENTRY, ON), "enable_scheduling": (ON,),
    "set_grid_connection": (st.integers(0, 3),), "set_authority": (ON, ON),
    "enter_maintenance": (st.sampled_from(("", KEY, "tin")), ON), "leave_maintenance": (ON,),
    "test_power": (st.integers(-1200, 1200),), "test_trickle": (),
    "test_contactor": (st.integers(0, 31),), "reset_emergency": (ON, st.integers(0, 3)),
}
ANY_CALL = st.sampled_from(sorted(CALLS)).flatmap(lambda name: st.tuples(
    st.just(name), st.tuples(*CALLS[name]), st.integers(0, 3)))
# the same with arguments that no state permits
WRONG = (
    ("set_mode", (-1,)), ("set_mode", (6,)), ("set_mode", ("IDLE",)),
    ("set_constant_power", (20_001, 0)), ("set_constant_power", (0, -1)),
    ("set_constant_power", (1.5, 0)), ("start_charging", (1001,)), ("start_charging", (None,)),
    ("start_discharging", (-1, 0)), ("start_discharging", (0, 1441)),
    ("ask_remote", (0, 999)), ("ask_remote", (-20_001, 60_000)),
    ("set_charge_params", (4,)), ("set_charge_params", (0, -1)),
    ("set_charge_params", (0, 0, 0, 0, 1001)), ("set_discharge_params", (20_001,)),
    ("set_discharge_params", (0, 0, -1)), ("set_grid_connection", (4,)),
    ("set_grid_connection", (None,)), ("get_schedule", (16,)), ("remove_schedule", (-1,)),
    ("enable_schedule", (16, True)), ("update_schedule", (16, (1, 0, 0, 0, 1, 0, 1, 1))),
    ("update_schedule", (0, (1, 8, 0, 0, 1, 0, 1, 1))), ("add_schedule", ((1, 0, 0, 0),)),
    ("add_schedule", ((1, 0, 0, 60, 1, 0, 1, 1),)), ("add_schedule", ((1, 0, 0, 0, 1, 5, 1, 1),)),
    ("register_callback", (256, print)), ("register_callback", (0, None)),
)
# what a call may change although it is refused: the event of the refusal, a spent reset number
UNBOUND = ("events", "_number")


def state_of(thing, name="manager", seen=None):
    """Every number and text that a manager holds, by its path; its events left out."""
    seen = {} if seen is None else seen
    if isinstance(thing, (int, str, bytes, type(None))):
        return {name: thing}
    if isinstance(thing, (bytearray, array)):
        return {name: bytes(thing)}
    if isinstance(thing, (list, tuple)):
        pairs = [(f"{name}[{i}]", entry) for i, entry in enumerate(thing)]
    elif type(thing).__module__.startswith("bess.") and id(thing) not in seen:
        seen[id(thing)] = thing
        pairs = [(f"{name}.{key}", value) for key, value in vars(thing).items()
                 if key.lstrip("_") != "events" and key not in UNBOUND and key != "settings"]
    else:
        return {}
    found = {}
    for path, value in pairs:
        found.update(state_of(value, path, seen))
    return found


def difference(before, after):
    return {path: (before.get(path), after.get(path)) for path in {*before, *after}
            if before.get(path) != after.get(path)}


class Judge(Watch):
    """Watch, and what may move while a person tests although a cause is latched."""

    def judge(self):
        manager, command = self.bench.manager, self.bench.manager.command
        w = command.battery_w
        if manager.mode == MAINTENANCE:
            assert abs(w) <= max(manager.test.power_w_max, abs(self.before_w))
            assert abs(w) <= abs(self.before_w) or manager.test.kind, "power without a test"
            assert w * self.before_w >= 0
            assert not w or command.run
        if manager.mode == MAINTENANCE and manager.latched:
            self.latched_ms, self.before_w = 0, w
        else:
            super().judge()
        if manager.mode == STANDBY and manager.stopped():
            assert not w and not command.run and not self.bench.coils()


class Api(RuleBasedStateMachine):
    """Calls and ticks in any order, on a healthy plant that sometimes is not."""

    def __init__(self):
        super().__init__()
        self.bench = Bench(self_use=1, service_key=KEY, remote_reset=1)
        self.bench.meter_w = 400
        self.manager = self.bench.manager
        self.watch = Judge(self.bench)
        self.seen = 0
        self.told = 0

    @initialize(stored=st.sampled_from(("nothing", "nothing", "running", "latch", "maintenance",
                                        "forgotten")))
    def boot(self, stored):
        assert self.manager.wishes.load_schedule() == 0     # test_loading.py tests that it loads
        assert self.manager.register_callback(-1, len) == 0
        assert self.manager.unregister_callback(-1, len) == 1
        if stored == "latch":
            self.manager.restore_latch(1 << CAUSE_INPUT, CAUSE_INPUT)
        elif stored == "maintenance":
            self.manager.restore_maintenance()
        elif stored in ("running", "forgotten"):
            self.manager.restore_run()
            if stored == "forgotten":
                self.manager.forget_run()
        self.ticks(30)

    def ticks(self, count):
        for _ in range(count):
            self.bench.tick()
            if self.manager.callbacks is not None:
                self.manager.callbacks.run(self.bench.now_ms)
            self.watch.judge()

    # --- calls ----------------------------------------------------------------------------

    @rule(calls=st.lists(ANY_CALL, min_size=4, max_size=16))
    def call(self, calls):
        for name, arguments, count in calls:
            self.call_once(name, arguments, count)

    @rule(calls=st.lists(ANY_CALL, min_size=4, max_size=16))
    def call_more(self, calls):
        """The same, so that calls come more often than the world changes."""
        self.call(calls=calls)

    def call_once(self, name, arguments, count):
        before = state_of(self.manager)
        answer = getattr(self.manager, name)(*arguments)
        assert isinstance(answer, int) and 0 <= answer <= REFUSED_CLOCK, (name, answer)
        if answer:
            assert not difference(before, state_of(self.manager)), (name, arguments, answer)
        elif name == "stop":
            assert not self.manager.run_wanted
        self.ticks(count)

    @rule(wrong=st.sampled_from(WRONG))
    def call_wrongly(self, wrong):
        name, arguments = wrong
        before, events = state_of(self.manager), self.manager.events.count
        try:
            getattr(self.manager, name)(*arguments)
        except ValueError as fault:
            assert str(fault), "says what is allowed"
        else:
            raise AssertionError(f"{name}{arguments} was taken")
        assert not difference(before, state_of(self.manager)), wrong
        assert self.manager.events.count == events, wrong

    @rule(fields=FIELDS | NOW_FIELDS, entry=st.none() | ENTRY, count=st.integers(0, 15))
    def write_schedule(self, fields, entry, count):
        mode, power_w = fields[4], fields[5]
        fields = (*fields[:5], {CHARGE: -power_w, DISCHARGE: power_w, IDLE: 0}[mode], *fields[6:])
        if entry is None:
            before = state_of(self.manager)
            entry = self.manager.add_schedule(fields)
            if entry < 0:
                assert not difference(before, state_of(self.manager))
        else:
            assert self.manager.update_schedule(entry, fields) == 0
        if entry >= 0:
            assert self.manager.get_schedule(entry) == fields
        self.ticks(count)

    @rule(battery_w=WATTS)
    def operate(self, battery_w):
        """A person runs it with some power, whatever the state allows."""
        if self.manager.start() == 0:
            self.ticks(60)
        self.manager.set_constant_power(battery_w, 0)
        self.ticks(8)

    @rule(running=ON, count=st.integers(0, 9))
    def press_emergency(self, running, count):
        if running:
            self.operate(battery_w=500)
        self.manager.emergency_shutdown()
        self.ticks(1)
        assert self.manager.mode == EMERGENCY and self.manager.is_emergency()
        assert (self.manager.command.run, self.manager.command.battery_w) == (0, 0)
        assert not self.manager.test.kind
        self.ticks(count)

    @precondition(lambda self: self.manager.mode in (EMERGENCY, STANDBY))
    @rule(battery_w=st.sampled_from((500, -500)), seconds=st.integers(0, 5))
    def repair(self, battery_w, seconds):
        """A person comes with the key, as soon as the pack has come to rest, and tests it."""
        self.bench.loop_ok = True
        self.ticks(90)
        self.manager.enter_maintenance(KEY)
        for _ in range(seconds):
            self.manager.test_power(battery_w)
            self.ticks(10)

    @rule(person=ON, fresh=ON)
    def reset(self, person, fresh):
        """Long enough after the causes went, a reset by a person or by number works."""
        self.bench.loop_ok = True
        self.ticks(80)
        number, before = self.manager.reset_number(), self.manager.latched
        answer = self.manager.reset_emergency(person, number if fresh else number + 1)
        assert bool(self.manager.latched) == bool(answer)
        if before and not person and (not fresh or before >> CAUSE_INPUT & 1):
            assert answer, "from afar: with the number only, and never after the button"
        self.ticks(1)
        if before and not answer:
            self.ticks(20)
            assert self.manager.mode == STANDBY, "after an emergency only `start` runs it"

    @rule(event=st.integers(-1, 255), raises=ON)
    def listen(self, event, raises):
        def hear(event, data, machine):
            machine.told += 1
            if raises:
                raise OSError("the listener's own fault")
        assert self.manager.unregister_callback(event, hear) == 0
        before = state_of(self.manager)
        if self.manager.register_callback(event, hear, self):
            assert not difference(before, state_of(self.manager))
        elif event % 3 == 0:
            assert self.manager.unregister_callback(event, hear) == 1
            # the first registration brings the list of callbacks
            assert all(name.startswith("manager.callbacks.") and was[0] is None for name, was in
                       difference(before, state_of(self.manager)).items())

    # --- the world ------------------------------------------------------------------------

    @rule(span=st.sampled_from((1, 5, 20, 70, 120)))
    def wait(self, span):
        self.ticks(span)

    @precondition(lambda self: self.manager.mode != EMERGENCY)
    @rule(column=st.sampled_from(((M_SOC_PM, 500), (M_SOC_PM, 60), (M_SOC_PM, 960),
                                  (M_CELL_MV_MAX, 3640), (M_CELL_MV_MAX, 3305),
                                  (M_CELL_MV_MIN, 2880), (M_CELL_MV_MIN, 3295))))
    def cells(self, column):
        self.bench.rows(*column)
        self.ticks(10)

    @rule(name=st.sampled_from(("loop_ok", "pcs_answers")), value=ON)
    def wires(self, name, value):
        setattr(self.bench, name, value)
        self.ticks(7)

    @rule(meter_w=st.none() | WATTS)
    def meter(self, meter_w):
        self.bench.meter_w = meter_w
        self.ticks(11)

    @rule(day=st.integers(20_000, 20_007), second=st.integers(43_190, 43_500))
    def clock(self, day, second):
        for _ in range(12):
            self.manager.image.put(UTC_DAY, day, self.bench.now_ms)
            self.manager.image.put(UTC_S, second, self.bench.now_ms)
            self.ticks(2)

    # --- what holds between calls ---------------------------------------------------------

    @invariant()
    def answers_fit_each_other(self):
        manager = self.manager
        status, limits, stats = [0] * len(STATUS), [0] * len(LIMITS), [0] * len(STATS)
        manager.status(status)
        manager.limits(limits)
        manager.stats(stats)
        assert manager.get_mode() == manager.mode
        assert manager.is_emergency() == (manager.latched != 0)
        assert manager.mode == EMERGENCY or not manager.latched or manager.mode == MAINTENANCE
        assert not manager.run_wanted or not manager.latched, "it would start by itself"
        wish_w = manager.remote_w()
        assert wish_w is None or -20_000 <= wish_w <= 20_000
        coils = manager.outputs() & (K_MINUS | PRECHARGE | K_PLUS)
        assert not coils or coils & K_MINUS or manager.mode == MAINTENANCE

    @invariant()
    def every_change_of_mode_is_permitted(self):
        events = self.manager.events
        new = (events.count - self.seen) & 0xFFFF
        self.seen = events.count
        for back in range(min(new, 32)):
            slot = events.slot(back)
            if slot >= 0 and events.event(slot) == EVENT_MODE_CHANGE:
                before, after = divmod(events.data(slot), 256)
                assert (before, after) in PERMITTED, (before, after)


@pytest.mark.hypothesis
def test_any_order_of_calls():
    usual = settings()
    run_state_machine_as_test(Api, settings=settings(max_examples=usual.max_examples // 2,
                                                     stateful_step_count=32))
