"""Calls that operate the pack: constant power, charges, discharges, schedule, parameters, state.

Loaded by the first of them, or of people.py, that is made (see calls.py): the methods become
those of the power manager.
"""

from bess.core.battery.params import ChargeParams, DischargeParams
from bess.core.battery.rounds import CELL_MV_MAX, CELL_MV_MIN
from bess.core.control.calls import PowerManager
from bess.core.control.checks import IDS
from bess.core.control.grid_rules import BACKUP, EXPORT, ISOLATED
from bess.core.control.modes import (
    CHARGE, DISCHARGE, EMERGENCY, ENTRIES, IDLE, MAINTENANCE, REFUSED_FULL, REFUSED_LATCHED,
    REFUSED_LOOSER, REFUSED_MODE, REFUSED_NOT_STARTED, REFUSED_RANGE, STANDBY, STARTING, within,
)
from bess.core.points import (
    BATTERY_W, CHARGE_WH, COMMAND_W, CYCLES_PM, DISCHARGE_WH, EVENT_COUNT, EXPORT_WH, GRID_W,
    HI_REASON, HI_W, IMPORT_WH, LOAD_W, LOAD_WH, LO_REASON, LO_W, MODE, OPENINGS, OWNER, PHASE,
    PV_W, PV_WH, SOC_PM, UPTIME_S, WISH_W,
)

MINUTES_MAX = 1440
MA_MAX = 6_000_000                  # mA * mV of any pack stays inside 2**30, as in limits.py
METHODS = 4
# what status(out) and limits(out) fill in, in this order
STATUS = (MODE, PHASE, SOC_PM, BATTERY_W, GRID_W, LOAD_W, PV_W, COMMAND_W, OWNER, WISH_W)
LIMITS = (LO_W, HI_W, LO_REASON, HI_REASON)
STATS = (CHARGE_WH, DISCHARGE_WH, IMPORT_WH, EXPORT_WH, PV_WH, LOAD_WH, CYCLES_PM, OPENINGS,
         EVENT_COUNT, UPTIME_S)


