"""The Modbus TCP server in the real MicroPython against raw bytes and independent clients."""

import os
import resource
import shutil
import signal
import socket
import struct
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient

from tools.bench.modbus_load import measure
from tools.mpy_run import interpreter

HERE = Path(__file__).parent
FIRMWARE = HERE.parent.parent / "firmware"
ANSWER_S = 2.0
READY_S = 10


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def server(places=8, writes="loopback", idle_ms=600000, stuck_ms=600000, files=None):
    """A running server: yields (port, process). `files` limits its open files."""
    port = free_port()
    command = [interpreter(), "-X", "heapsize=112wK", str(HERE / "modbus_server_program.py")]
    command += [str(word) for word in (port, places, writes, idle_ms, stuck_ms)]
    limit = (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))) if files else None
    process = subprocess.Popen(
        command, env={"MICROPYPATH": str(FIRMWARE) + ":.frozen"}, preexec_fn=limit,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        wait_for_port(port)
        yield port, process
        assert process.poll() is None, process.stdout.read()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def wait_for_port(port):
    end_s = time.monotonic() + READY_S
    while time.monotonic() < end_s:
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise AssertionError("the server does not listen")


def connect(port):
    sock = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def adu(pdu, transaction=1, unit=1, protocol=0, length=None):
    length = len(pdu) + 1 if length is None else length
    return struct.pack(">HHHB", transaction, protocol, length, unit) + pdu


def read_pdu(address=0, count=10, fc=3):
    return struct.pack(">BHH", fc, address, count)


def write_pdu(address, values):
    words = struct.pack(f">{len(values)}H", *values)
    return struct.pack(">BHHB", 16, address, len(values), len(words)) + words


def take(sock, size):
    data = b""
    while len(data) < size:
        got = sock.recv(size - len(data))
        if not got:
            break
        data += got
    return data


def answer(sock):
    """One whole answer as (transaction, unit, pdu); None when the server closes."""
    try:
        head = take(sock, 7)
        if len(head) < 7:
            return None
        transaction, protocol, length, unit = struct.unpack(">HHHB", head)
        assert protocol == 0
        return transaction, unit, take(sock, length - 1)
    except ConnectionResetError:
        return None


def registers(first, count):
    return bytes([3, 2 * count]) + struct.pack(f">{count}H", *range(first, first + count))


def ask(sock, pdu, **options):
    sock.sendall(adu(pdu, **options))
    return answer(sock)


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


# Many clients


def test_eight_clients_at_once_are_served_alike(port):
    load = measure("127.0.0.1", port, clients=8, seconds=0.5)
    assert min(load.per_client) > 0.3 * max(load.per_client)


def test_control_goes_on_under_load(sock, port):
    def steps():
        return struct.unpack(">H", ask(sock, read_pdu(0, 1, fc=4))[2][2:])[0]

    begun, begun_s = steps(), time.monotonic()
    measure("127.0.0.1", port, clients=4, seconds=0.5)
    spent_ms = 1000 * (time.monotonic() - begun_s)
    assert (steps() - begun) % 0x10000 > spent_ms / 10 * 0.5


def test_oldest_idle_connection_gives_way():
    with server(places=3) as (number, _):
        socks = [connect(number) for _ in range(3)]
        for n in (0, 1, 2, 0):      # now the second one is the longest silent
            assert ask(socks[n], read_pdu(0, 1)) is not None
            time.sleep(0.02)
        socks.append(connect(number))
        assert ask(socks[3], read_pdu(0, 1)) is not None
        assert answer(socks[1]) is None
        for n in (0, 2, 3):
            assert ask(socks[n], read_pdu(0, 1)) is not None, n
        for each in socks:
            each.close()


def test_a_hundred_silent_connections_harm_nobody():
    with server() as (number, _):
        crowd = [connect(number) for _ in range(100)]
        with connect(number) as sock:
            for _ in range(50):
                assert ask(sock, read_pdu(0, 10)) == (1, 1, registers(0, 10))
        for each in crowd:
            each.close()


def test_half_open_connection_is_closed():
    with server(stuck_ms=300) as (number, _), connect(number) as stuck, connect(number) as good:
        stuck.sendall(adu(read_pdu())[:5])
        begun_s = time.monotonic()
        assert answer(stuck) is None
        assert 0.2 < time.monotonic() - begun_s < 2
        assert ask(good, read_pdu(0, 1)) is not None, "idle is not stuck"


def test_idle_connection_is_closed():
    with server(idle_ms=300) as (number, _), connect(number) as idle:
        assert ask(idle, read_pdu(0, 1)) is not None
        assert answer(idle) is None


def stall(sock):
    """Send requests and take no answer until the server stops reading."""
    sock.setblocking(False)
    wire = b"".join(adu(read_pdu(0, 125), transaction=n) for n in range(100))
    sent, deadline_s = 0, time.monotonic() + 5
    blocked_s = None
    while time.monotonic() < deadline_s:
        try:
            sent += sock.send(wire[sent % len(wire):])
            blocked_s = None
        except BlockingIOError:
            now_s = time.monotonic()
            blocked_s = blocked_s or now_s
            if now_s - blocked_s > 0.3:
                sock.settimeout(ANSWER_S)
                return sent
            time.sleep(0.01)
    raise AssertionError("the server reads on without being read")


def stalling(number):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    sock.settimeout(ANSWER_S)
    sock.connect(("127.0.0.1", number))
    return sock


def cpu_s(process):
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_stalled_client_harms_nobody_and_is_served_later():
    with server() as (number, process), stalling(number) as stalled, connect(number) as good:
        asked = stall(stalled) // 12
        before_s = cpu_s(process)
        for _ in range(50):
            assert ask(good, read_pdu(0, 10)) == (1, 1, registers(0, 10))
        time.sleep(0.5)
        assert cpu_s(process) - before_s < 0.35, "a stalled client must not cost processor time"
        for n in range(asked):
            assert answer(stalled) == (n % 100, 1, registers(0, 125)), n


def test_stalled_client_is_closed_in_the_end():
    with server(stuck_ms=300) as (number, _), stalling(number) as stalled:
        stall(stalled)
        time.sleep(2)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            for _ in range(100):
                stalled.sendall(adu(read_pdu()))
                time.sleep(0.001)


def test_abrupt_resets(port):
    for n in range(30):
        with connect(port) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.sendall(adu(read_pdu(0, 125))[:12 - n % 3])
    with connect(port) as sock:
        assert ask(sock, read_pdu(0, 1)) is not None


def test_full_socket_table_costs_nothing_and_passes():
    # 3 standard streams, the listening socket, a little for the program itself
    with server(places=20, files=10) as (number, process):
        crowd = [connect(number) for _ in range(9)]
        time.sleep(0.3)
        before_s = cpu_s(process)
        time.sleep(0.7)
        assert cpu_s(process) - before_s < 0.2
        assert ask(crowd[0], read_pdu(0, 1)) is not None
        for each in crowd:
            each.close()
        time.sleep(0.5)
        with connect(number) as sock:
            assert ask(sock, read_pdu(0, 1)) is not None


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
        command = [interpreter(), str(HERE / "modbus_server_program.py")]
        command += [str(taken.getsockname()[1]), "1", "none", "1000", "1000"]
        done = subprocess.run(command, env={"MICROPYPATH": str(FIRMWARE) + ":.frozen"},
                              capture_output=True, text=True, timeout=10)
    assert "EADDRINUSE" in done.stdout + done.stderr
