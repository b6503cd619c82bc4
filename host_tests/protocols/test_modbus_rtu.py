"""RTU framing: worked frames in any portions, a noisy and a shared line, silence as the judge."""

from bess.protocols.modbus import WAITING, Server
from bess.protocols.modbus_rtu import RtuClient, crc16
from bess.protocols.rtu_server import RtuServer
from bess.protocols.transactions import Request
from host_tests.protocols.frames import BAD_CRC, BROADCAST, FRAMES, Bank, octets, portions, words

READ_3 = octets(FRAMES[4][1])
READ_3_ANSWER = octets(FRAMES[4][2])
FOREIGN_REQUEST = octets("02 03 00 6B 00 03 74 24")
SILENCE = ("byte count does not fit the quantity",)     # only silence can end this frame


def sealed(*parts):
    """A frame with its CRC, computed bit by bit."""
    frame = b"".join([part if isinstance(part, bytes) else octets(part) for part in parts])
    crc = 0xFFFF
    for byte in frame:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return frame + bytes((crc & 0xFF, crc >> 8))


class Line:
    """A server on a line whose time passes only when told."""

    def __init__(self, echo=False, bank=None):
        self.bank = bank or Bank()
        self.rtu = RtuServer(Server(self.bank, units=(1, 0xF7)), echo=echo)
        self.now_ms = 0x3FFFFFF0        # the tick wraps during every test

    def hear(self, data, pause_ms=0):
        self.rtu.receive(data, len(data), self.now_ms)
        self.wait(pause_ms)

    def wait(self, pause_ms):
        self.now_ms = (self.now_ms + pause_ms) & 0x3FFFFFFF

    def answer(self):
        frame = self.rtu.poll(self.now_ms)
        return None if frame is None else bytes(frame)

    def answers(self):
        """Everything that is sent until the line has been silent for long."""
        found = []
        for _ in range(40):
            self.wait(3)
            frame = self.answer()
            if frame is not None:
                found.append(frame)
        return found


def test_crc():
    assert crc16(b"123456789", 0, 9) == 0x4B37
    assert crc16(b"xx123456789y", 2, 11) == 0x4B37
    assert crc16(b"", 0, 0) == 0xFFFF
    for why, request, answer in FRAMES:
        for frame in (octets(request), octets(answer)):
            assert crc16(frame, 0, len(frame)) == 0, (why, frame)
            assert sealed(frame[:-2]) == frame, why


def test_server_answers_whole_frames_in_any_portion():
    for why, request, answer in FRAMES:
        for size in (300, 1, 3):
            line = Line()
            for part in portions(octets(request), size):
                line.hear(part, 1)
            line.wait(20 if why in SILENCE else 1)
            assert line.answer() == octets(answer), (why, size)
            assert line.answer() is None and line.rtu.errors == 0, why


def test_server_answers_a_frame_before_its_tail():
    for why, request, answer in FRAMES:
        if why in SILENCE:
            continue
        line = Line()
        line.hear(octets(request) + b"\x01")
        assert line.answers() == [octets(answer)], why


def test_server_waits_before_it_answers():
    line = Line()
    line.hear(READ_3)
    assert line.answer() is None and line.rtu.wait_ms(line.now_ms) == 2
    line.wait(2)
    assert line.answer() == READ_3_ANSWER
    assert line.rtu.wait_ms(line.now_ms) > 2


