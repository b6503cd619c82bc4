"""TCP framing: split and pipelined frames, headers that cannot be right, ids, full-size frames."""

from bess.protocols.modbus import BROKEN, WAITING, Server
from bess.protocols.modbus_tcp import CLOSE, TcpClient, TcpServer
from bess.protocols.transactions import Request
from host_tests.protocols.frames import FRAMES, Bank, octets, portions, words


def adu(transaction, rtu_frame):
    """The TCP form of an RTU frame."""
    body = rtu_frame[:-2]
    return words(transaction, 0, len(body)) + body


class Peer:
    """A connection to a server, as the socket code drives it."""

    def __init__(self, bank=None, out=None):
        self.bank = bank or Bank()
        self.tcp = TcpServer(Server(self.bank, units=(1, 0xF7)), out)
        self.closed = False

    def send(self, data):
        """Everything that is answered to `data`."""
        answers = b""
        while data and not self.closed:
            space = self.tcp.space()
            n = min(len(space), len(data))
            space[:n] = data[:n]
            data = data[n:]
            self.tcp.received(n)
            answers += self._take()
        return answers

    def _take(self):
        answers = b""
        n = self.tcp.answer()
        while n > 0:
            answers += bytes(self.tcp.out[:n])
            n = self.tcp.answer()
        self.closed = n == CLOSE
        return answers


def test_server_answers_the_worked_frames():
    for why, request, answer in FRAMES:
        for size in (300, 1, 7):
            peer = Peer()
            got = b""
            for part in portions(adu(0xA55A, octets(request)), size):
                got += peer.send(part)
            assert got == adu(0xA55A, octets(answer)), (why, size)
            assert peer.tcp.pending() == 0, why


def test_server_keeps_the_tail_for_later():
    whole = b"".join([adu(i, octets(FRAMES[i][1])) for i in range(len(FRAMES))])
    expected = b"".join([adu(i, octets(FRAMES[i][2])) for i in range(len(FRAMES))])
    for size in (1, 2, 11, 64, 259, 260, 1000):
        peer = Peer()
        got = b"".join([peer.send(part) for part in portions(whole, size)])
        assert got == expected, size
        assert peer.tcp.answered == len(FRAMES)


def test_sixteen_requests_in_one_segment():
    request = octets("01 03 00 6B 00 03 74 17")
    answer = octets("01 03 06 02 2B 00 00 00 64 05 7A")
    peer = Peer()
    got = peer.send(b"".join([adu(i, request) for i in range(16)]))
    assert got == b"".join([adu(i, answer) for i in range(16)])


def test_one_output_buffer_for_two_connections():
    out = bytearray(300)
    bank = Bank()
    for address in range(125):
        bank.holding[1000 + address] = address
    first, second = Peer(bank, out), Peer(bank, out)
    request = words(7, 0, 6) + b"\x01\x03" + words(1000, 125)
    expected = words(7, 0, 253) + b"\x01\x03\xfa" + words(*range(125))
    assert first.send(request * 5) == expected * 5
    assert second.send(request) == expected


def test_largest_frames():
    bank = Bank()
    for address in range(2000):
        bank.holding[1000 + address] = 0
    peer = Peer(bank)
    data = bytes(range(246))
    request = words(1, 0, 253) + b"\x01\x10" + words(1000, 123) + b"\xf6" + data
    assert peer.send(request) == words(1, 0, 6) + b"\x01\x10" + words(1000, 123)
    body = b"\x01\x64" + bytes(252)
    assert peer.send(words(2, 0, 254) + body) == words(2, 0, 3) + b"\x01\xe4\x01"
    assert not peer.closed


# why, bytes; what was right before them is still answered
BROKEN_HEADERS = (
    ("protocol id 1", "00 10 00 01 00 06 01 03 00 6B 00 03"),
    ("protocol id 256", "00 10 01 00 00 06 01 03 00 6B 00 03"),
    ("length 0", "00 10 00 00 00 00 01"),
    ("length 0, nothing behind it", "00 10 00 00 00 00"),
    ("length 1: a unit and no function", "00 10 00 00 00 01 01"),
    ("length 255", "00 10 00 00 00 FF 01 03 00 6B 00 03"),
    ("length 256", "00 10 00 00 01 00 01 03 00 6B 00 03"),
    ("length 65535", "00 10 00 00 FF FF 01 03"),
)


def test_broken_headers_close_the_connection():
    good = adu(1, octets(FRAMES[4][1]))
    for why, data in BROKEN_HEADERS:
        for size in (300, 1):
            peer = Peer()
            got = b""
            for part in portions(good + octets(data), size):
                got += peer.send(part)
            assert got == adu(1, octets(FRAMES[4][2])), (why, size)
            assert peer.closed, why


def test_unit_ids():
    for unit in (0, 1, 255, 0xF7):
        got = Peer().send(words(1, 0, 6) + bytes((unit,)) + octets("03 00 6B 00 01"))
        assert got == words(1, 0, 5) + bytes((unit,)) + octets("03 02 02 2B"), unit
    got = Peer().send(words(1, 0, 6) + octets("02 03 00 6B 00 01"))
    assert got == words(1, 0, 3) + octets("02 83 0B")
    peer = Peer()
    peer.send(words(1, 0, 6) + octets("02 06 00 01 00 01"))
    assert peer.bank.writes == 0


