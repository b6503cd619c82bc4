"""The tick: image -> diagnosis -> mode -> window -> request -> ramp -> command -> invariants.

`step(now_ms)` decides; everything else on this class is what a person or a link may ask. Power is
in W at the AC side of the inverter, discharging is positive.
"""

from micropython import const

from bess.core.battery.sequence import EMPTY, RUN as RUN_STEP, STOP_PCS, WELDED
from bess.core.control import invariants, modes, rules
from bess.core.control.checks import (
    SITE_CALIBRATION, SITE_OPENINGS, SITE_SOC, SITE_STUCK, TRIP as TRIP_LEVEL,
)
from bess.core.control.grid_rules import ISOLATED
from bess.core.control.grid_watch import FOLLOWING, FORMING, LOST, PRESENT
from bess.core.control.maintenance import CONTACTOR
from bess.core.control.modes import CHARGE, DISCHARGE, EMERGENCY, IDLE, MAINTENANCE, OFF, STANDBY
from bess.core.control.parts import Parts
from bess.core.control.site_io import OUT_ALARM_OK, OUT_TRIP
from bess.core.events import EMERGENCY as ALARM, INFO, TRIP, WARNING
from bess.core.flow.tracking import stale_step
from bess.core.points import (
    BATTERY_W, BY_CALIBRATION, BY_PROTECT_CHARGE, BY_SELF_USE, CAUSE_BMS_CRITICAL,
    CAUSE_COMMANDED, CAUSE_CONTACTOR, CAUSE_FIRE, CAUSE_INPUT, CAUSE_INVARIANT,
    CAUSE_OVER_CURRENT, EVENT_AUTO_RESTART, EVENT_AUTO_RESTART_GIVEN_UP, EVENT_EMERGENCY,
    EVENT_INVARIANT, EVENT_MODE_CHANGE, EVENT_OVERPOWER, EVENT_TEST, EVENT_TRIP, GRID_CHZ,
    GRID_MV, GRID_W, OUTPUTS, PCS_GRID, PCS_UNCONFIRMED, PV_W, STRING_COILS,
    TRIP_GRID_UNEXPECTED, TRIP_PCS_OVERPOWER, UPTIME_S, WHY_CELL_HIGH,
)
from bess.core.request import FOR_EVER
from bess.core.tick import TICK_MASK

_TURNS = const(4)                  # what is not urgent is done in one of five ticks
_OPENINGS_MANY = const(10)          # under load: the contactors have had their share
# causes that open the contactors after 1 s at the latest
_QUICK = 1 << CAUSE_INPUT | 1 << CAUSE_OVER_CURRENT | 1 << CAUSE_BMS_CRITICAL


