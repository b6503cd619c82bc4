"""PDUs: worked frames both ways, limits of every function code, what is refused and how."""

from bess.protocols.modbus import (
    MISMATCH, Server, answer_length, check_answer, encode_request, is_write,
)
from bess.protocols.transactions import Request
from host_tests.protocols.frames import FRAMES, Bank, answer_of, octets, words

# why, request PDU, answer PDU
LIMITS = (
    ("coils: quantity 0", "01 00 13 00 00", "81 03"),
    ("coils: 2000 are legal, but not here", "01 00 00 07 D0", "81 02"),
    ("coils: 2001", "01 00 00 07 D1", "81 03"),
    ("inputs: quantity 0", "02 00 C4 00 00", "82 03"),
    ("inputs: 2001", "02 00 C4 07 D1", "82 03"),
    ("holding: quantity 0", "03 00 6B 00 00", "83 03"),
    ("holding: 125 are legal, but not here", "03 00 6B 00 7D", "83 02"),
    ("holding: 126", "03 00 6B 00 7E", "83 03"),
    ("holding: quantity is judged before the address", "03 FF FF 00 7E", "83 03"),
    ("holding: the last address", "03 FF FF 00 01", "03 02 00 07"),
    ("holding: no wrap to address 0", "03 FF FF 00 02", "83 02"),
    ("holding: too short", "03 00 6B 00", "83 03"),
    ("holding: function code alone", "03", "83 03"),
    ("holding: a byte too many", "03 00 6B 00 01 00", "83 03"),
    ("input: quantity 0", "04 00 08 00 00", "84 03"),
    ("input: 126", "04 00 08 00 7E", "84 03"),
    ("input: behind the last one", "04 00 08 00 02", "84 02"),
    ("coil: 00FF", "05 00 AC 00 FF", "85 03"),
    ("coil: FFFF", "05 00 AC FF FF", "85 03"),
    ("coil: no such coil", "05 00 AD FF 00", "85 02"),
    ("coil: too short", "05 00 AC FF", "85 03"),
    ("register: no such register", "06 00 6E 00 01", "86 02"),
    ("register: too long", "06 00 01 00 01 00", "86 03"),
    ("write coils: quantity 0", "0F 00 13 00 00 00", "8F 03"),
    ("write coils: byte count too small", "0F 00 13 00 0A 01 CD", "8F 03"),
    ("write coils: bytes missing", "0F 00 13 00 0A 02 CD", "8F 03"),
    ("write coils: one of them does not exist", "0F 00 13 00 0B 02 CD 01", "8F 02"),
    ("write coils: past the end", "0F FF FF 00 02 01 03", "8F 02"),
    ("write registers: quantity 0", "10 00 01 00 00 00", "90 03"),
    ("write registers: byte count odd", "10 00 01 00 01 03 00 00 00", "90 03"),
    ("write registers: bytes missing", "10 00 01 00 02 04 00 00 00", "90 03"),
    ("write registers: one of them does not exist", "10 00 02 00 20 40 " + "00 " * 64, "90 02"),
    ("write registers: past the end", "10 FF FF 00 02 04 00 00 00 00", "90 02"),
    ("write registers: header cut", "10 00 01 00", "90 03"),
    ("mask: too short", "16 00 04 00 F2 00", "96 03"),
    ("mask: no such register", "16 00 6E 00 F2 00 25", "96 02"),
    ("read/write: nothing to read", "17 00 03 00 00 00 0E 00 01 02 00 00", "97 03"),
    ("read/write: 126 to read", "17 00 03 00 7E 00 0E 00 01 02 00 00", "97 03"),
    ("read/write: nothing to write", "17 00 03 00 01 00 0E 00 00 00", "97 03"),
    ("read/write: byte count", "17 00 03 00 01 00 0E 00 01 04 00 00", "97 03"),
    ("read/write: read past the end", "17 FF FF 00 02 00 0E 00 01 02 00 01", "97 02"),
    ("read/write: write past the end", "17 00 03 00 01 FF FF 00 02 04 00 00 00 00", "97 02"),
    ("read/write: cut", "17 00 03 00 01 00 0E 00 01", "97 03"),
    ("identity: level 0", "2B 0E 00 00", "AB 03"),
    ("identity: level 5", "2B 0E 05 00", "AB 03"),
    ("identity: another kind of interface", "2B 0D 01 00", "AB 01"),
    ("identity: too short", "2B 0E 01", "AB 03"),
    ("identity: stream from an unknown object begins again", "2B 0E 01 55",
     "2B 0E 01 81 00 00 03 00 04 41 43 4D 45 01 04 45 4D 53 31 02 03 31 2E 30"),
    ("identity: more than there is", "2B 0E 03 01",
     "2B 0E 03 81 00 00 02 01 04 45 4D 53 31 02 03 31 2E 30"),
    ("function 7", "07", "87 01"),
    ("function 41 hex", "41 00", "C1 01"),
    ("function 64 hex", "64", "E4 01"),
    ("function 0", "00", "80 01"),
    ("an exception as request", "83 02", "83 01"),
)


