"""GPIOs as bytes of a file that the board shares with whatever plays its surroundings."""
import _host
from umachine import PinBase

_PINS = 64
_LEVELS = (b"\x00", b"\x01")
_file = _host.open_host(_host.setting("PINS"), "r+b")
_level = bytearray(1)
_is_output = bytearray(_PINS)   # of the GPIO, whichever Pin object set it up
watched = []                    # pins with a handler


class Pin(PinBase):
    """One GPIO. Reading and writing allocate nothing.

    Pulls are accepted and have no effect: the file always holds a driven level.
    Interrupts come as on a chip without hard ones, while the program waits: see look().
    """

    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_DOWN = 1
    PULL_UP = 2
    IRQ_RISING = 1
    IRQ_FALLING = 2

    def __init__(self, id, mode=-1, pull=-1, *, value=None, drive=None, hold=None):
        if not isinstance(id, int) or not 0 <= id < _PINS:
            raise ValueError("invalid pin: %r, allowed 0..%d" % (id, _PINS - 1))
        self._id = id
        self._handler = None
        self.init(mode, pull, value=value)

    def init(self, mode=-1, pull=-1, *, value=None, drive=None, hold=None):
        if mode != -1:
            _is_output[self._id] = mode != Pin.IN
        if _is_output[self._id]:
            _host.tell("out %d" % self._id)
        if value is not None:
            self.value(value)

    def value(self, level=None):
        """Level 0 or 1; with an argument, drive it (no effect on an input)."""
        _file.seek(self._id)
        if level is None:
            _file.readinto(_level)
            return _level[0] & 1
        if _is_output[self._id]:
            _file.write(_LEVELS[1 if level else 0])

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def toggle(self):
        self.value(1 - self.value())

    def irq(self, handler=None, trigger=3, *, hard=False, wake=None):
        self._handler, self._trigger, self._seen = handler, trigger, self.value()
        if self in watched:
            watched.remove(self)
        if handler:
            watched.append(self)

    def _look(self):
        level = self.value()
        if level != self._seen:
            self._seen = level
            if self._trigger & (Pin.IRQ_RISING if level else Pin.IRQ_FALLING):
                self._handler(self)

    def __repr__(self):
        return "Pin(%d)" % self._id


def look():
    """Call the handlers of the pins that changed since the last look; a shorter pulse is lost."""
    for pin in watched:
        pin._look()
