"""Piecewise-linear tables and parts of a power."""

from bess.core import curves
from bess.core.control import limits

TAPER = (3450, 1000, 3600, 20, 3650, 0)
POINTS = (
    # curve, x, y, why
    (TAPER, 0, 1000, "held at the left end"),
    (TAPER, 3450, 1000, "first point"),
    (TAPER, 3525, 510, "middle of a falling line"),
    (TAPER, 3600, 20, "knee"),
    (TAPER, 3649, 0, "19.6 below the knee's 20: rounded down, never above the line"),
    (TAPER, 9999, 0, "held at the right end"),
    ((-100, 0, 0, 250), -50, 125, "rising, with negative x"),
    ((-100, 0, 0, 250), -99, 2, "2.5 rounded down"),
    ((5, 7), 0, 7, "one point"),
    ((5, 7), 6, 7, "one point"),
)
CURVES = (limits.CELL_HIGH, limits.CELL_LOW, limits.CELL_LOW_CHARGE, limits.COLD_CHARGE,
          limits.HOT_CHARGE, limits.COLD_DISCHARGE, limits.HOT_DISCHARGE)


def test_points():
    for curve, x, y, why in POINTS:
        assert curves.at(curve, x) == y, (why, curves.at(curve, x))


def test_curves_of_the_limits_rise_in_x_and_stay_within_a_thousand():
    for curve in CURVES:
        for i in range(2, len(curve), 2):
            assert curve[i] > curve[i - 2], curve
        for x in range(curve[0] - 1, curve[-2] + 2):
            assert 0 <= curves.at(curve, x) <= 1000, (curve, x)


def test_never_above_the_line():
    for curve in CURVES:
        for i in range(2, len(curve), 2):
            x0, y0, x1, y1 = curve[i - 2:i + 2]
            for x in range(x0, x1 + 1):
                exact = y0 * (x1 - x0) + (y1 - y0) * (x - x0)
                assert curves.at(curve, x) * (x1 - x0) <= exact, (curve, x)


def test_part():
    for w, pm, wanted in ((0, 950, 0), (999, 1000, 999), (1001, 500, 500), (20_000, 950, 19_000),
                          (1, 999, 0), (999_999_999, 1000, 999_999_999), (-1000, 500, -500)):
        assert curves.part(w, pm) == wanted, (w, pm)
