"""SunSpec: finding the chain of models in a device, and reading the points of a model.

A device marks its chain with 'SunS' at 40000, 0 or 50000. Behind the mark stand the models, each
with its id, its length and its data; id 0xFFFF ends the chain. Where a model lies depends on what
stands before it, so its address is always searched, never known.

Offsets of points count from the id register of their model.
"""

from micropython import const

from bess.protocols.registers import I16, SF, SUNSPEC, U16, decode, scale, u16

HEADER = const(2)            # id and length
_NO_ANSWER = const(0x100)    # codes from here on mean that nobody answered
_BASES = (40000, 0, 50000)
_MARK_HIGH = const(0x5375)
_MARK_LOW = const(0x6E53)
_END = const(0xFFFF)
_MODELS_MAX = const(100)
_LAST_ADDRESS = const(0xFFFF)

_MARK = const(0)
_ID = const(1)
_LENGTH = const(2)

# Points: offset, kind, offset of the scale factor (0: none), decimal places of the unit wanted.
# All in one number, which stands where it is used: the chip keeps no table of them.
_KIND = const(8)             # first bits of the parts
_SF = const(13)
_PLACES = const(21)
_KIND_MASK = const(0x1F)
_AT_MASK = const(0xFF)
_INT = I16 + SUNSPEC << _KIND
PLAIN = U16 + SUNSPEC << _KIND          # with the offset: a word without a scale factor
AC_W = 14 | _INT | 15 << _SF
AC_CHZ = 16 | PLAIN | 17 << _SF | 2 << _PLACES
AC_DC_MV = 29 | PLAIN | 30 << _SF | 3 << _PLACES
AC_STATE = 38 | PLAIN
AC_EVENTS = 41 | PLAIN                  # low half of Evt1
NAMEPLATE_W = 3 | PLAIN | 4 << _SF
NAMEPLATE_CHARGE_W = 23 | PLAIN | 24 << _SF
NAMEPLATE_DISCHARGE_W = 25 | PLAIN | 26 << _SF
SETTINGS_W_MAX = 2 | PLAIN | 22 << _SF
STATUS_STORAGE = 3 | PLAIN
STATUS_GRID = 4 | PLAIN
STATUS_CONTROLS = 36 | PLAIN            # low half of StActCtl
STORAGE_W_MAX = 2 | PLAIN | 18 << _SF
STORAGE_RATE_SF = 25 | SF << _KIND
METER_MV = 7 | _INT | 15 << _SF | 3 << _PLACES
METER_W = 18 | _INT | 22 << _SF

AC_MODELS = (103, 101, 102)
AC_REGISTERS = const(52)
_AC_VOLTS = const(10)        # three phases from here on


def point(data, row):
    """A point out of a model's bytes, the id register first, in the unit of its row.

    None when it is not implemented, its scale factor is unusable or the model ends before it.
    """
    at, kind, sf_at = row & _AT_MASK, row >> _KIND & _KIND_MASK, row >> _SF & _AT_MASK
    if 2 * at + 2 > len(data) or 2 * sf_at + 2 > len(data):
        return None
    value = decode(kind, data, 2 * at)
    if sf_at == 0 or value is None:
        return value
    return scale(value, decode(SF, data, 2 * sf_at), row >> _PLACES)


def is_null_frame(data):
    """True for an inverter model whose power, voltages and frequency are all 0: no measurement.

    Some inverters answer so for a moment while they start or lose their inner connection.
    """
    if u16(data, 2 * (AC_W & _AT_MASK)) or u16(data, 2 * (AC_CHZ & _AT_MASK)):
        return False
    for at in range(_AC_VOLTS, _AC_VOLTS + 3):
        if u16(data, 2 * at):
            return False
    return True


class Walker:
    """Walks the chain: read `count` registers at `address`, feed() the answer, until `ended`.

    The first model of each wanted id counts; at(model) is the address of its id register or None.
    Id and length are read one by one: some devices refuse the length of the end mark.
    """

    def __init__(self, wanted):
        self.address = 0
        self.count = 2
        self.ended = False
        self._wanted = wanted
        self._found = [0] * len(wanted)
        self._lengths = [0] * len(wanted)
        self._base = 0
        self._model = 0
        self._models = 0
        self._step = _MARK
        self.restart()

    def restart(self):
        """Forget everything and look for the mark at the first base again."""
        self._base = 0
        self._begin()

    def at(self, model):
        """Address of the id register of a model; None when the chain has no such model."""
        for i in range(len(self._wanted)):
            if self._wanted[i] == model:
                return self._found[i] or None
        return None

    def length(self, model):
        """Registers of a model that was found, its header included."""
        for i in range(len(self._wanted)):
            if self._wanted[i] == model:
                return self._lengths[i] + HEADER
        return 0

    def feed(self, data):
        """Take the answer to the read of `count` registers at `address`."""
        if self._step == _MARK:
            if u16(data, 0) == _MARK_HIGH and u16(data, 2) == _MARK_LOW:
                self._read(_ID, self.address + 2)
            else:
                self._next_base()
        elif self._step == _ID:
            self._model = u16(data, 0)
            self._models += 1
            if self._model == _END or self._models > _MODELS_MAX:
                self.ended = True
            else:
                self._read(_LENGTH, self.address + 1)
        else:
            self._take(u16(data, 0))

    def failed(self, code):
        """The read was refused (an exception: nothing is there) or nobody answered."""
        if self._step == _MARK:
            self._next_base()
        elif code < _NO_ANSWER:
            self.ended = True
        else:
            self._begin()

    def _begin(self):
        self.ended = False
        self._models = 0
        for i in range(len(self._found)):
            self._found[i] = 0
        self._step = _MARK
        self.address = _BASES[self._base]
        self.count = 2

    def _next_base(self):
        if self._base + 1 < len(_BASES):
            self._base += 1
            self._begin()
        else:
            self.ended = True

    def _read(self, step, address):
        self._step = step
        self.address = address
        self.count = 1
        self.ended = address > _LAST_ADDRESS

    def _take(self, length):
        """A whole header is known: keep the model if it is wanted, go on to the next."""
        start = self.address - 1
        if length == 0 or start + HEADER + length > _LAST_ADDRESS:
            self.ended = True
            return
        for i in range(len(self._wanted)):
            if self._wanted[i] == self._model and not self._found[i]:
                self._found[i] = start
                self._lengths[i] = length
        self._read(_ID, start + HEADER + length)
