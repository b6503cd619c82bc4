"""Grid meter with SunSpec models 201 to 204.

A meter is polled faster than it measures, so most answers repeat the last one. Only a changed
answer is a new sample: to take a repetition for news would make the control act twice on one
reading. One that stays the same for long is a meter that hangs, whatever it answers.
"""

from micropython import const

from bess.core.points import GRID_MV, GRID_W
from bess.core.tick import TICK_MASK, elapsed_ms
from bess.devices.polling import keep
from bess.devices.sunspec_device import Block, SunspecDevice
from bess.protocols.sunspec import METER_MV, METER_W, point

_MODELS = (203, 201, 202, 204)
_REGISTERS = const(55)           # up to the energy counters and their scale factor
_GRID_W_MAX = const(1_000_000)
_GRID_MV_MAX = const(1_000_000)
_FROZEN_PERIODS = const(5)


class SunspecMeter(SunspecDevice):
    """Puts GRID_W, + imports, and GRID_MV, phase to neutral.

    sign: -1 for a meter that counts + as export. sample_ms: how often the meter itself measures.
    fuse_w: rating of the connection; a single reading beyond 1.5 times it, or a step of more than
    twice, is held until a second one agrees within a tenth of the rating.
    frozen: True while more than five sample periods brought nothing new. held: outliers.
    """

    def __init__(self, unit, image, period_ms=500, latency_ms=300, sign=1, sample_ms=1000,
                 fuse_w=200_000):
        super().__init__(unit, (Block(unit, _MODELS, _REGISTERS, period_ms),))
        self.frozen = False
        self.held = 0
        self._image = image
        self._latency_ms = latency_ms
        self._sign = sign
        self._frozen_ms = _FROZEN_PERIODS * max(sample_ms, period_ms)
        self._fuse_w = fuse_w
        self._kept = bytearray(2 * _REGISTERS)
        self._changed_ms = 0
        self._seen = False          # a first answer alone does not prove life
        self._last_w = None
        self._odd_w = None          # an outlier that waits for a second one

    def take(self, block, data, now_ms):
        changed = keep(self._kept, 0, data)
        seen, self._seen = self._seen, True
        if changed:
            self._changed_ms = now_ms
        self.frozen = elapsed_ms(now_ms, self._changed_ms) > self._frozen_ms
        if not changed or not seen:
            return
        grid_w = point(data, METER_W)
        if grid_w is None or not -_GRID_W_MAX <= grid_w <= _GRID_W_MAX:
            self.rejected += 1
        elif self._is_credible(grid_w):
            self._last_w = grid_w
            sampled_ms = (now_ms - self._latency_ms) & TICK_MASK
            self._image.put(GRID_W, grid_w * self._sign, sampled_ms)
            grid_mv = point(data, METER_MV)
            good = grid_mv is not None and 0 < grid_mv <= _GRID_MV_MAX   # 0: not measured
            self._image.put(GRID_MV, grid_mv if good else None, sampled_ms)
        else:
            self.held += 1

    def _is_credible(self, grid_w):
        last_w, odd_w = self._last_w, self._odd_w
        self._odd_w = None
        if self._agree(grid_w, odd_w) or self._agree(grid_w, last_w):
            return True
        if (abs(grid_w) > self._fuse_w * 3 // 2
                or last_w is not None and abs(grid_w - last_w) > 2 * self._fuse_w):
            self._odd_w = grid_w
            return False
        return True

    def _agree(self, grid_w, other_w):
        return other_w is not None and abs(grid_w - other_w) <= self._fuse_w // 10
