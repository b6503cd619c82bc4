"""Photovoltaic inverter with SunSpec models 101 to 103: its AC power, nothing else."""

from micropython import const

from bess.core.points import PV_W
from bess.core.tick import TICK_MASK
from bess.devices.sunspec_device import Block, SunspecDevice
from bess.protocols.sunspec import AC_MODELS, AC_REGISTERS, AC_W, is_null_frame, point

_PV_W_MAX = const(1_000_000)
_OWN_USE_W_MAX = const(1000)     # an inverter at night draws a little: that is no generation


class SunspecPv(SunspecDevice):
    """Puts PV_W, W at the AC side, never negative."""

    def __init__(self, unit, image, period_ms=1000, latency_ms=0):
        super().__init__(unit, (Block(unit, AC_MODELS, AC_REGISTERS, period_ms),))
        self._image = image
        self._latency_ms = latency_ms

    def take(self, block, data, now_ms):
        empty = len(data) < 2 * AC_REGISTERS or is_null_frame(data)
        power_w = None if empty else point(data, AC_W)
        if power_w is None or not -_OWN_USE_W_MAX <= power_w <= _PV_W_MAX:
            self.rejected += 1
            return
        self._image.put(PV_W, max(0, power_w), (now_ms - self._latency_ms) & TICK_MASK)
