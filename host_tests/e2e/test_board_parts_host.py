"""The virtual board's parts: watchdog, pins, UARTs, memories, faults of its processes."""
import contextlib
import os
import pathlib
import pty
import signal
import tempfile
import time
import tty

import pytest

from host_tests.e2e.virtual_board import _DEADLINE_S, _ROOT, chips, running, wait

pytestmark = pytest.mark.long


def test_watchdog():
    with running() as board:
        board.put("main.py", "import machine, time\n"
                             "if machine.reset_cause() != 3:\n"
                             "    dog = machine.WDT(timeout=400)\n"
                             "    for _ in range(10):\n"
                             "        time.sleep_ms(100)\n"
                             "        dog.feed()\n"
                             "    print('fed for a second')\n"
                             "    while True:\n"
                             "        pass\n")
        board.mpremote("reset")
        assert b"fed for a second" in board.read_until(b"board: watchdog")
        board.wait_log("cause 3 (watchdog)")
        assert "not" not in board.mpremote("exec", "import machine; machine.WDT(timeout=400)")
        board.wait_log("cause 3 (watchdog)", 2)     # it runs on over the soft reset


def test_pins_file():
    with running() as board:
        pins = board.folder / "pins.bin"

        def levels():
            return pins.read_bytes()[:8]

        board.mpremote("exec", "from machine import Pin, Signal\nPin(5, Pin.OUT).off()\n"
                               "Pin(5).on()\nPin(6, Pin.IN).value(1)\n"
                               "Signal(Pin(7, Pin.OUT), invert=True).on()")
        assert levels() == b"\x00\x00\x00\x00\x00\x01\x00\x00"
        with open(pins, "r+b") as file:
            file.seek(4)
            file.write(b"\x01")
        read = "from machine import Pin; print(Pin(4, Pin.IN)(), Pin(5).value())"
        assert "1 1" in board.mpremote("exec", read), "outputs stay over a soft reset"
        board.mpremote("reset")
        board.wait_log("cause 2")
        assert levels() == b"\x00\x00\x00\x00\x01\x00\x00\x00", "low after reset, inputs untouched"
        board.mpremote("exec", "from machine import Pin; Pin(40, Pin.OUT, value=1)")
        board.stop()
        assert pins.read_bytes()[40] == 0, "no power, no output"


_LOCKED = """
import machine, micropython
from machine import Pin
dog, out, emergency = machine.WDT(timeout=8000), Pin(5, Pin.OUT), Pin(4, Pin.IN)

def tick():
    micropython.heap_lock()
    for level in range(2):
        dog.feed()
        out(level)
        out.on()
        emergency()
        emergency.value()
    micropython.heap_unlock()

tick()
print('no heap')
"""


def test_control_tick_calls_allocate_nothing():
    with running() as board:
        assert "no heap" in board.mpremote("exec", _LOCKED)


_ECHO = """
import asyncio
from machine import UART

async def main():
    uart = UART(1, 115200, tx=8, rx=9)
    print('listening')
    reader, writer = asyncio.StreamReader(uart), asyncio.StreamWriter(uart)
    while True:
        data = await reader.read(64)
        writer.write(bytes(reversed(data)))
        await writer.drain()

asyncio.run(main())
"""


def _talk(fd, data):
    """The answer to data on the other end of the board's UART."""
    os.write(fd, data)
    answer = b""

    def has_come():
        nonlocal answer
        with contextlib.suppress(BlockingIOError):
            answer += os.read(fd, 256)
        return len(answer) >= len(data)

    wait(has_come, "answer on the UART", answer)
    return answer


def _line(link):
    """A raw pseudo-terminal with this name; returns both ends."""
    near, far = pty.openpty()
    tty.setraw(far)
    os.set_blocking(near, False)
    link.unlink(missing_ok=True)
    link.symlink_to(os.ttyname(far))
    return near, far


def test_uart_echo_and_broken_line():
    with tempfile.TemporaryDirectory() as folder:
        link = pathlib.Path(folder) / "bus"
        near, far = _line(link)
        with running("--uart", f"1={link}") as board:
            board.put("main.py", _ECHO)
            board.mpremote("reset")
            board.read_until(b"listening")
            assert _talk(near, b"\x01\x03\x04abc\xff\x00") == b"\x00\xffcba\x04\x03\x01"
            times = []
            for _ in range(20):
                begin_s = time.monotonic()
                _talk(near, b"12345678")
                times.append(time.monotonic() - begin_s)
            assert sorted(times)[10] < 0.05
            os.close(near)
            os.close(far)
            time.sleep(0.5)                 # nobody there: silence, no exception
            near, far = _line(link)
            time.sleep(0.5)
            assert _talk(near, b"again") == b"niaga"
        os.close(near)
        os.close(far)


_CALLS = """
from machine import UART
import time
u = UART(2, 9600, timeout=50, rxbuf=64)
print('listening')
while u.any() < 11:
    time.sleep_ms(10)
b = bytearray(2)
print(u.readline(), u.read(3), u.readinto(b), b, u.read(), u.read(), u.readline())
print(u.write(b'out'), u.flush(), UART(1).write(b'nobody'), UART(1).read())
try:
    UART(3)
except ValueError as error:
    print(error)
"""


