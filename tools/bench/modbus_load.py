"""Load on a Modbus TCP server: raw-socket clients, one request in flight on each.

The client costs as little as CPython allows (one request built once, `recv_into` a kept buffer,
a single client looks a while before it sleeps), so that the figure is the server's.
`measure(host, port, clients, seconds)` is what the benchmark calls; as a program:
`python -m tools.bench.modbus_load --port 5020 --clients 4 --seconds 3`.
"""

import argparse
import select
import socket
import struct
import sys
import time
from dataclasses import dataclass

FC_READ_HOLDING = 3
EXCEPTION_BIT = 0x80
HEADER_BYTES = 9            # MBAP header, function code, byte count
LOOKS = 24                  # some 15 us: to be woken up would take longer than many a server needs
ANSWER_S_MAX = 5.0          # a server that keeps us waiting longer than this has failed


@dataclass(frozen=True)
class Load:
    """What one run measured; `rps` is all clients together, latencies are per request."""

    clients: int
    requests: int
    seconds: float
    rps: float
    median_ms: float
    p99_ms: float
    worst_ms: float
    per_client: tuple       # answers each client got: how fair the server is


def read_request(unit=1, address=0, count=10, transaction=1):
    """The bytes of one 'read holding registers' request."""
    return struct.pack(">HHHBBHH", transaction, 0, 6, unit, FC_READ_HOLDING, address, count)


class Client:
    """One connection that asks again as soon as it is answered."""

    def __init__(self, host, port, request, answer_bytes):
        self.sock = socket.create_connection((host, port), timeout=ANSWER_S_MAX)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The kernel's own time limit: with Python's, each call would be two.
        limit = struct.pack("ll", int(ANSWER_S_MAX), 0)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        self.sock.settimeout(None)
        self.request = request
        self.answer_bytes = answer_bytes
        self.buffer = bytearray(512)
        self.filled = 0
        self.latencies_s = []
        self.asked_s = 0.0

    def ask(self):
        self.filled = 0
        self.asked_s = time.perf_counter()
        self.sock.send(self.request)

    def take(self, flags=0):
        """Read what is there: is the answer whole? Raises RuntimeError on a wrong one."""
        view = memoryview(self.buffer)[self.filled:] if self.filled else self.buffer
        try:
            received = self.sock.recv_into(view, 0, flags)
        except BlockingIOError:
            if flags:
                return False
            raise RuntimeError(f"no answer within {ANSWER_S_MAX:g} s") from None
        if received == 0:
            raise RuntimeError("the server closed the connection")
        self.filled += received
        if self.filled >= HEADER_BYTES and self.buffer[7] & EXCEPTION_BIT:
            raise RuntimeError(f"the server answered exception {self.buffer[8]}")
        if self.filled < self.answer_bytes:
            return False
        self.latencies_s.append(time.perf_counter() - self.asked_s)
        return True

    def ask_until(self, end_s):
        """Requests one after the other: the cheapest loop for one client."""
        clock, take = time.perf_counter, self.take
        while clock() < end_s:
            self.ask()
            looks = LOOKS
            while looks and not take(socket.MSG_DONTWAIT):
                looks -= 1
            while not looks and not take():
                pass


def ask_in_turn(clients, end_s):
    """Serve several clients from one thread, each with one request in flight."""
    poller = select.epoll()
    by_fd = {client.sock.fileno(): client for client in clients}
    for fd in by_fd:
        poller.register(fd, select.EPOLLIN)
    for client in clients:
        client.ask()
    waiting = len(clients)
    while waiting:
        ready = poller.poll(ANSWER_S_MAX)
        if not ready:
            raise RuntimeError(f"no answer within {ANSWER_S_MAX:g} s")
        go_on = time.perf_counter() < end_s
        for fd, _ in ready:
            client = by_fd[fd]
            if client.take():
                if go_on:
                    client.ask()
                else:
                    waiting -= 1
    poller.close()


def measure(host, port, clients=1, seconds=2.0, request=None, count=10):
    """Ask for `seconds` with `clients` connections at once and return a Load.

    Raises OSError when the server does not answer, RuntimeError when it answers wrongly.
    """
    request = request or read_request(count=count)
    crowd = [Client(host, port, request, HEADER_BYTES + 2 * count) for _ in range(clients)]
    try:
        begun_s = time.perf_counter()
        if clients == 1:
            crowd[0].ask_until(begun_s + seconds)
        else:
            ask_in_turn(crowd, begun_s + seconds)
        spent_s = time.perf_counter() - begun_s
    finally:
        for client in crowd:
            client.sock.close()
    return summary(crowd, spent_s)


def summary(crowd, spent_s):
    ordered = sorted(latency for client in crowd for latency in client.latencies_s)
    if not ordered:
        raise RuntimeError("not one request was answered")
    last = len(ordered) - 1
    return Load(
        clients=len(crowd),
        requests=len(ordered),
        seconds=spent_s,
        rps=len(ordered) / spent_s,
        median_ms=1000 * ordered[last // 2],
        p99_ms=1000 * ordered[last * 99 // 100],
        worst_ms=1000 * ordered[last],
        per_client=tuple(len(client.latencies_s) for client in crowd),
    )


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5020)
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args(argv)
    try:
        load = measure(options.host, options.port, options.clients, options.seconds)
    except (OSError, RuntimeError) as fault:
        print(f"{options.host}:{options.port}: {fault}", file=sys.stderr)
        return 1
    print(
        f"{load.rps:.0f} requests/s from {load.clients} clients, median {load.median_ms:.3f} ms, "
        f"p99 {load.p99_ms:.3f} ms, fewest/most {min(load.per_client)}/{max(load.per_client)}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
