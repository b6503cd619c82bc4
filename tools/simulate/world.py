"""One run: a site drawn from a seed, controller, people, faults and oracle on one clock."""

import gc
import hashlib
import random
import struct
import time

from bess.core.points import CAUSE_INVARIANT
from bess.core.tick import TICK_MASK
from tools.simulate.battery import Bank, Module
from tools.simulate.controller import Controller, configuration
from tools.simulate.disk import PowerCut
from tools.simulate.faults import Faults
from tools.simulate.ledger import Ledger
from tools.simulate.oracle import Oracle
from tools.simulate.people import EnergyManager, Person
from tools.simulate.peers import Bus, MeterPeer, ModulePeer, PcsPeer, PvPeer
from tools.simulate.plant import House, Pcs, Site
from tools.simulate.wire import Wire, Wired

_BOOTS = 16                     # between two collections of what the restarts have left
_SHED_1 = 128                   # first load-shed output; the next bit is the second
EPOCH_S = 1_774_000_000        # Friday, 10:46 in Berlin, clocks go forward later
FORWARD_S = 746_000             # from there to the hour that does not exist

# Where a site starts: lowest and highest SoC and temperature, what its modules' counters are
# wrong by, its limits, and what its energy manager likes: shares of charge, rest, release.
SITES = (
    ("full", (965, 985), (18, 24), (-80, -50), (50, 1000), 0, (0.7, 0.1, 0.1)),
    ("empty", (15, 40), (18, 24), (50, 90), (20, 1000), 0, (0.1, 0.1, 0.1)),
    ("cold", (300, 700), (-4, 0), (0, 0), (100, 950), 0, (0.5, 0.1, 0.1)),
    ("hot", (300, 700), (52, 53.5), (0, 0), (100, 950), 0, (0.45, 0.1, 0.1)),
    ("high", (910, 940), (18, 24), (0, 0), (100, 950), 0, (0.6, 0.1, 0.1)),
    ("low", (110, 140), (18, 24), (0, 0), (100, 950), 0, (0.15, 0.1, 0.1)),
    ("mild", (400, 700), (18, 24), (0, 0), (100, 950), 0, (0.4, 0.15, 0.1)),
    ("self-use", (300, 700), (18, 24), (0, 0), (100, 950), 1, (0.05, 0.02, 0.9)),
)
# by turn: has each string its own contactors, modules in series of 4 and of 16
_STRINGS = ((0, 1, 1), (0, 1, 1), (0, 2, 2), (0, 1, 1), (1, 1, 4), (1, 2, 4))
_APART_PM = {"full": -50, "empty": 90}      # of the last string, where it has its own contactors
# morning, minutes before midnight on Friday and Saturday, before clocks go forward
_HOURS_S = (0, 47_000, 133_400, FORWARD_S - 1500)
_TRACE = struct.Struct("<iiiiHBB")


def draw_site(seed, modules):
    """What is special about the site of a seed."""
    dice = random.Random(seed)
    name, soc, temp, error, limits, self_use, shares = SITES[seed % len(SITES)]
    turn = seed // len(SITES)
    backup = int(name in ("mild", "self-use") and turn % 3 == 1)
    sets = _STRINGS[turn % len(_STRINGS)]
    return {
        "name": name, "modules": modules, "soc_pm": dice.randint(*soc),
        "backup": backup, "modules_s": sets[1] if modules == 4 else sets[2],
        "temp_c": dice.uniform(*temp), "error_pm": error, "self_use": self_use,
        "soc_pm_min": limits[0], "soc_pm_max": limits[1], "shares": shares,
        "start_ms": dice.randrange(TICK_MASK) if seed % 2 else TICK_MASK - 1_800_000,
        "derated": turn % 2, "own_sets": sets[0], "apart_pm": _APART_PM.get(name, 0),
        "black_start": backup and turn % 2, "epoch_s": EPOCH_S + dice.choice(_HOURS_S),
    }


