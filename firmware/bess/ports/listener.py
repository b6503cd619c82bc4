"""Many TCP connections to one port, served fairly and fast.

How it gets its speed. Going back to the event loop between two requests costs more than answering
one: the loop's poller, a task switch and, on a desktop, the time until a sleeping process wakes.
So the task that finds its connection readable becomes the *driver*: it polls all connections with
a poller of this module's own, answers each ready one once per round (that is the fairness), and
goes on for `_QUIET_US` after the last byte before it lets the loop wait again. It hands the loop
to the other tasks every `_HOLD_US` meanwhile, so control is never delayed by more than that and
one request. While somebody drives, the tasks of the other connections have nothing to do.

How it stays up. A connection that does not take its answers is not read either, so it can hold one
batch of answers and no more; it is closed after `stuck_ms`, like one that stops in the middle of a
request. One without requests is closed after `idle_ms`. When all places are taken the one that was
silent longest is closed in favour of the new one. Failing to accept (no sockets left) waits
instead of trying again at once.

A session is the protocol of one connection, made anew for each:

    space()         buffer to receive into, never empty once answer() has returned 0
    received(n)     n bytes were read into space()
    answer()        bytes to send now from `out`, 0 when more input is needed, -1 to close
    pending()       bytes of a request that is not whole yet
    out             may be shared by all sessions: it is sent, or saved, at once
"""

import asyncio
import errno
import select
import socket

from bess.core.tick import elapsed_ms
from bess.ports.tcp import no_delay
from micropython import const

_QUIET_US = const(120)          # a client on the same machine asks again within 100 us
_HOLD_US = const(1000)
_SWEEP_S = const(1)
_BACKLOG = const(16)            # beyond it a client is not heard and tries again after 1 s
_NOTHING = bytearray(0)


class Peer:
    """One place for a connection."""

    def __init__(self):
        self.sock = None
        self.session = None
        self.task = None
        self.address = ""
        self.heard_ms = 0       # last bytes received or taken, or accepted
        self.rest = None        # bytes that the peer has not taken yet, None when there are none


