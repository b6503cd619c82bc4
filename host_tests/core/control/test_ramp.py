"""The ramp: cuts at once, rises at its rate, crosses zero through zero."""

from bess.core.control.ramp import Ramp
from bess.core.window import Window


class Rates:
    w_rated, ramp_up_pm, ramp_down_pm, zero_dwell_ms = 20_000, 100, 200, 5000
    limit_rise_pm, reconnect_ramp_pm = 100, 3


def rates(**changes):
    settings = Rates()
    for name in changes:
        setattr(settings, name, changes[name])
    return settings


def ramp(w=0, **changes):
    made = Ramp(rates(**changes))
    made.w = w
    made._sign = (w > 0) - (w < 0)
    return made


def window(lo_w=-20_000, hi_w=20_000):
    made = Window()
    made.open(-lo_w, hi_w, 6)
    return made


STEPS = (
    # w, target, lo, hi, dt, next w, why
    (0, 20_000, -20_000, 20_000, 100, 200, "up: 10 % of the rating a second"),
    (0, -20_000, -20_000, 20_000, 100, -200, "the same when charging"),
    (5000, 20_000, -20_000, 20_000, 200, 5400, "twice the time"),
    (5000, 0, -20_000, 20_000, 100, 4600, "down: 20 % a second"),
    (-5000, 0, -20_000, 20_000, 100, -4600, "the same when charging"),
    (5000, 4900, -20_000, 20_000, 100, 4900, "does not overshoot"),
    (5000, 5150, -20_000, 20_000, 100, 5150, "does not overshoot"),
    (5000, 5000, -20_000, 20_000, 100, 5000, "there"),
    (5000, 5000, -20_000, 1234, 100, 1234, "a limit that falls cuts at once"),
    (-5000, -5000, -300, 20_000, 100, -300, "on either side"),
    (5000, 5000, -20_000, 0, 100, 0, "a closed side"),
    (300, -8000, -20_000, 20_000, 100, 0, "never through zero in one tick"),
    (5000, -8000, -20_000, 20_000, 100, 4600, "first towards zero"),
    (5000, -8000, -20_000, 0, 100, 0, "a limit that cuts to zero leaves it there for a tick"),
    (-5000, 8000, 0, 20_000, 100, 0, "on either side"),
    (1, 5000, -20_000, 20_000, 100, 201, "a watt has a sign"),
    (-1, -5000, -20_000, 20_000, 100, -201, "a watt has a sign"),
    (5000, 1, -20_000, 20_000, 100, 4600, "down to a watt"),
    (0, 0, -20_000, 20_000, 100, 0, "at rest"),
)


def test_steps():
    for w, target_w, lo_w, hi_w, dt_ms, wanted_w, why in STEPS:
        assert ramp(w).follow(target_w, window(lo_w, hi_w), dt_ms) == wanted_w, why


def test_a_limit_that_rises_is_ramped():
    follower = ramp(5000)
    follower.follow(5000, window(hi_w=1000), 100)
    assert follower.follow(5000, window(), 100) == 1200


def test_no_watt_is_lost_to_rounding():
    follower = ramp(w_rated=5555, ramp_up_pm=97, zero_dwell_ms=0)        # 538 W a second
    for _ in range(100):
        follower.follow(5555, window(), 17)
    assert follower.w == 538 * 1700 // 1000


def test_small_ratings_move_at_least_500_w_a_second():
    assert ramp(w_rated=1000).up_w == 500


def test_the_sign_changes_through_a_tick_at_zero():
    follower, seen = ramp(1000), []
    for _ in range(5):
        seen.append(follower.follow(-2000, window(), 100))
    assert seen == [600, 200, 0, -200, -400], seen


def test_a_small_target_of_the_other_sign_waits_at_zero():
    follower = ramp(100)
    ticks = 0
    while follower.follow(-150, window(), 100) >= 0:
        ticks += 1
    assert ticks == 50, "the tick that reaches zero, then 5 s with it"


def test_a_large_one_does_not_wait_and_a_small_one_of_the_same_sign_neither():
    for target_w in (-201, 100):
        follower = ramp(100)
        follower.follow(0, window(), 100)
        assert follower.w == 0
        assert follower.follow(target_w, window(), 100) != 0, target_w


def test_long_rest_at_zero_counts_as_the_wait():
    follower = ramp(100)
    for _ in range(60):
        follower.follow(0, window(), 100)
    assert follower.follow(-100, window(), 100) == -100


def test_a_wait_is_not_carried_over_from_before():
    follower = ramp(100)
    for _ in range(60):
        follower.follow(0, window(), 100)
    follower.follow(100, window(), 100)
    assert [follower.follow(-100, window(), 100) for _ in range(3)] == [0, 0, 0]


def test_stop():
    follower = ramp(20_000)
    follower.stop()
    assert follower.w == 0


