"""An independent stack agrees: pymodbus reads what we send, we read what it sends."""

from hypothesis import given, settings, strategies as st
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse
from pymodbus.pdu import bit_message as bits, mei_message as mei, register_message as regs

from bess.protocols.modbus import Server
from bess.protocols.modbus_rtu import RtuClient
from bess.protocols.modbus_tcp import TcpClient, TcpServer
from bess.protocols.rtu_server import RtuServer
from bess.protocols.transactions import Request
from host_tests.protocols.frames import Bank

RTU, TCP = 0, 1
FRAMERS = (FramerRTU, FramerSocket)
CLIENTS = (RtuClient, TcpClient)


def parse(transport, frame, is_server):
    """The message that pymodbus finds in a frame; it has to use the frame up."""
    used, message = FRAMERS[transport](DecodePDU(is_server)).handleFrame(frame, 0, 0)
    assert used == len(frame) and message is not None, frame.hex()
    return message


def our_answer(transport, frame, bank):
    """What our server says to a frame of pymodbus."""
    if transport == RTU:
        line = RtuServer(Server(bank))
        line.receive(frame, len(frame), 0)
        return bytes(line.poll(line.wait_ms(0)))
    connection = TcpServer(Server(bank))
    connection.space()[:len(frame)] = frame
    connection.received(len(frame))
    return bytes(connection.out[:connection.answer()])


def bank():
    made = Bank()
    made.holding = {i: i * 7 & 0xFFFF for i in range(200)}
    made.input = {i: i * 11 & 0xFFFF for i in range(200)}
    made.coils = {i: i % 3 == 0 for i in range(200)}
    made.inputs = {i: i % 5 == 0 for i in range(200)}
    return made


TRANSPORTS = st.sampled_from((RTU, TCP))


@given(TRANSPORTS, st.integers(1, 247), st.sampled_from((1, 2, 3, 4)), st.integers(0, 65410),
       st.integers(1, 125))
def test_pymodbus_reads_our_read_requests(transport, unit, fc, address, count):
    client = CLIENTS[transport]()
    message = parse(transport, bytes(client.encode(Request(unit, fc, address, count))), True)
    assert (message.dev_id, message.function_code) == (unit, fc)
    assert (message.address, message.count) == (address, count)


@given(TRANSPORTS, st.integers(0, 65000), st.lists(st.integers(0, 65535), min_size=1,
                                                   max_size=123))
def test_pymodbus_reads_our_register_writes(transport, address, values):
    data = b"".join(value.to_bytes(2, "big") for value in values)
    client = CLIENTS[transport]()
    request = Request(5, 16, address, len(values), data)
    message = parse(transport, bytes(client.encode(request)), True)
    assert (message.function_code, message.address) == (16, address)
    assert list(message.registers) == values
    message = parse(transport, bytes(client.encode(Request(5, 6, address, 1, data[:2]))), True)
    assert (message.function_code, message.registers) == (6, values[:1])


