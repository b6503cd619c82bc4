"""Emergency causes that the modules and the board's inputs give, as a table of checks.

A check counts new samples of the module that is beyond the limit, never ticks, and never lets a
healthy module clear what another one raised. Limits: critical cell 3 750 / 2 500 mV, 65.0 degC,
1 250 per mille of the rated string current, any BMS fault bit.
"""

from micropython import const

from bess.core.points import (
    CAUSE_BMS_CRITICAL, CAUSE_CELL_HIGH, CAUSE_CELL_LOW, CAUSE_CONTACTOR, CAUSE_DISOBEYS_ZERO,
    CAUSE_INPUT, CAUSE_MODULES_SILENT, CAUSE_OVER_CURRENT, CAUSE_TEMPERATURE, BATTERY_W, INPUTS,
    M_CELL_DC_MAX, M_CELL_MV_MAX, M_CELL_MV_MIN, M_CURRENT_MA, M_FAULTS,
)
from bess.core.tick import TICK_MASK, Dwell

_SAMPLES = const(2)                 # in a row
_OVER = const(1)
_UNDER = const(-1)
_EMERGENCY_OK = const(1)
_DEBOUNCE_MS = const(20)

_HIGH_MV = const(3750)
_LOW_MV = const(2500)
_HOT_DC = const(650)

# cause, column of the module row, direction, limit, cause is gone at
CHECKS = (
    (CAUSE_CELL_HIGH, M_CELL_MV_MAX, _OVER, _HIGH_MV, 3450),
    (CAUSE_CELL_LOW, M_CELL_MV_MIN, _UNDER, _LOW_MV, 2800),
    (CAUSE_TEMPERATURE, M_CELL_DC_MAX, _OVER, _HOT_DC, 450),
    (CAUSE_BMS_CRITICAL, M_FAULTS, _OVER, 1, 0),
)
# causes that only their own clear condition ends, also when they were stored before a restart
_CLEARED_HERE = (1 << CAUSE_INPUT | 1 << CAUSE_CONTACTOR | 1 << CAUSE_MODULES_SILENT
                 | 1 << CAUSE_DISOBEYS_ZERO)
_MODULE_CAUSES = (1 << CAUSE_CELL_HIGH | 1 << CAUSE_CELL_LOW | 1 << CAUSE_TEMPERATURE
                  | 1 << CAUSE_BMS_CRITICAL | 1 << CAUSE_OVER_CURRENT)


