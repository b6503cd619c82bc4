"""The shipped chain against a simulated site on one virtual clock: one seed, one course.

Firmware side: PowerManager, devices and transactions exactly as the composition root wires them.
Other side: physics.py behind the bytes of peers.py. Nothing here reads a clock or a file, so
that CPython, 64-bit and 32-bit MicroPython must come to the same decisions in every tick.
"""

import binascii
import struct

import micropython

from bess.core import config
from bess.core.control.calls import PowerManager
from bess.core.points import INPUTS
from bess.core.tick import TICK_MASK
from bess.devices.wiring import build

from host_tests.sim.framing import BusPeer, TcpPeer
from host_tests.sim.oracle import Oracle
from host_tests.sim.peers import MeterPeer, ModulePeer, PcsPeer, PvPeer
from host_tests.sim.physics import Site
from host_tests.sim.rng import Rng
from host_tests.sim.script import HOUR, Script
from host_tests.sim.wire import Wire

TICK_MS = 100
TICKS_PER_MINUTE = 600
START_MS = (1 << 30) - 120_000       # the tick wraps in the third minute
START_SOC_PM = 930
_FIELDS = "<iiiiiiiHHHHHHHH"


def configuration(modules):
    """A site with `modules` modules in parallel, an inverter of 5 kW a module, PV and a meter."""
    rated_w = 5000 * modules
    bus = [{"kind": "bess_module", "unit": i + 1, "module": i + 1} for i in range(modules)]
    return {
        "name": "sim", "w_rated": rated_w, "charge_w_max": rated_w, "discharge_w_max": rated_w,
        "strings_p": modules, "module_ma_rated": 157_000, "module_wh_rated": 16_076,
        "soc_pm_min": 50, "soc_pm_max": 1000, "modbus_write": "any",
        "links": [
            {"kind": "rtu", "name": "modules", "devices": bus},
            {"kind": "tcp", "name": "inverter", "devices": [{"kind": "sunspec_pcs"}]},
            {"kind": "tcp", "name": "solar", "devices": [{"kind": "sunspec_pv"}]},
            {"kind": "tcp", "name": "meter",
             "devices": [{"kind": "sunspec_meter", "latency_ms": 300}]},
        ],
    }


class World:
    """One site, one controller, one script.

    hashes: running hash at the end of each minute. last: the numbers of the last tick, named by
    LABELS. faults: what the oracle saw. locked: every step runs with the heap locked, so that one
    that allocates raises MemoryError.
    """

    def __init__(self, seed=1, modules=4, start_ms=START_MS, locked=False,
                 script=HOUR):
        settings, faults = config.check(configuration(modules))
        if faults:
            raise ValueError("; ".join(faults))
        self.tick = 0
        self.now_ms = start_ms & TICK_MASK
        self.hash = 0
        self.hashes = []
        self.manager = PowerManager(settings)
        self.links = build(settings, self.manager)
        self.site = Site(seed, modules, settings.w_rated, START_SOC_PM)
        self.modules = self._module_peers(Rng(seed, 5))
        self.wires = [Wire(self.links[i], self._peer_of(self.links[i].values), Rng(seed, 10 + i))
                      for i in range(len(self.links))]
        self._commanded = [wire for wire in self.wires if wire.link.commands]
        self._script = Script(self, script, Rng(seed, 6))
        self.oracle = Oracle(self)
        self.faults = self.oracle.faults
        self._locked = locked
        self.last = None
        self._record = bytearray(struct.calcsize(_FIELDS))

    def _module_peers(self, rng):
        """One of them samples more slowly than it is asked."""
        slow = rng.below(len(self.site.bank.modules))
        bank = self.site.bank.modules
        return [ModulePeer(bank[i], 700 if i == slow else 250) for i in range(len(bank))]

    def _peer_of(self, values):
        devices, site = values["devices"], self.site
        kind = devices[0]["kind"]
        if kind == "bess_module":
            return BusPeer({row["unit"]: self.modules[row["module"] - 1] for row in devices})
        if kind == "sunspec_pcs":
            return TcpPeer(PcsPeer(site))
        if kind == "sunspec_pv":
            return TcpPeer(PvPeer(site))
        return TcpPeer(MeterPeer(site, len(self.modules)))

    def wire(self, name):
        """The wire of a link by its name; `modules`, `inverter`, `solar` or `meter`."""
        for wire in self.wires:
            if wire.link.name == name:
                return wire
        raise ValueError("no link %s" % name)

    def run(self, ticks):
        """Go on for so many ticks; True while no fault was seen."""
        for _ in range(ticks):
            self._one()
        return not self.faults

    def _one(self):
        """100 ms: physics, people, one control tick, bytes."""
        now_ms, manager, site = self.now_ms, self.manager, self.site
        site.step(TICK_MS)
        for peer in self.modules:
            peer.step(TICK_MS)
        self._script.act(self.tick)
        manager.image.put(INPUTS, site.inputs(), now_ms)
        before = manager.command.run, manager.command.battery_w
        self._step(now_ms)
        site.coils = manager.outputs() & 7
        if before != (manager.command.run, manager.command.battery_w):
            for wire in self._commanded:
                wire.kick()
        self.oracle.check()
        self._note()
        for wire in self.wires:
            wire.run(now_ms, TICK_MS)
        self.now_ms = (now_ms + TICK_MS) & TICK_MASK

    def _step(self, now_ms):
        """The control tick; a MemoryError under lock goes on to whoever runs the world."""
        if not self._locked:
            self.manager.step(now_ms)
            self.manager.wishes.load_wanted()
            return
        micropython.heap_lock()
        try:
            self.manager.step(now_ms)
        except MemoryError:
            micropython.heap_unlock()
            print("FAULT tick %d: the control tick takes heap" % self.tick)
            raise
        micropython.heap_unlock()
        self.manager.wishes.load_wanted()

    def _note(self):
        """This tick's decisions, and what became of them, into the hash."""
        self.last = self._decisions()
        struct.pack_into(_FIELDS, self._record, 0, *self.last)
        self.hash = binascii.crc32(self._record, self.hash)
        self.tick += 1
        if self.tick % TICKS_PER_MINUTE == 0:
            self.hashes.append(self.hash)

    def _decisions(self):
        """The numbers that must be equal everywhere, in the order of LABELS."""
        manager, site = self.manager, self.site
        window, command, sequence = manager.window, manager.command, manager.sequence
        return (self.tick, command.battery_w, window.lo_w, window.hi_w, manager.requests.wish_w,
                site.pcs.ac_w, site.bank.current_ma, manager.mode, command.run, window.lo_why,
                window.hi_why, manager.requests.rank, manager.outputs(),
                sequence.step << 8 | manager.trips.present & 0xFF, manager.latched & 0xFFFF)


LABELS = ("tick", "command_w", "lo_w", "hi_w", "wish_w", "true_w", "true_ma", "mode", "run",
          "lo_why", "hi_why", "owner", "outputs", "step_trips", "causes")
