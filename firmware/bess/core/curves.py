"""Piecewise-linear tables and parts of a power in integers."""


def at(curve, x):
    """y of `curve` at x: pairs (x, y) in rising x flattened into one sequence, held at both ends.

    Rounded down, so that a curve of permissions is never above the line.
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


def part(w, pm):
    """w * pm / 1000, rounded down, for w up to 10**9 without leaving 2**30."""
    return w // 1000 * pm + w % 1000 * pm // 1000
