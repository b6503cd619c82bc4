"""The tick: image -> diagnosis -> mode -> window -> request -> ramp -> command -> invariants.

`step(now_ms)` decides; everything else on this class is what a person or a link may ask. Power is
in W at the AC side of the inverter, discharging is positive.
"""

from micropython import const

from bess.core.battery.pack import Pack
from bess.core.battery.sequence import (
    EMPTY, FAILED_PRECHARGE_TRY, K_PLUS, RUN as RUN_STEP, WELDED, Sequence,
)
from bess.core.control import invariants, modes
from bess.core.control.diagnosis import Diagnosis
from bess.core.control.limits import PackLimits
from bess.core.control.modes import (
    CHARGE, DISCHARGE, EMERGENCY, IDLE, OFF, STANDBY,
)
from bess.core.control.ramp import Ramp
from bess.core.control.trips import Trips, UNCONFIRMED_MAX
from bess.core.control.views import Views
from bess.core.events import EMERGENCY as ALARM, INFO, TRIP, WARNING, Events
from bess.core.flow.tracking import Tracking
from bess.core.image import History, Image
from bess.core.points import (
    BATTERY_W, BY_MANUAL, BY_REMOTE, BY_SELF_USE, CAUSE_COMMANDED, CAUSE_CONTACTOR, CAUSE_INPUT,
    CAUSE_BMS_CRITICAL, CAUSE_INVARIANT, CAUSE_OVER_CURRENT, EVENT_AUTO_RESTART,
    EVENT_AUTO_RESTART_GIVEN_UP, EVENT_CONTACTOR_CLOSED, EVENT_CONTACTOR_OPENED, EVENT_EMERGENCY,
    EVENT_INVARIANT, EVENT_LIMIT_REASON, EVENT_METER_BACK,
    EVENT_METER_STALE, EVENT_MODE_CHANGE, EVENT_MODULE_BACK, EVENT_MODULE_LOST,
    EVENT_OPENED_UNDER_LOAD, EVENT_PCS_STARTED, EVENT_PCS_STOPPED, EVENT_PCS_UNCONFIRMED,
    EVENT_PRECHARGE_FAILED, EVENT_REQUEST_WON, EVENT_TRIP,
    EVENT_TRIP_CLEARED, GRID_W, OUTPUTS, PCS_UNCONFIRMED, WHY_METER_STALE, WHY_MODE,
    WHY_MODULE_SILENT, WHY_PCS_SILENT, WHY_RATING, WHY_TRIP,
)
from bess.core.request import FOR_EVER, Requests, slot_of
from bess.core.tick import TICK_MASK, Dwell
from bess.core.window import Window

