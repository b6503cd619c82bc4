"""Modbus server: the bank's registers over TCP.

The listener moves the bytes (its docstring says how it stays fast and fair), each connection has
its own framing, all share one codec and one output buffer.

Writing is a permission of the peer's address: 'none' nobody, 'loopback' programs on this machine,
'any' everybody. For the others a write is an illegal function, exception 1. Modbus knows no
passwords: 'any' trusts the whole network.
"""

from bess.protocols.modbus import Server
from bess.protocols.modbus_tcp import TcpServer
from micropython import const

WRITES = ("none", "loopback", "any")

_OUT_BYTES = const(1040)        # four of the longest answers in one write


class ModbusServer:
    """Modbus TCP server over one bank.

    Args:
        bank: the registers; see protocols/modbus.py.
        listener: ports/listener.py, not yet running.
        writes (str): who may write, one of WRITES.
        units (tuple): unit ids that are meant besides 0 and 255.
    """

    def __init__(self, bank, listener, writes="none", units=(1,)):
        if writes not in WRITES:
            raise ValueError("writes: got %r, allowed: %s" % (writes, ", ".join(WRITES)))
        self._listener = listener
        self._out = None            # for all connections, made for the first
        reader = Server(bank, units, writable=False)
        writer = reader if writes == "none" else Server(bank, units)
        self._for_loopback = writer
        self._for_others = writer if writes == "any" else reader

    def connected(self):
        """Number of connections now."""
        return self._listener.connected()

    def session(self, is_loopback):
        """The framing of a new connection, with the permission of its origin."""
        if self._out is None:
            self._out = bytearray(_OUT_BYTES)
        server = self._for_loopback if is_loopback else self._for_others
        return TcpServer(server, self._out)

    async def run(self):
        """Task: serve until cancelled. Raises OSError when the port is taken."""
        await self._listener.run(self.session)