def test_worked_frames_are_answered():
    for why, request, answer in FRAMES:
        got = answer_of(Server(Bank()), octets(request)[1:-2])
        assert got == octets(answer)[1:-2], (why, got)


def test_limits_of_every_function():
    for why, request, answer in LIMITS:
        bank = Bank()
        got = answer_of(Server(bank), octets(request))
        assert got == octets(answer), (why, got)
        assert bank.writes == 0, why


def test_largest_requests():
    bank = Bank()
    for address in range(2000):
        bank.holding[1000 + address] = address
        bank.coils[1000 + address] = address & 1
    server = Server(bank)
    cases = (
        ("2000 coils", bytes((1,)) + words(1000, 2000), 252),
        ("125 registers", bytes((3,)) + words(1000, 125), 252),
        ("1968 coils", bytes((15,)) + words(1000, 1968) + bytes((246,)) + bytes(246), 5),
        ("123 registers", bytes((16,)) + words(1000, 123) + bytes((246,)) + bytes(246), 5),
        ("121 and 125", bytes((23,)) + words(1000, 125, 1000, 121) + bytes((242,)) + bytes(242),
         252),
    )
    for why, request, length in cases:
        assert len(request) <= 253, why
        got = answer_of(server, request)
        assert len(got) == length and got[0] == request[0], (why, got)
    too_many = bytes((16,)) + words(1000, 124) + bytes((248,)) + bytes(248)
    assert answer_of(server, too_many) == bytes((0x90, 3))


def test_writes_arrive():
    bank = Bank()
    server = Server(bank)
    answer_of(server, octets("10 00 01 00 02 04 00 0A 01 02"))
    assert (bank.holding[1], bank.holding[2]) == (10, 258)
    answer_of(server, octets("06 00 01 FF FE"))
    assert bank.holding[1] == 0xFFFE
    answer_of(server, octets("05 00 AC FF 00"))
    assert bank.coils[172] == 1
    answer_of(server, octets("0F 00 13 00 0A 02 00 02"))
    assert [bank.coils[19 + i] for i in range(10)] == [0] * 9 + [1]
    answer_of(server, octets("16 00 04 00 F2 00 25"))
    assert bank.holding[4] == 0x17
    answer_of(server, octets("16 E0 00 FF FE 00 00"))
    assert bank.holding[0xE000] == 0xABCC


def test_read_write_reads_what_it_wrote():
    request = octets("17 00 0E 00 03 00 0E 00 02 04 12 34 56 78")
    assert answer_of(Server(Bank()), request) == octets("17 06 12 34 56 78 00 00")


def test_a_refused_read_leaves_no_write_behind():
    bank = Bank()
    request = octets("17 00 6D 00 02 00 01 00 01 02 00 63")
    assert answer_of(Server(bank), request) == octets("97 02")
    assert bank.holding[1] == 0 and bank.writes == 0


class FailingBank(Bank):
    """Its hardware is broken."""

    def read_registers(self, fc, address, count, out, offset):
        return 4

    def write_registers(self, address, count, data, offset):
        return 6


def test_codes_of_the_bank_are_passed_on():
    server = Server(FailingBank())
    assert answer_of(server, octets("03 00 6B 00 01")) == octets("83 04")
    assert answer_of(server, octets("06 00 01 00 01")) == octets("86 06")
    assert answer_of(server, octets("16 00 04 00 F2 00 25")) == octets("96 04")


class ReadOnlyBank:
    """Has registers to read and nothing else."""

    def read_registers(self, fc, address, count, out, offset):
        return 0


def test_what_the_bank_lacks_is_an_illegal_function():
    server = Server(ReadOnlyBank())
    for fc in (1, 2, 5, 6, 15, 16, 22, 23, 43):
        assert answer_of(server, bytes((fc, 14, 0, 0, 1))) == bytes((fc | 0x80, 1)), fc


class EndlessBank:
    """Would answer anything; remembers how far it was asked."""

    end = 0

    def read_registers(self, fc, address, count, out, offset):
        self.end = max(self.end, address + count)
        return 0

    def write_registers(self, address, count, data, offset):
        self.end = max(self.end, address + count)
        return 0

    def read_bits(self, fc, address, count, out, offset):
        self.end = max(self.end, address + count)
        return 0

    def write_bits(self, address, count, data, offset):
        self.end = max(self.end, address + count)
        return 0


def test_no_bank_is_asked_past_the_last_address():
    bank = EndlessBank()
    server = Server(bank)
    for pdu in ("01 FF FF 00 02", "02 FF FF 00 02", "03 FF FF 00 02", "04 FF FF 00 02",
                "0F FF FF 00 02 01 00", "10 FF FF 00 02 04 00 00 00 00",
                "17 FF FF 00 02 00 00 00 01 02 00 00",
                "17 00 00 00 01 FF FF 00 02 04 00 00 00 00"):
        pdu = octets(pdu)
        assert answer_of(server, pdu) == bytes((pdu[0] | 0x80, 2)), pdu
    assert bank.end == 0
    for pdu in ("01 FF FF 00 01", "03 FF FE 00 02", "06 FF FF 00 01"):
        assert answer_of(server, octets(pdu))[0] < 0x80, pdu
    assert bank.end == 0x10000


