"""Properties of the Modbus ring: nothing raises, framing changes nothing, a plain model agrees."""

import struct

from hypothesis import given, strategies as st

from bess.protocols import modbus_rtu
from bess.protocols.modbus import WAITING, Server
from bess.protocols.modbus_rtu import RtuClient
from bess.protocols.modbus_tcp import CLOSE, TcpClient, TcpServer
from bess.protocols.rtu_server import RtuServer
from bess.protocols.transactions import Request
from host_tests.protocols.frames import Bank, answer_of

SIZE = 300


def bank():
    """A bank whose tables are whole from 0 to SIZE and have an end."""
    made = Bank()
    made.holding = {i: (i * 257) & 0xFFFF for i in range(SIZE)}
    made.input = {i: (i * 31) & 0xFFFF for i in range(SIZE)}
    made.coils = {i: i % 3 == 0 for i in range(SIZE)}
    made.inputs = {i: i % 5 == 0 for i in range(SIZE)}
    return made


# The model: written from the rules, one function code after the other, with none of our code


def model_answer(tables, pdu):
    """(answer, tables afterwards) for a request PDU, as the specification has it."""
    holding, inputs, coils, discrete = tables
    try:
        return _model(holding, inputs, coils, discrete, pdu)
    except ModelError as refused:
        return bytes((pdu[0] | 0x80, refused.code))


class ModelError(Exception):
    def __init__(self, code):
        super().__init__(code)
        self.code = code


def _need(condition, code):
    if not condition:
        raise ModelError(code)


def _slice(table, address, count):
    _need(address + count <= len(table), 2)
    return slice(address, address + count)


