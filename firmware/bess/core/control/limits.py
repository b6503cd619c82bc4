"""What the modules permit: BMS currents, cell voltages, temperatures, SoC, as power at AC.

Evaluated when a module brings a new sample, kept until the next. The curves give per mille of the
BMS limit; a side that was closed to zero reopens only at its reopening value. Curves and
reopening values: the industrial pair of an LFP pack maker and the driver-default temperature rows.
"""

from micropython import const

from bess.core import curves
from bess.core.points import (
    WHY_BMS_CURRENT, WHY_CELL_HIGH, WHY_CELL_LOW, WHY_COLD, WHY_HOT, WHY_MODULE_SILENT,
    WHY_SOC_MAX, WHY_SOC_MIN, WHY_SOC_UNKNOWN,
)
from bess.core.tick import TICK_MASK

_TAPER_MV = const(3450)             # outside these the curves are flat at 1000
_FULL_MV = const(3000)
_MILD_DC = const(100)
_WARM_DC = const(400)

CELL_HIGH = (3450, 1000, 3600, 20, 3650, 0)
CELL_LOW = (2900, 0, 2920, 10, 3000, 1000)
CELL_LOW_CHARGE = (2799, 20, 2800, 100, 2999, 100, 3000, 1000)
COLD_CHARGE = (0, 0, 20, 250, 50, 500, 100, 1000)
HOT_CHARGE = (400, 1000, 450, 500, 500, 250, 550, 0)
COLD_DISCHARGE = (-100, 0, 0, 250, 50, 500, 100, 1000)
HOT_DISCHARGE = (400, 1000, 450, 500, 500, 250, 550, 0)


class Gate:
    """Hysteresis: closed at 0, open again when `reopen` was true for `hold_ms` on end."""

    def __init__(self, hold_ms):
        self.closed = False
        self._hold_ms = hold_ms
        self._since_ms = None

    def let(self, pm, reopen, now_ms):
        """pm or 0; pm: per mille that the curve gives, reopen: the reopening value is reached."""
        if pm <= 0:
            self.closed = True
            self._since_ms = None
            return 0
        if self.closed:
            if not reopen:
                self._since_ms = None
                return 0
            if self._since_ms is None:
                self._since_ms = now_ms
            if (now_ms - self._since_ms) & TICK_MASK < self._hold_ms:
                return 0
            self.closed = False
        return pm


class PackLimits:
    """charge_w, discharge_w: magnitudes at AC; charge_why, discharge_why: the deciding rule."""

    def __init__(self, settings):
        self.charge_w = self.discharge_w = 0
        self.charge_why = self.discharge_why = WHY_MODULE_SILENT
        self._eta_pm = settings.eta_pm
        self._soc_pm_max = settings.soc_pm_max
        self._soc_pm_min = settings.soc_pm_min
        self._soc_band_pm = settings.soc_band_pm
        self._cell_high = Gate(60_000)
        self._cell_low = Gate(60_000)
        self._cold_charge = Gate(0)
        self._hot_charge = Gate(0)
        self._cold_discharge = Gate(0)
        self._hot_discharge = Gate(0)
        self._soc_max = Gate(0)
        self._soc_min = Gate(0)
        self._pm = 1000
        self._why = 0

    def update(self, pack, now_ms):
        """Renew both sides from the summary of the live modules."""
        if pack.strings_live == 0:
            return                      # the last limits stand and fade with their age
        decivolts = pack.pack_mv // 100
        self._pm, self._why = 1000, WHY_BMS_CURRENT
        self._charge_side(pack, now_ms)
        dc_w = min(pack.charge_ma_max // 100, 60_000) * decivolts // 100
        self.charge_w = curves.part(dc_w, self._pm)
        self.charge_why = self._why
        self._pm, self._why = 1000, WHY_BMS_CURRENT
        self._discharge_side(pack, now_ms)
        dc_w = min(pack.discharge_ma_max // 100, 60_000) * decivolts // 100
        self.discharge_w = curves.part(curves.part(dc_w, self._eta_pm), self._pm)
        self.discharge_why = self._why

    def _rule(self, pm, why):
        if pm < self._pm:
            self._pm = pm
            self._why = why

    def _charge_side(self, pack, now_ms):
        high_mv, low_mv = pack.cell_mv_max, pack.cell_mv_min
        cold_dc, hot_dc = pack.cell_dc_min, pack.cell_dc_max
        gate = self._cell_high
        if high_mv > _TAPER_MV or gate.closed:
            self._rule(gate.let(curves.at(CELL_HIGH, high_mv), high_mv <= 3630, now_ms),
                       WHY_CELL_HIGH)
        if low_mv < _FULL_MV:
            self._rule(curves.at(CELL_LOW_CHARGE, low_mv), WHY_CELL_LOW)
        gate = self._cold_charge
        if cold_dc < _MILD_DC or gate.closed:
            self._rule(gate.let(curves.at(COLD_CHARGE, cold_dc), cold_dc >= 20, now_ms), WHY_COLD)
        gate = self._hot_charge
        if hot_dc > _WARM_DC or gate.closed:
            self._rule(gate.let(curves.at(HOT_CHARGE, hot_dc), hot_dc <= 530, now_ms), WHY_HOT)
        soc_pm = pack.soc_pm_max
        if soc_pm is None:
            self._rule(0, WHY_SOC_UNKNOWN)
        else:
            self._soc_rule(self._soc_max, self._soc_pm_max - soc_pm, WHY_SOC_MAX, now_ms)

    def _discharge_side(self, pack, now_ms):
        low_mv = pack.cell_mv_min
        cold_dc, hot_dc = pack.cell_dc_min, pack.cell_dc_max
        gate = self._cell_low
        if low_mv < _FULL_MV or gate.closed:
            self._rule(gate.let(curves.at(CELL_LOW, low_mv), low_mv >= 3000, now_ms),
                       WHY_CELL_LOW)
        gate = self._cold_discharge
        if cold_dc < _MILD_DC or gate.closed:
            self._rule(gate.let(curves.at(COLD_DISCHARGE, cold_dc), cold_dc >= -80, now_ms),
                       WHY_COLD)
        gate = self._hot_discharge
        if hot_dc > _WARM_DC or gate.closed:
            self._rule(gate.let(curves.at(HOT_DISCHARGE, hot_dc), hot_dc <= 530, now_ms), WHY_HOT)
        soc_pm = pack.soc_pm_min
        if soc_pm is None:
            self._rule(0, WHY_SOC_UNKNOWN)
        else:
            self._soc_rule(self._soc_min, soc_pm - self._soc_pm_min, WHY_SOC_MIN, now_ms)

    def _soc_rule(self, gate, room_pm, why, now_ms):
        """Linear over the band before the limit, 0 at it, open again 20 pm inside."""
        if room_pm < self._soc_band_pm or gate.closed:
            self._rule(gate.let(room_pm * 1000 // self._soc_band_pm, room_pm >= 20, now_ms), why)
