"""Registers <-> values, as tables.

A field is a row (key, address, kind, multiply, divide): key is the index of the value in a list,
address that of its first register, value = raw * multiply / divide, rounded to nearest, halves
away from zero. A negative multiplier turns a sign round. kind is one of the constants below; with
SUNSPEC added, the value that means "not implemented" reads as None and is never written for a
number. Values are integers; None is unknown.
"""

from micropython import const

U16 = const(0)
I16 = const(1)
U32 = const(2)           # high word first
I32 = const(3)
U32L = const(4)          # low word first
I32L = const(5)
HIGH8 = const(6)         # high byte of a register
LOW8 = const(7)
SUNSPEC = const(8)       # add: not-implemented values are None
SF = const(16)           # SunSpec scale factor, -10..10, else None
ACC32 = const(17)        # SunSpec accumulator: 0 is not implemented

_KIND = const(7)
_SF_MAX = const(10)


def u16(data, at):
    """Unsigned register whose two bytes begin at data[at]."""
    return data[at] << 8 | data[at + 1]


def i16(data, at):
    """Signed register."""
    return ((data[at] ^ 0x80) - 0x80) << 8 | data[at + 1]


def i32(data, at):
    """Signed, high word first. No intermediate product is larger than the value itself."""
    return i16(data, at) << 16 | u16(data, at + 2)


def decode(kind, data, at):
    """The value whose bytes begin at data[at], or None when it is not implemented."""
    base = kind & _KIND if kind < SF else kind
    value = data[at] << 8 | data[at + 1]
    if base == I16 or base == SF:
        value = (value ^ 0x8000) - 0x8000
    elif base != U16:
        if base == U32 or base == ACC32:
            value = value << 16 | u16(data, at + 2)
        elif base == I32:
            value = i32(data, at)
        elif base == U32L:
            value |= u16(data, at + 2) << 16
        elif base == I32L:
            value |= i16(data, at + 2) << 16
        else:
            value = value >> 8 if base == HIGH8 else value & 0xFF
    if kind < SUNSPEC or value != absent(kind) and (kind != SF or -_SF_MAX <= value <= _SF_MAX):
        return value
    return None


def absent(kind):
    """The raw value that means "not implemented" in a SunSpec kind."""
    if kind >= SF:
        return 0 if kind == ACC32 else -0x8000
    base = kind & _KIND
    if base <= I16:
        return -0x8000 if base == I16 else 0xFFFF
    if base >= HIGH8:
        return 0xFF
    return 0xFFFFFFFF if base == U32 or base == U32L else -0x80000000


def divide(value, by):
    """value / by, rounded to nearest, halves away from zero. `by` is positive."""
    return (value + by // 2) // by if value >= 0 else -((by // 2 - value) // by)


def scale(raw, sf, places=0):
    """raw * 10**sf in units of 10**-places, rounded to nearest; None if raw or sf is None.

    scale(2305, -1) is 231 W of 230.5 W, scale(2305, -1, 3) is 230500 mV.
    """
    if raw is None or sf is None:
        return None
    power = sf + places
    return raw * 10 ** power if power >= 0 else divide(raw, 10 ** -power)


def decode_rows(rows, data, address, values, step=1):
    """Put the fields of one answer into the list `values`; `address` is its first register.

    None where the device has nothing. Allocates nothing while the numbers are small.
    """
    for key, first, kind, multiply, by in rows:
        value = decode(kind, data, 2 * (first - address) // step)
        if value is not None and (multiply != 1 or by != 1):
            value = divide(value * multiply, by)
        values[key] = value
