"""A virtual board for tests: started, spoken to, ended."""
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

_ROOT = pathlib.Path(__file__).parents[2]
_DEADLINE_S = 15


class Board:
    """A running board in a folder of its own."""

    def __init__(self, folder, *options):
        self.folder = pathlib.Path(folder)
        self.link = self.folder / "tty"
        with open(self.folder / "said", "w") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tools.board", "--dir", folder, *options], cwd=_ROOT,
                stdout=said, stderr=said)

    def said(self):
        """What the supervisor printed."""
        return (self.folder / "said").read_text()

    def wait_ready(self):
        wait(lambda: self.said() or self.process.poll() is not None, "word of the board")
        assert self.said() == f"board ready on {self.link}\n", self.said()
        return self

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_DEADLINE_S)

    def mpremote(self, *words):
        done = subprocess.run(
            [sys.executable, "-m", "mpremote", "connect", self.link, *words], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=_DEADLINE_S,
            cwd=self.folder)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def put(self, name, text):
        """Write a file onto the board by way of mpremote."""
        source = self.folder / ("upload_" + name)
        source.write_text(text)
        self.mpremote("fs", "cp", source, ":" + name)

    def log(self):
        return (self.folder / "board.log").read_text()

    def wait_log(self, text, count=1):
        wait(lambda: self.log().count(text) >= count, f"{count} x {text!r} in the log")

    def type(self, data):
        with open(self.link, "wb", buffering=0) as port:
            port.write(data)

    def read_until(self, text, type=b""):
        """What the serial port says up to text, after typing something."""
        with open(self.link, "r+b", buffering=0) as port:
            os.set_blocking(port.fileno(), False)
            seen = bytearray()
            port.write(type)

            def has_come():
                seen.extend(port.read(4096) or b"")
                return text in seen

            wait(has_come, f"{text!r} on the serial port", seen)
        return bytes(seen)


def wait(is_done, what, seen=""):
    end_s = time.monotonic() + _DEADLINE_S
    while not is_done():
        assert time.monotonic() < end_s, f"no {what} in time; {seen}"
        time.sleep(0.01)


def chips(folder):
    """Process ids of the interpreters that serve the board in this folder."""
    mark = f"BOARD_RTC={folder}/".encode()
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (entry / "environ").read_bytes():
                found.append(int(entry.name))
    return found


@contextlib.contextmanager
def running(*options, ready=True, folder=None):
    """A board that ends with the block, in a new folder unless one is given."""
    with tempfile.TemporaryDirectory() as new:
        board = Board(folder or os.path.realpath(new), *options)
        try:
            yield board.wait_ready() if ready else board
        finally:
            if board.process.poll() is None:
                board.stop()
