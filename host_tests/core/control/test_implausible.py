"""Readings that cannot be true, modules that say nothing, strings against each other."""

from bess.core.control.checks import FROZEN, JUMPING, MODULE_SILENT, OUT_OF_RANGE, SITE_OPPOSITE
from bess.core.points import BATTERY_W, M_CELL_MV_MAX, M_CELL_MV_MIN, M_CURRENT_MA, M_PACK_MV
from host_tests.core.bench_diagnosis import Rig, put
from host_tests.core.bench_pack import healthy


def frozen_rig(ma, strings_p=2):
    """The inverter moves, module 0 reads on as it did."""
    rig = Rig(strings_p=strings_p)
    rig.image.now[BATTERY_W] = 5000
    for row in rig.pack.rows:
        row[M_CURRENT_MA] = ma
    rig.wait(1000)
    return rig


def test_frozen_readings_block():
    rig = frozen_rig(47_000)
    rig.image.now[BATTERY_W] = 5000 + 2001      # a tenth of the rating and 1 W
    row = rig.pack.rows[1]
    for _ in range(9):
        row[M_CURRENT_MA] += 10
        rig.sample(0, 1)
        rig.sample(1)
    assert rig.holds(FROZEN) == 0, "nine samples"
    row[M_CURRENT_MA] += 10
    rig.sample(0, 1)
    assert rig.holds(FROZEN) == 1 and rig.blocks() == (True, True)
    assert rig.diagnosis.causes == 0
    rig.image.now[BATTERY_W] = 5000
    row[M_CURRENT_MA] += 10
    rig.wait(1000)
    assert rig.holds(FROZEN) == 1, "back at the old power it is as frozen as before"
    rig.pack.rows[0][M_CURRENT_MA] += 1
    rig.sample(0)
    assert rig.blocks() == (False, False), "it moves"


NOT_FROZEN = (
    # current, strings, power afterwards, why
    (47_000, 2, 5000 + 2000, "the power has moved by a tenth only"),
    (47_000, 2, 5000 - 2000, "downwards, too"),
    (47_000, 2, None, "power unknown"),
    (0, 2, 20_000, "0 A: its own switch may be open"),
)


def test_what_is_not_frozen():
    for ma, strings_p, power_w, why in NOT_FROZEN:
        rig = frozen_rig(ma, strings_p)
        rig.image.now[BATTERY_W] = power_w
        rig.wait(5000)
        assert rig.holds(FROZEN) == 0, why
    rig = frozen_rig(0, 1)
    rig.image.now[BATTERY_W] = 20_000
    rig.wait(1000)
    assert rig.holds(FROZEN) == 1, "a single string carries the current"
    rig.sequence.on_bus = False
    rig.sample(0)
    assert rig.holds(FROZEN) == 0, "off the bus nothing has to move"
    rig.wait(5000)
    assert rig.holds(FROZEN) == 0


def test_a_reading_from_an_unknown_power_is_not_compared():
    rig = Rig()
    rig.image.now[BATTERY_W] = None
    rig.pack.rows[0][M_CURRENT_MA] = 30_000
    rig.wait(500)
    rig.image.now[BATTERY_W] = 9000
    rig.wait(5000)
    assert rig.holds(FROZEN) == 0


def test_a_cell_that_jumps():
    for step_mv, wanted in ((150, 0), (151, 2), (-151, 2)):
        rig = Rig()
        row = rig.pack.rows[1]
        row[M_CELL_MV_MAX] += step_mv
        rig.sample(1)
        assert rig.holds(JUMPING) == 0, "one step is a load"
        row[M_CELL_MV_MAX] -= step_mv
        rig.sample(1)
        assert rig.holds(JUMPING) == wanted and rig.diagnosis.causes == 0, step_mv
        assert rig.blocks() == (False, False)
        rig.sample(1)
        assert rig.holds(JUMPING) == 0, "it rests"


