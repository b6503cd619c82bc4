"""Judges the site itself: cells, currents, contactors, and the bytes on the wires.

Nothing here reads a variable of the firmware. A truth that is broken for longer than its time is
a violation, unless a fault in force suspends it (the table in faults.py).
"""

from tools.simulate.battery import CAPACITY_MAH, RATED_MA, rest_mv
from tools.simulate.plant import K_PLUSES, PRECHARGES, RUNNING

# truth: (seconds it may be broken, what it says); every time grows by three ticks
TRUTHS = {
    "CELL_HIGH": (5, "no charge into a cell above 3 650 mV"),
    "CELL_LOW": (5, "no discharge out of a cell below 2 880 mV"),
    "CELL_CRITICAL": (20, "no current that drives a cell beyond 3 780 or below 2 400 mV"),
    "SOC": (10, "no charge above soc_pm_max, no discharge below soc_pm_min, as told"),
    "COLD": (5, "no charge with a cell at 0 degC or below"),
    "HOT": (5, "no power with a cell at 55 degC or above"),
    "RATING": (1, "power inside what is permitted in its direction"),
    "SHARE": (8, "current inside what the strings that are heard permit"),
    "BMS": (12, "current inside what the modules permit"),
    "PROTECTION": (5, "no charge while a module forbids it"),
    "PRESSED": (1.5, "emergency input pressed: no power, contactors open"),
    "LATCH": (3, "after an emergency nothing closes before a person has reset it"),
    "PCS_DEAD": (33, "an inverter that hears nobody gives no power"),
    "SILENT": (3, "no module heard: no power"),
    "SILENT_OPEN": (10, "no module heard for 60 s: contactors open"),
    "DISOBEYED": (18, "an inverter that goes on after a stop is cut off"),
    "HARD_CLOSING": (-9, "K+ never closes onto an empty link"),
    "JOINING": (-9, "a string joins only a bus of its own voltage, within 1.5 %"),
    "PRECHARGE": (-9, "a resistor that worked in vain rests for 60 s, three tries at most"),
    "OPENING": (-9, "contactors open without current"),
    "WELDED": (3, "no start while a contactor is known to be welded"),
    "RAMP": (-9, "the setpoint on the wire rises no faster than the ramp"),
    "ASKED": (20, "no power that nobody asked for"),
    "METER": (10, "self-use on an old meter: no discharge after 30 s, no power after 60 s"),
    "OBEY": (40, "in calm times power has the sign that is asked for"),
    "EXACT": (60, "in long calm times power is what is asked for"),
    "ALIVE": (500, "a site that may run does run"),
    "ISLAND": (15, "an inverter that supplies an island goes on"),
    "SCHEDULE": (45, "power has the sign that the living entry asks for; one-shots are once"),
    "SERVICE": (5, "in MAINTENANCE power and coils only for a test that is renewed"),
    "TESTED": (-9, "a test of power moves that power"),
    "TRICKLE": (8, "deep cells take 20 pm of C at most in a trickle test, none below 5 degC"),
    "RECOVERY": (-9, "a trickle test charges deep cells that may be charged"),
    "MISSED": (-9, "a one-shot entry that was missed is disarmed and told, and never runs"),
    "BLACK_START": (-9, "a site that may wakes up without a grid"),
    "PUT_BACK": (3, "what a stranger writes into the inverter is put back"),
    "STORE": (-9, "a record that was being written is the old one or the new one"),
    "ENERGY": (-9, "the counters tell the true energy"),
    "OPPOSED": (-9, "packs: no setpoint of one charges while that of another discharges"),
    "FIGHT": (15, "packs: none charges while another discharges"),
    "CAP": (8, "packs: together they keep the meter inside the caps of the site"),
    "LOST": (3, "packs: one that nobody hears takes no power"),
    "GOES_ON": (5, "packs: one that nothing has hit goes on, whatever the others do"),
    "N_1": (30, "packs: what a lost one leaves the others give"),
    "FIRMWARE": (-9, "the firmware's own invariants hold, and its tick raises nothing"),
}
_FILLED = 0o22222           # a precharge contactor, seen from its K-
_VIOLATIONS_MAX = 20
_AGAIN_S = 300.0


