"""One link of the site under virtual time: bytes out of the firmware, bytes back in portions.

Takes the place of a pump and its port, with the pump's rules for giving a connection up and
opening it again. Time inside a tick counts in ms from the tick's start, so that nothing here has
to know about the wrap.
"""

from bess.core.tick import TICK_MASK

_BYTE_US = 87               # 115 200 baud, ten bits a byte
_SOON_MS = 10
_IDLE_MS = 50
_TIMEOUTS_MAX = 3           # of a TCP connection, in a row
_LOOK_MS = 1000             # while it is closed
_REOPEN_MS_MIN = 1000
_REOPEN_MS_MAX = 30_000
_SPOILT = 400               # one answer in so many has a wrong byte (serial only)
_LATE = 300                 # one answer in so many comes after the firmware gave up
_LATE_MS = 370


class Wire:
    """Carries the frames of one Transactions to a peer and its answers back.

    dead: nothing answers any more. frames: requests carried.
    """

    def __init__(self, link, peer, rng):
        self.link = link
        self.dead = False
        self.frames = 0
        self._transactions = link.transactions
        self._serial = link.values["kind"] == "rtu"
        self._peer = peer
        self._rng = rng
        self._portions = []         # [ms from the tick's start, bytes]
        self._at = 0                # next moment at which anything has to be done
        self._reopen_ms = _REOPEN_MS_MIN
        self._left_ms = 0           # until it is opened again
        self._answers = 0           # at the last look
        self._timeouts = 0          # at the last answer
        link.is_open = True

    def kick(self):
        """The command changed: look at once."""
        if self.link.is_open:
            self._at = 0

    def run(self, tick_ms, span_ms):
        """Everything that happens on the wire in [tick_ms, tick_ms + span_ms)."""
        at = self._at
        while at < span_ms:
            at = self._service((tick_ms + at) & TICK_MASK, at)
        self._at = at - span_ms
        for portion in self._portions:
            portion[0] -= span_ms

    def _service(self, now_ms, at):
        """One look; returns the next moment."""
        transactions, portions = self._transactions, self._portions
        if not self.link.is_open:
            self._left_ms -= _LOOK_MS
            if self._left_ms > 0 and not transactions.urgent():
                return at + _LOOK_MS
            self._open()
        while portions and portions[0][0] <= at:
            data = portions.pop(0)[1]
            transactions.receive(data, len(data), now_ms)
        frame = transactions.poll(now_ms)
        if transactions.broken or self._is_lifeless():
            return self._give_up(now_ms, at)
        if frame is not None:
            self._carry(frame, at)
        wait_ms = transactions.wait_ms(now_ms)
        # A pump looks for a poll that is due every 10 to 40 ms; less often saves most of the run.
        ahead = at + (_IDLE_MS if _SOON_MS <= wait_ms < _IDLE_MS else max(1, wait_ms))
        if portions and portions[0][0] < ahead:
            return portions[0][0]
        return ahead

    def _open(self):
        self.link.is_open = True
        self.link.reconnects += 1
        self._timeouts = self._transactions.timeouts

    def _is_lifeless(self):
        """The connection stands and nobody answers."""
        transactions = self._transactions
        answers = transactions.answered + transactions.exceptions
        if answers != self._answers:
            self._answers = answers
            self._timeouts = transactions.timeouts
            self._reopen_ms = _REOPEN_MS_MIN
        return not self._serial and transactions.timeouts - self._timeouts >= _TIMEOUTS_MAX

    def _give_up(self, now_ms, at):
        """Close; open again after 1, 2, 4 .. 30 s."""
        self._portions.clear()
        self._transactions.lost(now_ms)
        self.link.is_open = False
        self._left_ms = self._reopen_ms
        self._reopen_ms = min(2 * self._reopen_ms, _REOPEN_MS_MAX)
        return at + _LOOK_MS

    def _carry(self, frame, at):
        """Hand a request to the peer; its answer comes back a little later, in one to three
        pieces."""
        self.frames += 1
        answer = None if self.dead else self._peer.answer(frame)
        if answer is None:
            return
        rng = self._rng
        at += rng.between(2, 9)
        if self._serial:
            at += len(frame) * _BYTE_US // 1000
            if rng.one_in(_SPOILT):
                answer = bytearray(answer)
                answer[rng.below(len(answer))] ^= 1 << rng.below(8)
        if rng.one_in(_LATE):
            at += _LATE_MS
        self._cut(answer, at)

    def _cut(self, answer, at):
        n, sent = len(answer), 0
        for left in range(self._rng.below(3), -1, -1):
            end = n if left == 0 else sent + self._rng.below(n - sent)
            if end > sent:
                if self._serial:
                    at += (end - sent) * _BYTE_US // 1000 + 1
                else:
                    at += left
                self._portions.append([at, bytes(answer[sent:end])])
                sent = end
