"""The cabinet's inputs and outputs, as tables.

Inputs are contacts at the point INPUTS, one bit each. What an input means stands in checks.py:
its debounce (20 ms: the second tick in a row decides) and its severity. The emergency loop and
the contactors' feedbacks are always wired and read by the diagnosis itself.
"""

from micropython import const

from bess.core.control.checks import SITE_AUX, SITE_DOOR, SITE_FIRE, SITE_INSULATION
from bess.core.points import INPUTS, TRIP_AUX_SUPPLY, TRIP_DOOR
from bess.core.tick import TICK_MASK

# bits of OUTPUTS; the contactors' and the lamp's stand below and between them
OUT_TRIP = const(8)
OUT_FAN = const(32)
OUT_HEATER = const(64)
OUT_SHED_1 = const(128)
OUT_ALARM_OK = const(512)           # falls with an alarm, with the power and with a dead board
OUT_LIFE = const(1024)

# bit of INPUTS (closed contact), setting of its wiring, site condition, trip (-1: never one)
_WIRED = (
    16, "fire_input", SITE_FIRE, -1,            # smoke, gas, aerosol, extinguisher released
    32, "insulation_input", SITE_INSULATION, -1,
    64, "door_input", SITE_DOOR, TRIP_DOOR,
    128, "aux_input", SITE_AUX, TRIP_AUX_SUPPLY,    # auxiliary supply of the cabinet
)
_STRIDE = const(4)
_COUNT = const(4)

_FAN_ON_DC = const(350)
_FAN_OFF_DC = const(300)
_HEATER_ON_DC = const(50)
_HEATER_OFF_DC = const(100)
_OHM_PER_V = const(100)
_INSULATION_MV = const(60_000)      # below it the voltage is safe to touch
_LIFE_MS = const(1000)


class SiteIo:
    """read() before the diagnosis, drive() at the end of a tick.

    conditions: bits for Diagnosis.flags; trips: bits for Trips.flags. charge_wanted, shed (bit 0:
    output 1, bit 1: output 2) and insulation_ohm (a measured value; None: not measured) are
    handed in. outputs: bits of the point OUTPUTS that are decided here.
    """

    def __init__(self, settings):
        self.conditions = self.trips = 0
        self.charge_wanted = False
        self.shed = 0
        self.insulation_ohm = None
        self.outputs = 0
        self._wired = self._inverted = self._tripping = 0
        for k in range(0, len(_WIRED), _STRIDE):
            wiring = getattr(settings, _WIRED[k + 1])
            if wiring != "none":
                self._wired |= _WIRED[k]
            if wiring == "open":
                self._inverted |= _WIRED[k]
        if settings.door_trips:
            self._tripping |= SITE_DOOR
        if settings.aux_trips:
            self._tripping |= SITE_AUX
        self._life_ms = None

    def read(self, image, pack):
        """Renew the conditions; a wired input that cannot be read is not healthy."""
        inputs = image.now[INPUTS]
        healthy = 0 if inputs is None else inputs ^ self._inverted
        wrong = self._wired & ~healthy
        if wrong or self.conditions or self.trips or self.insulation_ohm is not None:
            self._sort(wrong, pack)

    def _sort(self, wrong, pack):
        conditions = trips = 0
        for n in range(_COUNT):
            k = n * _STRIDE
            if wrong & _WIRED[k]:
                condition = _WIRED[k + 2]
                if self._tripping & condition:
                    trips |= 1 << _WIRED[k + 3]
                else:
                    conditions |= condition
        if self.insulation_ohm is not None and pack.strings_live:
            pack_mv = pack.pack_mv
            if pack_mv > _INSULATION_MV and self.insulation_ohm < pack_mv // 1000 * _OHM_PER_V:
                conditions |= SITE_INSULATION
        self.conditions, self.trips = conditions, trips

    def drive(self, pack, alarmed, burning, now_ms):
        """Renew the outputs, a few times a second. alarmed: a trip or an emergency is active."""
        outputs = self.outputs & (OUT_FAN | OUT_HEATER | OUT_LIFE) | (self.shed & 3) * OUT_SHED_1
        if not alarmed:
            outputs |= OUT_ALARM_OK
        if burning:
            outputs &= ~(OUT_FAN | OUT_HEATER)      # no air for a fire
        else:
            outputs = self._climate(pack, outputs)
        if self._life_ms is None:
            self._life_ms = now_ms
        late_ms = (now_ms - self._life_ms) & TICK_MASK
        if late_ms >= _LIFE_MS:
            outputs ^= OUT_LIFE
            self._life_ms = (now_ms - late_ms % _LIFE_MS) & TICK_MASK
        self.outputs = outputs

    def _climate(self, pack, outputs):
        """Fan by the hottest, heater by the coldest cell; what is unknown is not heated."""
        if pack.strings_live == 0:
            return outputs & ~OUT_HEATER
        hot_dc, cold_dc = pack.cell_dc_max, pack.cell_dc_min
        if hot_dc > _FAN_ON_DC:
            outputs |= OUT_FAN
        elif hot_dc <= _FAN_OFF_DC:
            outputs &= ~OUT_FAN
        if not self.charge_wanted or cold_dc >= _HEATER_OFF_DC:
            return outputs & ~OUT_HEATER
        return outputs | OUT_HEATER if cold_dc < _HEATER_ON_DC else outputs
