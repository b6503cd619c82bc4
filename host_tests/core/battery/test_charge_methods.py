"""Charging: stages, pulses, trickle, and a pack that is charged to full by each method."""

from bess.core.battery.charge import Charge
from bess.core.battery.pack import Pack
from bess.core.battery.rounds import Rounds
from bess.core.battery.stages import CC_CV, HOLD, MULTI_STAGE, PULSED, TRICKLE
from bess.core.control.modes import REFUSED_RANGE
from bess.core.points import M_CELL_MV_MAX, M_PACK_MV
from bess.core.tick import TICK_MASK
from host_tests.core.battery.bench_charge import (
    FULL, HOUR, LIMIT, MINUTE, NO_CAP, STOPPED, TARGET, TIMEOUT, Plant, Rig, Settings,
)
from host_tests.core.bench_pack import healthy

# --- trickle ----------------------------------------------------------------------------------


def test_recovery_ends_when_the_deepest_cell_is_up():
    rig = Rig().set(low=2500, soc=10).begin(TRICKLE)
    rig.set(low=2999).go(10)
    assert rig.charge.done == 0
    rig.set(low=3000).go(1)
    assert rig.charge.done == TARGET
    rig = Rig().set(low=3000).begin(TRICKLE)
    assert rig.go(10).charge.done == 0, "no recovery: this one is topped up"


def test_recovery_is_given_up_below_2000_mv():
    rig = Rig().set(low=2000, soc=10).begin(TRICKLE)
    assert rig.go(2).charge.done == 0
    rig.set(low=1999).go(1)
    assert rig.charge.done == LIMIT


def test_recovery_rests_in_the_cold_without_using_its_time():
    rig = Rig().set(low=2500).begin(TRICKLE)
    rig.set(cold=49).go(1)
    assert rig.charge.wish_w == 0 and rig.charge.done == 0
    rig.go(9000, 1000)                                  # 2.5 h
    rig.set(cold=50).go(1)
    assert rig.charge.wish_w == -100 and rig.charge.done == 0
    rig = Rig().begin(TRICKLE)
    assert rig.set(cold=49).go(1).charge.wish_w == -100, "topping up leaves the cold to the window"


REFUSALS = (
    # columns, accepted, why
    ({"low": 1999}, False, "too deep"),
    ({"low": 2000}, True, "the deepest that may recover"),
    ({"low": 2999, "cold": 49}, False, "deep and cold"),
    ({"low": 2999, "cold": 50}, True, "deep at 5 degC"),
    ({"low": 3000, "cold": 49}, True, "topping up: the window looks after the cold"),
)


def test_refusals():
    for columns, accepted, why in REFUSALS:
        rig = Rig().set(**columns)
        rig.sample()
        answer = rig.charge.begin(TRICKLE, -100, 0, 0)
        assert answer == (0 if accepted else REFUSED_RANGE), (why, answer)
        assert rig.charge.done == (0 if accepted else STOPPED), (why, "a refusal changes nothing")
        assert rig.charge.begin(CC_CV, -100, 0, 0) == 0, (why, "the other methods are bounded")
    charge = Charge(Settings(), Pack(1, 1, 5000, 157_000))
    assert charge.begin(TRICKLE, -100, 0, 0) == REFUSED_RANGE, "cells unknown"


def test_an_unknown_method_says_what_is_allowed():
    for method in (-1, 5):
        try:
            Rig().charge.begin(method, -100, 0, 0)
        except ValueError as error:
            assert "0..4" in str(error)
        else:
            assert False, method


