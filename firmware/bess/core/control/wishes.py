"""The requests that the manager makes by itself, and what a person operates.

Protective charge asks by itself. Charges and discharges with a method and an end, which MANUAL,
SCHEDULE and CALIBRATION ask for, stand in operations.py and the schedule behind it: both are
loaded when something first needs them, by whoever asks, which is never the tick.
"""

from micropython import const

from bess.core.battery.rounds import STOPPED, TIMEOUT
from bess.core.battery.soc import Soc
from bess.core.control.modes import CHARGE, DISCHARGE, REFUSED_FULL
from bess.core.control.protect import Protect
from bess.core.events import INFO, WARNING
from bess.core.points import (
    BY_MANUAL, BY_PROTECT_CHARGE, EVENT_CHARGE_COMPLETE, EVENT_CHARGE_TIMEOUT,
    EVENT_DISCHARGE_COMPLETE, EVENT_DISCHARGE_TIMEOUT,
)
from bess.core.request import FOR_EVER, slot_of

_MINUTE_MS = const(60_000)
NO_ENTRIES = b"\x11"                # what an empty schedule dumps


class Wishes:
    """manual: what a person operates: 0 a constant power or nothing, else CHARGE or DISCHARGE.

    limited_w: constant power that the time-out of the parameters will end, else 0.
    operations, schedule, zone: None until they are loaded. schedule_kept: what is stored of the
    schedule while it is not loaded.
    """

    def __init__(self, manager):
        settings, pack = manager.settings, manager.pack
        self.manual = self.limited_w = 0
        self.operations = self.schedule = self.zone = None
        self.schedule_kept = NO_ENTRIES
        self.protect = Protect(settings, pack)
        self.soc = Soc(settings)
        self._manager = manager
        self._requests = manager.requests
        self._protect = slot_of(BY_PROTECT_CHARGE)
        self._manual = slot_of(BY_MANUAL)
        self._protecting = self._crowded = False

    # --- what is loaded when it is needed ---------------------------------------------------

    def load(self):
        """Have the operations; 0, or the refusal FULL: no memory. From tasks, between ticks."""
        if self.operations is None:
            try:
                from bess.core.control.operations import Operations
                self.operations = Operations(self._manager)
            except (MemoryError, ImportError):
                return REFUSED_FULL
        return 0

    def load_schedule(self):
        """Have the schedule, with its stored entries; 0 or FULL. ValueError: they are damaged."""
        refusal = self.load()
        if refusal == 0 and self.schedule is None:
            try:
                from bess.core.calendar import Zone
                from bess.core.control.schedule import Schedule
                schedule = Schedule()
                schedule.restore(self.schedule_kept)
                self.zone = Zone(self._manager.settings.zone)
                self.schedule = schedule
            except (MemoryError, ImportError):
                return REFUSED_FULL
        return refusal

    def keep_schedule(self, record):
        """At boot: the stored entries. ValueError, and none are left, when they are damaged."""
        self.schedule_kept = record
        try:
            self._manager.refuse_if(self.load_schedule())
        except ValueError:
            self.schedule_kept = NO_ENTRIES
            raise

    def load_wanted(self):
        """Between ticks: a calibration or another pack's schedule needs the operations.

        Failed, it waits for a restart.
        """
        if self.operations is None and not self._crowded and (
                self.soc.wanted or self.lead().schedule is not None):
            self._crowded = self._manager.refuse_if(self.load()) != 0

    def lead(self):
        """Those that have the schedule: of several packs the first one's."""
        site = self._manager.site
        return self if site is None else site.packs[0].wishes

    # --- the tick ---------------------------------------------------------------------------

    def take_params(self):
        """The manager's parameters are new sets."""
        self.protect.balancing = self._manager.charge_params.balancing
        if self.operations is not None:
            self.operations.take_params()

    def tick(self, now_ms):
        """Renew what is asked; every tick, before the requests are settled."""
        protect = self.protect
        protect.tick(self._manager.events, now_ms)
        if protect.active or self._protecting:
            self._protecting = protect.active
            self.ask(self._protect, protect.active, protect.wish_w, now_ms)
        if self.limited_w and self._requests.wish_of(self._manual) is None:
            note_timeout(self.limited_w, self._manager.events, now_ms)
            self.limited_w = 0
        if self.operations is not None:
            self.operations.tick(self, now_ms)

    def ask(self, slot, wanted, wish_w, now_ms):
        """Ask for ever, or no more."""
        if wanted:
            self._requests.ask(slot, wish_w, now_ms, FOR_EVER)
        else:
            self._requests.withdraw(slot)

    # --- what a person operates -------------------------------------------------------------

    def begin_power(self, battery_w, minutes, now_ms):
        """MANUAL constant power, bounded by the window only."""
        self.end_manual(now_ms)
        self._requests.ask(self._manual, battery_w, now_ms, minutes * _MINUTE_MS)

    def end_manual(self, now_ms):
        """A person's operation is over."""
        if self.manual == CHARGE:
            self.operations.end_charge(STOPPED, now_ms)
        elif self.manual == DISCHARGE:
            self.operations.end_discharge(STOPPED, now_ms)
        self._requests.withdraw(self._manual)
        self.manual = self.limited_w = 0


def note_timeout(battery_w, events, now_ms):
    """The time-out of the parameters has ended a charge or a discharge by a constant power."""
    charges = battery_w < 0
    events.note(EVENT_CHARGE_COMPLETE if charges else EVENT_DISCHARGE_COMPLETE, INFO, TIMEOUT,
                now_ms)
    events.note(EVENT_CHARGE_TIMEOUT if charges else EVENT_DISCHARGE_TIMEOUT, WARNING, TIMEOUT,
                now_ms)
