"""Charging: current and CV target, what ends a charge, what begins it again."""

import micropython

from bess.core.battery.charge import Charge
from bess.core.battery.pack import Pack
from bess.core.battery.stages import CC_CV, HOLD, MULTI_STAGE, PULSED, TRICKLE
from bess.core.tick import TICK_MASK
from host_tests.core.battery.bench_charge import (
    DURATION, FULL, HOUR, LIMIT, MINUTE, NO_CAP, SAMPLE_MS, STOPPED, TARGET, TIMEOUT, Rig,
    Settings,
)
from host_tests.core.bench_pack import healthy

WISHES = (
    # method, settings, columns, power, wish, why
    (CC_CV, {}, {}, -NO_CAP, -2500, "half of C"),
    (CC_CV, {"ma_max": 30_000}, {}, -NO_CAP, -1500, "the current of the parameters"),
    (CC_CV, {"ma_max": 60_000}, {}, -NO_CAP, -2500, "never above half of C"),
    (CC_CV, {}, {}, -2000, -2000, "the stated power"),
    (CC_CV, {}, {}, -2499, -2499, "the stated power to the watt"),
    (CC_CV, {}, {"pack_mv": 52_000}, -NO_CAP, -2600, "current times voltage"),
    (CC_CV, {}, {"pack_mv": 52_800}, -2000, -2000, "to the watt at any voltage"),
    (CC_CV, {"eta_pm": 950}, {}, -NO_CAP, -2631, "the inverter takes its part: 2 500 / 0.95"),
    (CC_CV, {"eta_pm": 950}, {}, -2600, -2600, "the stated power is meant at AC"),
    (CC_CV, {"pack_mah": 6_400_000, "cells_s": 16, "modules_s": 16}, {"pack_mv": 800_000},
     -NO_CAP, -NO_CAP, "the largest pack"),
    (CC_CV, {"pack_mah": 6_400_000, "eta_pm": 800}, {"pack_mv": 800_000}, -3_900_000,
     -3_200_000, "no product leaves the small integers"),
    (CC_CV, {"w_max": 2000}, {}, 0, -2000, "0 is the power of the parameters"),
    (CC_CV, {}, {}, 0, -2400, "and that is 0: the rating"),
    (PULSED, {}, {}, -NO_CAP, -2500, "a pulse is the constant current"),
    (MULTI_STAGE, {}, {}, -NO_CAP, -2500, "first stage"),
    (HOLD, {}, {}, -NO_CAP, -1000, "calibration: a fifth of C"),
    (TRICKLE, {}, {}, -NO_CAP, -100, "a fiftieth of C"),
    (TRICKLE, {}, {}, -60, -60, "and never above the stated power"),
    (TRICKLE, {}, {"low": 2500}, -NO_CAP, -100, "recovery"),
    (CC_CV, {}, {"soc": None}, -NO_CAP, -2500, "the window closes an unknown SoC, not we"),
)


def test_wishes():
    for method, settings, columns, power_w, wish_w, why in WISHES:
        rig = Rig(**settings).set(**columns).begin(method, power_w)
        assert rig.charge.wish_w == wish_w, (why, rig.charge.wish_w)
        assert rig.charge.done == 0 and not rig.charge.in_cv, why


def test_the_wish_stands_with_begin():
    rig = Rig()
    assert (rig.charge.wish_w, rig.charge.done) == (0, STOPPED), "nothing was asked yet"
    assert rig.charge.begin(CC_CV, -2000, 0, rig.now_ms) == 0
    assert rig.charge.wish_w == -2000 and rig.charge.done == 0


def test_nothing_is_wished_before_the_first_sample():
    charge = Charge(Settings(), Pack(1, 1, 5000, 157_000))
    assert charge.begin(CC_CV, -2000, 0, 0) == 0
    charge.tick(0, False, 100)
    assert charge.wish_w == 0 and charge.done == 0
    pack = Pack(2, 1, 5000, 157_000)
    charge = Charge(Settings(), pack)
    assert charge.begin(CC_CV, -2000, 0, 0) == 0
    healthy(pack.rows[0])
    healthy(pack.rows[1])
    for module in (0, 0, 1):
        assert charge.wish_w == 0, "half a string is no pack"
        pack.put(module, 100)
        pack.update(100)
        charge.tick(0, False, 100)
    pack.put(0, 200)
    pack.update(200)
    charge.tick(0, False, 200)
    assert charge.wish_w < 0, "whole: it approaches its current from below"


