"""Several packs on the bench, each with a plant of its own behind one site."""

import micropython

from bess.core.control.site import Site
from bess.core.points import GRID_W, INPUTS, STRING_INPUTS
from bess.core.tick import TICK_MASK
from host_tests.core.bench_pack import TICK_MS, Bench, healthy, settings_of


class PackPlant(Bench):
    """The plant of one pack: its manager is stepped by the site."""

    def __init__(self, settings, manager, now_ms):
        super().__init__(now_ms)
        self.settings, self.manager = settings, manager
        for row in manager.pack.rows:
            healthy(row)

    def feel(self, now_ms):
        """What modules and inverter say now."""
        self.now_ms = now_ms
        self._modules(self.manager)
        if self.pcs_answers:
            self._inverter(self.manager)
        self.ticks += 1

    def proofs(self):
        """Feedbacks of its contactors, 1 = proven open."""
        return ~(self.coils() & ~self.stuck_open | self.welded) & 7


class SiteBench:
    """Packs of 2 modules and 10 kW; load_w: what the site draws (None: no meter), loop_ok."""

    def __init__(self, packs=3, start_ms=1000, locked=False, **changes):
        values = {"packs": packs, "strings_p": 2, "w_rated": 10_000, "charge_w_max": 10_000,
                  "discharge_w_max": 10_000, "share_pm_min": 100}
        values.update(changes)
        self.settings = settings_of(**values)
        self.site = self.manager = Site(self.settings)
        self.now_ms, self.ticks = start_ms, 0
        self.locked, self.loop_ok, self.load_w = locked, True, None
        self.plants = [PackPlant(self.settings, each, start_ms) for each in self.site.packs]

    def tick(self):
        """What the plants say, then one step; returns the site."""
        site, now_ms = self.site, self.now_ms
        proofs = 0
        for i in range(len(self.plants)):
            self.plants[i].feel(now_ms)
            proofs |= self.plants[i].proofs() << 3 * i
        site.image.put(INPUTS, 1 if self.loop_ok else 0, now_ms)
        site.image.put(STRING_INPUTS, proofs, now_ms)
        if self.load_w is not None and self.ticks % 10 == 0:
            site.image.put(GRID_W, self.load_w - sum(self.powers()), now_ms)
        if self.locked:
            micropython.heap_lock()
        try:
            site.step(now_ms)
        finally:
            if self.locked:
                micropython.heap_unlock()
        for each in site.packs:
            each.wishes.load_wanted()
        self.now_ms = (now_ms + TICK_MS) & TICK_MASK
        self.ticks += 1
        return site

    def powers(self):
        """What each inverter gives, in W."""
        return [plant.power_w() for plant in self.plants]

    def commands(self):
        """Command of each pack, in W."""
        return [each.command.battery_w for each in self.site.packs]

    def modes(self):
        return [each.mode for each in self.site.packs]

    def run(self, span_ms):
        """Ticks for span_ms; returns the site."""
        for _ in range(span_ms // TICK_MS):
            self.tick()
        return self.site

    def until(self, condition, span_ms):
        """Milliseconds until condition(site) holds after a tick; fails after span_ms."""
        for ticks in range(span_ms // TICK_MS):
            if condition(self.tick()):
                return (ticks + 1) * TICK_MS
        raise AssertionError("not within %d ms: %s" % (span_ms, self.commands()))

    def started(self, battery_w=None):
        """This bench with every pack in IDLE; battery_w: power of the site that is reached."""
        self.run(3000)
        assert self.site.start() == 0
        self.until(lambda site: set([each.mode for each in site.packs]) == {3}, 30_000)
        if battery_w is not None:
            assert self.site.set_constant_power(battery_w, 0) == 0
            self.until(lambda site: site.command.battery_w == battery_w, 30_000)
            self.run(600)
        return self
