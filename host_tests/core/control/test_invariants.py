"""Each invariant broken once by hand: the check sees it, and the tick commands zero."""

from bess.core.control import invariants
from bess.core.control.modes import CHARGE, DISCHARGE, EMERGENCY, MAINTENANCE, STANDBY
from bess.core.points import BATTERY_W, CAUSE_INVARIANT
from host_tests.core.bench_pack import Bench


def _window(lo_w, hi_w):
    def change(manager):
        manager.window.lo_w, manager.window.hi_w = lo_w, hi_w
    return change


def _set(**values):
    def change(manager):
        for name in values:
            setattr(manager, name, values[name])
    return change


def _command(battery_w, run=1):
    def change(manager):
        manager.command.battery_w, manager.command.run = battery_w, run
    return change


def _blind(manager):
    manager.image.now[BATTERY_W] = None


def _silent(manager):
    manager.pack.strings_live = 0
    manager.pack.last_ms = manager.now_ms - 6201


def _faded(manager):
    manager.pack.strings_live = 0
    manager.pack.last_ms = manager.now_ms - 6200


def _no_wish(manager):
    manager.requests.wish_w = 0
    manager.command.battery_w = 5100


def _other_wish(manager):
    manager.requests.wish_w = -5000
    manager.command.battery_w = 5100


def _untested(manager):
    manager.mode = MAINTENANCE
    manager.command.battery_w = 5001


BROKEN = (
    # what a bug might do to a pack that discharges 5 kW, invariant, why
    (lambda manager: None, 0, "all is well"),
    (_window(100, 9000), invariants.ZERO_OUTSIDE, "0 is not inside"),
    (_window(-9000, -1), invariants.ZERO_OUTSIDE, "0 is not inside"),
    (_window(-9000, 4999), invariants.OUTSIDE_WINDOW, "command above the window"),
    (_window(-20_001, 9000), invariants.BEYOND_RATING, "window beyond the rating"),
    (_window(-9000, 20_001), invariants.BEYOND_RATING, "window beyond the rating"),
    (_set(mode=CHARGE), invariants.WRONG_SIGN, "discharge in CHARGE"),
    (_set(mode=STANDBY), invariants.NOT_STOPPED, "power in STANDBY"),
    (_set(mode=EMERGENCY), invariants.NOT_STOPPED, "power in EMERGENCY"),
    (_untested, invariants.NOT_STOPPED, "MAINTENANCE without a test"),
    (_command(5202), invariants.TOO_STEEP, "faster than the ramp"),
    (_command(5200), invariants.UNASKED, "as fast as the ramp, but nobody wants more"),
    (_command(-200), invariants.WRONG_SIGN, "charge in DISCHARGE"),
    (_blind, invariants.STALE, "nobody sees the inverter"),
    (_silent, invariants.STALE, "nobody sees the modules"),
    (_faded, 0, "the fade is not over"),
    (_no_wish, invariants.UNASKED, "a dead request moves nothing"),
    (_other_wish, invariants.UNASKED, "nor one of the other sign"),
)


def test_each():
    for change, wanted, why in BROKEN:
        manager = Bench().started(5000).manager
        if wanted in (invariants.TOO_STEEP, 0):
            manager.requests.wish_w = 20_000
        if why.startswith("as fast"):
            manager.requests.wish_w = 0
        change(manager)
        assert invariants.broken(manager, 5000, 100) == wanted, why


def test_zero_needs_no_fresh_reading():
    manager = Bench().started().manager
    _blind(manager)
    _silent(manager)
    assert invariants.broken(manager, 0, 100) == 0


def test_the_inverter_stopped_in_an_emergency():
    manager = Bench().started().manager
    manager.mode = EMERGENCY
    assert invariants.broken(manager, 0, 100) == invariants.NOT_STOPPED


def test_after_a_change_of_sign_the_rise_counts_from_zero():
    manager = Bench().started(-5000).manager
    manager.command.battery_w, manager.mode = 200, DISCHARGE
    manager.requests.wish_w = 5000
    assert invariants.broken(manager, -5000, 100) == 0
    manager.command.battery_w = 202
    assert invariants.broken(manager, -5000, 100) == invariants.TOO_STEEP


def test_a_breach_commands_zero_and_latches():
    bench = Bench().started(5000)
    manager = bench.manager
    manager.ramp.follow = lambda target_w, window, dt_ms: setattr(manager.ramp, "w", 12_345)
    bench.tick()
    assert (manager.command.battery_w, manager.command.run) == (0, 0)
    assert manager.latched == 1 << CAUSE_INVARIANT and manager.mode == EMERGENCY
