"""Registers and values: kinds, what is not implemented, scale factors, blocks."""

from bess.protocols.fields import encode, limit, merge, text, unscale, width
from bess.protocols.registers import (
    ACC32, HIGH8, I16, I32, I32L, LOW8, SF, SUNSPEC, U16, U32, U32L, decode, decode_rows, divide,
    i16, i32, scale, u16,
)
from host_tests.protocols.frames import octets, words

# kind, bytes, value, why
VALUES = (
    (U16, "FF FF", 65535, "plain: every pattern is a number"),
    (I16, "80 00", -32768, "plain: lowest"),
    (I16, "FF FF", -1, "sign"),
    (I16, "7F FF", 32767, "highest"),
    (U32, "00 01 00 02", 65538, "high word first"),
    (U32, "FF FF FF FF", 4294967295, "highest"),
    (I32, "FF FF FF FE", -2, "sign in the high word"),
    (I32, "80 00 00 00", -2147483648, "lowest"),
    (U32L, "00 02 00 01", 65538, "low word first"),
    (I32L, "FF FE FF FF", -2, "low word first, sign"),
    (HIGH8, "5A 01", 0x5A, "high byte"),
    (LOW8, "5A 01", 1, "low byte"),
    (SUNSPEC | U16, "FF FF", None, "not implemented"),
    (SUNSPEC | U16, "FF FE", 65534, "highest"),
    (SUNSPEC | U16, "00 00", 0, "0 is a number"),
    (SUNSPEC | I16, "80 00", None, "not implemented"),
    (SUNSPEC | I16, "80 01", -32767, "lowest"),
    (SUNSPEC | I16, "FF FF", -1, "-1 is a number"),
    (SUNSPEC | U32, "FF FF FF FF", None, "not implemented"),
    (SUNSPEC | U32, "00 00 FF FF", 65535, "half of the pattern is a number"),
    (SUNSPEC | I32, "80 00 00 00", None, "not implemented"),
    (SUNSPEC | I32, "80 00 00 01", -2147483647, "lowest"),
    (SUNSPEC | U32L, "FF FF FF FF", None, "not implemented"),
    (SUNSPEC | I32L, "00 00 80 00", None, "not implemented, low word first"),
    (ACC32, "00 00 00 00", None, "an accumulator at 0 was never counted"),
    (ACC32, "FF FF FF FF", 4294967295, "an accumulator may be full"),
    (SF, "80 00", None, "not implemented"),
    (SF, "FF FE", -2, "hundredths"),
    (SF, "00 0A", 10, "largest"),
    (SF, "00 0B", None, "no scale factor"),
    (SF, "FF F5", None, "no scale factor"),
)

# kind, value that does not fit, nearest that does
TOO_MUCH = (
    (U16, -1, 0), (U16, 65536, 65535), (I16, -32769, -32768), (I16, 32768, 32767),
    (U32, -1, 0), (U32, 1 << 32, (1 << 32) - 1), (I32, 1 << 31, (1 << 31) - 1),
    (U32L, -1, 0), (I32L, -(1 << 31) - 1, -(1 << 31)), (HIGH8, 256, 255), (LOW8, -1, 0),
    (SUNSPEC | U16, 65535, 65534), (SUNSPEC | I16, -32768, -32767),
    (SUNSPEC | U32, (1 << 32) - 1, (1 << 32) - 2), (SUNSPEC | I32, -(1 << 31), 1 - (1 << 31)),
    (SF, 11, 10), (SF, -11, -10), (ACC32, 0, 1), (ACC32, 1 << 32, (1 << 32) - 1),
)


def test_values_of_every_kind():
    for kind, data, value, why in VALUES:
        assert decode(kind, b"\x77" + octets(data) + b"\x77", 1) == value, (kind, why)
        assert width(kind) == len(octets(data)) // 2, (kind, why)


def test_values_go_back_to_their_bytes():
    for kind, data, value, why in VALUES:
        data = octets(data)
        out = bytearray(b"\xaa" * 6)
        if value is None and why == "no scale factor":
            continue
        assert encode(kind, value, out, 1), (kind, why)
        if kind == HIGH8:
            assert out[1:3] == bytes((data[0], 0xAA)), why
        elif kind == LOW8:
            assert out[1:3] == bytes((0xAA, data[1])), why
        else:
            assert bytes(out) == b"\xaa" + data + b"\xaa" * (5 - len(data)), (kind, why)


def test_what_does_not_fit_is_not_written():
    for kind, value, nearest in TOO_MUCH:
        out = bytearray(b"\xaa" * 4)
        assert not encode(kind, value, out, 0) and out == b"\xaa" * 4, (kind, value)
        assert limit(kind, value) == nearest and encode(kind, nearest, out, 0), (kind, value)
        assert decode(kind, out, 0) == nearest, (kind, value)