class Manager(Parts):
    """The tick. Parts says what there is; calls.py what may be asked.

    pressed: set by an interrupt handler when the emergency loop has been open for 20 ms, even if
    it is closed again when the next tick looks.
    """

    def step(self, now_ms):
        """One control tick at `now_ms`; every 100 ms. Allocates nothing."""
        self.look(now_ms)
        self.wishes.tick(now_ms)
        self.requests.settle(now_ms, self.local_slots if self.local else -1)
        self.permit(now_ms)
        self.act(now_ms)

    def look(self, now_ms):
        """First part of the tick: what is, and the mode that follows from it."""
        if not self._began:
            self._began = True
            self._last_ms = now_ms
        self._dt_ms = (now_ms - self._last_ms) & TICK_MASK
        self._last_ms = self.now_ms = now_ms
        self.image.latch(now_ms)
        self._take_params()
        self._read_modules(now_ms)
        self._watch(now_ms)
        self._watch_grid(now_ms)
        self._decide_mode(now_ms)
        self._track(now_ms)

    def permit(self, now_ms):
        """Second part: the window, for the request that has won."""
        if self.permits.full_session != (self.requests.rank == BY_CALIBRATION):
            self.permits.full_session = not self.permits.full_session
            self.permits.update(self.pack, now_ms)      # from this tick on, not the next sample
        rules.open_window(self, now_ms)

    def act(self, now_ms):
        """Last part: the command, what must hold for it, and what everybody else may know."""
        dt_ms, before_w = self._dt_ms, self.command.battery_w
        self._drive(dt_ms, now_ms)
        self._follow_mode(now_ms)
        broken = invariants.broken(self, before_w, dt_ms)
        if broken:
            self.breach(broken, now_ms)
        self._alarm(now_ms)
        self.journal.tick(now_ms)
        self.views.publish(now_ms, dt_ms)

    def _alarm(self, now_ms):
        alarms, site = self.alarms, self.site_io
        alarms.follow(self.diagnosis, self.trips.present, self.latched, now_ms,
                      self.image.now[UPTIME_S])
        if self._turn == 1:
            site.shed = self.island.shed
            site.charge_wanted = self.requests.wish_w < 0
            site.drive(self.pack, alarms.level >= TRIP_LEVEL, self.latched >> CAUSE_FIRE & 1,
                       now_ms)
            self._know_the_battery(now_ms)

    def _take_params(self):
        """A set of parameters is taken whole at the beginning of a tick."""
        if self._new_charge is None and self._new_discharge is None:
            return
        permits = self.permits
        if self._new_charge is not None:
            self.charge_params = permits.charge_params = self._new_charge
        if self._new_discharge is not None:
            self.discharge_params = permits.discharge_params = self._new_discharge
        self._new_charge = self._new_discharge = None
        self.wishes.take_params()
        permits.update(self.pack, self.now_ms)

    def _read_modules(self, now_ms):
        pack = self.pack
        pack.update(now_ms)
        if pack.fresh or pack.lost:
            self.permits.update(pack, now_ms)
        if (0 < pack.modules_live < pack.count and self.sequence.closed()
                and self.mode != EMERGENCY):
            pack.exclude_silent(self.settings.all_silent_ms, now_ms)

    def _watch(self, now_ms):
        image, sequence = self.image, self.sequence
        self._flag_site()
        image.now[PCS_UNCONFIRMED] = image.raw[PCS_UNCONFIRMED]
        zero = self.mode == EMERGENCY or self.trips.present != 0 or sequence.step == STOP_PCS
        self.diagnosis.tick(sequence, zero, now_ms)
        blind = image.now[GRID_W] is None and self._needs_meter()
        self.trips.tick(sequence, self.window, blind, now_ms)
        causes = self.diagnosis.causes
        if sequence.failed == WELDED:
            causes |= 1 << CAUSE_CONTACTOR
        if self._commanded:
            self._commanded = False
            causes |= 1 << CAUSE_COMMANDED
        if self.pressed:
            self.pressed = False
            causes |= 1 << CAUSE_INPUT
        new = causes & ~self.latched
        if self.mode == MAINTENANCE:        # the latch stays there: what comes again ends a test
            new |= causes & ~self._causes
        self._causes = causes
        if new:
            self._latch(new, now_ms)
        if causes & self.latched or not self.causes_gone:
            self.causes_gone = self._gone.held(not causes & self.latched, now_ms)

    def _needs_meter(self):
        """True when the winner's wish hangs on the meter; what protects the cells goes on."""
        requests = self.requests
        if requests.rank == BY_SELF_USE:
            return True
        return (requests.rank != BY_PROTECT_CHARGE and not self.island.islanded
                and self.grid.reads_meter(requests.wish_w))

    def _flag_site(self):
        """Conditions that others know, for the tables of the diagnosis and the trips."""
        site, soc, operations = self.site_io, self.wishes.soc, self.wishes.operations
        site.read(self.image, self.pack)
        flags = site.conditions
        if self.openings >= _OPENINGS_MANY:
            flags |= SITE_OPENINGS
        if soc.due:
            flags |= SITE_CALIBRATION
        if soc.disagrees:
            flags |= SITE_SOC
        if operations is not None and operations.charge.stuck:
            flags |= SITE_STUCK
        self.diagnosis.flags = flags
        self.trips.island = self.island.islanded
        self.trips.flags = site.trips
        if self.grid.kind == ISOLATED and self.grid.unexpected(self.image.now[GRID_W],
                                                               self.now_ms):
            self.trips.flags |= 1 << TRIP_GRID_UNEXPECTED

    def _watch_grid(self, now_ms):
        now, island = self.image.now, self.island
        self._turn = self._turn + 1 if self._turn < _TURNS else 0
        if self._turn and now[PCS_GRID] == island.state and not island.islanded:
            return                      # nothing new: twice a second is enough
        island.watch(now[PCS_GRID], now[GRID_MV], now_ms)
        island.tick(self.command.run, self.permits.charge_w == 0, now[PV_W], now_ms)
        if island.reconnected:
            self.ramp.reconnecting = True

    def _latch(self, new, now_ms):
        cause = 0
        while new >> cause:
            if new >> cause & 1:
                if not self.latched:
                    self.first_cause = cause
                self.latched |= 1 << cause
                self.events.note(EVENT_EMERGENCY, ALARM, cause, now_ms)
            cause += 1
        self.run_wanted = 0
        self.pack.readmit()             # a person looks at all of it before the next start
        self.wishes.end_manual(now_ms)
        self._resumes = False
        self.test.end()
        self.requests.withdraw(self._testing)
        if self.mode != EMERGENCY:
            self._enter(EMERGENCY, now_ms)
        self.sequence.stop(now_ms, True)
        if new & _QUICK:
            self.sequence.open_within(1000)

    def _decide_mode(self, now_ms):
        sequence, trips = self.sequence, self.trips
        if trips.raised:
            for trip in range(16):
                if trips.raised >> trip & 1:
                    self.events.note(EVENT_TRIP, TRIP, trip, now_ms)
            if trips.raised >> TRIP_PCS_OVERPOWER & 1:
                power_w = self.image.now[BATTERY_W] or 0
                self.events.note(EVENT_OVERPOWER, TRIP, power_w, now_ms)
        if self._resumes and self._resume.held(True, now_ms):
            self._resumes = False
            self.run_wanted = 1
        if self.mode == MAINTENANCE:
            self._maintain(now_ms)
        elif trips.present and self.mode != EMERGENCY:
            sequence.stop(now_ms, True)
            if self.mode != STANDBY:
                self._enter(STANDBY, now_ms)
        elif self.mode == STANDBY:
            self._look_for_work(now_ms)
        elif self.island.blackout or self.island.blocked:
            self._rest(now_ms)
        elif self._asleep_after.span_ms and self._asleep_after.held(self._may_sleep(), now_ms):
            self._asleep = True
            self._rest(now_ms)
        sequence.islanded = self.island.islanded
        sequence.tick(now_ms)
        if sequence.step == RUN_STEP and self.mode == STANDBY:
            self._asleep_after.held(False, now_ms)      # what was idle before does not count
            self._enter(IDLE, now_ms)

    def _rest(self, now_ms):
        """Stop without a fault: the start that follows is no automatic restart."""
        self.sequence.stop(now_ms)
        self.started = False
        self._enter(STANDBY, now_ms)

    def _may_sleep(self):
        return self.mode == IDLE and not self.requests.wish_w

    def _look_for_work(self, now_ms):
        """STANDBY without a trip: start when somebody wants it and something is there to do."""
        if self.requests.wish_w:
            self._asleep = False
        island = self.island
        alone = (island.state == LOST
                 or self.grid.kind == ISOLATED and island.state != PRESENT)
        dark = alone and not island.may_black_start
        if (self.run_wanted and self.sequence.phase == OFF and self.pack.strings_live
                and not self._asleep and not dark):
            self._restart(now_ms)

    def _maintain(self, now_ms):
        test = self.test
        if test.over(now_ms, self.sequence.step == RUN_STEP) or test.kind and self.trips.present:
            self.end_test()
        if test.kind and test.kind != CONTACTOR:
            self.sequence.start(now_ms)

    def end_test(self):
        """Stop what is tested: power to zero, inverter off, contactors open."""
        if self.test.kind:
            self.events.note(EVENT_TEST, INFO, 0, self.now_ms)
        self.test.end()
        self.requests.withdraw(self._testing)
        self.sequence.stop(self.now_ms)

    def _restart(self, now_ms):
        if self.started:
            used_up = self.trips.restarts_used_up
            if not self.trips.may_restart(now_ms):
                if self.trips.restarts_used_up and not used_up:
                    self.events.note(EVENT_AUTO_RESTART_GIVEN_UP, WARNING, 0, now_ms)
                return
            self.events.note(EVENT_AUTO_RESTART, INFO, 0, now_ms)
            self.ramp.reconnecting = True
        self.started = True
        self.sequence.start(now_ms)

    def _track(self, now_ms):
        image = self.image
        self.meter_step = stale_step(image.age_ms(GRID_W, now_ms))
        if self.site is not None:
            return                      # the meter sees all packs together
        if image.at_ms[BATTERY_W] != self._battery_ms and image.raw[BATTERY_W] is not None:
            self._battery_ms = image.at_ms[BATTERY_W]
            self.history.add(image.raw[BATTERY_W], self._battery_ms)
        if not image.meter_fresh:
            return
        grid_w = image.raw[GRID_W]
        battery_w = None
        if image.now[BATTERY_W] is not None:
            battery_w = self.history.at(image.at_ms[GRID_W])
        self.views.balance(grid_w, battery_w)
        self.grid.sample(grid_w, battery_w)
        if battery_w is not None and self.settings.self_use:
            wish_w = self.tracking.sample(grid_w, battery_w, self.window)
            self.requests.ask(self._self_use, wish_w, now_ms, FOR_EVER)

    def _know_the_battery(self, now_ms):
        """Own count of the charge, and what the pack can do now."""
        capability, pack, operations = self.capability, self.pack, self.wishes.operations
        limited = (self.window.lo_why == WHY_CELL_HIGH
                   or operations is not None and operations.charge.in_cv)
        self.wishes.soc.update(pack, capability.full_mah, limited, self.events, now_ms)
        capability.update(pack, self.permits, self.window, now_ms)

    def _drive(self, dt_ms, now_ms):
        """Ramp towards the bounded wish; a stop or an emergency takes no ramp."""
        ramp, sequence = self.ramp, self.sequence
        dt_ms = min(dt_ms, self._dt_ms_max)
        ramp.slow = self.mode == MAINTENANCE
        self.rise_w = ramp.rise_w_max()
        if self.island.islanded:
            ramp.stop()                 # power follows the load; only run or stop is commanded
        elif sequence.step == RUN_STEP:
            ramp.follow(self.requests.wish_w, self.window, dt_ms)
        elif sequence.step == EMPTY:
            ramp.follow(0, self.window, dt_ms)
            if ramp.w:
                sequence.wait(now_ms)   # the time for the inverter counts from zero on
        else:
            ramp.stop()
        self.command.battery_w = self._supported(dt_ms) if self.support else ramp.w
        self.command.run = sequence.run and self._run_code()

    def _run_code(self):
        """How the inverter shall run: on the grid, or forming one where there is none."""
        island = self.island
        if island.islanded or island.may_black_start and (
                island.state == LOST or self.grid.kind == ISOLATED):
            return FORMING
        return FOLLOWING

    def _supported(self, dt_ms):
        """The command as frequency and voltage want it; their response times replace the ramp."""
        support, w = self.support, self.ramp.w
        self.shifted_w = -support.shift_w
        if self.sequence.step != RUN_STEP or self.mode == MAINTENANCE or self.island.islanded:
            support.rest()
        else:
            now = self.image.now
            frequency = now[GRID_CHZ]
            w = support.shift(w, None if frequency is None else frequency * 10, now[GRID_MV],
                              dt_ms)
            w = self.window.nearest(w)
        self.shifted_w += support.shift_w
        return w

    def _follow_mode(self, now_ms):
        if self.sequence.step != RUN_STEP or self.mode > IDLE or self.mode == STANDBY:
            return
        w = self._flowing_w() if self.island.islanded else self.command.battery_w
        if w < 0:
            following = CHARGE
        elif w > 0:
            following = DISCHARGE
        elif self._idle.held(True, now_ms):
            following = IDLE
        else:
            return
        if w:
            self._idle.held(False, now_ms)
        if following != self.mode:
            self._enter(following, now_ms)

    def _flowing_w(self):
        """Measured power; 0 when it is small or unknown."""
        battery_w = self.image.now[BATTERY_W] or 0
        return battery_w if abs(battery_w) * 50 > self.settings.w_rated else 0

    def _enter(self, mode, now_ms):
        if not modes.permitted(self.mode, mode):
            self.breach(1, now_ms)
            return
        self.events.note(EVENT_MODE_CHANGE, INFO, self.mode * 256 + mode, now_ms)
        self.mode = mode

    def fail(self, now_ms):
        """The step itself failed: zero power, inverter stop, latched."""
        self.sequence.run = 0
        self.breach(0, now_ms)
        self.image.now[OUTPUTS] = (self.views.outputs(self) | OUT_TRIP) & ~OUT_ALARM_OK
        self.image.now[STRING_COILS] = self.sequence.coils

    def breach(self, number, now_ms):
        """An invariant does not hold: only a bug can do that. Zero, and latch."""
        self.ramp.stop()
        self.command.battery_w = self.command.run = 0
        if not self.latched >> CAUSE_INVARIANT & 1:
            self.events.note(EVENT_INVARIANT, ALARM, number, now_ms)
            self._latch(1 << CAUSE_INVARIANT, now_ms)
