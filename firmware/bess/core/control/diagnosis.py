"""Watches the modules and the site by the table of checks.py.

A check counts new samples of the module that is beyond its limit, never ticks, and a module
clears only what it raised itself: unknown is not gone.
"""

from array import array

from micropython import const

from bess.core.battery.pack import CHARGE_BLOCKS, DISCHARGE_BLOCKS
from bess.core.control.checks import (
    BLOCK, CALM_DC_MAX, CALM_DC_MIN, CALM_DC_SPREAD, CALM_MV_MAX, CALM_MV_MIN, CALM_MV_SPREAD,
    CHARGING, CLOSED, DISCHARGING, EMERGENCY, R_CLEAR, R_COLUMN, R_EFFECT, R_LIMIT,
    R_SAMPLES, R_SENSE, R_SEVERITY, R_STRIDE, R_WATCHED, MODULE_CHECKS, MODULE_ROWS, MV_SPREAD,
    ODD, ODD_CHARGE, ODD_DISCHARGE, ODD_FROZEN, ODD_JUMP, ODD_OVER_CURRENT, ODD_RANGE, ODD_RISE,
    ROW_FROZEN, ROW_OVER_CURRENT, ROW_RISE, ROW_SILENT, S_EFFECT, S_SEVERITY, S_STRIDE,
    SITE_CHECKS, SITE_CONTACTOR, SITE_INPUT, SITE_OPPOSITE, SITE_SILENT, SITE_ZERO,
    Watch,
)
from bess.core.points import (
    BATTERY_W, INPUTS, M_CELL_DC_MAX, M_CELL_DC_MIN, M_CELL_MV_MAX, M_CELL_MV_MIN, M_CURRENT_MA,
    M_FAULTS, M_PACK_MV, M_PROTECTIONS, WHY_BLOCK,
)
from bess.core.tick import TICK_MASK

_EMERGENCY_OK = const(1)
_JUMP_MV = const(150)               # a load step moves an LFP cell by less
_RISE_DC = const(50)
_PAST = const(7)                    # temperatures kept, so that 60 s lie between
_PAST_MS = const(10_000)
_UNKNOWN_DC = const(32_767)
_SLACK_MV = const(50)               # per cell: what voltage readings of one module differ by


