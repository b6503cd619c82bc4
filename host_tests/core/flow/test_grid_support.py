"""Grid support: the tables of the codes, the response, the way back, and who else does it."""

import micropython

from bess.core.flow.grid_support import FREQUENCY_WATT, VOLT_VAR, VOLT_WATT, GridSupport

RATED_W = 10_000


class Settings:
    def __init__(self, frequency="none", watt="none", var="none", hz=50):
        self.w_rated = RATED_W
        self.grid_hz = hz
        self.grid_mv_nominal = 230_000
        self.frequency_watt, self.volt_watt, self.volt_var = frequency, watt, var


def support(*names, **others):
    return GridSupport(Settings(*names, **others))


def settled(control, wish_w, grid_mhz=None, grid_mv=None, span_ms=60_000, dt_ms=200):
    """Power after the span under constant conditions."""
    w = None
    for _ in range(span_ms // dt_ms):
        w = control.shift(wish_w, grid_mhz, grid_mv, dt_ms)
    return w


def near(w, wanted_w, off_w=2):
    return abs(w - wanted_w) <= off_w


FREQUENCY = (
    # profile, nominal Hz, mHz, wish, power, why
    ("ieee1547", 60, 60_036, 0, 0, "edge of the deadband"),
    ("ieee1547", 60, 59_964, 5000, 5000, "edge of the deadband"),
    ("ieee1547", 60, 60_066, 0, -100, "30 mHz beyond it: 1 %"),
    ("ieee1547", 60, 60_500, 0, -1547, "-0.155 of the rating"),
    ("ieee1547", 60, 60_500, 6600, 5053, "from 66 %"),
    ("ieee1547", 60, 59_500, 5000, 6547, "+0.155 of the rating"),
    ("ieee1547", 60, 59_500, -2000, -453, "charges less"),
    ("ieee1547", 60, 58_000, 9000, 10_000, "bounded by the rating"),
    ("ieee1547", 60, 62_000, -9000, -10_000, "bounded by the rating"),
    ("ieee1547", 60, 66_001, 1000, 1000, "10 % off is no live grid"),
    ("ieee1547", 60, 66_000, 1000, -10_000, "10 % off just is one"),
    ("ieee1547", 60, 0, 1000, 1000, "an inverter that stands reports 0 Hz"),
    ("ieee1547", 60, None, 1000, 1000, "unknown"),
    ("ieee1547", 50, 50_536, 0, -2000, "0.5 Hz is a fifth at 50 Hz"),
    ("en50549", 50, 50_200, 3000, 3000, "edge"),
    ("en50549", 50, 50_700, 3000, 1000, "40 % of the rating per Hz"),
    ("en50549", 50, 51_500, 3000, -2200, "52 %"),
    ("en50549", 50, 49_800, 0, 0, "edge"),
    ("en50549", 50, 49_300, 0, 2000, "and below"),
    ("en50549", 50, 50_201, 3000, 2996, "1 mHz beyond the edge: 0.04 %"),
    ("en50549", 50, 47_500, -2000, 7200, "92 %"),
    ("en50549", 50, 47_250, -2000, 8200, "102 %: more than the rating as a change"),
    ("en50549", 50, 52_000, -9000, -10_000, "bounded by the rating"),
    ("vde4105", 50, 50_700, 6000, 4800, "40 % of the present power per Hz"),
    ("vde4105", 50, 50_700, -6000, -7200, "charging: more"),
    ("vde4105", 50, 50_700, 0, 0, "nothing of nothing"),
    ("vde4105", 50, 51_500, 6000, 2880, "before it trips"),
    ("vde4105", 50, 49_300, 0, 2000, "storage supports by its rating"),
    ("vde4105", 50, 49_800, 1000, 1000, "edge"),
    ("vde4105", 50, 50_200, 6000, 6000, "edge"),
    ("vde4105", 50, 51_200, 6000, 3600, "1 Hz: 40 %"),
    ("vde4105", 50, 47_500, 1000, 10_000, "92 % on top: bounded by the rating"),
    ("vde4105", 50, 47_500, -6000, 3200, "92 % of the rating"),
    ("as4777", 50, 50_250, 6000, 6000, "edge"),
    ("as4777", 50, 51_125, 6000, -2000, "half of the way to full charge"),
    ("as4777", 50, 52_000, 6000, -10_000, "full charge"),
    ("as4777", 50, 53_000, 6000, -10_000, "and no more"),
    ("as4777", 50, 49_750, -5000, -5000, "edge"),
    ("as4777", 50, 49_375, -5000, 2500, "half of the way to full discharge"),
    ("as4777", 50, 49_000, -5000, 10_000, "full discharge"),
    ("as4777", 50, 48_500, -5000, 10_000, "and no more"),
    ("none", 50, 52_000, 6000, 6000, "shipped disabled"),
)
WATT = (
    # profile, mV, wish, power, why
    ("ieee1547", 243_800, 10_000, 10_000, "1.06"),
    ("ieee1547", 248_400, 10_000, 6000, "1.08"),
    ("ieee1547", 253_000, 10_000, 2000, "1.10"),
    ("ieee1547", 276_000, 10_000, 2000, "1.20: no less"),
    ("ieee1547", 253_000, 1500, 1500, "below the cap already"),
    ("ieee1547", 253_000, -8000, -8000, "charging helps"),
    ("ieee1547", None, 10_000, 10_000, "unknown"),
    ("ieee1547", 345_001, 10_000, 2000, "150 % just is a voltage"),
    ("ieee1547", 345_100, 10_000, 10_000, "more is none"),
    ("ieee1547", 230_000, 10_000, 10_000, "1.00"),
    ("ieee1547", 250_700, 10_000, 4000, "1.09"),
    ("as4777", 253_000, 10_000, 10_000, "253 V"),
    ("as4777", 265_000, 10_000, 2000, "265 V: no less"),
    ("as4777", 260_000, -8000, -8000, "charging helps"),
    ("as4777", 256_500, 10_000, 6000, "half way"),
    ("as4777", 260_000, 10_000, 2000, "260 V"),
    ("none", 260_000, 10_000, 10_000, "shipped disabled"),
)
VAR = (
    # profile, mV, per mille of the rating, why
    ("ieee1547", 115_000, 440, "50 % just is a voltage: V1 and below"),
    ("ieee1547", 114_900, 0, "less is none"),
    ("ieee1547", 211_600, 440, "0.92"),
    ("ieee1547", 218_500, 220, "0.95"),
    ("ieee1547", 225_400, 0, "0.98"),
    ("ieee1547", 234_600, 0, "1.02"),
    ("ieee1547", 241_500, -220, "1.05"),
    ("ieee1547", 248_400, -440, "1.08"),
    ("ieee1547", 230_000, 0, "1.00"),
    ("ieee1547", 253_000, -440, "1.10: no more"),
    ("ieee1547a", 195_500, 250, "0.85: no more"),
    ("ieee1547a", 241_500, -125, "1.05"),
    ("ieee1547a", 264_500, -250, "1.15: no more"),
    ("ieee1547a", 207_000, 250, "0.90"),
    ("ieee1547a", 218_500, 125, "0.95"),
    ("ieee1547a", 230_000, 0, "1.00"),
    ("ieee1547a", 253_000, -250, "1.10"),
    ("vde4105", 213_900, 436, "0.93"),
    ("vde4105", 223_100, 0, "0.97"),
    ("vde4105", 236_900, 0, "1.03"),
    ("vde4105", 246_100, -436, "1.07"),
    ("vde4105", 207_000, 436, "0.90: no more"),
    ("vde4105", 218_500, 218, "0.95"),
    ("vde4105", 241_500, -218, "1.05"),
    ("vde4105", 253_000, -436, "1.10: no more"),
    ("as4777", 207_000, 440, "207 V"),
    ("as4777", 220_000, 0, "220 V"),
    ("as4777", 240_000, 0, "240 V"),
    ("as4777", 258_000, -600, "258 V"),
    ("as4777", 200_000, 440, "200 V: no more"),
    ("as4777", 213_500, 220, "half way up"),
    ("as4777", 249_000, -300, "half way down"),
    ("as4777", 265_000, -600, "265 V: no more"),
    ("as4777wp", 205_000, 300, "205 V"),
    ("as4777wp", 220_000, 0, "220 V"),
    ("as4777wp", 235_000, 0, "235 V"),
    ("as4777wp", 255_000, -400, "255 V"),
    ("as4777wp", 200_000, 300, "200 V: no more"),
    ("as4777wp", 212_500, 150, "half way up"),
    ("as4777wp", 245_000, -200, "half way down"),
    ("as4777wp", 260_000, -400, "260 V: no more"),
    ("as4777wp", None, 0, "unknown"),
    ("none", 255_000, 0, "shipped disabled"),
)
RESPONSE = (
    # profiles, mHz, mV, 90 % after ms
    (("ieee1547",), 51_000, None, 5000),
    (("en50549",), 51_000, None, 2000),
    (("vde4105",), 51_000, None, 2000),
    (("as4777",), 52_000, None, 10_000),
    (("none", "ieee1547"), None, 253_000, 10_000),
    (("none", "as4777"), None, 260_000, 10_000),
)
VAR_RESPONSE = (("ieee1547", 5000), ("ieee1547a", 10_000), ("vde4105", 10_000),
                ("as4777", 10_000), ("as4777wp", 10_000))


def test_frequency_watt():
    for profile, hz, grid_mhz, wish_w, wanted_w, why in FREQUENCY:
        control = support(profile, hz=hz)
        w = settled(control, wish_w, grid_mhz)
        assert near(w, wanted_w), (profile, why, w)
        assert control.shift_w == w - wish_w, why
        assert (control.acts == FREQUENCY_WATT) == (wanted_w != wish_w), (profile, why)


def test_a_rating_that_is_not_round():
    settings = Settings("ieee1547", hz=60)
    settings.w_rated = 5950
    assert near(settled(GridSupport(settings), 0, 60_500), -920)
    assert near(settled(GridSupport(settings), 0, 59_500), 920)


def test_the_bits():
    assert (FREQUENCY_WATT, VOLT_WATT, VOLT_VAR) == (1, 2, 4)


def test_volt_watt():
    for profile, grid_mv, wish_w, wanted_w, why in WATT:
        control = support("none", profile)
        w = settled(control, wish_w, None, grid_mv)
        assert near(w, wanted_w, 6), (profile, why, w)
        assert (control.acts == VOLT_WATT) == (wanted_w != wish_w), (profile, why)


def test_volt_var():
    for profile, grid_mv, var_pm, why in VAR:
        control = support("none", "none", profile)
        assert settled(control, 700, None, grid_mv) == 700, "it moves no active power"
        assert near(control.var_pm, var_pm, 1), (profile, why, control.var_pm)
        assert (control.acts == VOLT_VAR) == (var_pm != 0), (profile, why)


def test_open_loop_response():
    """90 % of the change at the stated time, within 2 %, at any tick; before it nearly nothing."""
    for names, grid_mhz, grid_mv, response_ms in RESPONSE:
        whole_w = settled(support(*names), 10_000, grid_mhz, grid_mv, 120_000) - 10_000
        for dt_ms in (50, 100, 200):
            control, spent_ms = support(*names), 0
            first_w = control.shift(10_000, grid_mhz, grid_mv, dt_ms) - 10_000
            assert abs(first_w) < abs(whole_w) * 3 * dt_ms // response_ms, (names, first_w)
            while abs(control.shift_w) < abs(whole_w) * 9 // 10:
                control.shift(10_000, grid_mhz, grid_mv, dt_ms)
                spent_ms += dt_ms
            assert abs(spent_ms - response_ms) <= response_ms // 50 + dt_ms, (names, spent_ms)


def test_open_loop_response_of_reactive_power():
    for profile, response_ms in VAR_RESPONSE:
        whole_pm = 0
        for grid_mv in (190_000, 270_000):
            control, spent_ms = support("none", "none", profile), 0
            settled(control, 0, None, grid_mv, 120_000)
            whole_pm, control = control.var_pm, support("none", "none", profile)
            while abs(control.var_pm) < abs(whole_pm) * 9 // 10:
                control.shift(0, None, grid_mv, 100)
                spent_ms += 100
            assert abs(spent_ms - response_ms) <= response_ms // 50 + 100, (profile, spent_ms)


def test_no_time_no_change():
    for names, grid_mhz, grid_mv, _ in RESPONSE:
        assert near(support(*names).shift(10_000, grid_mhz, grid_mv, 0), 10_000), names


def test_a_long_tick_does_not_overshoot():
    control = support("en50549")
    for _ in range(4):
        assert -2000 <= control.shift(0, 50_700, None, 5000) <= 0
    assert near(control.shift(0, 50_700, None, 5000), -2000)


def test_without_a_return_rate_it_follows_the_curve_back():
    control = support("ieee1547", hz=60)
    settled(control, 3000, 60_500)
    assert near(settled(control, 3000, 60_200), 3000 - 547)
    assert settled(control, 3000, 60_036) == 3000 and control.acts == 0
    settled(control, 3000, 60_500)
    w = settled(control, 3000, 60_000, span_ms=5000)
    assert near(w, 3000 - 155, 8), (w, "a tenth is left after the response time")


def test_power_returns_at_10_percent_a_minute():
    control = support("vde4105")
    assert near(settled(control, 5000, 51_200), 3000)
    assert near(settled(control, 5000, 50_700), 4000), "along the curve while it lasts"
    w = settled(control, 5000, 50_200, span_ms=30_000)
    assert near(w, 4500, 4), (w, "500 W in half a minute")
    assert control.acts == FREQUENCY_WATT, "the ramp still does not count"
    assert settled(control, 5000, 50_000, span_ms=30_200) == 5000 and control.acts == 0
    assert near(settled(control, -5000, 49_300), -3000)
    w = settled(control, -5000, 50_000, span_ms=60_000)
    assert near(w, -4000, 4), (w, "also downwards")


def test_the_strongest_response_stands_until_the_frequency_has_been_back_for_a_minute():
    control = support("as4777")
    assert near(settled(control, 5000, 51_125), -2500)
    for grid_mhz, why in ((50_600, "lower"), (50_251, "at the edge"), (50_151, "inside, not yet")):
        assert near(settled(control, 5000, grid_mhz, span_ms=100_000), -2500), why
    assert near(settled(control, 5000, 50_150, span_ms=59_800), -2500), "60 s at 50.15 Hz"
    settled(control, 5000, 50_151, span_ms=200)
    assert near(settled(control, 5000, 50_150, span_ms=59_800), -2500), "on end"
    w = settled(control, 5000, 50_150, span_ms=60_200)
    assert near(w, -2500 + 1670, 10), (w, "then 16.7 % a minute")
    assert near(settled(control, 5000, 51_562, span_ms=120_000), -6250, 20), "a stronger one"


def test_the_power_before_is_that_of_the_moment_it_began():
    control = support("vde4105")
    assert near(settled(control, 6000, 50_700), 4800)
    assert near(settled(control, 3000, 50_700), 1800), "the wish passes, the shift stands"
    assert near(settled(control, 3000, 51_200), 3000 - 2400), "still 40 % of 6 kW per Hz"
    settled(control, 3000, 50_000, span_ms=200)
    assert near(settled(control, 3000, 50_700), 2400), "a new event, a new reference"


def test_from_one_side_to_the_other():
    control = support("as4777")
    assert near(settled(control, 0, 51_125), -5000)
    assert near(settled(control, 0, 49_375), 5000), "what stood for the other side is gone"


def test_zero_is_passed_by_a_tick_at_zero():
    control = support("en50549")
    settled(control, 1000, 50_200)
    seen = [control.shift(1000, 51_500, None, 100) for _ in range(40)]
    for i in range(1, 40):
        assert not (seen[i] < 0 < seen[i - 1]), seen
    assert seen.count(0) == 1 and seen[-1] < -3000, seen


def test_without_support_the_wish_may_be_anything():
    control = support("en50549", "ieee1547", "ieee1547")
    for wish_w in (5000, -5000, 3, 0, -3):
        assert control.shift(wish_w, 50_000, 230_000, 100) == wish_w
        assert control.acts == control.shift_w == control.var_pm == 0


def test_frequency_and_voltage_together():
    control = support("en50549", "ieee1547", "ieee1547")
    w = settled(control, 10_000, 50_700, 248_400)
    assert near(w, 6000, 6) and control.acts == FREQUENCY_WATT | VOLT_WATT | VOLT_VAR
    w = settled(control, 7000, 50_700, 248_400)
    assert near(w, 5000, 6), "the cap is for the shifted power"
    assert control.acts == FREQUENCY_WATT | VOLT_VAR


def test_refused_while_the_inverter_does_it_itself():
    for curve in (FREQUENCY_WATT, VOLT_WATT, VOLT_VAR):
        control = support("vde4105", "ieee1547", "ieee1547")
        settled(control, 9000, 51_000, 253_000)
        assert control.refused == 0
        control.acts = 0
        control.pcs_curves = curve
        settled(control, 9000, 51_000, 253_000)
        assert control.refused == curve, curve
        assert not control.acts & curve, (curve, "faded within its response time")
        control.pcs_curves = 0
        settled(control, 9000, 51_000, 253_000)
        assert control.refused == 0 and control.acts & curve, curve
    control = support("none")
    control.pcs_curves = 7
    control.shift(0, 51_000, 253_000, 100)
    assert control.refused == 0, "nothing was asked of us"


def test_at_rest_it_forgets():
    control = support("as4777", "as4777", "as4777")
    settled(control, 9000, 52_000, 260_000)
    assert control.acts and control.shift_w and control.var_pm
    control.rest()
    assert control.acts == control.shift_w == control.var_pm == 0
    assert control.shift(9000, 50_000, 230_000, 100) == 9000
    assert control.acts == 0
    control = support("none", "as4777")
    settled(control, 9000, None, 260_000)
    control.rest()
    assert control.shift(-9000, None, 230_000, 100) == -9000, "no last power, no zero to pass"


def test_allocates_nothing_at_any_rating():
    for w_rated in (500, 5050, 1_000_000):
        settings = Settings("vde4105", "ieee1547", "ieee1547")
        settings.w_rated = w_rated
        control, other = GridSupport(settings), support("as4777")
        span_mhz = 4999
        micropython.heap_lock()
        try:
            for i in range(120):
                wish_w = w_rated if i & 8 else -w_rated
                grid_mhz = None if i % 17 == 0 else 50_000 + (span_mhz if i & 16 else -span_mhz)
                control.pcs_curves = 1 if i > 110 else 0
                control.shift(wish_w, grid_mhz, 200_000 + 1000 * i, 200)
                other.shift(wish_w, 49_900 + 200 * i, None, 1000)
            control.rest()
        finally:
            micropython.heap_unlock()


def test_a_voltage_that_is_lost_and_comes_back():
    control = support("none", "ieee1547", "ieee1547")
    for grid_mv, wanted_w, var_pm, why in (
            (253_000, 2000, -440, "high"), (None, 10_000, 0, "nobody knows: no curve acts"),
            (253_000, 2000, -440, "the same as before"), (230_000, 10_000, 0, "well again")):
        w = settled(control, 10_000, None, grid_mv)
        assert near(w, wanted_w, 6) and near(control.var_pm, var_pm, 1), (why, w, control.var_pm)
    settled(control, 10_000, None, 253_000)
    control.rest()
    assert control.shift(10_000, None, 253_000, 200) > 9000, "it forgets what it had reached ..."
    assert near(settled(control, 10_000, None, 253_000), 2000, 6), "... not where the curve leads"
