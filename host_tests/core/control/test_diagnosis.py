"""Diagnosis: emergencies are counted in new samples, and gone only when they are."""

from bess.core.control.checks import SITE_CALIBRATION, SITE_FIRE, SITE_INSULATION, SITE_OPENINGS
from bess.core.points import (
    BATTERY_W, CAUSE_BMS_CRITICAL, CAUSE_CELL_HIGH, CAUSE_CELL_LOW, CAUSE_COMMANDED,
    CAUSE_CONTACTOR, CAUSE_DISOBEYS_ZERO, CAUSE_FIRE, CAUSE_INPUT, CAUSE_INSULATION,
    CAUSE_INVARIANT, CAUSE_MODULES_SILENT, CAUSE_OVER_CURRENT, CAUSE_TEMPERATURE, INPUTS,
    M_CELL_DC_MAX, M_CELL_DC_MIN, M_CELL_MV_MAX, M_CELL_MV_MIN, M_CURRENT_MA, M_FAULTS,
    M_PACK_MV, M_PROTECTIONS,
)
from bess.core.tick import TICK_MASK
from host_tests.core.bench_diagnosis import Rig, put
from host_tests.core.bench_pack import healthy


CRITICAL = (
    # column, last good, critical, not yet gone, gone, cause, why
    (M_CELL_MV_MAX, 3749, 3750, 3451, 3450, CAUSE_CELL_HIGH, "cell critically high"),
    (M_CELL_MV_MIN, 2501, 2500, 2799, 2800, CAUSE_CELL_LOW, "cell critically low"),
    (M_CELL_DC_MAX, 649, 650, 451, 450, CAUSE_TEMPERATURE, "65 degC"),
    (M_FAULTS, 0, 1, 1, 0, CAUSE_BMS_CRITICAL, "short circuit"),
    (M_FAULTS, 0, 32, 32, 0, CAUSE_BMS_CRITICAL, "internal communication"),
    (M_CURRENT_MA, 196_250, 196_251, 196_251, 196_250, CAUSE_OVER_CURRENT, "125 % out"),
    (M_CURRENT_MA, -196_250, -196_251, -196_251, -196_250, CAUSE_OVER_CURRENT, "125 % in"),
)


def test_critical_values():
    for column, good, critical, not_gone, gone, cause, why in CRITICAL:
        rig = Rig()
        row = rig.pack.rows[1]
        row[column] = good
        assert rig.wait(500) == (), (why, "still good")
        row[column] = critical
        assert rig.sample(1) == (), (why, "one sample")
        assert rig.sample(0) == () and rig.sample() == (), (why, "ticks and others do not count")
        assert rig.sample(1) == (cause,), (why, "two samples")
        row[column] = not_gone
        assert rig.wait(500) == (cause,), (why, "not yet gone")
        row[column] = gone
        assert rig.sample(1) == (), (why, "gone")


def test_a_good_sample_between_starts_the_count_anew():
    for column, good, critical, _, _, cause, why in CRITICAL:
        rig = Rig()
        for value in (critical, good, critical):
            rig.pack.rows[0][column] = value
            assert rig.sample(0) == (), why
        assert rig.sample(0) == (cause,), why


def test_each_module_is_counted_by_itself():
    for column, good, critical, _, _, cause, why in CRITICAL:
        rig = Rig()
        rig.pack.rows[1][column] = critical
        assert rig.sample(1) == (), why         # and brings no second sample
        for value in (critical, good, critical):
            rig.pack.rows[0][column] = value
            assert rig.sample(0) == (), (why, "one each is not two in a row")
        assert rig.sample(0) == (cause,), why


def test_a_healthy_module_clears_nothing():
    for column, good, critical, _, _, cause, why in CRITICAL:
        rig = Rig()
        rig.pack.rows[0][column] = critical
        rig.sample(0)
        assert rig.sample(0) == (cause,), why
        for _ in range(5):
            assert rig.sample(1) == (cause,), why


def test_a_module_that_falls_silent_takes_its_cause_with_it_to_nowhere():
    for column, good, critical, _, _, cause, why in CRITICAL[:5]:
        rig = Rig()
        rig.pack.rows[0][column] = critical
        rig.sample(0)
        rig.sample(0)
        for _ in range(40):
            causes = rig.sample(1)
        assert rig.pack.strings_live == 1 and causes == (cause,), (why, "unknown is not gone")
        rig.pack.rows[0][column] = good if cause != CAUSE_CELL_HIGH else 3300
        if cause in (CAUSE_CELL_LOW, CAUSE_TEMPERATURE):
            healthy(rig.pack.rows[0])
        assert rig.sample(0, 1) == (), (why, "it says itself that all is well")


