"""What happened, in a ring that never grows. Level, one number of data, and the tick."""

from array import array

from micropython import const

SIZE = const(32)
INFO = const(0)
WARNING = const(1)
TRIP = const(2)
EMERGENCY = const(3)
PACK_SHIFT = const(2)               # bits of a level; above them the pack, where there are several


class Events:
    """The last SIZE events; `count` numbers them all (modulo 65536)."""

    def __init__(self):
        self.count = 0
        self._filled = 0
        self._id = bytearray(SIZE)
        self._level = bytearray(SIZE)
        self._data = array("i", [0] * SIZE)
        self._at_ms = array("i", [0] * SIZE)

    def note(self, event, level, data, now_ms):
        """Record an event. data: one integer, its meaning stands with the event's number."""
        i = self.count % SIZE
        self._id[i] = event
        self._level[i] = level
        self._data[i] = data
        self._at_ms[i] = now_ms
        self.count = (self.count + 1) & 0xFFFF
        if self._filled < SIZE:
            self._filled += 1

    def slot(self, back):
        """Index of the event `back` places before the newest (0); -1 when there is none."""
        if back >= self._filled:
            return -1
        return (self.count - 1 - back) % SIZE

    def event(self, slot):
        return self._id[slot]

    def level(self, slot):
        """INFO .. EMERGENCY; above PACK_SHIFT the pack, counted from 1, 0: the site."""
        return self._level[slot]

    def data(self, slot):
        return self._data[slot]

    def at_ms(self, slot):
        return self._at_ms[slot]