@given(TRANSPORTS, st.integers(0, 60000), st.lists(st.booleans(), min_size=1, max_size=200))
def test_pymodbus_reads_our_coil_writes(transport, address, values):
    number = sum(bit << i for i, bit in enumerate(values))
    data = number.to_bytes((len(values) + 7) // 8, "little")
    client = CLIENTS[transport]()
    request = Request(5, 15, address, len(values), data)
    message = parse(transport, bytes(client.encode(request)), True)
    assert (message.address, message.bits[:len(values)]) == (address, values)
    coil = Request(5, 5, address, 1, b"\xff\x00" if values[0] else b"\x00\x00")
    message = parse(transport, bytes(client.encode(coil)), True)
    assert (message.address, message.bits[0]) == (address, values[0])


@given(TRANSPORTS, st.integers(0, 210), st.integers(1, 125))
def test_pymodbus_and_our_server_read_registers(transport, address, count):
    for kind, table in ((regs.ReadHoldingRegistersRequest, "holding"),
                        (regs.ReadInputRegistersRequest, "input")):
        ours = bank()
        question = kind(address=address, count=count, dev_id=1, transaction_id=77)
        frame = FRAMERS[transport](DecodePDU(False)).buildFrame(question)
        message = parse(transport, our_answer(transport, frame, ours), False)
        assert message.dev_id == 1
        if address + count <= 200:
            values = getattr(ours, table)
            assert message.registers == [values[address + i] for i in range(count)]
        else:
            assert isinstance(message, ExceptionResponse) and message.exception_code == 2


@given(TRANSPORTS, st.integers(0, 210), st.integers(1, 200))
def test_pymodbus_and_our_server_read_bits(transport, address, count):
    for kind, table in ((bits.ReadCoilsRequest, "coils"),
                        (bits.ReadDiscreteInputsRequest, "inputs")):
        ours = bank()
        question = kind(address=address, count=count, dev_id=1, transaction_id=77)
        frame = FRAMERS[transport](DecodePDU(False)).buildFrame(question)
        message = parse(transport, our_answer(transport, frame, ours), False)
        if address + count <= 200:
            values = getattr(ours, table)
            got = message.bits
            assert got[:count] == [values[address + i] for i in range(count)]
            assert not any(got[count:]), "unused bits are 0"
        else:
            assert message.exception_code == 2


@given(TRANSPORTS, st.integers(0, 150), st.lists(st.integers(0, 65535), min_size=1, max_size=50))
def test_pymodbus_writes_into_our_server(transport, address, values):
    ours = bank()
    count = len(values)
    messages = (
        regs.WriteMultipleRegistersRequest(address=address, registers=values, dev_id=1),
        regs.WriteSingleRegisterRequest(address=address, registers=values[:1], dev_id=1),
        regs.ReadWriteMultipleRegistersRequest(
            read_address=address, read_count=count, write_address=address,
            write_registers=values, dev_id=1),
        bits.WriteMultipleCoilsRequest(
            address=address, bits=[value & 1 == 1 for value in values], dev_id=1),
        bits.WriteSingleCoilRequest(address=address, bits=[True], dev_id=1),
    )
    for question in messages:
        frame = FRAMERS[transport](DecodePDU(False)).buildFrame(question)
        message = parse(transport, our_answer(transport, frame, ours), False)
        assert message.function_code == question.function_code, message
    assert [ours.holding[address + i] for i in range(count)] == values
    assert ours.coils[address] == 1
    assert [ours.coils[address + i] for i in range(1, count)] == [v & 1 for v in values[1:]]


@settings(max_examples=5)
@given(TRANSPORTS)
def test_pymodbus_reads_our_identity(transport):
    question = mei.ReadDeviceInformationRequest(read_code=1, object_id=0, dev_id=1)
    frame = FRAMERS[transport](DecodePDU(False)).buildFrame(question)
    message = parse(transport, our_answer(transport, frame, bank()), False)
    assert message.information == {0: b"ACME", 1: b"EMS1", 2: b"1.0"}


@given(TRANSPORTS, st.lists(st.integers(0, 65535), min_size=1, max_size=125))
def test_we_read_the_answers_of_pymodbus(transport, values):
    client = CLIENTS[transport]()
    client.encode(Request(9, 3, 4, len(values)))
    answer = regs.ReadHoldingRegistersResponse(registers=values, dev_id=9, transaction_id=1)
    frame = FRAMERS[transport](DecodePDU(True)).buildFrame(answer)
    assert client.receive(frame, len(frame)) == 0
    assert bytes(client.data) == b"".join(value.to_bytes(2, "big") for value in values)
    client.encode(Request(9, 3, 4, len(values)))
    answer = ExceptionResponse(3, 6, device_id=9, transaction=2)
    frame = FRAMERS[transport](DecodePDU(True)).buildFrame(answer)
    assert client.receive(frame, len(frame)) == 6
