"""The tick: image -> diagnosis -> mode -> window -> request -> ramp -> command -> invariants.

`step(now_ms)` decides; everything else on this class is what a person or a link may ask. Power is
in W at the AC side of the inverter, discharging is positive.
"""

from micropython import const

from bess.core.battery.pack import Pack
from bess.core.battery.sequence import (
    EMPTY, RUN as RUN_STEP, STOP_PCS, WELDED, Sequence,
)
from bess.core.control import invariants, modes
from bess.core.control.diagnosis import Diagnosis
from bess.core.control.journal import Journal
from bess.core.control.limits import PackLimits
from bess.core.control.modes import (
    CHARGE, DISCHARGE, EMERGENCY, IDLE, OFF, STANDBY,
)
from bess.core.control.ramp import Ramp
from bess.core.control.trips import Trips, UNCONFIRMED_MAX
from bess.core.control.views import Views
from bess.core.curves import part
from bess.core.events import EMERGENCY as ALARM, INFO, TRIP, WARNING, Events
from bess.core.flow.tracking import NO_DISCHARGE, Tracking, stale_step
from bess.core.image import History, Image
from bess.core.points import (
    BATTERY_W, BY_MANUAL, BY_REMOTE, BY_SELF_USE, CAUSE_BMS_CRITICAL, CAUSE_COMMANDED,
    CAUSE_CONTACTOR, CAUSE_INPUT, CAUSE_INVARIANT, CAUSE_OVER_CURRENT, EVENT_AUTO_RESTART,
    EVENT_AUTO_RESTART_GIVEN_UP, EVENT_EMERGENCY, EVENT_INVARIANT, EVENT_MODE_CHANGE, EVENT_TRIP,
    GRID_W, OUTPUTS, PCS_UNCONFIRMED, WHY_METER_STALE, WHY_MODE, WHY_MODULE_SILENT,
    WHY_PCS_SILENT, WHY_RATING, WHY_TRIP,
)
from bess.core.request import FOR_EVER, Requests, slot_of
from bess.core.tick import TICK_MASK, Dwell
from bess.core.window import Window

_DT_MS_MAX = const(200)
_FADE_MS = const(1000)
_RESET_MS = const(5000)
# causes that open the contactors after 1 s at the latest
_QUICK = 1 << CAUSE_INPUT | 1 << CAUSE_OVER_CURRENT | 1 << CAUSE_BMS_CRITICAL


class Command:
    """Desired state of the inverter: run (0 or 1) and battery_w, as the last tick left them."""

    def __init__(self):
        self.run = 0
        self.battery_w = 0


