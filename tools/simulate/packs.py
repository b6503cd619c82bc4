"""One run of a site of several packs with an inverter each, behind one meter.

Each pack is a `Section`: it looks like the world of a single pack, so that the oracle, the ledger,
faults and people of that one serve it. What all packs share stands in `PacksWorld`.
"""

import hashlib
import random
import struct

from bess.core.points import CAUSE_INVARIANT
from bess.core.tick import TICK_MASK
from tools.simulate.ledger import Ledger
from tools.simulate.packs_controller import (
    PackController, PacksController, packs_configuration, shape_of,
)
from tools.simulate.packs_faults import PackFaults, State
from tools.simulate.packs_oracle import PackOracle, SiteOracle
from tools.simulate.packs_site import PackPcsPeer, PacksSite, make_meter, make_pack
from tools.simulate.people import EnergyManager, Person
from tools.simulate.peers import Bus, PvPeer
from tools.simulate.plant import House
from tools.simulate.wire import Wired
from tools.simulate.world import World, draw_site

_TRACE = struct.Struct("<iiiiHBB")


class SiteManager(EnergyManager):
    """Asks for powers of all packs together."""

    def _decide(self, now_s):
        super()._decide(now_s)
        if self.wish_w:
            self.wish_w *= self._world.packs


class SitePerson(Person):
    """Who looks after the whole site: the schedule. Each pack has a person of its own."""

    def act(self, now_s):
        self._look_s = now_s + 1        # starts and resets are for those of the packs
        super().act(now_s)
        for section in self._world.sections:
            section.person.act(now_s)


class PackPerson(Person):
    """Who looks after one pack. stopped: this person's last word to it."""

    stopped = False

    def stop(self):
        self.stopped = True
        super().stop()

    def start(self):
        self.stopped = False
        super().start()

    def rest(self):
        """This pack has been shut down: nothing of it closes before somebody has reset it."""
        self.must_rest = True


class Section(Wired):
    """One pack as a world of its own, for everything that was made for a world of one pack.

    number: of the pack, from 0; world: the whole site. now_s, up_s: set in each tick.
    """

    may_black_start = False
    victim = None

    def __init__(self, world, number, shape, dice):
        self.world, self.number = world, number
        self.data, self.rated_w, self.replay = world.data, world.pack_w, world.replay
        self.random, self.now_s, self.up_s = world.random, 0.0, 0.0
        self.site, self.modules = make_pack(world.site, shape, dice, world.dt_s, number)
        self.pcs, self.gear = self.site.pcs, self.site.gear
        size = shape["modules_s"]
        self.strings = [self.modules[i:i + size] for i in range(0, len(self.modules), size)]
        self.inverter = PackPcsPeer(self.site)
        self.controller = PackController(world.controller, number)
        self.wires = {}
        self.faults = State()

    def attend(self, violations):
        """With a site around it: who looks after this pack, and who judges it."""
        self.meter_peer, self.manager = self.world.meter_peer, self.world.manager
        self.person = PackPerson(self)
        self.person.plan = self.world.person.plan
        self.ledger = Ledger(self)
        self.oracle = PackOracle(self, violations)

    def plug_in(self, wires):
        """The controller has started: these are the wires now."""
        own = " %d" % (self.number + 1)
        self.wires = {name: wires.get(name + own) or wires.get(name) or wires[name + " 1"]
                      for name in ("modules", "inverter", "solar", "meter")}

    @property
    def epoch_s(self):
        return self.world.epoch_s

    def reboot(self, down_s):
        """The controller of the whole site restarts."""
        self.world.reboot(down_s)


class _Ledgers:
    """The ledgers of all packs; error_wh: what their counters are wrong by, added."""

    def __init__(self, sections):
        self._all = [section.ledger for section in sections]

    @property
    def error_wh(self):
        return sum(each.error_wh for each in self._all)

    def flow(self, dt_s):
        for each in self._all:
            each.flow(dt_s)

    def count(self):
        for each in self._all:
            each.count()

    def open(self):
        for each in self._all:
            each.open()

    def close(self):
        for each in self._all:
            each.close()

    def judge(self):
        for each in self._all:
            each.judge()


