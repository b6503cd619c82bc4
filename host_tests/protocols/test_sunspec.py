"""The SunSpec chain: bases, unknown models, broken chains; points of a model."""

from bess.protocols.sunspec import AC_CHZ, AC_W, METER_W, PLAIN, Walker, is_null_frame, point

MARK = (0x5375, 0x6E53)
WANTED = (103, 123, 124)
EXCEPTION = 2
SILENCE = 0x100


def block(model, length):
    return (model, length) + (0,) * length


def walk(words, base, wanted=WANTED, limit=204):
    """Walk a device whose registers start at `base`; returns (walker, reads)."""
    walker = Walker(wanted)
    reads = 0
    while not walker.ended:
        reads += 1
        assert reads <= limit, "the walk does not end"
        at = walker.address - base
        if at < 0 or at + walker.count > len(words):
            walker.failed(EXCEPTION)
            continue
        data = bytearray(2 * walker.count)
        for i in range(walker.count):
            data[2 * i] = words[at + i] >> 8
            data[2 * i + 1] = words[at + i] & 0xFF
        walker.feed(data)
    return walker, reads


USUAL = MARK + block(1, 66) + block(103, 50) + block(123, 24) + block(124, 24)

# words, offsets of 103, 123, 124 from the base or None, why
CHAINS = (
    (USUAL + (0xFFFF, 0), (70, 122, 148), "the usual"),
    (USUAL + (0xFFFF,), (70, 122, 148), "the length of the end mark is refused"),
    (USUAL, (70, 122, 148), "no end mark, all was found"),
    (MARK + block(1, 65) + block(103, 50) + (0xFFFF, 0), (69, None, None), "no pad in model 1"),
    (MARK + block(1, 66) + block(160, 88) + block(9, 1) + block(103, 50) + (0xFFFF, 0),
     (163, None, None), "models nobody knows are stepped over"),
    (MARK + block(1, 66) + block(103, 60) + block(124, 24) + (0xFFFF, 0), (70, None, 132),
     "a vendor's longer model"),
    (MARK + block(1, 66) + block(103, 50) + block(1, 66) + block(103, 50) + (0xFFFF, 0),
     (70, None, None), "a second logical device: the first counts"),
    (MARK + block(1, 66) + (103, 0) + block(124, 24), (None, None, None),
     "no length: nobody knows where the next one is"),
    (MARK + block(1, 66) + block(103, 50) + (124, 0xFFFF), (70, None, None), "beyond the end"),
    (MARK + (0xFFFF, 0), (None, None, None), "empty"),
    (MARK + block(7, 1) * 150, (None, None, None), "more models than any device has"),
    ((0x5375, 0x6E54) + block(103, 50), (None, None, None), "no mark"),
    ((), (None, None, None), "nothing at all"),
)


def test_chains():
    for base in (40000, 0, 50000):
        for words, offsets, why in CHAINS:
            walker, _ = walk(words, base)
            for model, offset in zip(WANTED, offsets):
                expected = None if offset is None else base + offset
                assert walker.at(model) == expected, (why, model, walker.at(model))


def test_lengths():
    walker, reads = walk(USUAL + (0xFFFF, 0), 40000)
    assert walker.length(103) == 52 and walker.length(124) == 26 and walker.length(7) == 0
    assert walker.at(701) is None
    assert reads == 1 + 2 * 4 + 1


def test_silence_in_the_chain_begins_anew():
    walker = Walker(WANTED)
    walker.feed(b"\x53\x75\x6e\x53")
    assert (walker.address, walker.count) == (40002, 1)
    walker.failed(SILENCE)
    assert (walker.address, walker.count, walker.ended) == (40000, 2, False)


def test_silence_everywhere_ends():
    walker = Walker(WANTED)
    seen = []
    while not walker.ended:
        seen.append(walker.address)
        walker.failed(SILENCE)
    assert seen == [40000, 0, 50000]
    walker.restart()
    assert (walker.address, walker.ended) == (40000, False)


def test_restart_forgets():
    walker, _ = walk(USUAL + (0xFFFF, 0), 40000)
    walker.restart()
    assert walker.at(103) is None


def frame(pairs, registers=52):
    data = bytearray(2 * registers)
    for at, word in pairs:
        data[2 * at] = word >> 8 & 0xFF
        data[2 * at + 1] = word & 0xFF
    return data


# row, words, value, why
POINTS = (
    (AC_W, ((14, 1234), (15, 0)), 1234, "plain"),
    (AC_W, ((14, -1234), (15, 1)), -12_340, "tens of watts, charging"),
    (AC_W, ((14, 12345), (15, -1)), 1235, "0.1 W rounds to nearest"),
    (AC_W, ((14, -12345), (15, -1)), -1235, "and so below zero"),
    (AC_W, ((14, 0x8000), (15, 0)), None, "not implemented"),
    (AC_W, ((14, 100), (15, 0x8000)), None, "no scale factor"),
    (AC_W, ((14, 100), (15, 11)), None, "an impossible scale factor"),
    (AC_W, ((14, 1), (15, -10)), 0, "the smallest scale"),
    (AC_CHZ, ((16, 5003), (17, -2)), 5003, "0.01 Hz"),
    (AC_CHZ, ((16, 50), (17, 0)), 5000, "whole Hz"),
    (AC_CHZ, ((16, 0xFFFF), (17, -2)), None, "not implemented"),
    (METER_W, ((18, -50), (22, 0)), -50, "export"),
    (PLAIN | 51, ((51, 7),), 7, "without scale, in the last register"),
    (PLAIN | 52, (), None, "the model ends before"),
    (PLAIN | 14 | 52 << 13, (), None, "the model ends before the scale factor"),
)


def test_points():
    for row, words, value, why in POINTS:
        assert point(frame(words), row) == value, (why, point(frame(words), row))


def test_null_frames():
    for pairs, null, why in (
        ((), True, "all zero"), (((38, 7), (29, 5000)), True, "state and DC do not count"),
        (((14, 1),), False, "power"), (((16, 5000),), False, "frequency"),
        (((10, 2300),), False, "a voltage"), (((12, 2300),), False, "phase C alone"),
    ):
        assert is_null_frame(frame(pairs)) == null, why
