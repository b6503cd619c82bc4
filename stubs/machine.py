"""The part of MicroPython's `machine` that the ports ask for; every object records what was asked.

`calls` holds what concerns the chip as a whole. Pins of one number share one level, so a test can
play the other end of the wire with `levels`.
"""

calls = []
levels = {}
made = []

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

cause = PWRON_RESET


class ResetAsked(Exception):
    """reset() or soft_reset() was called; a chip would not return from it either."""


def reset():
    calls.append(("reset",))
    raise ResetAsked("reset")


def soft_reset():
    calls.append(("soft_reset",))
    raise ResetAsked("soft_reset")


def reset_cause():
    """Whatever the test put into `cause`."""
    return cause


def unique_id():
    return b"\x02\x00\x00\x00\x00\x01"


def freq(hertz=None):
    calls.append(("freq", hertz))
    return 240000000


class _Recorder:
    """Keeps its arguments and every call as (name, arguments)."""

    def __init__(self, *args, **options):
        self.args = args
        self.options = options
        self.calls = []
        made.append(self)


class Pin(_Recorder):
    """A pin whose level is `levels[number]`; an input nobody drives reads its pull, else 0."""

    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_UP = 2
    PULL_DOWN = 1
    IRQ_RISING = 1
    IRQ_FALLING = 2

    def __init__(self, number, mode=-1, pull=-1, value=None, **options):
        super().__init__(number, mode, pull, value, **options)
        self.number = number
        self.handler = None
        self.init(mode, pull, value)

    def init(self, mode=-1, pull=-1, value=None):
        self.mode = mode
        self.pull = pull
        self.calls.append(("init", mode, pull, value))
        if value is not None:
            levels[self.number] = 1 if value else 0
        elif mode == Pin.IN and pull == Pin.PULL_UP:
            levels.setdefault(self.number, 1)

    def value(self, level=None):
        if level is None:
            return levels.get(self.number, 0)
        self.calls.append(("value", 1 if level else 0))
        levels[self.number] = 1 if level else 0
        return None

    def __call__(self, level=None):
        return self.value(level)

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def irq(self, handler=None, trigger=3, hard=False):
        """Keeps the handler; the test calls it."""
        self.calls.append(("irq", trigger, hard))
        self.handler = handler


class UART(_Recorder):
    """A serial port; `incoming` is what will be read, `sent` is what was written."""

    def __init__(self, number, baudrate=9600, **options):
        super().__init__(number, baudrate, **options)
        self.incoming = bytearray()
        self.sent = bytearray()

    def init(self, baudrate=9600, **options):
        self.calls.append(("init", baudrate, options))

    def any(self):
        return len(self.incoming)

    def read(self, count=None):
        count = len(self.incoming) if count is None else count
        taken = bytes(self.incoming[:count])
        self.incoming = self.incoming[count:]
        return taken or None

    def readinto(self, buf, count=None):
        taken = self.read(len(buf) if count is None else count)
        if taken is None:
            return None
        buf[: len(taken)] = taken
        return len(taken)

    def write(self, data):
        self.calls.append(("write", len(data)))
        self.sent += data
        return len(data)

    def flush(self):
        self.calls.append(("flush",))

    def txdone(self):
        return True

    def deinit(self):
        self.calls.append(("deinit",))


class SPI(_Recorder):
    """A bus whose `peer(sent) -> received`, when set, answers for the chip behind it."""

    MSB = 0
    LSB = 1

    def __init__(self, number=-1, **options):
        super().__init__(number, **options)
        self.peer = None

    def _exchange(self, data):
        self.calls.append(("exchange", bytes(data)))
        return self.peer(bytes(data)) if self.peer else bytes(len(data))

    def write(self, data):
        self._exchange(data)

    def readinto(self, buf, write=0):
        buf[:] = self._exchange(bytes((write,)) * len(buf))

    def write_readinto(self, data, buf):
        buf[:] = self._exchange(data)


class WDT(_Recorder):
    """A watchdog that only counts; `fed` is how often."""

    def __init__(self, id=0, timeout=5000):
        super().__init__(id, timeout)
        self.fed = 0

    def feed(self):
        self.fed += 1


class RTC(_Recorder):
    """A clock set by the test; backup memory outlives the object, as it outlives a reset."""

    _kept = [b"", (2026, 1, 1, 3, 0, 0, 0, 0)]

    def memory(self, data=None):
        if data is None:
            return RTC._kept[0]
        if len(data) > 2048:
            raise ValueError("buffer too long")
        self.calls.append(("memory", len(data)))
        RTC._kept[0] = bytes(data)
        return None

    def datetime(self, fields=None):
        if fields is None:
            return RTC._kept[1]
        self.calls.append(("datetime", fields))
        RTC._kept[1] = fields
        return None
