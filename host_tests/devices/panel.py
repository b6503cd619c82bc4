"""A pack that obeys, with a client on its registers."""

from bess.devices.register_bank import RegisterBank
from bess.protocols.modbus import Server
from host_tests.core.bench_pack import Bench

REFUSAL = 311
UNKNOWN = 0xFFFF


class Panel:
    """A bench with a client on its registers."""

    def __init__(self, bench=None, **changes):
        self.bench = Bench(**changes) if bench is None else bench
        self.manager = self.bench.manager
        self.server = Server(RegisterBank(self.manager, [], "test"))
        self.bench.tick()

    def ask(self, *pdu):
        out, request = bytearray(260), bytes(pdu)
        return bytes(out[:self.server.answer(request, 0, len(request), out, 0)])

    def read(self, address, count=1):
        """Registers, or the exception as a negative number."""
        answer = self.ask(3, address >> 8, address & 255, 0, count)
        if answer[0] & 0x80:
            return -answer[1]
        return [answer[2 + 2 * i] << 8 | answer[3 + 2 * i] for i in range(count)]

    def write(self, address, *words):
        """0, or the exception."""
        data = []
        for word in words:
            data += [word >> 8 & 255, word & 255]
        count = len(words)
        answer = self.ask(16, address >> 8, address & 255, 0, count, len(data), *data)
        return answer[1] if answer[0] & 0x80 else 0

    def told(self):
        """(exceptions' reason as register 311 says, newest event's number and data)."""
        events = self.manager.events
        slot = events.slot(0)
        return self.read(REFUSAL)[0], events.event(slot), events.data(slot)


def long(value):
    return (value >> 16 & 0xFFFF, value & 0xFFFF)
