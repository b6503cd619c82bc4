"""The Modbus TCP server in the real MicroPython against raw bytes and independent clients."""

import shutil
import signal
import socket
import struct
import subprocess
import time

import pytest
from pymodbus.client import ModbusTcpClient

from host_tests.e2e.modbus_peer import (
    ANSWER_S, ENVIRONMENT, PROGRAM, adu, answer, ask, connect, read_pdu, registers, server,
    write_pdu,
)
from tools.mpy_run import interpreter


@pytest.fixture(scope="module")
def port():
    with server() as (number, _):
        yield number


@pytest.fixture
def sock(port):
    with connect(port) as connected:
        yield connected


# Framing


def test_request_byte_by_byte(sock):
    for byte in adu(read_pdu(5, 3), transaction=77):
        sock.sendall(bytes([byte]))
        time.sleep(0.002)
    assert answer(sock) == (77, 1, registers(5, 3))


def test_sixteen_pipelined_requests_are_answered_in_order(sock):
    sock.sendall(b"".join(adu(read_pdu(n, n + 1), transaction=n) for n in range(16)))
    for n in range(16):
        assert answer(sock) == (n, 1, registers(n, n + 1))


def test_sixteen_pipelined_largest_answers(sock):
    sock.sendall(b"".join(adu(read_pdu(n, 125), transaction=n) for n in range(16)))
    for n in range(16):
        assert answer(sock) == (n, 1, registers(n, 125))


def test_requests_cut_anywhere(sock):
    wire = adu(read_pdu(1, 2), transaction=1) + adu(write_pdu(100, range(100, 223)), transaction=2)
    wire += adu(read_pdu(3, 4), transaction=3)
    for cut in (1, 6, 7, 11, 12, 13, 18, 25, 150, 263, 270, len(wire) - 1):
        sock.sendall(wire[:cut])
        time.sleep(0.005)
        sock.sendall(wire[cut:])
        assert answer(sock) == (1, 1, registers(1, 2)), cut
        # register 200 cannot be written: the largest request is whole, its answer an exception
        assert answer(sock) == (2, 1, bytes([0x90, 2])), cut
        assert answer(sock) == (3, 1, registers(3, 4)), cut


def test_largest_write_and_read_back(sock):
    values = [0xA000 + n for n in range(123)]
    assert len(write_pdu(10, values)) == 252
    assert ask(sock, write_pdu(10, values)) == (1, 1, struct.pack(">BHH", 16, 10, 123))
    expected = bytes([3, 246]) + struct.pack(">123H", *values)
    assert ask(sock, read_pdu(10, 123)) == (1, 1, expected)
    assert ask(sock, write_pdu(10, range(10, 133)))[2][0] == 16


def test_pdu_of_253_bytes(sock):
    # FC 23 with 121 registers is the longest request there is: 10 + 242 bytes; one more is padding
    pdu = struct.pack(">BHHHHB", 23, 0, 1, 10, 121, 242) + struct.pack(">121H", *range(10, 131))
    assert ask(sock, pdu)[2] == bytes([23, 2, 0, 0])
    assert ask(sock, pdu + b"\0")[2] == bytes([0x97, 3])
    assert len(pdu + b"\0") == 253
    assert ask(sock, read_pdu(0, 1)) == (1, 1, registers(0, 1))


CLOSING_HEADERS = (
    # protocol, length, why
    (1, 6, "protocol id"),
    (0xFFFF, 6, "protocol id"),
    (0, 0, "length without a unit id"),
    (0, 1, "length without a PDU"),
    (0, 255, "longer than any frame"),
    (0, 0xFFFF, "longer than any frame"),
)


@pytest.mark.parametrize(("protocol", "length", "why"), CLOSING_HEADERS)
def test_impossible_header_closes_the_connection(port, protocol, length, why):
    with connect(port) as sock:
        sock.sendall(adu(read_pdu(), protocol=protocol, length=length))
        assert answer(sock) is None, why


