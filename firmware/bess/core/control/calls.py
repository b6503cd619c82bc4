"""What a person or a link may ask of the power manager.

Every call answers 0 when it was accepted, else the number of its refusal, and changes nothing
then. Wrong arguments raise ValueError with what is allowed.
"""

from bess.core.control.manager import Manager
from bess.core.control.modes import (
    EMERGENCY, OFF, REFUSED_CAUSE_PRESENT, REFUSED_LATCHED, REFUSED_NOT_STARTED, STANDBY,
)
from bess.core.events import INFO, WARNING
from bess.core.points import EVENT_EMERGENCY_RESET, EVENT_RESET_REFUSED
from bess.core.request import FOR_EVER

LIFE_MS_MIN = 1_000
LIFE_MS_MAX = 3_600_000
MINUTES_MAX = 1440


def _within(name, value, low, high):
    if not isinstance(value, int) or not low <= value <= high:
        raise ValueError("%s is %r, allowed: a whole number %d..%d" % (name, value, low, high))


class PowerManager(Manager):
    """The tick (`step`) and the calls around it."""

    def start(self):
        """Close the contactors, start the inverter, be ready. Refused while latched."""
        if self.latched or self.mode == EMERGENCY:
            return REFUSED_LATCHED
        if not self.run_wanted or self.blocked():
            self.run_wanted = 1
            self.started = False
            self.trips.forgive()
            self.pack.readmit()
        return 0

    def blocked(self):
        """True when a trip keeps the pack from running and only a person's `start` helps."""
        return self.stopped() and (self.trips.restarts_used_up or self.trips.needs_person())

    def stop(self):
        """Power to zero with the ramp, inverter off, contactors open, STANDBY."""
        self.run_wanted = 0
        self.requests.withdraw(self._manual)
        if self.mode != EMERGENCY:
            self.sequence.stop(self.now_ms)
            if self.mode != STANDBY:
                self._enter(STANDBY, self.now_ms)
        return 0

    def stopped(self):
        """True when the pack is at rest: power zero, inverter off, contactors open."""
        return self.sequence.phase == OFF

    def ask_remote(self, battery_w, life_ms):
        """Remote setpoint in W (+ discharges), for life_ms; renewed by the next call."""
        settings = self.settings
        _within("battery_w", battery_w, -settings.charge_w_max, settings.discharge_w_max)
        _within("life_ms", life_ms, LIFE_MS_MIN, LIFE_MS_MAX)
        if self.latched:
            return REFUSED_LATCHED
        self.requests.ask(self._remote, battery_w, self.now_ms, life_ms)
        return 0

    def remote_w(self):
        """The remote setpoint in W while it lives, else None."""
        return self.requests.wish_of(self._remote)

    def release_remote(self):
        """End the remote setpoint; the next lower request takes over."""
        self.requests.withdraw(self._remote)
        return 0

    def set_constant_power(self, battery_w, minutes):
        """Manual power in W (negative charges) for minutes (0 = until stopped)."""
        settings = self.settings
        _within("battery_w", battery_w, -settings.charge_w_max, settings.discharge_w_max)
        _within("minutes", minutes, 0, MINUTES_MAX)
        if self.latched:
            return REFUSED_LATCHED
        if not self.run_wanted:
            return REFUSED_NOT_STARTED
        life_ms = minutes * 60_000 if minutes else FOR_EVER
        self.requests.ask(self._manual, battery_w, self.now_ms, life_ms)
        return 0

    def stop_operation(self):
        """End the manual request."""
        if self.latched:
            return REFUSED_LATCHED
        self.requests.withdraw(self._manual)
        return 0

    def emergency_shutdown(self):
        """Latch an emergency at the next tick. May be called from an interrupt handler."""
        self._commanded = True

    def reset_emergency(self):
        """A person says that all is well; accepted when every cause has been gone for 5 s."""
        if not self.latched:
            return 0
        if not self.causes_gone or not self.stopped():
            self.events.note(EVENT_RESET_REFUSED, WARNING, self.diagnosis.causes, self.now_ms)
            return REFUSED_CAUSE_PRESENT
        self.events.note(EVENT_EMERGENCY_RESET, INFO, self.first_cause, self.now_ms)
        self.latched = self.first_cause = 0
        self._enter(STANDBY, self.now_ms)
        return 0

    def restore_latch(self, causes, first_cause):
        """At boot: the emergency that was stored before the restart."""
        if causes:
            self.latched = causes
            self.diagnosis.restore(causes)
            self.first_cause = first_cause
            self.mode = EMERGENCY
