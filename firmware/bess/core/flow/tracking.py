"""Self-use: hold the grid power at its target with a slow meter.

On each new meter sample the load is estimated with the battery's power at the instant of the
sample, not now. That takes the controller's own delayed action out of the loop, so that a gain
near 1 does not hunt (a Smith predictor without a plant model).
"""

from micropython import const

_BIG_W = const(300)
NO_DISCHARGE = const(2)             # steps of stale_step: 1 only towards zero, 3 standby


def stale_step(age_ms):
    """0..3: how stale a meter sample of this age is (15, 30, 60 s); 0 as long as there is none."""
    if age_ms is None or age_ms <= 15_000:
        return 0
    return 1 if age_ms <= 30_000 else 2 if age_ms <= 60_000 else 3


class Tracking:
    """setpoint_w: battery power that brings the grid to `target_w` (+ discharges)."""

    def __init__(self, settings):
        self.setpoint_w = 0
        self.target_w = settings.grid_target_w
        self._deadband_w = settings.tracking_deadband_w
        self._gain_pm = settings.tracking_gain_pm
        self._min_w = settings.run_w_min
        self._error_w = 0

    def sample(self, grid_w, battery_w, window):
        """A new meter sample and the battery power at its instant; returns the wish in W."""
        error_w = grid_w + battery_w - self.target_w - self.setpoint_w
        if abs(error_w) > self._deadband_w:
            big = abs(error_w) > _BIG_W and (error_w > 0) == (self._error_w > 0) and self._error_w
            step_w = error_w if big else error_w * self._gain_pm // 1000
            self.setpoint_w = window.nearest(self.setpoint_w + step_w)
        self._error_w = error_w
        return self.wish_w()

    def wish_w(self):
        """The setpoint, or 0 below the power at which a converter is worth running."""
        return self.setpoint_w if abs(self.setpoint_w) >= self._min_w else 0