def test_good_requests_before_an_impossible_header_are_answered(port):
    with connect(port) as sock:
        sock.sendall(adu(read_pdu(1, 1), transaction=9) + adu(read_pdu(), protocol=1))
        assert answer(sock) == (9, 1, registers(1, 1))
        assert answer(sock) is None


UNITS = (
    # unit, expected PDU, why
    (0, registers(0, 1), "the device itself"),
    (1, registers(0, 1), "the device's own id"),
    (255, registers(0, 1), "the device itself"),
    (2, bytes([0x83, 0x0B]), "nobody of that id behind us"),
)


@pytest.mark.parametrize(("unit", "expected", "why"), UNITS)
def test_unit_ids(sock, unit, expected, why):
    assert ask(sock, read_pdu(0, 1), unit=unit) == (1, unit, expected), why


EXCEPTIONS = (
    # pdu, code, why
    (read_pdu(299, 2), 2, "one past the map"),
    (read_pdu(0xFFFF, 2), 2, "no wrap at 65535"),
    (read_pdu(0, 0), 3, "quantity 0"),
    (read_pdu(0, 126), 3, "quantity over 125"),
    (bytes([0x41]), 1, "unknown function"),
    (bytes([3]), 3, "short PDU"),
    (struct.pack(">BHH", 6, 200, 1), 2, "read-only register"),
    (write_pdu(199, (1, 2)), 2, "block partly read-only"),
    (write_pdu(0, (1,))[:-1], 3, "byte count does not fit"),
)


@pytest.mark.parametrize(("pdu", "code", "why"), EXCEPTIONS)
def test_exceptions(sock, pdu, code, why):
    assert ask(sock, pdu) == (1, 1, bytes([pdu[0] | 0x80, code])), why
    assert ask(sock, read_pdu(199, 2)) == (1, 1, registers(199, 2)), "nothing was written"


# Permission


def test_writes_are_refused_without_permission():
    with server(writes="none") as (number, _), connect(number) as sock:
        for pdu in (write_pdu(1, (7,)), struct.pack(">BHH", 6, 1, 7)):
            assert ask(sock, pdu) == (1, 1, bytes([pdu[0] | 0x80, 1]))
        assert ask(sock, read_pdu(1, 1)) == (1, 1, registers(1, 1))


# Independent clients


def test_pymodbus_client(port):
    client = ModbusTcpClient("127.0.0.1", port=port, timeout=ANSWER_S)
    assert client.connect()
    try:
        assert client.read_holding_registers(3, count=125).registers == list(range(3, 128))
        assert client.read_input_registers(1, count=2).registers == [0, 0]
        assert not client.write_registers(50, list(range(500, 623))).isError()
        assert client.read_holding_registers(50, count=123).registers == list(range(500, 623))
        assert not client.write_register(50, 50).isError()
        assert not client.write_registers(50, list(range(50, 173))).isError()
        assert client.read_holding_registers(300, count=1).exception_code == 2
        assert client.read_holding_registers(0, count=1, device_id=9).exception_code == 0x0B
        assert client.read_device_information().information[0] == b"test"
    finally:
        client.close()


@pytest.mark.skipif(shutil.which("mbpoll") is None, reason="mbpoll is not installed")
def test_mbpoll(port):
    command = ["mbpoll", "-m", "tcp", "-p", str(port), "-a", "1", "-0", "-r", "20", "-c", "3"]
    command += ["-1", "127.0.0.1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    assert done.returncode == 0, done.stdout + done.stderr
    for n in (20, 21, 22):
        assert f"[{n}]: \t{n}" in done.stdout


# The process


def test_ctrl_c_ends_the_server():
    with server() as (number, process):
        with connect(number) as sock:
            assert ask(sock, read_pdu(0, 1)) is not None
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=5) != 0
            assert "KeyboardInterrupt" in process.stdout.read()
        process.poll = lambda: None


def test_taken_port_is_an_error():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [interpreter(), str(PROGRAM)]
        command += [str(taken.getsockname()[1]), "1", "none", "1000", "1000"]
        done = subprocess.run(command, env=ENVIRONMENT,
                              capture_output=True, text=True, timeout=10)
    assert "EADDRINUSE" in done.stdout + done.stderr
