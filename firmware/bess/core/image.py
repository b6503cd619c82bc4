"""The process image: every site quantity once, with the time at which it was measured.

Readings arrive at any moment (`put`); the control tick takes one copy that stands still (`latch`)
and reads the list `now` directly: `image.now[BATTERY_W]`. None means unknown or too old, never
zero. Values the controller derives itself are written into `now` by the tick.
"""

from array import array

from micropython import const

from bess.core.points import GRID_W, SITE_POINTS
from bess.core.tick import TICK_MASK

_OLD_MS = const(0x1FFFFFFF)         # ages end here: a dead reading never looks young after a wrap


class Image:
    """All points of the site block, indexed by the constants of core/points.py.

    now: values of this tick (int or None).
    meter_fresh: True in the one tick that sees a new sample of GRID_W.
    """

    def __init__(self):
        self.now = [None] * SITE_POINTS
        self.raw = [None] * SITE_POINTS
        self.at_ms = array("i", [0] * SITE_POINTS)
        self.meter_fresh = False
        self._seen = bytearray(SITE_POINTS)
        from bess.core.points import SITE_AGES      # here: the chip need not keep the table
        self._aged = array("H", [point for point, _ in SITE_AGES])
        self._ages = array("i", [age for _, age in SITE_AGES])
        self._meter_new = False

    def put(self, point, value, sampled_ms):
        """Store a reading and the tick at which it was measured; None: unknown from now on."""
        self.raw[point] = value
        if value is None:
            return                      # its age stays that of the last value
        self.at_ms[point] = sampled_ms
        self._seen[point] = 1
        if point == GRID_W:
            self._meter_new = True

    def latch(self, now_ms):
        """Copy all readings that are not too old; from here on everybody sees the same."""
        now, raw, at_ms = self.now, self.raw, self.at_ms
        aged, ages = self._aged, self._ages
        for i in range(len(aged)):
            point = aged[i]
            age_ms = (now_ms - at_ms[point]) & TICK_MASK
            if age_ms <= ages[i]:
                now[point] = raw[point]
            else:
                now[point] = None
                if age_ms > _OLD_MS:
                    at_ms[point] = (now_ms - _OLD_MS) & TICK_MASK
        self.meter_fresh = self._meter_new
        self._meter_new = False

    def age_ms(self, point, now_ms):
        """Age of the last value of `point`; None when there never was one."""
        if not self._seen[point]:
            return None
        return (now_ms - self.at_ms[point]) & TICK_MASK


class History:
    """The last readings of one quantity with their times, for alignment with a slow meter."""

    def __init__(self, size):
        self._w = array("i", [0] * size)
        self._at_ms = array("i", [0] * size)
        self._size = size
        self._last = -1
        self._filled = 0

    def add(self, value, sampled_ms):
        """Append a reading; the oldest is dropped."""
        i = self._last = (self._last + 1) % self._size
        self._w[i] = value
        self._at_ms[i] = sampled_ms
        if self._filled < self._size:
            self._filled += 1

    def at(self, then_ms):
        """Value in force at `then_ms`: the newest reading not younger than it; None if unknown."""
        i = self._last
        for _ in range(self._filled):
            if (then_ms - self._at_ms[i]) & TICK_MASK < TICK_MASK >> 1:
                return self._w[i]
            i -= 1
            if i < 0:
                i += self._size
        return None