class Listener:
    """Listens on one port.

    Args:
        address (tuple): (host, port) to bind; host "0.0.0.0" is every interface.
        places (int): connections that may exist at once.
        clock: has ticks_ms() and ticks_us().
        idle_ms (int, ms): a connection that asked nothing for so long is closed.
        stuck_ms (int, ms): so is one that began a request, or does not take its answers.
    """

    def __init__(self, address, places, clock, idle_ms=600000, stuck_ms=5000):
        self._address = address
        self._clock = clock
        self._idle_ms = idle_ms
        self._stuck_ms = stuck_ms
        self._peers = [Peer() for _ in range(places)]
        self._make_session = None
        self._poller = select.poll()
        self._is_driven = False
        self.accepted = 0       # connections since start
        self.dropped = 0        # of these, closed by us: silent, stuck, or in favour of a new one
        self.accept_faults = 0
        self.last_fault = None  # what a session raised: a bug of ours

    def connected(self):
        """Number of connections now."""
        return sum(1 for peer in self._peers if peer.sock is not None)

    def addresses(self):
        """Who is connected, as texts."""
        return [peer.address for peer in self._peers if peer.sock is not None]

    async def run(self, make_session):
        """Task: listen and serve until cancelled. Raises OSError when the port is taken.

        `make_session(is_loopback)` makes the session of a new connection; is_loopback says that
        it comes from this machine.
        """
        self._make_session = make_session
        listening = socket.socket()
        sweeper = asyncio.create_task(self._sweep())
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            host, port = self._address
            listening.bind(socket.getaddrinfo(host, port)[0][-1])
            listening.listen(_BACKLOG)
            listening.setblocking(False)
            await self._accept_all(listening)
        finally:
            sweeper.cancel()
            listening.close()
            for peer in self._peers:
                self._close(peer)

    # Coming and going

    async def _accept_all(self, listening):
        reader = asyncio.StreamReader(listening)
        while True:
            await _readable(reader)
            try:
                while True:
                    self._admit(*listening.accept())
            except (OSError, MemoryError) as fault:
                if not isinstance(fault, OSError) or fault.errno != errno.EAGAIN:
                    # The socket table is full, say. The listening socket may stay readable:
                    # without a pause this loop would eat the processor.
                    self.accept_faults += 1
                    await asyncio.sleep(0.25)

    def _admit(self, sock, address):
        peer = self._free_place()
        sock.setblocking(False)
        no_delay(sock)
        peer.sock = sock
        peer.rest = None
        peer.address, is_loopback = _describe(address)
        peer.heard_ms = self._clock.ticks_ms()
        peer.session = self._make_session(is_loopback)
        self._poller.register(sock, select.POLLIN)
        peer.task = asyncio.create_task(self._attend(peer, sock))
        self.accepted += 1

    def _free_place(self):
        """A place without a connection; when there is none, the longest silent one's."""
        now_ms = self._clock.ticks_ms()
        oldest = self._peers[0]
        for peer in self._peers:
            if peer.sock is None:
                return peer
            if elapsed_ms(now_ms, peer.heard_ms) > elapsed_ms(now_ms, oldest.heard_ms):
                oldest = peer
        self._drop(oldest)
        return oldest

    def _drop(self, peer):
        self.dropped += 1
        self._close(peer)

    def _close(self, peer):
        if peer.sock is None:
            return
        # Cancel before close: a closed socket must not stay in the loop's poller. The running
        # task is in no queue, and cannot be cancelled; it sees that its socket is gone.
        if peer.task is not asyncio.current_task():
            peer.task.cancel()
        self._poller.unregister(peer.sock)
        peer.sock.close()
        peer.sock = peer.session = peer.task = peer.rest = None

    async def _sweep(self):
        """Task: close what is stuck or forgotten, push what a slow peer left."""
        while True:
            await asyncio.sleep(_SWEEP_S)
            now_ms = self._clock.ticks_ms()
            for peer in self._peers:
                if peer.sock is not None:
                    silent_ms = elapsed_ms(now_ms, peer.heard_ms)
                    if silent_ms > self._patience_ms(peer):
                        self._drop(peer)
                    elif peer.rest:
                        self._serve(peer)

    def _patience_ms(self, peer):
        return self._stuck_ms if peer.rest or peer.session.pending() else self._idle_ms

    # Serving

    async def _attend(self, peer, sock):
        """Task of one connection: wake up, then drive unless somebody does."""
        reader = asyncio.StreamReader(sock)
        while peer.sock is sock:
            await _readable(reader)
            if peer.rest:
                # It asks on without taking answers: look at it seldom.
                await asyncio.sleep(0.05)
                if peer.sock is sock and peer.rest:
                    self._serve(peer)
            elif not self._is_driven:
                await self._drive()

    async def _drive(self):
        """Serve everybody until it has been quiet for a while."""
        ticks_us = self._clock.ticks_us
        self._is_driven = True
        try:
            yielded_us = busy_us = now_us = ticks_us()
            while elapsed_ms(now_us, busy_us) < _QUIET_US:
                served = self._round()
                now_us = ticks_us()
                if served:
                    busy_us = now_us
                if elapsed_ms(now_us, yielded_us) > _HOLD_US:
                    await asyncio.sleep(0)
                    yielded_us = now_us = ticks_us()
                    if served:
                        busy_us = now_us
        finally:
            self._is_driven = False

    def _round(self):
        """Serve each ready connection once; True when there was one."""
        served = False
        for sock, event in self._poller.ipoll(0):
            served = True
            for peer in self._peers:
                if peer.sock is sock:
                    self._serve(peer)
                    break
        return served

    def _serve(self, peer):
        """Take the peer's bytes or give it ours, whichever is its turn."""
        try:
            if peer.rest:
                self._send_rest(peer)
            else:
                self._receive(peer)
        except OSError:
            self._close(peer)       # reset by the peer
        except Exception as fault:  # the tasks' border: one connection must not end the others
            self.last_fault = fault
            self._drop(peer)

    def _receive(self, peer):
        """Take what came, answer it."""
        received = peer.sock.readinto(peer.session.space())
        if received:
            peer.heard_ms = self._clock.ticks_ms()
            peer.session.received(received)
            self._answer(peer)
        elif received is not None:
            self._close(peer)       # closed by the peer

    def _answer(self, peer):
        session = peer.session
        count = session.answer()
        while count > 0:
            sent = peer.sock.write(session.out, 0, count) or 0
            if sent < count:
                # The peer takes no more now: stop reading it until the rest is gone.
                peer.rest = bytes(memoryview(session.out)[sent:count])
                self._poller.modify(peer.sock, select.POLLOUT)
                return
            if not session.pending():
                return
            count = session.answer()
        if count < 0:
            self._drop(peer)

    def _send_rest(self, peer):
        """Push the rest of an answer, then go on where it stopped."""
        sent = peer.sock.write(peer.rest)
        if not sent:
            return
        peer.heard_ms = self._clock.ticks_ms()
        peer.rest = peer.rest[sent:] or None
        if peer.rest is None:
            self._poller.modify(peer.sock, select.POLLIN)
            self._answer(peer)


def _readable(reader):
    """Awaitable: until the stream has something, reading nothing of it."""
    return reader.readinto(_NOTHING)


def _describe(address):
    """(text, is it this machine): accept() gives (host, port) on chips, bytes on a desktop."""
    if isinstance(address, (bytes, bytearray)):
        _, raw, port = socket.sockaddr(address)[:3]
        address = (".".join(str(byte) for byte in raw), port)
    return "%s:%d" % (address[0], address[1]), address[0].startswith("127.")
