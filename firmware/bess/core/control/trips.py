"""Trips: faults that stop the pack but clear by themselves, and the automatic restart.

A trip leads to STANDBY, blocked. When every trip's clear condition has held for 60 s the pack may
start again, at most three times in a sliding hour; trips of the contactors and of the precharge
need a person's `start`. The rows are TRIP_CHECKS in checks.py, their numbers those of the point
TRIPS.
"""

from micropython import const

from bess.core.battery.sequence import (
    FAILED_CONTACTOR, FAILED_PCS, FAILED_PRECHARGE, PCS_FAULT,
)
from bess.core.control.checks import TRIP_CHECKS, Watch
from bess.core.points import (
    BATTERY_W, GRID_W, PCS_STATE, PCS_UNCONFIRMED, TRIP_CONFIG, TRIP_CONTACTOR,
    TRIP_METER_SILENT, TRIP_PCS_FAULT, TRIP_PCS_OVERPOWER, TRIP_PCS_SILENT, TRIP_PCS_START,
    TRIP_PCS_UNCONFIRMED, TRIP_PRECHARGE,
)
from bess.core.tick import TICK_MASK, Dwell

UNCONFIRMED_MAX = const(3)          # commands in a row before the request is set to 0
_METER_MS = const(60_000)
_CLEAR_MS = const(60_000)
_HOUR_MS = const(3_600_000)
_RESTARTS = const(3)
_STICKY = 1 << TRIP_CONTACTOR | 1 << TRIP_PRECHARGE
# in an island power follows the load, and what the meter or the bus says is an event only
_NOT_IN_ISLAND = 1 << TRIP_PCS_UNCONFIRMED | 1 << TRIP_PCS_OVERPOWER | 1 << TRIP_METER_SILENT
_BY_FAILURE = {FAILED_CONTACTOR: TRIP_CONTACTOR, FAILED_PRECHARGE: TRIP_PRECHARGE,
               FAILED_PCS: TRIP_PCS_START}


class Trips(Watch):
    """present: bits of the trips that hold; raised: bits that are new in this tick.

    flags: trips that others judge (grid, door, supply, configuration), to be set before the tick;
    island: True while the inverter forms the grid.
    """

    def __init__(self, settings, image):
        Watch.__init__(self, TRIP_CHECKS, settings)
        self.restarts_used_up = False
        self.island = False
        self._image = image
        self._margin_w = max(200, settings.w_rated // 10)
        self._clear = Dwell(_CLEAR_MS)
        self._is_clear = False
        self._auto = settings.auto_restart == 1
        self._restart_ms = [None] * _RESTARTS
        self._turn = 0

    def tick(self, sequence, window, blind, now_ms):
        """Renew the trips. window: that of the last tick; blind: what is wished needs a meter
        whose reading is unknown."""
        now = self._image.now
        state, unconfirmed, power_w = now[PCS_STATE], now[PCS_UNCONFIRMED], now[BATTERY_W]
        on = self.flags
        if state is None:
            on |= 1 << TRIP_PCS_SILENT
        elif state == PCS_FAULT:
            on |= 1 << TRIP_PCS_FAULT
        if unconfirmed is not None and unconfirmed >= UNCONFIRMED_MAX:
            on |= 1 << TRIP_PCS_UNCONFIRMED
        if power_w is not None and not (window.lo_w - self._margin_w <= power_w
                                        <= window.hi_w + self._margin_w):
            on |= 1 << TRIP_PCS_OVERPOWER
        if blind and self._meter_silent(now_ms):
            on |= 1 << TRIP_METER_SILENT
        if sequence.failed and sequence.failed in _BY_FAILURE:
            on |= 1 << _BY_FAILURE[sequence.failed]
        if on or self.present or self._waiting:
            self._judge(on, sequence, now_ms)
        else:
            self.raised = 0
        if self.present or not self._is_clear:
            self._is_clear = self._clear.held(self.present == 0, now_ms)
        self._forget(now_ms)

    def may_restart(self, now_ms):
        """True once when everything has been clear for 60 s and a restart is left."""
        if not self._auto or self.restarts_used_up or not self._is_clear:
            return False
        for i in range(_RESTARTS):
            then_ms = self._restart_ms[i]
            if then_ms is None or (now_ms - then_ms) & TICK_MASK >= _HOUR_MS:
                self._restart_ms[i] = now_ms
                return True
        self.restarts_used_up = True
        return False

    def forgive(self):
        """A person starts: sticky trips are gone and the restarts count from zero."""
        self.present &= ~(_STICKY | 1 << TRIP_PCS_START)
        self.restarts_used_up = False
        for i in range(_RESTARTS):
            self._restart_ms[i] = None

    def _judge(self, on, sequence, now_ms):
        state = self._image.now[PCS_STATE]
        hold = on | _STICKY | 1 << TRIP_CONFIG      # what may not clear
        if state is None or state == PCS_FAULT:
            hold |= 1 << TRIP_PCS_FAULT | 1 << TRIP_PCS_START
        hold &= ~(1 << TRIP_PCS_OVERPOWER)
        on &= self._watched_now(sequence)
        if self.island:
            on &= ~_NOT_IN_ISLAND
            hold &= ~_NOT_IN_ISLAND
        self._settle(on, ~(hold | on), now_ms)

    def _forget(self, now_ms):
        """One restart of the list a tick: an old one must not look young after a wrap."""
        self._turn = (self._turn + 1) % _RESTARTS
        then_ms = self._restart_ms[self._turn]
        if then_ms is not None and (now_ms - then_ms) & TICK_MASK >= _HOUR_MS:
            self._restart_ms[self._turn] = None

    def _meter_silent(self, now_ms):
        age_ms = self._image.age_ms(GRID_W, now_ms)
        return age_ms is None or age_ms > _METER_MS