class Diagnosis:
    """causes: bits of the causes that are present now; new causes are for the manager to latch."""

    def __init__(self, settings, image, pack):
        self.causes = 0
        self._image = image
        self._pack = pack
        self._over_ma = settings.module_ma_rated // 100 * 125
        self._silent_ms = settings.all_silent_ms
        self._trip_w = settings.w_rated // 20
        self._rows = [[0] * pack.count for _ in CHECKS]
        self._over_current = [0] * pack.count
        self._worst = [0] * len(CHECKS)
        self._was_calm = False
        self._loop_open = Dwell(_DEBOUNCE_MS)       # so the second tick in a row decides
        self._feedback_wrong = Dwell(500)
        self._disobeys = Dwell(5000)
        self._small = settings.w_rated // 50

    def restore(self, causes):
        """At boot: what was latched is present until its clear condition has been seen."""
        self.causes |= causes & (_CLEARED_HERE | _MODULE_CAUSES)

    def tick(self, sequence, commanded_zero, now_ms):
        """Renew `causes`; commanded_zero: a trip or an emergency asks for zero power."""
        self._inputs(sequence, now_ms)
        self._silence(sequence, now_ms)
        self._zero(commanded_zero, now_ms)
        if self._pack.fresh:
            self._modules()

    def _set(self, cause, present):
        if present:
            self.causes |= 1 << cause
        else:
            self.causes &= ~(1 << cause)

    def _inputs(self, sequence, now_ms):
        inputs = self._image.now[INPUTS]
        is_open = inputs is None or not inputs & _EMERGENCY_OK
        if self._loop_open.held(is_open, now_ms):
            self.causes |= 1 << CAUSE_INPUT
        elif not is_open:
            self.causes &= ~(1 << CAUSE_INPUT)
        if inputs is None:
            return
        wrong = sequence.watches_feedback() and (inputs >> 1 ^ ~sequence.coils) & 7
        if self._feedback_wrong.held(wrong, now_ms):
            self.causes |= 1 << CAUSE_CONTACTOR
        elif not wrong:
            self.causes &= ~(1 << CAUSE_CONTACTOR)

    def _silence(self, sequence, now_ms):
        pack = self._pack
        silent = pack.strings_live == 0 and sequence.closed()
        if silent and (now_ms - pack.last_ms) & TICK_MASK >= self._silent_ms:
            self.causes |= 1 << CAUSE_MODULES_SILENT
        elif pack.strings_live == pack.strings_p:
            self.causes &= ~(1 << CAUSE_MODULES_SILENT)

    def _zero(self, commanded_zero, now_ms):
        power_w = self._image.now[BATTERY_W]
        moves = commanded_zero and power_w is not None and abs(power_w) > self._trip_w
        if self._disobeys.held(moves, now_ms):
            self.causes |= 1 << CAUSE_DISOBEYS_ZERO
        elif power_w is not None and abs(power_w) < self._small:
            self.causes &= ~(1 << CAUSE_DISOBEYS_ZERO)

    def _modules(self):
        pack, worst = self._pack, self._worst
        if pack.strings_live == 0:
            return
        calm = (pack.cell_mv_max < _HIGH_MV and pack.cell_mv_min > _LOW_MV
                and pack.cell_dc_max < _HOT_DC and not pack.faults
                and pack.string_ma_max <= self._over_ma)
        if calm and self._was_calm:
            return                      # the usual case: nothing to count, nothing to clear
        worst[0], worst[1] = pack.cell_mv_max, pack.cell_mv_min
        worst[2], worst[3] = pack.cell_dc_max, pack.faults
        for k in range(len(CHECKS)):
            self._check(CHECKS[k], worst[k], self._rows[k])
        self._currents(pack.string_ma_max)
        self._was_calm = calm and not self.causes & _MODULE_CAUSES

    def _check(self, check, worst, streaks):
        cause, column, sign, limit, gone = check
        if (worst - limit) * sign < 0:          # no module is beyond: the usual case
            if (self.causes >> cause & 1 and (worst - gone) * sign <= 0
                    and self._pack.strings_live == self._pack.strings_p):
                self.causes &= ~(1 << cause)    # a silent module may be the one that raised it
            if max(streaks):
                for i in range(len(streaks)):
                    streaks[i] = 0
            return
        fresh, rows = self._pack.fresh, self._pack.rows
        for i in range(len(streaks)):
            if fresh >> i & 1:
                value = rows[i][column]
                if value is None or (value - limit) * sign < 0:
                    streaks[i] = 0
                else:
                    streaks[i] += 1
                    if streaks[i] >= _SAMPLES:
                        streaks[i] = _SAMPLES
                        self.causes |= 1 << cause

    def _currents(self, worst_ma):
        streaks = self._over_current
        if worst_ma <= self._over_ma:
            self.causes &= ~(1 << CAUSE_OVER_CURRENT)
            if max(streaks):
                for i in range(len(streaks)):
                    streaks[i] = 0
            return
        fresh, rows = self._pack.fresh, self._pack.rows
        for i in range(len(streaks)):
            if fresh >> i & 1:
                beyond = abs(rows[i][M_CURRENT_MA]) > self._over_ma
                streaks[i] = min(streaks[i] + 1, _SAMPLES) if beyond else 0
                if streaks[i] == _SAMPLES:
                    self.causes |= 1 << CAUSE_OVER_CURRENT
