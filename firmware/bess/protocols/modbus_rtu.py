"""Modbus RTU framing of the side that asks: unit id, PDU, CRC-16; frames parted by silence.

A frame is whole when the length that its function code predicts has come and the CRC fits. Time
only decides when that fails: after `gap_ms` of silence the bytes are searched for a frame at any
later position, and what is no frame is dropped without a word. Reading times on a busy chip are
not arrival times, so the 1.5 character rule inside a frame is not enforced.
"""

from micropython import const

from bess.protocols.modbus import (
    MISMATCH, WAITING, answer_length, check_answer, encode_request,
)
from bess.protocols.rtu_frames import Inbox, crc16, seal
from bess.protocols.views import Views

_ADU_MAX = const(256)
_SHORTEST = const(4)
_EXCEPTION_LENGTH = const(5)


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