def test_two_causes_of_two_modules():
    rig = Rig()
    rig.pack.rows[0][M_CELL_MV_MAX] = 3800
    rig.pack.rows[1][M_CELL_DC_MAX] = 700
    rig.wait(200)
    assert rig.sample() == (CAUSE_CELL_HIGH, CAUSE_TEMPERATURE)


LOOP = (
    # inputs of each tick 100 ms apart, causes at the end, why
    ((0,), (), "one tick is noise"),
    ((0, 0), (CAUSE_INPUT,), "two ticks"),
    ((0, 5, 0), (), "not in a row"),
    ((None, None), (CAUSE_INPUT,), "unknown counts as open"),
    ((0, None), (CAUSE_INPUT,), "open, then unknown"),
    ((0, 0, 5), (), "closed again; the manager keeps it latched"),
)


def test_emergency_loop():
    for start_ms in (1000, TICK_MASK - 100):
        for inputs, wanted, why in LOOP:
            rig = Rig(start_ms=start_ms)
            for value in inputs:
                rig.image.now[INPUTS] = value and value | 4
                if value == 0:
                    rig.image.now[INPUTS] = 4
                causes = rig.sample(0, 1)
            assert causes == wanted, (why, causes)


def test_the_second_tick_decides_though_it_came_early():
    rig = Rig()
    rig.image.now[INPUTS] = 4
    rig.sample()
    rig.now_ms -= 40                        # the tick before was late: 60 ms apart
    assert rig.sample() == (CAUSE_INPUT,)


FEEDBACK = (
    # coils, inputs, is wrong, why
    (5, 1 | 4, False, "main contactors closed, precharge open"),
    (5, 1 | 4 | 2, True, "K- has opened by itself"),
    (5, 1 | 4 | 8, True, "K+ has opened by itself"),
    (5, 1, True, "precharge is closed"),
    (0, 15, False, "all open"),
    (0, 15 & ~8, True, "K+ welded"),
    (0, 15 & ~2, True, "K- welded"),
    (0, 15 & ~4, True, "precharge welded"),
)


def test_feedbacks():
    for coils, inputs, wrong, why in FEEDBACK:
        rig = Rig()
        rig.sequence.coils = coils
        rig.image.now[INPUTS] = inputs
        assert rig.wait(500) == (), (why, "not before 500 ms")
        assert rig.wait(100) == ((CAUSE_CONTACTOR,) if wrong else ()), why


def test_feedbacks_of_contactors_that_move_are_not_judged():
    rig = Rig()
    rig.sequence.still = False
    rig.image.now[INPUTS] = 1
    assert rig.wait(5000) == ()
    rig.sequence.still = True
    assert rig.wait(600) == (CAUSE_CONTACTOR,)
    rig.image.now[INPUTS] = None
    assert CAUSE_CONTACTOR in rig.wait(1000), "unknown is not right"
    rig.image.now[INPUTS] = 5
    assert rig.sample() == ()


def test_silence_of_all_modules():
    rig = Rig()
    for _ in range(599):
        assert rig.sample() == ()
    assert rig.sample() == (CAUSE_MODULES_SILENT,), "60 s after the last sample"
    assert rig.sample(0) == (CAUSE_MODULES_SILENT,), "one is not all"
    assert rig.sample(0, 1) == ()


def test_silence_of_a_pack_that_is_not_on_the_bus_is_no_emergency():
    rig = Rig()
    rig.sequence.on_bus = False
    for _ in range(700):
        assert rig.sample() == ()


def test_half_a_string_that_talks_does_not_hide_the_other_half():
    rig = Rig(modules_s=2, strings_p=1)
    for _ in range(700):
        causes = rig.sample(0)
    assert causes == (CAUSE_MODULES_SILENT,)


ZERO = (
    # commanded zero, power, causes after 5.1 s, why
    (True, 1001, (CAUSE_DISOBEYS_ZERO,), "5 % of 20 kW go on"),
    (True, -1001, (CAUSE_DISOBEYS_ZERO,), "charging, too"),
    (True, 1000, (), "small enough"),
    (True, -1000, (), "small enough"),
    (True, None, (), "unknown: silence has its own rule"),
    (False, 9000, (), "power was asked for"),
)


def test_disobeys_zero():
    for zero, power_w, wanted, why in ZERO:
        rig = Rig()
        rig.zero = zero
        rig.image.now[BATTERY_W] = power_w
        assert rig.wait(5000) == (), why
        assert rig.wait(100) == wanted, why


def test_disobedience_is_gone_only_when_the_power_is():
    rig = Rig()
    rig.zero, rig.image.now[BATTERY_W] = True, 5000
    rig.wait(5100)
    for power_w in (400, -400, None):
        rig.image.now[BATTERY_W] = power_w
        assert rig.sample() == (CAUSE_DISOBEYS_ZERO,), power_w
    rig.image.now[BATTERY_W] = -399
    assert rig.sample() == ()


