"""A setting that ends by itself: the reversion timer of SunSpec controls."""


class RevertTimer:
    """Counts down from the last `restart`; 0 s means that it never ends."""

    def __init__(self):
        self.span_s = 0.0
        self._left_s = 0.0

    def restart(self):
        self._left_s = self.span_s

    def step(self, dt_s):
        """True once, in the step in which the span ran out."""
        if self._left_s <= 0:
            return False
        self._left_s -= dt_s
        if self._left_s > 1e-9:
            return False
        self._left_s = 0.0
        return True


class OutputLimit:
    """Cap of an inverter's AC output in percent of its rating (SunSpec 123 WMaxLimPct)."""

    def __init__(self, rated_w):
        self.rated_w = rated_w
        self.percent = 100.0
        self.enabled = False
        self.timer = RevertTimer()

    @property
    def w_max(self):
        return self.rated_w * self.percent / 100.0 if self.enabled else self.rated_w

    def step(self, dt_s):
        if self.timer.step(dt_s):
            self.enabled = False
