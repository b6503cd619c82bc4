"""The firmware as the composition root wires it, without its ports: settings, tick, links, latch.

`boot()` makes all objects anew, as a restart does; the disk is what stays.
"""

from bess.core import config
from bess.core.control.calls import PowerManager
from bess.core.points import (
    CHARGE_WH, CONTROL_BASE, DISCHARGE_WH, EPOCH_S, EVENT_INVARIANT, INPUTS, MODE,
    SITE_BASE, SITE_MAP, STRING_COILS, STRING_INPUTS, UTC_DAY, UTC_S,
)
from bess.devices.register_bank import RegisterBank
from bess.devices.wiring import build
from bess.protocols import rtu_frames
from bess.protocols.modbus import Server
from bess.protocols.modbus_tcp import TcpServer
from bess.services.keeper import Keeper
from tools.simulate.disk import Disk, flash

SERVICE_KEY = "1-2-3"
rtu_frames._CRC = list(rtu_frames._CRC)     # the same numbers; CPython reads a list faster
_START = CONTROL_BASE + 4


def register(point):
    """Where the map has a point of the site."""
    return SITE_BASE + ((SITE_MAP[2 * point] << 8 | SITE_MAP[2 * point + 1]) >> 3)


_MODE = register(MODE)
_CHARGED, _DISCHARGED = register(CHARGE_WH), register(DISCHARGE_WH)


def _set_clock(now, epoch_s):
    """The wall clock as the control cycle hands it in; None is unknown."""
    now[EPOCH_S] = epoch_s
    known = epoch_s is not None
    now[UTC_DAY], now[UTC_S] = divmod(epoch_s, 86_400) if known else (None, None)


class _Store(flash.FlashStore):
    """Remembers what it was asked to keep: {name: (what was there, what shall be there)}."""

    def __init__(self, folder):
        super().__init__(folder)
        self.asked = {}

    def save(self, name, content):
        self.asked[name] = (self.load(name), content)
        return super().save(name, content)


def configuration(site, tick_ms):
    """Configuration of a drawn site (see world.py); polls that suit the tick."""
    modules, modules_s = site["modules"], site["modules_s"]
    slow = tick_ms >= 1000
    rated_w = 5000 * modules
    most = (8, 9) if site["derated"] else (10, 10)
    poll_ms = (2900 if modules > 8 else 1900) if slow else 500
    bus = [{"kind": "bess_module", "unit": i + 1, "module": i + 1, "period_ms": poll_ms,
            "series_rated": 1}
           for i in range(modules)]
    data = {
        "name": "sim", "tick_ms": tick_ms,
        "w_rated": rated_w, "charge_w_max": rated_w * most[0] // 10,
        "discharge_w_max": rated_w * most[1] // 10,
        "modules_s": modules_s, "strings_p": modules // modules_s,
        "module_ma_rated": 157_000, "module_wh_rated": 16_076,
        "soc_pm_min": site["soc_pm_min"], "soc_pm_max": site["soc_pm_max"],
        "self_use": site["self_use"], "backup_output": site["backup"],
        "pcs_forms_grid": site["backup"], "modbus_write": "any",
        "service_key": SERVICE_KEY, "zone": "CET-1CEST,M3.5.0,M10.5.0/3",
        "links": [
            {"kind": "rtu", "name": "modules", "devices": bus},
            {"kind": "tcp", "name": "inverter",
             "devices": [{"kind": "sunspec_pcs", "period_ms": 900 if slow else 200}]},
            {"kind": "tcp", "name": "solar",
             "devices": [{"kind": "sunspec_pv", "period_ms": 4900 if slow else 1000}]},
            {"kind": "tcp", "name": "meter",
             "devices": [{"kind": "sunspec_meter", "period_ms": 1900 if slow else 500,
                          "latency_ms": 0}]},
        ],
    }
    if site["own_sets"]:
        data["contactors"] = "strings"
    if site["black_start"]:
        data["grid_connection"], data["backup_reserve_pm"] = 1, 150
    if slow:
        data["module_silent_ms"] = 3 * poll_ms + 300
        data["fade_after_ms"] = 3 * poll_ms + 1300
    return data


