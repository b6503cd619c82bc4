"""One link's pump with a port of the test's own: outages, nonsense, stop commands."""

import asyncio

import micropython
from bess.ports.clock import Clock
from bess.protocols.modbus_rtu import RtuClient, crc16
from bess.protocols.modbus_tcp import TcpClient
from bess.protocols.transactions import Request, Transactions
from bess.services.serial_server import SerialServer
from bess.services.pump import Pump

clock = Clock()

RETRY_MS = 150


class Wire:
    """A port whose peer is a function: answer(frame) -> bytes or None."""

    name = "wire"

    def __init__(self, answer, timeouts_max=0, refusals=0):
        self.answer = answer
        self.timeouts_max = timeouts_max
        self.refusals = refusals    # times open() fails
        self.opens = 0
        self.is_open = False
        self.written = []           # (tick, bytes)
        self.waiting = b""
        self.ended = False
        self.write_faults = 0       # times write() fails
        self.readers = 0            # tasks in read() now

    async def open(self):
        await asyncio.sleep(0)
        if self.refusals:
            self.refusals -= 1
            raise OSError("refused")
        self.opens += 1
        self.is_open = True
        self.ended = False
        self.waiting = b""

    def close(self):
        self.is_open = False

    async def write(self, buf):
        if self.write_faults:
            self.write_faults -= 1
            raise OSError("cable pulled")
        frame = bytes(buf)
        self.written.append((clock.ticks_ms(), frame))
        self.waiting += self.answer(frame) or b""

    async def read(self, buf):
        self.readers += 1
        try:
            while not self.waiting and not self.ended:
                await asyncio.sleep(0.001)
        finally:
            self.readers -= 1
        count = min(len(buf), len(self.waiting))
        buf[:count] = self.waiting[:count]
        self.waiting = self.waiting[count:]
        return count


class Device:
    """Reads two registers every 20 ms and has a stop command when told to."""

    def __init__(self, unit=1):
        self.unit = unit
        self.urgent = False
        self.read = Request(unit, 3, 0, 2)
        self.stop = Request(unit, 6, 9, 1)
        self.asked_ms = None
        self.values = []
        self.failures = 0

    def next_write(self, now_ms):
        return self.stop if self.urgent else None

    def next_read(self, now_ms):
        if self.asked_ms is not None and (now_ms - self.asked_ms) % (1 << 30) < 20:
            return None
        self.asked_ms = now_ms
        return self.read

    def done(self, request, data, now_ms):
        if request is self.stop:
            self.urgent = False
        else:
            self.values.append(bytes(data))

    def failed(self, request, code, now_ms):
        self.failures += 1


def tcp_answer(frame):
    """What a good server answers to a read or to a write of one register."""
    if frame[7] == 3:
        return frame[:4] + b"\0\x07" + frame[6:8] + b"\x04\0\x01\0\x02"
    return frame


def rtu(frame):
    crc = crc16(frame, 0, len(frame))
    return frame + bytes((crc & 255, crc >> 8))


def rtu_answer(frame):
    return rtu(frame[:2] + b"\x04\0\x01\0\x02") if frame[1] == 3 else frame


def tcp_link(answer, timeout_ms=50, **options):
    device, wire = Device(), Wire(answer, **options)
    transactions = Transactions(TcpClient(), retries=0, timeout_ms=timeout_ms)
    transactions.add(device)
    return device, wire, Pump(wire, transactions, clock, retry_ms=RETRY_MS)


def rtu_link(answer, timeout_ms=50):
    device, wire = Device(), Wire(answer)
    transactions = Transactions(RtuClient(), retries=0, timeout_ms=timeout_ms)
    transactions.add(device)
    return device, wire, Pump(wire, transactions, clock, retry_ms=RETRY_MS)


async def until(condition, limit_ms=4000):
    """Wait for a condition; returns the milliseconds it took, fails after the limit."""
    begun_ms = clock.ticks_ms()
    while not condition():
        spent_ms = clock.ticks_ms() - begun_ms
        assert spent_ms < limit_ms, "not within %d ms" % limit_ms
        await asyncio.sleep(0.001)
    return clock.ticks_ms() - begun_ms


def with_pump(link, steps):
    """Run `await steps(device, wire, pump)` beside the pump, then end the pump."""
    async def main():
        device, wire, pump = link
        task = asyncio.create_task(pump.run())
        try:
            await steps(device, wire, pump)
        finally:
            task.cancel()
            await asyncio.sleep(0.01)
        assert not wire.is_open, "a pump that ends closes its port"

    asyncio.run(main())


def test_polls_and_hands_over_answers():
    async def steps(device, wire, pump):
        await until(lambda: len(device.values) >= 3)
        assert device.values[0] == b"\0\x01\0\x02"
        assert (pump.is_open, pump.opens, pump.faults) == (True, 1, 0)

    with_pump(tcp_link(tcp_answer), steps)
    with_pump(rtu_link(rtu_answer), steps)


def test_answer_goes_on_without_waiting():
    """An answer wakes the writer: ten polls of a quick peer take ten periods, no time-outs."""
    async def steps(device, wire, pump):
        spent_ms = await until(lambda: len(device.values) >= 10)
        assert spent_ms < 10 * 20 * 3

    with_pump(tcp_link(tcp_answer, timeout_ms=1000), steps)


def test_refused_port_is_tried_again():
    async def steps(device, wire, pump):
        spent_ms = await until(lambda: device.values)
        assert RETRY_MS - 10 <= spent_ms < 1000
        assert (pump.faults, pump.opens) == (1, 1)
        assert "refused" in pump.last_fault

    with_pump(tcp_link(tcp_answer, refusals=1), steps)