def test_what_a_limit_cut_comes_back_at_its_own_rate():
    follower = ramp(5000, limit_rise_pm=50)
    follower.follow(5000, window(hi_w=1000), 100)
    assert follower.follow(5000, window(), 100) == 1100, "5 % a second"
    follower.follow(1000, window(), 100)
    assert follower.follow(5000, window(), 100) == 1200, "the wish was reached: 10 % again"


def test_a_rise_of_the_wish_alone_is_not_a_return():
    follower = ramp(1000, limit_rise_pm=50)
    assert follower.follow(5000, window(hi_w=4000), 100) == 1200


def test_after_a_trip_power_returns_slowly_until_the_wish_is_reached():
    follower = ramp(0)
    follower.reconnecting = True
    assert follower.rise_w_max() == 60, "0.3 % of 20 kW a second"
    assert follower.follow(0, window(), 100) == 0 and follower.reconnecting, "0 W reaches nothing"
    assert [follower.follow(20, window(), 100) for _ in range(4)] == [6, 12, 18, 20]
    assert not follower.reconnecting and follower.rise_w_max() == 2000
    assert follower.follow(-20_000, window(), 100) == 0
    assert follower.follow(-20_000, window(), 100) == -200


def test_a_stop_forgets_the_cut():
    follower = ramp(5000, limit_rise_pm=50)
    follower.follow(5000, window(hi_w=1000), 100)
    follower.stop()
    assert follower.follow(5000, window(), 100) == 200


def settled(w, **changes):
    """A ramp that got to w by itself."""
    follower = Ramp(rates(**changes))
    for _ in range(200):
        follower.follow(w, window(), 100)
    assert follower.w == w
    return follower


def test_from_a_fresh_start_nothing_waits():
    for target_w in (1, -1, 150, -150):
        assert Ramp(rates()).follow(target_w, window(), 100) == target_w


WAITS = (
    # rating, before, target, waits, why
    (20_000, 900, -200, True, "1 % of the rating is small"),
    (20_000, 900, -201, False, "more is not"),
    (20_000, -900, 200, True, "the other way round"),
    (20_000, 900, 200, False, "the same side needs no wait"),
    (4000, 900, -150, True, "150 W are small for anybody"),
    (4000, 900, -151, False, "and 151 are not"),
)


def test_who_waits_at_zero():
    for w_rated, before_w, target_w, waits, why in WAITS:
        follower = settled(before_w, w_rated=w_rated)
        while follower.follow(0, window(), 100):
            pass
        assert (follower.follow(target_w, window(), 100) == 0) == waits, why


RATES = (
    # settings, up, down, back, after a trip, why; W per second
    ({}, 2000, 4000, 2000, 60, "per mille of the rating"),
    ({"w_rated": 20_999, "ramp_up_pm": 51, "ramp_down_pm": 77, "limit_rise_pm": 33},
     1070, 1616, 692, 62, "rounded down"),
    ({"w_rated": 1000}, 500, 500, 500, 3, "at least 500 W, but for the slow one"),
    ({"w_rated": 200, "reconnect_ramp_pm": 1}, 500, 500, 500, 1, "that is at least 1 W"),
)


def test_rates():
    for changes, up_w, down_w, rise_w, reconnect_w, why in RATES:
        made = Ramp(rates(**changes))
        got = (made.up_w, made.down_w, made.rise_w, made.reconnect_w)
        assert got == (up_w, down_w, rise_w, reconnect_w), (why, got)


SLOW = (
    # rating, W per second of a test, why
    (20_000, 400, "2 %"),
    (20_049, 400, "rounded down"),
    (20_050, 401, "to the watt"),
    (99, 1, "at least 1 W"),
)


def test_a_test_moves_slowly():
    for w_rated, rate_w, why in SLOW:
        follower = Ramp(rates(w_rated=w_rated))
        follower.slow = follower.reconnecting = True
        assert follower.rise_w_max() == rate_w, why
        for _ in range(10):
            follower.follow(20_000, window(), 100)
        assert follower.w == rate_w, why


def test_a_stop_forgets_the_fraction_of_a_watt():
    follower = Ramp(rates(w_rated=5555, ramp_up_pm=97))
    assert follower.follow(5555, window(), 17) == 9         # 9.146
    follower.stop()
    assert [follower.follow(5555, window(), 17) for _ in range(2)] == [9, 18]


RISES = (
    # rate of the wish and of a limit in per mille a second, fastest rise in W a second, why
    (100, 50, 2000, "the wish's own"),
    (100, 200, 4000, "a limit that returns may be quicker"),
    (100, 100, 2000, "both alike"),
)


def test_the_fastest_rise_that_may_be_seen():
    for up_pm, rise_pm, w, why in RISES:
        follower = ramp(ramp_up_pm=up_pm, limit_rise_pm=rise_pm)
        assert follower.rise_w_max() == w, why
        follower.reconnecting = True
        assert follower.rise_w_max() == follower.reconnect_w == 60, "3 per mille"
        follower.slow = True
        assert 0 < follower.rise_w_max() < w, "a test is slower than all of them"