class PacksWorld(World):
    """See World. packs: how many; sections: one for each; pack_w, rated_w: of one and of all."""

    may_black_start = False

    def __init__(self, seed, packs, tick_ms=1000, kinds=None, replay=""):
        self.seed, self.tick_ms, self.replay, self.packs = seed, tick_ms, replay, packs
        shape = shape_of(draw_site(seed, 4), packs, tick_ms)
        self.dt_s = tick_ms / 1000
        self.data = packs_configuration(shape, tick_ms)
        self.pack_w = self.data["w_rated"]
        self.rated_w = packs * self.pack_w
        self.now_s = self.up_s = self.stalled_s = 0.0
        self._down_s = self._spent_s = 0.0
        self._wrong_s = self._leaped_s = self.ticks = 0
        self.now_ms, self.epoch_s = shape["start_ms"], shape["epoch_s"]
        self.random = random.Random(seed * 7919 + 1)
        self.controller = PacksController(self.data)
        self._build_packs(shape, random.Random(seed * 7919 + 2))
        self.wires = {}
        self.manager = SiteManager(self, random.Random(seed * 7919 + 3), shape["shares"])
        self.person = SitePerson(self)
        self.oracle = SiteOracle(self)
        for section in self.sections:
            section.attend(self.oracle.violations)
        self.faults = PackFaults(self, random.Random(seed * 7919 + 4), kinds)
        self.ledger = _Ledgers(self.sections)
        self.trace = hashlib.sha256()
        self._boot()

    def _build_packs(self, shape, dice):
        self.site = PacksSite(House(dice, 9000 if shape["self_use"] else 3000))
        self.sections = [Section(self, i, shape, dice) for i in range(self.packs)]
        self.site.join([section.site for section in self.sections])
        self.pcs, self.gear = self.site.pcs, self.site.gear
        self.meter_peer = make_meter(self.site, self.rated_w)
        self._peers = {"solar": PvPeer(self.site), "meter": self.meter_peer}
        peers = {}
        for i, section in enumerate(self.sections):
            if not shape["one_bus"]:
                peers = {}
            first = peers and len(peers)
            peers.update({(first or 0) + n + 1: peer for n, peer in enumerate(section.modules)})
            self._peers["modules %d" % (i + 1)] = Bus(peers)
            self._peers["inverter %d" % (i + 1)] = section.inverter

    def reboot(self, down_s):
        if self.controller.manager is not None:
            self.faults.shake(self.now_s)
        super().reboot(down_s)

    def _boot(self):
        super()._boot()
        if self.controller.manager is not None:
            for section in self.sections:
                section.plug_in(self.wires)

    def tick(self):
        """One tick of everything."""
        dt_s, sections = self.dt_s, self.sections
        self.ticks += 1
        self.now_s += dt_s
        self.now_ms = (self.now_ms + self.tick_ms) & TICK_MASK
        for section in sections:
            section.now_s, section.up_s = self.now_s, self.up_s
        self._flow_on(dt_s)
        self._look_for_breach()
        self.oracle.check(dt_s)
        for section in sections:
            pcs, bank = section.pcs, section.site.bank
            self.trace.update(_TRACE.pack(
                int(pcs.ac_w), int(bank.current_ma), int(bank.bus_mv), int(pcs.wanted_w()),
                section.site.coils, pcs.run_asked, pcs.state))

    def _look_for_breach(self):
        """The site's latch is that of all packs; the firmware's own invariant is of one."""
        manager = self.controller.manager
        for each in () if manager is None else manager.packs:
            if each.latched >> CAUSE_INVARIANT & 1:
                self.oracle.violate("FIRMWARE", self.controller.invariant())
                return
