"""Discharging: a constant AC power, until its time, a voltage or a state of charge ends it.

The inverter is commanded in AC watts, so its losses and the sag of the battery are its own
matter. Where the measured power is off nevertheless, a slow trim of at most 5 % brings it to the
stated one, but only while nothing else holds the command back.
"""

from micropython import const

from bess.core.battery.params import DischargeParams
from bess.core.battery.rounds import CELL_MV_MIN, DURATION, LIMIT, STOPPED, TIMEOUT, Rounds
from bess.core.curves import part
from bess.core.tick import TICK_MASK, Dwell

_SETTLED_MS = const(3000)
_TRIM_PM = const(50)
_DEADBAND_W = const(10)
_DEADBAND_PM = const(5)


class Discharge:
    """One discharge of the pack, from `begin` to `done`.

    wish_w: power that it wishes at AC, 0 or positive. done: 0 while it goes on, else LIMIT,
    DURATION, TIMEOUT, STOPPED of the module rounds.

    To be set from outside: params (replaced whole), timeout_ms (0 = none).
    """

    def __init__(self, settings, pack):
        self.wish_w = 0
        self.done = STOPPED
        self.params = DischargeParams()
        self.timeout_ms = 0
        self._settings = settings
        self._pack = pack
        self._mv_min = settings.discharge_mv_min or (
            settings.cells_s * settings.modules_s * CELL_MV_MIN)
        self._power_w = self._trim_w = 0
        self._began_ms = self._duration_ms = 0
        self._low = 0
        self._rounds = Rounds()
        self._settled = Dwell(_SETTLED_MS)

    def begin(self, power_w, duration_ms, now_ms):
        """Start to discharge with power_w for duration_ms (0 = until something ends it).

        0 as power is the one of the parameters, there 0 is the rating.
        """
        power_w = power_w or self.params.w_max or self._settings.discharge_w_max
        self._power_w = self.wish_w = power_w
        self._duration_ms = duration_ms
        self._began_ms = now_ms
        self._trim_w = self._low = self.done = 0
        self._settled.held(False, now_ms)

    def end(self, code):
        """The discharge is over: from now on it wishes 0 W. Nothing when it was over already."""
        if not self.done:
            self.done = code
            self.wish_w = 0

    def expire(self, now_ms):
        """Every tick, also while another one wins or nothing runs: its time goes on."""
        spent_ms = (now_ms - self._began_ms) & TICK_MASK
        if self._duration_ms and spent_ms >= self._duration_ms:
            self.end(DURATION)
        elif self.timeout_ms and spent_ms >= self.timeout_ms:
            self.end(TIMEOUT)

    def tick(self, command_w, battery_w, now_ms):
        """Every tick in which this discharge is the winner.

        command_w: power commanded in the tick before; battery_w: measured at AC, None = unknown.
        """
        new = self._rounds.over(self._pack.fresh) and self._pack.strings_live != 0
        self.expire(now_ms)
        if self.done:
            return
        if new and self._empty():
            return self.end(LIMIT)
        if self._settled.held(command_w == self.wish_w and battery_w is not None, now_ms):
            self._trim(battery_w, now_ms)

    def _empty(self):
        """The minimum of the charge, or of the voltage in two samples in a row."""
        pack, params, settings = self._pack, self.params, self._settings
        mv_min = params.mv_min or self._mv_min
        self._low = self._low + 1 if pack.pack_mv <= mv_min else 0
        soc_pm = pack.soc_pm_min
        return (self._low >= 2 or soc_pm is not None
                and soc_pm <= (params.soc_pm_min or settings.soc_pm_min))

    def _trim(self, battery_w, now_ms):
        """Take a quarter of the error away, then wait until the inverter has settled again."""
        error_w = self._power_w - battery_w
        if abs(error_w) <= max(_DEADBAND_W, part(self._power_w, _DEADBAND_PM)):
            return
        most_w = part(self._power_w, _TRIM_PM)
        self._trim_w = min(max(self._trim_w + error_w // 4, -most_w), most_w)
        self.wish_w = self._power_w + self._trim_w
        self._settled.held(False, now_ms)
