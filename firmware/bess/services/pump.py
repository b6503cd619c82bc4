"""One link's bytes: carries them between a port and its transactions, and decides nothing.

Two tasks a link. The reader hands over whatever arrives, in any portions. The writer asks the
transactions what goes out next, sends it, and sleeps until an answer, a kick or the time they
named. A stop command therefore never waits for a poll that nobody answers: `kick()` wakes the
writer and the transactions give the stop priority.
"""

import asyncio

from bess.services.bell import Bell
from micropython import const

_READ_BYTES = const(300)        # one RTU or TCP frame and a little
_OPEN_S = const(10)             # ports have shorter deadlines of their own
_SLEEP_MS_MAX = const(1000)     # looks after a dead connection at least this often
_RETRY_GROWTH_MAX = const(30)   # longest pause after a failure, in first pauses

# Received bytes are handed over before another task runs, so all pumps read into the same buffer.
_BUF = bytearray(_READ_BYTES)


class Pump:
    """Runs one link.

    Args:
        port: has open(), close(), read(buf), write(buf), name, timeouts_max (requests in a row
            without an answer after which the port is opened anew; 0 never).
        transactions: says what to send (poll, wait_ms), takes what comes (receive, lost).
            A server's framing has the same face, see SerialServer.
        clock: has ticks_ms().
        retry_ms (int, ms): pause after a failure; doubles while nothing answers, up to 30 times.
    """

    _retry_ms = 1000

    def __init__(self, port, transactions, clock, retry_ms=1000):
        self._port = port
        self._transactions = transactions
        self._clock = clock
        if retry_ms != 1000:        # what nearly all have stands in the class
            self._retry_ms = retry_ms
        self._bell = Bell()
        self._fault = None          # why the reader ended, None while it runs
        self._answers_seen = 0      # signs of life at the last look
        self._timeouts_seen = 0     # time-outs at the last sign of life
        self.name = port.name
        self.is_open = False
        self.opens = 0              # times the port opened; reconnects are opens - 1
        self.faults = 0             # times it could not open, or broke
        self.last_fault = None      # text of the last one

    def kick(self):
        """Ask the transactions at once. Allocates nothing: the control tick calls it."""
        self._bell.ring()

    async def run(self):
        """Task: open, carry, open again after a pause. Never ends by itself."""
        self._bell = Bell()     # one bell serves one event loop
        pauses = 1
        while True:
            answers = self._answers()
            try:
                await asyncio.wait_for(self._port.open(), _OPEN_S)
                await self._carry()
            except Exception as fault:  # the task's border: whatever broke, the link comes back
                self.faults += 1
                self.last_fault = _text(fault)
            # A peer that accepts and hangs up at once is as dead as one that refuses.
            pauses = 1 if self._answers() != answers else pauses
            await self._pause(pauses)
            pauses = min(2 * pauses, _RETRY_GROWTH_MAX)

    async def _carry(self):
        """Move bytes until the port breaks, then raise what broke it."""
        self._fault = None
        self.is_open = True
        self.opens += 1
        # Also at the start: a run that Ctrl-C cut off has not said so at its end.
        self._transactions.lost(self._clock.ticks_ms())
        self._timeouts_seen = self._transactions.timeouts
        reader = asyncio.create_task(self._read())
        try:
            await self._write()
        finally:
            # Cancel before close: a closed socket must not stay in the loop's poller.
            reader.cancel()
            self._port.close()
            self.is_open = False
            self._transactions.lost(self._clock.ticks_ms())

    async def _read(self):
        """Task: hand over what arrives; ends with a fault."""
        port, transactions = self._port, self._transactions
        try:
            received = await port.read(_BUF)
            while received:
                transactions.receive(_BUF, received, self._clock.ticks_ms())
                if transactions.broken:
                    raise OSError("%s: nonsense in the stream" % self.name)
                self._bell.ring()
                received = await port.read(_BUF)
            raise OSError("%s: closed by the peer" % self.name)
        except Exception as fault:  # the task's border: the writer reports it
            self._fault = fault
        self._bell.ring()

    async def _write(self):
        while self._fault is None:
            now_ms = self._clock.ticks_ms()
            frame = self._transactions.poll(now_ms)
            if frame is not None:
                await self._port.write(frame)
            else:
                self._check_life()
                await self._bell.sleep(min(self._transactions.wait_ms(now_ms), _SLEEP_MS_MAX))
        raise self._fault

    def _answers(self):
        return self._transactions.answered + self._transactions.exceptions

    def _check_life(self):
        """Raise OSError when the connection is there but nobody at its other end."""
        answers = self._answers()
        if answers != self._answers_seen:
            self._answers_seen = answers
            self._timeouts_seen = self._transactions.timeouts
        elif 0 < self._port.timeouts_max <= self._transactions.timeouts - self._timeouts_seen:
            raise OSError("%s: no answer to %d requests" % (self.name, self._port.timeouts_max))

    async def _pause(self, pauses):
        """Back-off. A stop command that waits cuts it to the shortest one."""
        for _ in range(pauses):
            await asyncio.sleep(self._retry_ms / 1000)
            if self._transactions.urgent():
                return


def _text(fault):
    return "%s: %s" % (type(fault).__name__, fault)
