"""The ramp, after the rules: a limit that falls cuts at once, a wish moves at its rate.

Up is away from zero, down is towards zero. The sign changes through a tick at exactly 0; a small
target of the other sign waits there for the dwell, so that a noisy balance does not make the
inverter chatter.
"""

from micropython import const

_SMALL_W = const(150)
_UP_W_MIN = const(500)


class Ramp:
    """Command in W (+ discharges) that follows a target.

    up_pm, down_pm: rates in per mille of the rating per second; dwell_ms: rest at zero before a
    small target of the other sign.
    """

    def __init__(self, rating_w, up_pm, down_pm, dwell_ms):
        self.w = 0
        self.up_w = max(rating_w * up_pm // 1000, _UP_W_MIN)
        self.down_w = max(rating_w * down_pm // 1000, _UP_W_MIN)
        self._small_w = max(_SMALL_W, rating_w // 100)
        self._dwell_ms = dwell_ms
        self._rest = 0
        self._sign = 0
        self._zero_ms = 0

    def stop(self):
        """Zero at once, no ramp."""
        self.w = 0
        self._rest = 0

    def follow(self, target_w, window, dt_ms):
        """Move towards the target, inside the window, and return the new command."""
        target_w = window.nearest(target_w)
        w = self.w
        if w < window.lo_w:
            w = window.lo_w
        elif w > window.hi_w:
            w = window.hi_w
        if w == 0:
            w = self._leave_zero(target_w, dt_ms)
        elif (w > 0) != (target_w > 0):
            w = self._towards(w, 0, self.down_w, dt_ms)
        elif abs(target_w) < abs(w):
            w = self._towards(w, target_w, self.down_w, dt_ms)
        else:
            w = self._towards(w, target_w, self.up_w, dt_ms)
        if w:
            self._sign = 1 if w > 0 else -1
            self._zero_ms = 0
        self.w = w
        return w

    def _leave_zero(self, target_w, dt_ms):
        other_way = target_w * self._sign < 0
        if not self.w:                      # the tick that reaches zero stays there
            self._zero_ms = min(self._zero_ms + dt_ms, self._dwell_ms)
        if self.w or target_w == 0:
            self._rest = 0
            return 0
        if other_way and abs(target_w) <= self._small_w and self._zero_ms < self._dwell_ms:
            return 0
        return self._towards(0, target_w, self.up_w, dt_ms)

    def _towards(self, w, aim_w, rate_w, dt_ms):
        moved = rate_w * dt_ms + self._rest
        step_w = moved // 1000
        self._rest = moved - step_w * 1000
        if aim_w > w:
            w += step_w
            if w < aim_w:
                return w
        else:
            w -= step_w
            if w > aim_w:
                return w
        self._rest = 0
        return aim_w
