"""Properties of window, ramp, requests and counters for any sequence of inputs."""

from hypothesis import given, strategies as st

from bess.core.battery.energy import Counters
from bess.core.control.ramp import Ramp
from bess.core.request import FOR_EVER, RANKS, Requests
from bess.core.tick import TICK_MASK, elapsed_ms
from bess.core.window import Window
from host_tests.core.control.test_ramp import rates

WATTS = st.integers(-1_000_000, 1_000_000)
LIMITS = st.integers(-2_000, 30_000)
WHY = st.integers(1, 26)
RULES = st.lists(st.tuples(st.sampled_from(("charge", "discharge")), LIMITS, WHY), max_size=12)


@given(st.integers(0, 30_000), st.integers(0, 30_000), RULES, WATTS)
def test_the_window_never_widens_and_always_contains_zero(charge_w, discharge_w, rules, wish_w):
    window = Window()
    window.open(charge_w, discharge_w, 6)
    for side, limit_w, why in rules:
        before = (window.lo_w, window.hi_w, window.lo_why, window.hi_why)
        getattr(window, side)(limit_w, why)
        assert before[0] <= window.lo_w <= 0 <= window.hi_w <= before[1]
        assert (window.lo_w == before[0]) == (window.lo_why == before[2]) or why == before[2]
        assert (window.hi_w == before[1]) == (window.hi_why == before[3]) or why == before[3]
        assert window.lo_w <= window.nearest(wish_w) <= window.hi_w
        if window.lo_w <= wish_w <= window.hi_w:
            assert window.nearest(wish_w) == wish_w


STEPS = st.lists(
    st.tuples(st.integers(-30_000, 30_000), st.integers(0, 25_000), st.integers(0, 25_000),
              st.integers(1, 200)),
    min_size=1, max_size=60)


@given(st.integers(500, 1_000_000), st.integers(1, 1000), st.integers(1, 1000),
       st.integers(1, 1000), st.integers(0, 60_000), STEPS)
def test_the_ramp(rating_w, up_pm, down_pm, rise_pm, dwell_ms, steps):
    ramp = Ramp(rates(w_rated=rating_w, ramp_up_pm=up_pm, ramp_down_pm=down_pm,
                      limit_rise_pm=rise_pm, zero_dwell_ms=dwell_ms))
    window = Window()
    before_w, risen_w, allowed = 0, 0, 0
    for target_w, charge_w, discharge_w, dt_ms in steps:
        window.open(charge_w, discharge_w, 6)
        w = ramp.follow(target_w, window, dt_ms)
        assert window.lo_w <= w <= window.hi_w, "always inside the window"
        assert w * before_w >= 0, "through zero only by a tick at zero"
        rise_w = abs(w) - abs(before_w)
        assert rise_w <= ramp.rise_w_max() * dt_ms // 1000 + 1, "away from zero at its rate"
        if rise_w > 0:
            risen_w, allowed = risen_w + rise_w, allowed + ramp.rise_w_max() * dt_ms
            assert w * target_w > 0 and abs(w) <= abs(target_w), "never beyond the target"
        if abs(w) < abs(before_w):
            cut_w = window.nearest(before_w)
            assert abs(cut_w) - abs(w) <= ramp.down_w * dt_ms // 1000 + 1, "only a limit cuts"
        before_w = w


@given(st.integers(500, 100_000), st.integers(1, 1000), st.integers(1, 200))
def test_the_ramp_arrives_exactly_and_in_time(rating_w, up_pm, dt_ms):
    ramp = Ramp(rates(w_rated=rating_w, ramp_up_pm=up_pm, ramp_down_pm=up_pm, zero_dwell_ms=0))
    window = Window()
    window.open(rating_w, rating_w, 6)
    spent_ms = 0
    while ramp.w != rating_w and spent_ms < 3_000_000:
        ramp.follow(rating_w, window, dt_ms)
        spent_ms += dt_ms
    assert 0 <= spent_ms - rating_w * 1000 / ramp.up_w < dt_ms, "with its remainder, no watt lost"


ASKS = st.lists(
    st.tuples(st.sampled_from(("ask", "withdraw", "settle")), st.integers(0, len(RANKS) - 1),
              WATTS, st.sampled_from((FOR_EVER, 1, 500, 1000, 60_000, 3_600_000)),
              st.integers(0, 70_000)),
    max_size=40)


@given(st.integers(0, TICK_MASK), ASKS)
def test_requests_against_a_plain_model(start_ms, actions):
    """Anywhere in the range of the counter, also across its wrap."""
    requests, model, spent_ms = Requests(), {}, 0
    for action, slot, wish_w, life_ms, pause_ms in actions:
        now_ms = (start_ms + spent_ms) & TICK_MASK
        if action == "ask":
            requests.ask(slot, wish_w, now_ms, life_ms)
            model[slot] = (wish_w, spent_ms + life_ms if life_ms else None)
        elif action == "withdraw":
            assert requests.withdraw(slot) == (slot in model)
            model.pop(slot, None)
        else:
            spent_ms += pause_ms
            now_ms = (start_ms + spent_ms) & TICK_MASK
            model = {s: (w, end) for s, (w, end) in model.items()
                     if end is None or end > spent_ms}
            requests.settle(now_ms)
            if not model:
                assert (requests.rank, requests.wish_w, requests.left_ms) == (0, 0, None)
                continue
            best = min(model)
            wish, end = model[best]
            assert (requests.rank, requests.wish_w) == (RANKS[best], wish)
            assert requests.left_ms == (None if end is None else end - spent_ms)


@given(st.lists(st.tuples(st.integers(0, 2), st.none() | WATTS, st.integers(0, 6500)),
                max_size=200))
def test_counters_equal_the_exact_sums(bookings):
    counters, exact = Counters(3), [0] * 6
    for flow, power_w, dt_ms in bookings:
        before = list(counters.wh)
        counters.add(flow, power_w, dt_ms)
        assert all(new >= old for new, old in zip(counters.wh, before)), "they only rise"
        if power_w:
            exact[2 * flow + (power_w < 0)] += abs(power_w) * min(dt_ms, 5000)
    assert counters.wh == [ws // 3_600_000 for ws in exact]


@given(st.integers(0, TICK_MASK), st.integers(0, TICK_MASK))
def test_elapsed_is_the_inverse_of_adding(then_ms, span_ms):
    assert elapsed_ms((then_ms + span_ms) & TICK_MASK, then_ms) == span_ms
