"""Modbus server on a serial line: its framing, driven by a pump like any other link."""

from bess.protocols.modbus import Server
from bess.protocols.rtu_server import RtuServer


class SerialServer(RtuServer):
    """Server on a serial line, run by `Pump(port, SerialServer(...), clock)`.

    Whoever is on the bus may write when `writable` is True: a wire needs access to the cabinet.
    """

    # What a pump asks of the transactions of a client link: here nothing is ever asked.
    broken = False
    timeouts = 0
    exceptions = 0

    def __init__(self, bank, units=(1,), writable=False, reply_ms=2):
        super().__init__(Server(bank, units, writable=writable), reply_ms=reply_ms)

    def urgent(self):
        """Never: a server starts nothing."""
        return False
