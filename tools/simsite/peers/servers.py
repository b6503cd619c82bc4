"""pymodbus in front of the peers. A killed peer is silent: no port, or no answer on the bus."""

import asyncio
import errno
import logging
import socket

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.server.requesthandler import ServerRequestHandler
from pymodbus.simulator import DataType, SimData, SimDevice

HOST = "127.0.0.1"
_BAUD = 115_200

# Unknown units are normal on a bus; what pymodbus has to say about them is noise here.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)


class BusyPort(Exception):
    """The port cannot be had; the text is for people."""


def device(peer, unit):
    """A pymodbus device whose registers are made from the physics in the moment of each read."""

    async def action(function, start, address, count, registers, new_values):
        if new_values is not None:
            return ExcCodes(code) if (code := peer.write(address, new_values)) else None
        peer.refresh()
        registers[: len(peer.words)] = peer.words
        return None

    blocks = getattr(peer, "blocks", ((peer.address, len(peer.words)),))
    data = [
        SimData(
            address=address,
            values=peer.words[address - peer.address : address - peer.address + count],
            datatype=DataType.REGISTERS,
        )
        for address, count in blocks
    ]
    return SimDevice(id=unit, simdata=data, action=action)


class _OneByOne(ServerRequestHandler):
    """Answers requests that arrive together one after the other.

    pymodbus keeps only one request at a time and empties its buffer with every answer, so a
    command sent right behind a poll would be lost. Real devices answer both.
    """

    def __init__(self, *args):
        super().__init__(*args)
        self._backlog = b""
        self._busy = False

    def data_received(self, data):
        self._backlog += data
        self._feed()

    def _feed(self):
        if self.server.hangs():
            self._backlog = b""
        while not self._busy and len(self._backlog) >= 6 and self.transport:
            size = 6 + int.from_bytes(self._backlog[4:6], "big")
            if len(self._backlog) < size:
                return
            frame, self._backlog = self._backlog[:size], self._backlog[size:]
            super().data_received(frame)
            self._busy = self.last_pdu is not None

    def server_send(self, pdu, addr):
        super().server_send(pdu, addr)
        self._busy = False
        self.loop.call_soon(self._feed)


class _TcpServer(ModbusTcpServer):
    def __init__(self, device, port, hangs):
        super().__init__(device, address=(HOST, port))
        self.hangs = hangs

    def callback_new_connection(self):
        return _OneByOne(self, self.trace_packet, self.trace_pdu, self.trace_connect)


class TcpPeer:
    """One device behind its own TCP port."""

    def __init__(self, name, peer, port):
        self.name = name
        self.port = port
        self._device = device(peer, 1)
        self._server = None
        self.hung = False  # connections stay, answers do not come

    @property
    def alive(self):
        return self._server is not None and not self.hung

    async def start(self):
        """Raises BusyPort. Ends a hang."""
        self.hung = False
        if self._server:
            return
        self._check_free()
        server = _TcpServer(self._device, self.port, lambda: self.hung)
        try:
            await server.serve_forever(background=True)
        except RuntimeError:
            raise BusyPort(f"{self.name}: cannot listen on {HOST}:{self.port}") from None
        self._server = server
        if not self.port:
            self.port = server.transport.sockets[0].getsockname()[1]

    def _check_free(self):
        """pymodbus hides the reason why it cannot listen, so ask for the port once before."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, self.port))
            except OSError as error:
                in_use = error.errno == errno.EADDRINUSE
                why = "is in use" if in_use else f"fails: {error.strerror}"
                raise BusyPort(f"{self.name}: port {self.port} {why}, choose another") from None

    async def stop(self):
        """Close the port and every connection."""
        server, self._server = self._server, None
        if server:
            await server.shutdown()
            await asyncio.sleep(0)


class SerialPeers:
    """All units of one RS-485 bus; `dead` units take no request and give no answer."""

    def __init__(self, peers, path):
        self.dead = set()
        self._known = {peer.unit for peer in peers}
        self._devices = [device(_Mute(peer, self.dead), peer.unit) for peer in peers]
        self._path = path
        self._server = None

    async def start(self):
        self._server = ModbusSerialServer(
            self._devices, port=self._path, baudrate=_BAUD, trace_packet=self._trace
        )
        await self._server.serve_forever(background=True)

    async def stop(self):
        if self._server:
            await self._server.shutdown()

    def _trace(self, sending, packet):
        """On a bus nobody answers for a unit that is absent or dead."""
        if sending and (packet[0] not in self._known or packet[0] in self.dead):
            return b""
        return packet


class _Mute:
    """A module peer that does not act on what it cannot hear."""

    def __init__(self, peer, dead):
        self._peer = peer
        self._dead = dead
        self.address, self.blocks = peer.address, peer.blocks

    @property
    def words(self):
        return self._peer.words

    def refresh(self):
        self._peer.refresh()

    def write(self, address, values):
        return 0 if self._peer.unit in self._dead else self._peer.write(address, values)
