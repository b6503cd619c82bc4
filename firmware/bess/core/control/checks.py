"""The diagnosis table: every check with its number, limit, clear value and consequence.

MODULE_CHECKS are judged module by module on its new samples, SITE_CHECKS and TRIP_CHECKS on
conditions of the whole site that must hold for a time. Numbers of the diagnoses: a trip has its
own number (0..15), an emergency 16 + its cause, blocks start at 32, warnings at 48. Limits are
those of LFP cells in the practice of pack makers; spreads as battery management systems
warn. Cells that far apart halve the BMS limits, too (rules.py).
"""

from array import array

from micropython import const

from bess.core.battery.sequence import RUN, START_PCS, STOP_PCS
from bess.core.points import (
    CAUSE_BMS_CRITICAL, CAUSE_CELL_HIGH, CAUSE_CELL_LOW, CAUSE_CONTACTOR, CAUSE_DISOBEYS_ZERO,
    CAUSE_FIRE, CAUSE_INPUT, CAUSE_INSULATION, CAUSE_MODULES_SILENT, CAUSE_OVER_CURRENT,
    CAUSE_TEMPERATURE, M_CELL_DC_MAX, M_CELL_DC_MIN, M_CELL_MV_MAX, M_CELL_MV_MIN, M_FAULTS,
)
from bess.core.tick import TICK_MASK

# severity: what follows; info, warning and block clear by themselves, a trip stops the pack, an
# emergency is latched by the manager
INFO = const(0)
WARNING = const(1)
BLOCK = const(2)
TRIP = const(3)
EMERGENCY = const(4)

# what a block closes
CHARGING = const(1)
DISCHARGING = const(2)
BOTH = const(3)

# when a check is watched
ALWAYS = const(0)
CLOSED = const(1)                   # the modules are on the bus
STILL = const(2)                    # the contactors do not move
PCS_ON = const(3)                   # the inverter is asked to run, or to stop
POWER = const(4)                    # the inverter may move power

# numbers of the diagnoses
EMERGENCIES = const(16)             # + cause
CELL_HIGH = const(32)
CELL_LOW = const(33)
HOT = const(34)
COLD_CHARGE = const(35)
COLD_DISCHARGE = const(36)
BMS_CHARGE = const(37)
BMS_DISCHARGE = const(38)
FROZEN = const(39)
OUT_OF_RANGE = const(40)
CELL_SPREAD = const(48)
TEMPERATURE_SPREAD = const(49)
JUMPING = const(50)
MODULE_SILENT = const(51)
OPPOSITE_CURRENTS = const(52)
OPENINGS_MANY = const(53)
CALIBRATION_DUE = const(54)
CHARGE_STUCK = const(55)
SOC_DISAGREES = const(56)
DOOR_OPEN = const(57)
AUX_LOST = const(58)
IDS = const(64)                     # numbers are below

# columns of a module check that are worked out; the others are points of the module's row
MV_SPREAD = const(-1)               # highest less lowest cell of the module
DC_SPREAD = const(-2)
ODD = const(-3)                     # 1 when the bit `limit` of the module's oddities is set
SILENCE = const(-4)                 # no sample decides: the pack says who is silent

# oddities: what no single reading shows
ODD_OVER_CURRENT = const(1)
ODD_RISE = const(2)                 # above 45 degC and 5 K more than within the last 60 s
ODD_CHARGE = const(4)               # the BMS protects itself from charging
ODD_DISCHARGE = const(8)
ODD_FROZEN = const(16)              # the same readings though the power has changed
ODD_JUMP = const(32)                # a cell 150 mV away from the sample before
ODD_RANGE = const(64)               # cells that cannot add up to the module's voltage

R_ID = const(0)
R_SEVERITY = const(1)
R_EFFECT = const(2)
R_COLUMN = const(3)
R_SENSE = const(4)
R_LIMIT = const(5)
R_CLEAR = const(6)
R_SAMPLES = const(7)
R_WATCHED = const(8)
R_STRIDE = const(9)
_OVER = const(1)
_UNDER = const(-1)

# the innermost limits of the table: a pack inside all of them needs no check
CALM_MV_MAX = const(3649)
CALM_MV_MIN = const(2851)
CALM_DC_MAX = const(450)
CALM_DC_MIN = const(1)
CALM_MV_SPREAD = const(299)
CALM_DC_SPREAD = const(150)

