"""A link and its units on virtual time; shared by the tests of transactions."""

from bess.core.tick import TICK_MASK
from bess.protocols.modbus import Server
from bess.protocols.modbus_rtu import RtuClient
from bess.protocols.modbus_tcp import TcpClient, TcpServer
from bess.protocols.rtu_server import RtuServer
from bess.protocols.transactions import Request, Transactions


NEAR_WRAP = 0x3FFFFFFF - 700
BOTH = (True, False)                # serial, TCP


def expected(unit):
    """The two registers that a Device polls."""
    return (unit, 16 * unit & 0xFF, unit, 16 * unit + 1 & 0xFF)


class UnitBank:
    """Every register of the unit holds 256 * unit + its address."""

    def __init__(self, unit):
        self.unit = unit
        self.written = []            # (address, value)
        self.refuses = 0             # exception code for writes

    def read_registers(self, fc, address, count, out, offset):
        for i in range(count):
            out[offset + 2 * i] = self.unit
            out[offset + 2 * i + 1] = (address + i) & 0xFF
        return 0

    def write_registers(self, address, count, data, offset):
        if not self.refuses:
            self.written.append((address, data[offset] << 8 | data[offset + 1]))
        return self.refuses


class Unit:
    """A peer. delay_ms: from a request to its answer, None while it is dead."""

    def __init__(self, unit, delay_ms=20):
        self.bank = UnitBank(unit)
        self.delay_ms = delay_ms
        self.spoil = 0               # answers whose last byte will be wrong
        server = Server(self.bank, units=(unit,))
        self._rtu = RtuServer(server, reply_ms=0)
        self._tcp = TcpServer(server)

    def answer(self, frame, serial, now_ms):
        """The bytes that answer a frame."""
        if serial:
            self._rtu.receive(frame, len(frame), now_ms)
            view = self._rtu.poll(now_ms)
            answer = bytearray(view) if view is not None else None
        else:
            self._tcp.space()[:len(frame)] = frame
            self._tcp.received(len(frame))
            answer = bytearray(self._tcp.out[:self._tcp.answer()])
        if answer and self.spoil:
            self.spoil -= 1
            answer[-1] ^= 0x55
        return answer


class Device:
    """Polls two registers at address 16 * its unit and writes what it is told to."""

    def __init__(self, unit, period_ms=100):
        self.unit = unit
        self.period_ms = period_ms   # None: no polls
        self.urgent = False
        self.write_due = False
        self.write_again = False     # a refused or lost write is due at once
        self.values = []
        self.done_ms = []
        self.failures = []           # (code, ms since start)
        self.written = 0
        self._asked_ms = None
        self._now_ms = 0
        self.read = Request(unit, 3, 16 * unit, 2)
        self.write = Request(unit, 6, 7, 1)

    def next_write(self, now_ms):
        if not self.write_due:
            return None
        self.write_due = False
        return self.write

    def next_read(self, now_ms):
        if self.period_ms is None:
            return None
        asked = self._asked_ms
        if asked is not None and (now_ms - asked) & TICK_MASK < self.period_ms:
            return None
        self._asked_ms = now_ms
        return self.read

    def stop(self):
        """A stop command waits from now on."""
        self.urgent = self.write_due = True

    def done(self, request, data, now_ms):
        if data is None:
            self.written += 1
            self.urgent = False
        else:
            self.done_ms.append(now_ms)
            self.values.append(tuple(data))

    def failed(self, request, code, now_ms):
        self.failures.append(code)
        if request is self.write and (self.urgent or self.write_again):
            self.write_due = True


class Bus:
    """Runs a link. log: (ms since start, unit, function) of each frame that was sent."""

    def __init__(self, serial, devices, units, start_ms=0, **options):
        self.serial = serial
        self.framing = RtuClient() if serial else TcpClient()
        self.link = Transactions(self.framing, **options)
        for device in devices:
            self.link.add(device)
        self.units = {unit.bank.unit: unit for unit in units}
        self.log = []
        self.wait_ms_min = 1000
        self.wait_ms_max = 0
        self.at_ms = 0               # since start
        self.babbles = False         # somebody talks all the time
        self._start_ms = start_ms
        self._coming = []            # (due, bytes)

    @property
    def now_ms(self):
        return (self._start_ms + self.at_ms) & TICK_MASK

    def run(self, span_ms, until=None):
        """Let time pass as a pump does; ends early when until() is true."""
        end_ms = self.at_ms + span_ms
        while self.at_ms < end_ms and not (until is not None and until()):
            self._deliver()
            frame = self.link.poll(self.now_ms)
            if frame is not None:
                self._sent(bytes(frame))
            wait_ms = self.link.wait_ms(self.now_ms)
            self.wait_ms_min = min(self.wait_ms_min, wait_ms)
            self.wait_ms_max = max(self.wait_ms_max, wait_ms)
            due_ms = min([end_ms, self.at_ms + wait_ms] + [item[0] for item in self._coming])
            self.at_ms = self.at_ms + 1 if self.babbles else due_ms

    def frames_to(self, unit, fc=None):
        """When frames went to a unit."""
        return [ms for ms, to, sent in self.log if to == unit and fc in (None, sent)]

    def _sent(self, frame):
        at = 0 if self.serial else 6
        to = frame[at]
        self.log.append((self.at_ms, to, frame[at + 1]))
        for unit in self.units.values():
            if unit.delay_ms is not None and to in (unit.bank.unit, 0):
                answer = unit.answer(frame, self.serial, self.now_ms)
                if answer:
                    self._coming.append((self.at_ms + unit.delay_ms, answer))

    def _deliver(self):
        if self.babbles:
            self.link.receive(b"\x01", 1, self.now_ms)
        for item in [item for item in self._coming if item[0] <= self.at_ms]:
            self._coming.remove(item)
            self.link.receive(item[1], len(item[1]), self.now_ms)
