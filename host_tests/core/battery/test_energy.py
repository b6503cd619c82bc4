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
