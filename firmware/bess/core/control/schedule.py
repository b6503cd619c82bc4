"""The schedule: 16 entries, each a power at a time of the week in local civil time.

Nothing runs down: which occurrence is alive is worked out from the clock, each second anew, so a
restart or a step of the clock finds the right state. An occurrence is named by its entry and the
local day on which it starts. That day is what must be remembered: for a one-shot entry the
occurrence it was armed for, for a repeating one the occurrence that was stopped.

A duration is elapsed time, half-open: start <= now < start + minutes. When an entry's next
occurrence starts before the last one ended (24 hours on a day of 23), it replaces that one.
"""

import struct
from array import array

from micropython import const

from bess.core.control.modes import CHARGE, DISCHARGE, ENTRIES, IDLE, within
from bess.core.events import INFO, WARNING
from bess.core.points import EVENT_SCHEDULE_ENDED, EVENT_SCHEDULE_SKIPPED, EVENT_SCHEDULE_STARTED

EVERY_DAY = const(7)
POWER_W_MAX = const(1_000_000)

_USED = const(1)
_ENABLED = const(2)
_REPEAT = const(4)
_NO_DAY = const(0)                  # 1970-01-01 is nobody's day
_DAYS = const(65_000)               # until 2147: a day is kept in 16 bits
_AHEAD = const(8)                   # days to the next occurrence, at most, in any zone
_RECORD = ">BBBBHHiH"               # entry, flags, day, mode, minute, minutes, power_w, marked day
_RECORD_SIZE = const(14)
_VERSION = const(0x10)
_NAMES = "enabled day hour minute mode power_w minutes repeat"
_LOW = (0, 0, 0, 0, CHARGE, -POWER_W_MAX, 1, 0)
_HIGH = (1, EVERY_DAY, 23, 59, IDLE, POWER_W_MAX, 1440, 1)


