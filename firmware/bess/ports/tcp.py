"""A TCP client connection as the pump wants it: nothing here ever blocks the loop.

Resolving a name does block, so it happens once, in `resolve()`, which the application calls before
control starts; a numeric address needs no lookup. `open()` of a name that was never resolved is an
OSError like any other fault of the link.
"""

import asyncio
import errno
import select
import socket

from micropython import const

_IPPROTO_TCP = const(6)         # the same on Linux, macOS and lwIP; not every port names them
_TCP_NODELAY = const(1)
_POLL_S = 0.005                 # connecting and a full send buffer are rare: look every 5 ms
_WAITING = (errno.EINPROGRESS, errno.EAGAIN, errno.EALREADY)


class TcpPort:
    """One outgoing connection.

    Args:
        host (str): numeric address or a name. port (int): 1..65535.
        connect_ms, write_ms (int, ms): deadlines; passing one raises OSError (ETIMEDOUT).
    """

    # So many requests without any answer mean a dead connection: the pump opens a new one.
    timeouts_max = 3

    def __init__(self, host, port, connect_ms=3000, write_ms=500):
        self.name = "%s:%d" % (host, port)
        self._host = host
        self._port = port
        self._connect_polls = connect_ms // 5
        self._write_polls = write_ms // 5
        self._address = None
        self._sock = None
        self._reader = None
        if is_numeric(host):
            self.resolve()

    def resolve(self):
        """Look the host up; blocks for a name. Raises OSError when nobody knows it."""
        self._address = socket.getaddrinfo(self._host, self._port, 0, socket.SOCK_STREAM)[0][-1]

    async def open(self):
        """Connect. Raises OSError: refused, unreachable, too slow, name not resolved."""
        self.close()
        if self._address is None:
            raise OSError(errno.EHOSTUNREACH, "%s: name not resolved" % self.name)
        sock = socket.socket()
        try:
            sock.setblocking(False)
            await self._connect(sock)
            no_delay(sock)
        except BaseException:   # also when cancelled: a socket is too dear to leak
            sock.close()
            raise
        self._sock = sock
        self._reader = asyncio.StreamReader(sock)

    async def _connect(self, sock):
        try:
            sock.connect(self._address)
            return
        except OSError as fault:
            if fault.errno not in _WAITING:
                raise
        poller = select.poll()
        poller.register(sock, select.POLLOUT)
        for _ in range(self._connect_polls):
            for _, event in poller.poll(0):
                if event & (select.POLLERR | select.POLLHUP):
                    raise OSError(errno.ECONNREFUSED, "%s: refused" % self.name)
                return
            await asyncio.sleep(_POLL_S)
        raise OSError(errno.ETIMEDOUT, "%s: no connection" % self.name)

    def close(self):
        if self._sock is not None:
            self._sock.close()
        self._sock = None
        self._reader = None

    async def write(self, buf):
        """Send all of `buf`, within the deadline."""
        sent = self._opened().write(buf) or 0
        polls = self._write_polls
        while sent < len(buf):
            if polls == 0:
                raise OSError(errno.ETIMEDOUT, "%s: peer takes no bytes" % self.name)
            polls -= 1
            await asyncio.sleep(_POLL_S)
            sent += self._opened().write(memoryview(buf)[sent:]) or 0

    async def read(self, buf):
        """Wait for bytes; returns how many came, 0 when the peer has ended the connection."""
        received = None
        while received is None:
            self._opened()
            received = await self._reader.readinto(buf)
        return received

    def _opened(self):
        if self._sock is None:
            raise OSError(errno.ENOTCONN, "%s is closed" % self.name)
        return self._sock


def no_delay(sock):
    """Small frames go out at once, where the platform knows how."""
    try:
        sock.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
    except (OSError, ValueError):
        pass


def is_numeric(host):
    """True for a dotted address such as 192.168.1.20: no lookup needed."""
    parts = host.split(".")
    return len(parts) == 4 and all(part.isdigit() and int(part) < 256 for part in parts)
