"""What only a person may ask: reset of an emergency, MAINTENANCE and its tests, authority.

Every call answers 0 when it was accepted, else the number of its refusal (an event too), and
changes nothing then. `person`: True when the caller knows that somebody stands at the cabinet
(console, local button); False for whatever comes over a wire. Loaded like operate.py.
"""

from micropython import const

from bess.core.battery.rounds import TOP_MV, ac_w
from bess.core.battery.sequence import RUN
from bess.core.control.calls import PowerManager
from bess.core.control.maintenance import CONTACTOR, POWER, TRICKLE
from bess.core.control.modes import (
    EMERGENCY, IDLE, MAINTENANCE, REFUSED_CAUSE_PRESENT, REFUSED_LATCHED, REFUSED_MODE,
    REFUSED_NO_PERSON, REFUSED_RANGE, STANDBY, within,
)
from bess.core.control.operate import check_flag
from bess.core.events import INFO, WARNING
from bess.core.points import (
    BATTERY_W, CAUSE_CONTACTOR, CAUSE_FIRE, CAUSE_INPUT, CAUSE_INSULATION, EVENT_AUTHORITY,
    EVENT_EMERGENCY_RESET, EVENT_RESET_REFUSED, EVENT_TEST, GRID_W,
)
from bess.core.request import FOR_EVER
from bess.core.tick import TICK_MASK

_NUMBER_MS = const(60_000)
_W_MAX = const(1_000_000)
_COILS_MAX = (1 << 48) - 1          # 16 sets of three
# causes that nobody resets from afar
ON_SITE = 1 << CAUSE_INPUT | 1 << CAUSE_CONTACTOR | 1 << CAUSE_INSULATION | 1 << CAUSE_FIRE


