"""Those who want to hear of events: called after the tick, never inside it."""

from micropython import const

from bess.core.control.modes import REFUSED_FULL
from bess.core.events import PACK_SHIFT, SIZE, WARNING
from bess.core.points import EVENT_CALLBACK_REMOVED

CALLBACKS_MAX = const(16)
ALL = const(-1)
_EVENT_MAX = const(255)
_FAULTS_MAX = const(3)
_COUNT_MASK = const(0xFFFF)


class Callbacks:
    """At most CALLBACKS_MAX.

    pack: of which pack the event is that is being told, counted from 1; 0: the site, or there is
    only one. missed: events that the ring lost before `run` came; faults: calls that raised;
    fault: the last exception, None before the first.
    """

    def __init__(self, events):
        self.pack = 0
        self.missed = 0
        self.faults = 0
        self.fault = None
        self._events = events
        self._next = events.count
        self._rows = []                 # [event or ALL, function, user data, faults]

    def register(self, event, function, user_data=None):
        """Call function(event, data, user_data) after each `event` (ALL: every one).

        Returns 0, or the refusal FULL. Raises ValueError for what is no event or no function.
        """
        if type(event) is not int or not ALL <= event <= _EVENT_MAX:
            raise ValueError("event is %r, allowed: -1 for all, or 0..%d" % (event, _EVENT_MAX))
        if not callable(function):
            raise ValueError("function is %r, wanted: one that can be called" % (function,))
        if len(self._rows) >= CALLBACKS_MAX:
            return REFUSED_FULL
        self._rows.append([event, function, user_data, 0])
        return 0

    def unregister(self, event, function):
        """End what `register` began; how many registrations that were."""
        kept = [row for row in self._rows if row[0] != event or row[1] != function]
        ended = len(self._rows) - len(kept)
        self._rows = kept
        return ended

    def run(self, now_ms):
        """Tell everybody what happened since the last call. May allocate; outside the tick."""
        events = self._events
        newest = events.count           # what a callback causes itself waits for the next run
        while self._next != newest:
            back = (events.count - 1 - self._next) & _COUNT_MASK
            if back >= SIZE:
                lost = min(back + 1 - SIZE, (newest - self._next) & _COUNT_MASK)
                self.missed += lost
                self._next = (self._next + lost) & _COUNT_MASK
                continue
            slot = events.slot(back)
            event, data = events.event(slot), events.data(slot)
            self.pack = events.level(slot) >> PACK_SHIFT
            self._next = (self._next + 1) & _COUNT_MASK
            for row in self._rows[:]:
                if (row[0] == ALL or row[0] == event) and row in self._rows:
                    self._call(row, event, data, now_ms)

    def _call(self, row, event, data, now_ms):
        try:
            row[1](event, data, row[2])
        except Exception as fault:      # whatever it is: control goes on
            self.faults += 1
            self.fault = fault
            row[3] += 1
            if row[3] >= _FAULTS_MAX and row in self._rows:
                self._rows.remove(row)
                self._events.note(EVENT_CALLBACK_REMOVED, WARNING, row[0], now_ms)
