"""What the modules permit: BMS currents, cell voltages, temperatures, SoC, as power at AC.

Evaluated when a module brings a new sample, kept until the next. The curves give per mille of the
BMS limit; a side that was closed to zero reopens only at its reopening value. Curves and
reopening values: the industrial pair of an LFP pack maker and the driver-default temperature
rows; the profile "gentle" is for packs up to 0.2 C, at 0.5 C it would throttle on the plateau.
"""

from micropython import const

from bess.core import curves
from bess.core.battery.params import ChargeParams, DischargeParams
from bess.core.battery.rounds import CELL_MV_MAX, CELL_MV_MIN
from bess.core.points import (
    WHY_BMS_CURRENT, WHY_CELL_HIGH, WHY_CELL_LOW, WHY_COLD, WHY_DC_TRIM, WHY_HOT,
    WHY_MODULES_IN_SERVICE, WHY_MODULE_SILENT, WHY_PACK_VOLTAGE, WHY_SOC_MAX, WHY_SOC_MIN,
    WHY_SOC_UNKNOWN,
)
from bess.core.tick import TICK_MASK, Dwell

CELL_HIGH = (3450, 1000, 3600, 20, 3650, 0)
CELL_LOW = (2900, 0, 2920, 10, 3000, 1000)
CELL_HIGH_GENTLE = (3375, 1000, 3400, 250, 3425, 50, 3450, 5, 3500, 0)
CELL_LOW_GENTLE = (2800, 0, 2900, 5, 3000, 50, 3100, 250, 3190, 1000)
CELL_LOW_CHARGE = (2799, 20, 2800, 100, 2999, 100, 3000, 1000)
COLD_CHARGE = (0, 0, 20, 250, 50, 500, 100, 1000)
HOT_CHARGE = (400, 1000, 450, 500, 500, 250, 550, 0)
COLD_DISCHARGE = (-100, 0, 0, 250, 50, 500, 100, 1000)
HOT_DISCHARGE = (400, 1000, 450, 500, 500, 250, 550, 0)

_HOLD_MS = const(60_000)            # a cell must have recovered for so long
_TRIM_MS = const(2000)              # the plant has followed its command by then
_TRIM_PM_MIN = const(500)
_TRIM_STEP_PM = const(2)


class Gate:
    """One curve with hysteresis: closed at 0, open again when x was at `reopen` for `hold_ms`.

    sense: 1 when high values of x restrict, -1 when low ones do. why: reason of the window.
    """

    def __init__(self, why, sense, curve, reopen, hold_ms=0):
        self.why = why
        self.closed = False
        self.edge = curve[0] if sense > 0 else curve[-2]    # up to here nothing is restricted
        self._sense = sense
        self._curve = curve
        self._reopen = reopen
        self._hold_ms = hold_ms
        self._since_ms = None

    def let(self, x, now_ms):
        """Per mille permitted at x."""
        sense = self._sense
        pm = 1000 if (x - self.edge) * sense <= 0 else curves.at(self._curve, x)
        if pm <= 0:
            self.closed = True
            self._since_ms = None
            return 0
        if self.closed:
            if (x - self._reopen) * sense > 0:
                self._since_ms = None
                return 0
            if self._since_ms is None:
                self._since_ms = now_ms
            if (now_ms - self._since_ms) & TICK_MASK < self._hold_ms:
                return 0
            self.closed = False
        return pm