def test_a_read_only_server_refuses_every_write():
    bank = Bank()
    server = Server(bank, writable=False)
    for why, request, answer in FRAMES:
        pdu = octets(request)[1:-2]
        if pdu[0] in (5, 6, 15, 16, 22, 23):
            assert answer_of(server, pdu) == bytes((pdu[0] | 0x80, 1)), why
        else:
            assert answer_of(server, pdu) == octets(answer)[1:-2], why
    assert bank.writes == 0


class TalkativeBank(ReadOnlyBank):
    """More identity than one answer can hold."""

    identity = (b"A" * 100, b"B" * 100, b"C" * 100, b"url", b"D" * 300)


def test_identity_in_several_parts():
    server = Server(TalkativeBank())
    first = answer_of(server, octets("2B 0E 02 00"))
    assert first[:7] == octets("2B 0E 02 82 FF 02 02")
    assert first[7:] == b"\x00\x64" + b"A" * 100 + b"\x01\x64" + b"B" * 100
    second = answer_of(server, bytes((0x2B, 14, 2, first[5])))
    assert second[:7] == octets("2B 0E 02 82 FF 04 02")
    third = answer_of(server, bytes((0x2B, 14, 2, second[5])))
    assert third[:7] == octets("2B 0E 02 82 00 00 01")
    assert len(third) == 253 and third[7:9] == b"\x04\xf4"
    basic = answer_of(server, octets("2B 0E 01 02"))
    assert basic[:7] == octets("2B 0E 01 82 00 00 01")


def request_of(frame):
    """The Request that encodes to this request frame."""
    unit, fc = frame[0], frame[1]
    address, count = frame[2] << 8 | frame[3], frame[4] << 8 | frame[5]
    if fc in (5, 6):
        return Request(unit, fc, address, 1, frame[4:6])
    if fc == 22:
        return Request(unit, fc, address, 1, frame[4:8])
    return Request(unit, fc, address, count, frame[7:-2] if fc in (15, 16) else None)


def test_requests_encode_to_the_worked_frames():
    out = bytearray(260)
    done = 0
    for why, request, answer in FRAMES:
        frame = octets(request)
        if frame[1] in (23, 43) or "legal" in why or why in ("byte count does not fit the "
           "quantity", "only 0000 and FF00 are coil values", "runs past the last address"):
            continue
        n = encode_request(request_of(frame), out, 3)
        assert bytes(out[3:3 + n]) == frame[1:-2], why
        done += 1
    assert done == 18, done


def test_worked_answers_fit_their_requests():
    for why, request, answer in FRAMES:
        sent, got = octets(request)[:-2], octets(answer)[:-2]
        if sent[1] in (23, 43):
            continue
        verdict = check_answer(sent, 1, got, 1, len(got) - 1)
        assert verdict == (got[2] if got[1] & 0x80 else 0), why
        if not got[1] & 0x80:
            assert answer_length(sent, 1) == len(got) - 1, why


def test_answers_to_something_else_do_not_fit():
    sent = octets("03 00 6B 00 03")
    cases = (
        ("another function", "04 06 02 2B 00 00 00 64"),
        ("byte count of 2 registers", "03 04 02 2B 00 00"),
        ("byte count and length disagree", "03 04 02 2B 00 00 00 64"),
        ("cut", "03 06 02 2B 00 00 00"),
        ("exception of another function", "84 02"),
        ("exception without a code", "83 00"),
        ("exception with a tail", "83 02 00"),
        ("nothing but the function", "03"),
    )
    for why, got in cases:
        got = octets(got)
        assert check_answer(sent, 0, got, 0, len(got)) == MISMATCH, why
    sent = octets("10 00 01 00 02 04 00 0A 01 02")
    for got in ("10 00 01 00 03", "10 00 02 00 02", "06 00 01 00 02"):
        assert check_answer(sent, 0, octets(got), 0, 5) == MISMATCH, got


def test_what_may_be_broadcast():
    assert [fc for fc in range(256) if is_write(fc)] == [5, 6, 15, 16, 22]


def test_impossible_requests_are_refused_with_a_reason():
    cases = (
        ("unit 256: must be 0..255", (256, 3, 0, 1)),
        ("function 7: must be 1..6, 15, 16 or 22", (1, 7, 0, 1)),
        ("count 126: must be 1..125 for function 3", (1, 3, 0, 126)),
        ("count 0: must be 1..125 for function 4", (1, 4, 0, 0)),
        ("count 2: must be 1..1 for function 6", (1, 6, 0, 2)),
        ("address 65535, count 2: outside 0..65535", (1, 3, 65535, 2)),
        ("data of 3 bytes: must be 4", (1, 16, 0, 2, b"abc")),
    )
    for text, arguments in cases:
        try:
            Request(*arguments)
            assert False, text
        except ValueError as error:
            assert str(error) == text, error
    assert Request(1, 16, 0, 2).data == bytearray(4)
    assert Request(1, 15, 0, 9).data == bytearray(2)
