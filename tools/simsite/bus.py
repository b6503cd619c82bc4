"""The RS-485 bus: two pseudo-terminals joined by a wire that has a baud rate and faults.

The board opens one by its link, pymodbus the other by its own name; a pseudo-terminal's master
side has no path that a serial library could open, hence the pair.
"""

import asyncio
import contextlib
import os
import tty

_CHUNK = 4096


class BusError(Exception):
    """The bus cannot be set up; the text is for people."""


class Bus:
    """Wire between `link` (the board's end) and `device_path` (the modules' end).

    Args:
        baud (int): bytes arrive no faster than this; 0 = at once.
    """

    def __init__(self, link, baud=115_200):
        self.link = link
        self.baud = baud
        self.cut = False  # nothing passes in either direction
        self.garble_left = 0  # answers that still have to be spoiled
        self.to_modules = self.to_board = 0  # bytes
        self._board, self._board_slave = _raw_pty()
        self._device, self._device_slave = _raw_pty()
        self.device_path = os.ttyname(self._device_slave)
        self._free_at = [0.0, 0.0]
        self._closed = False
        self._place_link()

    def _place_link(self):
        if os.path.lexists(self.link):
            if not os.path.islink(self.link):
                raise BusError(f"{self.link} exists and is not a link, choose another --uart path")
            os.unlink(self.link)
        try:
            os.symlink(os.ttyname(self._board_slave), self.link)
        except OSError as error:
            raise BusError(f"cannot make the link {self.link}: {error.strerror}") from None

    def start(self):
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._board, self._from_board)
        self._loop.add_reader(self._device, self._from_device)

    def close(self):
        self._closed = True
        for fd in (self._board, self._device):
            with contextlib.suppress(AttributeError, ValueError):
                self._loop.remove_reader(fd)
        with contextlib.suppress(OSError):
            if os.readlink(self.link) == os.ttyname(self._board_slave):
                os.unlink(self.link)
        for fd in (self._board, self._board_slave, self._device, self._device_slave):
            os.close(fd)

    def _from_board(self):
        data = os.read(self._board, _CHUNK)
        self.to_modules += len(data)
        self._send(0, self._device, data)

    def _from_device(self):
        data = os.read(self._device, _CHUNK)
        self.to_board += len(data)
        if self.garble_left > 0:
            self.garble_left -= 1
            data = data[:-1] + bytes([data[-1] ^ 0x55])
        self._send(1, self._board, data)

    def _send(self, direction, fd, data):
        """Pass `data` on when the last of its bits would be through."""
        if self.cut:
            return
        if not self.baud:
            self._write(fd, data)
            return
        begin = max(self._loop.time(), self._free_at[direction])
        self._free_at[direction] = begin + len(data) * 10 / self.baud
        self._loop.call_at(self._free_at[direction], self._write, fd, data)

    def _write(self, fd, data):
        """A full terminal drops what does not fit, as a wire without a listener does."""
        if not self._closed:
            with contextlib.suppress(OSError):
                os.write(fd, data)


def _raw_pty():
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    return master, slave