_DT_MS_MAX = const(200)
_FADE_MS = const(1000)
_REASON_MS = const(1000)
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
        self.mode = STANDBY
        self.run_wanted = 0
        self.latched = 0
        self.first_cause = 0
        self.openings = 0
        self.causes_gone = False
        self._commanded = False
        self.now_ms = self._last_ms = 0
        self._began = False
        self._battery_ms = 0
        self._meter_step = 0
        self._unconfirmed = 0
        self._rank = 0
        self._lo_why = self._hi_why = 0
        self._reason_ms = 0
        self._idle = Dwell(settings.idle_hold_ms)
        self._gone = Dwell(_RESET_MS)
        self._started = self._closed = False
        self._run = self._trips = 0
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
        self._drive(dt_ms)
        self._follow_mode(now_ms)
        broken = invariants.broken(self, before_w, dt_ms)
        if broken:
            self._breach(broken, now_ms)
        self._tell(now_ms)
        self.views.publish(now_ms, dt_ms)

    def outputs(self):
        """Bits for the board's outputs, in the order of the point OUTPUTS."""
        return self.image.now[OUTPUTS] or 0

    def _read_modules(self, now_ms):
        pack = self.pack
        pack.update(now_ms)
        if pack.fresh:
            self.limits.update(pack, now_ms)
        if pack.lost or pack.back:
            for i in range(pack.count):
                if pack.lost >> i & 1:
                    self.events.note(EVENT_MODULE_LOST, WARNING, i, now_ms)
                if pack.back >> i & 1:
                    self.events.note(EVENT_MODULE_BACK, INFO, i, now_ms)
        if pack.modules_live < pack.count and pack.modules_live and self.sequence.closed():
            self._exclude_silent(now_ms)

    def _exclude_silent(self, now_ms):
        pack = self.pack
        for i in range(pack.count):
            if not pack.live[i] and not pack.excluded >> i & 1:
                if (now_ms - pack.at_ms[i]) & TICK_MASK > self.settings.all_silent_ms:
                    pack.exclude(i)

    def _watch(self, now_ms):
        zero = self.mode == EMERGENCY or self.trips.present != 0
        self.diagnosis.tick(self.sequence, zero, now_ms)
        self.trips.tick(self.sequence, self.window, self.requests.rank == BY_SELF_USE, now_ms)
        causes = self.diagnosis.causes
        if self.sequence.failed == WELDED:
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
        elif self.mode == STANDBY and self.run_wanted and sequence.phase == OFF:
            self._restart(now_ms)
        sequence.tick(now_ms)
        if sequence.step == RUN_STEP and self.mode == STANDBY:
            self._enter(IDLE, now_ms)

    def _restart(self, now_ms):
        if self._started:
            used_up = self.trips.restarts_used_up
            if not self.trips.may_restart(now_ms):
                if self.trips.restarts_used_up and not used_up:
                    self.events.note(EVENT_AUTO_RESTART_GIVEN_UP, WARNING, 0, now_ms)
                return
            self.events.note(EVENT_AUTO_RESTART, INFO, 0, now_ms)
        self._started = True
        self.sequence.start(now_ms)

    def _track(self, now_ms):
        image = self.image
        if image.at_ms[BATTERY_W] != self._battery_ms and image.raw[BATTERY_W] is not None:
            self._battery_ms = image.at_ms[BATTERY_W]
            self.history.add(image.raw[BATTERY_W], self._battery_ms)
        if not image.meter_fresh:
            return
        grid_w = image.raw[GRID_W]
        battery_w = self.history.at(image.at_ms[GRID_W])
        if battery_w is None:
            battery_w = 0
        self.views.balance(grid_w, battery_w)
        if self.settings.self_use:
            wish_w = self.tracking.sample(grid_w, battery_w, self.window)
            self.requests.ask(self._self_use, wish_w, now_ms, FOR_EVER)

    def _open_window(self, now_ms):
        window, settings = self.window, self.settings
        window.open(settings.charge_w_max, settings.discharge_w_max, WHY_RATING)
        if self.trips.present:
            window.close(WHY_TRIP)
        self._bound_by_step(window)
        if self._unconfirmed >= UNCONFIRMED_MAX or self.image.now[BATTERY_W] is None:
            window.close(WHY_PCS_SILENT)
        limits = self.limits
        window.charge(limits.charge_w, limits.charge_why)
        window.discharge(limits.discharge_w, limits.discharge_why)
        if self.pack.strings_live == 0:
            self._fade(now_ms)
        if self.requests.rank == BY_SELF_USE and self._meter_step >= 2:
            window.discharge(0, WHY_METER_STALE)

    def _bound_by_step(self, window):
        """Power only in RUN; while the pack empties the command may only fall."""
        if self.sequence.step == EMPTY:
            window.charge(-self.ramp.w, WHY_MODE)
            window.discharge(self.ramp.w, WHY_MODE)
        elif self.sequence.step != RUN_STEP or self.mode == EMERGENCY:
            window.close(WHY_MODE)

    def _fade(self, now_ms):
        """All modules silent: both sides go to zero within 1 s, from 5 s on."""
        late_ms = ((now_ms - self.pack.last_ms) & TICK_MASK) - self.settings.fade_after_ms
        if late_ms <= 0:
            return
        left = _FADE_MS - late_ms if late_ms < _FADE_MS else 0
        limits = self.limits
        self.window.charge(limits.charge_w // 1000 * left, WHY_MODULE_SILENT)
        self.window.discharge(limits.discharge_w // 1000 * left, WHY_MODULE_SILENT)

    def _drive(self, dt_ms):
        """Ramp towards the bounded wish; a stop or an emergency takes no ramp."""
        ramp, sequence = self.ramp, self.sequence
        if sequence.step == RUN_STEP:
            ramp.follow(self.window.nearest(self.requests.wish_w), self.window,
                        min(dt_ms, _DT_MS_MAX))
        elif sequence.step == EMPTY:
            ramp.follow(0, self.window, min(dt_ms, _DT_MS_MAX))
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

    def _tell(self, now_ms):
        """Events of what changed in this tick."""
        sequence, events = self.sequence, self.events
        if sequence.opened_ma is not None:
            self.openings += 1
            events.note(EVENT_OPENED_UNDER_LOAD, WARNING, sequence.opened_ma, now_ms)
        if sequence.failed == FAILED_PRECHARGE_TRY:
            events.note(EVENT_PRECHARGE_FAILED, WARNING, 0, now_ms)
        closed = sequence.coils & K_PLUS != 0
        if closed != self._closed:
            self._closed = closed
            current_ma = self.pack.current_ma or 0
            events.note(EVENT_CONTACTOR_CLOSED if closed else EVENT_CONTACTOR_OPENED, INFO,
                        current_ma, now_ms)
        if sequence.run != self._run:
            self._run = sequence.run
            events.note(EVENT_PCS_STARTED if sequence.run else EVENT_PCS_STOPPED, INFO, 0, now_ms)
        self._tell_inputs(now_ms)
        self._tell_winner(now_ms)

    def _tell_inputs(self, now_ms):
        unconfirmed = self.image.raw[PCS_UNCONFIRMED] or 0
        if unconfirmed >= UNCONFIRMED_MAX > self._unconfirmed:
            self.events.note(EVENT_PCS_UNCONFIRMED, WARNING, unconfirmed, now_ms)
        self._unconfirmed = unconfirmed
        age_ms = self.image.age_ms(GRID_W, now_ms)
        step = 0 if age_ms is None else (age_ms > 15_000) + (age_ms > 30_000) + (age_ms > 60_000)
        if step > self._meter_step and self.settings.self_use:
            self.events.note(EVENT_METER_STALE, WARNING, step, now_ms)
        elif step == 0 and self._meter_step:
            self.events.note(EVENT_METER_BACK, INFO, 0, now_ms)
        self._meter_step = step
        cleared = self._trips & ~self.trips.present
        if cleared:
            self.events.note(EVENT_TRIP_CLEARED, INFO, cleared, now_ms)
        self._trips = self.trips.present

    def _tell_winner(self, now_ms):
        if self.requests.rank != self._rank:
            self._rank = self.requests.rank
            self.events.note(EVENT_REQUEST_WON, INFO, self._rank, now_ms)
        window = self.window
        if window.lo_why == self._lo_why and window.hi_why == self._hi_why:
            return
        if (now_ms - self._reason_ms) & TICK_MASK >= _REASON_MS:
            self._reason_ms = now_ms
            self._lo_why, self._hi_why = window.lo_why, window.hi_why
            self.events.note(EVENT_LIMIT_REASON, INFO, window.lo_why * 256 + window.hi_why, now_ms)

    def fail(self, now_ms):
        """The step itself failed: zero power, inverter stop, latched."""
        self.sequence.run = 0
        self._breach(0, now_ms)

    def _breach(self, number, now_ms):
        """An invariant does not hold: only a bug can do that. Zero, and latch."""
        self.ramp.stop()
        self.command.battery_w = self.command.run = 0
        self.events.note(EVENT_INVARIANT, ALARM, number, now_ms)
        if not self.latched >> CAUSE_INVARIANT & 1:
            self.mode = EMERGENCY
            self._latch(1 << CAUSE_INVARIANT, now_ms)