def test_a_slope_is_no_jump():
    for step_mv, wanted in ((150, 0), (-150, 0), (151, 2), (-151, 2)):
        rig = Rig()
        for _ in range(2):
            rig.pack.rows[1][M_CELL_MV_MAX] += step_mv
            rig.sample(1)
        assert rig.holds(JUMPING) == wanted, step_mv


RANGES = (
    # cells (lowest, highest), voltage, is out of range, why
    (3295, 3305, 52_800, False, "16 cells"),
    (3295, 3305, 51_920, False, "50 mV a cell below the lowest"),
    (3295, 3305, 51_919, True, "less"),
    (3295, 3305, 53_680, False, "50 mV a cell above the highest"),
    (3295, 3305, 53_681, True, "more: a cell lies, or there are not 16"),
    (3200, 3300, 56_000, True, "cells that say 3.3 V at a full pack"),
    (3295, 3305, 0, True, "no voltage at all"),
)


def test_cells_must_add_up():
    for low_mv, high_mv, pack_mv, wanted, why in RANGES:
        rig = Rig()
        put(rig.pack.rows[0], (M_CELL_MV_MIN, low_mv, M_CELL_MV_MAX, high_mv, M_PACK_MV, pack_mv))
        rig.sample(0)
        assert rig.holds(OUT_OF_RANGE) == 0, why
        rig.sample(0)
        assert rig.holds(OUT_OF_RANGE) == (1 if wanted else 0), why
        assert rig.blocks() == (wanted, wanted) and rig.diagnosis.causes == 0, why
        healthy(rig.pack.rows[0])
        rig.sample(0)
        assert rig.blocks() == (False, False), why


def test_silent_modules_are_named():
    rig = Rig(strings_p=3)
    for _ in range(30):
        rig.sample(0, 2)
    assert rig.holds(MODULE_SILENT) == 2 and rig.blocks() == (False, False)
    rig.sequence.on_bus = False
    rig.sample(0, 2)
    assert rig.holds(MODULE_SILENT) == 0, "at rest a module may sleep"
    rig.sequence.on_bus = True
    rig.sample(0, 2)
    assert rig.holds(MODULE_SILENT) == 2
    rig.sample(0, 1, 2)
    assert rig.holds(MODULE_SILENT) == 0


OPPOSITE = (
    # currents in mA, is opposite, why (20 per mille of 312.5 Ah are 6.25 A)
    ((30_000, -6_251), True, "one charges the other"),
    ((-30_000, 6_251), True, "the other way round"),
    ((30_000, -6_250), False, "small enough"),
    ((-30_000, 6_250), False, "small enough"),
    ((20_000, -20_000), True, "nothing is left over"),
    ((30_000, 20_000), False, "both discharge"),
    ((-30_000, -20_000), False, "both charge"),
)


def test_opposite_currents():
    for currents, wanted, why in OPPOSITE:
        rig = Rig()
        for i in range(2):
            rig.pack.rows[i][M_CURRENT_MA] = currents[i]
        rig.wait(10_000)
        assert not rig.diagnosis.present & SITE_OPPOSITE, (why, "10 s")
        rig.wait(400)
        assert (rig.diagnosis.present & SITE_OPPOSITE != 0) == wanted, why
        rig.pack.rows[0][M_CURRENT_MA] = rig.pack.rows[1][M_CURRENT_MA] = 0
        rig.wait(300)
        assert not rig.diagnosis.present & SITE_OPPOSITE, why


def test_a_single_string_has_no_opposite():
    rig = Rig(strings_p=1)
    rig.pack.rows[0][M_CURRENT_MA] = 50_000
    rig.wait(11_000)
    assert rig.diagnosis.present == 0


def test_the_opposite_string_falls_silent():
    rig = Rig()
    rig.pack.rows[0][M_CURRENT_MA], rig.pack.rows[1][M_CURRENT_MA] = 90_000, -20_000
    rig.wait(10_500)
    assert rig.diagnosis.present & SITE_OPPOSITE
    for _ in range(30):
        rig.sample(0)
    assert not rig.diagnosis.present & SITE_OPPOSITE
