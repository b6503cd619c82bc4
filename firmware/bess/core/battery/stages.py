"""What the charging methods share: their stages as data, and the trickle budget.

Currents are per mille of C, the rated capacity of the pack, as practice for LFP states them.
"""

from micropython import const

from bess.core.battery.rounds import TOP_MV
from bess.core.tick import TICK_MASK

CC_CV = const(0)
PULSED = const(1)
MULTI_STAGE = const(2)
TRICKLE = const(3)
HOLD = const(4)                     # for calibration: the CV target is held until somebody ends it

STAGE_FIELDS = const(5)
# pm of C, end voltage of the highest cell in mV (0: none), end current in pm of C (0: none), for
# how many seconds it is that small, minutes at most (0: no end)
STAGES = (
    500, 0, 50, 60, 0,              # CC_CV
    500, 0, 0, 0, 0,                # PULSED
    500, 3400, 0, 0, 180,           # MULTI_STAGE
    300, 3430, 0, 0, 60,
    150, 3450, 0, 0, 60,
    50, 0, 20, 30, 60,
    20, TOP_MV, 0, 0, 0,            # TRICKLE
    200, 0, 0, 0, 0,                # HOLD
)
FIRST = bytes((0, 1, 2, 6, 7))      # first stage of each method

_MINUTE_MS = const(60_000)
_HOUR_MS = const(3_600_000)
_HOURS = const(25)                  # the hour that runs and the 24 before it
_BUDGET_MIN = const(120)


class Budget:
    """120 minutes in any 24 hours, counted to the hour."""

    def __init__(self):
        self._minutes = bytearray(_HOURS)
        self._hour = 0
        self._hour_ms = 0
        self._rest_ms = 0

    def left_min(self, now_ms):
        """Minutes that may still be used now."""
        minutes = self._minutes
        hours = ((now_ms - self._hour_ms) & TICK_MASK) // _HOUR_MS
        self._hour_ms = (self._hour_ms + hours * _HOUR_MS) & TICK_MASK
        for _ in range(min(hours, _HOURS)):
            self._hour = (self._hour + 1) % _HOURS
            minutes[self._hour] = 0
        return max(_BUDGET_MIN - sum(minutes), 0)

    def use(self, dt_ms, now_ms):
        """Book dt_ms; False when nothing is left."""
        self._rest_ms += dt_ms
        if self._rest_ms < _MINUTE_MS:
            return True
        self._rest_ms -= _MINUTE_MS
        left = self.left_min(now_ms)
        self._minutes[self._hour] += 1
        return left > 1
