"""The clock: tick wrap, epochs of both kinds of platform, a date that was never set."""

from bess.core.tick import TICK_MASK, elapsed_ms
from bess.ports import clock as module
from bess.ports.clock import Clock

NOW_S = 1795000000          # in November 2026
EPOCH_2000_S = 946684800


class Platform:
    """Stands in for the `time` module: a board whose seconds count from `base_year`."""

    def __init__(self, base_year, seconds):
        self.base_year = base_year
        self.seconds = seconds

    def time(self):
        return self.seconds

    def gmtime(self, seconds):
        year = self.base_year if seconds == 0 else self.base_year + seconds // 31556952
        return (year, 1, 1, 0, 0, 0, 0, 1)


def on(platform, steps):
    """Run `steps()` with another `time` module in the clock."""
    real = module.time
    module.time = platform
    try:
        return steps()
    finally:
        module.time = real


def with_raw_ms(values, steps):
    """Run `steps()` while the platform's tick counter shows `values`, one after the other."""
    real = module._raw_ms
    left = list(values)
    module._raw_ms = lambda: left.pop(0)
    try:
        return steps()
    finally:
        module._raw_ms = real


def test_starts_where_it_is_told():
    for start_ms in (0, 1, 12345, TICK_MASK // 2, TICK_MASK // 2 + 1, TICK_MASK):
        assert elapsed_ms(Clock(start_ms).ticks_ms(), start_ms) < 100, start_ms


def test_wraps_where_the_chip_wraps():
    def steps():
        clock = Clock(TICK_MASK - 5)
        return [clock.ticks_ms() for _ in range(3)]

    raws = (1000, 1000, 1005, 1006)
    assert with_raw_ms(raws, steps) == [TICK_MASK - 5, TICK_MASK, 0]


def test_platform_counter_of_any_size():
    def steps():
        clock = Clock()
        return [clock.ticks_ms() for _ in range(4)]

    raws = (5, 5, TICK_MASK, TICK_MASK + 1, (1 << 45) + 7)
    assert with_raw_ms(raws[1:], steps) == [5, TICK_MASK, 0, 7]


def test_microseconds_wrap_too():
    clock = Clock()
    begun = clock.ticks_us()
    assert 0 <= begun <= TICK_MASK
    assert elapsed_ms(clock.ticks_us(), begun) < 1000000


def test_date_from_both_epochs():
    assert on(Platform(1970, NOW_S), lambda: Clock().epoch_s()) == NOW_S
    assert on(Platform(2000, NOW_S - EPOCH_2000_S), lambda: Clock().epoch_s()) == NOW_S


def test_unset_clock_is_unknown():
    assert on(Platform(2000, 37), lambda: Clock().epoch_s()) is None
    assert on(Platform(1970, 0), lambda: Clock().epoch_s()) is None


def test_setting_the_date():
    def steps():
        clock = Clock()
        clock._set_chip = lambda seconds: None      # a chip that cannot be set
        clock.set_epoch(NOW_S)
        assert clock.epoch_s() == NOW_S
        module.time.seconds += 60
        assert clock.epoch_s() == NOW_S + 60

    on(Platform(2000, 37), steps)
    on(Platform(1970, 12), steps)


def test_chip_that_takes_the_date_is_not_shifted():
    platform = Platform(2000, 37)

    def steps():
        clock = Clock()

        def set_chip(seconds):
            platform.seconds = seconds

        clock._set_chip = set_chip
        clock.set_epoch(NOW_S)
        return clock.epoch_s(), platform.seconds

    assert on(platform, steps) == (NOW_S, NOW_S - EPOCH_2000_S)


def test_nobody_sets_an_old_date():
    for seconds in (0, 1704067199, -5):
        try:
            Clock().set_epoch(seconds)
        except ValueError as fault:
            assert "2024" in str(fault)
        else:
            assert False, seconds