class Operate(PowerManager):
    """What a person or a program operates."""

    # --- requests -------------------------------------------------------------------------

    def set_mode(self, mode):
        """Ask for a mode by its code 0..5: each is a call of its own by another name.

        STANDBY stop(), CHARGE start_charging(0), DISCHARGE start_discharging(0, 0) (both refused
        MODE in MAINTENANCE), IDLE stop_operation(), EMERGENCY emergency_shutdown(), MAINTENANCE
        enter_maintenance(). Their refusals; ValueError for any other number.
        """
        within("mode", mode, STANDBY, MAINTENANCE)
        if mode == STANDBY:
            return self.stop()
        if self.mode == MAINTENANCE and (mode == CHARGE or mode == DISCHARGE):
            return self.refuse(REFUSED_MODE)    # a test is asked for by its own call
        if mode == CHARGE:
            return self.start_charging(0)
        if mode == DISCHARGE:
            return self.start_discharging(0, 0)
        if mode == IDLE:
            return self.stop_operation()
        if mode == EMERGENCY:
            self.emergency_shutdown()
            return 0
        return self.enter_maintenance()

    def set_constant_power(self, battery_w, minutes):
        """Manual power in W (+ discharges, negative charges) for minutes 0..1440.

        battery_w: from -charge_w_max to discharge_w_max of the configuration, bounded by the
        window at any time. 0 minutes: until stopped, or the time-out of the parameters. In
        MAINTENANCE it is test_power. Refused NOT_STARTED, LATCHED, DIRECTION; ValueError: range.
        """
        self._check_power(battery_w)
        within("minutes", minutes, 0, MINUTES_MAX)
        refusal = self._may_operate() or self._direction(battery_w)
        if refusal:
            return self.refuse(refusal)
        if self.mode == MAINTENANCE:
            return self.test_power(battery_w)
        self.wishes.begin_power(battery_w, minutes or self.timeout_min(battery_w), self.now_ms)
        self.wishes.limited_w = 0 if minutes else battery_w
        return 0

    def timeout_min(self, battery_w):
        """Time-out of the parameters for a power without an end; 0: none, as for 0 W."""
        if battery_w < 0:
            return self.charge_params.minutes_max
        return self.discharge_params.minutes_max if battery_w else 0

    def start_charging(self, soc_pm_target):
        """Charge by the method of the parameters up to a SoC of 0..1000 per mille.

        0: the target of the parameters. Ends there, when full, at a limit or the time-out. In
        MAINTENANCE it is test_trickle. Refused NOT_STARTED, LATCHED, DIRECTION, LOOSER above
        soc_pm_max, RANGE for a TRICKLE that may not be, FULL; ValueError: range.
        """
        within("soc_pm_target", soc_pm_target, 0, 1000)
        refusal = self._may_operate() or self._direction(-1)
        if refusal == 0 and soc_pm_target > self.settings.soc_pm_max:
            refusal = REFUSED_LOOSER
        if refusal == 0 and self.mode == MAINTENANCE:
            return self.test_trickle()
        refusal = refusal or self.wishes.load()
        return self.refuse_if(refusal or self.wishes.operations.begin_charge(
            soc_pm_target, self.now_ms))

    def start_discharging(self, battery_w, minutes):
        """Discharge with a constant power in W at AC, 0..discharge_w_max, for minutes 0..1440.

        0 W: the power of the parameters. 0 minutes: until a limit, the time-out or a person ends
        it. In MAINTENANCE it is test_power. Refused NOT_STARTED, LATCHED, DIRECTION, FULL;
        ValueError: range.
        """
        within("battery_w", battery_w, 0, self.settings.discharge_w_max or self.settings.w_rated)
        within("minutes", minutes, 0, MINUTES_MAX)
        refusal = self._may_operate() or self._direction(1)
        if refusal:
            return self.refuse(refusal)
        if self.mode == MAINTENANCE:
            return self.test_power(battery_w)
        refusal = self.wishes.load()
        if refusal:
            return self.refuse(refusal)
        self.wishes.operations.begin_discharge(battery_w, minutes, self.now_ms)
        return 0

    def stop_operation(self):
        """End the manual request, and skip the running occurrence of the schedule, not the next.

        In STANDBY no occurrence runs, so none is skipped. In MAINTENANCE it ends the test. Refused
        LATCHED in an emergency.
        """
        if self.mode == MAINTENANCE:
            self.end_test()
            return 0
        if self.latched:
            return self.refuse(REFUSED_LATCHED)
        self.wishes.end_manual(self.now_ms)
        if self.mode != STANDBY and self.site is None and self.wishes.schedule is not None:
            self.wishes.schedule.skip()
        return 0

    def _may_operate(self):
        """Refusal of a manual operation in this state, 0 when it is permitted."""
        if self.latched and self.mode != MAINTENANCE:
            return REFUSED_LATCHED
        if self.mode != STANDBY:
            return 0
        starting = self.run_wanted and not (
            self.started or self.trips.present or self.island.blocked)
        return 0 if starting or self.sequence.phase == STARTING else REFUSED_NOT_STARTED

    # --- schedule -------------------------------------------------------------------------

    def add_schedule(self, fields):
        """Write the first free of 16 entries; its number, or -1 when all are in use (FULL).

        FULL is also the refusal when there is no memory for the schedule, which is loaded with
        its first entry.

        fields: (enabled 0 or 1, day 0 Sunday .. 6 or 7 every day, hour, minute, mode CHARGE, IDLE
        or DISCHARGE, power_w in W (+ discharges, 0: of the parameters), minutes 1..1440, repeat 0
        or 1), see schedule.py. ValueError: a field out of range.
        """
        entry = -1
        if self.wishes.load_schedule() == 0:
            entry = self.wishes.schedule.add(fields)
        if entry < 0:
            self.refuse(REFUSED_FULL)
        return entry

    def get_schedule(self, entry):
        """Fields of entry 0..15 as for add_schedule, None when it is not in use."""
        within("entry", entry, 0, ENTRIES - 1)
        schedule = self.wishes.schedule
        return None if schedule is None else schedule.get(entry)

    def update_schedule(self, entry, fields):
        """Write entry 0..15 whole, fields as for add_schedule; what runs of it begins anew.

        Refused FULL: no memory. ValueError: an entry or a field out of range.
        """
        refusal = self.wishes.load_schedule()
        if refusal:
            return self.refuse(refusal)
        self.wishes.schedule.set(entry, fields)
        return 0

    def remove_schedule(self, entry):
        """Free entry 0..15; refused RANGE when it is not in use."""
        used = self.get_schedule(entry) is not None and self.wishes.schedule.remove(entry)
        return 0 if used else self.refuse(REFUSED_RANGE)

    def enable_schedule(self, entry, on):
        """Arm entry 0..15 (on: 1 or True), or hold it off; RANGE when it is not in use."""
        check_flag(on)
        used = self.get_schedule(entry) is not None and self.wishes.schedule.enable(entry, on)
        return 0 if used else self.refuse(REFUSED_RANGE)

    def enable_scheduling(self, on):
        """The whole schedule on (1 or True) or off; one-shots that pass meanwhile are missed."""
        check_flag(on)
        refusal = 0 if on and self.wishes.schedule is None else self.wishes.load_schedule()
        if refusal:
            return self.refuse(refusal)
        if self.wishes.schedule is not None:
            self.wishes.schedule.switch(on)
        return 0

    def set_grid_connection(self, kind):
        """Connection type 0 ISOLATED, 1 BACKUP, 2 INTERACTIVE, 3 EXPORT; until a restart.

        Refused MODE unless in STANDBY and at rest, FULL without memory. ValueError: range.
        """
        within("kind", kind, ISOLATED, EXPORT)
        if self.mode != STANDBY or not self.stopped():
            return self.refuse(REFUSED_MODE)
        if kind <= BACKUP and not self.island.is_island:
            try:
                self._be_island()
            except (MemoryError, ImportError):
                return self.refuse(REFUSED_FULL)
        self.grid.connect(kind)
        return 0

    # --- parameters -----------------------------------------------------------------------

    def set_charge_params(self, method=0, w_max=0, ma_max=0, mv_max=0, soc_pm_target=0,
                          minutes_max=0, balancing=1):
        """Parameters of charging, taken whole at the next tick; 0 is the default or unlimited.

        method 0 CC_CV, 1 PULSED, 2 MULTI_STAGE, 3 TRICKLE; w_max in W at AC; ma_max in mA of the
        pack, up to 6 000 000; mv_max in mV of a string; soc_pm_target 0..1000 per mille;
        minutes_max 0..1440 (time-out); balancing 0 or 1. All are magnitudes. Refused LOOSER when
        one is looser than the configuration; ValueError: range. Nothing is taken then.
        """
        settings = self.settings
        within("method", method, 0, METHODS - 1)
        for name, value, high in (("w_max", w_max, settings.w_rated), ("ma_max", ma_max, MA_MAX),
                                  ("mv_max", mv_max, 2_000_000), ("minutes_max", minutes_max,
                                   MINUTES_MAX), ("soc_pm_target", soc_pm_target, 1000),
                                  ("balancing", balancing, 1)):
            within(name, value, 0, high)
        high_mv = (settings.charge_mv_max
                   or settings.cells_s * settings.modules_s * CELL_MV_MAX)
        if (w_max > settings.charge_w_max or soc_pm_target > settings.soc_pm_max
                or mv_max > high_mv):
            return self.refuse(REFUSED_LOOSER)
        new = ChargeParams()
        new.method, new.w_max, new.ma_max = method, w_max, ma_max
        new.mv_max, new.soc_pm_target = mv_max, soc_pm_target
        new.minutes_max, new.balancing = minutes_max, balancing
        new.mv_less = high_mv - mv_max if mv_max else 0
        self._new_charge = new
        return 0

    def set_discharge_params(self, w_max=0, ma_max=0, mv_min=0, soc_pm_min=0, minutes_max=0):
        """Parameters of discharging, taken whole at the next tick; 0 is the default or unlimited.

        w_max in W at AC; ma_max in mA of the pack, up to 6 000 000; mv_min in mV of a string;
        soc_pm_min 0..1000 per mille; minutes_max 0..1440 (time-out). All are magnitudes. Refused
        LOOSER when one is looser than the configuration; ValueError: range. Nothing is taken then.
        """
        settings = self.settings
        for name, value, high in (("w_max", w_max, settings.w_rated), ("ma_max", ma_max, MA_MAX),
                                  ("mv_min", mv_min, 2_000_000), ("soc_pm_min", soc_pm_min, 1000),
                                  ("minutes_max", minutes_max, MINUTES_MAX)):
            within(name, value, 0, high)
        low_mv = (settings.discharge_mv_min
                  or settings.cells_s * settings.modules_s * CELL_MV_MIN)
        if (w_max > settings.discharge_w_max or 0 < soc_pm_min < settings.soc_pm_min
                or 0 < mv_min < low_mv):
            return self.refuse(REFUSED_LOOSER)
        new = DischargeParams()
        new.w_max, new.ma_max, new.mv_min = w_max, ma_max, mv_min
        new.soc_pm_min, new.minutes_max = soc_pm_min, minutes_max
        new.mv_more = mv_min - low_mv if mv_min else 0
        new.pm_more = soc_pm_min - settings.soc_pm_min if soc_pm_min else 0
        self._new_discharge = new
        return 0

    # --- events ---------------------------------------------------------------------------

    def register_callback(self, event, function, user_data=None):
        """Call function(event, data, user_data) after each event of this number (-1: all).

        At most 16, and memory for them (else the refusal FULL). It runs after the tick; one that
        raises three times is removed. event: -1 or 0..255, data: one signed integer; what they
        mean: docs/registers.md. ValueError: no event, or nothing that can be called.
        """
        if self.callbacks is None:
            try:
                from bess.core.control.callbacks import Callbacks
                self.callbacks = Callbacks(self.events)
            except (MemoryError, ImportError):
                return self.refuse(REFUSED_FULL)
        return self.refuse_if(self.callbacks.register(event, function, user_data))

    def unregister_callback(self, event, function):
        """End what register_callback began; how many registrations that were."""
        return 0 if self.callbacks is None else self.callbacks.unregister(event, function)

    def acknowledge(self, number=-1):
        """A person has seen diagnosis 0..63 (-1: all); how many rows of the active list."""
        within("number", number, -1, IDS - 1)
        return self.alarms.acknowledge(number)

    # --- state ----------------------------------------------------------------------------

    def status(self, out):
        """Fill `out`, a list of len(STATUS), with the points of STATUS in their order.

        Codes, per mille and W (+ discharges, imports); None is unknown. ValueError: no such list.
        """
        self._fill(STATUS, out)

    def limits(self, out):
        """Fill `out`, a list of len(LIMITS), with the window of the last tick.

        lo_w <= 0 <= hi_w in W, then the codes of the rules that set them. ValueError: no list.
        """
        self._fill(LIMITS, out)

    def stats(self, out):
        """Fill `out`, a list of len(STATS): counters in Wh, cycles in per mille, openings,
        events, seconds since the start. ValueError: no such list.
        """
        self._fill(STATS, out)

    def _fill(self, points, out):
        if not isinstance(out, list) or len(out) < len(points):
            raise ValueError("out is %r, allowed: a list of %d" % (out, len(points)))
        now = self.image.now
        for i in range(len(points)):
            out[i] = now[points[i]]


def check_flag(on):
    """ValueError when a switch is neither 0, 1, False nor True."""
    if on is not True and on is not False:
        within("on", on, 0, 1)
