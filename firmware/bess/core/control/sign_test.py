"""The commissioning test of the signs: does the meter see what the inverter does, the right way?

+200 W and -200 W for 15 s each; what battery and grid read in the last 5 s of both is compared.
The house cancels out as long as it stands still: the battery must have moved by +400 W, the grid
by as much the other way. Practice allows 30 % for scale, meter and house. An inverter that moves
and reports the wrong way at once looks like a turned meter. Loaded when a person asks for it.
"""

from micropython import const

from bess.core.tick import TICK_MASK

# verdicts; 0 while it goes on
RIGHT = const(1)
METER_TURNED = const(2)             # the meter counts import as export: device setting `sign`
PCS_TURNED = const(3)               # it charges when it shall discharge
READING_TURNED = const(4)           # it obeys, but reports its power the wrong way round
METER_BLIND = const(5)              # it sees nothing: another circuit, a transformer not closed
PCS_BLIND = const(6)                # it neither moves nor says so
UNCLEAR = const(7)                  # a wrong scale, or the house did not stand still

POWER_W = const(200)
_PHASE_MS = const(15_000)
_LOOK_MS = const(10_000)
_SPAN_W = const(2 * POWER_W)
_OFF_W = const(120)

# of battery and grid: 1 moved up, -1 down, 0 not; verdict
_VERDICTS = (
    1, -1, RIGHT, 1, 1, METER_TURNED, -1, 1, PCS_TURNED, -1, -1, READING_TURNED,
    1, 0, METER_BLIND, -1, 0, METER_BLIND, 0, 0, PCS_BLIND,
)


class SignTest:
    """wish_w: power to ask for now (+ discharges). verdict: 0, then RIGHT .. UNCLEAR."""

    def __init__(self):
        self.wish_w = POWER_W
        self.verdict = 0
        self._since_ms = None           # the power has been reached
        self._sum = [0, 0, 0, 0]        # battery and grid at +200 W, then at -200 W
        self._count = [0, 0]

    def look(self, command_w, battery_w, grid_w, now_ms):
        """Take the readings of this moment; often, a second apart at most."""
        if command_w != self.wish_w:
            self._since_ms = None
            return
        if self._since_ms is None:
            self._since_ms = now_ms
        spent_ms = (now_ms - self._since_ms) & TICK_MASK
        half = 0 if self.wish_w > 0 else 1
        if spent_ms >= _LOOK_MS and battery_w is not None and grid_w is not None:
            self._sum[2 * half] += battery_w
            self._sum[2 * half + 1] += grid_w
            self._count[half] += 1
        if spent_ms >= _PHASE_MS:
            self._since_ms = None
            self.wish_w = -self.wish_w
            if half:
                self.verdict = self._judge()

    def _judge(self):
        if not (self._count[0] and self._count[1]):
            return UNCLEAR
        battery, grid = self._moved(0), self._moved(1)
        for k in range(0, len(_VERDICTS), 3):
            if _VERDICTS[k] == battery and _VERDICTS[k + 1] == grid:
                return _VERDICTS[k + 2]
        return UNCLEAR

    def _moved(self, which):
        """1 when a reading has moved by +400 W from -200 to +200 W, -1, 0 when it has not."""
        w = self._sum[which] // self._count[0] - self._sum[which + 2] // self._count[1]
        for sense in (1, -1, 0):
            if abs(w - sense * _SPAN_W) <= _OFF_W:
                return sense
        return None
