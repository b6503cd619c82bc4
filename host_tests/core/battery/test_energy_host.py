"""The energy counters against exact sums: nothing is lost or made at any sequence of ticks."""

from hypothesis import given, settings, strategies as st

from bess.core.battery.energy import Counters

W_MS_PER_WH = 3_600_000
POWER = (st.none() | st.just(0) | st.integers(-3, 3) | st.integers(-30_000, 30_000)
         | st.integers(-3_000_000, 3_000_000))
DT = st.sampled_from((0, 1, 7, 99, 100, 101, 150, 200, 999, 1000)) | st.integers(0, 5000)
TICKS = st.lists(st.tuples(st.integers(0, 2), POWER, DT, st.integers(1, 400)), max_size=60)


@given(TICKS)
@settings(max_examples=150)
def test_nothing_is_lost_to_rounding(ticks):
    """Counter and remainder together are the exact sum of power times time, in every tick."""
    counters, exact = Counters(3), [0] * 6
    for flow, power_w, dt_ms, times in ticks:
        for _ in range(times):
            before = list(counters.wh)
            counters.add(flow, power_w, dt_ms)
            assert all(now >= then for now, then in zip(counters.wh, before)), "they only rise"
        side = 2 * flow + (power_w is not None and power_w < 0)
        exact[side] += abs(power_w or 0) * dt_ms * times
        booked = [wh * W_MS_PER_WH + rest for wh, rest in zip(counters.wh, counters.rest)]
        assert booked == exact
        assert counters.wh == [e // W_MS_PER_WH for e in exact], "never 1 Wh behind"


@given(st.integers(1, 3_000_000), st.lists(DT, min_size=1, max_size=50))
def test_products_stay_small(power_w, spans_ms):
    """Within 2**30, beyond which the chip takes heap: 300 ms at a time up to 3 MW."""
    counters = Counters(1)
    for dt_ms in spans_ms:
        assert counters.rest[0] + power_w * min(dt_ms, 300) < 1 << 30
        counters.add(0, power_w, dt_ms)


@given(st.integers(5001, 60_000), st.integers(1, 1_000_000))
def test_what_a_late_tick_leaves_out_is_beyond_a_second(dt_ms, power_w):
    late, second = Counters(1), Counters(1)
    late.add(0, power_w, dt_ms)
    second.add(0, power_w, 5000)
    assert (late.wh, late.rest) == (second.wh, second.rest)
