"""A site of several packs with an inverter each, behind the interface of one power manager.

Powers of the configuration and of the parameters are those of one pack; caps, requests and
schedule entries are the site's. `packs[i]` answers for one pack alone: MAINTENANCE and its tests,
an emergency, an alarm.
"""

from micropython import const

from bess.core.control.grid_rules import EXPORT, INTERACTIVE
from bess.core.control.modes import (
    CHARGE, EMERGENCY, IDLE, MAINTENANCE, OFF, REFUSED_LATCHED, REFUSED_MODE, REFUSED_NOT_STARTED,
    STANDBY, STARTING, within,
)
from bess.core.control.operate import MINUTES_MAX
from bess.core.control.site_tick import SiteTick


_MINUTE_MS = const(60_000)


class Site(SiteTick):
    """A call is accepted (0) when one pack accepts it, unless it says otherwise.

    The mode is CHARGE or DISCHARGE by the sum of the commands, else that of the packs that are
    ready, else EMERGENCY, MAINTENANCE or STANDBY, in this order.
    """

    def start(self):
        """Close the contactors, start the inverters, be ready (IDLE)."""
        return min([each.start() for each in self.packs])

    def stop(self):
        """Power to zero with the ramp, inverters off, contactors open, STANDBY."""
        self.end_manual()
        return min([each.stop() for each in self.packs])

    def stopped(self):
        """True when all packs are at rest: power zero, inverters off, contactors open."""
        return min([each.sequence.phase == OFF for each in self.packs])

    # --- requests ---------------------------------------------------------------------------

    def set_constant_power(self, battery_w, minutes):
        """Manual power of the site in W (negative charges) for minutes (0 = until stopped)."""
        self._check_power(battery_w)
        within("minutes", minutes, 0, MINUTES_MAX)
        refusal = self._may_operate() or self._direction(battery_w)
        if refusal:
            return self.refuse(refusal)
        for each in self.packs:
            each.wishes.end_manual(self.now_ms)
        life_ms = (minutes or self.timeout_min(battery_w)) * _MINUTE_MS
        self.requests.ask(self._manual, battery_w, self.now_ms, life_ms)
        self._limited_w = 0 if minutes else battery_w
        return 0

    def start_charging(self, soc_pm_target):
        """Charge each pack by the method of the parameters up to a SoC (0: the parameters')."""
        return self._began([each.start_charging(soc_pm_target) for each in self._not_tested()])

    def start_discharging(self, battery_w, minutes):
        """Discharge the site with this power (0: the parameters') for minutes (0: no end)."""
        self._check_power(battery_w)
        within("minutes", minutes, 0, MINUTES_MAX)
        packs, refusals = self._not_tested(), []
        count = len(packs)
        for i in range(count):
            part_w = battery_w * (i + 1) // count - battery_w * i // count
            if battery_w and not part_w:
                part_w = 1              # 0 would be the power of the parameters
            refusals.append(packs[i].start_discharging(part_w, minutes))
        return self._began(refusals)

    def _began(self, refusals):
        """A charge or a discharge has taken the place of the constant power, if one began it."""
        if not refusals:
            return self.refuse(REFUSED_MODE)
        if not min(refusals):
            self.end_manual()
        return min(refusals)

    def stop_operation(self):
        """End the manual request, and skip the running occurrence while any pack runs."""
        self.end_manual()
        if CHARGE <= self.mode <= IDLE and self.wishes.schedule is not None:
            self.wishes.schedule.skip()
        return min([each.stop_operation() for each in self.packs])

    def _may_operate(self):
        """Refusal of a manual operation while no pack could follow it, 0 when one can."""
        if self.latched:
            return REFUSED_LATCHED
        for each in self._not_tested():
            if each.mode == STANDBY:
                starting = each.run_wanted and not (
                    each.started or each.trips.present or each.island.blocked)
                if starting or each.sequence.phase == STARTING:
                    return 0
            elif each.mode != EMERGENCY:
                return 0
        return REFUSED_MODE if self.mode == MAINTENANCE else REFUSED_NOT_STARTED

    def _not_tested(self):
        """The packs that no person works at: in MAINTENANCE an operation would be a test."""
        return [each for each in self.packs if each.mode != MAINTENANCE]

    def set_grid_connection(self, kind):
        """Connection type, in STANDBY of all packs only; until a restart.

        Not ISOLATED or BACKUP, as in the configuration: only a single inverter forms a grid.
        """
        within("kind", kind, INTERACTIVE, EXPORT)
        for each in self.packs:
            if each.mode != STANDBY or not each.stopped():
                return self.refuse(REFUSED_MODE)
        return self.packs[0].set_grid_connection(kind)

    # --- parameters, at the next tick of each pack --------------------------------------------

    def set_charge_params(self, *values, **named):
        """Parameters of charging, for each pack."""
        return max([each.set_charge_params(*values, **named) for each in self.packs])

    def set_discharge_params(self, *values, **named):
        """Parameters of discharging, for each pack."""
        return max([each.set_discharge_params(*values, **named) for each in self.packs])

    # --- people -------------------------------------------------------------------------------

    def emergency_shutdown(self):
        """Latch an emergency of every pack. May be called from an interrupt handler."""
        for each in self.packs:
            each.emergency_shutdown()

    def is_emergency(self):
        """True while a cause is latched in any pack."""
        return max([each.is_emergency() for each in self.packs])

    def reset_number(self):
        """A number that a remote reset must bring back within 60 s; good for one try."""
        number = self.packs[0].reset_number()
        for each in self.packs:
            each.take_number(number, self.now_ms)
        return number

    def reset_emergency(self, person=True, number=0):
        """End the emergency of every pack; the first refusal when one stays."""
        return max([each.reset_emergency(person, number) for each in self.packs])

    def set_authority(self, local, person=True):
        """local True: only protection, tests and people at the cabinet move power (LOCAL)."""
        return max([each.set_authority(local, person) for each in self.packs])

    def enter_maintenance(self, key="", person=True):
        """MAINTENANCE of every pack that may; the refusal of one that may not."""
        return max([each.enter_maintenance(key, person) for each in self.packs])

    def leave_maintenance(self, person=True):
        """Every pack that is in MAINTENANCE leaves it; the refusal of one that may not."""
        inside = [each for each in self.packs if each.mode == MAINTENANCE]
        return max([each.leave_maintenance(person) for each in inside] or [REFUSED_MODE])

    def test_power(self, battery_w):
        """Tests are for one pack: packs[i].test_power; this is the first one."""
        return self.packs[0].test_power(battery_w)

    def test_sign(self):
        """As test_power, of the first pack; no other may move power meanwhile."""
        return self.packs[0].test_sign()

    def test_trickle(self):
        """As test_power, of the first pack."""
        return self.packs[0].test_trickle()

    def test_contactor(self, coils):
        """As test_power, of the first pack."""
        return self.packs[0].test_contactor(coils)

    def forget_run(self):
        """It has restarted too often to start by itself: BLOCKED until `start`."""
        for each in self.packs:
            each.forget_run()
