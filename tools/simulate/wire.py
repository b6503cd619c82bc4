"""One link under virtual time: what the pump of the firmware and the wire do together.

A tick is one burst: whatever the transactions have to send goes out, the answer comes after its
time, and so on until nothing is due. Nothing is looked at in between, which is where the speed
comes from; a request that waits for its answer keeps the wire busy as long as in the field.
"""

from bess.core.tick import TICK_MASK
from tools.simulate.peers import crc16

_TURN_MS = 6                # peer and gap
_BYTE_US = 87               # 115 200 baud
_TIMEOUTS_MAX = 3           # of a TCP connection, in a row
_REOPEN_MS_MIN = 1000
_REOPEN_MS_MAX = 30_000
_LATE_MS = 370              # longer than the firmware waits
_LOOK_MS = 250              # while requests fail


def sealed(frame):
    """A frame of a serial line with its checksum."""
    crc = crc16(frame)
    return frame + bytes((crc & 0xFF, crc >> 8))


class Wire:
    """Carries the frames of one link to a peer and its answers back.

    dead: nothing answers. lost_pm, late_pm, spoilt_pm, foreign_pm: per mille of the answers that
    never come, come after their time, come with a wrong byte, or meet another master's frames.
    heard_s, power_s: virtual time of the last answer that was delivered whole and in time, and of
    the last one with the AC power; power_w: what it told.
    """

    def __init__(self, link, peer, random):
        self.link = link
        self.name = link.name
        self.dead = False
        self.lost_pm = self.late_pm = self.spoilt_pm = self.foreign_pm = 0
        self.frames = 0
        self.answered = 0
        self.heard_s = 0.0
        self.power_s = -10.0
        self.power_w = 0.0
        self._transactions = link.transactions
        self._serial = link.transactions.framing.serial
        self._peer = peer
        self._answer = peer.answer
        self._random = random
        self._late = []             # (ms from the tick's start, bytes)
        self._at = self._span_ms = 0    # ms into the tick before which nothing happens; its length
        self._reopen_ms = _REOPEN_MS_MIN
        self._left_ms = 0
        self._timeouts = 0
        link.is_open = True

    def takes_over(self, other):
        """The controller restarted: the faults of the wire stay."""
        self.dead = other.dead
        self.lost_pm, self.late_pm, self.spoilt_pm = other.lost_pm, other.late_pm, other.spoilt_pm
        self.foreign_pm = other.foreign_pm
        self.frames, self.answered = other.frames, other.answered
        self.heard_s = other.heard_s

    def run(self, tick_ms, span_ms, now_s):
        """Everything on the wire in [tick_ms, tick_ms + span_ms)."""
        at, transactions = self._at, self._transactions
        self._span_ms = span_ms
        if not self.link.is_open and not self._reopens(span_ms):
            return
        poll = transactions.poll
        while at < span_ms:
            now_ms = tick_ms + at & TICK_MASK
            if self._late and self._late[0][0] <= at:
                data = self._late.pop(0)[1]
                transactions.receive(data, len(data), now_ms)
            frame = poll(now_ms)
            if frame is not None:
                at = self._carry(frame, at, tick_ms, now_s)
            elif transactions._in_flight:
                at += max(1, transactions.wait_ms(now_ms))
            elif not self._late and transactions.timeouts == self._timeouts:
                break                   # nothing is due, and nothing has failed
            else:
                at += _LOOK_MS
            if transactions.broken or (transactions.timeouts != self._timeouts
                                       and self._is_lifeless()):
                self._give_up(now_ms)
                break
        self._at = at - span_ms if at > span_ms else 0
        if self._late:
            self._late = [(late - span_ms, data) for late, data in self._late]

    def _carry(self, frame, at, tick_ms, now_s):
        """One request; returns the moment at which its answer has come."""
        self.frames += 1
        answer = None if self.dead else self._answer(frame)
        if answer is None:
            return at
        at += _TURN_MS
        if self._serial:
            at += (len(frame) + len(answer)) * _BYTE_US // 1000
        if self.lost_pm or self.late_pm or self.spoilt_pm or self.foreign_pm:
            answer = self._trouble(answer, at, now_s)
            if answer is None:
                return at
        else:
            self._delivered(now_s, at)
        self.answered += 1
        transactions = self._transactions
        self._timeouts = transactions.timeouts
        self._reopen_ms = _REOPEN_MS_MIN
        # the next tick has not begun: nothing that it reads is younger than itself
        come = at if at < self._span_ms else self._span_ms
        transactions.receive(answer, len(answer), tick_ms + come & TICK_MASK)
        return at + _TURN_MS

    def _trouble(self, answer, at, now_s):
        """The answer as it arrives; None when it does not come now."""
        draw = self._random.random() * 1000
        if draw < self.lost_pm:
            return None
        draw -= self.lost_pm
        if draw < self.late_pm:
            self._late.append((at + _LATE_MS, bytes(answer)))
            return None
        draw -= self.late_pm
        if draw < self.foreign_pm:
            return self._foreign(answer)
        if draw - self.foreign_pm < self.spoilt_pm:
            # TCP proves its own bytes: there only a device that is out of step spoils the header.
            answer = bytearray(answer)
            reach = len(answer) if self._serial else 6
            answer[self._random.randrange(reach)] ^= 1 << self._random.randrange(8)
        else:
            self._delivered(now_s, at)
        return answer

    def _foreign(self, answer):
        """Frames of another master on the line, whole as they are."""
        unit = answer[0]
        draw = self._random.randrange(3)
        if draw == 0:                   # before the answer: somebody else's write
            return sealed(bytes((unit % 247 + 1, 6, 0, 100, 0, 1))) + bytes(answer)
        if draw == 1:                   # instead: the same module tells them of other registers
            return sealed(bytes((unit, 3, 32)) + bytes(32))
        other = unit % len(self._peer.peers) + 1    # instead: what another module tells them
        return sealed(bytes((other,)) + bytes(answer[1:-2]))

    def _delivered(self, now_s, at):
        self.heard_s = now_s
        if self._peer.tells_power:
            self.power_s = now_s + at / 1000
            self.power_w = self._peer.told_w

    def _is_lifeless(self):
        return (not self._serial
                and self._transactions.timeouts - self._timeouts >= _TIMEOUTS_MAX)

    def _give_up(self, now_ms):
        """Close; open again after 1, 2, 4 .. 30 s."""
        self._late.clear()
        self._transactions.lost(now_ms)
        self.link.is_open = False
        self._left_ms = self._reopen_ms
        self._reopen_ms = min(2 * self._reopen_ms, _REOPEN_MS_MAX)

    def _reopens(self, span_ms):
        self._left_ms -= span_ms
        if self._left_ms > 0 and not self._transactions.urgent():
            return False
        self.link.is_open = True
        self.link.reconnects += 1
        self._timeouts = self._transactions.timeouts
        return True


class Wired:
    """What faults reach for; wires: a wire for each link, by name."""

    def wire(self, name):
        """The wire of a link by its name."""
        return self.wires[name]

    @property
    def modules_wire(self):
        """All modules hang on it."""
        return self.wires["modules"]

    @property
    def inverter_wire(self):
        return self.wires["inverter"]

    @property
    def meter_wire(self):
        return self.wires["meter"]
