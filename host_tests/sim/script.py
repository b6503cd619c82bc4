"""What people and faults do during the seeded hour, as a table of seconds.

The first ten minutes hold one of nearly everything; the tick wraps at second 120. Remote commands
travel as Modbus TCP frames through the firmware's own server and register bank.
"""

from bess.core.points import CONTROL_BASE
from bess.devices.register_bank import RegisterBank
from bess.protocols.modbus import Server
from bess.protocols.modbus_tcp import TcpServer

_START = CONTROL_BASE + 4
_SHUTDOWN = CONTROL_BASE + 5

# second, what, argument (power in per mille of the rating, + discharges)
HOUR = (
    (1, "start", 1),
    (20, "hold", 600), (65, "release", 0),
    (75, "module off", 1), (95, "module on", 1),
    (110, "wander", 0), (180, "release", 0),
    (185, "hold", -900), (200, "press", 0), (204, "reset", 0), (207, "unpress", 0),
    (209, "reset", 0), (216, "reset", 0), (218, "start", 1),
    (240, "hold", 500), (260, "inverter dead", 1), (305, "inverter dead", 0),
    (390, "release", 0), (395, "once", 300),
    (450, "modules dead", 1), (458, "modules dead", 0),
    (470, "hold", -300), (500, "stop", 0), (515, "start", 1),
    (540, "release", 0), (545, "meter dead", 1), (565, "meter dead", 0),
    (600, "hold", -1000), (1560, "release", 0),
    (1600, "meter dead", 1), (1690, "meter dead", 0),
    (1800, "wander", 0), (1980, "release", 0),
    (2000, "module off", 0), (2085, "module on", 0), (2120, "stop", 0), (2135, "start", 1),
    (2160, "hold", 800), (2230, "shutdown", 1), (2245, "reset", 0), (2247, "start", 1),
    (2270, "release", 0),
    (2400, "inverter dead", 1), (2411, "inverter dead", 0),
    (2500, "wander", 0), (2800, "release", 0),
    (2900, "modules dead", 1), (2975, "modules dead", 0),
    (3025, "reset", 0), (3028, "start", 1),
    (3050, "hold", 600), (3110, "hold", -1000), (3550, "release", 0),
)
_RENEW_TICKS = 150


class RemoteClient:
    """Writes registers of the controller over Modbus TCP, byte by byte where it pleases."""

    def __init__(self, manager, links, rng):
        self._server = TcpServer(Server(RegisterBank(manager, links, "sim")))
        self._rng = rng
        self._id = 0
        self.refused = 0

    def write(self, address, words):
        """One FC16; returns 0 or the exception code of the answer."""
        n = len(words)
        self._id = (self._id + 1) & 0xFF
        frame = bytearray((0, self._id, 0, 0, 0, 7 + 2 * n, 1, 16, address >> 8, address & 0xFF,
                           0, n, 2 * n))
        for word in words:
            frame.append(word >> 8 & 0xFF)
            frame.append(word & 0xFF)
        cut = self._rng.below(len(frame))
        self._feed(frame[:cut])
        length = self._server.answer()
        self._feed(frame[cut:])
        length = length or self._server.answer()
        out = self._server.out
        if length < 9 or out[1] != self._id or out[7] & 0x7F != 16:
            raise ValueError("the server's answer to a write makes no sense")
        code = out[8] if out[7] & 0x80 else 0
        if code:
            self.refused += 1
        return code

    def _feed(self, data):
        if data:
            self._server.space()[:len(data)] = data
            self._server.received(len(data))


class Script:
    """Acts on the world at the seconds of a table; each seed moves them by up to two seconds."""

    def __init__(self, world, table, rng):
        self._world = world
        self._rng = rng
        self._table = table
        self._ticks = [10 * second + rng.below(20) for second, _, _ in table]
        self._next = 0
        self._remote = RemoteClient(world.manager, world.links, rng)
        self._rated_w = world.manager.settings.w_rated
        self._hold_w = None
        self._renew_in = 0
        self._wanders = False

    def act(self, tick):
        """What is due at this tick."""
        while self._next < len(self._table) and self._ticks[self._next] <= tick:
            _, what, argument = self._table[self._next]
            self._next += 1
            self._do(what, argument)
        if self._wanders and tick % 30 == 0:
            self._ask(self._rated_w // 100 * self._rng.between(-100, 100), 60)
        elif self._hold_w is not None:
            self._renew_in -= 1
            if self._renew_in <= 0:
                self._renew_in = _RENEW_TICKS
                self._ask(self._hold_w, 60)

    def _ask(self, battery_w, life_s):
        self._remote.write(CONTROL_BASE, (battery_w >> 16, battery_w, life_s))

    def _do(self, what, argument):
        world = self._world
        if what in ("hold", "release", "wander", "once"):
            self._command(what, argument)
        elif what == "start" or what == "stop":
            self._remote.write(_START, (argument,))
        elif what == "shutdown":
            self._remote.write(_SHUTDOWN, (1,))
        elif what == "press" or what == "unpress":
            world.site.emergency_ok = what == "unpress"
        elif what == "reset":
            world.manager.reset_emergency()
        elif what == "module off" or what == "module on":
            world.modules[argument].silent = what == "module off"
        else:
            world.wire(what.split(" ")[0]).dead = argument == 1

    def _command(self, what, argument):
        self._hold_w = None
        self._wanders = what == "wander"
        self._renew_in = 0
        power_w = self._rated_w // 1000 * argument
        if what == "hold":
            self._hold_w = power_w
        elif what == "once":
            self._ask(power_w, 20)
        elif what == "release":
            self._remote.write(CONTROL_BASE + 3, (1,))