def test_unknown_needs_a_kind_that_can_say_so():
    out = bytearray(4)
    for kind in (U16, I16, U32, I32, U32L, I32L, HIGH8, LOW8):
        assert not encode(kind, None, out, 0), kind
    assert out == bytearray(4)


def test_single_registers():
    data = octets("00 FF FE 00 01 80 00")
    assert (u16(data, 1), i16(data, 1), i32(data, 1)) == (0xFFFE, -2, -131071)
    assert i16(data, 5) == -32768


# raw, sf, places, value, why
SCALED = (
    (2305, -1, 0, 231, "230.5 W, half away from zero"),
    (-2305, -1, 0, -231, "the same below zero"),
    (2304, -1, 0, 230, "down"),
    (2305, -1, 3, 230500, "230.5 V in mV"),
    (12, 2, 0, 1200, "12 hundred W"),
    (5003, -2, 2, 5003, "50.03 Hz in 1/100 Hz"),
    (5003, -3, 1, 50, "5.003 A in 1/10 A"),
    (7, -10, 0, 0, "smallest factor"),
    (-7, 0, 0, -7, "as it is"),
    (None, -1, 0, None, "no value"),
    (7, None, 0, None, "no scale factor: no value"),
)

# value, sf, places, raw, why
UNSCALED = (
    (100, -2, 0, 10000, "100 % as 1/100 %"),
    (999, 1, 0, 99, "never more than asked"),
    (-999, 1, 0, -99, "never more than asked, below zero"),
    (257, 0, 1, 25, "25.7 % in whole percent"),
    (-257, 0, 1, -25, "the same below zero"),
    (257, -1, 1, 257, "0.1 % in 0.1 %"),
    (0, 5, 0, 0, "nothing"),
)


def test_scale_factors():
    for raw, sf, places, value, why in SCALED:
        assert scale(raw, sf, places) == value, why
    for value, sf, places, raw, why in UNSCALED:
        assert unscale(value, sf, places) == raw, why


def test_divide_rounds_halves_away_from_zero():
    assert [divide(v, 2) for v in (-3, -2, -1, 0, 1, 2, 3)] == [-2, -1, -1, 0, 1, 1, 2]
    assert [divide(v, 3) for v in (-5, -4, -2, -1, 0, 1, 2, 4, 5)] == [
        -2, -1, -1, 0, 0, 0, 1, 1, 2]


FIELDS = (
    # key, address, kind, multiply, divide
    (2, 108, I32, -1, 10),
    (0, 100, U16, 1, 1),
    (1, 101, SUNSPEC | I16, 100, 1),
    (3, 112, U16, 1, 10),
    (4, 125, U16, 1, 1),
    (5, 300, U32, 1, 1),
)


def test_neighbours_are_read_together():
    blocks = merge(FIELDS)
    assert [(address, count, [row[0] for row in rows]) for address, count, rows in blocks] == [
        (100, 13, [0, 1, 2, 3]), (125, 1, [4]), (300, 2, [5])]
    wide = merge(FIELDS, gap_max=20)
    assert [(address, count) for address, count, _ in wide] == [(100, 26), (300, 2)]
    short = merge(FIELDS, count_max=10)
    assert [(address, count) for address, count, _ in short] == [
        (100, 10), (112, 1), (125, 1), (300, 2)]
    assert merge(()) == ()


def test_merge_where_addresses_count_bytes():
    fields = ((0, 0x1200, U16, 1, 1), (1, 0x1202, U16, 1, 1), (2, 0x1290, U32, 1, 1),
              (3, 0x1298, I32, -1, 1))
    blocks = merge(fields, count_max=40, step=2)
    assert [(address, count) for address, count, _ in blocks] == [(0x1200, 2), (0x1290, 6)]
    values = [0] * 4
    data = words(0, 52000, 0, 0, 0xFFFF, 0xFFFE)
    decode_rows(blocks[1][2], data, blocks[1][0], values, step=2)
    assert values == [0, 0, 52000, 2]


def test_rows_fill_the_list():
    values = ["?"] * 6
    address, count, rows = merge(FIELDS)[0]
    data = words(7, 0x8000, 0, 0, 0, 0, 0, 0, 0xFFFF, 0xFF38, 0, 0, 1234)
    assert len(data) == 2 * count
    decode_rows(rows, data, address, values)
    assert values == [7, None, 20, 123, "?", "?"]


def test_text():
    assert text(b"ACME\0\0\0\0", 0, 4) == "ACME"
    assert text(b"xxEMS 1  ", 2, 3) == "EMS 1"
    assert text(b"a\xffb\x01", 0, 2) == "a?b?"
    assert text(b"\0abc", 0, 2) == ""