TARGETS = (
    # settings, voltage in mV that the BMS states, CV target of the highest cell, why
    ({}, None, 3450, "the setting"),
    ({"charge_mv_max": 55_040}, None, 3440, "the voltage of a string"),
    ({"charge_mv_max": 57_600}, None, 3450, "a higher one does not raise it"),
    ({"charge_mv_max": 55_040, "mv_max": 54_720}, None, 3420, "the parameters are tighter"),
    ({"mv_max": 54_720}, None, 3420, "the parameters alone"),
    ({}, 54_400, 3400, "the BMS"),
    ({}, 0, 3450, "0 is no voltage"),
    ({}, 60_000, 3450, "a higher BMS does not raise it"),
    ({"charge_mv_max": 55_040}, 54_720, 3420, "the lowest"),
    ({"cell_mv_cv": 3550, "modules_s": 4, "charge_mv_max": 4 * 55_200}, None, 3450, "in series"),
)


def test_cv_target():
    for settings, bms_mv, cv_mv, why in TARGETS:
        rig = Rig(**settings)
        rig.set(bms_mv=bms_mv).begin().set(high=cv_mv - 1).go(4)
        assert not rig.charge.in_cv and rig.charge.wish_w == -2500, why
        rig.set(high=cv_mv).go(1)
        assert rig.charge.in_cv and rig.charge.wish_w == -2500, (why, "reached: held")
        rig.set(high=cv_mv + 1).go(1)
        assert -2500 < rig.charge.wish_w < -2450, (why, rig.charge.wish_w)


def test_the_cv_target_follows_the_bms():
    rig = Rig().set(high=3420).begin().go(1)
    assert not rig.charge.in_cv
    rig.set(bms_mv=54_720).go(1)
    assert rig.charge.in_cv, "lowered to 3 420 mV while it charges"
    rig.set(bms_mv=None).go(1)
    assert not rig.charge.in_cv, "stated no more: 3 450 mV"


def test_the_current_falls_fast_and_rises_slowly():
    rig = Rig().begin().set(high=3455).go(1)
    # 5 mV * 8 pm * 0.5 s of 50 + 2 A: 1.04 A
    assert rig.charge.wish_w == -2500 + 52, rig.charge.wish_w
    rig.set(high=3445).go(1)
    assert rig.charge.wish_w == -2500 + 52 - 12, rig.charge.wish_w
    rig.set(high=3600).go(1)
    assert rig.charge.wish_w == -1948, "50 mV count: 200 pm of 49.2 + 2 A"
    rig.set(high=3700).go(40)
    assert rig.charge.wish_w == 0, "down to nothing"
    rig.set(high=3440).go(1)
    assert rig.charge.wish_w == -1, "and up again from nothing: 10 pm of 2 A"


def test_a_stated_power_is_regulated_from_its_own_current():
    rig = Rig().set(pack_mv=52_800).begin(CC_CV, -2000).set(high=3455).go(1)
    # 2 000 W at 52.8 V: 37.87 A; 20 pm of 37.87 + 2 A less: 37.07 A
    assert rig.charge.wish_w == -1957, rig.charge.wish_w


def test_a_new_charge_counts_its_times_from_zero():
    for low_mv, ms, step_ms in ((3440, 900_000, 2000), (3400, 7_200_000, 2000)):
        rig = Rig().begin()
        hold(3450, low_mv, 40_000)(rig)
        assert rig.until_done(ms - step_ms, step_ms) is None
        rig.begin()
        assert rig.until_done(2 * ms, step_ms) >= ms - step_ms
    rig = Rig().begin()
    hold(3450, 3400, 4999)(rig)
    assert rig.until_done(60_000) is None
    rig.begin()
    assert rig.until_done(100_000) >= 60_000


def test_a_long_gap_between_samples_counts_as_two_seconds():
    rig = Rig().begin().set(high=3455).go(1, 4900)
    assert rig.charge.wish_w == -2500 + 208, "5 mV * 8 pm * 2 s of 52 A"


LEAVES_CV = (
    # highest cell, flowing mA (None: as commanded), in CV, why
    (3450, None, True, "at the target"),
    (3435, None, True, "15 mV below: held"),
    (3434, None, False, "further below: not the battery limits"),
    (3445, 25_000, False, "something else holds the current down"),
    (3445, 28_000, True, "a little less than commanded is the inverter's"),
    (3450, 0, True, "at the target the battery is full, whatever flows"),
)


