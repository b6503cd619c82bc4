"""The active list: what is wrong now, or was and nobody has acknowledged it yet.

A diagnosis has one row, however often it comes and goes. The row leaves when it is neither active
nor unacknowledged. Times are seconds since the start: they do not wrap.
"""

from array import array

from micropython import const

from bess.core.control.checks import (
    BLOCK, EMERGENCIES, EMERGENCY, IDS, INFO, MODULE_CHECKS, MODULE_ROWS, R_ID, R_SEVERITY,
    R_STRIDE, SITE_CHECKS, S_ID, S_SEVERITY, S_STRIDE, TRIP,
)
from bess.core.events import INFO as NEWS, WARNING as WARN
from bess.core.points import (
    EVENT_BLOCK, EVENT_BLOCK_CLEARED, EVENT_WARNING, EVENT_WARNING_CLEARED,
)

SIZE = const(32)
_ACTIVE = const(1)
_ACKNOWLEDGED = const(2)
_COUNT_MAX = const(65_534)
_NOBODY = const(0xFF)

# columns of what `read` fills in
A_ID = const(0)
A_LEVEL = const(1)                  # 0 info, 1 warning, 2 block, 3 trip, 4 emergency
A_ACTIVE = const(2)
A_ACKNOWLEDGED = const(3)
A_FIRST_S = const(4)
A_LAST_S = const(5)
A_COUNT = const(6)
A_DATA = const(7)
A_POINTS = const(8)


class Alarms:
    """SIZE rows; active: rows that are active now; level: the highest of them, -1 without any.

    When all rows are taken, an acknowledged one gives way, the lowest level first, then the
    oldest; without any, one that is over. lost: alarms that found no row even so.
    """

    def __init__(self, events):
        self.active = 0
        self.level = -1
        self.lost = 0
        self._events = events
        self._row_of = bytearray([_NOBODY] * IDS)
        self._id = bytearray([_NOBODY] * SIZE)
        self._level = bytearray(SIZE)
        self._state = bytearray(SIZE)
        self._first_s = array("i", [0] * SIZE)
        self._last_s = array("i", [0] * SIZE)
        self._count = array("H", [0] * SIZE)
        self._data = array("i", [0] * SIZE)
        self._modules = array("H", [0] * MODULE_ROWS)
        self._site = self._changes = self._trips = self._causes = 0
        self._now_ms = self._now_s = 0

    def follow(self, diagnosis, trips, causes, now_ms, now_s):
        """One tick: rows follow what holds now. causes: the latched ones; now_s: uptime."""
        if (diagnosis.changes == self._changes and trips == self._trips
                and causes == self._causes):
            return
        self._now_ms, self._now_s = now_ms, now_s
        self._bits(EMERGENCIES, EMERGENCY, causes, causes ^ self._causes)
        self._bits(0, TRIP, trips, trips ^ self._trips)
        self._causes, self._trips, self._changes = causes, trips, diagnosis.changes
        for r in range(MODULE_ROWS):
            data, was = diagnosis.modules[r], self._modules[r]
            if data != was:
                self._modules[r] = data
                k = r * R_STRIDE
                self._follow(MODULE_CHECKS[k + R_ID], MODULE_CHECKS[k + R_SEVERITY], data, was)
        now, changed, k = diagnosis.present, diagnosis.present ^ self._site, 0
        self._site = now
        while changed:
            if changed & 1:
                self._follow(SITE_CHECKS[k + S_ID], SITE_CHECKS[k + S_SEVERITY], now & 1,
                             1 - (now & 1))
            changed >>= 1
            now >>= 1
            k += S_STRIDE

    def read(self, i, out):
        """Fill out[:A_POINTS] with row i (0..SIZE - 1); False when nothing stands there."""
        if self._id[i] == _NOBODY:
            return False
        out[A_ID], out[A_LEVEL] = self._id[i], self._level[i]
        out[A_ACTIVE] = self._state[i] & _ACTIVE
        out[A_ACKNOWLEDGED] = self._state[i] >> 1
        out[A_FIRST_S], out[A_LAST_S] = self._first_s[i], self._last_s[i]
        out[A_COUNT], out[A_DATA] = self._count[i], self._data[i]
        return True

    def acknowledge(self, number):
        """A person has seen diagnosis `number` (-1: all); how many rows that concerned."""
        seen = 0
        for i in range(SIZE):
            if self._id[i] != _NOBODY and (number == -1 or number == self._id[i]):
                if not self._state[i] & _ACKNOWLEDGED:
                    seen += 1
                self._state[i] |= _ACKNOWLEDGED
                self._leave(i)
        return seen

    def _bits(self, number, level, now, changed):
        """Rows of numbers from `number` on follow the bits that changed."""
        while changed:
            if changed & 1:
                self._set(number, level, now & 1)
            changed >>= 1
            now >>= 1
            number += 1

    def _follow(self, number, level, data, was):
        """Warnings and blocks, with their events. data: bits of the modules, or 1."""
        if level > BLOCK:
            return                      # the latch and the trips have said so
        self._set(number, level, data)
        if level == INFO or data and was:
            return
        if level == BLOCK:
            event = EVENT_BLOCK if data else EVENT_BLOCK_CLEARED
        else:
            event = EVENT_WARNING if data else EVENT_WARNING_CLEARED
        self._events.note(event, WARN if data else NEWS, number, self._now_ms)

    def _set(self, number, level, data):
        i = self._row_of[number]
        if i == _NOBODY and data:
            i = self._enter(number, level)
        if i == _NOBODY:
            return
        self._last_s[i] = self._now_s
        if not data:
            self._state[i] &= ~_ACTIVE
            self._leave(i)
        else:
            if not self._state[i] & _ACTIVE or data & ~self._data[i]:
                self._state[i] = _ACTIVE        # it comes again, or for another module: unseen
                self._count[i] = min(self._count[i] + 1, _COUNT_MAX)
            self._data[i] = data
        self._sum_up()

    def _enter(self, number, level):
        """A row for a new alarm, _NOBODY when there is none."""
        i = self._free()
        if i == _NOBODY:
            self.lost += 1
            return i
        if self._id[i] != _NOBODY:
            self._row_of[self._id[i]] = _NOBODY
        self._row_of[number] = i
        self._id[i] = number
        self._level[i] = level
        self._state[i] = self._count[i] = self._data[i] = 0
        self._first_s[i] = self._now_s
        return i

    def _free(self):
        """An empty row, else the one that can best be spared."""
        best, rank = _NOBODY, _NOBODY
        for i in range(SIZE):
            if self._id[i] == _NOBODY:
                return i
            if self._state[i] == _ACTIVE:
                continue
            spare = self._level[i] + (0 if self._state[i] & _ACKNOWLEDGED else IDS)
            if spare < rank or (spare == rank and self._first_s[i] < self._first_s[best]):
                best, rank = i, spare
        return best

    def _leave(self, i):
        if self._state[i] == _ACKNOWLEDGED:
            self._row_of[self._id[i]] = _NOBODY
            self._id[i] = _NOBODY

    def _sum_up(self):
        self.active = 0
        self.level = -1
        for i in range(SIZE):
            if self._id[i] != _NOBODY and self._state[i] & _ACTIVE:
                self.active += 1
                self.level = max(self.level, self._level[i])
