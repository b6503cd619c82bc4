"""Rules of the firmware that can be disabled, to see that the oracle misses each of them.

A row names what is replaced and by what; where two layers guard the same, both are. The
firmware's own invariants are disabled with every rule, so that it is the oracle that sees it.
"""

import contextlib

from bess.core import points
from bess.core.battery.energy import Counters
from bess.core.battery.pack import Pack
from bess.core.battery.sequence import Sequence
from bess.core.battery.strings import Strings
from bess.core.control import invariants, limits, maintenance, manager, restoring, rules
from bess.core.control.calls import PowerManager
from bess.core.control.checks import Watch
from bess.core.control.diagnosis import Diagnosis
from bess.core.control.island import Island
from bess.core.control.people import People
from bess.core.control.ramp import Ramp
from bess.core.control.schedule import Schedule
from bess.core.control.trips import Trips
from bess.core.request import Requests
from bess.core.window import Window
from bess.devices.sunspec_storage import StorageControl
from bess.protocols.registers import u16
from tools.simulate.disk import flash
from tools.simulate.packs_sabotage import PACK_RULES

_NEVER_MS = 1 << 29


def _open_gate(*whys):
    """A gate of these reasons restricts nothing."""
    let = limits.Gate.let

    def patched(self, x, now_ms):
        return 1000 if self.why in whys else let(self, x, now_ms)
    return limits.Gate, "let", patched


def _after(owner, name, change):
    """The method does its work, then `change(self)`."""
    original = getattr(owner, name)

    def patched(self, *words):
        result = original(self, *words)
        change(self)
        return result
    return owner, name, patched


def _clear_cause(*causes):
    def change(diagnosis):
        for cause in causes:
            diagnosis.causes &= ~(1 << cause)
    return change


def _blind_to_cells(diagnosis):
    diagnosis.block_charge = diagnosis.block_discharge = 0
    _clear_cause(points.CAUSE_CELL_HIGH, points.CAUSE_CELL_LOW)(diagnosis)


def _no_blocks():
    """The diagnosis closes no direction: it guards what the curves guard, a second time."""
    def change(diagnosis):
        diagnosis.block_charge = diagnosis.block_discharge = 0
    return _after(Diagnosis, "tick", change)


def _jump(self, w, aim_w, rate_w, dt_ms):
    return aim_w


def _set(name, value):
    def change(self):
        setattr(self, name, value)
    return change


# rule: what is patched, each as (owner, name, replacement)
def _step(answer, *names):
    """These conditions of the contactors' sequence: by name, and in its table of steps."""
    def condition(sequence):
        return answer
    own = [Sequence.__dict__[name] for name in names]
    table = tuple(condition if step in own else step for step in Sequence._DONE)
    return [(Sequence, "_DONE", table)] + [(Sequence, name, condition) for name in names]


RULES = {
    "cell high": lambda: [
        _open_gate(points.WHY_CELL_HIGH, points.WHY_PACK_VOLTAGE), _no_blocks()],
    "cell low": lambda: [
        _open_gate(points.WHY_CELL_LOW, points.WHY_PACK_VOLTAGE), _no_blocks()],
    "cell critical": lambda: [
        _open_gate(points.WHY_CELL_HIGH, points.WHY_CELL_LOW, points.WHY_PACK_VOLTAGE),
        _after(Diagnosis, "tick", _blind_to_cells)],
    "cold": lambda: [_open_gate(points.WHY_COLD), _no_blocks()],
    "hot": lambda: [_open_gate(points.WHY_HOT), _no_blocks()],
    "soc max": lambda: [_open_gate(points.WHY_SOC_MAX)],
    "soc min": lambda: [_open_gate(points.WHY_SOC_MIN)],
    "bms current": lambda: [
        (Pack, "_share_of", lambda self, limit_ma, strings: self.rated_ma * strings)],
    "live strings": lambda: [
        (Pack, "_share_of", lambda self, limit_ma, strings: min(limit_ma, self.rated_ma)
         * self.strings_p)],
    "protections": lambda: [_after(Pack, "_take_slow", _ignore_protections), _no_blocks()],
    "emergency input": lambda: [
        _after(Diagnosis, "tick", _clear_cause(points.CAUSE_INPUT))],
    "stored latch": lambda: [
        (restoring, "RESTORE", (lambda *words: None, *restoring.RESTORE[1:]))],
    "fade": lambda: [(rules, "_fade", lambda *words: None)],
    "silence opens": lambda: [
        _after(Diagnosis, "tick", _clear_cause(points.CAUSE_MODULES_SILENT))],
    "ramp": lambda: [(Ramp, "_towards", _jump)],
    "precharge": lambda: _step(True, "_filled"),
    "precharge pause": lambda: _step(True, "_cooled"),
    "open without current": lambda: [
        *_step(True, "_power_small", "_current_small"), (Sequence, "stop", _open_now)],
    "open in spite of current": lambda: _step(False, "_current_small"),
    "weld check": lambda: [
        *_step(True, "_all_open"),
        _after(Diagnosis, "tick", _clear_cause(points.CAUSE_CONTACTOR))],
    "refresh": lambda: [_after(StorageControl, "__init__", _set("_refresh_ms", _NEVER_MS))],
    "request expiry": lambda: [_after(Requests, "ask", _live_for_ever)],
    "meter stale": lambda: [(manager, "stale_step", lambda age_ms: 0)],
    "two slots": lambda: [(flash.FlashStore, "save", _save_in_place)],
    "energy": lambda: [(Counters, "add", _book_less(Counters.add))],
    "window": lambda: [(Ramp, "follow", _beyond)],
    "own invariants": lambda: [(Ramp, "follow", _beyond)],
    "revert timer": lambda: [
        _after(StorageControl, "__init__", _no_revert),
        _after(Trips, "tick", _no_trip(points.TRIP_PCS_SILENT, points.TRIP_PCS_UNCONFIRMED))],
    "direction": lambda: [(StorageControl, "_aim", _aim_at(StorageControl._aim, -100))],
    "scale": lambda: [(StorageControl, "_aim", _aim_at(StorageControl._aim, 93))],
    "trips clear": lambda: [(Trips, "_settle", _never_off)],
    "black start": lambda: [(Island, "_may_start", lambda *words: False)],
    "ratings": lambda: [(Window, "open", _open_wide(Window.open))],
    "schedule": lambda: [(Schedule, "tick", lambda *words: None)],
    "end of an entry": lambda: [(Schedule, "_run", _run_on(Schedule._run))],
    "dead man": lambda: [(maintenance.Test, "over", lambda *words: False)],
    "power of a test": lambda: [(manager.Manager, "_maintain", lambda *words: None)],
    "service key": lambda: [
        (owner, "enter_maintenance", _any_key(People.enter_maintenance))
        for owner in (People, PowerManager)],       # the calls are loaded from one to the other
    "read back": lambda: [(StorageControl, "_compare", _believe)],
    "string voltage": lambda: [(Strings, "_off_mv", lambda *words: 0)],
    "backup output": lambda: [(Island, "_forms", lambda self: False)],
    "missed entry": lambda: [(Schedule, "_close", _arm_again)],
    "trickle": lambda: [
        *_trickle(lambda self: self._test(
            maintenance.TRICKLE, -self.settings.charge_w_max, 0)),
        _after(maintenance.Test, "__init__", _any_power),
        _open_gate(points.WHY_CELL_LOW)],
    "trickle in the cold": lambda: _trickle(lambda self: self._test(
        maintenance.TRICKLE, -self.test.power_w_max, 0)),
    "recovery": lambda: _trickle(lambda self: self.refuse(0)),
    **PACK_RULES,
}
# with these the firmware's invariants stay awake: it is they that see it
_AWAKE = ("own invariants",)