class Controller:
    """manager: the running power manager, None while there is no power. boots: how often."""

    manager_class = PowerManager

    def __init__(self, data):
        self.settings, faults = config.check(data)
        if faults:
            raise ValueError("; ".join(faults))
        self.disk = Disk()
        self.manager = None
        self.links = ()
        self.boots = 0
        self.events = 0
        self._noted = 0
        self._now_ms = 0
        self._keeper = self._store = None
        flash.open, flash.os = self.disk.open, self.disk

    def ticks_ms(self):
        """The controller's clock, for what keeps time beside the tick."""
        return self._now_ms

    def boot(self, now_ms):
        """Everything anew, from what the disk holds. Raises PowerCut where the disk dies."""
        self.boots += 1
        self._now_ms = now_ms
        self._noted = 0
        self.manager = self.manager_class(self.settings)
        self.links = build(self.settings, self.manager)
        self._store = _Store("state")
        self._keeper = Keeper(self.manager, self._store, self)
        self._server = TcpServer(Server(RegisterBank(self.manager, self.links, "sim")))
        self._id = 0

    def halt(self):
        """The power fails, or the chip resets: outputs fall to their safe level."""
        self.manager = None
        self.links = ()

    def tick(self, now_ms, inputs, epoch_s, proofs=None):
        """One control tick; returns the outputs. proofs: feedbacks of the strings' own sets."""
        self._now_ms = now_ms
        manager = self.manager
        _set_clock(manager.image.now, epoch_s)
        manager.image.put(INPUTS, inputs, now_ms)
        if proofs is not None:
            manager.image.put(STRING_INPUTS, proofs, now_ms)
        manager.step(now_ms)
        events = manager.events.count
        self.events += (events - self._noted) & 0xFFFF
        self._noted = events
        return manager.outputs()

    def string_coils(self):
        """Coils of the strings' own sets, as the last tick left them."""
        return self.manager.image.now[STRING_COILS]

    def call(self, name, *words):
        """A call of the manager, as the console makes it; None while there is no power."""
        return None if self.manager is None else getattr(self.manager, name)(*words)

    def tasks(self, now_ms):
        """What runs beside the tick: the store. Raises PowerCut where the disk dies."""
        self.manager.wishes.load_wanted()
        self._keeper.look(now_ms)

    def invariant(self):
        """Number of the invariant that the firmware saw broken, and more where it is known."""
        events = self.manager.events
        for back in range(32):
            slot = events.slot(back)
            if slot >= 0 and events.event(slot) == EVENT_INVARIANT:
                return "invariant %d" % events.data(slot)
        return "an invariant"

    def store_fault(self):
        """After a cut: a name of which neither the old record nor the new one can be read."""
        store = flash.FlashStore("state")
        for name, contents in self._store.asked.items():
            if store.load(name) not in contents:
                return name
        return None

    # what a person and an energy manager do, through the firmware's own server

    def _exchange(self, pdu):
        self._id = (self._id + 1) & 0xFFFF
        n = len(pdu) + 1
        frame = bytes((self._id >> 8, self._id & 0xFF, 0, 0, n >> 8, n & 0xFF, 1)) + pdu
        self._server.space()[:len(frame)] = frame
        self._server.received(len(frame))
        return self._server.out[7:self._server.answer()]

    def write(self, address, *words):
        """FC16 of some registers; the exception code, 0 when it was accepted."""
        n = len(words)
        data = b"".join((word & 0xFFFF).to_bytes(2, "big") for word in words)
        pdu = bytes((16, address >> 8, address & 0xFF, 0, n, 2 * n)) + data
        answer = self._exchange(pdu)
        return answer[1] if answer[0] & 0x80 else 0

    def read(self, address, count):
        """Registers as a list."""
        answer = self._exchange(bytes((3, address >> 8, address & 0xFF, 0, count)))
        return [answer[i] << 8 | answer[i + 1] for i in range(2, 2 + 2 * count, 2)]

    def ask(self, battery_w, life_s):
        """Remote setpoint."""
        return self.write(CONTROL_BASE, battery_w >> 16, battery_w, life_s)

    def release(self):
        """End of the remote setpoint."""
        return self.write(CONTROL_BASE + 3, 1)

    def start(self, on=1):
        """The person's start and stop."""
        return self.write(_START, on)

    def mode(self):
        """The mode as the map tells it."""
        return self.read(_MODE, 1)[0]

    def energy_wh(self):
        """(charged, discharged) as the map tells them."""
        charged, discharged = self.read(_CHARGED, 2), self.read(_DISCHARGED, 2)
        return [0 if high == low == 0xFFFF else high << 16 | low
                for high, low in (charged, discharged)]
