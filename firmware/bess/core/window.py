"""The window: the battery power that is permitted now, each side with the rule that set it."""


class Window:
    """lo_w <= 0 <= hi_w in W at the AC side (charging is negative).

    Rules only narrow towards zero and never exclude it; nothing can widen the window again
    before the next `open`.
    """

    def __init__(self):
        self.lo_w = 0
        self.hi_w = 0
        self.lo_why = 0
        self.hi_why = 0

    def open(self, charge_w_max, discharge_w_max, why):
        """Start a tick with the ratings, both as magnitudes."""
        self.lo_w = -charge_w_max
        self.hi_w = discharge_w_max
        self.lo_why = self.hi_why = why

    def charge(self, charge_w_max, why):
        """Permit at most this much charging (magnitude; below 0 counts as 0)."""
        lo_w = -charge_w_max if charge_w_max > 0 else 0
        if lo_w > self.lo_w:
            self.lo_w = lo_w
            self.lo_why = why

    def discharge(self, discharge_w_max, why):
        """Permit at most this much discharging (below 0 counts as 0)."""
        hi_w = discharge_w_max if discharge_w_max > 0 else 0
        if hi_w < self.hi_w:
            self.hi_w = hi_w
            self.hi_why = why

    def close(self, why):
        """Both sides to zero."""
        self.charge(0, why)
        self.discharge(0, why)

    def nearest(self, wish_w):
        """The permitted power that is nearest to the wish."""
        if wish_w < self.lo_w:
            return self.lo_w
        if wish_w > self.hi_w:
            return self.hi_w
        return wish_w
