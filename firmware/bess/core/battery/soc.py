"""Our own count of the charge beside what the modules say, and how far it may be wrong.

The flat curve of LFP tells nothing between 15 % and full, so charge is counted, and the count is
set right only at a confirmed full or empty. Its uncertainty is charge as well: a current that
flows all the time (sensor offset, drift) and a part of what went through. Charge is in mA s.
"""

import struct

from micropython import const

from bess.core.events import INFO, WARNING
from bess.core.points import EVENT_CALIBRATION_DUE, EVENT_SOC_CALIBRATED, EVENT_SOC_JUMP
from bess.core.tick import TICK_MASK, Dwell

CALIBRATION_PM = const(200)         # current of the calibration charge, of C

_LATE = const(0x1FFFFFFF)           # a stamp that is "newer" by more is older
_COUNT_MS_MAX = const(30_000)       # of a silence no more is counted
_PAUSE_S_MAX = const(60)            # after a longer one the count begins anew
_FULL_MV = const(3440)
_FULL_MS = const(900_000)
_EMPTY_MV = const(2920)
_EMPTY_MS = const(60_000)
_UNLOADED_S = const(11)             # a load still counts in the 10 s after it
_SIGMA_NEW_PM = const(50)           # a charge that nobody ever confirmed
_SIGMA_FULL_PM = const(5)
_SIGMA_PM_MAX = const(50)           # beyond: calibrate
_DISAGREE_PM = const(50)
_DISAGREE_MS = const(600_000)
_JUMP_PM = const(50)
_JUMP_SLOTS = const(6)              # one each 10 s: what is older than 60 s is forgotten
_SLOT_S = const(10)
_DAY_S = const(86_400)
_SESSION_S = const(28_800)          # 8 h; the next try begins a day after the last one began
_UNKNOWN = const(0xFFFF)
_DUMP = "<BHHHII"
_DUMP_VERSION = const(1)


