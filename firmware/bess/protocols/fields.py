"""The half of the register codec that few products need: writing, planning of reads, texts.

Kinds and rows are those of registers.py; what is imported there is in RAM on every board.
"""

from micropython import const

from bess.protocols.registers import ACC32, HIGH8, I16, LOW8, SF, SUNSPEC, U16, U32, U32L, absent

# by kind
_LOWEST = (0, -0x8000, 0, -0x80000000, 0, -0x80000000, 0, 0)
_HIGHEST = (0xFFFF, 0x7FFF, 0xFFFFFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FFFFFFF, 0xFF, 0xFF)

_KIND = const(7)
_REGISTERS_MAX = const(125)
_GAP_MAX = const(8)
_SF_MAX = const(10)


def width(kind):
    """Registers that a value of this kind takes."""
    return 2 if 2 <= kind & _KIND <= 5 and kind < SF or kind == ACC32 else 1


def limit(kind, value):
    """The nearest value that the kind can carry; for SunSpec kinds never "not implemented"."""
    base = kind & _KIND if kind < SF else I16 if kind == SF else U32
    low, high = _LOWEST[base], _HIGHEST[base]
    if kind == SF:
        low, high = -_SF_MAX, _SF_MAX
    elif kind == ACC32:
        low = 1
    elif kind >= SUNSPEC:
        low, high = (low + 1, high) if low else (low, high - 1)
    return min(max(value, low), high)


def encode(kind, value, out, at):
    """Write `value` to out[at:] and return True; False, and nothing written, out of range.

    None is written as "not implemented"; in a kind that has no such value it is refused.
    """
    if value is None:
        if kind < SUNSPEC:
            return False
        value = absent(kind)
    elif limit(kind, value) != value:
        return False
    base = kind & _KIND if kind < SF else I16 if kind == SF else U32
    if base == HIGH8 or base == LOW8:
        out[at + base - HIGH8] = value
    elif base == U16 or base == I16:
        _put16(value, out, at)
    else:
        low_first = base >= U32L
        _put16(value >> 16, out, at + 2 if low_first else at)
        _put16(value, out, at if low_first else at + 2)
    return True


def _put16(value, out, at):
    out[at] = value >> 8 & 0xFF
    out[at + 1] = value & 0xFF


def unscale(value, sf, places=0):
    """The raw number for `value` in units of 10**-places, rounded towards zero.

    The opposite of scale(), but never more than was asked: raw * 10**sf is at most |value|.
    """
    power = sf + places
    if power <= 0:
        return value * 10 ** -power
    return value // 10 ** power if value >= 0 else -(-value // 10 ** power)


def merge(fields, count_max=_REGISTERS_MAX, gap_max=_GAP_MAX, step=1):
    """Requests that read all fields: a tuple of (address, count, rows).

    Fields are joined across gaps of up to gap_max registers, up to count_max registers in one
    request. step: how far the address moves per register (2 where addresses count bytes).
    """
    blocks = []
    for row in sorted(fields, key=lambda row: row[1]):
        address, size = row[1], width(row[2])
        if blocks:
            block = blocks[-1]
            start = (address - block[0]) // step
            if start - block[1] <= gap_max and start + size <= count_max:
                block[1] = max(block[1], start + size)
                block[2].append(row)
                continue
        blocks.append([address, size, [row]])
    return tuple([(address, count, tuple(rows)) for address, count, rows in blocks])


def text(data, at, registers):
    """Characters of a string field up to its first NUL, blanks at the end removed."""
    letters = ""
    for i in range(at, at + 2 * registers):
        if not data[i]:
            break
        letters += chr(data[i]) if 32 <= data[i] < 127 else "?"
    return letters.rstrip()
