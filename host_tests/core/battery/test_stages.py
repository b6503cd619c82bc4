"""What the charging methods share: power of a current, and the two hours of trickle a day."""

from bess.core.battery.rounds import Rounds, ac_w
from bess.core.battery.stages import HOLD, MULTI_STAGE, TRICKLE, Budget
from bess.core.tick import TICK_MASK
from host_tests.core.battery.bench_charge import HOUR, MINUTE, Rig

POWERS = (
    # mA, mV, per mille of the inverter, AC W, why
    (0, 52_800, 950, 0, "nothing"),
    (1000, 52_800, 1000, 52, "52.8 W, rounded down"),
    (100_000, 52_800, 1000, 5280, "100 A"),
    (100_000, 52_800, 950, 5557, "the inverter takes its part on the way in"),
    (100_000, 52_899, 1000, 5280, "tenths of a volt"),
    (1000, 99, 1000, 0, "hardly a voltage"),
    (1_000_000, 800_000, 800, 1_000_000, "the largest pack"),
    (999_999, 800_000, 1000, 799_999, "to the watt"),
)


def test_the_power_of_a_current():
    for ma, mv, eta_pm, w, why in POWERS:
        assert ac_w(ma, mv, eta_pm) == w, (why, ac_w(ma, mv, eta_pm))


def used(budget, minutes, now_ms):
    """Use so many minutes in steps of 2 s; how many were given."""
    for given in range(minutes):
        for _ in range(30):
            now_ms = (now_ms + 2000) & TICK_MASK
            if not budget.use(2000, now_ms):
                return given + 1
    return minutes


BUDGETS = (
    # (hour of the begin, minutes wanted, minutes given) ..., why
    (((0, 30, 30), (3, 30, 30), (8, 30, 30), (20, 60, 30)), "two hours, however divided"),
    (((0, 59, 59), (2, 59, 59), (4, 2, 2), (24, 1, 0), (25, 59, 59), (26, 1, 0), (27, 70, 59)),
     "each hour is free again a day after it ended"),
    (((0, 119, 119), (5, 5, 1)), "the last minute is given"),
    (((0, 120, 120), (100, 120, 120)), "long ago"),
)


def test_the_budget():
    for course, why in BUDGETS:
        for start_ms in (0, TICK_MASK - 3 * HOUR):
            budget = Budget()
            budget._hour_ms = start_ms
            for hour, wanted, given in course:
                now_ms = (start_ms + hour * HOUR) & TICK_MASK
                found = used(budget, wanted, now_ms) if budget.left_min(now_ms) else 0
                assert found == given, (why, hour, found)


def test_less_than_a_minute_is_kept_for_the_next():
    budget = Budget()
    for now_ms in (20_000, 40_000, 59_999):
        assert budget.use(20_000 if now_ms < 59_999 else 19_999, now_ms)
    assert budget.left_min(59_999) == 120
    assert budget.use(1, 60_000)
    assert budget.left_min(60_000) == 119
    assert budget.use(59_999, 120_000) and budget.left_min(120_000) == 119
    assert budget.use(1, 120_001) and budget.left_min(120_001) == 118


def test_the_first_sample_begins_a_round_whoever_brings_it():
    for fresh in (0b1, 0b10, 0b1000):
        rounds = Rounds()
        assert not rounds.over(0) and rounds.over(fresh) and rounds.over(fresh)


def test_no_stage_before_the_last_ends_by_a_small_current():
    rig = Rig().begin(MULTI_STAGE)
    rig.flowing_ma, rig.cell_high = 0, True
    rig.set(high=3399).go(100)
    assert rig.charge.wish_w == -2500, "first stage"
    rig.set(high=3400).go(2)
    rig.set(high=3399).go(100)
    assert rig.charge.wish_w == -1500, "second"
    rig.set(high=3430).go(2)
    rig.set(high=3399).go(100)
    assert rig.charge.wish_w == -750 and rig.charge.done == 0, "third"


def test_trickle_and_calibration_end_by_no_current():
    for method, w in ((TRICKLE, -100), (HOLD, -1000)):
        rig = Rig().begin(method)
        rig.flowing_ma, rig.cell_high = 0, True
        rig.set(high=3399).go(200)
        assert rig.charge.done == 0 and rig.charge.wish_w == w, method


def test_the_time_of_a_stage_to_the_millisecond():
    for minutes, w in ((180, -1500), (60, -750), (60, -250)):
        for short_ms in (1, 0):
            rig = Rig().begin(MULTI_STAGE)
            before_w = rig.charge.wish_w
            if w > -1500:
                rig.set(high=3400).go(2).set(high=3300)
                before_w = rig.charge.wish_w
            if w > -750:
                rig.set(high=3430).go(2).set(high=3300)
                before_w = rig.charge.wish_w
            began_ms = rig.charge._stage_ms
            rig.now_ms = (began_ms + minutes * MINUTE - short_ms - 500) & TICK_MASK
            rig.go(1)
            assert rig.charge.wish_w == (before_w if short_ms else w), (minutes, short_ms)
