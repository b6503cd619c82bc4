"""What every polled device needs: when a read is due, and whether its answer is news."""

from micropython import const

from bess.core.tick import TICK_MASK
from bess.protocols.transactions import Request

READ = const(3)
WRITE_ONE = const(6)
WRITE = const(16)
_AT_ONCE = const(0x20000000)


class Poll(Request):
    """A read that is repeated every period_ms; the first is due at once.

    at_once: set it to have the next read without waiting for the period.
    """

    def __init__(self, unit, address, count, period_ms):
        super().__init__(unit, READ, address, count)
        self.period_ms = period_ms
        self.at_once = True
        self._asked_ms = 0

    def overdue_ms(self, now_ms):
        """How long the read has been due; negative while it is not."""
        if self.at_once:
            return _AT_ONCE
        return (now_ms - self._asked_ms & TICK_MASK) - self.period_ms

    def ask(self, now_ms):
        """The request, which goes out now."""
        self.at_once = False
        self._asked_ms = now_ms
        return self


def keep(kept, at, data):
    """Copy `data` over kept[at:]; True when that changed anything."""
    changed = False
    for i in range(len(data)):
        if kept[at + i] != data[i]:
            kept[at + i] = data[i]
            changed = True
    return changed
