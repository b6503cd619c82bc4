"""What every charge needs, also one without a method: rounds of samples, watts, why it is over."""

from micropython import const

from bess.core.curves import part

DEAD_MV = const(2000)               # a cell below is not charged any more
TOP_MV = const(3400)                # of the highest cell: there a TRICKLE charge ends
CELL_MV_MAX = const(3600)           # per cell, where the configuration states no voltage
CELL_MV_MIN = const(2900)

# why a charge or a discharge is over
FULL = const(1)
TARGET = const(2)
LIMIT = const(3)
DURATION = const(4)
TIMEOUT = const(5)
STOPPED = const(6)


def ac_w(charge_ma, pack_mv, eta_pm):
    """AC power in W that charges with `charge_ma`: mA * mV / (1000 * eta_pm), rounded down."""
    dc_w = part(charge_ma, pack_mv // 100) // 10
    return dc_w // eta_pm * 1000 + dc_w % eta_pm * 1000 // eta_pm


class Rounds:
    """New samples of a pack of several modules: a round is over when one brings its second.

    So the modules of a pack count together as one sensor, whatever their number.
    """

    def __init__(self):
        self._seen = -1

    def over(self, fresh):
        """True when a new round begins with the modules whose bits are set in `fresh`."""
        if fresh & self._seen:
            self._seen = fresh
            return True
        self._seen |= fresh
        return False
