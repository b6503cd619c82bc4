"""Modbus RTU framing: unit id, PDU, CRC-16; frames parted by silence.

A frame is whole when the length that its function code predicts has come and the CRC fits. Time
only decides when that fails: after `gap_ms` of silence the bytes are searched for a frame at any
later position, and what is no frame is dropped without a word. Reading times on a busy chip are
not arrival times, so the 1.5 character rule inside a frame is not enforced.
"""

from micropython import const

from bess.core.tick import elapsed_ms
from bess.protocols.modbus import (
    MISMATCH, WAITING, answer_length, check_answer, encode_request, is_write,
)
from bess.protocols.rtu_frames import Inbox, crc16, reply_length, request_length, seal
from bess.protocols.views import Views

_ADU_MAX = const(256)
_SHORTEST = const(4)
_EXCEPTION_LENGTH = const(5)
_NO_RULE = const(-1)
_IDLE_MS = const(100)


class RtuClient:
    """Frames of the side that asks; one request at a time. Used by Transactions.

    data: the register or bit bytes of the last good answer, valid until the next call.
    crc_errors: answers with the right head and a wrong CRC; frame_errors: bytes that were no
    answer to what was asked (noise, late or foreign frames), counted once a burst.
    """

    serial = True

    def __init__(self, echo=False):
        self.data = None
        self.crc_errors = 0
        self.frame_errors = 0
        self._echo = echo
        self._out = bytearray(_ADU_MAX)
        self._inbox = Inbox(_ADU_MAX + 64, self._out)
        self._sendable = Views(self._out, 0)
        self._readable = Views(self._inbox.bytes, 3)
        self._want = 0
        self._skipping = False

    def encode(self, request):
        """The frame to send, a view that lives until the next call; old input is dropped."""
        out = self._out
        out[0] = request.unit & 0xFF
        n = seal(out, 1 + encode_request(request, out, 1))
        self._want = 3 + answer_length(out, 1)
        self.reset()
        if self._echo:
            self._inbox.expect_echo(n)
        return self._sendable.get(n)

    def reset(self):
        """Forget received bytes, for instance when the connection was lost."""
        self._inbox.n = 0
        self._inbox.expect_echo(0)
        self._skipping = False

    def forget(self):
        """Nobody waits for an answer any more."""
        self._want = 0

    def receive(self, data, n):
        """Take bytes in any portion: 0 when the answer is whole, an exception code, or WAITING."""
        inbox = self._inbox
        inbox.add(data, n)
        if not self._want:
            if inbox.n:
                self._skip()
                inbox.n = 0
            return WAITING
        at = 0
        while inbox.n - at >= _SHORTEST:
            n = self._expected(inbox.bytes, at)
            if n > inbox.n - at:
                break
            if n:
                verdict = self._judge(at, n)
                if verdict != WAITING:
                    return verdict
            self._skip()
            at += 1
        if at:
            inbox.drop(at)
        return WAITING

    def _expected(self, data, at):
        """Length of the answer if it can begin here, else 0."""
        if data[at] != self._out[0]:
            return 0
        fc = data[at + 1]
        if fc == self._out[1] | 0x80:
            return _EXCEPTION_LENGTH
        if fc != self._out[1] or fc <= 4 and data[at + 2] != self._want - 5:
            return 0
        return self._want

    def _judge(self, at, n):
        """The bytes of a possible answer are there: is it one?"""
        inbox = self._inbox
        if crc16(inbox.bytes, at, at + n):
            self.crc_errors += 1
            return WAITING
        verdict = check_answer(self._out, 1, inbox.bytes, at + 1, n - 3)
        if verdict == MISMATCH:
            return WAITING
        if at:
            inbox.drop(at)
        self._want = 0
        self._skipping = False
        self.data = self._readable.get(n - 5) if inbox.bytes[1] <= 4 else None
        return verdict

    def _skip(self):
        if not self._skipping:
            self._skipping = True
            self.frame_errors += 1


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