def test_over_current_is_gone_with_its_module():
    rig = Rig()
    rig.pack.rows[0][M_CURRENT_MA] = 250_000
    assert rig.wait(200) == (CAUSE_OVER_CURRENT,)
    for _ in range(30):
        causes = rig.sample(1)
    assert causes == ()


HANDED = (
    # flag, cause, ticks until it holds, why
    (SITE_FIRE, (CAUSE_FIRE,), 2, "an input: the second tick"),
    (SITE_INSULATION, (CAUSE_INSULATION,), 2, "an input: the second tick"),
    (SITE_OPENINGS, (), 1, "a warning"),
    (SITE_CALIBRATION, (), 1, "an info"),
)


def test_conditions_of_others():
    for flag, wanted, ticks, why in HANDED:
        rig = Rig()
        rig.diagnosis.flags = flag
        for _ in range(ticks - 1):
            assert rig.sample() == () and rig.diagnosis.present == 0, why
        changes = rig.diagnosis.changes
        assert rig.sample() == wanted and rig.diagnosis.present == flag, why
        assert rig.diagnosis.changes != changes and rig.blocks() == (False, False), why
        changes = rig.diagnosis.changes
        rig.wait(1000)
        assert rig.diagnosis.changes == changes, (why, "stands")
        rig.diagnosis.flags = 0
        assert rig.sample() == () and rig.diagnosis.present == 0, why


def test_restored_causes_wait_for_their_clear_condition():
    for cause in (CAUSE_CELL_HIGH, CAUSE_CELL_LOW, CAUSE_TEMPERATURE, CAUSE_BMS_CRITICAL,
                  CAUSE_OVER_CURRENT, CAUSE_MODULES_SILENT, CAUSE_DISOBEYS_ZERO):
        rig = Rig()
        rig.image.now[BATTERY_W] = None if cause == CAUSE_DISOBEYS_ZERO else 0
        rig.pack.exclude(0)
        for _ in range(30):
            rig.sample(1)
        rig.diagnosis.restore(1 << cause)
        assert rig.sample(1) == (cause,), "module 0 has not spoken"
        rig.pack.readmit()
        rig.image.now[BATTERY_W] = 0
        rig.sample(0, 1)
        assert rig.sample(0, 1) == (), cause
    rig = Rig()
    rig.diagnosis.restore(1 << CAUSE_COMMANDED | 1 << CAUSE_INVARIANT)
    assert rig.diagnosis.causes == 0, "gone at once"


def test_what_stands_changes_nothing():
    rig = Rig()
    seen = [rig.diagnosis.changes]
    for step in (lambda: None, lambda: put(rig.pack.rows[0], (M_CELL_MV_MAX, 3700)),
                 lambda: put(rig.pack.rows[1], (M_PROTECTIONS, 1)),
                 lambda: healthy(rig.pack.rows[0])):
        step()
        rig.wait(1000)
        changes = rig.diagnosis.changes
        rig.wait(20_000)
        assert rig.diagnosis.changes == changes
        seen.append(changes)
    for _ in range(30):
        rig.sample(0)
    changes = rig.diagnosis.changes
    for _ in range(30):
        rig.sample(0)
    assert rig.diagnosis.changes == changes != seen[-1]
    assert seen[0] == seen[1] and len(set(seen)) == 4, seen


def test_no_tick_allocates():
    rig = Rig(strings_p=4, start_ms=TICK_MASK - 30_000)
    rig.locked = True
    rig.wait(11_000)
    rows = rig.pack.rows
    for column, value in ((M_CELL_MV_MAX, 3760), (M_CELL_MV_MIN, 2400), (M_CELL_DC_MAX, 600),
                          (M_CELL_DC_MIN, -120), (M_PROTECTIONS, 1023), (M_FAULTS, 1),
                          (M_CURRENT_MA, -900_000), (M_CURRENT_MA, 900_000), (M_PACK_MV, 9000)):
        rows[2][column] = value
        rig.wait(1500)
    rig.image.now[BATTERY_W] = 20_000
    rig.zero = True
    rig.wait(11_000)
    rig.image.now[INPUTS] = None
    rig.sample(0)
    for _ in range(650):
        rig.sample()
    assert rig.diagnosis.causes >> CAUSE_MODULES_SILENT & 1
    rig.pack.exclude(1)
    for row in rows:
        healthy(row)
    rig.image.now[INPUTS], rig.image.now[BATTERY_W] = 5, 0
    rig.wait(1000)
    rig.pack.readmit()
    assert rig.wait(11_000) == ()