def _model(holding, inputs, coils, discrete, pdu):
    fc, body = pdu[0], pdu[1:]
    if fc in (1, 2):
        _need(len(body) == 4, 3)
        address, count = struct.unpack(">HH", body)
        _need(1 <= count <= 2000, 3)
        table = coils if fc == 1 else discrete
        bits = table[_slice(table, address, count)]
        packed = sum(bit << i for i, bit in enumerate(bits)).to_bytes((count + 7) // 8, "little")
        return bytes((fc, len(packed))) + packed
    if fc in (3, 4):
        _need(len(body) == 4, 3)
        address, count = struct.unpack(">HH", body)
        _need(1 <= count <= 125, 3)
        table = holding if fc == 3 else inputs
        values = table[_slice(table, address, count)]
        return struct.pack(f">BB{count}H", fc, 2 * count, *values)
    if fc == 5:
        _need(len(body) == 4, 3)
        address, value = struct.unpack(">HH", body)
        _need(value in (0, 0xFF00), 3)
        coils[_slice(coils, address, 1)] = [value != 0]
        return pdu
    if fc == 6:
        _need(len(body) == 4, 3)
        address, value = struct.unpack(">HH", body)
        holding[_slice(holding, address, 1)] = [value]
        return pdu
    if fc == 15:
        _need(len(body) >= 5, 3)
        address, count, size = struct.unpack(">HHB", body[:5])
        _need(1 <= count <= 1968 and size == (count + 7) // 8 == len(body) - 5, 3)
        number = int.from_bytes(body[5:], "little")
        coils[_slice(coils, address, count)] = [bool(number >> i & 1) for i in range(count)]
        return pdu[:5]
    if fc == 16:
        _need(len(body) >= 5, 3)
        address, count, size = struct.unpack(">HHB", body[:5])
        _need(1 <= count <= 123 and size == 2 * count == len(body) - 5, 3)
        holding[_slice(holding, address, count)] = struct.unpack(f">{count}H", body[5:])
        return pdu[:5]
    if fc == 22:
        _need(len(body) == 6, 3)
        address, mask_and, mask_or = struct.unpack(">HHH", body)
        place = _slice(holding, address, 1)
        holding[place] = [holding[address] & mask_and | mask_or & (0xFFFF ^ mask_and)]
        return pdu
    _need(fc == 23, 1)
    _need(len(body) >= 9, 3)
    address, count, target, writes, size = struct.unpack(">HHHHB", body[:9])
    _need(1 <= count <= 125 and 1 <= writes <= 121 and size == 2 * writes == len(body) - 9, 3)
    place, where = _slice(holding, address, count), _slice(holding, target, writes)
    holding[where] = struct.unpack(f">{writes}H", body[9:])
    return struct.pack(f">BB{count}H", fc, 2 * count, *holding[place])


def u16(most=0xFFFF):
    """Numbers near the ends and near the size of the tables, and any others."""
    return st.one_of(st.sampled_from((0, 1, 2, SIZE - 2, SIZE - 1, SIZE, 0xFFFE, 0xFFFF)),
                     st.integers(0, most))


@st.composite
def requests(draw):
    """Request PDUs, most of them nearly right."""
    fc = draw(st.sampled_from((1, 2, 3, 4, 5, 6, 15, 16, 22, 23)))
    address = draw(st.one_of(st.integers(0, SIZE), u16()))
    if fc <= 4:
        count = draw(st.one_of(st.integers(0, 130), st.sampled_from((2000, 2001)), u16()))
        return struct.pack(">BHH", fc, address, count)
    if fc in (5, 6):
        return struct.pack(">BHH", fc, address, draw(st.sampled_from((0, 1, 0xFF00, 0xFFFF))))
    if fc == 22:
        return struct.pack(">BHHH", fc, address, draw(u16()), draw(u16()))
    if fc == 15:
        count = draw(st.integers(0, 1968))
        data = draw(st.binary(min_size=(count + 7) // 8, max_size=(count + 7) // 8))
        return struct.pack(">BHHB", fc, address, count, len(data)) + data
    count = draw(st.integers(0, 121 if fc == 23 else 123))
    data = draw(st.binary(min_size=2 * count, max_size=2 * count))
    if fc == 16:
        return struct.pack(">BHHB", fc, address, count, len(data)) + data
    head = struct.pack(">BHHHHB", fc, draw(u16()), draw(st.integers(0, 126)), address, count,
                       len(data))
    return head + data


@st.composite
def damaged(draw):
    """A request PDU with a byte changed, cut or added."""
    pdu = bytearray(draw(requests()))
    kind = draw(st.integers(0, 2))
    at = draw(st.integers(0, len(pdu) - 1))
    if kind == 0:
        pdu[at] = draw(st.integers(0, 255))
    elif kind == 1:
        pdu = pdu[:max(1, at)]
    else:
        pdu += draw(st.binary(min_size=1, max_size=3))
    return bytes(pdu[:253])


@given(st.lists(st.one_of(requests(), damaged()), min_size=1, max_size=6))
def test_the_server_is_the_model(pdus):
    ours = bank()
    server = Server(ours)
    tables = tuple(list(table.values()) for table in (
        ours.holding, ours.input, ours.coils, ours.inputs))
    for pdu in pdus:
        if pdu[0] == 43:
            continue
        assert answer_of(server, pdu) == model_answer(tables, pdu), pdu.hex()
        assert list(ours.holding.values()) == tables[0]
        assert [bool(coil) for coil in ours.coils.values()] == tables[2]


@given(st.binary(min_size=1, max_size=253))
def test_any_pdu_is_answered_within_bounds(pdu):
    answer = answer_of(Server(bank()), pdu)
    assert 2 <= len(answer) <= 253 and answer[0] & 0x7F == pdu[0] & 0x7F


def cut(data, sizes):
    """`data` in portions of the given sizes, repeated."""
    at, i = 0, 0
    while at < len(data):
        size = sizes[i % len(sizes)]
        yield data[at:at + size]
        at += size
        i += 1


SIZES = st.lists(st.integers(1, 300), min_size=1, max_size=4)


def tcp_answers(connection, data, sizes):
    """All answers of a TcpServer to a stream, and whether it closed."""
    answers, n = b"", 0
    for part in cut(data, sizes):
        while part and n != CLOSE:
            space = connection.space()
            taken = part[:len(space)]
            space[:len(taken)] = taken
            part = part[len(taken):]
            connection.received(len(taken))
            n = connection.answer()
            while n > 0:
                answers += bytes(connection.out[:n])
                n = connection.answer()
    return answers, n == CLOSE


def rtu_answers(line, data, sizes):
    """All answers of an RtuServer to bytes that come 1 ms apart, then silence."""
    answers, now_ms = [], 0
    for part in cut(data, sizes):
        line.receive(part, len(part), now_ms)
        now_ms += 1
    for _ in range(30):
        now_ms += line.wait_ms(now_ms)
        frame = line.poll(now_ms)
        if frame is not None:
            answers.append(bytes(frame))
    return answers


@given(st.lists(requests(), min_size=1, max_size=8), SIZES)
def test_tcp_framing_changes_nothing(pdus, sizes):
    stream = b"".join(struct.pack(">HHHB", i, 0, len(pdu) + 1, 255) + pdu
                      for i, pdu in enumerate(pdus))
    answers, closed = tcp_answers(TcpServer(Server(bank())), stream, sizes)
    direct = Server(bank())
    expected = b""
    for i, pdu in enumerate(pdus):
        answer = answer_of(direct, pdu)
        expected += struct.pack(">HHHB", i, 0, len(answer) + 1, 255) + answer
    assert answers == expected and not closed


def crc(frame):
    value = 0xFFFF
    for byte in frame:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return struct.pack("<H", value)


@given(requests(), SIZES, st.binary(max_size=5))
def test_rtu_framing_changes_nothing(pdu, sizes, noise):
    frame = b"\x01" + pdu
    frame += crc(frame)
    if noise[:1] in (b"\x00", b"\x01"):
        noise = b""         # could be the head of a longer frame that swallows ours
    answers = rtu_answers(RtuServer(Server(bank())), noise + frame, sizes)
    answer = b"\x01" + answer_of(Server(bank()), pdu)
    assert answers == [answer + crc(answer)]


@given(st.binary(max_size=600), SIZES)
def test_servers_survive_anything(data, sizes):
    rtu_answers(RtuServer(Server(bank())), data, sizes)
    tcp_answers(TcpServer(Server(bank())), data, sizes)
    head = struct.pack(">HHH", 1, 0, max(2, min(254, len(data))))
    tcp_answers(TcpServer(Server(bank())), head + data, sizes)


NOISE = (
    # why, bytes
    ("nothing of ours", bytes(range(2, 255)) * 3),
    ("zeros", bytes(512)),
    ("our unit id", b"\x01" * 512),
    ("foreign heads that ask for patience", b"\x02\x03\xf0" * 170),
)


def test_noise_costs_little():
    """A full buffer of noise costs no more than a few dozen frames, not the square of its size."""
    counted = [0]

    def crc16(data, start, end):
        counted[0] += end - start
        return real(data, start, end)

    real = modbus_rtu.crc16
    modbus_rtu.crc16 = crc16
    try:
        for why, noise in NOISE:
            counted[0] = 0
            rtu_answers(RtuServer(Server(bank())), noise, [64])
            assert counted[0] <= 10 * len(noise), (why, counted)
    finally:
        modbus_rtu.crc16 = real


@given(st.binary(max_size=600), SIZES, st.booleans())
def test_clients_survive_anything(data, sizes, echo):
    for client in (RtuClient(echo), TcpClient()):
        request = Request(1, 3, 0, 4)
        client.encode(request)
        for part in cut(data, sizes):
            client.receive(part, len(part))
        client.reset()
        client.encode(request)
        assert client.receive(b"", 0) == WAITING


@st.composite
def questions(draw):
    """Requests that the client can make and the bank can answer or refuse."""
    fc = draw(st.sampled_from((1, 2, 3, 4, 5, 6, 15, 16, 22)))
    most = {1: 2000, 2: 2000, 3: 125, 4: 125, 15: 1968, 16: 123}.get(fc, 1)
    count = draw(st.integers(1, most))
    size = {5: 2, 6: 2, 22: 4, 15: (count + 7) // 8, 16: 2 * count}.get(fc, 0)
    data = draw(st.binary(min_size=size, max_size=size)) if size else None
    if fc == 5:
        data = draw(st.sampled_from((b"\xff\x00", b"\x00\x00")))
    return Request(1, fc, draw(st.integers(0, SIZE)), count, data)


def heard(client, data, sizes):
    """What the client says to an answer in portions."""
    verdict = WAITING
    for part in cut(data, sizes):
        assert verdict == WAITING
        verdict = client.receive(part, len(part))
    return verdict


@given(st.lists(questions(), min_size=1, max_size=5), SIZES)
def test_question_and_answer_over_both_transports(asked, sizes):
    direct, rtu, tcp = Server(bank()), RtuServer(Server(bank())), TcpServer(Server(bank()))
    rtu_client, tcp_client = RtuClient(), TcpClient()
    for request in asked:
        frame = bytes(rtu_client.encode(request))
        answer = answer_of(direct, frame[1:-2])
        expected = answer[1] if answer[0] & 0x80 else 0
        data = answer[2:] if request.fc <= 4 and not expected else None
        assert heard(rtu_client, rtu_answers(rtu, frame, sizes)[0], sizes) == expected
        stream, _ = tcp_answers(tcp, bytes(tcp_client.encode(request)), sizes)
        assert heard(tcp_client, stream, sizes) == expected
        if not expected:
            for client in (rtu_client, tcp_client):
                assert (None if client.data is None else bytes(client.data)) == data
