"""Writes an event for what changed in a tick; decides nothing."""

from micropython import const

from bess.core.battery.sequence import FAILED_PRECHARGE, FAILED_PRECHARGE_TRY
from bess.core.control.trips import UNCONFIRMED_MAX
from bess.core.events import INFO, WARNING
from bess.core.points import (
    EVENT_CLOCK_LOST, EVENT_CLOCK_SET, EVENT_CONTACTOR_CLOSED, EVENT_CONTACTOR_OPENED,
    EVENT_LIMIT_REASON, EVENT_METER_BACK, EVENT_METER_STALE, EVENT_MODULE_BACK, EVENT_MODULE_LOST,
    EVENT_OPENED_UNDER_LOAD, EVENT_PCS_STARTED, EVENT_PCS_STOPPED, EVENT_PCS_UNCONFIRMED,
    EVENT_PRECHARGE_FAILED, EVENT_REQUEST_ENDED, EVENT_REQUEST_WON, EVENT_TRIP_CLEARED,
    PCS_UNCONFIRMED, UTC_DAY,
)
from bess.core.request import RANKS, SLOTS
from bess.core.tick import TICK_MASK

_REASON_MS = const(1000)            # events of the window's reasons are at least so far apart


class Journal:
    """Compares a manager with what it was in the tick before."""

    def __init__(self, manager):
        self._manager = manager
        self._closed = False
        self._run = 0
        self._trips = 0
        self._unconfirmed = 0
        self._meter_step = 0
        self._rank = 0
        self._lo_why = self._hi_why = 0
        self._reason_ms = 0
        self._has_clock = False

    def tick(self, now_ms):
        """Last but one in the tick: everything is decided."""
        manager = self._manager
        events, pack = manager.events, manager.pack
        if pack.lost or pack.back:
            self._modules(pack, events, now_ms)
        self._switches(manager, events, now_ms)
        self._inputs(manager, events, now_ms)
        self._reasons(manager, events, now_ms)

    def _modules(self, pack, events, now_ms):
        for i in range(pack.count):
            if pack.lost >> i & 1:
                events.note(EVENT_MODULE_LOST, WARNING, i, now_ms)
            if pack.back >> i & 1:
                events.note(EVENT_MODULE_BACK, INFO, i, now_ms)

    def _switches(self, manager, events, now_ms):
        sequence = manager.sequence
        if sequence.opened_ma is not None:
            manager.openings += 1
            events.note(EVENT_OPENED_UNDER_LOAD, WARNING, sequence.opened_ma, now_ms)
            sequence.opened_ma = None
        failed = sequence.failed
        if failed == FAILED_PRECHARGE_TRY or failed == FAILED_PRECHARGE:
            events.note(EVENT_PRECHARGE_FAILED, WARNING, 0, now_ms)
        closed = sequence.coils != 0 and sequence.closed()
        if closed != self._closed:
            self._closed = closed
            events.note(EVENT_CONTACTOR_CLOSED if closed else EVENT_CONTACTOR_OPENED, INFO,
                        manager.pack.current_ma or 0, now_ms)
        if sequence.run != self._run:
            self._run = sequence.run
            events.note(EVENT_PCS_STARTED if sequence.run else EVENT_PCS_STOPPED, INFO, 0, now_ms)

    def _inputs(self, manager, events, now_ms):
        unconfirmed = manager.image.now[PCS_UNCONFIRMED] or 0
        if unconfirmed != self._unconfirmed:
            if unconfirmed >= UNCONFIRMED_MAX > self._unconfirmed:
                events.note(EVENT_PCS_UNCONFIRMED, WARNING, unconfirmed, now_ms)
            self._unconfirmed = unconfirmed
        step = manager.meter_step
        if step > self._meter_step:
            events.note(EVENT_METER_STALE, WARNING, step, now_ms)
        elif step == 0 and self._meter_step:
            events.note(EVENT_METER_BACK, INFO, 0, now_ms)
        self._meter_step = step
        has_clock = manager.image.now[UTC_DAY] is not None
        if has_clock != self._has_clock:
            self._has_clock = has_clock
            events.note(EVENT_CLOCK_SET if has_clock else EVENT_CLOCK_LOST, INFO, 0, now_ms)
        present = manager.trips.present
        if present != self._trips:
            cleared = self._trips & ~present
            if cleared:
                events.note(EVENT_TRIP_CLEARED, INFO, cleared, now_ms)
            self._trips = present

    def _reasons(self, manager, events, now_ms):
        rank, window = manager.requests.rank, manager.window
        ended = manager.requests.ended
        if ended:
            manager.requests.ended = 0
            for slot in range(SLOTS):
                if ended >> slot & 1:
                    events.note(EVENT_REQUEST_ENDED, INFO, RANKS[slot], now_ms)
        if rank != self._rank:
            self._rank = rank
            events.note(EVENT_REQUEST_WON, INFO, rank, now_ms)
        if window.lo_why == self._lo_why and window.hi_why == self._hi_why:
            return
        if (now_ms - self._reason_ms) & TICK_MASK >= _REASON_MS:
            self._reason_ms = now_ms
            self._lo_why, self._hi_why = window.lo_why, window.hi_why
            events.note(EVENT_LIMIT_REASON, INFO, window.lo_why * 256 + window.hi_why, now_ms)