# Both tables are arrays of lists: the chip would keep a tuple, in twice the bytes.
# number, severity, cause or direction, column, sense, limit, clear at, samples in a row, watched
MODULE_CHECKS = array("h", [
    EMERGENCIES + CAUSE_CELL_HIGH, EMERGENCY, CAUSE_CELL_HIGH,
    M_CELL_MV_MAX, _OVER, 3750, 3450, 2, ALWAYS,
    EMERGENCIES + CAUSE_CELL_LOW, EMERGENCY, CAUSE_CELL_LOW,
    M_CELL_MV_MIN, _UNDER, 2500, 2800, 2, ALWAYS,
    EMERGENCIES + CAUSE_TEMPERATURE, EMERGENCY, CAUSE_TEMPERATURE,
    M_CELL_DC_MAX, _OVER, 650, 450, 2, ALWAYS,
    EMERGENCIES + CAUSE_TEMPERATURE, EMERGENCY, CAUSE_TEMPERATURE,
    ODD, _OVER, ODD_RISE, 0, 2, ALWAYS,
    EMERGENCIES + CAUSE_BMS_CRITICAL, EMERGENCY, CAUSE_BMS_CRITICAL,
    M_FAULTS, _OVER, 1, 0, 2, ALWAYS,
    EMERGENCIES + CAUSE_OVER_CURRENT, EMERGENCY, CAUSE_OVER_CURRENT,
    ODD, _OVER, ODD_OVER_CURRENT, 0, 2, ALWAYS,
    CELL_HIGH, BLOCK, CHARGING, M_CELL_MV_MAX, _OVER, 3650, 3630, 2, ALWAYS,
    CELL_LOW, BLOCK, DISCHARGING, M_CELL_MV_MIN, _UNDER, 2850, 3000, 2, ALWAYS,
    HOT, BLOCK, BOTH, M_CELL_DC_MAX, _OVER, 550, 530, 2, ALWAYS,
    COLD_CHARGE, BLOCK, CHARGING, M_CELL_DC_MIN, _UNDER, 0, 20, 2, ALWAYS,
    COLD_DISCHARGE, BLOCK, DISCHARGING, M_CELL_DC_MIN, _UNDER, -100, -80, 2, ALWAYS,
    BMS_CHARGE, BLOCK, CHARGING, ODD, _OVER, ODD_CHARGE, 0, 2, ALWAYS,
    BMS_DISCHARGE, BLOCK, DISCHARGING, ODD, _OVER, ODD_DISCHARGE, 0, 2, ALWAYS,
    FROZEN, BLOCK, BOTH, ODD, _OVER, ODD_FROZEN, 0, 10, CLOSED,
    OUT_OF_RANGE, BLOCK, BOTH, ODD, _OVER, ODD_RANGE, 0, 2, ALWAYS,
    CELL_SPREAD, WARNING, 0, MV_SPREAD, _OVER, 300, 200, 2, ALWAYS,
    TEMPERATURE_SPREAD, WARNING, 0, DC_SPREAD, _OVER, 151, 120, 2, ALWAYS,
    JUMPING, WARNING, 0, ODD, _OVER, ODD_JUMP, 0, 2, ALWAYS,
    MODULE_SILENT, WARNING, 0, SILENCE, _OVER, 1, 0, 2, CLOSED,
])
MODULE_ROWS = const(19)
ROW_OVER_CURRENT = const(5)
ROW_FROZEN = const(13)
ROW_SPREAD = const(15)
ROW_RISE = const(3)
ROW_SILENT = const(18)

S_ID = const(0)
S_SEVERITY = const(1)
S_EFFECT = const(2)
S_DELAY = const(3)
S_WATCHED = const(4)
S_STRIDE = const(5)

# bits of the site conditions; the first five are the diagnosis' own, the others are handed in
SITE_INPUT = const(1)
SITE_CONTACTOR = const(2)
SITE_SILENT = const(4)
SITE_ZERO = const(8)
SITE_OPPOSITE = const(16)
SITE_INSULATION = const(32)
SITE_FIRE = const(64)
SITE_DOOR = const(128)
SITE_AUX = const(256)
SITE_OPENINGS = const(512)
SITE_CALIBRATION = const(1024)
SITE_STUCK = const(2048)
SITE_SOC = const(4096)

