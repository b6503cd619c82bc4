"""Grid connection: types, flags, caps, reserve, and what follows a meter that is late."""

import micropython

from bess.core.control.grid_rules import BACKUP, EXPORT, INTERACTIVE, ISOLATED, GridRules
from bess.core.points import (
    WHY_EXPORT_CAP, WHY_GRID_CHARGING_OFF, WHY_GRID_EXPORT_OFF, WHY_GRID_TYPE, WHY_IMPORT_CAP,
    WHY_METER_STALE, WHY_RATING, WHY_RESERVE,
)
from bess.core.window import Window

FULL_W = 10_000
KEYS = ("allow_grid_charging", "allow_grid_export", "import_w_max", "export_w_max")
FREE = (1, 1, 0, 0)


class Settings:
    def __init__(self, kind, flags=FREE, protect_from_grid=1):
        self.grid_connection = kind
        for i in range(len(KEYS)):
            setattr(self, KEYS[i], flags[i])
        self.backup_reserve_pm = 500
        self.protect_from_grid = protect_from_grid


def window():
    bounds = Window()
    bounds.open(FULL_W, FULL_W, WHY_RATING)
    return bounds


def narrowed(kind, flags, base_w, command_w=0, meter_step=0, exempt_w=0):
    """Window after the rules; base_w None: no sample yet."""
    rules, bounds = GridRules(Settings(kind, flags)), window()
    if base_w is not None:
        rules.sample(base_w, 0)
    rules.narrow(bounds, command_w, meter_step, exempt_w)
    return bounds


