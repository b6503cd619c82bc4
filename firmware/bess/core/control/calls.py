"""The power manager's interface: what a person, a link or a program may ask.

Powers are in W at the AC side of the inverter, discharging is positive; SoC in per mille, times in
minutes; 0 as target, power or limit means the default or unlimited. Every call answers 0 when it
was accepted, else the number of its refusal (modes.REFUSED_*, an event too), and changes nothing
then. Wrong arguments raise ValueError with what is allowed. Calls come from tasks, between ticks;
only `emergency_shutdown` may come from an interrupt handler.

What a link asks and what must work without memory stands here. The calls of operate.py and
people.py are loaded by the first of them that is made; without memory that one is refused (FULL).
"""

from bess.core.control.manager import Manager
from bess.core.control.modes import (
    EMERGENCY, MAINTENANCE, OFF, REFUSED_CAUSE_PRESENT, REFUSED_DIRECTION, REFUSED_FULL,
    REFUSED_LATCHED, REFUSED_LOCAL_ONLY, REFUSED_MODE, REFUSED_RANK_HELD, STANDBY, within,
)
from bess.core.events import INFO, WARNING
from bess.core.points import (
    EVENT_AUTO_RESTART_GIVEN_UP, EVENT_PCS_OVERRULED, EVENT_REFUSED, OUTPUTS, TRIP_CONFIG,
)

LIFE_MS_MIN = 1_000
LIFE_MS_MAX = 3_600_000


class PowerManager(Manager):
    """One pack with one inverter, made from checked settings (core/config.py)."""

    callbacks = None            # loaded with the first registration
    _number = 0                 # of a remote reset, see people.py
    _number_ms = 0

    def __getattr__(self, name):
        """A call that is not loaded yet."""
        if name[0] == "_":
            raise AttributeError(name)
        try:
            from bess.core.control.operate import Operate
            from bess.core.control.people import People
            for more in (Operate, People):
                for word, call in more.__dict__.items():
                    if callable(call):
                        setattr(PowerManager, word, call)
        except (MemoryError, ImportError):
            return self.no_room
        if name not in PowerManager.__dict__:
            raise AttributeError(name)
        return getattr(self, name)

    def no_room(self, *arguments, **named):
        """Answer of a call that there is no memory for."""
        return self.refuse(REFUSED_FULL)

    def refuse(self, refusal):
        """Note a refused call and return its number."""
        self.events.note(EVENT_REFUSED, INFO, refusal, self.now_ms)
        return refusal

    def refuse_if(self, refusal):
        """Note and return a refusal, or 0."""
        return self.refuse(refusal) if refusal else 0

    def note_overruled(self, now_ms):
        """Somebody else changed what the inverter had confirmed."""
        self.events.note(EVENT_PCS_OVERRULED, WARNING, 0, now_ms)

    def stopped(self):
        """True when the pack is at rest: power zero, inverter off, contactors open."""
        return self.sequence.phase == OFF

    # --- start and stop -------------------------------------------------------------------

    def start(self):
        """Close the contactors, start the inverter, be ready (IDLE); nothing when it runs already.

        Forgives what waits for a person. Refused MODE in MAINTENANCE, LATCHED in an emergency,
        CAUSE_PRESENT while the configuration is wrong.
        """
        if self.mode == MAINTENANCE:
            return self.refuse(REFUSED_MODE)
        if self.latched:
            return self.refuse(REFUSED_LATCHED)
        if self.trips.present >> TRIP_CONFIG & 1:
            return self.refuse(REFUSED_CAUSE_PRESENT)
        if not self.run_wanted or self.stopped():
            if self.run_wanted and self.started:
                self.ramp.reconnecting = True       # it has tripped, whoever starts it again
            self.run_wanted = 1
            self.started = False
            self._asleep = self._resumes = False
            self.trips.forgive()
            self.pack.readmit()
        return 0

    def stop(self):
        """Power to zero with the ramp, inverter off, contactors open, STANDBY. Never refused.

        Ends what a person operates; in MAINTENANCE it ends the test. No automatic start follows.
        """
        self.run_wanted = 0
        self._resumes = False
        self.wishes.end_manual(self.now_ms)
        if self.mode == MAINTENANCE:
            self.end_test()
        elif self.mode != EMERGENCY:
            self.sequence.stop(self.now_ms)
            if self.mode != STANDBY:
                self._enter(STANDBY, self.now_ms)
        return 0

    def get_mode(self):
        """Code of the mode, modes.STANDBY and so on."""
        return self.mode

    def outputs(self):
        """Bits for the board's outputs, in the order of the point OUTPUTS."""
        return self.image.now[OUTPUTS] or 0

    def emergency_shutdown(self):
        """Latch an emergency at the next tick. May be called from an interrupt handler."""
        self._commanded = True

    def is_emergency(self):
        """True while a cause is latched; in MAINTENANCE too."""
        return self.latched != 0

    # --- the remote setpoint --------------------------------------------------------------

    def ask_remote(self, battery_w, life_ms, source=0):
        """Remote setpoint in W (+ discharges), for life_ms 1 000..3 600 000; renewed by a call.

        battery_w: from -charge_w_max to discharge_w_max of the configuration. source: number of
        the interface 0..255; another one is refused RANK_HELD while the setpoint lives. Refused
        too: LATCHED, LOCAL_ONLY, DIRECTION when a setting forbids it. ValueError: out of range.
        """
        self._check_power(battery_w)
        within("life_ms", life_ms, LIFE_MS_MIN, LIFE_MS_MAX)
        if self.latched:
            return self.refuse(REFUSED_LATCHED)
        if self.local:
            return self.refuse(REFUSED_LOCAL_ONLY)
        refusal = self._direction(battery_w)
        if refusal == 0 and self.requests.held(self._remote, source):
            refusal = REFUSED_RANK_HELD
        if refusal:
            return self.refuse(refusal)
        self.requests.ask(self._remote, battery_w, self.now_ms, life_ms, source)
        return 0

    def remote_w(self):
        """The remote setpoint in W while it lives, else None."""
        return self.requests.wish_of(self._remote)

    def release_remote(self):
        """End the remote setpoint; the next lower request takes over."""
        self.requests.withdraw(self._remote)
        return 0

    def _check_power(self, battery_w):
        settings, packs = self.settings, len(self.packs)
        low_w = -settings.charge_w_max or -settings.w_rated
        high_w = settings.discharge_w_max or settings.w_rated
        within("battery_w", battery_w, low_w * packs, high_w * packs)

    def _direction(self, battery_w):
        """Refusal of a direction that a setting forbids, 0 when it is permitted."""
        settings = self.settings
        forbidden = (battery_w < 0 and not settings.charge_w_max
                     or battery_w > 0 and not settings.discharge_w_max)
        return REFUSED_DIRECTION if forbidden else 0

    # --- at boot --------------------------------------------------------------------------

    def restore_latch(self, causes, first_cause):
        """The emergency that was stored before the restart."""
        if causes:
            self.latched = causes
            self.diagnosis.restore(causes)
            self.first_cause = first_cause
            self.mode = EMERGENCY

    def restore_maintenance(self):
        """MAINTENANCE was stored before the restart: a person is still at the cabinet."""
        self.mode = MAINTENANCE

    def restore_run(self):
        """It ran before the restart: start by itself after 10 s."""
        self._resumes = self.settings.auto_restart == 1 and not self.latched

    def forget_run(self):
        """It has restarted too often to start by itself: BLOCKED until `start`."""
        if self._resumes:
            self._resumes = False
            self.events.note(EVENT_AUTO_RESTART_GIVEN_UP, WARNING, 0, self.now_ms)