# number, severity, cause (else 0), ms for which the condition must hold, watched. The inverter's
# power is unknown 2 s after its last sample: 5 s of it are several new samples.
SITE_CHECKS = array("h", [
    EMERGENCIES + CAUSE_INPUT, EMERGENCY, CAUSE_INPUT, 20, ALWAYS,      # 20 ms: the second tick
    EMERGENCIES + CAUSE_CONTACTOR, EMERGENCY, CAUSE_CONTACTOR, 500, STILL,
    EMERGENCIES + CAUSE_MODULES_SILENT, EMERGENCY, CAUSE_MODULES_SILENT, 0, CLOSED,
    EMERGENCIES + CAUSE_DISOBEYS_ZERO, EMERGENCY, CAUSE_DISOBEYS_ZERO, 5000, ALWAYS,
    OPPOSITE_CURRENTS, WARNING, 0, 10_000, CLOSED,
    EMERGENCIES + CAUSE_INSULATION, EMERGENCY, CAUSE_INSULATION, 20, ALWAYS,
    EMERGENCIES + CAUSE_FIRE, EMERGENCY, CAUSE_FIRE, 20, ALWAYS,
    DOOR_OPEN, WARNING, 0, 20, ALWAYS,
    AUX_LOST, WARNING, 0, 20, ALWAYS,
    OPENINGS_MANY, WARNING, 0, 0, ALWAYS,
    CALIBRATION_DUE, INFO, 0, 0, ALWAYS,
    CHARGE_STUCK, WARNING, 0, 0, ALWAYS,
    SOC_DISAGREES, WARNING, 0, 0, ALWAYS,
])

# The same, or in the place of ms the setting with them. A state that the inverter declares itself,
# or that was judged elsewhere, counts at once.
TRIP_CHECKS = (
    0, TRIP, 0, "unconfirmed_trip_ms", PCS_ON,      # PCS_UNCONFIRMED: three commands in a row
    1, TRIP, 0, 0, PCS_ON,                          # PCS_FAULT
    2, TRIP, 0, "pcs_silent_trip_ms", PCS_ON,       # PCS_SILENT
    3, TRIP, 0, 6000, POWER,                        # PCS_OVERPOWER: 200 W or 10 % too much
    4, TRIP, 0, 0, ALWAYS,                          # PRECHARGE: latched for a person
    5, TRIP, 0, 0, ALWAYS,                          # CONTACTOR: latched for a person
    6, TRIP, 0, 0, ALWAYS,                          # PCS_START
    7, TRIP, 0, 0, PCS_ON,                          # METER_SILENT: its age counts
    8, TRIP, 0, 0, ALWAYS,                          # CONFIG: until a restart
    9, TRIP, 0, 0, PCS_ON,                          # GRID_UNEXPECTED
    10, TRIP, 0, 20, ALWAYS,                       # DOOR
    11, TRIP, 0, 20, ALWAYS,                       # AUX_SUPPLY
)


class Watch:
    """Conditions of the site over time: row n of a table is bit n everywhere.

    flags: conditions that others hand in, to be set before the tick; present: rows that hold;
    raised: those that are new in this tick.
    """

    def __init__(self, table, settings):
        self.flags = self.present = self.raised = 0
        self._waiting = 0
        delays = []
        self._watched = array("i", [0] * (POWER + 1))
        for k in range(0, len(table), S_STRIDE):
            delay = table[k + S_DELAY]
            delays.append(getattr(settings, delay) if isinstance(delay, str) else delay)
            self._watched[table[k + S_WATCHED]] |= 1 << len(delays) - 1
        self._delay_ms = array("i", delays)
        self._since_ms = array("i", [0] * len(delays))

    def _watched_now(self, sequence):
        """Bits of the rows that are watched in this step of the sequence."""
        watched, step = self._watched, sequence.step
        rows = watched[ALWAYS]
        if sequence.closed():
            rows |= watched[CLOSED]
        if sequence.watches_feedback():
            rows |= watched[STILL]
        if START_PCS <= step <= STOP_PCS:
            rows |= watched[PCS_ON]
        return rows | watched[POWER] if step == RUN else rows

    def _settle(self, on, off, now_ms):
        """Raise what has been `on` for its delay, clear what is `off`; True: something changed."""
        before = self.present
        todo = on & ~before | ~on & (self._waiting | before & off)
        k = 0
        while todo:
            if todo & 1:
                self._settle_row(k, on, off, now_ms)
            todo >>= 1
            k += 1
        self.raised = self.present & ~before
        return self.present != before

    def _settle_row(self, k, on, off, now_ms):
        bit = 1 << k
        if not on & bit:
            self._waiting &= ~bit
            if off & bit:
                self.present &= ~bit
            return
        if not self._waiting & bit:
            self._waiting |= bit
            self._since_ms[k] = now_ms
        if (now_ms - self._since_ms[k]) & TICK_MASK >= self._delay_ms[k]:
            self.present |= bit
