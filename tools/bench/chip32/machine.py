"""Pins whose contactor feedbacks follow the coils, and a UART with the battery modules on it."""

import peers


class Pin:
    OUT = 1
    IN = 0
    PULL_UP = 2
    PULL_DOWN = 1
    i = 0

    def __new__(cls, id, *more, **named):
        return pins[id]             # as on the chip, which has a table of them in flash

    def __init__(self, id, mode=-1, pull=-1, value=0):
        self.i = id
        if mode == Pin.OUT:
            peers.LEVEL[id] = value

    def value(self, x=None):
        if x is None:
            return peers.level(self.i)
        peers.LEVEL[self.i] = x


pins = [object.__new__(Pin) for i in range(64)]
for i in pins:
    i.i = 0


class UART:
    def __init__(self, id, baudrate, **more):
        self.n = b""

    def any(self):
        return len(self.n)

    def read(self, n):
        self.n = b""

    def write(self, buf):
        self.n += peers.rtu(bytes(buf))
        return len(buf)

    def readinto(self, buf):
        if not self.n:
            return None
        n = len(self.n)
        buf[:n] = self.n
        self.n = b""
        return n

    def deinit(self):
        pass
