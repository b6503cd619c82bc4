"""Piecewise-linear tables of an LFP cell and of its battery management system."""

# Rest voltage of one cell by state of charge. Below 0 and above 1 lies what a rated capacity
# hides: there the voltage runs away, which is what the limits of a BMS react to.
OCV_V = (
    (-0.050, 2.000), (-0.020, 2.500), (0.00, 2.833), (0.05, 3.132), (0.10, 3.177),
    (0.15, 3.190), (0.20, 3.213), (0.25, 3.226), (0.30, 3.240), (0.40, 3.262),
    (0.50, 3.265), (0.60, 3.271), (0.70, 3.283), (0.80, 3.304), (0.90, 3.309),
    (0.95, 3.314), (1.00, 3.392), (1.01, 3.500), (1.02, 3.650), (1.05, 4.000),
)  # fmt: skip

# Permitted part of the rated current: by highest cell (charge), by lowest cell (discharge).
CHARGE_BY_CELL_MV = ((3375, 1.0), (3400, 0.25), (3425, 0.05), (3450, 0.005), (3500, 0.0))
DISCHARGE_BY_CELL_MV = ((2900, 0.0), (2920, 0.01), (3000, 1.0))

CHARGE_BY_TEMP_C = ((0, 0.0), (2, 0.25), (5, 0.5), (10, 1.0), (40, 1.0), (45, 0.5), (50, 0.25),
                    (55, 0.0))  # fmt: skip
DISCHARGE_BY_TEMP_C = ((-10, 0.0), (0, 0.25), (5, 0.5), (10, 1.0), (40, 1.0), (45, 0.5),
                       (50, 0.25), (55, 0.0))  # fmt: skip

_FINE_STEPS = 1100


def interpolate(points, x):
    """Value at `x` on the line through `points` (rising x), held beyond both ends."""
    last_x, last_y = points[0]
    if x <= last_x:
        return last_y
    for next_x, next_y in points:
        if x <= next_x:
            return last_y + (next_y - last_y) * (x - last_x) / (next_x - last_x)
        last_x, last_y = next_x, next_y
    return last_y


# One lookup per cell and step is the hot spot of the simulation, so the curve is laid out evenly.
_FINE_MIN = OCV_V[0][0]
_FINE_SPAN = OCV_V[-1][0] - _FINE_MIN
_FINE = tuple(
    interpolate(OCV_V, _FINE_MIN + _FINE_SPAN * i / _FINE_STEPS) for i in range(_FINE_STEPS + 1)
)


def ocv_v(soc):
    """Rest voltage of one cell in V; `soc` is a fraction and may leave 0..1 a little."""
    at = (soc - _FINE_MIN) * (_FINE_STEPS / _FINE_SPAN)
    if at <= 0:
        return _FINE[0]
    if at >= _FINE_STEPS:
        return _FINE[-1]
    i = int(at)
    return _FINE[i] + (_FINE[i + 1] - _FINE[i]) * (at - i)