def trickles(rig, span_ms):
    """Minutes that a trickle charge gets within the span, then it is stopped; 0: refused."""
    if rig.charge.begin(TRICKLE, -100, 0, rig.now_ms):
        return 0
    ms = rig.until_done(span_ms, 2000) or span_ms
    rig.charge.end(STOPPED)
    rig.command_w = 0
    return (ms + MINUTE // 2) // MINUTE


def wait(rig, hours):
    rig.go(hours, HOUR)


def test_the_trickle_budget_counts_24_hours():
    for start_ms in (1000, TICK_MASK - 5 * HOUR):
        rig = Rig(start_ms)
        assert trickles(rig, 60 * MINUTE + 2000) == 60
        wait(rig, 20)
        assert trickles(rig, 2 * HOUR) == 60, "the rest of the two hours"
        assert trickles(rig, HOUR) == 0, "both within 24 h"
        wait(rig, 2)
        assert trickles(rig, HOUR) == 0, "24 h since the begin of the first"
        wait(rig, 2)
        assert trickles(rig, 2 * HOUR) == 60, "the hour of yesterday, no more"
        wait(rig, 49)
        assert trickles(rig, 3 * HOUR) == 120, "all of it after a day of rest"


def test_a_trickle_without_power_uses_no_time():
    rig = Rig().begin(TRICKLE)
    rig.cap_w = 0
    rig.go(1)
    assert rig.until_done(3 * HOUR, 2000) is None


def test_time_out():
    for start_ms in (1000, TICK_MASK - 10_000):
        rig = Rig(start_ms)
        rig.charge.timeout_ms = 30_000
        rig.begin()
        rig.go(58)
        assert rig.charge.done == 0
        rig.go(1)
        assert rig.charge.done == TIMEOUT


# --- stages -----------------------------------------------------------------------------------

STAGE_ROWS = (
    # highest cell, per mille of C afterwards, why
    (3399, 500, "first stage"),
    (3400, 300, "second"),
    (3429, 300, "not yet"),
    (3430, 150, "third"),
    (3449, 150, "not yet"),
    (3450, 50, "last"),
    (3300, 50, "never back"),
)


def test_stages_follow_the_highest_cell():
    rig = Rig().begin(MULTI_STAGE)
    for high_mv, pm, why in STAGE_ROWS:
        before_w = rig.charge.wish_w
        rig.set(high=high_mv).go(1)
        assert rig.charge.wish_w == before_w, (why, "one sample is not enough")
        rig.go(1)
        assert rig.charge.wish_w == -5 * pm, (why, rig.charge.wish_w)


def test_an_outlier_does_not_end_a_stage():
    rig = Rig().begin(MULTI_STAGE)
    for _ in range(5):
        rig.set(high=3405).go(1).set(high=3300).go(1)
    assert rig.charge.wish_w == -2500


STAGE_TIMES = ((180, 300), (60, 150), (60, 50))


def test_stages_have_a_time():
    rig = Rig().begin(MULTI_STAGE)
    for minutes, pm in STAGE_TIMES:
        rig.go(minutes * 30 - 1, 2000)
        assert rig.charge.wish_w < -5 * pm
        rig.go(1, 2000)
        assert rig.charge.wish_w == -5 * pm, (minutes, rig.charge.wish_w)


def test_stages_end_below_a_high_cv_target():
    rig = Rig(cell_mv_cv=3500).begin(MULTI_STAGE).set(high=3449).go(8)
    assert rig.charge.wish_w == -750
    rig.set(high=3450).go(2)
    assert rig.charge.wish_w == -250


def test_a_low_cv_target_ends_every_stage():
    rig = Rig(charge_mv_max=54_240).begin(MULTI_STAGE).set(high=3390)   # 3 390 mV a cell
    rig.go(6)
    assert rig.charge.wish_w == -250, "its stages never reach their own voltages"


# --- pulses -----------------------------------------------------------------------------------


def phases(rig, ticks, rate_w=500):
    """Lengths in ticks of wish on and off, with a ramp of rate_w a tick of 100 ms."""
    lengths, last = [0], None
    for tick in range(ticks):
        rig.now_ms += 100
        if tick % 5 == 0:
            rig.sample()
        else:
            rig.pack.update(rig.now_ms)
        rig.charge.tick(rig.command_w, False, rig.now_ms)
        wish_w = rig.charge.wish_w
        step = min(max(wish_w - rig.command_w, -rate_w), rate_w)
        rig.command_w = max(rig.command_w + step, -rig.cap_w)
        if last is not None and (wish_w < 0) != last:
            lengths.append(0)
        last = wish_w < 0
        lengths[-1] += 1
    return lengths


def test_pulse_and_rest_without_their_ramps():
    rig = Rig().begin(PULSED)
    rig.command_w = 0
    lengths = phases(rig, 2000)
    # 5 ticks of ramp, then 600 or 100 that count; the one that completes them begins the next
    assert lengths[:4] == [604, 104, 604, 104], lengths


def test_a_pulse_held_down_by_others_counts():
    rig = Rig().begin(PULSED)
    rig.cap_w = 600
    lengths = phases(rig, 1500)
    assert lengths[1:4] == [101, 602, 101], lengths


def test_a_pulse_without_power_waits():
    rig = Rig().begin(PULSED)
    rig.cap_w = rig.command_w = 0
    assert phases(rig, 1500) == [1500]


def test_two_short_pulses_are_not_the_end():
    rig = Rig().begin(PULSED)
    for _ in range(2):
        rig.set(high=3450).go(2)                        # 1 s of pulse at most
        assert rig.charge.wish_w == 0 and rig.charge.done == 0
        rig.set(high=3440)
        phases(rig, 110)
        assert rig.charge.wish_w == -2500
    phases(rig, 120)
    rig.set(high=3450).go(1)                            # 10 s and more: not a short one
    assert rig.charge.wish_w == 0 and rig.charge.done == 0
    rig.set(high=3440)
    for _ in range(2):
        phases(rig, 110)
        rig.set(high=3450).go(1).set(high=3440)
        assert rig.charge.done == 0
    phases(rig, 110)
    assert rig.set(high=3450).go(1).charge.done == FULL, "three in a row"


# --- rounds of several modules ----------------------------------------------------------------


def test_a_round_is_over_when_a_module_brings_its_second_sample():
    rounds = Rounds()
    told = [rounds.over(fresh) for fresh in (0, 0b1, 0b10, 0, 0b100, 0b1, 0b1, 0b10, 0b110)]
    assert told == [False, True, False, False, False, True, True, False, True]


def test_a_pack_of_several_modules_counts_as_one_sensor():
    pack = Pack(1, 2, 5000, 157_000)
    for row in pack.rows:
        healthy(row)
        row[M_PACK_MV] = 50_000
    charge = Charge(Settings(), pack)
    pack.put(0, 0)
    pack.put(1, 0)
    pack.update(0)
    assert charge.begin(MULTI_STAGE, -NO_CAP, 0, 0) == 0
    charge.tick(0, False, 100)
    pack.rows[0][M_CELL_MV_MAX] = 3400
    for now_ms, module, wish_w in ((200, 0, -2500), (300, 1, -2500), (400, 0, -1500)):
        pack.put(module, now_ms)
        pack.update(now_ms)
        charge.tick(0, False, now_ms)
        assert charge.wish_w == wish_w, "the other module's sample is no second look at the cell"


# --- to full ----------------------------------------------------------------------------------

TO_FULL = (
    # method, SoC before, power W, hours at most, code, SoC after at least, why
    (CC_CV, 960, -8000, 3, FULL, 995, "0.5 C"),
    (MULTI_STAGE, 960, -8000, 4, FULL, 995, "0.5 C"),
    (PULSED, 960, -8000, 4, FULL, 995, "0.5 C with rests"),
    (CC_CV, 985, -2000, 4, FULL, 995, "a small stated power"),
    (TRICKLE, 995, -8000, 2, FULL, 996, "topped up to 3 400 mV"),
)


def test_a_pack_is_charged_to_full():
    for method, soc_pm, power_w, hours, code, least_pm, why in TO_FULL:
        plant = Plant(7, soc_pm).charge_it(method, power_w, hours)
        assert plant.charge.done == code, (why, plant.charge.done)
        assert plant.high_mv <= 3460, (why, plant.high_mv)
        assert plant.most_w >= power_w, (why, plant.most_w)
        assert least_pm <= plant.bank.soc_pm() <= 1008, (why, plant.bank.soc_pm())


def test_calibration_holds_the_target():
    plant = Plant(3, 990)
    plant.sample()
    plant.charge.begin(HOLD, -8000, 0, 0)
    for _ in range(2000):
        plant.tick()
    for _ in range(500):
        plant.tick()
        assert 3440 <= plant.bank.cell_mv_max() <= 3460
    assert plant.charge.in_cv and plant.charge.done == 0