def test_half_a_request_is_pending():
    peer = Peer()
    request = adu(9, octets(FRAMES[4][1]))
    assert peer.send(request[:5]) == b"" and peer.tcp.pending() == 5
    assert peer.send(request[5:] + request[:3]) == adu(9, octets(FRAMES[4][2]))
    assert peer.tcp.pending() == 3


READ_3 = Request(1, 3, 107, 3)
READ_3_BODY = octets("01 03 06 02 2B 00 00 00 64")


def answer_with(transaction, body=READ_3_BODY, protocol=0, length=None):
    return words(transaction, protocol, len(body) if length is None else length) + body


def test_client_asks_and_understands():
    for size in (300, 1, 5):
        client = TcpClient()
        assert bytes(client.encode(READ_3)) == octets("00 01 00 00 00 06 01 03 00 6B 00 03")
        verdict = WAITING
        for part in portions(answer_with(1), size):
            assert verdict == WAITING
            verdict = client.receive(part, len(part))
        assert verdict == 0 and bytes(client.data) == words(555, 0, 100)
        assert client.late == client.frame_errors == 0
    write = Request(0xFF, 16, 1, 2, octets("00 0A 01 02"))
    sent = octets("00 02 00 00 00 0B FF 10 00 01 00 02 04 00 0A 01 02")
    assert bytes(client.encode(write)) == sent
    answer = answer_with(2, octets("FF 10 00 01 00 02"))
    assert client.receive(answer, len(answer)) == 0 and client.data is None
    client.encode(READ_3)
    answer = answer_with(3, octets("01 83 0B"))
    assert client.receive(answer, len(answer)) == 11


# why, what arrives after request 1, verdict, late, frame errors
ANSWERS = (
    ("another id", answer_with(0), WAITING, 1, 0),
    ("a late answer, then ours", answer_with(0xFFFF) + answer_with(1), 0, 1, 0),
    ("ours, then another", answer_with(1) + answer_with(1), 0, 1, 0),
    ("a tail", answer_with(1) + b"\x00\x02", 0, 0, 0),
    ("another unit", answer_with(1, octets("02 03 06 02 2B 00 00 00 64")), WAITING, 0, 1),
    ("another function", answer_with(1, octets("01 04 06 02 2B 00 00 00 64")), WAITING, 0, 1),
    ("another byte count", answer_with(1, octets("01 03 04 02 2B 00 00")), WAITING, 0, 1),
    ("count and length disagree", answer_with(1, octets("01 03 06 02 2B 00 00")), WAITING, 0, 1),
    ("protocol id 1", answer_with(1, protocol=1), BROKEN, 0, 1),
    ("length 0", answer_with(1, length=0), BROKEN, 0, 1),
    ("length 1", answer_with(1, length=1), BROKEN, 0, 1),
    ("length 255", answer_with(1, length=255), BROKEN, 0, 1),
    ("length 9000", answer_with(1, length=9000), BROKEN, 0, 1),
)


def test_client_and_answers_that_are_not_right():
    for why, heard, verdict, late, frame_errors in ANSWERS:
        for size in (300, 1, 8):
            client = TcpClient()
            client.encode(READ_3)
            got = WAITING
            for part in portions(heard, size):
                said = client.receive(part, len(part))
                got = said if said != WAITING else got
            assert got == verdict, (why, size)
            assert (client.late, client.frame_errors) == (late, frame_errors), why
            if verdict == BROKEN:
                assert client.receive(answer_with(1), 15) == BROKEN, why
            client.reset()
            client.encode(READ_3)
            assert client.receive(answer_with(2), 15) == 0, why


def test_client_that_forgot_takes_no_answer():
    client = TcpClient()
    client.encode(READ_3)
    assert client.receive(answer_with(1), 9) == WAITING
    client.forget()
    assert client.receive(answer_with(1)[9:], 6) == WAITING
    client.encode(READ_3)
    client.forget()
    assert client.receive(answer_with(2), 15) == WAITING
    client.encode(READ_3)
    assert client.receive(answer_with(3), 15) == 0


def test_transaction_ids_wrap_at_16_bits():
    client = TcpClient()
    for _ in range(0xFFFF):
        client.encode(READ_3)
    assert bytes(client.encode(READ_3)[:2]) == b"\x00\x00"
    assert client.receive(answer_with(0), 15) == 0
    assert bytes(client.encode(READ_3)[:2]) == b"\x00\x01"


def test_full_size_answer():
    client = TcpClient()
    client.encode(Request(1, 4, 0, 125))
    body = b"\x01\x04\xfa" + words(*range(125))
    frame = answer_with(1, body) + answer_with(7, bytes(254))
    assert client.receive(frame, len(frame)) == 0
    assert bytes(client.data) == words(*range(125)) and client.late == 1
