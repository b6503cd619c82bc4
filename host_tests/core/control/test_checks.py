"""The diagnosis table, and its rows for blocks, warnings and a fast rise of temperature."""

from bess.core.control.checks import (
    AUX_LOST, BLOCK, BMS_CHARGE, BMS_DISCHARGE, CALIBRATION_DUE, CALM_DC_MAX, CALM_DC_MIN,
    CALM_DC_SPREAD, CALM_MV_MAX, CALM_MV_MIN, CALM_MV_SPREAD, CELL_HIGH, CELL_LOW, CELL_SPREAD,
    CHARGE_STUCK, COLD_CHARGE, COLD_DISCHARGE, DC_SPREAD, DOOR_OPEN, EMERGENCY, FROZEN, HOT,
    INFO, JUMPING, MODULE_CHECKS, MODULE_ROWS, MODULE_SILENT, MV_SPREAD, OPENINGS_MANY,
    OPPOSITE_CURRENTS, OUT_OF_RANGE, ROW_RISE, R_CLEAR, R_COLUMN, R_EFFECT, R_ID, R_LIMIT,
    R_SAMPLES, R_SENSE, R_SEVERITY, R_STRIDE, SITE_AUX, SITE_CALIBRATION, SITE_CHECKS,
    SITE_DOOR, SITE_FIRE, SITE_INSULATION, SITE_OPENINGS, SITE_SOC, SITE_STUCK, SOC_DISAGREES,
    S_EFFECT, S_ID, S_SEVERITY, S_STRIDE, TEMPERATURE_SPREAD, TRIP, TRIP_CHECKS, WARNING,
)
from bess.core.points import (
    CAUSE_BMS_CRITICAL, CAUSE_CELL_HIGH, CAUSE_TEMPERATURE, M_CELL_DC_MAX, M_CELL_DC_MIN,
    M_CELL_MV_MAX, M_CELL_MV_MIN, M_FAULTS, M_PACK_MV, M_PROTECTIONS,
)
from host_tests.core.bench_diagnosis import Rig, put, rig_at
from host_tests.core.bench_pack import healthy


LEVELS = (
    # what is calm, column of the table, its value
    (CALM_MV_MAX, M_CELL_MV_MAX, 1), (CALM_MV_MIN, M_CELL_MV_MIN, -1),
    (CALM_DC_MAX, M_CELL_DC_MAX, 1), (CALM_DC_MIN, M_CELL_DC_MIN, -1),
    (CALM_MV_SPREAD, MV_SPREAD, 1), (CALM_DC_SPREAD, DC_SPREAD, 1),
)


def test_what_is_calm_is_inside_every_limit():
    for calm, column, sense in LEVELS:
        found = 0
        for k in range(0, len(MODULE_CHECKS), R_STRIDE):
            if MODULE_CHECKS[k + R_COLUMN] == column and MODULE_CHECKS[k + R_SENSE] == sense:
                found += 1
                assert (MODULE_CHECKS[k + R_LIMIT] - calm) * sense > 0, (column, calm)
        assert found, column


NUMBERS = (
    (32, CELL_HIGH), (33, CELL_LOW), (34, HOT), (35, COLD_CHARGE), (36, COLD_DISCHARGE),
    (37, BMS_CHARGE), (38, BMS_DISCHARGE), (39, FROZEN), (40, OUT_OF_RANGE), (48, CELL_SPREAD),
    (49, TEMPERATURE_SPREAD), (50, JUMPING), (51, MODULE_SILENT), (52, OPPOSITE_CURRENTS),
    (53, OPENINGS_MANY), (54, CALIBRATION_DUE), (55, CHARGE_STUCK), (56, SOC_DISAGREES),
    (57, DOOR_OPEN), (58, AUX_LOST),
)


def test_numbers_are_fixed():
    for number, name in NUMBERS:
        assert number == name
    bits = (SITE_INSULATION, SITE_FIRE, SITE_DOOR, SITE_AUX, SITE_OPENINGS, SITE_CALIBRATION,
            SITE_STUCK, SITE_SOC)
    for k in range(len(bits)):
        assert bits[k] == 1 << 5 + k
        assert SITE_CHECKS[(5 + k) * S_STRIDE] == (27, 28, 57, 58, 53, 54, 55, 56)[k], "row = bit"
    assert (INFO, WARNING, BLOCK, TRIP, EMERGENCY) == (0, 1, 2, 3, 4), "levels of the active list"