def test_cv_is_left_when_the_battery_limits_no_more():
    for high_mv, flowing_ma, in_cv, why in LEAVES_CV:
        rig = Rig().begin().set(high=3465).go(4)        # 50 A fall to 38.6 A
        assert rig.charge.in_cv and rig.charge.wish_w == -1929
        rig.flowing_ma = flowing_ma
        assert rig.set(high=high_mv).go(1).charge.in_cv == in_cv, why


def test_back_at_the_limit_is_constant_current_again():
    rig = Rig().begin().set(high=3451).go(1)
    assert rig.charge.in_cv
    rig.set(high=3440).go(4)
    assert not rig.charge.in_cv and rig.charge.wish_w == -2500


def test_what_is_held_down_by_others_neither_winds_up_nor_overshoots():
    rig = Rig().begin().set(high=3480).go(4)
    held_w = rig.charge.wish_w
    rig.flowing_ma = 10_000
    rig.set(high=3440).go(200)
    assert rig.charge.wish_w == held_w, "frozen: a rise would have no effect, then too much"
    rig.set(high=3450).go(1)
    assert rig.charge.wish_w == -500, "it goes on from what flows"


def test_a_discharging_pack_at_the_target_wishes_nothing():
    rig = Rig().begin().set(high=3450)
    rig.flowing_ma = -60_000
    assert rig.go(1).charge.wish_w == 0


def test_a_cell_near_the_target_is_approached_from_below():
    rig = Rig().set(high=3400).begin()
    assert rig.charge.wish_w == -2500
    rig = Rig().set(high=3401).begin()
    assert rig.charge.wish_w < -100 and rig.charge.wish_w > -130, rig.charge.wish_w
    rig.go(120)
    assert rig.charge.wish_w == -2500


def hold(high, low, flowing_ma=None, cell_high=False):
    """A change of a rig: cells that stay there, a current, and who limits."""
    def change(rig):
        rig.set(high=high, low=low).go(1)
        rig.flowing_ma, rig.cell_high = flowing_ma, cell_high
    return change


def columns(**values):
    return lambda rig: rig.set(**values)

ENDS = (
    # method, target pm, change, ms from there to the end (None: never), code, why
    (CC_CV, 0, hold(3450, 3400, 4999), 60_500, FULL, "small current at the target for 60 s"),
    (CC_CV, 0, hold(3450, 3400, 5000), None, 0, "50 pm of C is not below"),
    (CC_CV, 0, hold(3449, 3400, 4999), None, 0, "small, but not the battery limits: no sun"),
    (CC_CV, 0, hold(3440, 3400, 4999, True), 60_500, FULL, "the window limits by the cell"),
    (CC_CV, 0, hold(3440, 3400, 5000, True), None, 0, "and the current is not small"),
    (CC_CV, 0, hold(3450, 3440), 900_000, FULL, "900 s with cells 10 mV apart"),
    (CC_CV, 0, hold(3449, 3440), None, 0, "even cells below the target"),
    (CC_CV, 0, hold(3450, 3439), 7_200_000, TIMEOUT, "uneven cells: given up after 2 h"),
    (CC_CV, 600, columns(soc=599), None, 0, "below the target"),
    (CC_CV, 600, columns(soc=600), 500, TARGET, "the target"),
    (CC_CV, 0, columns(soc=949), None, 0, "below the maximum"),
    (CC_CV, 0, columns(soc=950), 500, LIMIT, "the maximum of the site"),
    (CC_CV, 950, columns(soc=950), 500, TARGET, "target and maximum: the target"),
    (CC_CV, 600, columns(soc=None), None, 0, "unknown is not reached"),
    (PULSED, 600, columns(soc=600), 500, TARGET, "the target"),
    (PULSED, 0, columns(soc=950), 500, LIMIT, "the maximum"),
    (PULSED, 0, hold(3450, 3400), 20_000, FULL, "three pulses end at once"),
    (MULTI_STAGE, 600, columns(soc=600), 500, TARGET, "the target"),
    (MULTI_STAGE, 0, hold(3450, 3400), 3_610_000, FULL, "2 samples a stage, then an hour"),
    (MULTI_STAGE, 0, hold(3450, 3400, 1999), 33_000, FULL, "the last one's current"),
    (MULTI_STAGE, 0, hold(3450, 3400, 2000), 3_610_000, FULL, "20 pm of C is not below"),
    (MULTI_STAGE, 0, hold(3300, 3300, 0, True), None, 0, "no current ends the stages before"),
    (MULTI_STAGE, 0, hold(3300, 3300), 6 * HOUR, FULL, "the times of all: 6 h"),
    (TRICKLE, 600, columns(soc=600), 500, TARGET, "the target"),
    (TRICKLE, 0, hold(3399, 3300), 2 * HOUR, TIMEOUT, "2 h a day"),
    (TRICKLE, 0, hold(3400, 3300), 500, FULL, "topped up: 2 samples"),
    (HOLD, 0, hold(3450, 3440, 0), None, 0, "the CV target is held until somebody ends it"),
    (HOLD, 600, columns(soc=1000), None, 0, "calibration passes every SoC"),
)


