"""The site in few lines: registers that answer, powers and samples that change."""

import struct

LEVEL = {4: 1}
FEEDBACK = {15: 5, 16: 6, 17: 7}
COUNT = [0, 0, 0]         # polls, power, changes of power


def level(i):
    return 1 - LEVEL[FEEDBACK[i]] if i in FEEDBACK else LEVEL.get(i, 0)


def chain(*models):
    """A SunSpec chain from 40000 on; a model is its id, length and {offset: word}."""
    a = bytearray(b"SunS")
    for i, n, words in models:
        m = bytearray(2 * n + 4)
        struct.pack_into(">HH", m, 0, i, n)
        for at in words:
            struct.pack_into(">h", m, 2 * at, words[at])
        a += m
    return a + b"\xff\xff\0\0"


AC = (103, 50, {10: 230, 14: 100, 16: 5000, 17: -2, 29: 530, 30: -1, 38: 8})
PCS = chain((1, 66, {}), AC, (124, 24, {2: 32000, 25: -2}), (123, 24, {}))
PV = chain((1, 66, {}), AC)
METER = chain((1, 66, {}), (203, 105, {18: 500}))
TCP = {5021: PCS, 5022: PV, 5023: METER}
MODULE = bytearray(96)
for x in ((0, 0x4253), (1, 1), (2, 16), (4, 3140), (5, 3140), (6, 5300), (10, 500), (11, 990),
          (12, 3320), (13, 3310), (14, 251), (15, 240), (16, 1570), (17, 1570), (19, 3)):
    struct.pack_into(">H", MODULE, 2 * x[0], x[1])
for x in range(32, 48):
    struct.pack_into(">H", MODULE, 2 * x, 3315)


def move():
    """What the command does to power, state and bus; counters go on."""
    COUNT[0] += 1
    k = COUNT[0]
    s = PCS.index(b"\0\x7c\0\x18")
    c = PCS.index(b"\0\x7b\0\x18")
    rate = struct.unpack_from(">h", PCS, s + 24)[0]
    run = PCS[c + 9]
    w = rate * 32 // 10 if run else 0
    if w != COUNT[1]:
        COUNT[1] = w
        COUNT[2] += 1
    full = LEVEL.get(6, 0) or LEVEL.get(7, 0)
    struct.pack_into(">h", PCS, 4 + 136 + 28, w)
    struct.pack_into(">h", PCS, 4 + 136 + 58, 530 if full else 0)
    PCS[4 + 136 + 77] = 4 if run else 8
    struct.pack_into(">h", METER, 4 + 136 + 36, 3000 - k % 60 * 100 - w)
    struct.pack_into(">h", PV, 4 + 136 + 28, k % 3000)
    struct.pack_into(">H", MODULE, 6, k & 0xFFFF)
    struct.pack_into(">i", MODULE, 16, -w)
    struct.pack_into(">H", MODULE, 20, 400 + k % 200)


def serve(memory, base, pdu):
    move()
    fc, at, n = struct.unpack_from(">BHH", pdu)
    at = 2 * (at - base)
    if fc == 6:
        return bytes(pdu)
    if at < 0 or at + 2 * n > len(memory):
        return bytes((fc | 128, 2))
    if fc == 16:
        memory[at:at + 2 * n] = pdu[6:6 + 2 * n]
        return bytes(pdu[:5])
    return bytes((fc, 2 * n)) + bytes(memory[at:at + 2 * n])


def tcp(memory, buf):
    """The bytes of the answer from the length field on."""
    answer = serve(memory, 40000, buf[7:])
    return struct.pack(">HB", len(answer) + 1, buf[6]) + answer


def rtu(buf):
    frame = bytes(buf[:1]) + serve(MODULE, 0, buf[1:-2])
    crc = 0xFFFF
    for x in frame:
        crc ^= x
        for i in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return frame + bytes((crc & 255, crc >> 8))
