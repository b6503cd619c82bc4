"""A SunSpec chain as one block of bytes, every register of it stated."""

BASE = 40_000

# One letter a register behind id and length: what it reads while nobody has put a value.
_KINDS = {
    1: "t" * 66,
    103: "uuuus" "uuuuuus" "isusisisis" "aas" "ususis" "iiiis" "uu" + "u" * 12,
    120: "u" "us" "us" "iiiis" "us" "iiiis" "us" "us" "us" "us" "i",
    121: "uuiuuuiiiiuiiiiuuuuu" + "s" * 10,
    122: "uuu" + "a" * 24 + "is" "us" "uuuu" "tttt" "uu" "u" "us",
    123: "uuu" "uuuuu" "iuuuu" "iii" "uuuuu" "sss",
    124: "uuuuuuuuuu" "ii" "uuuu" + "s" * 8,
    203: "iiiis" "iiiiiiiis" "is" "iiiis" "iiiis" "iiiis" "iiiis"
         + "a" * 16 + "s" + "a" * 16 + "s" + "a" * 32 + "s" + "uu",
}
_LENGTHS = {1: 66, 103: 50, 120: 26, 121: 30, 122: 44, 123: 24, 124: 24, 203: 105}
_ABSENT = {"u": 0xFFFF, "i": 0x8000, "s": 0x8000, "a": 0, "t": 0}


class Chain:
    """Mark, models, end mark. Offsets count from a model's id register."""

    def __init__(self, models):
        words = [0x5375, 0x6E53]
        self._start = {}
        for model in models:
            kinds = _KINDS[model]
            if len(kinds) != _LENGTHS[model]:
                raise ValueError("model %d has %d registers" % (model, len(kinds)))
            self._start[model] = len(words)
            words += [model, len(kinds)] + [_ABSENT[kind] for kind in kinds]
        words += [0xFFFF, 0]
        self.data = bytearray(2 * len(words))
        for i in range(len(words)):
            self.data[2 * i] = words[i] >> 8
            self.data[2 * i + 1] = words[i] & 0xFF

    def address(self, model, offset):
        """Address of a register on the wire."""
        return BASE + self._start[model] + offset

    def put(self, model, offset, value):
        """One register, signed or not."""
        at = 2 * (self._start[model] + offset)
        self.data[at] = value >> 8 & 0xFF
        self.data[at + 1] = value & 0xFF

    def put_all(self, model, pairs):
        """Several registers: ((offset, value), ...)."""
        for offset, value in pairs:
            self.put(model, offset, value)

    def put_long(self, model, offset, value):
        """Two registers, high word first."""
        self.put(model, offset, value >> 16)
        self.put(model, offset + 1, value)

    def signed(self, model, offset):
        """One register as a signed number."""
        at = 2 * (self._start[model] + offset)
        return ((self.data[at] ^ 0x80) - 0x80) << 8 | self.data[at + 1]
