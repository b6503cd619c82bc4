"""The PV inverter: gives what the sky offers, as far as its limit permits."""

from .limit import OutputLimit, RevertTimer


class Pv:
    def __init__(self, rated_w=10_000.0):
        self.rated_w = rated_w
        self.output_limit = OutputLimit(rated_w)
        self.run_asked = True
        self.run_timer = RevertTimer()  # of a disconnection: it ends by itself
        self.ac_w = 0.0
        self.offered_w = 0.0
        self.limited = False

    def step(self, dt_s, offered_w):
        """`ac_w` follows within a second; `limited` says that somebody holds it back."""
        self.output_limit.step(dt_s)
        if self.run_timer.step(dt_s):
            self.run_asked = True
        self.offered_w = offered_w
        cap_w = min(self.output_limit.w_max, self.rated_w) if self.run_asked else 0.0
        self.limited = offered_w > cap_w
        target_w = min(offered_w, cap_w)
        self.ac_w += (target_w - self.ac_w) * min(1.0, dt_s / 0.5)
