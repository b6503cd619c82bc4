"""A TCP link in the real MicroPython against a peer that misbehaves on purpose."""

import queue
import socket
import struct
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tools.mpy_run import interpreter

pytestmark = pytest.mark.long

HERE = Path(__file__).parent
FIRMWARE = HERE.parent.parent / "firmware"
WAIT_S = 5.0


class Link:
    """The running program and what it prints."""

    def __init__(self, port, delay_ms=0, host="127.0.0.1"):
        command = [interpreter(), str(HERE / "tcp_link_program.py"), host, str(port)]
        self.process = subprocess.Popen(
            command + [str(delay_ms)], env={"MICROPYPATH": str(FIRMWARE) + ":.frozen"},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip())

    def wait_for(self, start):
        """The next line that starts so; what is printed before is passed over."""
        seen, end_s = [], time.monotonic() + WAIT_S
        while True:
            try:
                line = self.lines.get(timeout=max(0.01, end_s - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {start!r} within {WAIT_S} s, but {seen}") from None
            if line.startswith(start):
                return line
            seen.append(line)

    def end(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()


@contextmanager
def listening(port=0):
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", port))
        sock.listen(1)
        sock.settimeout(WAIT_S)
        yield sock, sock.getsockname()[1]


@contextmanager
def linked(delay_ms=0):
    """(listening socket, first connection, link)"""
    with listening() as (sock, port):
        link = Link(port, delay_ms)
        try:
            peer, _ = sock.accept()
            peer.settimeout(WAIT_S)
            yield sock, peer, link
            peer.close()
            assert link.process.poll() is None, "the link must outlive its peer"
        finally:
            link.end()


def take(peer):
    request = b""
    while len(request) < 12:
        got = peer.recv(12 - len(request))
        assert got, "the link closed the connection"
        request += got
    return request


def good(request, value):
    return request[:4] + struct.pack(">HBBBH", 5, request[6], 3, 2, value)


def serve(peer, count, first=0):
    for n in range(count):
        peer.sendall(good(take(peer), first + n))


def test_polls_a_peer():
    with linked() as (_, peer, link):
        serve(peer, 5)
        for n in range(5):
            assert link.wait_for("value") == f"value {n}"


def test_answer_byte_by_byte():
    with linked() as (_, peer, link):
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in good(take(peer), 7):
            peer.sendall(bytes([byte]))
            time.sleep(0.003)
        assert link.wait_for("value") == "value 7"


def test_refused_then_there():
    with listening() as (_, port):
        pass
    link = Link(port)
    try:
        assert "refused" in link.wait_for("fault").lower()
        with listening(port) as (sock, _):
            peer, _ = sock.accept()
            serve(peer, 1, first=9)
            assert link.wait_for("value") == "value 9"
            peer.close()
    finally:
        link.end()


def test_peer_that_takes_no_connection_is_a_fault_in_time():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(0)      # room for one that is never accepted: the next one gets no answer
        port = sock.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            begun_s = time.monotonic()
            link = Link(port)
            try:
                assert "no connection" in link.wait_for("fault")
                assert 0.4 < time.monotonic() - begun_s < 2
            finally:
                link.end()


def test_closed_and_reset_connections_open_again():
    with linked() as (sock, peer, link):
        serve(peer, 1)
        peer.close()
        assert "closed by the peer" in link.wait_for("fault")
        again, _ = sock.accept()
        serve(again, 2, first=50)
        assert link.wait_for("value 5") == "value 50"
        again.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        take(again)
        again.close()
        link.wait_for("fault")
        third, _ = sock.accept()
        serve(third, 1, first=70)
        assert link.wait_for("value 7") == "value 70"
        third.close()


def test_nonsense_opens_anew():
    with linked() as (sock, peer, link):
        take(peer)
        peer.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
        assert "nonsense" in link.wait_for("fault")
        again, _ = sock.accept()
        serve(again, 1, first=3)
        assert link.wait_for("value") == "value 3"
        again.close()


def test_dead_peer_is_left_after_three_time_outs():
    with linked() as (sock, peer, link):
        serve(peer, 1)
        for _ in range(3):
            take(peer)
        assert "no answer to 3 requests" in link.wait_for("fault")
        again, _ = sock.accept()
        serve(again, 1, first=4)
        assert link.wait_for("value 4")
        again.close()


def test_late_answer_is_not_taken_for_the_next():
    with linked() as (_, peer, link):
        late = good(take(peer), 111)
        assert link.wait_for("failed") == "failed 256"
        second = take(peer)
        peer.sendall(late + good(second, 222))
        assert link.wait_for("value") == "value 222"


def test_stop_overtakes_a_poll_that_nobody_answers():
    delay_ms = 300
    with linked(delay_ms) as (_, peer, link):
        serve(peer, 2)
        take(peer)
        asked_s = time.monotonic()
        stop = take(peer)
        waited_ms = 1000 * (time.monotonic() - asked_s) - delay_ms
        assert stop[7] == 6
        assert -20 < waited_ms < 200
        peer.sendall(stop)
        link.wait_for("stopped")
