"""Piecewise-linear tables in integers."""


def at(curve, x):
    """y of `curve` at x: pairs (x, y) in rising x flattened into one sequence, held at both ends.

    Rounded towards the left point's y by integer division of the distance, so that a curve of
    permissions is never above the line.
    """
    if x <= curve[0]:
        return curve[1]
    last = len(curve) - 2
    i = 2
    while i <= last:
        x1 = curve[i]
        if x < x1:
            x0, y0, y1 = curve[i - 2], curve[i - 1], curve[i + 1]
            rise = (y1 - y0) * (x - x0)
            return y0 + rise // (x1 - x0)
        i += 2
    return curve[last + 1]
