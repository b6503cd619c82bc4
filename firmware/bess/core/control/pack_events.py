"""The events of a site as one of several packs notes them: with its number, or once for all."""

from micropython import const

from bess.core.control.checks import AUX_LOST, DOOR_OPEN
from bess.core.events import PACK_SHIFT, SIZE
from bess.core.points import (
    BY_TEST, CAUSE_FIRE, CAUSE_INPUT, CAUSE_INSULATION, EVENT_AUTHORITY, EVENT_CLOCK_LOST,
    EVENT_CLOCK_SET, EVENT_EMERGENCY, EVENT_FLOW_CHANGE, EVENT_GRID_CONNECTED,
    EVENT_GRID_DISCONNECTED, EVENT_METER_BACK, EVENT_METER_STALE, EVENT_REQUEST_WON,
    EVENT_SCHEDULE_ENDED, EVENT_SCHEDULE_SKIPPED, EVENT_SCHEDULE_STARTED, EVENT_TRIP,
    EVENT_WARNING, EVENT_WARNING_CLEARED, TRIP_AUX_SUPPLY, TRIP_DOOR, TRIP_GRID_UNEXPECTED,
)

# The schedule is one for all; the others are facts that every pack finds out for itself.
_SHARED = bytes((
    EVENT_SCHEDULE_STARTED, EVENT_SCHEDULE_ENDED, EVENT_SCHEDULE_SKIPPED, EVENT_GRID_CONNECTED,
    EVENT_GRID_DISCONNECTED, EVENT_METER_STALE, EVENT_METER_BACK, EVENT_CLOCK_SET,
    EVENT_CLOCK_LOST, EVENT_AUTHORITY,
))
# event and data: inputs of the cabinet and the connection concern all packs
_SHARED_DATA = bytes((
    EVENT_EMERGENCY, CAUSE_INPUT, EVENT_EMERGENCY, CAUSE_FIRE, EVENT_EMERGENCY, CAUSE_INSULATION,
    EVENT_TRIP, TRIP_DOOR, EVENT_TRIP, TRIP_AUX_SUPPLY, EVENT_TRIP, TRIP_GRID_UNEXPECTED,
    EVENT_WARNING, DOOR_OPEN, EVENT_WARNING, AUX_LOST,
    EVENT_WARNING_CLEARED, DOOR_OPEN, EVENT_WARNING_CLEARED, AUX_LOST,
))
_PAIR = const(1)                    # connected and disconnected differ in this bit only


class PackEvents:
    """Stands where a single pack has its Events. pack: counted from 1."""

    def __init__(self, events, pack):
        self._events = events
        self._mark = pack << PACK_SHIFT
        self.slot, self.event, self.level = events.slot, events.event, events.level
        self.data, self.at_ms = events.data, events.at_ms

    @property
    def count(self):
        """As Events.count, of the site."""
        return self._events.count

    def note(self, event, level, data, now_ms):
        """As Events.note. Where the power flows the site says itself."""
        if event == EVENT_FLOW_CHANGE:
            return
        if not self._is_shared(event, data):
            level |= self._mark
        elif event != EVENT_SCHEDULE_SKIPPED and self._told(event, data, now_ms):
            return
        self._events.note(event, level, data, now_ms)

    def _is_shared(self, event, data):
        if event == EVENT_REQUEST_WON:
            return data < BY_TEST           # a test and a protective charge are a pack's own
        if event in _SHARED:
            return True
        for k in range(0, len(_SHARED_DATA), 2):
            if _SHARED_DATA[k] == event and _SHARED_DATA[k + 1] == data:
                return True
        return False

    def _told(self, event, data, now_ms):
        """Has another pack said so in this tick? Of the grid: since it said anything else.

        Each inverter sees the grid at a moment of its own.
        """
        events = self._events
        grid = event | _PAIR == EVENT_GRID_DISCONNECTED
        for back in range(SIZE):
            slot = events.slot(back)
            if slot < 0 or not grid and events.at_ms(slot) != now_ms:
                return False
            other = events.event(slot)
            if other == event and events.data(slot) == data:
                return True
            if grid and other | _PAIR == event | _PAIR:
                return False
        return False
