"""The modules of one pack as one battery.

A string is `modules_s` modules in series, `strings_p` strings are parallel on one DC bus. Nobody
watches a module that is silent, so its whole string counts as silent. The columns hold one value
a module; those of silent strings hold a value that cannot decide a minimum, maximum or sum, so
that the extremes are one built-in call each and cost the tick almost nothing.
"""

from array import array

from micropython import const

from bess.core.points import (
    M_CELL_DC_MAX, M_CELL_DC_MIN, M_CELL_MV_MAX, M_CELL_MV_MIN, M_CHARGE_MA_MAX, M_CHARGE_MV_MAX,
    M_CURRENT_MA, M_DISCHARGE_MA_MAX, M_FAULTS, M_FULL_DAH, M_PACK_MV, M_PROTECTIONS, M_SOC_PM,
    M_STATE, MODULE_POINTS,
)
from bess.core.tick import TICK_MASK

_LOW = const(-0x3FFFFFFF)
_HIGH = const(0x3FFFFFFF)

# protections that block a direction: bits of @protections in points.tsv
CHARGE_BLOCKS = const(0b11010101)       # cell OV, pack OV, charge OC, charge hot, charge cold
DISCHARGE_BLOCKS = const(0b1100101010)  # cell UV, pack UV, discharge OC, discharge hot, cold
_CHARGE_ON = const(1)
_DISCHARGE_ON = const(2)
_UNKNOWN = const(-1)


