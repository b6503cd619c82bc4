"""The board's serial port as others see it: a pseudo-terminal with a stable name."""
import os
import pathlib
import pty
import termios
import time
import tty

from .files import BoardError

_PENDING_MAX = 65536
_UNHEARD_S = 0.5


class Console:
    """Whoever reads gets every byte, at his own speed. When nobody reads, the oldest bytes are
    lost and the board never waits, as on a wire."""

    def __init__(self, link):
        self.link = pathlib.Path(os.path.abspath(link))
        if self.link.exists() and not self.link.is_symlink():
            raise BoardError(f"{self.link} exists and is no link of a board")
        self.fd, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self.fd, False)
        self.link.parent.mkdir(parents=True, exist_ok=True)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(self._slave))
        self._pending = bytearray()
        self._heard_s = 0.0         # last time somebody took or sent something
        self._is_heard = False

    def close(self):
        self.link.unlink(missing_ok=True)
        os.close(self.fd)
        os.close(self._slave)

    @property
    def is_full(self):
        """True while a slow reader must be waited for."""
        return len(self._pending) >= _PENDING_MAX

    @property
    def has_pending(self):
        return bool(self._pending)

    def read(self):
        """What the other side sent."""
        try:
            data = os.read(self.fd, 4096)
        except BlockingIOError:
            return b""
        self._is_heard = True
        self._heard_s = time.monotonic()
        return data

    def write(self, data=b""):
        """Pass data on; call again without it while has_pending."""
        self._pending += data
        while self._pending:
            try:
                count = os.write(self.fd, self._pending)
            except BlockingIOError:
                if self._is_heard and time.monotonic() - self._heard_s < _UNHEARD_S:
                    return
                self._is_heard = False
                termios.tcflush(self._slave, termios.TCIFLUSH)
                self._pending.clear()
                return
            del self._pending[:count]
            self._heard_s = time.monotonic()