class Soc:
    """Own count of one pack; the limits go on using what the modules say.

    soc_pm: own count, rounded down, None before the modules said anything.
    sigma_pm: it may be wrong by so much: 5 at a confirmed full, then 1 pm a day, 3 pm for each
    equivalent full cycle, and `current_offset_ma` of every string over the time.
    full_s: seconds since the last confirmed full, as far as anybody counted them.
    disagrees: for 10 min more than max(50 pm, 2 sigma) away from the modules.
    due: a calibration charge is due; wanted: it shall be asked for now, at CALIBRATION_PM of C,
    held at its voltage until `due` ends. It tries for 8 h, and again a day later.
    Settings: pack_mah, calibration_days, current_offset_ma.
    """

    def __init__(self, settings):
        self.soc_pm = None
        self.sigma_pm = _SIGMA_NEW_PM
        self.full_s = 0
        self.disagrees = self.due = self.wanted = False
        self._pack_mah = settings.pack_mah
        self._due_s = settings.calibration_days * _DAY_S
        self._offset_ma = settings.current_offset_ma
        self._per_pm = 0                # charge of 1 pm of the live strings
        self._rest = self._ms_rest = 0  # charge above soc_pm, and what is less than 1 mA s
        self._moved = self._doubt = 0   # charge in both directions; uncertainty below 1 pm
        self._ma = self._at_ms = 0      # current and time of the last sample
        self._adrift = True             # there is none that the next could go on from
        self._samples = 0
        self._second_ms = None
        self._modules_pm = None         # what the modules said when the count was stored
        self._try_s = self._paused_s = 0
        self._unloaded_s = _UNLOADED_S  # since the last load, at most so much
        self._confirmed = self._emptying = False
        self._low = [0] * _JUMP_SLOTS   # lowest and highest SoC less our own, of the last minute
        self._high = [0] * _JUMP_SLOTS
        self._slot = self._slot_s = 0
        self._strings = 0               # live ones when the slots were begun, 0: begin anew
        self._full = Dwell(_FULL_MS)
        self._empty = Dwell(_EMPTY_MS)
        self._apart = Dwell(_DISAGREE_MS)

    def update(self, pack, full_mah, battery_limited, events, now_ms):
        """After pack.update, in every tick or a few times a second.

        full_mah: present capacity of the live strings together, at least 1.
        battery_limited: the cells bound the charge (constant voltage, or CELL_HIGH decides).
        """
        if pack.samples != self._samples and pack.strings_live:
            self._samples = pack.samples
            self._per_pm = full_mah * 9 // 5 * 2
            self._count(pack)
        if self._second_ms is None:
            self._second_ms = now_ms
        span_ms = (now_ms - self._second_ms) & TICK_MASK
        if span_ms >= 1000:
            seconds = span_ms // 1000
            self._second_ms = (now_ms - span_ms % 1000) & TICK_MASK
            self.full_s += seconds
            self._schedule(seconds, events, now_ms)
            if pack.strings_live:
                self._judge(pack, battery_limited, seconds, events, now_ms)
            else:
                self._pause(seconds, now_ms)

    def dump(self):
        """The count as bytes for the store; the charge that is less than 1 pm stays behind."""
        soc_pm, modules_pm = self.soc_pm, self._modules_pm
        return struct.pack(_DUMP, _DUMP_VERSION, _UNKNOWN if soc_pm is None else soc_pm,
                           self.sigma_pm, _UNKNOWN if modules_pm is None else modules_pm,
                           self.full_s, self._try_s)

    def restore(self, data):
        """Go on from a dump, before the first update; ValueError when it is none.

        Add the time away to full_s where it is known. What the modules counted in between
        is taken over and a tenth of it doubted; a jump of theirs is not, and doubted in full.
        """
        if len(data) != struct.calcsize(_DUMP) or data[0] != _DUMP_VERSION:
            raise ValueError("not a stored charge of version %d" % _DUMP_VERSION)
        _, soc_pm, sigma_pm, modules_pm, full_s, try_s = struct.unpack(_DUMP, data)
        if (not (soc_pm <= 1000 or soc_pm == _UNKNOWN) or sigma_pm > 1000 or full_s > TICK_MASK
                or not (modules_pm <= 1000 or modules_pm == _UNKNOWN) or try_s >= _DAY_S):
            raise ValueError("a stored charge out of its range")
        self.soc_pm = None if soc_pm == _UNKNOWN else soc_pm
        self.sigma_pm, self.full_s, self._try_s = sigma_pm, full_s, try_s
        self._modules_pm = None if modules_pm == _UNKNOWN else modules_pm

    # --- on new samples ---------------------------------------------------------------------

    def _count(self, pack):
        """Charge since the sample before: the mean of both currents over the sampled time."""
        dt_ms = self._newer_by_ms(pack)
        twice_ma = self._ma + pack.current_ma
        self._ma = pack.current_ma
        if self._adrift:
            self._begin(pack)
            return
        seen = dt_ms <= pack.silent_ms
        dt_ms = min(dt_ms, _COUNT_MS_MAX)
        ms_rest = self._ms_rest + twice_ma % 2000 * dt_ms
        charge = twice_ma // 2000 * dt_ms + ms_rest // 2000
        self._ms_rest = ms_rest % 2000
        self._book(charge)
        charge = abs(charge)
        if seen:
            self._moved += charge
        else:
            self._doubt_charge(charge)  # nobody looked: it may not have flowed at all

    def _newer_by_ms(self, pack):
        """Time from the sample before to the newest one; 0 when that is not newer."""
        fresh, before_ms = pack.fresh, self._at_ms
        i = newer_ms = 0
        while fresh:
            if fresh & 1:
                at_ms = pack.at_ms[i]
                dt_ms = (at_ms - before_ms) & TICK_MASK
                if self._adrift or newer_ms < dt_ms <= _LATE:
                    newer_ms = dt_ms
                    self._at_ms = at_ms
            fresh >>= 1
            i += 1
        return newer_ms

    def _begin(self, pack):
        """Go on from our own count, moved by what the modules counted, or from theirs."""
        now_pm, then_pm = pack.soc_pm, self._modules_pm
        if now_pm is None:
            return
        self._adrift = False
        if self.soc_pm is None:
            self.soc_pm = now_pm
        elif then_pm is not None:
            moved_pm = now_pm - then_pm
            doubt_pm = abs(moved_pm)
            if doubt_pm <= _JUMP_PM:
                self.soc_pm = min(max(self.soc_pm + moved_pm, 0), 1000)
                doubt_pm //= 10
            self.sigma_pm = min(self.sigma_pm + doubt_pm, 1000)

    def _book(self, charge):
        """Take `charge` out of the count; what leads beyond its ends was an error."""
        per_pm = self._per_pm
        rest = self._rest - charge
        if 0 <= rest < per_pm and self.soc_pm < 1000:
            self._rest = rest
            return
        soc_pm = self.soc_pm + rest // per_pm
        self._rest = rest % per_pm
        if soc_pm >= 1000:
            self._doubt_charge((soc_pm - 1000) * per_pm + self._rest)
            soc_pm = 1000
            self._rest = 0
        elif soc_pm < 0:
            self._doubt_charge(-soc_pm * per_pm - self._rest)
            soc_pm = self._rest = 0
        self.soc_pm = soc_pm

    def _doubt_charge(self, charge):
        per_pm = self._per_pm
        sigma_pm = self.sigma_pm + charge // per_pm
        self._doubt += charge % per_pm
        if self._doubt >= per_pm:
            self._doubt -= per_pm
            sigma_pm += 1
        self.sigma_pm = min(sigma_pm, 1000)

    # --- each second ------------------------------------------------------------------------

    def _schedule(self, seconds, events, now_ms):
        """Whether a calibration is due, and whether it is tried now."""
        if not self.due:
            late = self.full_s >= self._due_s or self.sigma_pm > _SIGMA_PM_MAX
            if not late or self._due_s == 0 or self.soc_pm is None:
                return
            self.due = True
            events.note(EVENT_CALIBRATION_DUE, INFO, self.sigma_pm, now_ms)
        self.wanted = self._try_s < _SESSION_S
        self._try_s = (self._try_s + seconds) % _DAY_S

    def _pause(self, seconds, now_ms):
        """All are silent: nothing holds any more, and soon nobody knows what flowed."""
        self._full.held(False, now_ms)
        self._empty.held(False, now_ms)
        self._confirmed = self._emptying = False
        self.disagrees = self._apart.held(False, now_ms)
        self._unloaded_s = _UNLOADED_S
        self._paused_s += seconds
        if self._paused_s > _PAUSE_S_MAX:
            self._paused_s = _PAUSE_S_MAX
            self._adrift = True
            self._strings = 0

    def _judge(self, pack, battery_limited, seconds, events, now_ms):
        self._paused_s = 0
        if self._adrift:
            return
        standing_ma = self._offset_ma * pack.strings_live + self._per_pm // _DAY_S + 1
        self._doubt_charge(standing_ma * seconds + self._moved // 2000 * 3)
        self._moved %= 2000
        if pack.soc_pm is None:
            self.disagrees = self._apart.held(False, now_ms)
            self._strings = 0
        else:
            self._modules_pm = pack.soc_pm
            self._compare(pack, seconds, events, now_ms)
        self._calibrate(pack, battery_limited, seconds, events, now_ms)

    def _compare(self, pack, seconds, events, now_ms):
        """The modules' word against the count, which moves with the charge."""
        apart_pm = abs(pack.soc_pm - self.soc_pm)
        self.disagrees = self._apart.held(
            apart_pm > max(_DISAGREE_PM, 2 * self.sigma_pm), now_ms)
        low_pm, high_pm = pack.soc_pm_min - self.soc_pm, pack.soc_pm_max - self.soc_pm
        if self._strings != pack.strings_live:
            self._strings = pack.strings_live
            self._refill(low_pm, high_pm)
            return
        jump_pm = _farthest(self._low, low_pm)
        if abs(jump_pm) <= _JUMP_PM:
            jump_pm = _farthest(self._high, high_pm)
        if abs(jump_pm) > _JUMP_PM:
            events.note(EVENT_SOC_JUMP, WARNING, jump_pm, now_ms)
            self._refill(low_pm, high_pm)
        self._slot_s += seconds
        if self._slot_s >= _SLOT_S:
            self._slot_s = 0
            self._slot = (self._slot + 1) % _JUMP_SLOTS
            self._low[self._slot] = low_pm
            self._high[self._slot] = high_pm

    def _refill(self, low_pm, high_pm):
        for i in range(_JUMP_SLOTS):
            self._low[i] = low_pm
            self._high[i] = high_pm

    def _calibrate(self, pack, battery_limited, seconds, events, now_ms):
        """Full: 15 min at a small current while the cells bound it. Empty: low after a load."""
        ma = pack.current_ma
        loaded = ma * 50 > self._pack_mah
        self._unloaded_s = 0 if loaded else min(self._unloaded_s + seconds, _UNLOADED_S)
        # once the minute runs the limits take the load away: the current matters no more
        low = pack.cell_mv_min <= _EMPTY_MV
        self._emptying = low and (self._emptying or self._unloaded_s < _UNLOADED_S)
        small = abs(ma) * 20 < self._pack_mah
        if self._full.held(battery_limited and small and pack.cell_mv_max >= _FULL_MV, now_ms):
            self._set(1000, events, now_ms)
            self.sigma_pm = _SIGMA_FULL_PM
            self._doubt = self.full_s = self._try_s = 0
            self.due = self.wanted = False
        elif self._empty.held(self._emptying, now_ms):
            self._set(0, events, now_ms)
        else:
            self._confirmed = False

    def _set(self, soc_pm, events, now_ms):
        """Confirmed: one event when it begins, with the correction in pm."""
        change_pm = soc_pm - self.soc_pm
        if change_pm:
            self._strings = 0           # the distance to the modules has moved by our own doing
        self.soc_pm = soc_pm
        self._rest = 0
        if not self._confirmed:
            self._confirmed = True
            events.note(EVENT_SOC_CALIBRATED, INFO, change_pm, now_ms)


def _farthest(slots, pm):
    """pm less that one of the last minute which is farthest from it."""
    up_pm, down_pm = pm - min(slots), pm - max(slots)
    return up_pm if up_pm >= -down_pm else down_pm