class Pack:
    """Summary of the live modules; None before the first, the last one while all are silent.

    soc_pm (weighted by capacity; 1000 only when every module says so), soc_pm_max, soc_pm_min,
    cell_mv_max, cell_mv_min, cell_dc_max, cell_dc_min, pack_mv (mean of the strings),
    current_ma (sum of the strings, + discharges), string_ma_max (largest magnitude),
    charge_ma_max and discharge_ma_max (of the whole pack), bms_mv (lowest charge voltage that a
    BMS states, for a string; None while none does), imbalance_pm (1000 = equal),
    faults (not 0 when any module has one), strings_live, strings_on (live and on the bus: these
    share the current), modules_live, last_ms (while no
    string is live: when a whole one was last heard), samples (a count), lost, back, fresh (bits of
    the modules that fell silent, returned or brought a sample in this tick), first (the lowest
    number among the last that brought one).
    """

    def __init__(self, modules_s, strings_p, silent_ms, rated_ma):
        count = modules_s * strings_p
        self.count = count
        self.modules_s = modules_s
        self.strings_p = strings_p
        self.strings_on = 0
        self.silent_ms = silent_ms
        self.rated_ma = rated_ma
        self.balance_wanted = 0
        self.rows = [[None] * MODULE_POINTS for _ in range(count)]
        self.at_ms = array("i", [0] * count)
        self.live = bytearray(count)
        self.excluded = 0
        self.lost = self.back = 0
        self.fresh = self.first = 0
        self.last_ms = 0
        self.samples = 0
        self._fresh = bytearray(count)
        self.string_live = bytearray(strings_p)
        self.joined = -1                # bits of the strings on the bus
        self._cell_max = [_LOW] * count
        self._cell_min = [_HIGH] * count
        self._dc_max = [_LOW] * count
        self._dc_min = [_HIGH] * count
        self._soc_max = [_LOW] * count
        self._soc_min = [_HIGH] * count
        self._charge = [_HIGH] * count
        self._charge_mv = [_HIGH] * count
        self._discharge = [_HIGH] * count
        self._mv = [0] * count
        self._ma = [0] * count
        self._ma_abs = [0] * count
        self._capacity = [0] * count
        self._charged = [0] * count
        self._faults = [0] * count
        self._state = [0] * count
        self._protections = [0] * count
        self._slow = True               # a column that seldom changes has changed
        self._forget()

    def put(self, index, sampled_ms):
        """The row of module `index` holds a new sample, measured at `sampled_ms`."""
        self.at_ms[index] = sampled_ms
        self._fresh[index] = 1

    def update(self, now_ms):
        """Take the new samples, drop the silent strings, renew the summary if anything changed."""
        self.lost = self.back = 0
        changed = False
        fresh, live = self._fresh, self.live
        at_ms, silent_ms = self.at_ms, self.silent_ms
        new, samples = 0, self.samples
        for i in range(self.count):
            if fresh[i]:
                fresh[i] = 0
                if not new:
                    self.first = i
                new |= 1 << i
                samples += 1
                if live[i] and self.string_live[i // self.modules_s]:
                    self._take(i)
                    changed = True
                elif not self.excluded >> i & 1:
                    self._return(i)
                    changed = True
            elif live[i] and (now_ms - at_ms[i]) & TICK_MASK > silent_ms:
                self._lose(i)
                changed = True
        self.fresh, self.samples = new, samples & TICK_MASK
        if changed:
            self._summarize()

    def exclude(self, index):
        """Leave a silent module out until `readmit`: it was away for too long to be trusted."""
        self.excluded |= 1 << index

    def exclude_silent(self, span_ms, now_ms):
        """Leave out every module that has been silent for more than span_ms."""
        for i in range(self.count):
            if not self.live[i] and not self.excluded >> i & 1:
                if (now_ms - self.at_ms[i]) & TICK_MASK > span_ms:
                    self.exclude(i)

    def join(self, strings):
        """Bits of the strings that are on the bus now."""
        self.joined = strings
        self._slow = True

    def string_mv(self, string):
        """Voltage of one string in mV, 0 while it is silent."""
        first = string * self.modules_s
        total_mv = 0
        for k in range(first, first + self.modules_s):
            total_mv += self._mv[k]
        return total_mv

    def string_excluded(self, string):
        """True when a module of this string has been left out."""
        return self.excluded >> string * self.modules_s & (1 << self.modules_s) - 1 != 0

    def readmit(self):
        """A person wants all modules back; they return with their next sample."""
        self.excluded = 0

    def _return(self, i):
        if not self.live[i]:
            self.live[i] = 1
            self.back |= 1 << i
        string = i // self.modules_s
        first = string * self.modules_s
        for k in range(first, first + self.modules_s):
            if not self.live[k]:
                return
        self.string_live[string] = 1
        for k in range(first, first + self.modules_s):
            self._take(k)

    def _lose(self, i):
        self.live[i] = 0
        self.lost |= 1 << i
        string = i // self.modules_s
        if self.string_live[string]:
            self.last_ms = self.at_ms[i]    # nobody has watched the whole string since then
        self.string_live[string] = 0
        first = string * self.modules_s
        for k in range(first, first + self.modules_s):
            self._cell_max[k] = self._dc_max[k] = self._soc_max[k] = _LOW
            self._cell_min[k] = self._dc_min[k] = self._soc_min[k] = _HIGH
            self._charge[k] = self._discharge[k] = self._charge_mv[k] = _HIGH
            self._mv[k] = self._ma[k] = self._ma_abs[k] = 0
            self._capacity[k] = self._charged[k] = self._faults[k] = 0
        self._slow = True

    def _take(self, i):
        row = self.rows[i]
        self._cell_max[i] = row[M_CELL_MV_MAX]
        self._cell_min[i] = row[M_CELL_MV_MIN]
        self._mv[i] = row[M_PACK_MV]
        current_ma = row[M_CURRENT_MA]
        self._ma[i] = current_ma
        self._ma_abs[i] = current_ma if current_ma >= 0 else -current_ma
        if (row[M_SOC_PM] != self._soc_min[i] or row[M_CELL_DC_MAX] != self._dc_max[i]
                or row[M_CELL_DC_MIN] != self._dc_min[i] or row[M_FULL_DAH] != self._capacity[i]
                or row[M_CHARGE_MA_MAX] != self._charge[i]
                or (row[M_CHARGE_MV_MAX] or _HIGH) != self._charge_mv[i]
                or row[M_DISCHARGE_MA_MAX] != self._discharge[i] or row[M_STATE] != self._state[i]
                or row[M_PROTECTIONS] != self._protections[i] or row[M_FAULTS] != self._faults[i]):
            self._take_slow(i, row)

    def _take_slow(self, i, row):
        """What seldom changes; most samples are spared it and its part of the summary."""
        self._slow = True
        self._dc_max[i] = row[M_CELL_DC_MAX]
        self._dc_min[i] = row[M_CELL_DC_MIN]
        soc_pm = row[M_SOC_PM]
        if soc_pm is None:
            soc_pm = _UNKNOWN
        self._soc_max[i] = self._soc_min[i] = soc_pm
        full_dah = row[M_FULL_DAH] or 0
        self._capacity[i] = full_dah
        self._charged[i] = full_dah * soc_pm
        self._charge_mv[i] = row[M_CHARGE_MV_MAX] or _HIGH
        self._faults[i] = row[M_FAULTS] or 0
        self._state[i], self._protections[i] = row[M_STATE], row[M_PROTECTIONS]
        state, protections = row[M_STATE], row[M_PROTECTIONS] or 0
        if state is None:
            state = _CHARGE_ON | _DISCHARGE_ON
        blocked = protections & CHARGE_BLOCKS or not state & _CHARGE_ON
        self._charge[i] = 0 if blocked else row[M_CHARGE_MA_MAX]
        blocked = protections & DISCHARGE_BLOCKS or not state & _DISCHARGE_ON
        self._discharge[i] = 0 if blocked else row[M_DISCHARGE_MA_MAX]

    def _summarize(self):
        if self._slow:
            self._count_strings()
        strings = self.strings_live
        if strings == 0:
            return                      # the last summary stands; its age is what counts now
        self.cell_mv_max = max(self._cell_max)
        self.cell_mv_min = min(self._cell_min)
        self.pack_mv = sum(self._mv) // strings
        self.current_ma = sum(self._ma) // self.modules_s
        self.string_ma_max = max(self._ma_abs)
        strings = self.strings_on
        imbalance_pm = self._imbalance(strings)
        if self._slow or imbalance_pm != self.imbalance_pm:
            self.imbalance_pm = imbalance_pm
            if self._slow:
                self._slow = False
                self._summarize_slow()
            self.charge_ma_max = self._share_of(self._charge_min, strings)
            self.discharge_ma_max = self._share_of(self._discharge_min, strings)

    def _count_strings(self):
        self.strings_live = sum(self.string_live)
        self.modules_live = self.strings_live * self.modules_s
        on = 0
        for s in range(self.strings_p):
            if self.string_live[s] and self.joined >> s & 1:
                on += 1
        self.strings_on = on

    def _summarize_slow(self):
        self._charge_min = min(self._charge)
        self._discharge_min = min(self._discharge)
        bms_mv = min(self._charge_mv)
        self.bms_mv = bms_mv * self.modules_s if bms_mv < _HIGH else None
        self.faults = max(self._faults)
        self.cell_dc_max = max(self._dc_max)
        self.cell_dc_min = min(self._dc_min)
        self.soc_pm_max = max(self._soc_max)
        self.soc_pm_min = min(self._soc_min)
        if self.soc_pm_min == _UNKNOWN:     # one unknown SoC makes the pack's unknown
            self.soc_pm = self.soc_pm_max = self.soc_pm_min = None
        else:
            self.soc_pm = self._soc(sum(self._capacity))

    def _soc(self, capacity_dah):
        if capacity_dah == 0:
            return self.soc_pm_min
        soc_pm = sum(self._charged) // capacity_dah
        return 999 if soc_pm == 1000 and self.soc_pm_min < 1000 else soc_pm

    def _imbalance(self, strings):
        total_ma = self.current_ma if self.current_ma >= 0 else -self.current_ma
        if strings == 0 or total_ma * 5 < self.rated_ma * strings or total_ma == 0:
            return 1000
        return max(1000, self.string_ma_max // 100 * strings * 1000 // (total_ma // 100 + 1))

    def _share_of(self, limit_ma, strings):
        """Limit of the pack: live strings x weakest limit, less what the imbalance takes."""
        if limit_ma > self.rated_ma:
            limit_ma = self.rated_ma
        return limit_ma // 100 * strings * 1000 // self.imbalance_pm * 100

    def _forget(self):
        self.strings_live = self.modules_live = 0
        self.soc_pm = self.soc_pm_max = self.soc_pm_min = None
        self.cell_mv_max = self.cell_mv_min = None
        self.cell_dc_max = self.cell_dc_min = None
        self.pack_mv = self.current_ma = self.string_ma_max = self.bms_mv = None
        self.charge_ma_max = self.discharge_ma_max = 0
        self._charge_min = self._discharge_min = 0
        self.imbalance_pm = 1000
        self.faults = 0