def test_the_table_is_whole():
    assert len(MODULE_CHECKS) == MODULE_ROWS * R_STRIDE
    assert len(SITE_CHECKS) % S_STRIDE == 0 and len(SITE_CHECKS) // S_STRIDE <= 30
    for k in range(0, len(MODULE_CHECKS), R_STRIDE):
        row = MODULE_CHECKS[k:k + R_STRIDE]
        assert row[R_SAMPLES] == (10 if row[R_ID] == FROZEN else 2), (row, "one is noise")
        assert row[R_SENSE] in (1, -1)
        assert (row[R_LIMIT] - row[R_CLEAR]) * row[R_SENSE] > 0, (row, "hysteresis")
        assert (row[R_ID] < 32) == (row[R_SEVERITY] == EMERGENCY), row
        assert row[R_ID] >= 32 or row[R_ID] == 16 + row[R_EFFECT], (row, "16 + its cause")
        assert (32 <= row[R_ID] < 48) == (row[R_SEVERITY] == BLOCK), row
        assert row[R_ID] < 48 or row[R_EFFECT] == 0, row
    for k in range(0, len(SITE_CHECKS), S_STRIDE):
        number, severity = SITE_CHECKS[k + S_ID], SITE_CHECKS[k + S_SEVERITY]
        assert (number < 32) == (severity == EMERGENCY), number
        assert number >= 32 or number == 16 + SITE_CHECKS[k + S_EFFECT], number
        assert number < 48 or severity in (INFO, WARNING), number
        assert number < 48 or SITE_CHECKS[k + S_EFFECT] == 0, number
    for trip in range(len(TRIP_CHECKS) // S_STRIDE):
        row = TRIP_CHECKS[trip * S_STRIDE:(trip + 1) * S_STRIDE]
        assert row[S_ID] == trip, "row n is bit n of the point TRIPS"
        assert (row[S_SEVERITY], row[S_EFFECT]) == (TRIP, 0), trip
    ids = [MODULE_CHECKS[k] for k in range(0, len(MODULE_CHECKS), R_STRIDE) if k // 9 != ROW_RISE]
    ids += [SITE_CHECKS[k] for k in range(0, len(SITE_CHECKS), S_STRIDE)]
    assert len(set(ids)) == len(ids), "a number means one thing"


BLOCKS = (
    # column, last good, blocked, not yet open, open, (charging, discharging), why
    (M_CELL_MV_MAX, 3649, 3650, 3631, 3630, (True, False), "full cell"),
    (M_CELL_MV_MIN, 2851, 2850, 2999, 3000, (False, True), "empty cell"),
    (M_CELL_DC_MAX, 549, 550, 531, 530, (True, True), "hot"),
    (M_CELL_DC_MIN, 1, 0, 19, 20, (True, False), "no charge at freezing"),
    (M_CELL_DC_MIN, -99, -100, -81, -80, (True, True), "too cold for both"),
    (M_PROTECTIONS, 0, 1, 4, 0, (True, False), "BMS: cell over-voltage, then the pack's"),
    (M_PROTECTIONS, 0, 2, 512, 0, (False, True), "BMS: cell under-voltage, then cold"),
    (M_PROTECTIONS, 0, 3, 129 + 256, 0, (True, True), "both at once"),
)


def test_blocks():
    for column, good, blocked, shut, opened, wanted, why in BLOCKS:
        rig = rig_at(column, good)
        row = rig.pack.rows[1]
        before = (column == M_CELL_DC_MIN and good < 0, False)
        assert rig.blocks() == before, (why, "still good")
        row[column] = blocked
        rig.sample(1)
        assert rig.blocks() == before, (why, "one sample")
        rig.sample(0)
        rig.sample()
        assert rig.blocks() == before, (why, "ticks and others do not count")
        assert rig.sample(1) == () and rig.blocks() == wanted, (why, "two samples, no emergency")
        row[column] = shut
        rig.wait(500)
        assert rig.blocks() == wanted, (why, "not yet open")
        for _ in range(3):
            rig.sample(0)
        assert rig.blocks() == wanted, (why, "a healthy module opens nothing")
        row[column] = opened
        rig.sample(1)
        assert rig.blocks() == before, (why, "open")


def test_a_bms_protection_of_each_kind():
    charging, discharging = (0, 2, 4, 6, 7), (1, 3, 5, 8, 9)
    for bit in range(10):
        rig = Rig()
        rig.pack.rows[0][M_PROTECTIONS] = 1 << bit
        rig.wait(200)
        assert rig.blocks() == (bit in charging, bit in discharging), bit
        rig.pack.rows[0][M_PROTECTIONS] = None
        rig.sample(0)
        assert rig.blocks() == (False, False), (bit, "a driver that does not know says None")


def test_a_block_of_each_of_two_modules_ends_with_the_second():
    rig = Rig()
    for row in rig.pack.rows:
        row[M_CELL_MV_MAX] = 3660
    rig.wait(200)
    rig.pack.rows[0][M_CELL_MV_MAX] = 3400
    rig.wait(1000)
    assert rig.blocks() == (True, False)
    rig.pack.rows[1][M_CELL_MV_MAX] = 3400
    rig.sample(1)
    assert rig.blocks() == (False, False)


def test_two_modules_that_recover_in_the_same_tick():
    rig = Rig()
    for row in rig.pack.rows:
        row[M_CELL_MV_MAX] = 3660
    rig.wait(200)
    for row in rig.pack.rows:
        healthy(row)
    rig.sample(0, 1)
    assert rig.blocks() == (False, False)


def test_an_emergency_outlives_the_exclusion_of_its_module():
    for column, critical, cause in ((M_CELL_MV_MAX, 3800, CAUSE_CELL_HIGH),
                                    (M_FAULTS, 1, CAUSE_BMS_CRITICAL)):
        rig = Rig()
        rig.pack.rows[0][column] = critical
        rig.wait(200)
        rig.pack.exclude(0)
        assert rig.sample(1) == (cause,)


def test_a_silent_module_keeps_its_block_until_it_is_left_out():
    rig = Rig()
    rig.pack.rows[0][M_CELL_MV_MAX] = 3660
    rig.wait(200)
    for _ in range(40):
        rig.sample(1)
    assert rig.pack.strings_live == 1 and rig.blocks() == (True, False)
    rig.pack.exclude(0)
    rig.sample(1)
    assert rig.blocks() == (False, False)
    rig.sample(0, 1)
    assert rig.sample(0, 1) == () and rig.blocks() == (False, False), "left out: blocks nobody"
    rig.pack.rows[0][M_CELL_MV_MAX] = 3800
    rig.sample(0)
    assert rig.sample(0) == (CAUSE_CELL_HIGH,), "but a critical cell is one"


WARNINGS = (
    # columns and values: last good, beyond, not yet clear, clear; number, why
    ((M_CELL_MV_MAX, 3405, M_CELL_MV_MIN, 3106), (M_CELL_MV_MIN, 3105),
     (M_CELL_MV_MIN, 3204), (M_CELL_MV_MIN, 3205), CELL_SPREAD, "300 mV until 200"),
    ((M_CELL_DC_MAX, 350, M_CELL_DC_MIN, 200), (M_CELL_DC_MIN, 199),
     (M_CELL_DC_MIN, 229), (M_CELL_DC_MIN, 230), TEMPERATURE_SPREAD, "more than 15 K until 12"),
)


def test_spreads_warn():
    for good, beyond, hold, clear, number, why in WARNINGS:
        rig = Rig()
        row = rig.pack.rows[1]
        put(row, good)
        rig.wait(1000)
        assert rig.holds(number) == 0, (why, "good")
        put(row, beyond)
        rig.sample(1)
        assert rig.holds(number) == 0, (why, "one sample")
        assert rig.sample(1) == () and rig.holds(number) == 2, (why, "two")
        assert rig.blocks() == (False, False), (why, "a warning")
        put(row, hold)
        rig.wait(500)
        assert rig.holds(number) == 2, (why, "hysteresis")
        put(row, clear)
        rig.sample(1)
        assert rig.holds(number) == 0, (why, "clear")


def test_a_spread_between_modules_is_none_within_one():
    rig = Rig()
    put(rig.pack.rows[0], (M_CELL_MV_MAX, 3500, M_CELL_MV_MIN, 3480, M_PACK_MV, 55_840))
    put(rig.pack.rows[1], (M_CELL_MV_MAX, 3100, M_CELL_MV_MIN, 3090, M_PACK_MV, 49_520))
    rig.wait(1000)
    assert rig.holds(CELL_SPREAD) == 0


RISES = (
    # temperatures 10 s apart, causes, why
    ((400, 440, 449, 450), (), "not above 45 degC"),
    ((401, 410, 420, 430, 440, 451), (CAUSE_TEMPERATURE,), "5 K within 50 s"),
    ((401, 406, 410, 417, 425, 433, 441, 447, 455), (), "4.9 K in 70 s"),
    ((401, 411, 411, 411, 419, 427, 435, 443, 460), (), "5.9 K in 80 s, but 4.9 K in 70 s"),
    ((460, 465, 470, 475, 480), (), "2 K"),
    ((450, 500), (CAUSE_TEMPERATURE,), "5 K at once"),
    ((452, 501), (), "4.9 K at once"),
)


def test_a_fast_rise_of_the_temperature():
    for course, wanted, why in RISES:
        rig = rig_at(M_CELL_DC_MAX, course[0])
        rig.step_ms = 1000
        for hot_dc in course:
            rig.pack.rows[1][M_CELL_DC_MAX] = hot_dc
            causes = rig.wait(10_000)
        assert causes == wanted, (why, causes)
        if wanted:
            rig.pack.rows[1][M_CELL_DC_MAX] = 451
            assert rig.wait(100_000) == wanted, (why, "until 45 degC")
            rig.pack.rows[1][M_CELL_DC_MAX] = 450
            assert rig.sample(1) == (), why


def test_a_module_that_returns_has_no_past():
    rig = rig_at(M_CELL_DC_MAX, 380)
    rig.step_ms = 1000
    for _ in range(120):
        rig.sample(0)
    rig.pack.rows[1][M_CELL_DC_MAX] = 460
    assert rig.wait(20_000) == ()
