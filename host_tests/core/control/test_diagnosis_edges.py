"""Diagnosis at its edges: what creeps up without a jump, the second module, opposite strings.

A module whose readings jump is looked at anyway; of one that creeps only its levels tell.
"""

from bess.core.control.checks import (
    CELL_HIGH, CELL_LOW, CELL_SPREAD, COLD_CHARGE, FROZEN, HOT, JUMPING, SITE_OPPOSITE,
    TEMPERATURE_SPREAD,
)
from bess.core.points import (
    BATTERY_W, CAUSE_CELL_HIGH, CAUSE_OVER_CURRENT, CAUSE_TEMPERATURE, M_CELL_DC_MAX,
    M_CELL_DC_MIN, M_CELL_MV_MAX, M_CELL_MV_MIN, M_CURRENT_MA, M_PACK_MV,
)
from bess.core.tick import TICK_MASK
from host_tests.core.bench_diagnosis import Rig


def level(row, high_mv, low_mv, hot_dc, cold_dc):
    row[M_CELL_MV_MAX], row[M_CELL_MV_MIN] = high_mv, low_mv
    row[M_CELL_DC_MAX], row[M_CELL_DC_MIN] = hot_dc, cold_dc
    row[M_PACK_MV] = (high_mv + low_mv) // 2 * 16


CREEPS = (
    # (highest, lowest cell, hottest, coldest) step by step, the last but one good, number, why
    (((3420, 3410, 260, 240), (3540, 3530, 260, 240), (3649, 3640, 260, 240),
      (3650, 3640, 260, 240)), CELL_HIGH, "full"),
    (((3170, 3160, 260, 240), (3030, 3010, 260, 240), (2890, 2870, 260, 240),
      (2870, 2851, 260, 240), (2870, 2850, 260, 240)), CELL_LOW, "empty"),
    (((3300, 3290, 440, 420), (3300, 3290, 480, 460), (3300, 3290, 520, 500),
      (3300, 3290, 549, 520), (3300, 3290, 550, 520)), HOT, "hot"),
    (((3300, 3290, 60, 40), (3300, 3290, 40, 1), (3300, 3290, 40, 0)), COLD_CHARGE, "freezing"),
    (((3300, 3050, 260, 240), (3300, 3001, 260, 240), (3300, 3000, 260, 240)), CELL_SPREAD,
     "cells apart"),
    (((3300, 3290, 260, 120), (3300, 3290, 260, 110), (3300, 3290, 261, 110)),
     TEMPERATURE_SPREAD, "cells apart in temperature"),
)


def test_what_creeps_over_a_limit():
    for course, number, why in CREEPS:
        for modules in ((0, 1), (0,), (1,)):        # all of them, or one beside a healthy one
            rig = Rig()
            rig.step_ms = 2000
            for values in course[:-1]:
                for i in modules:
                    level(rig.pack.rows[i], *values)
                assert rig.wait(90_000) == () and rig.holds(number) == 0, (why, modules)
            for i in modules:
                level(rig.pack.rows[i], *course[-1])
            rig.sample(0, 1)
            assert rig.holds(number) == 0, (why, "one sample")
            rig.sample(0, 1)
            assert rig.holds(number) == sum([1 << i for i in modules]), (why, modules)


def test_the_second_module_is_counted_like_the_first():
    for i in (0, 1, 2):
        rig = Rig(strings_p=3)
        row = rig.pack.rows[i]
        for value in (3760, 3749, 3760):
            row[M_CELL_MV_MAX] = value
            assert rig.sample(i) == (), "a good one between"
        assert rig.sample(i) == (CAUSE_CELL_HIGH,), i
        rig = Rig(strings_p=3)
        row = rig.pack.rows[i]
        for ma in (200_000, 0, 200_000):
            row[M_CURRENT_MA] = ma
            assert rig.sample(i) == (), "one that is calm between"
        assert rig.sample(i) == (CAUSE_OVER_CURRENT,), i


def frozen(rig, i, samples):
    """So many samples of module i that do not move, though the inverter does."""
    for _ in range(samples):
        rig.sample(i)
    return rig.holds(FROZEN)


