"""Marginal cost of a slot whose prices are not plain: b import, s export, n net grid power.

With b < 0 <= s two strategies compete: curtail as little as possible (n = net + w, at least the
export limit negated) or as much as pays (n = load + w, at most the import limit). The first is
better below the net power `_turn_w`, the second above.
"""


class Cost:
    """Of one slot; w is the battery power, + charges."""

    def __init__(self, problem, t):
        self._b = problem.import_price[t]
        self._s = problem.export_price[t]
        self._load_w = problem.load_w[t]
        self._pv_w = problem.pv_w[t]
        self._net_w = self._load_w - self._pv_w
        self._import_w = problem.import_w_max
        self._excess = problem.import_excess
        self._export_w = problem.export_limit(t)
        self._turn_w = self._turn()

    def _turn(self):
        b, s, pv_w, import_w = self._b, self._s, self._pv_w, self._import_w
        if b >= 0:
            return import_w if s >= 0 else -pv_w
        if s < 0:
            return -pv_w
        w = -_ratio(-b * pv_w, s - b)
        if w + pv_w > import_w:
            w = -_ratio(-b * import_w, s) if s else -pv_w
        if w < -self._export_w:
            w = _ratio(s * self._export_w, -b) - pv_w
            if w + pv_w > import_w:
                w = -_ratio(-b * import_w, s)
        return max(-pv_w, min(0, w))

    def bends(self, low_w, high_w):
        """Powers below high_w, falling to low_w; between two the marginal cost is constant."""
        net_w, load_w = self._net_w, self._load_w
        found = {0, low_w}
        for w in (-net_w, -net_w - self._export_w, self._import_w - net_w, -load_w,
                  self._import_w - load_w, self._turn_w - net_w):
            if low_w < w:
                found.add(w)
        return sorted([w for w in found if w < high_w], reverse=True)

    def slope(self, w2, may_import):
        """Marginal cost at the battery power w2 / 2."""
        b, s = self._b, self._s
        net2 = 2 * self._net_w + w2
        if not may_import:
            return s if s > 0 and net2 > -2 * self._export_w else 0
        limit2 = 2 * self._import_w
        if net2 > limit2:
            return b + self._excess
        if s >= 0 and (b >= 0 or net2 < 2 * self._turn_w):
            return b if net2 > 0 else s if net2 > -2 * self._export_w else 0
        full2 = 2 * self._load_w + w2           # net power with all PV curtailed
        if full2 < 0:
            return s
        if b >= 0:
            return b if net2 > 0 else 0
        return b if full2 < limit2 else 0

    def jump(self):
        """What it saves per minute not to charge at all, when charging forbids to import."""
        if self._b >= 0:
            return 0
        stay = self._s * max(self._net_w, -self._export_w) if self._s > 0 else 0
        return max(0, stay - self._b * min(self._load_w, self._import_w))


def _ratio(a, b):
    return (a + b // 2) // b
