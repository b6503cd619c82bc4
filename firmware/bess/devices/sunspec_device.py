"""What all SunSpec devices share: find the models, then read them in turn.

Every block is read with the header of its model, so that each answer proves its own place; a
chain that moved (another firmware, another device at the address) is walked again.
"""

from micropython import const

from bess.core.tick import elapsed_ms
from bess.devices.polling import READ, Poll
from bess.protocols.modbus import ABANDONED, ILLEGAL_ADDRESS, TIMEOUT
from bess.protocols.registers import u16
from bess.protocols.sunspec import Walker
from bess.protocols.transactions import Request

ONCE = const(0)              # period of a block that is read once after the chain was found
_RETRY_MS = const(5000)
_STRIKES_MAX = const(3)


class Block(Poll):
    """The first `count` registers of a model, header included, read every period_ms.

    models: the ids that will do, best first. needed: without it the device is of no use.
    """

    def __init__(self, unit, models, count, period_ms, needed=True):
        super().__init__(unit, 0, count, period_ms or _RETRY_MS)
        self.models = models
        self.needed = needed
        self.once = period_ms == ONCE
        self.asleep = False         # not in this device, or read once already
        self.model = 0
        self._count = count

    def place(self, walker):
        """Take the address from a chain; False when the model is needed and is not there."""
        self.asleep = True
        for model in self.models:
            address = walker.at(model)
            if address is not None:
                self.model = model
                self.address = address
                self.count = min(self._count, walker.length(model))
                self.asleep = False
                self.at_once = True
                return True
        return not self.needed


class SunspecDevice:
    """Base of the devices; a subclass gives the blocks and overrides found, take and missed.

    known: the chain was walked and has all that is needed. rejected: answers without use.
    """

    urgent = False

    def __init__(self, unit, blocks):
        self.unit = unit
        self.known = False
        self.rejected = 0
        self.walks = 0
        self._blocks = blocks
        self._walker = Walker([model for block in blocks for model in block.models])
        self._walk = Request(unit, READ, 0, 1)
        self._ended_ms = 0
        self._strikes = 0

    def next_write(self, now_ms):
        """A device that is only read writes nothing."""
        return None

    def next_read(self, now_ms):
        """The next step of the walk, or the block that is most overdue."""
        if not self.known:
            return self._next_step(now_ms)
        best, most_ms = None, -1
        for block in self._blocks:
            if not block.asleep:
                overdue_ms = block.overdue_ms(now_ms)
                if overdue_ms > most_ms:
                    best, most_ms = block, overdue_ms
        return None if best is None else best.ask(now_ms)

    def done(self, request, data, now_ms):
        """An answer to a read."""
        if request is self._walk:
            self._walker.feed(data)
            self._look(now_ms)
            return
        for block in self._blocks:
            if block is request:
                self._take_block(block, data, now_ms)

    def failed(self, request, code, now_ms):
        """A read that was not answered, refused, or abandoned for a stop command."""
        if request is self._walk:
            if code != ABANDONED:
                self._walker.failed(code)
                self._look(now_ms)
            return
        for block in self._blocks:
            if block is request:
                self._miss_block(block, code, now_ms)

    # for subclasses

    def found(self, now_ms):
        """The chain was walked: the blocks have their addresses."""

    def take(self, block, data, now_ms):
        """The registers of a block, its header first."""

    def missed(self, block, code, now_ms):
        """A block could not be read; code as in failed()."""

    # the chain

    def _next_step(self, now_ms):
        walker = self._walker
        if walker.ended:
            if elapsed_ms(now_ms, self._ended_ms) < _RETRY_MS:
                return None
            walker.restart()
        self._walk.address = walker.address
        self._walk.count = walker.count
        return self._walk

    def _look(self, now_ms):
        """At the end of the chain: is everything there?"""
        if not self._walker.ended:
            return
        self._ended_ms = now_ms
        self.walks += 1
        known = True
        for block in self._blocks:
            if not block.place(self._walker):
                known = False
        self.known = known
        self._strikes = 0
        if known:
            self.found(now_ms)

    def _lose(self):
        """The chain is not where it was."""
        self.known = False
        self._walker.restart()

    def _take_block(self, block, data, now_ms):
        if u16(data, 0) != block.model:
            self.rejected += 1
            self._strike()
            return
        self._strikes = 0
        block.asleep = block.once
        self.take(block, data, now_ms)

    def _miss_block(self, block, code, now_ms):
        if code == ABANDONED:
            block.at_once = True
        elif code < TIMEOUT and block.once:
            block.asleep = True
        elif code == ILLEGAL_ADDRESS:
            self._strike()
        self.missed(block, code, now_ms)

    def _strike(self):
        self._strikes += 1
        if self._strikes >= _STRIKES_MAX:
            self._lose()
