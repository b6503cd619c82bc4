"""Trips: faults that stop the pack but clear by themselves, and the automatic restart.

A trip leads to STANDBY, blocked. When every trip's clear condition has held for 60 s the pack may
start again, at most three times in a sliding hour; trips of the contactors and of the precharge
need a person's `start`.
"""

from micropython import const

from bess.core.points import (
    BATTERY_W, GRID_W, PCS_STATE, PCS_UNCONFIRMED, TRIP_CONTACTOR, TRIP_METER_SILENT,
    TRIP_PCS_FAULT, TRIP_PCS_OVERPOWER, TRIP_PCS_SILENT, TRIP_PCS_START, TRIP_PCS_UNCONFIRMED,
    TRIP_PRECHARGE,
)
from bess.core.battery.sequence import (
    FAILED_CONTACTOR, FAILED_PCS, FAILED_PRECHARGE, PCS_FAULT, RUN, START_PCS, STOP_PCS,
)
from bess.core.tick import TICK_MASK, Dwell

UNCONFIRMED_MAX = const(3)          # commands in a row before the request is set to 0
_CLEAR_MS = const(60_000)
_HOUR_MS = const(3_600_000)
_RESTARTS = const(3)
_STICKY = 1 << TRIP_CONTACTOR | 1 << TRIP_PRECHARGE
_BY_FAILURE = {FAILED_CONTACTOR: TRIP_CONTACTOR, FAILED_PRECHARGE: TRIP_PRECHARGE,
               FAILED_PCS: TRIP_PCS_START}


class Trips:
    """present: bits of the trips that hold; raised: bits that are new in this tick."""

    def __init__(self, settings, image):
        self.present = 0
        self.raised = 0
        self.restarts_used_up = False
        self._image = image
        self._margin_w = max(200, settings.w_rated // 10)
        self._unconfirmed = Dwell(settings.unconfirmed_trip_ms)
        self._silent = Dwell(settings.pcs_silent_trip_ms)
        self._over = Dwell(6000)
        self._clear = Dwell(_CLEAR_MS)
        self._is_clear = False
        self._auto = settings.auto_restart == 1
        self._restart_ms = [None] * _RESTARTS

    def tick(self, sequence, window, self_use, now_ms):
        """Renew the trips. window: that of the last tick; self_use: tracking is in force."""
        before = self.present
        now = self._image.now
        watched = START_PCS <= sequence.step <= STOP_PCS
        state = now[PCS_STATE]
        self._judge(TRIP_PCS_FAULT, watched and state == PCS_FAULT,
                    state is not None and state != PCS_FAULT)
        self._judge(TRIP_PCS_SILENT, self._silent.held(watched and state is None, now_ms),
                    state is not None)
        unconfirmed = now[PCS_UNCONFIRMED]
        lost = unconfirmed is not None and unconfirmed >= UNCONFIRMED_MAX
        self._judge(TRIP_PCS_UNCONFIRMED, self._unconfirmed.held(watched and lost, now_ms),
                    not lost)
        self._judge(TRIP_METER_SILENT, self_use and watched and self._meter_silent(now_ms),
                    not self_use or now[GRID_W] is not None)
        self._judge(TRIP_PCS_OVERPOWER, self._over.held(self._overpower(sequence, window), now_ms),
                    True)
        if sequence.failed in _BY_FAILURE:
            self.present |= 1 << _BY_FAILURE[sequence.failed]
        elif self.present >> TRIP_PCS_START & 1 and state is not None and state != PCS_FAULT:
            self.present &= ~(1 << TRIP_PCS_START)
        self.raised = self.present & ~before
        self._is_clear = self._clear.held(self.present == 0, now_ms)

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

    def needs_person(self):
        """True when no automatic restart will follow."""
        return not self._auto or self.present & _STICKY != 0

    def forgive(self):
        """A person starts: sticky trips are gone and the restarts count from zero."""
        self.present &= ~(_STICKY | 1 << TRIP_PCS_START)
        self.restarts_used_up = False
        for i in range(_RESTARTS):
            self._restart_ms[i] = None

    def _judge(self, trip, present, clear):
        if present:
            self.present |= 1 << trip
        elif clear:
            self.present &= ~(1 << trip)

    def _meter_silent(self, now_ms):
        age_ms = self._image.age_ms(GRID_W, now_ms)
        return age_ms is None or age_ms > 60_000

    def _overpower(self, sequence, window):
        power_w = self._image.now[BATTERY_W]
        return (sequence.step == RUN and power_w is not None
                and (power_w > window.hi_w + self._margin_w
                     or power_w < window.lo_w - self._margin_w))
