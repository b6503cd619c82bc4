"""What runs for ever allocates nothing. The heap is locked meanwhile: an allocation raises."""

import micropython

from bess.protocols.fields import merge
from bess.protocols.modbus import Server
from bess.protocols.modbus_rtu import RtuClient
from bess.protocols.modbus_tcp import TcpClient, TcpServer
from bess.protocols.registers import I16, I32, SUNSPEC, U16, decode_rows
from bess.protocols.rtu_server import RtuServer
from bess.protocols.transactions import Request, Transactions
from host_tests.protocols.frames import octets, words

ROUNDS = 20
REQUESTS = (
    "03 00 00 00 0A", "04 00 00 00 7D", "06 00 01 12 34", "10 00 00 00 02 04 00 01 00 02",
    "03 FF FF 00 02", "03 00 00 00 00", "63", "16 00 04 00 F2 00 25",
    "17 00 00 00 02 00 03 00 01 02 00 07",
)


class FlatBank:
    """Registers in one buffer."""

    def __init__(self):
        self.data = bytearray(250)
        self.data[:12] = words(1, 0xFDFD, 0, 0, 0xFFFE, 0x7960)

    def read_registers(self, fc, address, count, out, offset):
        if address + count > 125:
            return 2
        for i in range(2 * count):
            out[offset + i] = self.data[2 * address + i]
        return 0

    def write_registers(self, address, count, data, offset):
        if address + count > 125:
            return 2
        for i in range(2 * count):
            self.data[2 * address + i] = data[offset + i]
        return 0


def locked(step):
    """Run `step` twice freely, so that views are made, then with the heap locked."""
    for _ in range(2):
        step()
    micropython.heap_lock()
    try:
        for _ in range(ROUNDS):
            step()
    finally:
        micropython.heap_unlock()


def test_the_lock_works():
    if not hasattr(micropython, "mem_total"):
        return      # CPython cannot lock its heap
    try:
        locked(lambda: bytearray(5))
    except MemoryError:
        return
    assert False, "an allocation went through"


def test_server_pdus():
    server = Server(FlatBank())
    out = bytearray(260)
    for request in REQUESTS:
        pdu = octets(request)
        locked(lambda: server.answer(pdu, 0, len(pdu), out, 7))     # noqa: B023


def test_tcp_server():
    connection = TcpServer(Server(FlatBank()))
    adus = b""
    for request in REQUESTS:
        pdu = octets(request)
        adus += words(1, 0, len(pdu) + 1) + b"\x01" + pdu

    def serve():
        space = connection.space()
        for i in range(len(adus)):
            space[i] = adus[i]
        connection.received(len(adus))
        while connection.answer():
            pass

    locked(serve)
    assert connection.answered == len(REQUESTS) * (ROUNDS + 2)


def test_rtu_server():
    line = RtuServer(Server(FlatBank()))
    frames = (octets("01 03 00 00 00 0A C5 CD"), octets("02 03 00 00 00 0A C5 FE"),
              octets("01 06 00 01 00 03 98 0B"))

    def serve():
        for frame in frames:
            line.receive(frame, len(frame), 100)
            line.poll(102)

    locked(serve)
    assert line.answered == 2 * (ROUNDS + 2) and line.foreign == ROUNDS + 2


class Device:
    """Polls ten registers and writes one, without pause."""

    def __init__(self, unit):
        self.unit = unit
        self.urgent = False
        self.rows = merge(((0, 0, U16, 1, 1), (1, 1, SUNSPEC | I16, -1, 10), (2, 4, I32, 10, 1)))
        self.values = [None] * 3
        self.answers = 0
        self._read = Request(unit, 3, 0, 10)
        self._write = Request(unit, 6, 20, 1)
        self._turn = 0

    def next_write(self, now_ms):
        self._turn = 1 - self._turn
        return self._write if self._turn else None

    def next_read(self, now_ms):
        return self._read

    def done(self, request, data, now_ms):
        self.answers += 1
        if data is not None:
            decode_rows(self.rows[0][2], data, 0, self.values)

    def failed(self, request, code, now_ms):
        raise ValueError(code)


class Loop:
    """A link and its peer, joined without a wire."""

    def __init__(self, framing, answer, ms):
        self.link = Transactions(framing, gap_ms=5)
        self.devices = (Device(1), Device(1))
        for device in self.devices:
            self.link.add(device)
        self._answer = answer
        self._ms = ms
        self._now_ms = 0

    def step(self):
        self._now_ms += self._ms
        frame = self.link.poll(self._now_ms)
        self._answer(self.link, frame, self._now_ms)
        self.link.wait_ms(self._now_ms)


def test_steady_poll_on_a_serial_line():
    server = RtuServer(Server(FlatBank()), reply_ms=0)

    def answer(link, frame, now_ms):
        server.receive(frame, len(frame), now_ms)
        reply = server.poll(now_ms)
        link.receive(reply, len(reply), now_ms)

    loop = Loop(RtuClient(), answer, 6)
    for _ in range(4):
        loop.step()
    locked(loop.step)
    check(loop)


def test_steady_poll_over_tcp():
    server = TcpServer(Server(FlatBank()))

    def answer(link, frame, now_ms):
        space = server.space()
        n = len(frame)
        for i in range(n):
            space[i] = frame[i]
        server.received(n)
        link.receive(server.out, server.answer(), now_ms)

    loop = Loop(TcpClient(), answer, 1)
    for _ in range(4):
        loop.step()
    locked(loop.step)
    check(loop)


def check(loop):
    assert loop.link.answered == ROUNDS + 6 and loop.link.timeouts == 0
    for device in loop.devices:
        assert device.values == [1, 52, -1000000], device.values
        assert device.answers > ROUNDS // 3
