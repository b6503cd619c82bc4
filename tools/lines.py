"""Takes the line numbers out of a compiled module, but for one number for each function.

The compiler writes some ten bytes of line numbers into each function, 4 KB in all, and the chip
holds them in RAM for the sake of a traceback. `thin(data)` leaves two: the traceback's "line" is
then the number of the function, counted through the module, and the second result says in which
source line that function begins. What the .mpy format 6 looks like: MicroPython's documentation,
"MicroPython .mpy files", and the encoding of a function's prelude in its py/bc.h.
"""

_HEADER_BYTES = 4
_KIND_BYTECODE = 0
_STRING, _BYTES, _TUPLE = 5, 6, 10
_NO_LENGTH = (0, 1, 2, 3, 4)        # None, False, True and so on
_BIRTH = (0x11, 0x16, 0x10, 0x16)   # load name, store name, load text, store name
_LINES_MAX = 0x7FF                  # what one entry of a line table can add


class _MachineCode(Exception):
    """A function of the module is no bytecode: the module stays as it is."""


def thin(data):
    """(the .mpy with thin line tables, [line where function 1 begins, 2, ..])."""
    if data[:2] != b"M\x06":
        raise ValueError("not a .mpy file of format 6")
    reader = _Reader(data, _HEADER_BYTES)
    names, constants = reader.number(), reader.number()
    for _ in range(names):
        reader.name()
    for _ in range(constants):
        reader.constant()
    first = []
    try:
        return data[:reader.at] + reader.function(first), first
    except _MachineCode:
        return data, []


class _Reader:
    def __init__(self, data, at):
        self.data, self.at = data, at

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def number(self):
        """Seven bits a byte, the highest first."""
        value = 0
        while True:
            byte = self.byte()
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value

    def name(self):
        length = self.number()
        if not length & 1:              # else one of the words that every MicroPython has
            self.at += (length >> 1) + 1

    def constant(self):
        kind = self.byte()
        if kind in _NO_LENGTH:
            return
        length = self.number()
        if kind == _TUPLE:
            for _ in range(length):
                self.constant()
        else:
            self.at += length + (kind in (_STRING, _BYTES))

    def function(self, first):
        """The bytes of a function and of those inside it, with thin line tables."""
        head = self.number()
        kind, has_children, length = head & 3, head & 4, head >> 3
        if kind != _KIND_BYTECODE:
            raise _MachineCode
        body = self.data[self.at:self.at + length]
        self.at += length
        thinned, line = _thin_body(body, len(first) + 1)
        first.append(line)
        out = _number(len(thinned) << 3 | has_children) + thinned
        if has_children:
            count = self.number()
            out += _number(count)
            for _ in range(count):
                out += self.function(first)
        return out


def _thin_body(body, number):
    """(bytecode of one function with its number as its only line, the line where it begins)."""
    reader = _Reader(body, 0)
    arguments = _signature(reader)
    head = reader.at
    info, cells = _sizes(reader)
    names = reader.at
    own = reader.number()
    for _ in range(arguments):
        reader.number()
    table = body[reader.at:names + info]
    kept = body[names:reader.at] + _entry(number - 1)
    rest = body[names + info:]
    rest = rest[:cells] + _without_birth(rest[cells:], own)
    return body[:head] + _sized(len(kept), cells) + kept + rest, 1 + _lines_at_start(table)


def _without_birth(code, own):
    """Instructions of a class's body without those that store __module__ and __qualname__.

    Nobody reads them, and they fill two places in the dictionary of each class.
    """
    reader = _Reader(code, 0)
    seen = []
    for opcode in _BIRTH:
        if reader.at >= len(code) or reader.byte() != opcode:
            return code
        seen.append(reader.number())
    return code[reader.at:] if seen[2] == own else code


def _signature(reader):
    """Reads what a function wants; how many names of arguments follow."""
    byte = reader.byte()
    positional, keyword_only = byte & 3, 0
    bit = 0
    while byte & 0x80:
        byte = reader.byte()
        positional |= (byte & 4) << bit
        keyword_only |= (byte >> 3 & 1) << bit
        bit += 1
    return positional + keyword_only


def _sizes(reader):
    """(bytes of names and lines, closed-over variables): xIIIIIIC, the lowest bits first."""
    info = cells = bit = 0
    while True:
        byte = reader.byte()
        info |= (byte >> 1 & 0x3F) << 6 * bit
        cells |= (byte & 1) << bit
        bit += 1
        if byte < 0x80:
            return info, cells


def _sized(info, cells):
    out = bytearray()
    while True:
        byte = (info & 0x3F) << 1 | cells & 1
        info, cells = info >> 6, cells >> 1
        if not info and not cells:
            return bytes(out) + bytes((byte,))
        out.append(byte | 0x80)


def _entry(lines):
    """Line table that adds a number of lines before the first instruction."""
    out = b""
    while lines > 3:
        step = min(lines, _LINES_MAX)
        out += bytes((0x80 | step >> 4 & 0x70, step & 0xFF))
        lines -= step
    return out + (bytes((lines << 5,)) if lines else b"")


def _lines_at_start(table):
    """Lines that a table adds up to the first instruction that has one."""
    at = lines = 0
    while at < len(table):
        if table[at] & 0x80:
            skipped, more = table[at] & 0xF, table[at] << 4 & 0x700 | table[at + 1]
            at += 2
        else:
            skipped, more = table[at] & 0x1F, table[at] >> 5
            at += 1
        if skipped and lines:
            break
        lines += more
    return lines


def _number(value):
    out = bytearray((value & 0x7F,))
    while value > 0x7F:
        value >>= 7
        out.insert(0, 0x80 | value & 0x7F)
    return bytes(out)
