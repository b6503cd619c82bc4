"""Grid support against the formulas of IEEE 1547-2018 in floats, in the pass band of its tests."""

from hypothesis import given, strategies as st

from bess.core.flow import droop, grid_support
from bess.core.flow.grid_support import GridSupport

RATED_W = 10_000
# 1.5 times the required accuracies: 10 mHz, 1 % of the voltage, 5 % of the rating
OFF_HZ, OFF_PU, OFF_W = 0.015, 0.015, 0.075 * RATED_W


class Settings:
    w_rated = RATED_W
    grid_hz = 60
    grid_mv_nominal = 230_000
    frequency_watt = volt_watt = volt_var = "none"


# profile, nominal volts (1: in pu), 90 % after s, volts and share of the rating
WATT = (
    ("ieee1547", 1, 10, (1.06, 1.0, 1.10, 0.2)),
    ("as4777", 230, 10, (253, 1.0, 260, 0.2)),
)
VAR = (
    ("ieee1547", 1, 5, (0.92, 0.44, 0.98, 0, 1.02, 0, 1.08, -0.44)),
    ("ieee1547a", 1, 10, (0.90, 0.25, 1.00, 0, 1.10, -0.25)),
    ("vde4105", 1, 10, (0.93, 0.436, 0.97, 0, 1.03, 0, 1.07, -0.436)),
    ("as4777", 230, 10, (207, 0.44, 220, 0, 240, 0, 258, -0.60)),
    ("as4777wp", 230, 10, (205, 0.30, 220, 0, 235, 0, 255, -0.40)),
)
# profile, Hz from nominal, droop, Hz to the ends, 90 % after s, Hz inside for s, a minute, rule
FREQUENCY = (
    ("ieee1547", 0.036, 0.05, (0, 0), 5, (0, 0), 0, 0),
    ("en50549", 0.2, 0.05, (0, 0), 2, (0, 0), 0, 0),
    ("vde4105", 0.2, 0.05, (0, 0), 2, (0, 0), 0.10, 1),
    ("as4777", 0.25, 0, (1.75, 0.75), 10, (0.1, 60), 0.167, 2),
)


def test_the_rows_are_the_figures_of_the_codes():
    for table, codes in ((grid_support._WATT, WATT), (grid_support._VAR, VAR)):
        rows = []
        for name, volts, seconds, points in codes:
            points = [round(point * 1000) if i % 2 else round(point / volts * 10_000)
                      for i, point in enumerate(points)]
            rows += [name, (seconds * 1000, tuple(points))]
        assert table == tuple(rows)
    rows = []
    for name, edge, share, ends, seconds, back, rise, rule in FREQUENCY:
        rows += [name, (round(edge * 1000), round(share * 1000), round(ends[0] * 1000),
                        round(ends[1] * 1000), seconds * 1000, round(back[0] * 1000),
                        back[1] * 1000, round(rise * 1000), rule)]
    assert droop.PROFILES == tuple(rows)


def support(**changes):
    settings = Settings()
    for key, value in changes.items():
        setattr(settings, key, value)
    return GridSupport(settings)


def droop_w(hz, wish_w, nominal=60.0, deadband=0.036, droop=0.05):
    """Table 23: linear outside the deadband, within absorbing and injecting the rating."""
    p = wish_w / RATED_W
    if hz > nominal + deadband:
        p -= (hz - (nominal + deadband)) / (nominal * droop)
    elif hz < nominal - deadband:
        p += ((nominal - deadband) - hz) / (nominal * droop)
    return max(-1.0, min(1.0, p)) * RATED_W


def line(points, x):
    """Piecewise-linear curve through (x, y) points, held at both ends."""
    if x <= points[0][0]:
        return points[0][1]
    for (x0, y0), (x1, y1) in zip(points, points[1:]):
        if x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return points[-1][1]


def run(control, wish_w, grid_mhz, grid_mv, seconds):
    for _ in range(seconds * 5):
        w = control.shift(wish_w, grid_mhz, grid_mv, 200)
    return w


