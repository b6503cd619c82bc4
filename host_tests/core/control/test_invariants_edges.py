"""Invariants to the watt and to the millisecond, in both directions, on values set by hand."""

from bess.core.control import invariants
from bess.core.control.invariants import (
    BEYOND_RATING, NOT_STOPPED, OUTSIDE_WINDOW, STALE, TOO_STEEP, UNASKED, WRONG_SIGN,
    ZERO_OUTSIDE,
)
from bess.core.control.modes import (
    CHARGE, DISCHARGE, EMERGENCY, IDLE, MAINTENANCE, OFF, RUNNING, STANDBY, STARTING, STOPPING,
)
from bess.core.points import BATTERY_W
from bess.core.tick import TICK_MASK


class World:
    """A manager of 10 kW in and 12 kW out whose every part is this object."""

    def __init__(self):
        self.window = self.command = self.island = self.test = self.sequence = self
        self.requests = self.image = self.pack = self.settings = self
        self.support = None
        self.charge_w_max, self.discharge_w_max = 10_000, 12_000
        self.tick_ms, self.fade_after_ms = 100, 5000
        self.lo_w, self.hi_w, self.battery_w, self.run = -10_000, 12_000, 0, 1
        self.mode, self.phase, self.kind = IDLE, RUNNING, 0
        self.islanded = self.acts = False
        self.wish_w, self.rise_w, self.shifted_w = 0, 2000, 0
        self.now = {BATTERY_W: 0}
        self.now_ms = 100
        self.last_ms, self.strings_live = 0, 1

    def judged(self, changes, before_w, dt_ms):
        for k in range(0, len(changes), 2):
            setattr(self, changes[k], changes[k + 1])
        return invariants.broken(self, before_w, dt_ms)


def out(w, *others):
    """Discharge with w, and somebody wants a lot of it."""
    return ("battery_w", w, "mode", DISCHARGE, "wish_w", 12_000) + others


def into(w, *others):
    """Charge with w (negative), and somebody wants a lot of it."""
    return ("battery_w", w, "mode", CHARGE, "wish_w", -10_000) + others


STEADY = (
    # changes, power before, which one breaks, why
    ((), 0, 0, "at rest"),
    (("lo_w", 0, "hi_w", 0), 0, 0, "closed on both sides"),
    (("lo_w", 1), 0, ZERO_OUTSIDE, "0 is below it"),
    (("hi_w", -1), 0, ZERO_OUTSIDE, "0 is above it"),
    (out(9000, "hi_w", 9000), 9000, 0, "at the upper limit"),
    (out(9001, "hi_w", 9000), 9001, OUTSIDE_WINDOW, "a watt above"),
    (into(-9000, "lo_w", -9000), -9000, 0, "at the lower limit"),
    (into(-9001, "lo_w", -9000), -9001, OUTSIDE_WINDOW, "a watt below"),
    (("lo_w", -10_001), 0, BEYOND_RATING, "the window, though nothing flows"),
    (("hi_w", 12_001), 0, BEYOND_RATING, "each side has its own rating"),
    (("hi_w", 11_000), 0, 0, "discharge may be more than charge"),
    (("mode", EMERGENCY, "run", 0, "phase", STOPPING), 0, 0, "stopped"),
    (("mode", EMERGENCY, "phase", STOPPING), 0, NOT_STOPPED, "the inverter runs"),
    (out(1, "mode", EMERGENCY, "run", 0, "phase", STOPPING), 1, NOT_STOPPED, "a watt is asked"),
    (("mode", MAINTENANCE, "phase", STOPPING), 0, 0, "on its way to rest"),
    (out(500, "mode", MAINTENANCE, "phase", STOPPING), 500, 0, "no more than before"),
    (out(501, "mode", MAINTENANCE, "phase", STOPPING), 500, NOT_STOPPED, "more, and nobody tests"),
    (into(-500, "mode", MAINTENANCE, "phase", STOPPING), -500, 0, "no more than before"),
    (into(-501, "mode", MAINTENANCE, "phase", STOPPING), -500, NOT_STOPPED, "the other way"),
    (into(-501, "mode", MAINTENANCE, "kind", 1), -500, 0, "a test"),
    (out(1, "mode", CHARGE), 1, WRONG_SIGN, "a watt the wrong way"),
    (into(-1, "mode", DISCHARGE), -1, WRONG_SIGN, "a watt the wrong way"),
    (out(1, "mode", IDLE), 1, 0, "the mode follows at the end of the tick"),
    (out(1, "mode", STANDBY), 1, NOT_STOPPED, "it runs"),
    (out(1, "mode", STANDBY, "phase", STOPPING), 1, 0, "on its way down"),
)

CLOSED = (
    # mode, phases in which contactors and inverter may be then, why
    (STANDBY, (OFF, STARTING, STOPPING), "it is on its way, or rests"),
    (IDLE, (RUNNING,), "ready in one tick"),
    (CHARGE, (RUNNING,), "power flows through closed contactors only"),
    (DISCHARGE, (RUNNING,), "the same"),
    (EMERGENCY, (OFF, STOPPING), "they open, and nothing starts"),
    (MAINTENANCE, (OFF, STOPPING), "a test alone may start"),
)