class Schedule:
    """What the schedule wants now; the lowest entry that is alive wins.

    enabled: False holds the whole schedule off (see `switch`).
    entry: number of the entry that is alive, -1 for none; then mode is IDLE and the rest 0.
    mode: CHARGE, DISCHARGE or IDLE. power_w: W, + discharges, 0 = the power of the parameters.
    left_s: seconds until the occurrence ends.
    turn: another number when an occurrence begins or ends, or the living entry is written anew;
    over: the one before has had its time, it was not cut short.
    changes: counts what `dump` must be stored for again, modulo 65536.

    An entry is (enabled, day, hour, minute, mode, power_w, minutes, repeat): day 0 Sunday ..
    6 Saturday or 7 every day, on which it starts by the wall clock; mode CHARGE with power_w <= 0,
    DISCHARGE with >= 0, IDLE with 0 (holds 0 W); minutes 1..1440. Without repeat it is for the
    first occurrence that starts after it was enabled, and disabled when that is over.
    """

    def __init__(self):
        self.enabled = True
        self.entry = -1
        self.mode = IDLE
        self.power_w = self.left_s = self.changes = self.turn = 0
        self.over = False
        self._flags = bytearray(ENTRIES)
        self._day = bytearray(ENTRIES)
        self._mode = bytearray(ENTRIES)
        self._minute = array("H", [0] * ENTRIES)        # of the day
        self._minutes = array("H", [0] * ENTRIES)
        self._power_w = array("i", [0] * ENTRIES)
        self._marked = array("H", [_NO_DAY] * ENTRIES)
        self._begun = _NO_DAY       # local day of the occurrence looked at
        self._running = _NO_DAY     # of the winner
        self._alive = 0             # bit n: entry n is alive, winner or not
        self._utc_day = self._utc_s = -1        # last looked at; -1: look again

    def set(self, entry, fields):
        """Write an entry 0..15; enabled and without repeat it is armed anew."""
        within("entry", entry, 0, ENTRIES - 1)
        _check(fields)
        enabled, day, hour, minute, mode, power_w, minutes, repeat = fields
        self._flags[entry] = _USED | (_ENABLED if enabled else 0) | (_REPEAT if repeat else 0)
        self._day[entry] = day
        self._minute[entry] = 60 * hour + minute
        self._mode[entry] = mode
        self._power_w[entry] = power_w
        self._minutes[entry] = minutes
        self._marked[entry] = _NO_DAY
        if entry == self.entry:
            self.turn = (self.turn + 1) & 0xFF
        self._changed()

    def add(self, fields):
        """Write the lowest free entry and return its number, -1 when all are in use."""
        _check(fields)
        for entry in range(ENTRIES):
            if not self._flags[entry]:
                self.set(entry, fields)
                return entry
        return -1

    def get(self, entry):
        """The fields of an entry, None when it is not in use."""
        within("entry", entry, 0, ENTRIES - 1)
        flags, minute = self._flags[entry], self._minute[entry]
        if not flags:
            return None
        return (flags & _ENABLED != 0, self._day[entry], minute // 60, minute % 60,
                self._mode[entry], self._power_w[entry], self._minutes[entry],
                flags & _REPEAT != 0)

    def remove(self, entry):
        """Free an entry; False when it was not in use."""
        within("entry", entry, 0, ENTRIES - 1)
        if not self._flags[entry]:
            return False
        self._flags[entry] = 0
        self._changed()
        return True

    def enable(self, entry, on):
        """Enable or disable an entry; False when it is not in use. Enabling arms a one-shot."""
        within("entry", entry, 0, ENTRIES - 1)
        flags = self._flags[entry]
        if not flags:
            return False
        if (flags & _ENABLED != 0) != bool(on):
            self._flags[entry] = flags ^ _ENABLED
            if not flags & _REPEAT:
                self._marked[entry] = _NO_DAY
            self._changed()
        return True

    def switch(self, on):
        """Turn the whole schedule on or off; one-shot entries that pass meanwhile are missed."""
        if self.enabled != bool(on):
            self.enabled = bool(on)
            self._changed()

    def skip(self):
        """Stop the running occurrence, and only that one; the entry it was of, -1 for none.

        Another living entry takes over at the next tick.
        """
        entry = self.entry
        if entry >= 0:
            if self._flags[entry] & _REPEAT:
                self._marked[entry] = self._running
            else:
                self._disarm(entry)
            self._changed()
        return entry

    def tick(self, utc_day, utc_s, zone, events, now_ms):
        """Look at the clock, at most once a second; None for an unknown day, second or zone.

        The zone's own attributes hold something else afterwards.
        """
        if utc_s == self._utc_s and utc_day == self._utc_day:
            return
        if utc_day is None or utc_s is None or zone is None or not _NO_DAY < utc_day < _DAYS:
            self._utc_s = -1
            self._alive = 0
            self.over = False
            self._run(-1, _NO_DAY, events, now_ms)
            return
        self._utc_day = utc_day
        self._utc_s = utc_s
        zone.local(utc_day, utc_s)
        now_s = zone.since_s
        if 0 <= now_s < zone.before_s - zone.after_s:
            # a doubled hour: whatever the clock shows, it had reached the end of that hour before
            zone.local(zone.turn_day, zone.turn_s - 1)
        running = self.entry
        if running >= 0:
            days = zone.day - self._running
            second = 60 * self._minute[running]
            self.over = days > 2 or days >= 0 and (     # else far away: the clock was set
                now_s >= zone.since(self._running, second) + 60 * self._minutes[running])
        winner, day, alive = -1, _NO_DAY, 0
        for entry in range(ENTRIES):
            if self._flags[entry] & _ENABLED:
                left_s = self._look(entry, zone, now_s, events, now_ms)
                if left_s > 0 and self.enabled:
                    alive |= 1 << entry
                    if winner < 0:
                        winner = entry
                        day = self._begun
                        self.left_s = left_s
        self._alive = alive
        self._run(winner, day, events, now_ms)

    def _look(self, entry, zone, now_s, events, now_ms):
        """Seconds left of the entry's occurrence, 0 or less when none is alive."""
        second = 60 * self._minute[entry]
        day = zone.day if second <= zone.second else zone.day - 1
        if self._day[entry] != EVERY_DAY:
            day -= (day + 4 - self._day[entry]) % 7     # day + 4: as in calendar.weekday_of
        self._begun = day
        left_s = zone.since(day, second) + 60 * self._minutes[entry] - now_s
        marked = self._marked[entry]
        once = not self._flags[entry] & _REPEAT
        if once and (marked == _NO_DAY or marked > zone.day + _AHEAD):
            marked = self._arm(entry, zone, now_s)
        if marked != _NO_DAY and (marked < day or marked == day and left_s <= 0):
            self._close(entry, once, events, now_ms)
            return 0 if once else left_s
        return left_s if (marked == day) == once else 0

    def _arm(self, entry, zone, now_s):
        """Mark the first occurrence from now on; a mark further ahead was set by a wrong clock."""
        second, wanted = 60 * self._minute[entry], self._day[entry]
        day = zone.day - 1
        while (wanted != EVERY_DAY and (day + 4) % 7 != wanted) or zone.since(day, second) < now_s:
            day += 1
        self._marked[entry] = day
        self._changed()
        return day

    def _close(self, entry, once, events, now_ms):
        """The marked occurrence is over."""
        if once:
            self._disarm(entry)
            if not self._alive >> entry & 1:
                events.note(EVENT_SCHEDULE_SKIPPED, WARNING, entry, now_ms)
        self._marked[entry] = _NO_DAY
        self._changed()

    def _disarm(self, entry):
        self._flags[entry] &= ~_ENABLED
        self._marked[entry] = _NO_DAY

    def _run(self, entry, day, events, now_ms):
        """Take over what is alive; another occurrence is a new start."""
        if entry != self.entry or day != self._running:
            self.turn = (self.turn + 1) & 0xFF
            if self.entry >= 0:
                events.note(EVENT_SCHEDULE_ENDED, INFO, self.entry, now_ms)
            if entry >= 0:
                events.note(EVENT_SCHEDULE_STARTED, INFO, entry, now_ms)
            self.entry = entry
            self._running = day
        if entry < 0:
            self.mode = IDLE
            self.power_w = self.left_s = 0
        else:
            self.mode = self._mode[entry]
            self.power_w = self._power_w[entry]

    def _changed(self):
        self.changes = (self.changes + 1) & 0xFFFF
        self._utc_s = -1

    def dump(self):
        """Everything that a restart must not lose; `restore` takes it back."""
        kept = bytearray(1)
        kept[0] = _VERSION + self.enabled
        for entry in range(ENTRIES):
            if self._flags[entry]:
                kept += struct.pack(
                    _RECORD, entry, self._flags[entry], self._day[entry], self._mode[entry],
                    self._minute[entry], self._minutes[entry], self._power_w[entry],
                    self._marked[entry])
        return bytes(kept)

    def restore(self, kept):
        """Take what `dump` gave; ValueError, and nothing changed, when it is something else."""
        if len(kept) % _RECORD_SIZE != 1 or kept[0] & ~1 != _VERSION:
            raise ValueError("schedule: a length or a version that dump() does not write")
        records, last = [], -1
        for at in range(1, len(kept), _RECORD_SIZE):
            entry, flags, day, mode, minute, minutes, power_w, marked = struct.unpack(
                _RECORD, kept[at:at + _RECORD_SIZE])
            fields = (flags >> 1 & 1, day, minute // 60, minute % 60, mode, power_w, minutes,
                      flags >> 2)
            _check(fields)
            if not last < entry < ENTRIES or not flags & _USED:
                raise ValueError("schedule: entry %d out of order" % entry)
            records.append((entry, fields, marked))
            last = entry
        changes = self.changes
        self.enabled = kept[0] & 1 == 1
        for entry in range(ENTRIES):
            self._flags[entry] = 0
        for entry, fields, marked in records:
            self.set(entry, fields)
            self._marked[entry] = marked
        self.changes = changes
        self._utc_s = -1


def _check(fields):
    count = len(fields) if isinstance(fields, (tuple, list)) else 0
    if count != len(_LOW):
        raise ValueError("%d fields, allowed: %s" % (count, _NAMES))
    for name, value, low, high in zip(_NAMES.split(), fields, _LOW, _HIGH):
        flag = high == 1 and (value is True or value is False)
        within(name, int(value) if flag else value, low, high)
    mode, power_w = fields[4], fields[5]
    if power_w and mode != (CHARGE if power_w < 0 else DISCHARGE):
        raise ValueError("power_w is %d, allowed: <= 0 with CHARGE, >= 0 with DISCHARGE, 0 with "
                         "IDLE" % power_w)