def test_frequency_sweep_at_the_powers_of_the_test_procedure():
    for power in (1.0, 0.66, 0.5, 0.2, 0.0, -0.5, -1.0):
        wish_w = int(power * RATED_W)
        control = support(frequency_watt="ieee1547")
        for mhz in range(57_000, 62_001, 50):
            w = run(control, wish_w, mhz, None, 25)
            exact_w = droop_w(mhz / 1000, wish_w)
            assert abs(w - exact_w) <= 2, (power, mhz, w, exact_w)
            band = (droop_w(mhz / 1000 + OFF_HZ, wish_w) - OFF_W,
                    droop_w(mhz / 1000 - OFF_HZ, wish_w) + OFF_W)
            assert band[0] <= w <= band[1], (power, mhz, w, band)


def test_voltage_sweep():
    watt = ((1.06, 1.0), (1.10, 0.2))
    var = ((0.92, 0.44), (0.98, 0.0), (1.02, 0.0), (1.08, -0.44))
    control = support(volt_watt="ieee1547", volt_var="ieee1547")
    for mv in range(195_000, 265_000, 700):
        w = run(control, RATED_W, None, mv, 60)
        pu = mv / 230_000
        assert abs(w - line(watt, pu) * RATED_W) <= 30, (mv, w, "0.01 % of the voltage")
        assert line(watt, pu + OFF_PU) * RATED_W - OFF_W <= w
        assert w <= line(watt, pu - OFF_PU) * RATED_W + OFF_W
        assert abs(control.var_pm / 1000 - line(var, pu)) <= 0.002, (mv, control.var_pm)


def test_the_response_is_first_order():
    control = support(frequency_watt="ieee1547")
    for tick in range(1, 120):
        control.shift(0, 61_536, None, 100)         # -0.5 of the rating
        exact_w = -0.5 * RATED_W * (1 - 10 ** (-tick * 0.1 / 5.0))
        assert abs(control.shift_w - exact_w) <= 0.005 * RATED_W, (tick, control.shift_w, exact_w)


WORDS = st.sampled_from(("none", "ieee1547", "en50549", "vde4105", "as4777"))
VOLTS = st.sampled_from(("none", "ieee1547", "as4777"))
STEPS = st.lists(st.tuples(
    st.integers(-60_000, 60_000), st.none() | st.integers(40_000, 60_000),
    st.none() | st.integers(0, 400_000), st.integers(1, 1000), st.integers(0, 7)), max_size=60)


@given(WORDS, VOLTS, VOLTS, st.integers(500, 60_000), STEPS)
def test_any_grid(frequency, watt, var, w_rated, steps):
    control = support(frequency_watt=frequency, volt_watt=watt, volt_var=var, w_rated=w_rated,
                      grid_hz=50)
    before_w = 0
    for wish_w, mhz, mv, dt_ms, pcs_curves in steps:
        wish_w = max(-w_rated, min(w_rated, wish_w))
        control.pcs_curves = pcs_curves
        w = control.shift(wish_w, mhz, mv, dt_ms)
        assert -w_rated <= w <= w_rated, "within the rating"
        assert control.shift_w == w - wish_w
        assert -1000 <= control.var_pm <= 1000
        if not control.acts:
            assert w == wish_w or w == 0, "nobody acts, nothing changes"
        elif w * before_w < 0:
            raise AssertionError("through zero by a tick at zero")
        before_w = w
    for _ in range(40_000):
        if control.shift(1, None, None, 1000) == 1 and not control.acts:
            return
    raise AssertionError("it ends when the grid is quiet")


@given(st.lists(st.tuples(st.integers(50_000, 52_500), st.integers(1, 400)), min_size=1,
                max_size=20))
def test_what_keeps_never_gives_power_back_while_the_frequency_is_high(steps):
    control = support(frequency_watt="as4777", grid_hz=50)
    lowest_w = 4000
    for mhz, ticks in steps:
        mhz = max(mhz, 50_151)
        for _ in range(ticks):
            w = control.shift(4000, mhz, None, 200)
            assert w <= lowest_w or w == 0, "not before it is back inside"
            lowest_w = min(lowest_w, w)