class Diagnosis(Watch):
    """causes: bits of the emergency causes that are present now, for the manager to latch.

    block_charge, block_discharge: reason for the window while a direction is closed, else 0.
    modules[row]: bits of the modules for which a row of MODULE_CHECKS holds; present: bits of the
    rows of SITE_CHECKS; flags: site conditions from outside; changes: counts changes of all these.
    """

    def __init__(self, settings, image, pack):
        Watch.__init__(self, SITE_CHECKS, settings)
        self.causes = 0
        self.block_charge = self.block_discharge = 0
        self.changes = 0
        self._image = image
        self._pack = pack
        count = pack.count
        self.modules = array("H", [0] * MODULE_ROWS)
        self._streaks = bytearray(MODULE_ROWS * count)
        self._busy = 0                  # modules with a streak or a row that holds
        self._opposite = 0
        self._excluded = 0
        self._over_ma = settings.module_ma_rated // 100 * 125
        self._silent_ms = settings.all_silent_ms
        self._trip_w = settings.w_rated // 20
        self._small_w = settings.w_rated // 50
        self._moved_w = settings.w_rated // 10
        self._cells = settings.cells_s
        # 20 per mille of the rated capacity (3.2 V a cell), as a current
        self._opposite_ma = settings.module_wh_rated * 25 // (4 * settings.cells_s)
        self._mv = array("i", [0] * count)
        self._ma = array("i", [0] * count)
        self._w = array("i", [0] * count)
        self._past_dc = array("h", [_UNKNOWN_DC] * (_PAST * count))
        self._past_ms = None
        self._next = 0

    def restore(self, causes):
        """At boot: what was latched is present until its clear condition has been seen."""
        for k in range(0, len(SITE_CHECKS), S_STRIDE):
            if (SITE_CHECKS[k + S_SEVERITY] == EMERGENCY
                    and causes >> SITE_CHECKS[k + S_EFFECT] & 1):
                self.present |= 1 << k // S_STRIDE
        everyone = (1 << self._pack.count) - 1
        for row in range(MODULE_ROWS):
            k = row * R_STRIDE
            if (MODULE_CHECKS[k + R_SEVERITY] == EMERGENCY
                    and causes >> MODULE_CHECKS[k + R_EFFECT] & 1):
                self.modules[row] = self._busy = everyone
        self._renew()

    def tick(self, sequence, commanded_zero, now_ms):
        """One tick; commanded_zero: a trip or an emergency asks for zero power."""
        pack, now = self._pack, self._image.now
        on = self.flags
        inputs, power_w = now[INPUTS], now[BATTERY_W]
        if inputs is None or not inputs & _EMERGENCY_OK:
            on |= SITE_INPUT
        if sequence.feedback_wrong():
            on |= SITE_CONTACTOR
        if commanded_zero and power_w is not None and not -self._trip_w <= power_w <= self._trip_w:
            on |= SITE_ZERO
        if pack.strings_live == 0 and (now_ms - pack.last_ms) & TICK_MASK >= self._silent_ms:
            on |= SITE_SILENT
        if self._opposite:
            on |= SITE_OPPOSITE
        if on or self.present or self._waiting:
            self._site(on, sequence, now_ms)
        if (pack.modules_live != pack.count or pack.excluded != self._excluded
                or self.modules[ROW_SILENT]):
            self._absent(sequence.closed())
        if pack.fresh:
            self._samples(sequence.closed(), power_w)
        if self._past_ms is None:
            self._past_ms = now_ms
        elif (now_ms - self._past_ms) & TICK_MASK >= _PAST_MS:
            self._remember(now_ms)

    def _site(self, on, sequence, now_ms):
        pack, power_w = self._pack, self._image.now[BATTERY_W]
        on &= self._watched_now(sequence)
        hold = on                       # what may not clear
        if sequence.strings.proofs() is None:
            hold |= SITE_CONTACTOR
        if pack.strings_live != pack.strings_p:
            hold |= SITE_SILENT
        if power_w is None or not -self._small_w < power_w < self._small_w:
            hold |= SITE_ZERO
        if self._settle(on, ~hold, now_ms):
            self._renew()

    def _absent(self, closed):
        """Silent modules, while the pack is on the bus; one that is left out blocks nobody."""
        pack, modules = self._pack, self.modules
        silent = 0
        if closed:
            for i in range(pack.count):
                if not pack.live[i]:
                    silent |= 1 << i
        changed = modules[ROW_SILENT] != silent
        modules[ROW_SILENT] = silent
        if pack.lost:
            self._opposite &= ~pack.lost
            modules[ROW_OVER_CURRENT] &= ~pack.lost     # its current is gone with it
            changed = True
        if pack.excluded != self._excluded:
            self._excluded = pack.excluded
            changed = True
            for row in range(ROW_SILENT):
                if MODULE_CHECKS[row * R_STRIDE + R_SEVERITY] != EMERGENCY:
                    modules[row] &= ~pack.excluded
        if changed:
            self._renew()

    def _samples(self, closed, power_w):
        """Judge the modules that brought a sample; what is calm costs little."""
        pack = self._pack
        calm = (pack.modules_live == pack.count and pack.cell_mv_max <= CALM_MV_MAX
                and pack.cell_mv_min >= CALM_MV_MIN and pack.cell_dc_max <= CALM_DC_MAX
                and pack.cell_dc_min >= CALM_DC_MIN and not pack.faults
                and pack.cell_mv_max - pack.cell_mv_min <= CALM_MV_SPREAD
                and pack.cell_dc_max - pack.cell_dc_min <= CALM_DC_SPREAD
                and pack.string_ma_max <= self._over_ma)
        rows, i = pack.rows, pack.first
        fresh = pack.fresh >> i
        while fresh:
            if fresh & 1:
                row = rows[i]
                odd = self._oddities(i, row, power_w)
                if odd or self._busy >> i & 1 or not (calm or self._harmless(row)):
                    self._judge(i, row, odd, closed)
            fresh >>= 1
            i += 1

    def _harmless(self, row):
        high_mv, low_mv = row[M_CELL_MV_MAX], row[M_CELL_MV_MIN]
        hot_dc, cold_dc, ma = row[M_CELL_DC_MAX], row[M_CELL_DC_MIN], row[M_CURRENT_MA]
        return (high_mv <= CALM_MV_MAX and low_mv >= CALM_MV_MIN and hot_dc <= CALM_DC_MAX
                and cold_dc >= CALM_DC_MIN and not row[M_FAULTS]
                and high_mv - low_mv <= CALM_MV_SPREAD and hot_dc - cold_dc <= CALM_DC_SPREAD
                and -self._over_ma <= ma <= self._over_ma)

    def _oddities(self, i, row, power_w):
        """Bits of what is odd about a new sample of module i, whatever its limits say."""
        odd = 0
        mv, ma = row[M_CELL_MV_MAX], row[M_CURRENT_MA]
        before_mv = self._mv[i]
        if mv == before_mv and ma == self._ma[i]:
            if power_w is not None and self._frozen(i, ma, power_w):
                odd = ODD_FROZEN
        else:
            if before_mv and not -_JUMP_MV <= mv - before_mv <= _JUMP_MV:
                odd = ODD_JUMP
            self._ma[i] = ma
            self._mv[i] = 0 if power_w is None else mv     # 0: compare with nothing
            self._w[i] = power_w or 0
        if not ((row[M_CELL_MV_MIN] - _SLACK_MV) * self._cells <= row[M_PACK_MV]
                <= (mv + _SLACK_MV) * self._cells):
            odd |= ODD_RANGE
        protections = row[M_PROTECTIONS]
        if protections:
            if protections & CHARGE_BLOCKS:
                odd |= ODD_CHARGE
            if protections & DISCHARGE_BLOCKS:
                odd |= ODD_DISCHARGE
        if ma > self._opposite_ma or ma < -self._opposite_ma or self._opposite:
            # does the string's current flow against the others'?
            self._opposite &= ~(1 << i)
            if (self._pack.strings_on > 1 and abs(ma) > self._opposite_ma
                    and (self._pack.current_ma <= 0 if ma > 0 else self._pack.current_ma >= 0)):
                self._opposite |= 1 << i
        return odd

    def _frozen(self, i, ma, power_w):
        """The current cannot stay when the power moves; 0 A may be a switch of the module."""
        if self.modules[ROW_FROZEN] >> i & 1:
            return True                 # until the readings move again
        moved_w = power_w - self._w[i]
        if -self._moved_w <= moved_w <= self._moved_w:
            return False
        return ma != 0 or self._pack.strings_p == 1

    def _judge(self, i, row, odd, closed):
        """All rows of the table on one new sample of module i."""
        if not -self._over_ma <= row[M_CURRENT_MA] <= self._over_ma:
            odd |= ODD_OVER_CURRENT
        hot_dc = row[M_CELL_DC_MAX]
        if hot_dc > CALM_DC_MAX and (self.modules[ROW_RISE] >> i & 1 or self._rises(i, hot_dc)):
            odd |= ODD_RISE
        excluded = self._excluded >> i & 1
        busy = changed = False
        for r in range(ROW_SILENT):
            k = r * R_STRIDE
            before = self.modules[r]
            if ((closed or MODULE_CHECKS[k + R_WATCHED] != CLOSED)
                    and not (excluded and MODULE_CHECKS[k + R_SEVERITY] != EMERGENCY)):
                self._judge_row(r, k, i, self._value(k, row, odd))
            else:
                self._streaks[r * self._pack.count + i] = 0
                self.modules[r] &= ~(1 << i)
            if self.modules[r] != before:
                changed = True
            if self.modules[r] >> i & 1 or self._streaks[r * self._pack.count + i]:
                busy = True
        self._busy = self._busy | 1 << i if busy else self._busy & ~(1 << i)
        if changed:
            self._renew()

    def _value(self, k, row, odd):
        """What row k of the table compares with its limit; None is unknown."""
        column = MODULE_CHECKS[k + R_COLUMN]
        if column >= 0:
            return row[column]
        if column == ODD:
            mask = MODULE_CHECKS[k + R_LIMIT]
            return odd & mask
        if column == MV_SPREAD:
            return row[M_CELL_MV_MAX] - row[M_CELL_MV_MIN]
        return row[M_CELL_DC_MAX] - row[M_CELL_DC_MIN]

    def _judge_row(self, r, k, i, value):
        at = r * self._pack.count + i
        sense = MODULE_CHECKS[k + R_SENSE]
        if value is None or (value - MODULE_CHECKS[k + R_LIMIT]) * sense < 0:
            self._streaks[at] = 0
            if value is not None and (value - MODULE_CHECKS[k + R_CLEAR]) * sense <= 0:
                self.modules[r] &= ~(1 << i)
        elif self._streaks[at] + 1 < MODULE_CHECKS[k + R_SAMPLES]:
            self._streaks[at] += 1
        else:
            self.modules[r] |= 1 << i

    def _rises(self, i, hot_dc):
        """Has the module become 5 K hotter than it was within the last 60 s?"""
        for _ in range(_PAST):
            if hot_dc - self._past_dc[i] >= _RISE_DC:
                return True
            i += self._pack.count
        return False

    def _remember(self, now_ms):
        """Keep the temperatures, every 10 s; that of a silent module is unknown."""
        pack, past_dc = self._pack, self._past_dc
        self._past_ms = now_ms
        at = self._next
        for i in range(pack.count):
            hot_dc = pack.rows[i][M_CELL_DC_MAX] if pack.live[i] else None
            past_dc[at] = _UNKNOWN_DC if hot_dc is None else hot_dc
            at += 1
        self._next = at if at < len(past_dc) else 0

    def _renew(self):
        """Causes and blocks out of the rows that hold."""
        causes = closed = 0
        for r in range(MODULE_ROWS):
            if self.modules[r]:
                k = r * R_STRIDE
                if MODULE_CHECKS[k + R_SEVERITY] == EMERGENCY:
                    causes |= 1 << MODULE_CHECKS[k + R_EFFECT]
                elif MODULE_CHECKS[k + R_SEVERITY] == BLOCK:
                    closed |= MODULE_CHECKS[k + R_EFFECT]
        row, present = 0, self.present
        while present:
            if present & 1 and SITE_CHECKS[row + S_SEVERITY] == EMERGENCY:
                causes |= 1 << SITE_CHECKS[row + S_EFFECT]
            present >>= 1
            row += S_STRIDE
        self.causes = causes
        self.block_charge = WHY_BLOCK if closed & CHARGING else 0
        self.block_discharge = WHY_BLOCK if closed & DISCHARGING else 0
        self.changes = (self.changes + 1) & TICK_MASK
