"""RS-485 through a UART of the test's own: the order of driver enable, bytes and release."""

import sys

import asyncio

log = []


class UART:
    """Records what it is asked; `stale` is what arrived before."""

    def __init__(self, uart_id, baudrate, **options):
        if uart_id > 2:
            raise ValueError("UART(%d) does not exist" % uart_id)
        self.stale = b""
        self.takes = None       # bytes a write takes, None all
        log.append(("open", uart_id, baudrate, options["tx"], options["rx"], options["timeout"]))
        self.rxbuf = options["rxbuf"]

    def any(self):
        return len(self.stale)

    def read(self, count):
        taken, self.stale = self.stale[:count], self.stale[count:]
        log.append(("drained", taken))
        return taken

    def write(self, buf):
        log.append(("write", bytes(buf)))
        return len(buf) if self.takes is None else self.takes

    def flush(self):
        log.append(("flush",))

    def deinit(self):
        log.append(("deinit",))


class Pin:
    OUT = 3

    def __init__(self, number, mode, value):
        log.append(("pin", number, mode, value))
        self.number = number

    def value(self, level):
        log.append(("de", level))


class Machine:
    """Stands in for the `machine` module while the port is imported."""


class Reader:
    """Stands in for asyncio's stream: each read gives the next of `chunks`."""

    chunks = []

    def __init__(self, stream):
        pass

    async def readinto(self, buf):
        await asyncio.sleep(0)
        chunk = Reader.chunks.pop(0)
        if chunk is None:
            return None
        buf[:len(chunk)] = chunk
        return len(chunk)


def import_uart():
    real = sys.modules.get("machine")
    Machine.UART, Machine.Pin = UART, Pin
    sys.modules["machine"] = Machine
    sys.modules.pop("bess.ports.uart", None)
    try:
        from bess.ports import uart
        return uart
    finally:
        sys.modules.pop("bess.ports.uart", None)
        sys.modules.pop("machine")
        if real is not None:
            sys.modules["machine"] = real


class Streams:
    """The part of asyncio that the port uses, with the reader above."""

    StreamReader = Reader
    sleep = asyncio.sleep


module = import_uart()
module.asyncio = Streams
UartPort = module.UartPort


def run(coroutine):
    log.clear()
    return asyncio.run(coroutine)


async def opened(**options):
    port = UartPort(1, 115200, options.pop("pins", (17, 18, None)), **options)
    await port.open()
    return port


def fault_of(coroutine):
    try:
        asyncio.run(coroutine)
    except OSError as fault:
        return str(fault)
    return None


def test_opens_with_the_pins_of_the_board():
    async def steps():
        port = await opened()
        assert log == [("open", 1, 115200, 17, 18, 0)]
        assert port._uart.rxbuf >= 512, "two whole frames"

    run(steps())


def test_driver_enable_brackets_exactly_one_write():
    async def steps():
        port = await opened(pins=(17, 18, 8))
        await port.write(b"request")
        assert log[0] == ("pin", 8, 3, 0), "the driver is off from construction on"
        assert log[2:] == [("de", 1), ("write", b"request"), ("flush",), ("de", 0)]

    run(steps())


def test_without_driver_enable_nothing_is_waited_for():
    async def steps():
        port = await opened()
        await port.write(b"request")
        assert log[1:] == [("write", b"request")]

    run(steps())


def test_a_client_drops_what_came_before_its_request():
    async def steps():
        port = await opened()
        port._uart.stale = b"late answer"
        await port.write(b"request")
        assert log[1:] == [("drained", b"late answer"), ("write", b"request")]

    run(steps())


def test_a_server_drops_nothing():
    async def steps():
        port = await opened(is_client=False)
        port._uart.stale = b"next request"
        await port.write(b"answer")
        assert log[1:] == [("write", b"answer")]

    run(steps())


def test_reading_goes_on_after_an_empty_wake():
    async def steps():
        port = await opened()
        Reader.chunks = [None, b"", b"abc"]
        buf = bytearray(10)
        assert await port.read(buf) == 3
        assert buf[:3] == b"abc"

    run(steps())


def test_faults_are_oserrors():
    async def no_such_uart():
        await UartPort(7, 9600, (1, 2, None)).open()

    async def short_write():
        port = await opened()
        port._uart.takes = 3
        await port.write(b"request")

    async def closed():
        port = await opened()
        port.close()
        await port.write(b"request")

    assert "does not exist" in fault_of(no_such_uart())
    assert "took 3 of 7" in fault_of(short_write())
    assert "closed" in fault_of(closed())


def test_opening_again_lets_go_first():
    async def steps():
        port = await opened()
        await port.open()
        assert [entry[0] for entry in log] == ["open", "deinit", "open"]

    run(steps())
