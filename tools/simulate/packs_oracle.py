"""Judges a site of several packs: each pack as if it stood alone, and what they do together."""

from tools.simulate.oracle import Oracle
from tools.simulate.plant import RUNNING

_CALM_S = 420.0             # longer than the slow ramp after a trip
_LOST_S = 40.0              # a pack that is out: the others have taken over


class PackOracle(Oracle):
    """One pack; `world` is its section. lost_s: for how long it has not run."""

    def __init__(self, section, violations):
        super().__init__(section)
        self.violations = violations
        self.lost_s = 0.0
        self._ran = False

    def violate(self, truth, text):
        super().violate(truth, "pack %d: %s" % (self._world.number + 1, text))

    def _asked(self, world, power_w, dt_s):
        """What is asked for is asked of the site: of a pack only that it may."""
        site = world.world
        remote, self_use = site.manager.alive(world.now_s), world.data["self_use"]
        planned, tested = site.person.planned(world.now_s), world.person.in_service
        flows = abs(power_w) > self._small_w
        charges_itself = power_w < 0 and self._charges_itself
        asked = remote or tested or planned is not None or self_use or charges_itself
        self._hold("ASKED", flows and not asked, dt_s, "%.0f W", power_w)
        old_s = site.oracle.meter_old_s
        judged = (self_use and not remote and planned is None and not tested
                  and not charges_itself)
        self._hold("METER", judged and (old_s > 60 and flows
                                        or old_s > 30 and power_w > self._small_w),
                   dt_s, "%.0f W, %.0f s", power_w, old_s)
        self._calm(world, power_w, False, dt_s)
        self._hold("PUT_BACK", bool(world.inverter.strange) and world.up_s > 60, dt_s, "not yet")
        self._lost(world, power_w, dt_s)

    def _lost(self, world, power_w, dt_s):
        heard_s = max(peer.heard_s for peer in world.modules)
        silent = world.now_s - heard_s > self._fade_s + 2
        self._hold("LOST", silent and abs(power_w) > self._small_w, dt_s, "%.0f W", power_w)
        running = world.pcs.state == RUNNING
        self.lost_s = 0.0 if running else self.lost_s + dt_s
        well = self.is_well(world, 0)
        self._ran = well and (running or self._ran)
        self._hold("GOES_ON", self._ran and not running, dt_s, "state %d", world.pcs.state)

    def is_well(self, world, calm_s):
        """Nothing has hit it for longer than that, and somebody wants it to run."""
        person = world.person
        return (self.is_mild and world.faults.calm_s > calm_s and person.wants
                and not person.stopped and not person.must_rest and not person.in_service)


class SiteOracle(Oracle):
    """All packs, each by an oracle of its own, and then the site. meter_old_s: age of what the
    meter told last.
    """

    def __init__(self, world):
        self.violations = []
        self._world = world
        self._broken_s = {}
        self._told_s = {}
        self._meter = (0, 0.0)
        self.meter_old_s = 0.0
        self._small_w = world.pack_w / 40
        self._slack_w = world.site.house._sun_w / 4     # the sun moves while a sample is old

    def check(self, dt_s):
        """Judge this tick."""
        world = self._world
        meter = world.meter_peer
        if meter.reads != self._meter[0] and not meter.frozen:
            self._meter = (meter.reads, world.now_s)
        self.meter_old_s = world.now_s - self._meter[1]
        for section in world.sections:
            section.oracle.check(dt_s)
        self._opposed(world, dt_s)
        self._cap(world, dt_s)
        self._together(world, dt_s)

    def _opposed(self, world, dt_s):
        """Commands as they are written, and what the inverters make of them."""
        lowest_w = highest_w = low_ac_w = high_ac_w = 0.0
        for section in world.sections:
            low_w, high_w = section.inverter.take()
            lowest_w, highest_w = min(lowest_w, low_w), max(highest_w, high_w)
            ac_w = section.pcs.ac_w
            low_ac_w, high_ac_w = min(low_ac_w, ac_w), max(high_ac_w, ac_w)
        if lowest_w < 0 < highest_w:
            self.violate("OPPOSED", "%.0f and %.0f W" % (lowest_w, highest_w))
        small_w = self._small_w
        self._hold("FIGHT", low_ac_w < -small_w and high_ac_w > small_w, dt_s,
                   "%.0f and %.0f W", low_ac_w, high_ac_w)

    def _cap(self, world, dt_s):
        """What the packs give together, at the meter."""
        site, data = world.site, world.data
        grid_w, battery_w, small_w = site.grid_w, site.battery_w, self._small_w
        beyond_w = 0.0
        if battery_w < -small_w and data["import_w_max"]:
            beyond_w = grid_w - data["import_w_max"] * 1.02
        elif battery_w > small_w and data["export_w_max"]:
            beyond_w = -grid_w - data["export_w_max"] * 1.02
        self._hold("CAP", beyond_w > self._slack_w, dt_s, "%.0f W at the meter, %.0f W of the "
                   "packs", grid_w, battery_w)

    def _together(self, world, dt_s):
        """The sum is what is asked for; what a lost pack leaves the others give."""
        well = out = calm = 0
        for section in world.sections:
            if section.oracle.is_well(section, 20) and section.pcs.state == RUNNING:
                well += 1
                calm += section.faults.calm_s > _CALM_S
            elif section.oracle.lost_s > _LOST_S and not section.person.in_service:
                out += 1
        settled = well + out == len(world.sections) and well
        wish_w, battery_w = world.manager.wish_w, world.site.battery_w
        remote = world.manager.alive(world.now_s)
        judged = (settled and remote and wish_w and world.now_s - world.manager.since_s > 40
                  and abs(wish_w) > 2 * self._small_w and self._room_w(world, wish_w) > 0)
        self._hold("OBEY", judged and not out and battery_w * wish_w <= 0, dt_s,
                   "%.0f W instead of %s", battery_w, wish_w)
        wrong = (judged and calm == well and abs(wish_w) < min(0.6 * world.pack_w * well,
                                              self._room_w(world, wish_w))
                 and abs(battery_w - wish_w) > world.rated_w / 50)
        self._hold("N_1" if out else "EXACT", wrong, dt_s,
                   "%.0f W instead of %s, %d of %d packs", battery_w, wish_w, well, well + out)
        self._hold("EXACT" if out else "N_1", False, dt_s)
        planned = world.person.planned(world.now_s)
        wrong = (abs(battery_w) > self._small_w if planned == 0
                 else battery_w * (planned or 0) <= 0)
        judged = planned is not None and settled and not out
        self._hold("SCHEDULE", judged and wrong, dt_s, "%.0f W, asked %s", battery_w, planned)

    def _room_w(self, world, wish_w):
        """What the caps certainly leave for a wish of this sign."""
        data, needs_w = world.data, world.site.needs_w
        if wish_w < 0:
            return 0.8 * (data["import_w_max"] - needs_w) if data["import_w_max"] else 1e9
        return 0.8 * (data["export_w_max"] + needs_w) if data["export_w_max"] else 1e9
