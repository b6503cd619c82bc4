"""Connections that lead to the peers of peers.py; nobody ever connects to the server."""

import peers

AF_INET = SOCK_STREAM = SOL_SOCKET = SO_REUSEADDR = 0


def getaddrinfo(host, port, *more):
    return [(2, 1, 0, "", (host, port))]


class socket:
    def __init__(self, *more):
        self.n = b""

    def setsockopt(self, *more):
        pass

    def setblocking(self, on):
        pass

    def connect(self, address):
        self.p = peers.TCP[address[1]]

    def bind(self, address):
        pass

    def listen(self, backlog):
        self.p = None

    def accept(self):
        raise OSError(11)

    def write(self, buf):
        self.n += bytes(buf[:4]) + peers.tcp(self.p, bytes(buf))
        return len(buf)

    def readinto(self, buf):
        if not self.n:
            return None
        n = min(len(buf), len(self.n))
        buf[:n] = self.n[:n]
        self.n = self.n[n:]
        return n

    def close(self):
        pass
