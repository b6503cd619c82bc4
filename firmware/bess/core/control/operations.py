"""Charges and discharges with a method and an end, and whom they serve.

MANUAL, SCHEDULE and CALIBRATION want them; one charge and one discharge serve them in turn:
whoever ranks highest among those that want it.
"""

from micropython import const

from bess.core.battery.charge import Charge
from bess.core.battery.discharge import Discharge
from bess.core.battery.rounds import DURATION, STOPPED, TIMEOUT
from bess.core.battery.sequence import RUN
from bess.core.battery.stages import HOLD
from bess.core.control.modes import CHARGE, DISCHARGE
from bess.core.events import INFO, WARNING
from bess.core.points import (
    BATTERY_W, BY_CALIBRATION, BY_MANUAL, BY_SCHEDULE, EVENT_CHARGE_COMPLETE,
    EVENT_CHARGE_TIMEOUT, EVENT_DISCHARGE_COMPLETE, EVENT_DISCHARGE_TIMEOUT, UTC_DAY, UTC_S,
    WHY_CELL_HIGH,
)
from bess.core.request import slot_of

_MINUTE_MS = const(60_000)
_NONE = const(0)


class Operations:
    """charge, discharge: what goes on, or what was last.

    charger: rank that the charge serves, 0 while there is none.
    """

    def __init__(self, manager):
        settings, pack = manager.settings, manager.pack
        self.charge = Charge(settings, pack)
        self.discharge = Discharge(settings, pack)
        self._manager = manager
        self._packs = settings.packs
        self._lead = manager.wishes.lead()
        self._manual = slot_of(BY_MANUAL)
        self._schedule = slot_of(BY_SCHEDULE)
        self._calibration = slot_of(BY_CALIBRATION)
        self.charger = self._discharger = _NONE    # rank that is served
        self._entry = -1
        self._turn = 0
        self._busy = self._calibrates = False
        self.take_params()

    def take_params(self):
        """The manager's parameters are new sets."""
        self.charge.params = self._manager.charge_params
        self.discharge.params = self._manager.discharge_params

    def tick(self, wishes, now_ms):
        """Renew what is asked; every tick, before the requests are settled."""
        schedule, entry = self._lead.schedule, -1
        if schedule is not None:
            now = self._manager.image.now
            if wishes is self._lead:
                schedule.tick(now[UTC_DAY], now[UTC_S], wishes.zone, self._manager.events, now_ms)
            entry = schedule.entry
            if schedule.turn != self._turn:
                self._turn = schedule.turn
                code = DURATION if schedule.over else STOPPED
                if self.charger == BY_SCHEDULE:
                    self.end_charge(code, now_ms)
                if self._discharger == BY_SCHEDULE:
                    self.end_discharge(code, now_ms)
        self._entry = entry
        busy = entry >= 0 or wishes.manual != 0 or wishes.soc.wanted
        if busy or self._busy:          # once more after the last of them has ended
            self._busy = busy
            self._serve_charge(wishes, now_ms)
            self._serve_discharge(wishes, now_ms)
            self._ask_schedule(wishes, now_ms)
            wanted = wishes.soc.wanted
            if wanted or self._calibrates:
                self._calibrates = wanted
                wishes.ask(self._calibration, wanted,
                           self.charge.wish_w if self.charger == BY_CALIBRATION else 0, now_ms)

    def _ask_schedule(self, wishes, now_ms):
        """What the living entry wishes: its method's power, 0 W when it is done or holds 0 W."""
        wish_w = 0
        if self.charger == BY_SCHEDULE:
            wish_w = self.charge.wish_w
        elif self._discharger == BY_SCHEDULE:
            wish_w = self.discharge.wish_w
        wishes.ask(self._schedule, self._entry >= 0, wish_w, now_ms)

    # --- a person's charge and discharge ----------------------------------------------------

    def begin_charge(self, target_pm, now_ms):
        """MANUAL charge to target_pm (0: that of the parameters); 0 or a refusal."""
        manager = self._manager
        params = manager.charge_params
        self.charge.end(STOPPED)
        refusal = self.charge.begin(params.method, 0, target_pm, now_ms)
        self.charger = _NONE if refusal else BY_MANUAL
        if refusal:
            return refusal
        self.end_discharge(STOPPED, now_ms)
        self.charge.timeout_ms = params.minutes_max * _MINUTE_MS
        self.charge.resumes = False
        manager.wishes.manual = CHARGE
        manager.wishes.ask(self._manual, True, self.charge.wish_w, now_ms)
        return 0

    def begin_discharge(self, battery_w, minutes, now_ms):
        """MANUAL discharge; 0 W is the power of the parameters, 0 minutes until it ends.

        A scheduled charge waits meanwhile: one that was done stays done.
        """
        if self.charger == BY_MANUAL:
            self.end_charge(STOPPED, now_ms)
        manager, discharge = self._manager, self.discharge
        discharge.end(STOPPED)
        discharge.begin(battery_w, minutes * _MINUTE_MS, now_ms)
        minutes_max = 0 if minutes else manager.discharge_params.minutes_max
        discharge.timeout_ms = minutes_max * _MINUTE_MS
        self._discharger = BY_MANUAL
        manager.wishes.manual = DISCHARGE
        manager.wishes.ask(self._manual, True, discharge.wish_w, now_ms)

    def end_charge(self, code, now_ms):
        """The charge of whoever it was is over; an event when it was still going on."""
        if self.charger:
            if not self.charge.done:
                self.charge.end(code)
                self._note_charge(now_ms)
            self.charger = _NONE

    def end_discharge(self, code, now_ms):
        """The discharge of whoever it was is over; an event when it was still going on."""
        if self._discharger:
            if not self.discharge.done:
                self.discharge.end(code)
                self._note_discharge(now_ms)
            self._discharger = _NONE

    # --- whom the charge and the discharge serve --------------------------------------------

    def _serve_charge(self, wishes, now_ms):
        charge, manager = self.charge, self._manager
        wanted = _NONE
        if wishes.manual == CHARGE:
            wanted = BY_MANUAL
        elif self._entry >= 0 and self._lead.schedule.mode == CHARGE:
            wanted = BY_SCHEDULE
        elif wishes.soc.wanted:
            wanted = BY_CALIBRATION
        if wanted != self.charger:
            self._begin_charge(wanted, now_ms)
        if not wanted:
            return
        before = charge.done
        if manager.requests.rank != wanted or manager.sequence.step != RUN:
            charge.expire(now_ms)
        elif not before or charge.resumes:
            charge.tick(manager.command.battery_w, manager.window.lo_why == WHY_CELL_HIGH, now_ms)
        if charge.done and not before:
            self._note_charge(now_ms)
        if wanted == BY_MANUAL:
            if charge.done:
                self.charger = _NONE
                wishes.end_manual(now_ms)
            else:
                wishes.ask(self._manual, True, charge.wish_w, now_ms)

    def _begin_charge(self, wanted, now_ms):
        """Another rank is served: what went on before is over."""
        charge = self.charge
        self.end_charge(STOPPED, now_ms)
        charge.timeout_ms = 0
        charge.resumes = wanted == BY_SCHEDULE
        if wanted == BY_SCHEDULE:
            charge.begin(charge.params.method, self._part_w(), 0, now_ms)
        elif wanted == BY_CALIBRATION:
            charge.begin(HOLD, 0, 0, now_ms)
        self.charger = wanted

    def _part_w(self):
        """Magnitude of the living entry's power for one pack; 0 only where the entry says 0."""
        power_w = abs(self._lead.schedule.power_w)
        return power_w // self._packs or (1 if power_w else 0)

    def _serve_discharge(self, wishes, now_ms):
        discharge, manager = self.discharge, self._manager
        wanted = _NONE
        if wishes.manual == DISCHARGE:
            wanted = BY_MANUAL
        elif self._entry >= 0 and self._lead.schedule.mode == DISCHARGE:
            wanted = BY_SCHEDULE
        if wanted != self._discharger:
            self.end_discharge(STOPPED, now_ms)
        if not wanted:
            return
        if wanted != self._discharger:
            discharge.timeout_ms = 0
            discharge.begin(self._part_w(), 0, now_ms)
            self._discharger = wanted
        if discharge.done:
            return
        if manager.requests.rank == wanted and manager.sequence.step == RUN:
            discharge.tick(manager.command.battery_w, manager.image.now[BATTERY_W], now_ms)
        else:
            discharge.expire(now_ms)
        if discharge.done:
            self._note_discharge(now_ms)
        if wanted == BY_MANUAL:
            if discharge.done:
                self._discharger = _NONE
                wishes.end_manual(now_ms)
            else:
                wishes.ask(self._manual, True, discharge.wish_w, now_ms)

    def _note_charge(self, now_ms):
        events, code = self._manager.events, self.charge.done
        events.note(EVENT_CHARGE_COMPLETE, INFO, code, now_ms)
        if code == TIMEOUT:
            events.note(EVENT_CHARGE_TIMEOUT, WARNING, code, now_ms)

    def _note_discharge(self, now_ms):
        events, code = self._manager.events, self.discharge.done
        events.note(EVENT_DISCHARGE_COMPLETE, INFO, code, now_ms)
        if code == TIMEOUT:
            events.note(EVENT_DISCHARGE_TIMEOUT, WARNING, code, now_ms)