def test_pauses_grow():
    """Three refusals: pauses of 1, 2 and 4 times the first."""
    async def steps(device, wire, pump):
        spent_ms = await until(lambda: device.values)
        assert spent_ms >= 7 * RETRY_MS - 30

    with_pump(tcp_link(tcp_answer, refusals=3), steps)


def test_failed_write_leaves_no_old_reader():
    async def steps(device, wire, pump):
        await until(lambda: device.values)
        wire.write_faults = 1
        await until(lambda: pump.faults)
        assert "cable pulled" in pump.last_fault
        device.values.clear()
        await until(lambda: device.values)
        assert (wire.opens, wire.readers) == (2, 1)

    with_pump(tcp_link(tcp_answer), steps)


def test_closed_by_the_peer_opens_again():
    async def steps(device, wire, pump):
        await until(lambda: device.values)
        wire.ended = True
        await until(lambda: not pump.is_open)
        device.values.clear()
        await until(lambda: device.values)
        assert (wire.opens, pump.opens, pump.faults) == (2, 2, 1)
        assert "closed by the peer" in pump.last_fault

    with_pump(tcp_link(tcp_answer), steps)


def test_loss_fails_what_is_in_flight():
    async def steps(device, wire, pump):
        await until(lambda: wire.written)
        wire.ended = True
        await until(lambda: device.failures == 1)

    with_pump(tcp_link(lambda frame: None, timeout_ms=60000), steps)


def test_nobody_at_the_other_end_opens_anew():
    async def steps(device, wire, pump):
        await until(lambda: pump.faults == 1)
        assert "no answer" in pump.last_fault

    def quick(link):
        # three time-outs come fast only when the device does not rest in between
        link[0].urgent = True
        return link

    with_pump(quick(tcp_link(lambda frame: None, timeout_ms=20, timeouts_max=3)), steps)


def test_silent_bus_is_never_opened_anew():
    async def steps(device, wire, pump):
        await until(lambda: device.failures >= 1)
        await asyncio.sleep(0.2)
        assert (pump.opens, pump.faults) == (1, 0)

    with_pump(rtu_link(lambda frame: None, timeout_ms=20), steps)


NONSENSE = (
    # answer, opens the connection anew, why
    (b"\xff" * 50, True, "protocol id"),
    (b"\0\x01\0\0\0\0\x01", True, "length 0"),
    (b"\0\x63\0\0\0\x03\x01\x83\x02", False, "an answer to another transaction"),
)


def test_nonsense_never_ends_the_pump():
    for noise, reopens, why in NONSENSE:
        check_nonsense(noise, reopens, why)


def check_nonsense(noise, reopens, why):
    async def steps(device, wire, pump):
        await until(lambda: wire.written)
        await asyncio.sleep(0.05)
        wire.answer = tcp_answer
        await until(lambda: device.values)
        assert (pump.faults > 0) == reopens, why

    with_pump(tcp_link(lambda frame: noise, timeout_ms=50), steps)


def test_a_bug_behind_the_pump_is_an_outage_not_an_end():
    async def steps(device, wire, pump):
        def bug(request, data, now_ms):
            raise IndexError("bug")

        good = device.done
        device.done = bug
        await until(lambda: pump.faults == 1)
        assert pump.last_fault == "IndexError: bug"
        device.done = good
        await until(lambda: device.values)

    with_pump(tcp_link(tcp_answer), steps)


def stop_delay_ms(link):
    """A poll waits for a dead unit, a stop comes: milliseconds until it is on the wire."""
    delays = []

    async def steps(device, wire, pump):
        await until(lambda: wire.written)
        await asyncio.sleep(0.03)
        assert len(wire.written) == 1
        device.urgent = True
        asked_ms = clock.ticks_ms()
        micropython.heap_lock()
        try:
            pump.kick()     # as the control tick does it
        finally:
            micropython.heap_unlock()
        await until(lambda: len(wire.written) > 1, 1000)
        delays.append(wire.written[1][0] - asked_ms)

    with_pump(link, steps)
    return delays[0]


def test_stop_is_on_the_wire_within_200_ms():
    assert stop_delay_ms(tcp_link(lambda frame: None, timeout_ms=5000)) < 50
    assert stop_delay_ms(rtu_link(lambda frame: None, timeout_ms=5000)) < 200


def test_stop_ends_the_pause_after_an_outage():
    """The fourth pause would be eight first ones; a stop command that waits makes it one."""
    async def steps(device, wire, pump):
        await until(lambda: pump.faults == 4)
        device.urgent = True
        spent_ms = await until(lambda: pump.faults == 5)
        assert spent_ms < 3 * RETRY_MS

    with_pump(tcp_link(tcp_answer, refusals=9), steps)


class Bank:
    def read_registers(self, fc, address, count, out, offset):
        for n in range(2 * count):
            out[offset + n] = 7
        return 0


def test_serial_server_answers_through_the_same_pump():
    async def main():
        wire = Wire(lambda frame: None)
        pump = Pump(wire, SerialServer(Bank(), units=(5,)), clock)
        task = asyncio.create_task(pump.run())
        await until(lambda: wire.is_open)
        asked_ms = clock.ticks_ms()
        wire.waiting += rtu(b"\x05\x03\0\0\0\x01")
        await until(lambda: wire.written)
        task.cancel()
        await asyncio.sleep(0)
        answered_ms, frame = wire.written[0]
        assert frame == rtu(b"\x05\x03\x02\x07\x07")
        assert 2 <= answered_ms - asked_ms < 100, "silence before, no idling"

    asyncio.run(main())