def test_ends():
    for method, target_pm, change, ms, code, why in ENDS:
        rig = Rig().begin(method, -NO_CAP, target_pm)
        change(rig)
        step_ms = 2000 if ms is None or ms > 5 * MINUTE else SAMPLE_MS
        found = rig.until_done(ms + 10_000 if ms else 16 * MINUTE, step_ms)
        assert found == ms, (why, found)
        assert rig.charge.done == code, (why, rig.charge.done)
        assert rig.charge.stuck == (method == CC_CV and code == TIMEOUT), why
        if code:
            assert rig.charge.wish_w == 0 and not rig.charge.in_cv, why
            assert rig.set(high=3300, soc=400).go(4).charge.wish_w == 0, "done stays done"


def test_target_of_the_parameters():
    rig = Rig(soc_pm_target=600).begin().set(soc=599).go(1)
    assert rig.charge.done == 0
    assert rig.set(soc=600).go(1).charge.done == TARGET
    rig.set(soc=500)
    rig.sample()
    rig.begin(target_pm=700).set(soc=699).go(1)
    assert rig.charge.done == 0, "the target of the call comes first"


def test_an_end_from_outside_keeps_the_first_reason():
    rig = Rig().begin()
    rig.charge.end(DURATION)
    assert (rig.charge.done, rig.charge.wish_w) == (DURATION, 0)
    rig.charge.end(STOPPED)
    assert rig.charge.done == DURATION


RESUMES = (
    # target, ends by, SoC then, resumes at or below, why
    (600, {"soc": 600}, 580, "20 pm below the target"),
    (600, {"soc": 640}, 580, "an overshoot does not lift it"),
    (0, {"soc": 960}, 940, "below where the maximum stopped it"),
)


def test_a_done_charge_of_a_schedule_resumes():
    for target_pm, columns, soc_pm, why in RESUMES:
        rig = Rig().begin(CC_CV, -NO_CAP, target_pm)
        rig.charge.resumes = True
        rig.set(**columns).go(1)
        assert rig.charge.done, why
        rig.set(soc=None).go(1)
        assert rig.charge.done, "unknown does not resume"
        rig.set(soc=soc_pm + 1).go(1)
        assert rig.charge.done, why
        rig.set(soc=soc_pm).go(1)
        assert rig.charge.done == 0 and rig.charge.wish_w == -2500, (why, rig.charge.done)


def test_what_was_stopped_does_not_resume():
    for code in (DURATION, TIMEOUT, STOPPED):
        rig = Rig().begin()
        rig.charge.resumes = True
        rig.charge.end(code)
        assert rig.set(soc=100).go(2).charge.done == code


def test_done_with_unknown_charge_does_not_resume():
    rig = Rig().set(soc=None).begin()
    rig.charge.resumes = True
    rig.charge.end(FULL)
    assert rig.set(soc=100).go(2).charge.done == FULL


def test_the_tick_allocates_nothing():
    for method in (CC_CV, PULSED, MULTI_STAGE, TRICKLE, HOLD):
        for high_mv, pack_mv in ((3300, 50_000), (3449, 800_000), (3460, 800_000)):
            rig = Rig(pack_mah=6_400_000, eta_pm=800).begin(method)
            rig.set(high=high_mv, low=high_mv - 5, pack_mv=pack_mv)
            rig.charge.resumes = True
            rig.charge.timeout_ms = 250_000
            ends = 0
            for sample in range(200):
                rig.now_ms = (rig.now_ms + 1500) & TICK_MASK
                rig.set(soc=950 if sample % 40 == 39 else 500).sample()
                done = rig.charge.done
                micropython.heap_lock()
                try:
                    rig.charge.tick(rig.command_w, False, rig.now_ms)
                finally:
                    micropython.heap_unlock()
                ends += rig.charge.done > done
                rig.command_w = rig.charge.wish_w
            assert ends >= 1 and rig.charge.done, "ends and new begins are among them"
