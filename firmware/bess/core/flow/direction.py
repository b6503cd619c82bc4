"""Flow direction: who feeds whom, as one state for people and events."""

from micropython import const

from bess.core.tick import TICK_MASK

NONE = const(0)
GRID_TO_BATTERY = const(1)
BATTERY_TO_GRID = const(2)
GRID_TO_LOAD = const(3)
BATTERY_TO_LOAD = const(4)
MIXED = const(5)                    # grid and battery serve the loads and each other
SURPLUS_TO_BATTERY = const(6)
SURPLUS_TO_GRID = const(7)

_HOLD_MS = const(3000)
_W_MIN = const(100)
# rows: battery charges, rests, discharges; columns: grid exports, rests, imports
_STATES = bytes((
    SURPLUS_TO_BATTERY, SURPLUS_TO_BATTERY, GRID_TO_BATTERY,
    SURPLUS_TO_GRID, NONE, GRID_TO_LOAD,
    BATTERY_TO_GRID, BATTERY_TO_LOAD, MIXED,
))


class Direction:
    """state: one of the constants above; None while a power that decides it is unknown.

    Powers within max(100 W, 1 % of the rating) count as rest. A new state must have held for 3 s;
    what is unknown is so at once.
    """

    def __init__(self, settings):
        self.state = None
        self._rest_w = max(_W_MIN, settings.w_rated // 100)
        self._next = None
        self._since_ms = 0

    def update(self, now_ms, battery_w, grid_w, need_w):
        """Renew `state`; True when it changed.

        need_w: what the site draws without battery and grid (load + ev + managed - pv).
        """
        before = self.state
        found = self._find(battery_w, grid_w, need_w)
        if found is None:
            self.state = None
        if found != self._next:
            self._next = found
            self._since_ms = now_ms
        elif (now_ms - self._since_ms) & TICK_MASK >= _HOLD_MS:
            self.state = found
        return self.state != before

    def _find(self, battery_w, grid_w, need_w):
        """State of this instant."""
        if battery_w is None or grid_w is None:
            return None
        state = _STATES[3 * self._third(battery_w) + self._third(grid_w)]
        if state == GRID_TO_BATTERY or state == BATTERY_TO_GRID:
            if need_w is None:
                return None             # only the loads tell these two from MIXED
            if need_w > self._rest_w:
                return MIXED
        return state

    def _third(self, w):
        """0 below the band of rest, 1 inside, 2 above."""
        if w > self._rest_w:
            return 2
        return 0 if w < -self._rest_w else 1
