"""Scripted peers of the device tests: registers in an array, joined by real bytes to a device."""

from array import array

from bess.core.points import MODULE_POINTS, SITE_POINTS
from bess.core.tick import TICK_MASK
from bess.protocols.modbus import Server
from bess.protocols.modbus_tcp import TcpClient, TcpServer
from bess.protocols.transactions import Transactions

STEP_MS = 20


class Registers:
    """Registers first..first+len; every write is kept in `log` as (address, values)."""

    def __init__(self, first, values):
        self.first = first
        self.words = array("H", values)
        self.log = []
        self.keep_log = True
        self.read_only = ()      # addresses that refuse
        self.stubborn = ()       # addresses that acknowledge and do nothing
        self.reads = 0

    def read_registers(self, fc, address, count, out, offset):
        at = address - self.first
        self.reads += 1
        if fc != 3 or at < 0 or at + count > len(self.words):
            return 2
        for i in range(count):
            word = self.words[at + i]
            out[offset + 2 * i] = word >> 8
            out[offset + 2 * i + 1] = word & 0xFF
        return 0

    def write_registers(self, address, count, data, offset):
        at = address - self.first
        if at < 0 or at + count > len(self.words):
            return 2
        for i in range(count):
            if address + i in self.read_only:
                return 2
        for i in range(count):
            if address + i not in self.stubborn:
                k = offset + 2 * i
                self.words[at + i] = data[k] << 8 | data[k + 1]
        if self.keep_log:
            self._note(address, count, data, offset)
        return 0

    def _note(self, address, count, data, offset):
        self.log.append((address, [data[offset + 2 * i] << 8 | data[offset + 2 * i + 1]
                                   for i in range(count)]))

    def set(self, address, value):
        self.words[address - self.first] = value & 0xFFFF

    def get(self, address):
        return self.words[address - self.first]

    def signed(self, address):
        return (self.get(address) ^ 0x8000) - 0x8000


class Wire:
    """One device, its transactions and the peer on a clock that starts at start_ms.

    dead: the peer hears nothing. exchanges: how many fit into a step. before(now_ms),
    when given, runs each step ahead of the device.
    """

    def __init__(self, device, registers, start_ms=1000):
        self.now_ms = start_ms & TICK_MASK
        self.dead = False
        self.exchanges = 4
        self.before = None
        self.transactions = Transactions(TcpClient(), timeout_ms=100)
        self.transactions.add(device)
        self._server = TcpServer(Server(registers, (device.unit,)))

    def run(self, span_ms):
        for _ in range(span_ms // STEP_MS):
            if self.before is not None:
                self.before(self.now_ms)
            self.step()
            self.now_ms = (self.now_ms + STEP_MS) & TICK_MASK

    def step(self):
        """What fits into a step; no time passes meanwhile."""
        for _ in range(self.exchanges):
            frame = self.transactions.poll(self.now_ms)
            if frame is None:
                return
            if self.dead:
                continue
            server, n = self._server, len(frame)
            space = server.space()
            for i in range(n):
                space[i] = frame[i]
            server.received(n)
            self.transactions.receive(server.out, server.answer(), self.now_ms)


class Readings:
    """Stands in for the image: the last value and time of each point, and how often it came."""

    def __init__(self):
        self.values = [None] * SITE_POINTS
        self.at_ms = [None] * SITE_POINTS
        self.puts = [0] * SITE_POINTS

    def put(self, point, value, sampled_ms):
        self.values[point] = value
        self.at_ms[point] = sampled_ms
        self.puts[point] += 1


class Rows:
    """Stands in for the pack: how many samples came, and from which module when the last one."""

    def __init__(self, count=4):
        self.rows = [[None] * MODULE_POINTS for _ in range(count)]
        self.puts = 0
        self.index = None
        self.at_ms = None
        self.balance_wanted = 0

    def put(self, index, sampled_ms):
        self.puts += 1
        self.index = index
        self.at_ms = sampled_ms


class Command:
    def __init__(self):
        self.run = 0
        self.battery_w = 0


MARK = (0x5375, 0x6E53)
END = (0xFFFF, 0)
_LENGTHS = {1: 66, 101: 50, 103: 50, 120: 26, 121: 30, 122: 44, 123: 24, 124: 24, 160: 88,
            201: 105, 203: 105}


def chain(models, base=40000, lengths=_LENGTHS):
    """A chain whose points all read 0: (registers, {model: address of its id})."""
    words, where = list(MARK), {}
    for model in models:
        where.setdefault(model, base + len(words))
        length = lengths[model] if model in lengths else _LENGTHS[model]
        words += [model, length] + [0] * length
    return Registers(base, words + list(END)), where
