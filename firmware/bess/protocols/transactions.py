"""What one link asks next: requests of all its devices, one in flight, none of them starved.

Order: a stop command of any device, then other writes, then polls, each round robin. After
several writes in a row one poll goes through, so that a device which refuses its commands cannot
silence the rest. A unit that does not answer rests 1 s, 2 s, 4 s ... 30 s and is then tried once,
so that it costs the others one time-out a rest. A stop command is tried in spite of the rest.

A stop command does not wait for an answer that is outstanding. On TCP it goes out at once under
a new transaction id. On a serial line two talkers would destroy both frames, so the answer gets
up to 80 ms, then the command goes out, whatever the line does. This holds for the first try and
for each further step of a stop; what was refused or not answered comes again as a usual write.

A device has: next_write(now_ms), a command that is due, or None; next_read(now_ms), the poll
that is most overdue, or None; urgent, True while a stop command waits; done(request, data,
now_ms), data a view of the register or bit bytes of a read, valid during the call, None after a
write; failed(request, code, now_ms), code an exception, TIMEOUT after all tries or ABANDONED for
a stop command. A request that next_ returns goes out at once; each ends in done or failed, but
for one whose newer self takes its place.
"""

from micropython import const

from bess.core.tick import TICK_MASK, elapsed_ms
from bess.protocols.modbus import (
    ABANDONED, BROKEN, NO_GATEWAY_ANSWER, NO_GATEWAY_PATH, TIMEOUT, WAITING, is_write,
)

_GRACE_MS = const(80)        # an outstanding answer may delay a stop command by this
_TURNAROUND_MS = const(100)  # after a broadcast
_STOP_LOOK_MS = const(5)     # while a stop command waits for the line
_IDLE_MS = const(10)         # between two looks for a poll that is due, and for each device
_IDLE_DEVICE_MS = const(2)   # that is asked some more: a look at 16 takes 3 ms on the chip
_LOOK_MS = const(100)        # longest sleep; a stop command may come without a kick
_REST_MS = const(1000)
_REST_MS_MAX = const(30000)
_DOUBLINGS_MAX = const(5)
_WRITES_IN_ROW = const(8)

_LIMITS = {1: 2000, 2: 2000, 3: 125, 4: 125, 5: 1, 6: 1, 15: 1968, 16: 123, 22: 1}


class Request:
    """One question, made once per device and used for ever.

    fc: 1..6, 15, 16 or 22. data: what a write carries, as it travels (see encode_request); made
    here when not given. timeout_ms None: the link's. address, count and data may be changed
    while the request is not in flight. ValueError: no such request can exist.
    """

    # What most of them have stands here once.
    fc = 3
    data = None
    timeout_ms = None

    def __init__(self, unit, fc, address, count, data=None, timeout_ms=None):
        if not 0 <= unit <= 255:
            raise ValueError("unit %d: must be 0..255" % unit)
        if fc not in _LIMITS:
            raise ValueError("function %d: must be 1..6, 15, 16 or 22" % fc)
        if not 1 <= count <= _LIMITS[fc]:
            raise ValueError("count %d: must be 1..%d for function %d" % (count, _LIMITS[fc], fc))
        if not 0 <= address <= 0x10000 - count:
            raise ValueError("address %d, count %d: outside 0..65535" % (address, count))
        size = _data_size(fc, count)
        if data is not None and len(data) != size:
            raise ValueError("data of %d bytes: must be %d" % (len(data), size))
        self.unit = unit
        if fc != 3:
            self.fc = fc
        self.address = address
        self.count = count
        if size:
            self.data = bytearray(size) if data is None else data
        if timeout_ms is not None:
            self.timeout_ms = timeout_ms


def _data_size(fc, count):
    if fc <= 4:
        return 0
    if fc == 15:
        return (count + 7) >> 3
    return 4 if fc == 22 else 2 * count


class _Slot:
    """One device on the link, and how its unit has behaved.

    unit: the first slot with this unit id; it keeps that for all devices that live behind it.
    """

    # A unit that answers needs no more than these: the chip keeps no values of its own for it.
    silences = 0                 # requests in a row without an answer
    silent_ms = 0                # when the last one was given up
    late_ms = 0                  # since when an old answer may still come,
    late_span_ms = 0             # and for how long
    stop_tried = False           # its stop command was on the wire and did not succeed

    def __init__(self, device, unit):
        self.device = device
        self.unit = unit or self

    def rearm(self):
        """Its next stop command goes before everything else again."""
        if self.stop_tried:
            self.stop_tried = False

    def note_silence(self, now_ms):
        self.silences += 1
        self.silent_ms = now_ms

    def recover(self):
        """It has answered."""
        if self.silences:
            self.silences = 0

    def note_late(self, now_ms, span_ms):
        """An answer to an older question may come within span_ms; 0: no more."""
        if span_ms or self.late_span_ms:
            self.late_ms = now_ms
            self.late_span_ms = span_ms

    def rests(self, now_ms, rest_ms_max):
        """True while the unit is left alone because it did not answer."""
        if not self.silences:
            return False
        rest_ms = min(_REST_MS << min(self.silences - 1, _DOUBLINGS_MAX), rest_ms_max)
        return elapsed_ms(now_ms, self.silent_ms) < rest_ms

    def may_read(self, now_ms):
        """False also while an old answer might be taken for the new one."""
        if self.late_span_ms and elapsed_ms(now_ms, self.late_ms) < self.late_span_ms:
            return False
        return not self.rests(now_ms, _REST_MS_MAX)


