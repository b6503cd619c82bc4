"""UARTs over pseudo-terminals.

A wire never fails: with nobody at the other end bytes are lost and none arrive. So errors of
the pseudo-terminal count as silence, and its path is tried again until somebody is there.
"""
import io
import select
import termios
import time

import _host

_POLL, _CLOSE = 3, 4            # requests of MicroPython's stream protocol
_RD, _WR = 1, 4
_EINVAL = 22
_CC, _VTIME, _VMIN = 6, 5, 6    # fields of tcgetattr
_RETRY_MS = 200
_UARTS = 3


def _open(path):
    """Raw terminal whose reads return at once, or None when nobody offers it."""
    try:
        file = _host.open_host(path, "r+b")
        termios.setraw(file.fileno())
        mode = termios.tcgetattr(file.fileno())
        mode[_CC][_VMIN] = mode[_CC][_VTIME] = 0
        termios.tcsetattr(file.fileno(), termios.TCSANOW, mode)
        return file
    except OSError:
        return None


class UART(io.IOBase):
    """A stream for asyncio and for plain calls; line settings are accepted and not simulated."""

    RTS = 1
    CTS = 2

    def __init__(self, id, baudrate=115200, bits=8, parity=None, stop=1, **options):
        if not isinstance(id, int) or not 0 <= id < _UARTS:
            raise ValueError("UART(%r) doesn't exist, allowed 0..%d" % (id, _UARTS - 1))
        self._path = _host.setting("UART_%d" % id)
        self._file = None
        self.init(baudrate, bits, parity, stop, **options)

    def init(self, baudrate=115200, bits=8, parity=None, stop=1, *, tx=None, rx=None, rts=None,
             cts=None, txbuf=256, rxbuf=256, timeout=0, timeout_char=0, invert=0, flow=0):
        self.deinit()
        self._timeout_ms = timeout
        self._buf = bytearray(max(rxbuf, 33))
        self._view = memoryview(self._buf)
        self._start = self._end = 0     # received and not yet read: _buf[_start:_end]
        self._poll = select.poll()
        self._connect()

    def deinit(self):
        """Let go of the line; a later init() takes it up again."""
        if self._file:
            self._poll.unregister(self._file)
            self._file.close()
            self._file = None

    def any(self):
        """Number of received bytes that wait."""
        self._fill()
        return self._end - self._start

    def read(self, size=-1):
        """Up to size bytes (all without it), None after the timeout with nothing received."""
        count = self._wait(size)
        if not count:
            return None
        return bytes(self._take(count))

    def readinto(self, buf, size=-1):
        """Count of bytes put into buf, None after the timeout with nothing received."""
        count = self._wait(len(buf) if size < 0 else min(size, len(buf)))
        if not count:
            return None
        buf[:count] = self._take(count)
        return count

    def readline(self):
        """A line, or what there is of it after the timeout; None when that is nothing."""
        count = self._wait(1)
        while count and self._buf.find(b"\n", self._start, self._end) < 0:
            if self._wait(count + 1) == count:
                return bytes(self._take(count))
            count = self._end - self._start
        if not count:
            return None
        return bytes(self._take(self._buf.find(b"\n", self._start, self._end) + 1 - self._start))

    def write(self, data):
        """Send all of data; what a full or dead line does not take is lost, as on a wire."""
        if self._listening():
            try:
                self._file.write(data)
            except OSError:
                self._lost()
        return len(data)

    def flush(self):
        pass                            # a pseudo-terminal has no bits on the way

    def txdone(self):
        return True

    def irq(self, handler=None, trigger=0, hard=False):
        raise NotImplementedError("UART.irq: the virtual board has none, use asyncio")

    def ioctl(self, request, arg):
        if request == _POLL:
            return (arg & _WR) | (_RD if arg & _RD and self.any() else 0)
        if request == _CLOSE:
            self.deinit()
            return 0
        return -_EINVAL

    def _wait(self, size):
        """Number of bytes ready, at most size, after waiting up to the timeout for them."""
        begin_ms = time.ticks_ms()
        wanted = 1 if size < 0 else min(size, len(self._buf))
        while self.any() < wanted:
            if time.ticks_diff(time.ticks_ms(), begin_ms) >= self._timeout_ms:
                break
            time.sleep_ms(1)
        ready = self._end - self._start
        return ready if size < 0 else min(ready, size)

    def _take(self, count):
        self._start += count
        return self._view[self._start - count:self._start]

    def _fill(self):
        """Move what has arrived into the buffer; allocates nothing while the line is quiet."""
        if self._start == self._end:
            self._start = self._end = 0
        elif self._end == len(self._buf):
            self._buf[:self._end - self._start] = self._buf[self._start:]
            self._end -= self._start
            self._start = 0
        count = 0
        if self._file:
            try:
                room = self._view[self._end:] if self._end else self._buf
                count = self._file.readinto(room) or 0
            except OSError:
                self._lost()
        self._end += count
        if not count:
            self._look_after()

    def _look_after(self):
        """Now and then, on a quiet line: is the other end still there, or back?"""
        if time.ticks_diff(time.ticks_ms(), self._looked_ms) < _RETRY_MS:
            return
        if self._file:
            self._listening()
            self._looked_ms = time.ticks_ms()
        else:
            self._connect()

    def _listening(self):
        """True when the line takes bytes."""
        if not self._file:
            return False
        for _, events in self._poll.ipoll(0):
            if events & (select.POLLHUP | select.POLLERR):
                self._lost()
                return False
            return bool(events & select.POLLOUT)
        return False

    def _connect(self):
        self._looked_ms = time.ticks_ms()
        self._file = _open(self._path) if self._path else None
        if self._file:
            self._poll.register(self._file, select.POLLOUT)

    def _lost(self):
        self.deinit()
        self._looked_ms = time.ticks_ms()
