"""Modbus RTU framing of the side that answers, on a bus that it shares with other servers.

A frame is judged by its length and its CRC as in modbus_rtu.py; requests to others, and their
answers, have to be recognised to find where the next frame begins.
"""

from micropython import const

from bess.core.tick import elapsed_ms
from bess.protocols.modbus import is_write
from bess.protocols.rtu_frames import Inbox, crc16, seal
from bess.protocols.views import Views

_ADU_MAX = const(256)
_SHORTEST = const(4)
_EXCEPTION_LENGTH = const(5)
_NO_RULE = const(-1)
_IDLE_MS = const(100)


def request_length(data, at, n):
    """Length of the request frame that begins at data[at], of which n bytes are there.

    0 = not known yet, -1 = this function code has no rule.
    """
    fc = data[at + 1]
    if 1 <= fc <= 6 or fc == 8:
        return 8
    if fc == 15 or fc == 16:
        return 9 + data[at + 6] if n > 6 else 0
    if fc == 22:
        return 10
    if fc == 23:
        return 13 + data[at + 10] if n > 10 else 0
    if fc == 43:
        return 7
    return _NO_RULE


def reply_length(data, at, n):
    """The same for an answer frame, as seen by a third party on the bus."""
    fc = data[at + 1]
    if 1 <= fc <= 4 or fc == 23:
        return 5 + data[at + 2] if n > 2 else 0
    if fc in (5, 6, 8, 15, 16):
        return 8
    if fc == 22:
        return 10
    return _EXCEPTION_LENGTH if fc > 0x80 else _NO_RULE


class RtuServer:
    """Frames of the side that answers, for one serial line. Driven like Transactions.

    Foreign requests and answers on a multi-drop bus are recognised by their CRC and passed over.
    gap_ms: silence that ends a frame. reply_ms: least pause between a request and its answer.
    answered, foreign: frames; errors: bursts of bytes that began with no frame.
    """

    def __init__(self, server, gap_ms=20, reply_ms=2, echo=False):
        self.answered = 0
        self.foreign = 0
        self.errors = 0
        self._server = server
        self._gap_ms = gap_ms
        self._reply_ms = reply_ms
        self._echo = echo
        self._out = bytearray(_ADU_MAX)
        self._inbox = Inbox(2 * _ADU_MAX, self._out)
        self._sendable = Views(self._out, 0)
        self._heard_ms = 0
        self._skipping = False

    def receive(self, data, n, now_ms):
        """Take bytes in any portion."""
        self._heard_ms = now_ms
        self._inbox.add(data, n)

    def lost(self, now_ms):
        """The line was closed: forget what was received."""
        self._inbox.n = 0
        self._inbox.expect_echo(0)
        self._skipping = False

    def wait_ms(self, now_ms):
        """How long poll() may be left alone, if nothing is received."""
        if not self._inbox.n:
            return _IDLE_MS
        silent_ms = elapsed_ms(now_ms, self._heard_ms)
        if silent_ms < self._reply_ms:
            return self._reply_ms - silent_ms
        return max(1, self._gap_ms - silent_ms)

    def poll(self, now_ms):
        """The next answer to send, a view that lives until the next call, or None."""
        silent_ms = elapsed_ms(now_ms, self._heard_ms)
        inbox = self._inbox
        if not inbox.n or silent_ms < self._reply_ms:
            return None
        idle = silent_ms >= self._gap_ms
        at = n = 0
        while not n and inbox.n - at >= _SHORTEST:
            length = self._frame_length(at, inbox.n - at, idle)
            if not length:
                break
            if length > 0:
                n = self._serve(at, length)
                at += length
            else:
                self._skip()
                at += 1
        inbox.drop(at)
        if n:
            return self._send(n)
        if idle:
            inbox.n = 0
            self._skipping = False
        return None

    def _frame_length(self, at, have, idle):
        """Length of the good frame that begins at `at`; 0 = not whole yet; -1 = there is none."""
        data = self._inbox.bytes
        unit = data[at]
        ours = unit == 0 or unit in self._server.units
        if self._skipping and not ours:
            return -1
        n = request_length(data, at, have)
        if self._fits(at, n, have):
            return n
        wait = n == 0 or have < n <= _ADU_MAX
        if not ours:
            n = reply_length(data, at, have)
            if self._fits(at, n, have):
                return n
            wait = wait or n == 0 or have < n <= _ADU_MAX
        if not self._skipping:
            # An unknown function code or a wrong byte count: only silence tells the length.
            if idle and self._fits(at, have, have):
                return have
            wait = wait or n == _NO_RULE
        return 0 if wait and not idle else -1

    def _fits(self, at, n, have):
        return _SHORTEST <= n <= have and n <= _ADU_MAX and not crc16(
            self._inbox.bytes, at, at + n)

    def _serve(self, at, n):
        """Execute a good frame; return the length of the answer PDU, 0 for silence."""
        self._skipping = False
        data, server = self._inbox.bytes, self._server
        unit, fc = data[at], data[at + 1]
        if unit == 0:
            if is_write(fc):
                server.answer(data, at + 1, n - 3, self._out, 1)
            return 0
        if unit not in server.units:
            self.foreign += 1
            return 0
        self._out[0] = unit
        return server.answer(data, at + 1, n - 3, self._out, 1) if fc < 0x80 else 0

    def _send(self, n):
        n = seal(self._out, 1 + n)
        self.answered += 1
        if self._echo:
            self._inbox.expect_echo(n)
        return self._sendable.get(n)

    def _skip(self):
        if not self._skipping:
            self._skipping = True
            self.errors += 1
