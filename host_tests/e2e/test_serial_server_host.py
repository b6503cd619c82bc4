"""A PLC commands the controller over RS-485: raw frames through a pseudo-terminal."""

import os
import pty
import select
import struct
import subprocess
import time
import tty
from contextlib import contextmanager
from pathlib import Path

import pytest
from pymodbus.framer.rtu import FramerRTU

from tools.mpy_run import interpreter

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SEARCH_PATH = ":".join(str(ROOT / part) for part in ("tools/board/hal", "firmware")) + ":.frozen"
DE_PIN = 8


class Bus:
    """The wire as the PLC sees it."""

    def __init__(self, fd, pins):
        self.fd = fd
        self.pins = pins

    def ask(self, body, wait_s=0.5):
        os.write(self.fd, sealed(body))
        return self.take(wait_s)

    def take(self, wait_s):
        """All bytes until the line is quiet; empty when nobody answers."""
        got = b""
        while select.select([self.fd], [], [], 0.05 if got else wait_s)[0]:
            got += os.read(self.fd, 512)
        return got


def sealed(body):
    return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")


@contextmanager
def bus(tmp_path, driver_enable):
    pins = tmp_path / "pins"
    pins.write_bytes(bytes(64))
    master, slave = pty.openpty()
    tty.setraw(slave)
    sink = os.open(os.devnull, os.O_WRONLY)
    board = {"CONTROL": str(sink), "PINS": str(pins), "UART_1": os.ttyname(slave), "UID": "00"}
    environment = {"BOARD_" + name: value for name, value in board.items()}
    process = subprocess.Popen(
        [interpreter(), str(HERE / "serial_server_program.py"), driver_enable],
        env=environment | {"MICROPYPATH": SEARCH_PATH}, pass_fds=[sink],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wire = Bus(master, pins)
        end_s = time.monotonic() + 5
        while not wire.ask(b"\x07\x03\0\0\0\x01", 0.1) and time.monotonic() < end_s:
            pass
        yield wire
        assert process.poll() is None, process.stdout.read()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        for fd in (master, slave, sink):
            os.close(fd)


@pytest.mark.parametrize("driver_enable", ["de", "automatic"])
def test_reads_and_writes(tmp_path, driver_enable):
    with bus(tmp_path, driver_enable) as wire:
        write = struct.pack(">BBHHBHH", 7, 16, 40, 2, 4, 0x1234, 0xABCD)
        assert wire.ask(write) == sealed(struct.pack(">BBHH", 7, 16, 40, 2))
        expected = sealed(b"\x07\x03\x04\x12\x34\xab\xcd")
        assert wire.ask(struct.pack(">BBHH", 7, 3, 40, 2)) == expected
        assert wire.ask(struct.pack(">BBHH", 7, 3, 99, 2)) == sealed(b"\x07\x83\x02")
        assert wire.pins.read_bytes()[DE_PIN] == 0, "the driver is off while nobody sends"


def test_longest_frames_and_bytes_one_by_one(tmp_path):
    with bus(tmp_path, "automatic") as wire:
        values = bytes(range(200))
        write = struct.pack(">BBHHB", 7, 16, 0, 100, 200) + values
        assert wire.ask(write) == sealed(struct.pack(">BBHH", 7, 16, 0, 100))
        answer = b""
        for _ in range(20):         # a machine that stalls for 20 ms ends the frame in its middle
            for byte in sealed(struct.pack(">BBHH", 7, 3, 0, 100)):
                os.write(wire.fd, bytes([byte]))
                time.sleep(0.001)
            answer = wire.take(0.5)
            if answer:
                break
        assert answer == sealed(b"\x07\x03\xc8" + values)


def test_silence_where_silence_is_due(tmp_path):
    with bus(tmp_path, "automatic") as wire:
        read = struct.pack(">BBHH", 7, 3, 0, 1)
        os.write(wire.fd, read + b"\0\0")
        assert wire.take(0.2) == b"", "bad CRC"
        assert wire.ask(struct.pack(">BBHH", 8, 3, 0, 1), 0.2) == b"", "another unit"
        assert wire.ask(struct.pack(">BBHH", 0, 6, 5, 77), 0.2) == b"", "broadcast"
        os.write(wire.fd, b"\x55\xaa\x00")
        time.sleep(0.1)
        assert wire.ask(read) == sealed(b"\x07\x03\x02\0\0"), "noise before it"
        answer = wire.ask(struct.pack(">BBHH", 7, 3, 5, 1))
        assert answer == sealed(b"\x07\x03\x02\0\x4d"), "the broadcast was executed"
