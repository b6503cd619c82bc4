"""Energy counters: nothing is lost, nothing flows back."""

from bess.core.battery.energy import Counters

HOUR = 36_000                           # ticks of 100 ms

ROWS = (
    # power, ticks, Wh out, Wh in, why
    (500, HOUR, 500, 0, "half a kilowatt for an hour"),
    (-500, HOUR, 0, 500, "the other way counts on the other side"),
    (1, 2 * HOUR, 2, 0, "one watt is not lost to rounding"),
    (None, HOUR, 0, 0, "unknown books nothing"),
    (0, HOUR, 0, 0, "zero books nothing"),
    (1_000_000, 36, 1000, 0, "the largest power"),
)


def test_rows():
    for power_w, ticks, out_wh, in_wh, why in ROWS:
        counters = Counters(1)
        for _ in range(ticks):
            counters.add(0, power_w, 100)
        assert counters.wh == [out_wh, in_wh], (why, counters.wh)


def test_flows_do_not_mix():
    counters = Counters(3)
    for _ in range(HOUR // 10):
        counters.add(0, 1000, 1000)
        counters.add(2, -3000, 1000)
    assert counters.wh == [1000, 0, 0, 0, 0, 3000]


def test_a_long_gap_books_at_most_5_s():
    counters = Counters(1)
    for _ in range(3600):
        counters.add(0, 1000, 60_000)
    assert counters.wh[0] == 5000, "nobody knows what flowed while nobody looked"

EXACT = (
    # (power, ms) one after the other, Wh, what is left in W ms, why
    (((36_000, 100),), 1, 0, "a watt-hour sharp"),
    (((35_999, 100),), 0, 3_599_900, "a little less"),
    (((35_999, 100), (1, 100)), 1, 0, "what is left counts"),
    (((1000, 1),), 0, 1000, "a millisecond"),
    (((1000, 299),), 0, 299_000, "odd times"),
    (((1000, 300),), 0, 300_000, "odd times"),
    (((1000, 301),), 0, 301_000, "odd times"),
    (((1000, 4999),), 1, 1_399_000, "a stall"),
    (((1000, 5000),), 1, 1_400_000, "the longest that is believed"),
    (((1000, 5001),), 1, 1_400_000, "no more"),
    (((3_000_000, 5000),), 4166, 2_400_000, "the largest power in the longest time"),
    (((1000, 0),), 0, 0, "no time, no energy"),
)


def test_to_the_watt_millisecond():
    for sign in (1, -1):
        for course, wh, rest, why in EXACT:
            counters = Counters(2)
            for power_w, ms in course:
                counters.add(1, sign * power_w, ms)
            side = 2 if sign > 0 else 3
            wanted = [wh if i == side else 0 for i in range(4)]
            assert counters.wh == wanted, (why, counters.wh)
            assert list(counters.rest) == [rest if i == side else 0 for i in range(4)], why
