"""Modbus TCP framing: the MBAP header, both roles.

    transaction id 2 | protocol id 2, always 0 | length 2, of unit and PDU | unit 1 | PDU

TCP is a stream: a frame may come in pieces and several may come at once. A header that cannot be
right (protocol id, length outside 2..254) means that the stream is out of step; searching for
the next frame would be guessing, so the connection has to be closed.
"""

from micropython import const

from bess.protocols.modbus import (
    BROKEN, MISMATCH, NO_GATEWAY_ANSWER, WAITING, check_answer, encode_request, refuse,
)
from bess.protocols.views import Views

CLOSE = const(-1)

_HEADER = const(6)       # up to and with the length field
_PDU = const(7)          # where the PDU begins
_ADU_MAX = const(260)
_ADU_USUAL = const(24)
_WRITE_HEAD = const(13)  # before the data of a write of many
_LENGTH_MAX = const(254)


class TcpClient:
    """Frames of the side that asks; one request at a time. Used by Transactions.

    Answers are matched by transaction id alone: a late one falls out. data: the register or bit
    bytes of the last good answer, valid until the next call. late: answers to nothing that is
    asked now; frame_errors: answers with the right id and the wrong content, broken headers.
    """

    serial = False
    # A client whose peer is right needs no more than these: the chip keeps none of its own for it.
    late = 0
    crc_errors = 0
    frame_errors = 0

    def __init__(self):
        self.data = None
        self._head = bytearray(_HEADER)
        self._body = bytearray(_LENGTH_MAX)     # unit and PDU of the answer, nothing else
        self._make_room(_ADU_USUAL)
        self._readable = Views(self._body, 3)
        self._id = 0
        self._asked = False
        self.reset()

    def encode(self, request):
        """The frame to send under a new transaction id, a view that lives until the next call."""
        if request.data and len(request.data) > len(self._out) - _WRITE_HEAD:
            self._make_room(_ADU_MAX)
        out = self._out
        self._id = (self._id + 1) & 0xFFFF
        n = encode_request(request, out, _PDU)
        out[0] = self._id >> 8
        out[1] = self._id & 0xFF
        out[4] = n + 1 >> 8
        out[5] = n + 1 & 0xFF
        out[6] = request.unit & 0xFF
        self._asked = True
        return self._sendable.get(_PDU + n)

    def _make_room(self, size):
        """Most links never ask for more than a few registers: the full size waits for need."""
        self._out = bytearray(size)
        self._sendable = Views(self._out, 0)

    def reset(self):
        """A new connection begins: forget received bytes."""
        self._have = 0           # of the header, then of the body
        self._left = 0           # body bytes still to come; 0 in the header
        self._ours = False       # the body belongs to what is asked
        self._out_of_step = False
        self._asked = False

    def forget(self):
        """Nobody waits for an answer any more; the frames in the stream go on."""
        self._asked = self._ours = False

    def receive(self, data, n):
        """Take bytes in any portion.

        0 when the answer is whole, an exception code, WAITING, or BROKEN: close the connection.
        """
        result = WAITING
        i = 0
        while i < n:
            if self._out_of_step:
                return BROKEN
            if not self._left:
                head, have = self._head, self._have
                while have < _HEADER and i < n:
                    head[have] = data[i]
                    have += 1
                    i += 1
                self._have = have
                if have == _HEADER:
                    self._take_head(head)
                continue
            end = min(i + self._left, n)
            self._left -= end - i
            if self._ours:
                body, have = self._body, self._have
                for k in range(i, end):
                    body[have] = data[k]
                    have += 1
                self._have = have
            i = end
            if not self._left:
                if self._ours:
                    result = self._judge(self._have)
                self._have = 0
        return BROKEN if self._out_of_step else result

    def _take_head(self, head):
        self._have = 0
        self._left = head[5]
        if head[2] or head[3] or head[4] or not 2 <= head[5] <= _LENGTH_MAX:
            self._out_of_step = True
            self.frame_errors += 1
        out = self._out
        self._ours = self._asked and head[0] == out[0] and head[1] == out[1]
        if not self._ours:
            self.late += 1

    def _judge(self, n):
        """The body of the answer is there: 0, an exception code, or WAITING if it does not fit."""
        self._ours = False
        body, out = self._body, self._out
        verdict = MISMATCH
        if body[0] == out[6]:
            verdict = check_answer(out, _PDU, body, 1, n - 1)
        if verdict == MISMATCH:
            self.frame_errors += 1
            return WAITING
        self._asked = False
        self.data = self._readable.get(n - 3) if body[1] <= 4 else None
        return verdict


class TcpServer:
    """Frames of one connection of the side that answers.

    Read from the socket straight into `space()`, then `received(n)`, then send `out[:answer()]`
    until answer() returns 0. Unit ids 0 and 255 mean the device itself; a unit that is not here
    gets exception 0B, as from a gateway. out: may be shared by connections that send at once
    whatever answer() has written.
    """

    def __init__(self, server, out=None, inbox_size=_ADU_MAX):
        self.out = bytearray(2 * _ADU_MAX) if out is None else out
        self.answered = 0
        self._server = server
        self._in = bytearray(max(inbox_size, _ADU_MAX))
        self._whole = memoryview(self._in)
        self._end = 0

    def space(self):
        """Where the next bytes belong: never empty once answer() has returned 0."""
        return self._whole if self._end == 0 else self._whole[self._end:]

    def pending(self):
        """Bytes of a request that is not whole yet."""
        return self._end

    def received(self, n):
        """n bytes were read into space()."""
        self._end += n

    def answer(self):
        """Answer whole requests; return the bytes in `out`, 0 = more input needed, or CLOSE."""
        data, out, end = self._in, self.out, self._end
        room = len(out) - _ADU_MAX
        units = self._server.units
        at = to = 0
        while to <= room and end - at >= _HEADER:
            length = data[at + 5]
            if data[at + 2] or data[at + 3] or data[at + 4] or not 2 <= length <= _LENGTH_MAX:
                if to:
                    break
                return CLOSE
            if end - at < _HEADER + length:
                break
            unit = data[at + 6]
            if unit in units or unit == 0 or unit == 255:
                n = self._server.answer(data, at + _PDU, length - 1, out, to + _PDU)
            else:
                n = refuse(data[at + _PDU], NO_GATEWAY_ANSWER, out, to + _PDU)
            out[to] = data[at]
            out[to + 1] = data[at + 1]
            out[to + 2] = out[to + 3] = out[to + 4] = 0
            out[to + 5] = n + 1
            out[to + 6] = unit
            to += _PDU + n
            at += _HEADER + length
            self.answered += 1
        self._keep(at)
        return to

    def _keep(self, at):
        """Everything before `at` is done; an unfinished request moves to the front."""
        rest = self._end - at
        if rest and at:
            data = self._in
            for i in range(rest):
                data[i] = data[at + i]
        self._end = rest