TYPES = (
    # type, flags, base, lo, reason, hi, reason, why
    (ISOLATED, FREE, 2000, -FULL_W, WHY_RATING, FULL_W, WHY_RATING, "no grid, no rule"),
    (ISOLATED, (0, 0, 500, 500), None, -FULL_W, WHY_RATING, FULL_W, WHY_RATING, "nor a meter"),
    (BACKUP, FREE, 2000, -FULL_W, WHY_RATING, 2000, WHY_GRID_TYPE, "the load, never the grid"),
    (BACKUP, FREE, -2000, -FULL_W, WHY_RATING, 0, WHY_GRID_TYPE, "a surplus needs no battery"),
    (BACKUP, (0, 1, 0, 0), 2000, 0, WHY_GRID_CHARGING_OFF, 2000, WHY_GRID_TYPE, "no surplus"),
    (BACKUP, (0, 1, 0, 0), -2000, -2000, WHY_GRID_CHARGING_OFF, 0, WHY_GRID_TYPE, "surplus only"),
    (INTERACTIVE, FREE, None, -FULL_W, WHY_RATING, FULL_W, WHY_RATING, "free, also without meter"),
    (INTERACTIVE, (0, 1, 0, 0), -2000, -2000, WHY_GRID_CHARGING_OFF, FULL_W, WHY_RATING,
     "charges from surplus"),
    (INTERACTIVE, (0, 1, 0, 0), 1, 0, WHY_GRID_CHARGING_OFF, FULL_W, WHY_RATING, "none left"),
    (INTERACTIVE, (1, 0, 0, 0), 2000, -FULL_W, WHY_RATING, 2000, WHY_GRID_EXPORT_OFF,
     "as much as the load"),
    (INTERACTIVE, (1, 0, 0, 0), -1, -FULL_W, WHY_RATING, 0, WHY_GRID_EXPORT_OFF, "no load"),
    (EXPORT, FREE, -2000, -2000, WHY_GRID_TYPE, FULL_W, WHY_RATING, "surplus in, all out"),
    (EXPORT, (1, 0, 0, 0), 2000, 0, WHY_GRID_TYPE, 2000, WHY_GRID_EXPORT_OFF, "flags only narrow"),
    (INTERACTIVE, (1, 1, 5000, 0), 2000, -3000, WHY_IMPORT_CAP, FULL_W, WHY_RATING,
     "3 kW are left of the import"),
    (INTERACTIVE, (1, 1, 5000, 0), 6000, 0, WHY_IMPORT_CAP, FULL_W, WHY_RATING,
     "the load alone is beyond the cap"),
    (INTERACTIVE, (1, 1, 5000, 0), -1000, -6000, WHY_IMPORT_CAP, FULL_W, WHY_RATING,
     "cap and surplus"),
    (INTERACTIVE, (1, 1, 0, 3000), 2000, -FULL_W, WHY_RATING, 5000, WHY_EXPORT_CAP,
     "load and cap"),
    (INTERACTIVE, (1, 1, 0, 3000), -4000, -FULL_W, WHY_RATING, 0, WHY_EXPORT_CAP,
     "PV alone is beyond the cap"),
    (INTERACTIVE, (0, 0, 5000, 3000), -2000, -2000, WHY_GRID_CHARGING_OFF, 0, WHY_GRID_EXPORT_OFF,
     "the tighter rule is the reason"),
    (INTERACTIVE, (1, 1, 5000, 3000), None, 0, WHY_METER_STALE, 0, WHY_METER_STALE, "no meter"),
    (INTERACTIVE, (1, 1, 5000, 0), None, 0, WHY_METER_STALE, FULL_W, WHY_RATING,
     "only the side that needs it"),
    (INTERACTIVE, (1, 1, 0, 3000), None, -FULL_W, WHY_RATING, 0, WHY_METER_STALE,
     "only the side that needs it"),
    (INTERACTIVE, (0, 1, 0, 0), None, 0, WHY_METER_STALE, FULL_W, WHY_RATING, "no meter"),
    (BACKUP, FREE, None, -FULL_W, WHY_RATING, 0, WHY_METER_STALE, "no meter"),
)
NEEDS = (
    # type, flags, needs the meter
    (ISOLATED, (0, 0, 1000, 1000), False),
    (BACKUP, FREE, True),
    (INTERACTIVE, FREE, False),
    (INTERACTIVE, (0, 1, 0, 0), True),
    (INTERACTIVE, (1, 0, 0, 0), True),
    (INTERACTIVE, (1, 1, 1, 0), True),
    (INTERACTIVE, (1, 1, 0, 1), True),
    (EXPORT, FREE, True),
)
LATE = (
    # flags, command, age step, lo, hi, why
    ((0, 0, 0, 0), -1000, 0, -2000, 0, "fresh: the surplus of 2 kW"),
    ((0, 0, 0, 0), -1000, 1, -1000, 0, "15 s: towards zero only"),
    ((0, 0, 0, 0), 500, 1, 0, 0, "15 s: no new direction"),
    ((0, 0, 0, 0), -1000, 2, 0, 0, "30 s: closed"),
    ((0, 0, 0, 0), -1000, 3, 0, 0, "60 s: closed"),
    ((1, 1, 0, 9000), 4000, 1, -FULL_W, 4000, "15 s: only the side with a rule"),
    ((1, 1, 9000, 0), -4000, 1, -4000, FULL_W, "15 s: only the side with a rule"),
    ((1, 1, 0, 3000), 4000, 1, -FULL_W, 1000, "15 s: the last base stands"),
    ((1, 1, 0, 9000), 4000, 2, -FULL_W, 0, "30 s: only the side with a rule"),
)
EXEMPT = (
    # type, flags, base, command, age step, lo, why
    (EXPORT, FREE, 2000, 0, 0, -800, "protection may take it from the grid"),
    (EXPORT, FREE, -2000, 0, 0, -2000, "there is more surplus"),
    (INTERACTIVE, (0, 1, 0, 0), 2000, 0, 0, -800, "the flag lets it pass"),
    (INTERACTIVE, (0, 1, 2500, 0), 2000, 0, 0, -500, "a cap does not"),
    (INTERACTIVE, (0, 1, 0, 0), None, 0, 0, -800, "nor does it need the meter"),
    (INTERACTIVE, (0, 1, 0, 0), 2000, -300, 1, -800, "nor a fresh one"),
    (INTERACTIVE, (0, 1, 2500, 0), None, 0, 0, 0, "with a cap it does"),
    (INTERACTIVE, (0, 1, 2500, 0), 2000, -300, 1, -300, "with a cap it does"),
    (INTERACTIVE, (0, 1, 0, 0), 2000, 0, 2, -800, "an old one"),
)


def test_types_flags_and_caps():
    for kind, flags, base_w, lo_w, lo_why, hi_w, hi_why, why in TYPES:
        bounds = narrowed(kind, flags, base_w)
        assert (bounds.lo_w, bounds.hi_w) == (lo_w, hi_w), (why, bounds.lo_w, bounds.hi_w)
        assert (bounds.lo_why, bounds.hi_why) == (lo_why, hi_why), (why, bounds.lo_why)


def test_who_needs_the_meter():
    for kind, flags, needs in NEEDS:
        assert GridRules(Settings(kind, flags)).needs_meter == needs, (kind, flags)


def test_the_base_is_of_one_instant_and_stands_until_the_next_sample():
    rules = GridRules(Settings(INTERACTIVE, (1, 0, 0, 0)))
    rules.sample(500, 1500)
    for _ in range(3):
        bounds = window()
        rules.narrow(bounds, 1500, 0, 0)
        assert bounds.hi_w == 2000, "grid and battery together are the load"
    rules.sample(-3000, None)
    bounds = window()
    rules.narrow(bounds, 1500, 0, 0)
    assert bounds.hi_w == 0 and bounds.hi_why == WHY_METER_STALE, "the battery's part is unknown"
    rules.sample(100, 200)
    rules.sample(None, 200)
    assert rules.base_w is None