class Trim:
    """Takes back what flows above the DC limit although the AC command is inside (DC_TRIM).

    active: it takes something back, or what flows may be too much: to be followed on.
    """

    def __init__(self):
        self.pm = 1000
        self.active = False
        self._over = Dwell(_TRIM_MS)

    def follow(self, flows_ma, limit_ma, now_ms):
        """flows_ma: measured in this direction; limit_ma: permitted. Renews `pm`."""
        over = flows_ma > limit_ma + limit_ma // 50 + 500
        if self._over.held(over, now_ms):
            self._over.held(False, now_ms)
            self.pm = max(_TRIM_PM_MIN, self.pm * (limit_ma // 100) // (flows_ma // 100))
        elif self.pm < 1000 and flows_ma < limit_ma:
            self.pm = min(1000, self.pm + _TRIM_STEP_PM)
        self.active = over or self.pm < 1000


class PackLimits:
    """charge_w, discharge_w: magnitudes at AC; charge_why, discharge_why: the deciding rule.

    full_session: True while a calibration charge may pass the maximum SoC. charge_params,
    discharge_params: sets whose voltages and minimum SoC are tighter than the configuration's.
    most_pm: at most so much of the BMS limits.
    """

    def __init__(self, settings):
        self.charge_w = self.discharge_w = 0
        self.charge_why = self.discharge_why = WHY_MODULE_SILENT
        self.full_session = False
        self.charge_params, self.discharge_params = ChargeParams(), DischargeParams()
        self.most_pm = 1000
        self._eta_pm = settings.eta_pm
        gentle = settings.cell_profile == "gentle"
        soc_max, soc_min, band = settings.soc_pm_max, settings.soc_pm_min, settings.soc_band_pm
        cells = settings.cells_s * settings.modules_s
        high_mv = settings.charge_mv_max or cells * CELL_MV_MAX
        low_mv = settings.discharge_mv_min or cells * CELL_MV_MIN
        self._high = Gate(WHY_CELL_HIGH, 1, CELL_HIGH_GENTLE if gentle else CELL_HIGH,
                          3480 if gentle else 3630, _HOLD_MS)
        self._low = Gate(WHY_CELL_LOW, -1, CELL_LOW_GENTLE if gentle else CELL_LOW, 3000, _HOLD_MS)
        self._low_charge = Gate(WHY_CELL_LOW, -1, CELL_LOW_CHARGE, 0)
        self._cold_charge = Gate(WHY_COLD, -1, COLD_CHARGE, 20)
        self._hot_charge = Gate(WHY_HOT, 1, HOT_CHARGE, 530)
        self._cold_discharge = Gate(WHY_COLD, -1, COLD_DISCHARGE, -80)
        self._hot_discharge = Gate(WHY_HOT, 1, HOT_DISCHARGE, 530)
        self._soc_max = Gate(WHY_SOC_MAX, 1, (soc_max - band, 1000, soc_max, 0), soc_max - 20)
        self._soc_min = Gate(WHY_SOC_MIN, -1, (soc_min, 0, soc_min + band, 1000), soc_min + 20)
        self._pack_high = Gate(WHY_PACK_VOLTAGE, 1, (high_mv, 1000, high_mv + high_mv // 100, 0),
                               high_mv - high_mv // 50)
        self._pack_low = Gate(WHY_PACK_VOLTAGE, -1, (low_mv, 0, low_mv + low_mv // 100, 1000),
                              low_mv + low_mv // 50)
        self._charge_trim = Trim()
        self._discharge_trim = Trim()
        self._closed = False
        self._pm = 1000
        self._why = 0

    def update(self, pack, now_ms):
        """Renew both sides from the summary of the live modules."""
        if pack.strings_live == 0:
            return                      # the last limits stand and fade with their age
        decivolts = pack.pack_mv // 100
        all_on = pack.strings_on == pack.strings_p     # live, and not waiting for the bus
        why = WHY_BMS_CURRENT if all_on else WHY_MODULES_IN_SERVICE
        calm = self._is_calm(pack) and not self._closed
        self._closed = False
        self._pm, self._why = self.most_pm, why
        if not calm:
            self._charge_side(pack, now_ms)
        self._trim(self._charge_trim, -pack.current_ma, pack.charge_ma_max, now_ms)
        self.charge_w = _power_w(pack.charge_ma_max, decivolts, 1000, self._pm)
        self.charge_why = self._why
        self._pm, self._why = self.most_pm, why
        if not calm:
            self._discharge_side(pack, now_ms)
        self._trim(self._discharge_trim, pack.current_ma, pack.discharge_ma_max, now_ms)
        self.discharge_w = _power_w(pack.discharge_ma_max, decivolts, self._eta_pm, self._pm)
        self.discharge_why = self._why

    def _is_calm(self, pack):
        """True when no curve restricts anything: the usual case, spared their evaluation."""
        soc_pm, params = pack.soc_pm_min, self.discharge_params
        return (soc_pm is not None and soc_pm - params.pm_more >= self._soc_min.edge
                and pack.soc_pm_max <= self._soc_max.edge
                and pack.cell_mv_max <= self._high.edge and pack.cell_mv_min >= self._low.edge
                and pack.cell_mv_min >= self._low_charge.edge
                and pack.cell_dc_max <= self._hot_charge.edge
                and pack.cell_dc_min >= self._cold_charge.edge
                and pack.pack_mv + self.charge_params.mv_less <= self._pack_high.edge
                and pack.pack_mv - params.mv_more >= self._pack_low.edge)

    def _charge_side(self, pack, now_ms):
        self._narrow(self._high, pack.cell_mv_max, now_ms)
        self._narrow(self._low_charge, pack.cell_mv_min, now_ms)
        self._narrow(self._cold_charge, pack.cell_dc_min, now_ms)
        self._narrow(self._hot_charge, pack.cell_dc_max, now_ms)
        self._narrow(self._pack_high, pack.pack_mv + self.charge_params.mv_less, now_ms)
        if pack.soc_pm_max is None:
            self._pm, self._why = 0, WHY_SOC_UNKNOWN
        elif not self.full_session:
            self._narrow(self._soc_max, pack.soc_pm_max, now_ms)

    def _discharge_side(self, pack, now_ms):
        self._narrow(self._low, pack.cell_mv_min, now_ms)
        self._narrow(self._cold_discharge, pack.cell_dc_min, now_ms)
        self._narrow(self._hot_discharge, pack.cell_dc_max, now_ms)
        params = self.discharge_params
        self._narrow(self._pack_low, pack.pack_mv - params.mv_more, now_ms)
        if pack.soc_pm_min is None:
            self._pm, self._why = 0, WHY_SOC_UNKNOWN
        else:
            self._narrow(self._soc_min, pack.soc_pm_min - params.pm_more, now_ms)

    def _narrow(self, gate, x, now_ms):
        pm = gate.let(x, now_ms)
        if gate.closed:
            self._closed = True
        if pm < self._pm:
            self._pm = pm
            self._why = gate.why

    def _trim(self, trim, flows_ma, ma_max, now_ms):
        limit_ma = ma_max if self._pm == 1000 else curves.part(ma_max, self._pm)
        if flows_ma > limit_ma or trim.active:
            trim.follow(flows_ma, limit_ma, now_ms)
            if trim.pm < 1000 and self._pm:     # a closed side keeps its reason
                self._pm = self._pm * trim.pm // 1000
                self._why = WHY_DC_TRIM


def _power_w(current_ma, decivolts, eta_pm, pm):
    """W from a current and a voltage in 0.1 V, inside 2**30, and what losses and curves leave."""
    w = min(current_ma // 100, 60_000) * decivolts // 100
    if eta_pm != 1000:
        w = curves.part(w, eta_pm)
    return w if pm == 1000 else curves.part(w, pm)
