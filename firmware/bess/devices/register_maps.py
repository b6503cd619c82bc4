"""The tables behind the register bank, made once at the start out of packed rows."""

from array import array

from micropython import const

HOLE = const(0xFFFF)


def slots_of(rows, span):
    """One number a register: index * 8 + kind * 2 + low word; HOLE where nothing stands."""
    slots = array("H", [HOLE] * span)
    for i in range(len(rows) // 2):
        code = rows[2 * i] << 8 | rows[2 * i + 1]
        register, kind = code >> 3, code & 7
        slots[register] = i * 8 + kind * 2
        if kind >= 2:
            slots[register + 1] = i * 8 + kind * 2 + 1
    return slots


def common_model(name):
    """SunSpec marker, model 1 and the end marker, as bytes."""
    texts = (("BESS controller", 32), (name, 32), ("", 16), ("1", 16), (name, 32))
    data = b"SunS" + bytes((0, 1, 0, 66))
    for text, size in texts:
        raw = text.encode()[:size]
        data += raw + bytes(size - len(raw))
    return data + bytes((0, 1, 0x80, 0)) + bytes((0xFF, 0xFF, 0, 0))
