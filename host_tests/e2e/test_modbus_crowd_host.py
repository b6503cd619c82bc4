"""Many clients of the Modbus TCP server at once: fair, capped, and no harm from any of them."""

import os
import socket
import struct
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from host_tests.e2e.modbus_peer import (
    ANSWER_S, adu, answer, ask, connect, read_pdu, registers, server,
)
from tools.bench.modbus_load import measure

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def port():
    with server() as (number, _):
        yield number


@pytest.fixture
def sock(port):
    with connect(port) as connected:
        yield connected


def test_eight_clients_at_once_are_served_alike(port):
    load = measure("127.0.0.1", port, clients=8, seconds=0.5)
    assert min(load.per_client) > 0.3 * max(load.per_client)


def flood(number, end_s):
    """Send without a pause and throw the answers away: the server always has something to do."""
    def drain():
        with suppress(OSError):
            while sock.recv(65536):
                pass

    with connect(number) as sock:
        drainer = threading.Thread(target=drain)
        drainer.start()
        wire = b"".join(adu(read_pdu(0, 10)) for _ in range(100))
        while time.monotonic() < end_s:
            sock.sendall(wire)
        sock.shutdown(socket.SHUT_RDWR)
        drainer.join()


def test_control_goes_on_under_a_flood(sock, port):
    def steps():
        return struct.unpack(">H", ask(sock, read_pdu(0, 1, fc=4))[2][2:])[0]

    begun, begun_s = steps(), time.monotonic()
    flood(port, begun_s + 0.5)
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