def _no_revert(control):
    control._revert_s = control.setup._revert_s = 0


def _no_trip(*trips):
    def change(watch):
        for trip in trips:
            watch.present &= ~(1 << trip)
            watch.raised &= ~(1 << trip)
    return change


def _aim_at(aim, percent):
    """The inverter is told so much of the command."""
    def patched(self):
        command = self._command
        battery_w = command.battery_w
        command.battery_w = battery_w * percent // 100
        aim(self)
        command.battery_w = battery_w
    return patched


def _open_wide(open_window):
    def patched(self, charge_w, discharge_w, why):
        open_window(self, 4 * charge_w, 4 * discharge_w, why)
    return patched


def _run_on(run):
    """What runs goes on until another entry begins."""
    def patched(self, entry, day, events, now_ms):
        if entry >= 0:
            run(self, entry, day, events, now_ms)
    return patched


def _any_key(enter):
    def patched(self, key="", person=True):
        return enter(self, self.settings.service_key, person)
    return patched


def _trickle(call):
    """Both owners: the calls are loaded from one to the other."""
    return [(owner, "test_trickle", call) for owner in (People, PowerManager)]


def _any_power(test):
    test.charge_w = 1_000_000


def _arm_again(self, entry, once, events, now_ms):
    self._marked[entry] = 0             # no day: it is for the next one


def _believe(self, slot, data, register):
    """The device holds what was written once."""
    if self._known[slot] is None:
        self._known[slot] = u16(data, 2 * register)
    return True


def _never_off(self, on, off, now_ms):
    return Watch._settle(self, on, 0, now_ms)


def _ignore_protections(pack):
    for i in range(pack.count):
        if pack.rows[i][points.M_PROTECTIONS]:
            pack._charge[i] = pack.rated_ma


def _open_now(self, now_ms, at_once=False):
    if self.phase != 0:
        self._enter(13, now_ms)


def _live_for_ever(requests):
    for slot in range(len(requests._life_ms)):
        requests._life_ms[slot] = 0


def _save_in_place(self, name, content):
    with flash.open(self._path(name, 0), "wb") as file:
        file.write(flash._header(1, content))
        file.write(content)
    return True


def _book_less(add):
    def patched(self, flow, power_w, dt_ms):
        add(self, flow, power_w and power_w - power_w // 100, dt_ms)
    return patched


def _beyond(self, wish_w, window, dt_ms):
    self.w = wish_w
    return wish_w


@contextlib.contextmanager
def disabled(rule):
    """Within it the rule (None: none) does not exist."""
    if rule is None:
        yield
        return
    patches = RULES[rule]()
    if rule not in _AWAKE:
        patches.append((invariants, "broken", lambda *words: 0))
    originals = [(owner, name, owner.__dict__.get(name)) for owner, name, _ in patches]
    for owner, name, replacement in patches:
        setattr(owner, name, replacement)
    try:
        yield
    finally:
        for owner, name, original in originals:
            if original is None:        # inherited
                delattr(owner, name)
            else:
                setattr(owner, name, original)