class People(PowerManager):
    """What a person at the cabinet may do."""

    # --- emergency ------------------------------------------------------------------------

    def reset_number(self):
        """A number that a remote reset must bring back within 60 s, 1..65534; good for one try."""
        events = self.events.count
        self._number = (self.now_ms * 31 + events * 7919 + self.latched * 257) % 65_534 + 1
        self._number_ms = self.now_ms
        return self._number

    def take_number(self, number, now_ms):
        """The number of another pack of the site is good for this one too."""
        self._number, self._number_ms = number, now_ms

    def reset_emergency(self, person=True, number=0):
        """End the emergency when every cause has been gone for 5 s and the pack is at rest.

        Leads to STANDBY; somebody must call start(). 0 too when nothing is latched. Refused
        CAUSE_PRESENT, NO_PERSON, and MODE in MAINTENANCE.
        Without a person: only where `remote_reset` is 1, with the number of `reset_number`, and
        never for causes that somebody has to look at.
        """
        if not self.latched:
            return 0
        if not person and not self._remote_person(number):
            return self.refuse(REFUSED_NO_PERSON)
        if self.mode != EMERGENCY:
            return self.refuse(REFUSED_MODE)
        if not self.causes_gone or not self.stopped():
            self.events.note(EVENT_RESET_REFUSED, WARNING, self.diagnosis.causes, self.now_ms)
            return REFUSED_CAUSE_PRESENT
        self.events.note(EVENT_EMERGENCY_RESET, INFO, self.first_cause, self.now_ms)
        self.latched = self.first_cause = 0
        self._enter(STANDBY, self.now_ms)
        return 0

    def _remote_person(self, number):
        wanted, self._number = self._number, 0
        fresh = (self.now_ms - self._number_ms) & TICK_MASK <= _NUMBER_MS
        return (self.settings.remote_reset == 1 and wanted != 0 and number == wanted and fresh
                and not self.latched & ON_SITE)

    def set_authority(self, local, person=True):
        """local True (or 1): only protection, tests and people at the cabinet move power (LOCAL).

        False (or 0): links too (REMOTE). Without a person refused NO_PERSON.
        """
        check_flag(local)
        if not person:
            return self.refuse(REFUSED_NO_PERSON)
        if bool(local) != self.local:
            self.local = bool(local)
            self.events.note(EVENT_AUTHORITY, INFO, 1 if local else 0, self.now_ms)
        return 0

    # --- maintenance ----------------------------------------------------------------------

    def enter_maintenance(self, key="", person=True):
        """MAINTENANCE, from STANDBY or IDLE; from EMERGENCY with the service key, latch kept.

        Refused NO_PERSON, MODE from elsewhere; from EMERGENCY LATCHED without the key,
        CAUSE_PRESENT while the emergency input is open or the pack is not at rest.
        """
        if not person:
            return self.refuse(REFUSED_NO_PERSON)
        if self.mode == EMERGENCY:
            if not self.settings.service_key or key != self.settings.service_key:
                return self.refuse(REFUSED_LATCHED)
            if self.diagnosis.causes >> CAUSE_INPUT & 1 or not self.stopped():
                return self.refuse(REFUSED_CAUSE_PRESENT)
        elif self.mode != STANDBY and self.mode != IDLE:
            return self.refuse(REFUSED_MODE)
        self.run_wanted = 0
        self._resumes = False
        self.wishes.end_manual(self.now_ms)
        self.sequence.stop(self.now_ms)
        self._enter(MAINTENANCE, self.now_ms)
        return 0

    def leave_maintenance(self, person=True):
        """STANDBY, or EMERGENCY while a cause is latched. Refused NO_PERSON; MODE while a test
        runs or the pack is not at rest, and outside MAINTENANCE.
        """
        if not person:
            return self.refuse(REFUSED_NO_PERSON)
        if self.mode != MAINTENANCE or self.test.kind or not self.stopped():
            return self.refuse(REFUSED_MODE)
        self._enter(EMERGENCY if self.latched else STANDBY, self.now_ms)
        return 0

    def test_power(self, battery_w):
        """Test: power in W (+ discharges) of at most 5 % of the rating or 500 W, for 60 s.

        To be renewed within 5 s by the same call. Refused RANGE above that, MODE outside
        MAINTENANCE or while something else is tested.
        """
        within("battery_w", battery_w, -_W_MAX, _W_MAX)
        if abs(battery_w) > self.test.power_w_max:
            return self.refuse(REFUSED_RANGE)
        return self._test(POWER, battery_w, 0)

    def test_sign(self):
        """Commissioning: do meter and inverter count the right way? About 45 s.

        To be called each second or so until `test.verdict` says what was found (an event too,
        16 + verdict): RIGHT .. UNCLEAR of sign_test.py.
        """
        test, now = self.test, self.image.now
        sign = test.sign
        if sign is None:
            from bess.core.control.sign_test import SignTest
            sign = SignTest()
        elif self.sequence.step == RUN:
            sign.look(self.command.battery_w, now[BATTERY_W], now[GRID_W], self.now_ms)
        if sign.verdict:
            test.verdict = sign.verdict
            level = INFO if sign.verdict == 1 else WARNING
            self.events.note(EVENT_TEST, level, 16 + sign.verdict, self.now_ms)
            self.end_test()
            return 0
        refusal = self.test_power(sign.wish_w)
        if refusal == 0 and test.sign is None:
            test.sign = sign
            test.verdict = 0
        return refusal

    def test_trickle(self):
        """Test: TRICKLE charge, at most 2 % of C and the test's power, to recover deep cells.

        To be renewed within 5 s. Ends, or is refused, with RANGE: lowest cell unknown or below
        2 000 mV, below 3 000 mV and colder than 5 degC, highest cell at 3 400 mV, 120 minutes in
        24 hours used up. FULL: no memory. MODE as for test_power.
        """
        refusal = REFUSED_MODE if self.mode != MAINTENANCE else self.wishes.load()
        if refusal:
            return self.refuse(refusal)
        pack, settings, test, now_ms = self.pack, self.settings, self.test, self.now_ms
        charge = self.wishes.operations.charge
        if test.kind == TRICKLE and self.command.battery_w < 0:
            charge.budget.use((now_ms - self._trickle_ms) & TICK_MASK, now_ms)
        if not charge.may_trickle(now_ms) or pack.cell_mv_max >= TOP_MV:
            if test.kind == TRICKLE:
                self.end_test()
            return self.refuse(REFUSED_RANGE)
        wish_w = ac_w(settings.pack_mah // 50, pack.pack_mv, settings.eta_pm)
        refusal = self._test(TRICKLE, -min(wish_w, test.power_w_max), 0)
        if refusal == 0:
            self._trickle_ms = now_ms
        return refusal

    def test_contactor(self, coils):
        """Test: one contactor coil (a bit of the point STRING_COILS, 0: none), inverter stopped.

        To be renewed within 5 s. Refused RANGE for what is not one coil that there is, MODE
        outside MAINTENANCE or while something else is tested.
        """
        within("coils", coils, 0, _COILS_MAX)
        if not self.sequence.may_hold(coils):
            return self.refuse(REFUSED_RANGE)
        return self._test(CONTACTOR, 0, coils)

    def _test(self, kind, wish_w, coils):
        test = self.test
        if self.mode != MAINTENANCE or test.kind != kind and (test.kind or not self.stopped()):
            return self.refuse(REFUSED_MODE)
        if not test.kind:
            self.events.note(EVENT_TEST, INFO, kind, self.now_ms)
        test.begin(kind, wish_w, coils, self.now_ms)
        if kind == CONTACTOR:
            self.sequence.hold(coils, self.now_ms)
        else:
            self.requests.ask(self._testing, wish_w, self.now_ms, FOR_EVER)
        return 0