def test_uart_calls():
    with tempfile.TemporaryDirectory() as folder:
        link = pathlib.Path(folder) / "bus"
        near, far = _line(link)
        with running("--uart", f"2={link}") as board:
            board.put("main.py", _CALLS)
            board.mpremote("reset")
            board.read_until(b"listening")
            os.write(near, b"one\ntwo3456")
            seen = board.read_until(b">>> ").decode()
            assert r"b'one\n' b'two' 2 bytearray(b'34') b'56' None None" in seen, seen
            assert "3 None 6 None" in seen, seen
            assert os.read(near, 16) == b"out"
            assert "UART(3) doesn't exist, allowed 0..2" in seen, seen
        os.close(near)
        os.close(far)


def test_nvs_and_backup_ram():
    with running() as board:
        board.mpremote("exec", "import esp32, machine\nn = esp32.NVS('bess')\nn.set_i32('a', -5)\n"
                               "n.set_blob('b', b'\\x00\\xff')\nn.commit()\nn.set_i32('a', 7)\n"
                               "machine.RTC().memory(b'crumb')")
        board.mpremote("reset")
        board.wait_log("cause 2")
        read = ("import esp32, machine\nn = esp32.NVS('bess')\nb = bytearray(8)\n"
                "print(n.get_i32('a'), n.get_blob('b', b), b[:2], machine.RTC().memory())\n"
                "try:\n n.get_i32('c')\nexcept OSError as e:\n print(e)\n")
        seen = board.mpremote("exec", read)
        assert r"-5 2 bytearray(b'\x00\xff') b'crumb'" in seen, seen
        assert "ESP_ERR_NVS_NOT_FOUND" in seen
        board.stop()
        with running(folder=board.folder) as again:
            seen = again.mpremote("exec", read)
        assert r"-5 2 bytearray(b'\x00\xff') b''" in seen, "backup RAM needs power, NVS none"


def test_crash_loop_is_slowed_down_and_can_be_stopped():
    with running() as board:
        board.put("main.py", "import machine; machine.reset()")
        board.mpremote("reset")
        text = "board: 5 starts in a row ended within 2 s; next in 1 s"
        wait(lambda: text in board.said(), "slow-down")
        assert board.log().count("cause 2") < 10
        assert board.mpremote("eval", "'stopped'").strip() == "stopped"


def test_killed_interpreter_is_restarted_and_nothing_is_left():
    with running() as board:
        before, = chips(board.folder)
        os.kill(before, signal.SIGSEGV)
        board.wait_log("cause 2")
        assert "died of signal 11" in board.log()
        assert board.mpremote("eval", "1").strip() == "1"
        assert len(chips(board.folder)) == 1
        assert board.stop() == 0
        assert chips(board.folder) == []
        assert not board.link.is_symlink()


def test_killed_supervisor_leaves_no_interpreter():
    with running() as board:
        board.process.kill()
        board.process.wait(_DEADLINE_S)
        wait(lambda: not chips(board.folder), "end of the interpreter")
        with running(folder=board.folder):          # stale link and lock are no obstacle
            pass


def test_power_cut():
    writer = ("n = 0\nwhile True:\n    n += 1\n    with open('tmp', 'w') as f:\n"
              "        f.write('%08d' % n)\n    import os; os.rename('tmp', 'kept')\n")
    with running() as board:
        board.put("writer.py", writer)
        board.stop()
        for cut in (15, 16, 17, 40):
            with running("--cut-after-writes", str(cut), folder=board.folder) as again:
                count = again.log().count("cause 1")
                again.mpremote("exec", "--no-follow", "import writer")
                again.wait_log("cause 1", count + 1)
                assert "power cut" in again.log()
                listing = again.mpremote(*"fs ls + fs cat :kept".split())
                assert "writer.py" in listing and "000000" in listing, listing


def test_nobody_reads_the_port():
    with running() as board:
        board.put("main.py", "import time\nfor n in range(20000):\n    print('noise', n)\n"
                             "open('through', 'w').close()\nwhile True:\n    time.sleep(1)\n")
        board.mpremote("reset")
        time.sleep(1.5)
        assert "through" in board.mpremote("fs", "ls"), "output held up the program"


def test_clear_refusals():
    cases = (
        # options                            what must be said
        (("--board", "boards/none"),         "board: no board at boards/none/board.json"),
        (("--uart", "7=/x"),                 "'7=/x' is not N=PATH with N in 0..2"),
        (("--link", str(_ROOT / "Makefile")), "exists and is no link of a board"),
    )
    for options, text in cases:
        with running(*options, ready=False) as board:
            assert board.process.wait(_DEADLINE_S) != 0
            assert text in board.said() and "Traceback" not in board.said(), board.said()
    with running() as board:
        with running(ready=False, folder=board.folder) as second:
            assert second.process.wait(_DEADLINE_S) != 0
            assert "already runs" in second.said()
