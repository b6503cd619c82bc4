"""Which grid support curves the inverter runs itself: loaded where one of ours is configured.

Model 122 may say what is active; the curves' own models say what is enabled: 126 or 705 volt-var,
132 or 706 volt-watt, 134, 127 or 711 frequency-watt. Two controllers on one quantity would work
against each other, so the one in the inverter rules (core/flow/grid_support.py refuses ours).
"""

from micropython import const

from bess.core.flow.grid_support import FREQUENCY_WATT, VOLT_VAR, VOLT_WATT
from bess.devices.sunspec_device import Block, SunspecDevice
from bess.protocols.sunspec import PLAIN, STATUS_CONTROLS, point

_PERIOD_MS = const(10_000)          # somebody who changes them comes seldom
_STATUS = const(122)
_STATUS_REGISTERS = const(37)
_CURVE_REGISTERS = const(7)
# models of a block, best first; register of the enable: 3 ModEna in the older, 2 Ena in the newer
# ones, 6 in model 127; bit 0 is set while the curve is enabled
_MODELS = ((126, 705), (132, 706), (134, 711), (127,))
_CURVES = (VOLT_VAR, VOLT_WATT, FREQUENCY_WATT, FREQUENCY_WATT)
_NEW = const(700)
_PARAMETERS = const(127)
# bits of StActCtl: 3 volt-var, 4 and 5 frequency-watt, 10 volt-watt
_VAR_ACTIVE = const(8)
_FREQUENCY_ACTIVE = const(48)
_WATT_ACTIVE = const(1024)


class SunspecCurves(SunspecDevice):
    """Keeps `support.pcs_curves` as the inverter with this unit id says."""

    def __init__(self, unit, support):
        blocks = [Block(unit, models, _CURVE_REGISTERS, _PERIOD_MS, False) for models in _MODELS]
        blocks.append(Block(unit, (_STATUS,), _STATUS_REGISTERS, _PERIOD_MS, False))
        super().__init__(unit, blocks)
        self._support = support
        self._runs = bytearray(len(blocks))     # bits of the curves, as each block says

    def found(self, now_ms):
        """Another chain: what it lacks it does not run."""
        for i in range(len(self._runs)):
            self._runs[i] = 0
        self._support.pcs_curves = 0

    def take(self, block, data, now_ms):
        for i in range(len(self._runs)):
            if self._blocks[i] is block:
                self._runs[i] = active(data) if block.model == _STATUS else enabled(
                    block.model, _CURVES[i], data)
        bits = 0
        for curves in self._runs:
            bits |= curves
        self._support.pcs_curves = bits


def enabled(model, curve, data):
    """The curve's bit when its model says that it is enabled, else 0."""
    at = 2 if model > _NEW else 6 if model == _PARAMETERS else 3
    word = point(data, PLAIN | at)
    return curve if word is not None and word & 1 else 0


def active(data):
    """Bits of the curves that model 122 calls active."""
    word = point(data, STATUS_CONTROLS)
    if word is None:
        return 0
    return ((VOLT_VAR if word & _VAR_ACTIVE else 0) | (VOLT_WATT if word & _WATT_ACTIVE else 0)
            | (FREQUENCY_WATT if word & _FREQUENCY_ACTIVE else 0))
