"""A test in MAINTENANCE by itself: its limits, its dead man's switch, its time."""

from bess.core.control.maintenance import CONTACTOR, NONE, POWER, TRICKLE
from bess.core.control.maintenance import Test as Trial
from bess.core.tick import TICK_MASK


class Ratings:
    def __init__(self, w_rated, charge_w_max, discharge_w_max):
        self.w_rated = w_rated
        self.charge_w_max = charge_w_max
        self.discharge_w_max = discharge_w_max


LIMITS = (
    # rating, charge, discharge, most, charge of a test, discharge of a test, why
    (20_000, 20_000, 20_000, 1000, 1000, 1000, "5 % of the rating"),
    (10_019, 20_000, 20_000, 500, 500, 500, "rounded down"),
    (10_020, 20_000, 20_000, 501, 501, 501, "just above 500 W"),
    (3000, 3000, 3000, 500, 500, 500, "at least 500 W"),
    (20_000, 400, 300, 1000, 400, 300, "never more than the pack may"),
)


def test_limits():
    for w_rated, charge_w, discharge_w, most_w, lo_w, hi_w, why in LIMITS:
        test = Trial(Ratings(w_rated, charge_w, discharge_w))
        assert (test.power_w_max, test.charge_w, test.discharge_w) == (most_w, lo_w, hi_w), why
        assert (test.kind, test.wish_w, test.coils) == (NONE, 0, 0), why
        assert test.over(0) is False, "nothing runs"


ENDS = (
    # kind, renewed each s until, then over after ms, why
    (POWER, 0, 5001, "not renewed"),
    (TRICKLE, 0, 5001, "not renewed"),
    (CONTACTOR, 0, 5001, "not renewed"),
    (POWER, 60_000, 60_001, "its minute is over"),
    (TRICKLE, 90_000, 95_001, "a charge has no such end"),
    (CONTACTOR, 90_000, 95_001, "nor has a contactor"),
)


def test_ends():
    for start_ms in (0, TICK_MASK - 3000):
        for kind, renewed_ms, over_ms, why in ENDS:
            test = Trial(Ratings(20_000, 20_000, 20_000))
            for at_ms in range(0, renewed_ms + 1, 1000):
                test.begin(kind, -200, 0, (start_ms + at_ms) & TICK_MASK)
            assert not test.over((start_ms + over_ms - 1) & TICK_MASK), why
            assert test.over((start_ms + over_ms) & TICK_MASK), why


def test_another_kind_has_a_minute_of_its_own():
    test = Trial(Ratings(20_000, 20_000, 20_000))
    test.begin(TRICKLE, -100, 0, 0)
    test.begin(POWER, 300, 0, 50_000)
    assert (test.kind, test.wish_w) == (POWER, 300)
    for at_ms in range(51_000, 110_001, 1000):
        test.begin(POWER, 300, 0, at_ms)
    assert not test.over(110_000) and test.over(110_001)


def test_end():
    test = Trial(Ratings(20_000, 20_000, 20_000))
    test.begin(CONTACTOR, 0, 4, 0)
    assert test.coils == 4
    test.begin(POWER, 250, 0, 0)
    assert (test.wish_w, test.coils) == (250, 0)
    test.end()
    assert (test.kind, test.wish_w, test.coils) == (NONE, 0, 0)
    assert not test.over(99_000), "what has ended is not over again"


def test_codes():
    assert (NONE, POWER, CONTACTOR, TRICKLE) == (0, 1, 2, 3), "data of the event"


def test_the_start_of_the_inverter_takes_nothing_off_the_time():
    test = Trial(Ratings(20_000, 20_000, 20_000))
    test.begin(POWER, 100, 0, 1000)
    for now_ms in range(1000, 100_000, 1000):
        test.begin(POWER, 100, 0, now_ms)
        assert not test.over(now_ms, False)
    for now_ms in range(100_000, 159_001, 1000):
        test.begin(POWER, 100, 0, now_ms)
        assert not test.over(now_ms)
    test.begin(POWER, 100, 0, 159_001)
    assert test.over(159_001)
