"""Energy counters per flow; nothing is lost to rounding."""

from array import array

from micropython import const

_W_MS_PER_WH = const(3_600_000)
_SLICE_MS = const(300)              # power times this stays inside 2**30 up to 3 MW
_DT_MS_MAX = const(5_000)           # of a longer stall nobody knows what flowed


class Counters:
    """Pairs of counters that only rise: one for each sign of a power.

    wh[2 * flow] counts the positive side, wh[2 * flow + 1] the negative side, in Wh.
    changed: set with a counter, taken back by whoever has told everybody.
    """

    def __init__(self, flows):
        self.wh = [0] * (2 * flows)
        self.changed = True
        self.rest = array("i", [0] * (2 * flows))

    def add(self, flow, power_w, dt_ms):
        """Book `power_w` over the last `dt_ms` (at most 5 s); None books nothing."""
        if not power_w:
            return
        i = 2 * flow
        if power_w < 0:
            power_w = -power_w
            i += 1
        rest = self.rest[i]
        left_ms = dt_ms if dt_ms < _DT_MS_MAX else _DT_MS_MAX
        while left_ms > 0:
            rest += power_w * (left_ms if left_ms < _SLICE_MS else _SLICE_MS)
            left_ms -= _SLICE_MS
            if rest >= _W_MS_PER_WH:
                self.wh[i] += rest // _W_MS_PER_WH
                rest %= _W_MS_PER_WH
                self.changed = True
        self.rest[i] = rest
