"""A Modbus TCP server in the real MicroPython, and the bytes to talk to it."""

import resource
import socket
import struct
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from tools.mpy_run import interpreter

HERE = Path(__file__).parent
PROGRAM = HERE / "modbus_server_program.py"
ENVIRONMENT = {"MICROPYPATH": str(HERE.parent.parent / "firmware") + ":.frozen"}
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
    command = [interpreter(), "-X", "heapsize=112wK", str(PROGRAM)]
    command += [str(word) for word in (port, places, writes, idle_ms, stuck_ms)]
    limit = (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))) if files else None
    process = subprocess.Popen(
        command, env=ENVIRONMENT, preexec_fn=limit,
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