class World(Wired):
    """now_s: virtual time from the begin; up_s: since the controller started last; stalled_s: for
    so long no tick comes. kinds: of faults; None: all, (): none. begins: tick and wall clock at
    the begin, None: as the seed says.
    """

    def __init__(self, seed, modules=4, tick_ms=1000, kinds=None, replay="", begins=None):
        self.seed, self.tick_ms, self.replay = seed, tick_ms, replay
        site = draw_site(seed, modules)
        self.dt_s = tick_ms / 1000
        self.data = configuration(site, tick_ms)
        self.rated_w = self.data["w_rated"]
        self.may_black_start = bool(site["black_start"])
        self.now_s = self.up_s = 0.0
        self.ticks = 0
        self.now_ms, self.epoch_s = begins or (site["start_ms"], site["epoch_s"])
        self.random = random.Random(seed * 7919 + 1)
        self._build_site(site, random.Random(seed * 7919 + 2))
        self.controller = Controller(self.data)
        self.wires = {}
        self.manager = EnergyManager(self, random.Random(seed * 7919 + 3), site["shares"])
        self.person = Person(self)
        self.faults = Faults(self, random.Random(seed * 7919 + 4), kinds)
        self.ledger = Ledger(self)
        self.oracle = Oracle(self)
        self.trace = hashlib.sha256()
        self._down_s = self._spent_s = 0.0
        self._wrong_s = self._leaped_s = 0
        self.stalled_s = 0.0
        self._boot()

    def _build_site(self, site, dice):
        modules = [Module(dice, site["soc_pm"], site["temp_c"], dice.randint(*site["error_pm"]))
                   for _ in range(site["modules"])]
        if site["name"] == "hot":       # the fan does not run
            for module in modules:
                module.mohm_hot = 40.0
        if site["own_sets"]:
            for module in modules[-site["modules_s"]:]:
                module.mah += module.MAH_PER_PM * site["apart_pm"]
        bank = Bank(modules, site["modules_s"])
        pcs = Pcs(self.rated_w, 40 * site["modules_s"])
        pcs.forms = bool(site["backup"])
        house = House(dice, 9000 if site["self_use"] else 3000)
        self.site = Site(bank, pcs, house, self.dt_s, site["own_sets"])
        self.pcs, self.gear = pcs, self.site.gear
        self.modules = [ModulePeer(module, i + 1) for i, module in enumerate(modules)]
        size = site["modules_s"]
        self.strings = [self.modules[i:i + size] for i in range(0, len(modules), size)]
        self.inverter = PcsPeer(self.site)
        self.meter_peer = MeterPeer(self.site, 1 if self.rated_w > 30_000 else 0)
        self._peers = {"modules": Bus({i + 1: peer for i, peer in enumerate(self.modules)}),
                       "inverter": self.inverter, "solar": PvPeer(self.site),
                       "meter": self.meter_peer}

    def reboot(self, down_s):
        """The controller is gone for down_s and comes back with new objects."""
        if self.controller.manager is None:
            return
        self.ledger.close()
        self.controller.halt()
        self.site.coils = self.site.shed = 0
        self._down_s = down_s

    def stall(self, low_s, high_s):
        """The controller does not come to its tick."""
        self.stalled_s = self.random.uniform(low_s, high_s)

    def jump(self, dice):
        """The wall clock is set wrong."""
        self._wrong_s = dice.choice((-86_400, -3600, -7, 5, 3600, 7200, 40 * 86_400))
        self.epoch_s += self._wrong_s

    def jump_back(self):
        """It is set right again."""
        self.epoch_s -= self._wrong_s

    def _boot(self):
        controller = self.controller
        try:
            controller.boot(self.now_ms)
        except PowerCut:
            self._power_cut()
            return
        self.up_s = 0.0
        if controller.boots % _BOOTS == 0:
            gc.collect()
        old = self.wires
        self.wires = {}
        for link in controller.links:
            wire = Wire(link, self._peers[link.name], self.random)
            if link.name in old:
                wire.takes_over(old[link.name])
            else:
                wire.heard_s = self.now_s
            self.wires[link.name] = wire

    def _power_cut(self):
        name = self.controller.store_fault()
        if name is not None:
            self.oracle.violate("STORE", "%s is neither the old nor the new record" % name)
        self.reboot(3)

    # time

    def run(self, hours, until=None, watch=None):
        """Go on for so many hours, or until this truth breaks; the report.

        watch(hours): is called after each of them.
        """
        ticks = round(hours * 3_600_000 / self.tick_ms)
        an_hour = 3_600_000 // self.tick_ms
        began_s = time.process_time()
        gc.disable()                # only a restart leaves garbage that has cycles
        try:
            for n in range(ticks):
                self.tick()
                if until and self.oracle.broke(until):
                    break
                if watch is not None and n % an_hour == 0:
                    watch(n // an_hour)
        finally:
            gc.enable()
        self.ledger.close()
        self.ledger.judge()
        self._spent_s += time.process_time() - began_s
        return self.report()

    def leap(self, to_s):
        """Somebody switches the controller off, whatever flows, until to_s of the calendar."""
        while self.faults.in_force is not None:
            self.tick()
        self.faults.switched_off(self.now_s)
        self.reboot(3)
        span_s = int(to_s - self.now_s) - self._leaped_s
        self._leaped_s += span_s
        self.now_ms = (self.now_ms + span_s * 1000) & TICK_MASK
        self.epoch_s += span_s

    def tick(self):
        """One tick of everything."""
        dt_s, site = self.dt_s, self.site
        self.ticks += 1
        self.now_s += dt_s
        self.now_ms = (self.now_ms + self.tick_ms) & TICK_MASK
        self._flow_on(dt_s)
        self.oracle.check(dt_s)
        pcs, bank = site.pcs, site.bank
        self.trace.update(_TRACE.pack(
            int(pcs.ac_w), int(bank.current_ma), int(bank.bus_mv), int(pcs.wanted_w()),
            site.coils, pcs.run_asked, pcs.state))

    def _flow_on(self, dt_s):
        """Faults, physics, then the controller where it is up and not late."""
        self.faults.act(self.now_s, dt_s)
        self.site.step(dt_s)
        self.ledger.flow(dt_s)
        if self._down_s > 0:
            self._down_s -= dt_s
            if self._down_s <= 0:
                self._boot()
        elif self.stalled_s > 0:
            self.stalled_s -= dt_s
        if self.controller.manager is not None and self.stalled_s <= 0:
            self._control(dt_s)

    def _control(self, dt_s):
        controller, now_s = self.controller, self.now_s
        self.up_s += dt_s
        self.ledger.count()
        try:
            proofs = self.gear.proofs() if self.gear.sets > 1 else None
            outputs = controller.tick(
                self.now_ms, self.site.inputs(), self.epoch_s + int(now_s), proofs)
            self.site.coils = outputs & 7 if proofs is None else controller.string_coils()
            self.site.shed = outputs // _SHED_1 & 3
        except Exception as fault:      # a tick that raises is a bug, whatever it raises
            self.oracle.violate("FIRMWARE", repr(fault))
            self.reboot(2)
            return
        self.ledger.open()
        if controller.manager.latched >> CAUSE_INVARIANT & 1:
            self.oracle.violate("FIRMWARE", controller.invariant())
        try:
            controller.tasks(self.now_ms)
        except PowerCut:
            self._power_cut()
            return
        self.manager.act(now_s)
        self.person.act(now_s)
        for wire in self.wires.values():
            wire.run(self.now_ms, self.tick_ms, now_s)

    def report(self):
        """One JSON object; speed counts the seconds of one processor."""
        return {
            "seed": self.seed, "hours": round(self.now_s / 3600, 3), "ticks": self.ticks,
            "violations": self.oracle.violations,
            "faults_injected": dict(sorted(self.faults.injected.items())),
            "events": self.controller.events,
            "energy_error_wh": round(self.ledger.error_wh, 2),
            "throughput_wh": round(self.site.throughput_wh),
            "trace_sha256": self.trace.hexdigest(),
            "speed": round(self.now_s / max(self._spent_s, 1e-6)),
        }

