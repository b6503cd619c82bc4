"""The console on a real terminal: it answers, control goes on, Ctrl-C still gets through."""

import os
import pty
import re
import select
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from tools.mpy_run import interpreter

HERE = Path(__file__).parent
FIRMWARE = HERE.parent.parent / "firmware"
WAIT_S = 5.0
ENVIRONMENT = {"MICROPYPATH": str(FIRMWARE) + ":.frozen"}
COMMAND = (interpreter(), str(HERE / "console_program.py"))


class Terminal:
    """The other end of the program's terminal."""

    def __init__(self, fd, process):
        self.fd = fd
        self.process = process
        self.seen = ""

    def send(self, text):
        os.write(self.fd, text.encode())

    def wait_for(self, pattern):
        end_s = time.monotonic() + WAIT_S
        while True:
            match = re.search(pattern, self.seen)
            if match:
                self.seen = self.seen[match.end():]
                return match
            left_s = end_s - time.monotonic()
            assert left_s > 0, f"no {pattern!r} within {WAIT_S} s, but {self.seen!r}"
            if select.select([self.fd], [], [], left_s)[0]:
                self.seen += os.read(self.fd, 4096).decode()


@contextmanager
def terminal():
    master, slave = pty.openpty()
    process = subprocess.Popen(
        COMMAND, env=ENVIRONMENT, stdin=slave, stdout=slave, stderr=slave,
        start_new_session=True, close_fds=True)
    os.close(slave)
    try:
        opened = Terminal(master, process)
        opened.wait_for("ready")
        yield opened
    finally:
        process.kill()
        process.wait()
        os.close(master)


def turns(opened):
    opened.send("turns\r")
    return int(opened.wait_for(r"turns (\d+)")[1])


def test_answers_beside_control():
    with terminal() as opened:
        first = turns(opened)
        time.sleep(0.3)
        assert turns(opened) - first > 10
        opened.send("nix\r")
        opened.wait_for("nix: unknown, allowed: long mem turns")
        opened.send("mem\r")
        opened.wait_for(r"free \d+, used \d+ bytes")


def test_long_output_arrives_whole():
    with terminal() as opened:
        opened.send("long\r")
        for n in (0, 99, 199):
            opened.wait_for(f"line {n:03d} x{{60}}\r")
        turns(opened)


def test_ctrl_c_is_a_keyboard_interrupt():
    with terminal() as opened:
        opened.send("tur")          # in the middle of a line
        time.sleep(0.1)
        opened.process.send_signal(signal.SIGINT)
        opened.wait_for(r"safe stop after \d+")
        assert opened.process.wait(timeout=WAIT_S) == 0


def test_no_terminal_ends_the_console_only():
    done = subprocess.run(COMMAND, env=ENVIRONMENT, stdin=subprocess.DEVNULL, timeout=WAIT_S,
                          capture_output=True, text=True)
    assert done.stdout.splitlines() == ["ready", "console ended"]