def test_frozen_is_counted_while_the_pack_is_on_the_bus():
    for i in (0, 1):
        rig = Rig()
        rig.image.now[BATTERY_W] = 5000
        rig.pack.rows[i][M_CURRENT_MA] = 47_000
        rig.wait(300)
        rig.image.now[BATTERY_W] = 9000
        assert frozen(rig, i, 9) == 0
        rig.sequence.on_bus = False
        assert frozen(rig, i, 1) == 0
        rig.sequence.on_bus = True
        assert frozen(rig, i, 9) == 0, "off the bus begins anew"
        assert frozen(rig, i, 1) == 1 << i
        rig.image.now[BATTERY_W] = 5000
        assert frozen(rig, i, 3) == 1 << i, "back at the old power it is as frozen as before"
        rig.sequence.on_bus = False
        assert frozen(rig, i, 1) == 0


def test_frozen_from_no_power():
    for power_w, moved in ((2000, 0), (2001, 1), (-2000, 0), (-2001, 1)):
        rig = Rig()
        rig.pack.rows[0][M_CURRENT_MA] = 300       # what the modules use themselves
        rig.wait(300)
        rig.image.now[BATTERY_W] = power_w
        assert frozen(rig, 0, 12) == moved, power_w


def test_readings_beside_an_unknown_power_do_not_jump():
    rig = Rig()
    rig.image.now[BATTERY_W] = None
    for mv in (3300, 3290, 3280, 3290, 3300):
        rig.pack.rows[0][M_CELL_MV_MAX] = mv
        rig.sample(0)
        assert rig.holds(JUMPING) == 0, mv


def test_a_module_left_out_blocks_nobody_whichever_it_is():
    for i in (0, 1):
        rig = Rig()
        rig.pack.rows[i][M_CELL_MV_MAX] = 3660
        rig.wait(300)
        assert rig.holds(CELL_HIGH) == 1 << i
        rig.pack.exclude(i)
        rig.wait(500)
        assert rig.holds(CELL_HIGH) == 0 and rig.blocks() == (False, False), i
        rig.pack.readmit()
        rig.wait(500)
        assert rig.holds(CELL_HIGH) == 1 << i, "and again when somebody takes it back"


OPPOSITE = (
    # currents in mA, is opposite, why (20 per mille of 312.5 Ah are 6.25 A)
    ((18_000, -6_000, -6_000, -6_000), True, "one feeds three, and nothing is left over"),
    ((18_001, -6_000, -6_000, -6_000), False, "a milliampere goes out: all of them discharge"),
    ((-18_000, 6_000, 6_000, 6_000), True, "three feed one"),
    ((-18_001, 6_000, 6_000, 6_000), False, "a milliampere comes in"),
)


def test_strings_against_each_other():
    for currents, wanted, why in OPPOSITE:
        rig = Rig(strings_p=4)
        for i in range(4):
            rig.pack.rows[i][M_CURRENT_MA] = currents[i]
        rig.wait(10_400)
        assert (rig.diagnosis.present & SITE_OPPOSITE != 0) == wanted, why


def test_strings_at_the_limit_agree_again():
    for sign in (1, -1):
        rig = Rig()
        rig.pack.rows[0][M_CURRENT_MA] = sign * 30_000
        rig.pack.rows[1][M_CURRENT_MA] = sign * -6_251
        rig.wait(10_400)
        assert rig.diagnosis.present & SITE_OPPOSITE
        rig.pack.rows[1][M_CURRENT_MA] = sign * -6_250
        rig.wait(200)
        assert not rig.diagnosis.present & SITE_OPPOSITE, sign


RISES = (
    # temperatures 10 s apart, causes, why
    ((400, 408, 417, 425, 434, 442, 451), (CAUSE_TEMPERATURE,), "5.1 K in 60 s"),
    ((401, 409, 417, 425, 433, 441, 449, 457), (), "5.6 K in 70 s, 4.8 K in 60 s"),
)


def test_a_rise_is_that_of_a_minute():
    for course, wanted, why in RISES:
        for i in (0, 1):
            rig = Rig()
            row = rig.pack.rows[i]
            row[M_CELL_DC_MAX], row[M_CELL_DC_MIN] = course[0], course[0] - 60
            rig.step_ms = 2000
            rig.wait(80_000)
            rig.step_ms = 1000
            for hot_dc in course:
                row[M_CELL_DC_MAX] = hot_dc
                causes = rig.wait(10_000)
            assert causes == wanted, (why, i)


def test_the_count_of_changes_stays_small():
    rig = Rig()
    for _ in range(3):
        for mv in (3660, 3400):
            rig.pack.rows[0][M_CELL_MV_MAX] = mv
            before = rig.diagnosis.changes
            rig.wait(300)
            assert rig.diagnosis.changes != before
            assert 0 <= rig.diagnosis.changes <= TICK_MASK