class Transactions:
    """The requests of one serial bus or one TCP connection, between its devices and its bytes.

    framing: RtuClient or TcpClient, which counts crc_errors and frame_errors. retries: further
    tries of a unit that used to answer. gap_ms: silence before each request on a serial line.
    broken: True when the connection must be closed because its stream makes no sense any more;
    lost() clears it. Counters: sent, answered, timeouts, exceptions; last_ok_ms: tick of the last
    answer (also of a refusal) or None.
    """

    _retries = 1

    def __init__(self, framing, retries=1, timeout_ms=500, gap_ms=5):
        self.broken = False
        self.sent = 0
        self.answered = 0
        self.timeouts = 0
        self.exceptions = 0
        self.last_ok_ms = None
        self.framing = framing
        if retries != 1:        # what nearly all have stands in the class
            self._retries = retries
        self._timeout_ms = timeout_ms
        self._gap_ms = gap_ms if framing.serial else 0
        self._slots = []
        self._idle_ms = _IDLE_MS
        self._read_turn = self._write_turn = -1
        self._writes = 0             # in a row
        self._heard_ms = 0           # last byte on the line, either direction
        self._stop_ms = None         # since when a stop command waits
        # the request that is answered next; not in flight: to be tried again
        self._request = None
        self._slot = None
        self._in_flight = False
        self._is_stop = False
        self._tries = 0
        self._sent_ms = 0
        self._patience_ms = 0

    def add(self, device):
        """Serve `device` from now on."""
        unit = None
        for slot in self._slots:
            if slot.device.unit == device.unit:
                unit = slot.unit
        self._slots.append(_Slot(device, unit))
        self._idle_ms = min(self._idle_ms + _IDLE_DEVICE_MS, _LOOK_MS)

    def urgent(self):
        """True while any device has a stop command to send."""
        for slot in self._slots:
            if slot.device.urgent:
                return True
        return False

    def wait_ms(self, now_ms):
        """How long poll() may be left alone, unless there is a kick or an answer."""
        if self._stop_ms is not None and not self._free_for_stop(now_ms):
            return _STOP_LOOK_MS
        if self._in_flight:
            left_ms = self._patience_ms - elapsed_ms(now_ms, self._sent_ms)
            return max(1, min(left_ms, _LOOK_MS))
        gap_left_ms = self._gap_ms - elapsed_ms(now_ms, self._heard_ms)
        return gap_left_ms if gap_left_ms > 0 else self._idle_ms

    def poll(self, now_ms):
        """The next frame to send, a view that lives until the next call, or None."""
        if self._in_flight and elapsed_ms(now_ms, self._sent_ms) >= self._patience_ms:
            self._expire(now_ms)
        stop = self._waiting_stop(now_ms)
        if stop is not None and self._free_for_stop(now_ms):
            request = stop.device.next_write(now_ms)
            if request is not None:
                self._give_way(request, now_ms)
                return self._start(stop, request, now_ms)
        if self._in_flight or now_ms - self._heard_ms & TICK_MASK < self._gap_ms:
            return None
        if self._request is not None:
            return self._send(now_ms)
        return self._next(now_ms)

    def receive(self, data, n, now_ms):
        """Take n received bytes, in any portion."""
        self._heard_ms = now_ms
        verdict = self.framing.receive(data, n)
        if verdict == BROKEN:
            self.broken = True
        elif verdict != WAITING:
            self._finish(verdict, now_ms)

    def lost(self, now_ms):
        """The connection is gone: what is in flight fails; nobody rests on the next one."""
        self.framing.reset()
        self.broken = False
        self._stop_ms = None
        if self._request is not None:
            self._fail(TIMEOUT, now_ms)
        for slot in self._slots:
            slot.unit.recover()
            slot.unit.note_late(now_ms, 0)
            slot.rearm()

    # Stop commands

    def _waiting_stop(self, now_ms):
        """The slot whose stop command goes before everything else, or None."""
        found = None
        for slot in self._slots:
            if not slot.device.urgent:
                if slot.stop_tried:
                    slot.stop_tried = False
            elif found is None and not slot.stop_tried:
                found = slot
        if found is None:
            self._stop_ms = None
        elif self._stop_ms is None:
            self._stop_ms = now_ms
        return found

    def _free_for_stop(self, now_ms):
        """A stop command waits: may it go out, even in place of what is in flight?"""
        if self._in_flight and (self._is_stop or self._gap_ms and self._heard_ms == self._sent_ms):
            return elapsed_ms(now_ms, self._sent_ms) >= _GRACE_MS
        return (elapsed_ms(now_ms, self._heard_ms) >= self._gap_ms
                or elapsed_ms(now_ms, self._stop_ms) >= _GRACE_MS)

    def _give_way(self, request, now_ms):
        """Give up what was asked, unless its newer self takes its place."""
        if self._request is None or self._request is request:
            return
        if self._gap_ms:
            self._slot.unit.note_late(now_ms, self._patience_ms)
        self._fail(ABANDONED, now_ms)

    # Choice

    def _next(self, now_ms):
        if self._writes < _WRITES_IN_ROW:
            frame = self._next_write(now_ms)
            if frame is not None:
                return frame
        self._writes = 0
        return self._next_read(now_ms)

    def _next_write(self, now_ms):
        slots = self._slots
        turn = self._write_turn
        for _ in range(len(slots)):
            turn = turn + 1 if turn + 1 < len(slots) else 0
            slot = slots[turn]
            unit, device = slot.unit, slot.device
            if unit.silences:
                if unit.rests(now_ms, _REST_MS if device.urgent else _REST_MS_MAX):
                    continue
            request = device.next_write(now_ms)
            if request is not None:
                self._write_turn = turn
                return self._start(slot, request, now_ms)
        return None

    def _next_read(self, now_ms):
        slots = self._slots
        turn = self._read_turn
        for _ in range(len(slots)):
            turn = turn + 1 if turn + 1 < len(slots) else 0
            slot = slots[turn]
            unit = slot.unit
            if (unit.silences or unit.late_span_ms) and not unit.may_read(now_ms):
                continue
            request = slot.device.next_read(now_ms)
            if request is not None:
                self._read_turn = turn
                return self._start(slot, request, now_ms)
        return None

    def _start(self, slot, request, now_ms):
        self._slot = slot
        self._request = request
        self._tries = 0
        self._is_stop = False
        if request.fc > 4:
            self._writes += 1
            self._is_stop = slot.device.urgent
            if self._is_stop:
                slot.stop_tried = True
            else:
                slot.rearm()
        return self._send(now_ms)

    def _send(self, now_ms):
        request = self._request
        self._tries += 1
        self.sent += 1
        self._in_flight = True
        self._sent_ms = self._heard_ms = now_ms
        self._patience_ms = request.timeout_ms or self._timeout_ms
        if not request.unit and self._is_broadcast():
            self._patience_ms = _TURNAROUND_MS
        return self.framing.encode(request)

    def _is_broadcast(self):
        request = self._request
        return request.unit == 0 and self.framing.serial and is_write(request.fc)

    # Ends of a request

    def _finish(self, verdict, now_ms):
        """An answer is whole: data (0) or an exception."""
        slot, request = self._slot, self._request
        self._request = None
        self._in_flight = False
        self.last_ok_ms = now_ms
        # Which try was answered? If the first one, the answer to the last is still to come. On
        # TCP the id tells; else a unit that answers what was asked last has nothing left to say.
        if self._gap_ms:
            slot.unit.note_late(now_ms, self._patience_ms if self._tries > 1 else 0)
        if not verdict:
            self.answered += 1
            self._succeed(slot, request, self.framing.data, now_ms)
            return
        self.exceptions += 1
        if verdict == NO_GATEWAY_ANSWER or verdict == NO_GATEWAY_PATH:
            slot.unit.note_silence(now_ms)
        else:
            slot.unit.recover()
        slot.device.failed(request, verdict, now_ms)

    def _succeed(self, slot, request, data, now_ms):
        slot.unit.recover()
        if slot.stop_tried and self._writes < _WRITES_IN_ROW:
            slot.rearm()
        slot.device.done(request, data, now_ms)

    def _expire(self, now_ms):
        """The answer did not come in time: keep the request for another try, or give it up."""
        self._in_flight = False
        self.framing.forget()
        slot, request = self._slot, self._request
        if self._is_broadcast():
            self._request = None
            self._succeed(slot, request, None, now_ms)
            return
        self.timeouts += 1
        # A unit that was silent before has no second try: it would double what it costs.
        if self._tries > self._retries or slot.unit.silences:
            slot.unit.note_silence(now_ms)
            self._fail(TIMEOUT, now_ms)

    def _fail(self, code, now_ms):
        slot, request = self._slot, self._request
        self._request = None
        self._in_flight = False
        self.framing.forget()
        slot.device.failed(request, code, now_ms)