class Manager:
    """One pack, one inverter. Made from checked settings (core/config.py)."""

    def __init__(self, settings):
        self.settings = settings
        self.image = Image()
        self.events = Events()
        self.pack = Pack(settings.modules_s, settings.strings_p, settings.module_silent_ms,
                         settings.module_ma_rated)
        self.command = Command()
        self.requests = Requests()
        self.window = Window()
        self.sequence = Sequence(settings, self.image, self.pack)
        self.diagnosis = Diagnosis(settings, self.image, self.pack)
        self.trips = Trips(settings, self.image)
        self.limits = PackLimits(settings)
        self.ramp = Ramp(settings.w_rated, settings.ramp_up_pm, settings.ramp_down_pm,
                         settings.zero_dwell_ms)
        self.tracking = Tracking(settings)
        self.history = History(64)
        self.views = Views(self)
        self.journal = Journal(self)
        self.mode = STANDBY
        self.run_wanted = 0
        self.latched = 0
        self.first_cause = 0
        self.openings = 0
        self.causes_gone = False
        self._commanded = False
        self.now_ms = self._last_ms = 0
        self._began = False
        self._battery_ms = -1
        self.meter_step = 0
        self._idle = Dwell(settings.idle_hold_ms)
        self._gone = Dwell(_RESET_MS)
        self.started = False        # since `start` was called: the next start is a restart
        self._self_use = slot_of(BY_SELF_USE)
        self._manual = slot_of(BY_MANUAL)
        self._remote = slot_of(BY_REMOTE)

    # --- the tick -------------------------------------------------------------------------

    def step(self, now_ms):
        """One control tick at `now_ms`; every 100 ms. Allocates nothing."""
        if not self._began:
            self._began = True
            self._last_ms = now_ms
        dt_ms = (now_ms - self._last_ms) & TICK_MASK
        self._last_ms = self.now_ms = now_ms
        before_w = self.command.battery_w
        self.image.latch(now_ms)
        self._read_modules(now_ms)
        self._watch(now_ms)
        self._decide_mode(now_ms)
        self._track(now_ms)
        self.requests.settle(now_ms)
        self._open_window(now_ms)
        self._drive(dt_ms, now_ms)
        self._follow_mode(now_ms)
        broken = invariants.broken(self, before_w, dt_ms)
        if broken:
            self._breach(broken, now_ms)
        self.journal.tick(now_ms)
        self.views.publish(now_ms, dt_ms)

    def outputs(self):
        """Bits for the board's outputs, in the order of the point OUTPUTS."""
        return self.image.now[OUTPUTS] or 0

    def _read_modules(self, now_ms):
        pack = self.pack
        pack.update(now_ms)
        if pack.fresh or pack.lost:
            self.limits.update(pack, now_ms)
        if (0 < pack.modules_live < pack.count and self.sequence.closed()
                and self.mode != EMERGENCY):
            self._exclude_silent(now_ms)

    def _exclude_silent(self, now_ms):
        pack = self.pack
        for i in range(pack.count):
            if not pack.live[i] and not pack.excluded >> i & 1:
                if (now_ms - pack.at_ms[i]) & TICK_MASK > self.settings.all_silent_ms:
                    pack.exclude(i)

    def _watch(self, now_ms):
        image, sequence = self.image, self.sequence
        image.now[PCS_UNCONFIRMED] = image.raw[PCS_UNCONFIRMED]
        zero = self.mode == EMERGENCY or self.trips.present != 0 or sequence.step == STOP_PCS
        self.diagnosis.tick(sequence, zero, now_ms)
        self.trips.tick(sequence, self.window, self.requests.rank == BY_SELF_USE, now_ms)
        causes = self.diagnosis.causes
        if sequence.failed == WELDED:
            causes |= 1 << CAUSE_CONTACTOR
        if self._commanded:
            self._commanded = False
            causes |= 1 << CAUSE_COMMANDED
        new = causes & ~self.latched
        if new:
            self._latch(new, now_ms)
        self.causes_gone = self._gone.held(not self.diagnosis.causes & self.latched, now_ms)

    def _latch(self, new, now_ms):
        cause = 0
        while not new >> cause & 1:
            cause += 1
        if not self.latched:
            self.first_cause = cause
        self.latched |= new
        self.run_wanted = 0
        self.pack.readmit()             # a person looks at all of it before the next start
        self.requests.withdraw(self._manual)
        self.events.note(EVENT_EMERGENCY, ALARM, cause, now_ms)
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
        if trips.present and self.mode != EMERGENCY:
            sequence.stop(now_ms, True)
            if self.mode != STANDBY:
                self._enter(STANDBY, now_ms)
        elif (self.mode == STANDBY and self.run_wanted and sequence.phase == OFF
                and self.pack.strings_live):
            self._restart(now_ms)
        sequence.tick(now_ms)
        if sequence.step == RUN_STEP and self.mode == STANDBY:
            self._enter(IDLE, now_ms)

    def _restart(self, now_ms):
        if self.started:
            used_up = self.trips.restarts_used_up
            if not self.trips.may_restart(now_ms):
                if self.trips.restarts_used_up and not used_up:
                    self.events.note(EVENT_AUTO_RESTART_GIVEN_UP, WARNING, 0, now_ms)
                return
            self.events.note(EVENT_AUTO_RESTART, INFO, 0, now_ms)
        self.started = True
        self.sequence.start(now_ms)

    def _track(self, now_ms):
        image = self.image
        self.meter_step = stale_step(image.age_ms(GRID_W, now_ms))
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
        if battery_w is not None and self.settings.self_use:
            wish_w = self.tracking.sample(grid_w, battery_w, self.window)
            self.requests.ask(self._self_use, wish_w, now_ms, FOR_EVER)

    def _open_window(self, now_ms):
        window, settings = self.window, self.settings
        window.open(settings.charge_w_max, settings.discharge_w_max, WHY_RATING)
        if self.trips.present:
            window.close(WHY_TRIP)
        self._bound_by_step(window)
        now = self.image.now
        if now[BATTERY_W] is None or (now[PCS_UNCONFIRMED] or 0) >= UNCONFIRMED_MAX:
            window.close(WHY_PCS_SILENT)
        limits = self.limits
        window.charge(limits.charge_w, limits.charge_why)
        window.discharge(limits.discharge_w, limits.discharge_why)
        if self.meter_step and self.requests.rank == BY_SELF_USE:
            self._bound_by_meter(window)
        if self.pack.strings_live == 0:
            self._fade(window, now_ms)

    def _bound_by_step(self, window):
        """Power only in RUN; while the pack empties the command may only fall."""
        if self.sequence.step == EMPTY:
            window.charge(-self.ramp.w, WHY_MODE)
            window.discharge(self.ramp.w, WHY_MODE)
        elif self.sequence.step != RUN_STEP or self.mode == EMERGENCY:
            window.close(WHY_MODE)

    def _bound_by_meter(self, window):
        """Tracking on an old sample only moves towards zero; later it discharges no more."""
        w = self.ramp.w
        window.charge(-w, WHY_METER_STALE)
        window.discharge(0 if self.meter_step >= NO_DISCHARGE else w, WHY_METER_STALE)

    def _fade(self, window, now_ms):
        """All modules silent: both sides go to zero within 1 s, from 5 s on."""
        late_ms = ((now_ms - self.pack.last_ms) & TICK_MASK) - self.settings.fade_after_ms
        if late_ms <= 0:
            return
        left = _FADE_MS - late_ms if late_ms < _FADE_MS else 0
        window.charge(part(-window.lo_w, left), WHY_MODULE_SILENT)
        window.discharge(part(window.hi_w, left), WHY_MODULE_SILENT)

    def _drive(self, dt_ms, now_ms):
        """Ramp towards the bounded wish; a stop or an emergency takes no ramp."""
        ramp, sequence = self.ramp, self.sequence
        if sequence.step == RUN_STEP:
            ramp.follow(self.requests.wish_w, self.window, min(dt_ms, _DT_MS_MAX))
        elif sequence.step == EMPTY:
            ramp.follow(0, self.window, min(dt_ms, _DT_MS_MAX))
            if ramp.w:
                sequence.wait(now_ms)   # the time for the inverter counts from zero on
        else:
            ramp.stop()
        self.command.battery_w = ramp.w
        self.command.run = sequence.run

    def _follow_mode(self, now_ms):
        if self.sequence.step != RUN_STEP or self.mode == STANDBY or self.mode == EMERGENCY:
            return
        w = self.ramp.w
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

    def _enter(self, mode, now_ms):
        if not modes.permitted(self.mode, mode):
            self._breach(1, now_ms)
            return
        self.events.note(EVENT_MODE_CHANGE, INFO, self.mode * 256 + mode, now_ms)
        self.mode = mode

    def fail(self, now_ms):
        """The step itself failed: zero power, inverter stop, latched."""
        self.sequence.run = 0
        self._breach(0, now_ms)
        self.image.now[OUTPUTS] = self.views.outputs(self)

    def _breach(self, number, now_ms):
        """An invariant does not hold: only a bug can do that. Zero, and latch."""
        self.ramp.stop()
        self.command.battery_w = self.command.run = 0
        if not self.latched >> CAUSE_INVARIANT & 1:
            self.events.note(EVENT_INVARIANT, ALARM, number, now_ms)
            self._latch(1 << CAUSE_INVARIANT, now_ms)