# why, what is heard, how often the frame READ_3 that follows or is contained is answered, errors
NOISE = (
    ("bad CRC", BAD_CRC, 0, 1),
    ("noise before a frame", b"\xff\x00" + READ_3, 1, 1),
    ("noise that looks like a foreign long frame", b"\x37\x10\x00\x00\x00\x7b\xf6" + READ_3, 1, 1),
    ("noise with our unit id and a long write", b"\x01\x10\x00\x00\x00\x7b\xf6" + READ_3, 1, 1),
    ("frame cut, a whole one behind it", READ_3[:5] + READ_3, 1, 1),
    ("bad CRC, a good frame behind it", BAD_CRC + READ_3, 1, 1),
    ("two requests back to back", READ_3 + READ_3, 2, 0),
    ("longer than any frame", b"\x01\x03" * 200 + READ_3, 1, 1),
    ("nothing but noise", b"\x55" * 300, 0, 1),
    ("more noise than fits", b"\x01\x10\x00\x00\x00\x7b\xf6" * 100, 0, 1),
    ("the head of a write in the last bytes that fit", b"\x55" * 508 + b"\x01\x10\x00\x00", 0, 1),
    ("the same for a read and write", b"\x55" * 508 + b"\x01\x17\x00\x00", 0, 1),
    ("too short for a frame", b"\x01\x03\x00", 0, 0),
    ("a single byte", b"\x00", 0, 0),
    ("foreign request", FOREIGN_REQUEST, 0, 0),
    ("foreign request and answer, then ours",
     FOREIGN_REQUEST + sealed("02 03 06 02 2B 00 00 00 64") + READ_3, 1, 0),
    ("foreign short answer, then ours", sealed("02 03 02 00 0A") + READ_3, 1, 0),
    ("foreign exception, then ours", sealed("02 83 02") + READ_3, 1, 0),
    ("foreign write and its echo, then ours",
     sealed("02 10 00 01 00 01 02 00 0A") + sealed("02 10 00 01 00 01") + READ_3, 1, 0),
    ("foreign function without a rule, then ours", sealed("02 64 01 02 03 04 05") + READ_3, 1, 1),
    ("our unit answers? an exception as request", sealed("01 83 02"), 0, 0),
)


def test_server_on_a_bad_or_shared_line():
    for why, heard, answered, errors in NOISE:
        line = Line()
        line.hear(heard)
        assert line.answers() == [READ_3_ANSWER] * answered, why
        assert line.rtu.errors == errors, (why, line.rtu.errors)
        line.hear(READ_3)
        assert line.answers() == [READ_3_ANSWER], why
        assert line.rtu.errors == errors, (why, "silence left something behind")


def test_server_byte_by_byte_on_a_bad_line():
    for why, heard, answered, errors in NOISE:
        line = Line()
        found = 0
        for i in range(len(heard)):
            line.hear(heard[i:i + 1], 1)
            found += line.answer() is not None
        assert found + len(line.answers()) == answered, why


def test_silence_ends_a_frame():
    line = Line()
    line.hear(READ_3[:5], 30)
    assert line.answer() is None
    line.hear(READ_3)
    assert line.answers() == [READ_3_ANSWER]


def test_an_unknown_function_is_refused_after_silence():
    line = Line()
    line.hear(sealed("01 64 01 02 03 04 05 06 07"), 5)
    assert line.answer() is None
    assert line.answers() == [sealed("01 E4 01")]


def test_broadcast_writes_and_stays_silent():
    line = Line()
    line.hear(BROADCAST)
    assert line.answers() == [] and line.bank.holding[1] == 3
    line.hear(sealed("00 03 00 6B 00 03"))
    line.hear(sealed("00 17 00 03 00 01 00 02 00 01 02 00 07"))
    assert line.answers() == [] and line.bank.holding[2] == 0


def test_foreign_units_are_not_obeyed():
    line = Line()
    line.hear(sealed("02 06 00 01 00 03"))
    assert line.answers() == [] and line.bank.writes == 0 and line.rtu.foreign == 1


def test_server_takes_its_echo_out():
    line = Line(echo=True)
    for why, request, answer in FRAMES:
        line.hear(octets(request), 20)
        sent = line.answer()
        assert sent == octets(answer), why
        for part in portions(sent, 3):
            line.hear(part)
        assert line.answers() == [], why
    assert line.rtu.errors == 0 and line.rtu.answered == len(FRAMES)


def test_lost_line_forgets():
    line = Line()
    line.hear(READ_3[:5])
    line.rtu.lost(line.now_ms)
    line.hear(READ_3[5:])
    assert line.answers() == []


def request_of(frame):
    """The Request behind a worked frame, or None where the client has no such function."""
    unit, fc = frame[0], frame[1]
    address, count = frame[2] << 8 | frame[3], frame[4] << 8 | frame[5]
    if fc in (5, 6, 22):
        return Request(unit, fc, address, 1, frame[4:-2])
    if fc in (23, 43) or fc == 16 and frame[6] != 2 * count or address + count > 0x10000:
        return None
    return Request(unit, fc, address, count, frame[7:-2] if fc in (15, 16) else None)


def verdict_of(client, data, size=300):
    """What the client says while it is fed in portions: the last word."""
    verdict = WAITING
    for part in portions(data, size):
        assert verdict == WAITING
        verdict = client.receive(part, len(part))
    return verdict