def test_contactors_are_closed_as_the_mode_says():
    for mode, phases, why in CLOSED:
        for phase in (OFF, STARTING, RUNNING, STOPPING):
            for islanded in (False, True):
                world = ("mode", mode, "phase", phase, "run", 0, "islanded", islanded)
                wanted = 0 if phase in phases else NOT_STOPPED
                assert World().judged(world, 0, 100) == wanted, (mode, phase, islanded, why)
    assert World().judged(("mode", MAINTENANCE, "kind", 1), 0, 100) == 0, "a test"


def test_steady():
    for changes, before_w, wanted, why in STEADY:
        assert World().judged(changes, before_w, 100) == wanted, why


RISES = (
    # changes, power before, ms since, which one breaks, why (2000 W a second, 100 ms: 200 W)
    (out(1201), 1000, 100, 0, "a watt for rounding"),
    (out(1202), 1000, 100, TOO_STEEP, "more"),
    (into(-1201), -1000, 100, 0, "the same in"),
    (into(-1202), -1000, 100, TOO_STEEP, "the same in"),
    (out(1101), 1000, 50, 0, "half the time, half the rise"),
    (out(1102), 1000, 50, TOO_STEEP, "half the time, half the rise"),
    (out(1401), 1000, 5000, 0, "a late tick counts as two"),
    (out(1402), 1000, 5000, TOO_STEEP, "no more"),
    (out(3001, "rise_w", 20_000), 1000, 100, 0, "a faster ramp"),
    (out(3002, "rise_w", 20_000), 1000, 100, TOO_STEEP, "a faster ramp"),
    (out(201), -5000, 100, 0, "after the other sign it begins at 0"),
    (out(202), -5000, 100, TOO_STEEP, "after the other sign it begins at 0"),
    (into(-201), 5000, 100, 0, "both ways"),
    (into(-202), 5000, 100, TOO_STEEP, "both ways"),
    (into(-202), 0, 100, TOO_STEEP, "from rest"),
    (out(500), 5000, 100, 0, "down as fast as it must"),
    (out(1501, "shifted_w", 300), 1000, 100, 0, "what moved over from another pack"),
    (out(1502, "shifted_w", 300), 1000, 100, TOO_STEEP, "and no more than that"),
    (out(1501, "shifted_w", -300), 1000, 100, 0, "whichever way it moved"),
    (out(1001, "wish_w", 0), 1000, 100, UNASKED, "a watt more, and nobody asks"),
    (out(1001, "wish_w", 1), 1000, 100, 0, "somebody does"),
    (out(1001, "wish_w", -1), 1000, 100, UNASKED, "somebody asks for the other"),
    (into(-1001, "wish_w", 0), -1000, 100, UNASKED, "a watt more, and nobody asks"),
    (into(-1001, "wish_w", -1), -1000, 100, 0, "somebody does"),
    (into(-1001, "wish_w", 1), -1000, 100, UNASKED, "somebody asks for the other"),
    (out(1000, "wish_w", 0), 1000, 100, 0, "as before: it may fall"),
    (out(999, "wish_w", -9), 1000, 100, 0, "less than before"),
)


def test_rises():
    for changes, before_w, dt_ms, wanted, why in RISES:
        assert World().judged(changes, before_w, dt_ms) == wanted, (why, changes)


def test_support_of_the_grid_asks_by_itself():
    for acts, wanted in ((False, UNASKED), (True, 0)):
        world = World()
        world.support = world
        world.acts = acts
        assert world.judged(out(1001, "wish_w", 0), 1000, 100) == wanted, acts
    world.acts = True
    assert world.judged(out(1202), 1000, 100) == TOO_STEEP, "no faster than it may"


ISLANDS = (
    (EMERGENCY, STOPPING, 1, NOT_STOPPED, "it must stop"),
    (EMERGENCY, STOPPING, 0, 0, "it is stopped"),
    (DISCHARGE, RUNNING, 1, 0, "power follows the load, whatever the window says"),
)


def test_in_an_island_only_run_or_stop_is_judged():
    for mode, phase, run, wanted, why in ISLANDS:
        world = World()
        world.mode, world.phase, world.run = mode, phase, run
        changes = ("islanded", True, "battery_w", 99_000, "lo_w", 5)
        assert world.judged(changes, 0, 100) == wanted, why


AGES = (
    # strings live, ms since the last sample, stale, why
    (1, 90_000, False, "one lives: each has its own age"),
    (0, 6200, False, "5 s, the fade of 1 s, and two ticks"),
    (0, 6201, True, "beyond"),
)


def test_power_on_old_readings():
    for strings_live, age_ms, stale, why in AGES:
        for w in (1, -1):
            world = World()
            world.strings_live, world.last_ms = strings_live, TICK_MASK - 3000
            world.now_ms = (world.last_ms + age_ms) & TICK_MASK
            changes = out(w) if w > 0 else into(w)
            assert world.judged(changes, w, 100) == (STALE if stale else 0), why
            assert world.judged(("battery_w", 0), 0, 100) == 0, (why, "no power, no matter")
    for w in (1, -1):
        world = World()
        world.now[BATTERY_W] = None
        assert world.judged(out(w) if w > 0 else into(w), w, 100) == STALE


def test_the_numbers_are_fixed():
    """They are the data of the event INVARIANT."""
    assert (ZERO_OUTSIDE, OUTSIDE_WINDOW, BEYOND_RATING, WRONG_SIGN, TOO_STEEP, STALE,
            NOT_STOPPED, UNASKED) == (1, 2, 3, 4, 5, 6, 7, 8)
