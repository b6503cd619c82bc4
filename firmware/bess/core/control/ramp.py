"""The ramp, after the rules: a limit that falls cuts at once, a wish moves at its rate.

Up is away from zero, down is towards zero. The sign changes through a tick at exactly 0; a small
target of the other sign waits there for the dwell, so that a noisy balance does not make the
inverter chatter. What a limit has cut comes back at a rate of its own, and so does power after
the grid was lost or a trip (IEEE 1547: full power not before 300 s).
"""

from micropython import const

_SMALL_W = const(150)
_UP_W_MIN = const(500)
_SLOW_PM = const(20)


class Ramp:
    """Command in W (+ discharges) that follows a target.

    up_w, down_w, rise_w, reconnect_w: rates in W per second for a wish away from zero, a wish
    towards zero, power that a limit had cut, and the first rise after a trip or a grid loss.
    reconnecting: set by whoever starts such a rise; ends when the target is reached.
    slow: set for tests in MAINTENANCE: 2 % of the rating a second.
    """

    def __init__(self, settings):
        rating_w = settings.w_rated
        self.w = 0
        self.up_w = max(rating_w * settings.ramp_up_pm // 1000, _UP_W_MIN)
        self.down_w = max(rating_w * settings.ramp_down_pm // 1000, _UP_W_MIN)
        self.rise_w = max(rating_w * settings.limit_rise_pm // 1000, _UP_W_MIN)
        self.reconnect_w = max(rating_w * settings.reconnect_ramp_pm // 1000, 1)
        self.reconnecting = False
        self.slow = False
        self._slow_w = max(rating_w * _SLOW_PM // 1000, 1)
        self._small_w = max(_SMALL_W, rating_w // 100)
        self._dwell_ms = settings.zero_dwell_ms
        self._rest = 0
        self._sign = 0
        self._zero_ms = 0
        self._cut = False           # a limit took power away: until the wish is reached again

    def stop(self):
        """Zero at once, no ramp."""
        self.w = 0
        self._rest = 0
        self._cut = False

    def rise_w_max(self):
        """Fastest permitted rise in W per second as things stand."""
        if self.slow:
            return self._slow_w
        return self.reconnect_w if self.reconnecting else max(self.up_w, self.rise_w)

    def follow(self, wish_w, window, dt_ms):
        """Move towards the wish, inside the window, and return the new command."""
        target_w = window.nearest(wish_w)
        w = window.nearest(self.w)
        if w != self.w:
            self._cut = True
        if w == 0:
            w = self._leave_zero(target_w, dt_ms)
        elif w == target_w:
            self._rest = 0
        elif (w > 0) != (target_w > 0):
            w = self._towards(w, 0, self.down_w, dt_ms)
        elif abs(target_w) < abs(w):
            w = self._towards(w, target_w, self.down_w, dt_ms)
        else:
            w = self._towards(w, target_w, self._rate_up(), dt_ms)
        if w:
            self._sign = 1 if w > 0 else -1
            self._zero_ms = 0
        if w == target_w:
            self.reconnecting = self.reconnecting and w == 0
            if w == wish_w:
                self._cut = False
        self.w = w
        return w

    def _rate_up(self):
        if self.slow:
            return self._slow_w
        if self.reconnecting:
            return self.reconnect_w
        return self.rise_w if self._cut else self.up_w

    def _leave_zero(self, target_w, dt_ms):
        other_way = target_w * self._sign < 0
        if not self.w:                      # the tick that reaches zero stays there
            self._zero_ms = min(self._zero_ms + dt_ms, self._dwell_ms)
        if self.w or target_w == 0:
            self._rest = 0
            return 0
        if other_way and abs(target_w) <= self._small_w and self._zero_ms < self._dwell_ms:
            return 0
        return self._towards(0, target_w, self._rate_up(), dt_ms)

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