def test_client_asks_and_understands_the_worked_frames():
    done = 0
    for why, request, answer in FRAMES:
        asked = request_of(octets(request))
        if asked is None:
            continue
        answer = octets(answer)
        for size in (300, 1, 3):
            client = RtuClient()
            assert bytes(client.encode(asked)) == octets(request), why
            expected = answer[2] if answer[1] & 0x80 else 0
            assert verdict_of(client, answer, size) == expected, (why, size)
            if not expected and asked.fc <= 4:
                assert bytes(client.data) == answer[3:-2], why
            assert client.crc_errors == client.frame_errors == 0, why
        done += 1
    assert done == 19, done


# why, what arrives in place of the answer, answered, CRC errors, frame errors
ANSWERS = (
    ("noise before it", b"\x00\xff\x01" + READ_3_ANSWER, True, 0, 1),
    ("a tail behind it", READ_3_ANSWER + b"\x01\x02", True, 0, 0),
    ("half an answer before it", READ_3_ANSWER[:4] + READ_3_ANSWER, True, 1, 1),
    ("bad CRC", READ_3_ANSWER[:-1] + b"\x00", False, 1, 1),
    ("bad CRC, then a good one", READ_3_ANSWER[:-1] + b"\x00" + READ_3_ANSWER, True, 1, 1),
    ("another unit", sealed("02 03 06 02 2B 00 00 00 64"), False, 0, 1),
    ("another function", sealed("01 04 06 02 2B 00 00 00 64"), False, 0, 1),
    ("another length", sealed("01 03 04 02 2B 00 00"), False, 0, 1),
    ("a late shorter answer before it", sealed("01 03 02 00 0A") + READ_3_ANSWER, True, 0, 1),
    ("a foreign exchange before it", FOREIGN_REQUEST + sealed("02 83 02") + READ_3_ANSWER,
     True, 0, 1),
    ("babble", b"\x01\x03\x06" * 300, False, None, None),
)


def test_client_on_a_bad_line():
    asked = request_of(READ_3)
    for why, heard, answered, crc_errors, frame_errors in ANSWERS:
        for size in (1000, 1, 7):
            client = RtuClient()
            client.encode(asked)
            verdict = WAITING
            for part in portions(heard, size):
                verdict = max(verdict, client.receive(part, len(part)))
            assert verdict == (0 if answered else WAITING), (why, size)
            if crc_errors is not None:
                assert client.crc_errors == crc_errors, (why, size)
            if size == 1000 and frame_errors is not None:
                assert client.frame_errors == frame_errors, why
            client.encode(asked)
            assert client.receive(READ_3_ANSWER, len(READ_3_ANSWER)) == 0, why
            assert bytes(client.data) == words(555, 0, 100), why


def test_client_ignores_what_it_did_not_ask_for():
    client = RtuClient()
    assert client.receive(READ_3_ANSWER, len(READ_3_ANSWER)) == WAITING
    client.encode(request_of(READ_3))
    client.forget()
    assert client.receive(READ_3_ANSWER, len(READ_3_ANSWER)) == WAITING
    assert client.frame_errors >= 1


def test_client_takes_its_echo_out():
    for why, request, answer in FRAMES:
        asked = request_of(octets(request))
        if asked is None:
            continue
        for size in (300, 1, 5):
            client = RtuClient(echo=True)
            sent = bytes(client.encode(asked))
            verdict = verdict_of(client, sent + octets(answer), size)
            assert verdict == (octets(answer)[2] if octets(answer)[1] & 0x80 else 0), (why, size)


def test_client_that_waits_for_an_echo_takes_an_answer_without():
    client = RtuClient(echo=True)
    client.encode(request_of(READ_3))
    assert verdict_of(client, READ_3_ANSWER, 2) == 0
    assert bytes(client.data) == words(555, 0, 100)


def test_a_new_request_drops_old_bytes():
    client = RtuClient()
    client.encode(request_of(READ_3))
    client.receive(READ_3_ANSWER, 4)
    client.encode(request_of(READ_3))
    assert client.receive(READ_3_ANSWER[4:], len(READ_3_ANSWER) - 4) == WAITING
    assert client.receive(READ_3_ANSWER, len(READ_3_ANSWER)) == 0