def test_a_late_meter():
    for flags, command_w, meter_step, lo_w, hi_w, why in LATE:
        bounds = narrowed(INTERACTIVE, flags, -2000, command_w, meter_step)
        assert (bounds.lo_w, bounds.hi_w) == (lo_w, hi_w), (why, bounds.lo_w, bounds.hi_w)
        if meter_step and lo_w == 0:
            assert bounds.lo_why == WHY_METER_STALE, why


def test_protective_charge():
    for kind, flags, base_w, command_w, meter_step, lo_w, why in EXEMPT:
        bounds = narrowed(kind, flags, base_w, command_w, meter_step, 800)
        assert bounds.lo_w == lo_w, (why, bounds.lo_w)
    rules, bounds = GridRules(Settings(EXPORT, FREE, 0)), window()
    rules.sample(2000, 0)
    rules.narrow(bounds, 0, 0, 800)
    assert bounds.lo_w == 0, "the owner does not permit it"


def test_reserve_of_a_backup():
    rules = GridRules(Settings(BACKUP))
    for soc_pm, hi_w, why in (
            (501, FULL_W, "above"), (500, 0, "at it"), (400, 0, "below"), (519, 0, "not yet"),
            (520, FULL_W, "20 per mille above"), (501, FULL_W, "no hysteresis on the way down"),
            (None, 0, "unknown closes"), (519, 0, "and reopens like any"), (600, FULL_W, "full")):
        bounds = window()
        rules.keep_reserve(bounds, soc_pm)
        assert bounds.hi_w == hi_w, why
        assert bounds.hi_why == (WHY_RATING if hi_w else WHY_RESERVE), why
        assert bounds.lo_w == -FULL_W, why


def test_only_a_backup_keeps_a_reserve():
    for kind in (ISOLATED, INTERACTIVE, EXPORT):
        bounds = window()
        GridRules(Settings(kind)).keep_reserve(bounds, 0)
        assert bounds.hi_w == FULL_W, kind


def test_grid_power_where_there_is_no_grid():
    for kind, grid_w, after_ms, wanted, why in (
            (ISOLATED, 201, 5000, True, "for 5 s"),
            (ISOLATED, -201, 5000, True, "either way"),
            (ISOLATED, 201, 4999, False, "not yet"),
            (ISOLATED, 200, 9000, False, "measuring noise"),
            (ISOLATED, None, 9000, False, "unknown"),
            (INTERACTIVE, 9000, 9000, False, "it has a grid"),
            (BACKUP, 9000, 9000, False, "it has a grid")):
        rules = GridRules(Settings(kind))
        assert not rules.unexpected(grid_w, 100), why
        assert rules.unexpected(grid_w, 100 + after_ms) == wanted, why
    rules.connect(ISOLATED)
    rules.unexpected(300, 0)
    rules.unexpected(0, 4000)
    assert not rules.unexpected(300, 5000), "without a break"


def test_another_type_while_running():
    rules = GridRules(Settings(INTERACTIVE, (1, 1, 0, 3000)))
    rules.sample(2000, 0)
    for kind, hi_w in ((BACKUP, 2000), (EXPORT, 5000), (ISOLATED, FULL_W), (INTERACTIVE, 5000)):
        rules.connect(kind)
        bounds = window()
        rules.narrow(bounds, 0, 0, 0)
        assert rules.kind == kind and bounds.hi_w == hi_w, (kind, bounds.hi_w)


def test_no_such_type():
    rules = GridRules(Settings(INTERACTIVE))
    for kind in (-1, 4):
        try:
            rules.connect(kind)
        except ValueError as error:
            assert "0 to 3" in str(error)
        else:
            assert False, kind
        assert rules.kind == INTERACTIVE, "nothing changed"


def test_allocates_nothing():
    rules, bounds = GridRules(Settings(BACKUP, (0, 0, 5000, 3000))), window()
    micropython.heap_lock()
    try:
        for i in range(8):
            bounds.open(FULL_W, FULL_W, WHY_RATING)
            rules.sample(1000 * i, None if i == 3 else -500 * i)
            rules.narrow(bounds, 700, i & 3, 250)
            rules.keep_reserve(bounds, 100 * i)
            rules.unexpected(300, 1000 * i)
    finally:
        micropython.heap_unlock()
    assert bounds.lo_w == 0