class Oracle:
    """violations: [{time_s, truth, fault, text}], at most 20 and one a truth in five minutes."""

    def __init__(self, world):
        self.violations = []
        self._world = world
        self._broken_s = {}         # for how long, of the truths that are broken now
        self._told_s = {}
        self._small_w = world.rated_w / 40
        self._silent_s = world.data.get("module_silent_ms", 2000) / 1000 + 1
        self._fade_s = world.data.get("fade_after_ms", 5000) / 1000
        self._small_ma = RATED_MA * len(world.site.bank.strings) / 45
        self._pressed_s = self._dead_s = 0.0
        self._set_w = 0.0
        self._was_connected = False
        self._before_ma = 0.0
        self._hard = self._joins = 0
        self._coils = 0
        self._filled_s = -1000.0
        self._tries = 0
        self._is_welded = False
        self._meter_reads = (0, 0.0)
        self._supplies = False
        self.is_mild = False
        self.extremes = (0.0, 0.0, 0.0, 0.0)
        self.told_pm = (0, 0)

    def violate(self, truth, text):
        """Note a breach, unless a fault suspends this truth or it was told just now."""
        world = self._world
        if truth in world.faults.suspended or len(self.violations) >= _VIOLATIONS_MAX:
            return
        now_s = world.now_s
        if now_s - self._told_s.get(truth, -_AGAIN_S) < _AGAIN_S:
            return
        self._told_s[truth] = now_s
        self.violations.append({
            "time_s": round(now_s, 1), "truth": truth, "fault": world.faults.in_force,
            "last_fault": world.faults.last, "text": "%s: %s" % (TRUTHS[truth][1], text),
            "replay": world.replay})

    def broke(self, truth):
        """True when the last violation was one of this truth."""
        return bool(self.violations) and self.violations[-1]["truth"] == truth

    def _hold(self, truth, broken, dt_s, text="", *values):
        """Break a truth when it has been broken for longer than its time."""
        since = self._broken_s
        if not broken:
            if truth in since:
                del since[truth]
            return
        since[truth] = broken_s = since.get(truth, 0.0) + dt_s
        if broken_s > TRUTHS[truth][0] + 3 * dt_s:
            self.violate(truth, "%s for %.1f s" % (text % values, broken_s))

    def check(self, dt_s):
        """Judge this tick."""
        world = self._world
        site = world.site
        power_w, current_ma = site.pcs.ac_w, site.bank.current_ma
        self._battery(site.bank, current_ma, dt_s)
        self._told(current_ma, dt_s)
        self._power(world, power_w, dt_s)
        self._losses(world, power_w, dt_s)
        self._gear(world, current_ma, dt_s)
        self._wire(site.pcs, dt_s)
        self._asked(world, power_w, dt_s)

    def _battery(self, bank, current_ma, dt_s):
        """Only what current there is can harm a cell."""
        highest, lowest, cold, hot = 0.0, 9999.0, 99.0, -99.0
        for string in bank.strings:
            most, least = -1e9, 1e9
            for module in string:
                offsets, mah, temp_c = module.offsets, module.mah, module.temp_c
                if mah + offsets[3] > most:
                    most = mah + offsets[3]
                if mah + offsets[0] < least:
                    least = mah + offsets[0]
                if temp_c < cold:
                    cold = temp_c
                if temp_c > hot:
                    hot = temp_c
            drop_mv = string[0].current_ma * 0.0003         # the same in all its modules
            mv = rest_mv(most) - drop_mv                    # the fullest cell is the highest
            if mv > highest:
                highest = mv
            mv = rest_mv(least) - drop_mv
            if mv < lowest:
                lowest = mv
        self.extremes = (lowest, highest, cold, hot)
        inside = 2880 <= lowest and highest <= 3650 and cold > 0.2 and hot <= 55.3
        if inside and not self._broken_s:
            return
        charges, flows = current_ma < -self._small_ma, abs(current_ma) > self._small_ma
        hold = self._hold
        discharges = flows and not charges
        hold("CELL_HIGH", charges and highest > 3650, dt_s, "%.0f mV", highest)
        hold("CELL_LOW", discharges and lowest < 2880, dt_s, "%.0f mV", lowest)
        hold("CELL_CRITICAL", charges and highest > 3780 or discharges and lowest < 2400, dt_s,
             "%.0f .. %.0f mV", lowest, highest)
        hold("COLD", charges and cold <= 0.2, dt_s, "%.1f degC", cold)
        hold("HOT", flows and hot > 55.3, dt_s, "%.1f degC", hot)

    def _told(self, current_ma, dt_s):
        """What the modules said last, and what flows in spite of it."""
        world = self._world
        low_pm, high_pm, charge_ma, discharge_ma = 1000, 0, RATED_MA, RATED_MA
        forbids = False
        now_s = world.now_s
        for peer in world.modules:
            if peer.answers != peer.seen and not peer.frozen:
                peer.seen, peer.heard_s = peer.answers, now_s
            told = peer.told
            if told is not None:
                soc_pm = told[0]
                if soc_pm < low_pm:
                    low_pm = soc_pm
                if soc_pm > high_pm:
                    high_pm = soc_pm
            if peer.charge_ma < charge_ma:
                charge_ma = peer.charge_ma
            if peer.discharge_ma < discharge_ma:
                discharge_ma = peer.discharge_ma
            if peer.protections & 1:
                forbids = True
        self.told_pm = (low_pm, high_pm)
        strings, small = len(world.site.bank.strings), self._small_ma
        settings = world.data
        charges, discharges = current_ma < -small, current_ma > small
        # A calibration charge, at most 0.2 C while nobody asks for power, may pass the maximum.
        own_ma = 0.22 * CAPACITY_MAH * strings
        self._charges_itself = -current_ma <= own_ma and not world.manager.alive(world.now_s)
        above = charges and high_pm > settings["soc_pm_max"] and not self._charges_itself
        self._hold("SOC", above or discharges and low_pm < settings["soc_pm_min"], dt_s,
                   "%d .. %d pm, %.0f mA", low_pm, high_pm, current_ma)
        most_ma = -charge_ma if charges else discharge_ma
        self._hold("BMS", abs(current_ma) > abs(most_ma) * strings * 1.05 + small, dt_s,
                   "%.0f mA of %d", current_ma, most_ma * strings)
        since_s, on = now_s - self._silent_s, world.gear.on
        heard = 0
        for s, string in enumerate(world.strings):
            if on >> s & 1:
                heard += 1
                for peer in string:
                    if peer.heard_s < since_s:
                        heard -= 1
                        break
        self._hold("SHARE", abs(current_ma) > heard * RATED_MA * 1.05 + small, dt_s,
                   "%.0f mA, %d of %d strings", current_ma, heard, strings)
        self._hold("PROTECTION", charges and forbids, dt_s, "%.0f mA", current_ma)

    def _power(self, world, power_w, dt_s):
        pcs, data = world.site.pcs, world.data
        most_w = data["charge_w_max"] if power_w < 0 else data["discharge_w_max"]
        if pcs.islanded:
            most_w = world.rated_w
        self._hold("RATING", abs(power_w) > most_w * 1.01, dt_s, "%.0f W", power_w)
        goes_on = abs(power_w) > 2 * self._small_w and not pcs.run_asked
        self._hold("DISOBEYED", goes_on, dt_s, "%.0f W", power_w)

    def _losses(self, world, power_w, dt_s):
        site = world.site
        pressed = not site.emergency_ok and (power_w or site.gear.connected)
        self._hold("PRESSED", pressed and world.up_s > 3, dt_s, "%.0f W", power_w)
        if not site.emergency_ok:
            self._pressed_s += dt_s
            if self._pressed_s > 2 + 3 * dt_s and world.up_s > 2 + 3 * dt_s:
                world.person.must_rest = True
        else:
            self._pressed_s = 0.0
        person = world.person
        latched = person.must_rest and not person.in_service
        self._hold("LATCH", latched and site.coils != 0, dt_s, "coils driven")
        if person.in_service:
            self._service(world, power_w, dt_s)
        self._dead_s = self._dead_s + dt_s if world.wire("inverter").dead else 0.0
        self._hold("PCS_DEAD", self._dead_s > 0 and power_w != 0, dt_s, "%.0f W", power_w)
        silent_s = world.now_s - world.wire("modules").heard_s
        fade_s = self._fade_s
        self._hold("SILENT", silent_s > fade_s + 2 and abs(power_w) > self._small_w, dt_s,
                   "%.0f W", power_w)
        self._hold("SILENT_OPEN", silent_s > 60 + fade_s and site.gear.connected, dt_s, "closed")

    def _service(self, world, power_w, dt_s):
        """5 s without renewal end a test; then a ramp and at most 7 s for a small current."""
        quiet_s = world.now_s - world.person.renewed_s
        most_w = 1.1 * max(world.rated_w / 20, 500) + 100
        moves = abs(power_w) > 100 or world.site.coils != 0
        self._hold("SERVICE", abs(power_w) > most_w or quiet_s > 20 and moves, dt_s,
                   "%.0f W, coils %o, renewed %.0f s ago", power_w, world.site.coils, quiet_s)
        lowest, _, cold, _ = self.extremes
        current_ma = world.site.bank.current_ma
        strings = len(world.site.bank.strings)
        most_ma = 0 if cold < 4.6 or lowest < 1980 else 0.022 * CAPACITY_MAH * strings
        wrong = (world.person.tests == "test_trickle" and lowest < 2990
                 and (-current_ma > most_ma + 1000 or current_ma > self._small_ma))
        self._hold("TRICKLE", wrong, dt_s, "%.0f mA at %.0f mV, %.1f degC", current_ma, lowest,
                   cold)

    def _gear(self, world, current_ma, dt_s):
        gear, coils = world.site.gear, world.site.coils
        coils &= ~PRECHARGES | coils << 1 & _FILLED     # a test of that coil alone fills nothing
        if gear.hard_closings != self._hard:
            self._hard = gear.hard_closings
            self.violate("HARD_CLOSING", "link was empty")
        if gear.hard_joins != self._joins:
            self._joins = gear.hard_joins
            self.violate("JOINING", "another voltage")
        if (self._was_connected and not gear.connected
                and abs(self._before_ma) > self._small_ma):
            self.violate("OPENING", "%.0f mA" % self._before_ma)
        self._was_connected, self._before_ma = gear.connected, current_ma
        new = coils & ~self._coils
        if new & PRECHARGES:
            self._tries += 1
            if self._tries > 1 and world.now_s - self._filled_s < 58:
                self.violate("PRECHARGE", "again after %.0f s" % (world.now_s - self._filled_s))
            elif self._tries > 3 * (1 + world.person.starts):
                self.violate("PRECHARGE", "try %d" % self._tries)
        if self._coils & PRECHARGES and not coils & PRECHARGES:
            self._filled_s = world.now_s
        if coils & K_PLUSES:
            self._tries = world.person.starts = 0
        self._coils = coils
        was_welded = self._is_welded
        self._is_welded = bool(gear.welded) and (was_welded or not coils)
        self._hold("WELDED", was_welded and coils != 0, dt_s, "coils %d", coils)

    def _wire(self, pcs, dt_s):
        """Setpoint in force in the inverter's registers."""
        set_w = pcs.wanted_w() if pcs.run_asked and pcs.mode == 3 else 0.0
        before_w = self._set_w if (self._set_w > 0) == (set_w > 0) else 0.0
        rise_w = abs(set_w) - abs(before_w)
        rated_w = pcs.rated_w
        if rise_w > rated_w * (0.1 * dt_s + 0.012):
            self.violate("RAMP", "%.0f to %.0f W in a tick" % (before_w, set_w))
        self._set_w = set_w

    def _asked(self, world, power_w, dt_s):
        remote = world.manager.alive(world.now_s)
        self_use = world.data["self_use"]
        small_w = self._small_w
        flows = abs(power_w) > small_w
        planned = world.person.planned(world.now_s)
        tested = world.person.in_service
        asked = (remote or tested or planned is not None or self_use or world.pcs.islanded
                 or power_w < 0 and self._charges_itself)
        self._hold("ASKED", flows and not asked, dt_s, "%.0f W", power_w)
        meter = world.meter_peer
        hears = meter.reads != self._meter_reads[0] and not meter.frozen
        if hears:
            self._meter_reads = (meter.reads, world.now_s)
        old_s = world.now_s - self._meter_reads[1]
        judged = (self_use and not remote and not world.pcs.islanded and planned is None
                  and not tested
                  and (power_w > 0 or not self._charges_itself))
        self._hold("METER", judged and (old_s > 60 and flows or old_s > 30 and power_w > small_w),
                   dt_s, "%.0f W, %.0f s", power_w, old_s)
        self._calm(world, power_w, remote, dt_s)
        wrong = flows if planned == 0 else power_w * (planned or 0) <= 0
        judged = (planned is not None and self.is_mild and world.up_s > 60
                  and world.site.pcs.state == RUNNING
                  and (planned <= 0 or world.data.get("grid_connection") != 1))
        self._hold("SCHEDULE", judged and wrong, dt_s, "%.0f W, asked %s", power_w, planned)
        strange = bool(world.inverter.strange) and world.up_s > 60
        self._hold("PUT_BACK", strange, dt_s, "not yet")
        self._island(world, dt_s)

    def _island(self, world, dt_s):
        """Loads hang on it: only an emergency, a critical cell or an empty battery ends it."""
        pcs = world.pcs
        self._supplies = not pcs.grid and (pcs.islanded or self._supplies) and pcs.over_s == 0
        good = (self._supplies and world.site.emergency_ok and not world.person.must_rest
                and world.up_s > 60 and self.told_pm[0] > 150 and self.extremes[0] > 2950)
        self._hold("ISLAND", good and (not pcs.run_asked or not pcs.islanded), dt_s,
                   "run %d, state %d", pcs.run_asked, pcs.state)

    def _calm(self, world, power_w, remote, dt_s):
        """Liveness: a firmware that does nothing is no good either."""
        calm_s = world.faults.calm_s
        wants = world.person.wants and not world.person.must_rest
        running = world.site.pcs.state == RUNNING
        if running or world.faults.in_force is None:
            self._hold("ALIVE", wants and not running, dt_s, "not running")
        lowest, highest, cold, hot = self.extremes
        mild = (3080 < lowest and highest < 3380 and cold > 12 and hot < 38
                and self.told_pm[0] > world.data["soc_pm_min"] + 60
                and self.told_pm[1] < world.data["soc_pm_max"] - 60)
        self.is_mild = mild
        wish_w = world.manager.wish_w
        judged = (mild and remote and wish_w and calm_s > 20 and running
                  and world.now_s - world.manager.since_s > 40
                  and abs(wish_w) > 2 * self._small_w
                  and (wish_w < 0 or world.data.get("grid_connection") != 1))   # exports nothing
        self._hold("OBEY", judged and power_w * wish_w <= 0, dt_s,
                   "%.0f W instead of %s", power_w, wish_w)
        exact = (judged and calm_s > 420
                 and abs(power_w - wish_w) > world.rated_w / 50 and abs(wish_w) < self._cap_w())
        self._hold("EXACT", exact, dt_s, "%.0f W instead of %s", power_w, wish_w)

    def _cap_w(self):
        return 0.6 * self._world.rated_w
