"""Grid support: power that follows frequency and voltage, by curves given as data.

A curve shifts the wish of whoever won, before the window bounds it, and has its own response time
instead of the ramp: a first-order response that has done 90 % after the stated time. Trips and
anti-islanding belong to the inverter. Every curve is off unless the settings name one.
"""

from micropython import const

from bess.core.curves import at
from bess.core.flow.droop import EDGE_MHZ, FULL_CPM, PROFILES, Droop, closer

FREQUENCY_WATT = const(1)           # bits of acts, refused, pcs_curves
VOLT_WATT = const(2)
VOLT_VAR = const(4)

# response time, then pairs: voltage in 1/100 % of nominal, most discharge in per mille of rating
_WATT = (
    "ieee1547", (10_000, (10_600, 1000, 11_000, 200)),
    "as4777", (10_000, (11_000, 1000, 11_304, 200)),
)
# the same with reactive power, + injects; ieee1547 is category B
_VAR = (
    "ieee1547", (5000, (9200, 440, 9800, 0, 10_200, 0, 10_800, -440)),
    "ieee1547a", (10_000, (9000, 250, 10_000, 0, 11_000, -250)),
    "vde4105", (10_000, (9300, 436, 9700, 0, 10_300, 0, 10_700, -436)),
    "as4777", (10_000, (9000, 440, 9565, 0, 10_435, 0, 11_217, -600)),
    "as4777wp", (10_000, (8913, 300, 9565, 0, 10_217, 0, 11_087, -400)),
)


def _row(table, name):
    """Row of a profile; None for "none"."""
    for i in range(0, len(table), 2):
        if table[i] == name:
            return table[i + 1]
    return None


class GridSupport:
    """acts: bits of the curves that move power now. refused: those that the inverter runs itself.

    shift_w: what was added to the wish of this tick. var_pm: reactive power that is wanted, per
    mille of the rating, + injects. pcs_curves: bits that whoever reads the inverter sets.
    """

    def __init__(self, settings):
        self.acts = self.refused = self.pcs_curves = 0
        self.shift_w = self.var_pm = 0
        self._w_rated = settings.w_rated
        self._mv_nominal = settings.grid_mv_nominal
        row = _row(PROFILES, settings.frequency_watt)
        self._droop = None if row is None else Droop(row, settings.grid_hz)
        self._mhz = settings.grid_hz * 1000
        self._edge_mhz = 0 if row is None else row[EDGE_MHZ]
        self._watt = _row(_WATT, settings.volt_watt)
        self._var = _row(_VAR, settings.volt_var)
        self._has = ((0 if self._droop is None else FREQUENCY_WATT)
                     | (0 if self._watt is None else VOLT_WATT)
                     | (0 if self._var is None else VOLT_VAR))
        self._mv = None             # voltage that the aims belong to
        self._cap_cpm = self._cap_aim_cpm = FULL_CPM
        self._var_cpm = self._var_aim_cpm = 0
        self._last_w = 0

    def shift(self, wish_w, grid_mhz, grid_mv, dt_ms):
        """The wish as frequency (mHz) and voltage (mV, phase to neutral) want it.

        Within the rating; zero is passed by a tick at exactly 0. None ends what it had caused.
        """
        self.acts = 0
        self.refused = self.pcs_curves & self._has
        w, droop = wish_w, self._droop
        if droop is not None and (droop.side or droop.shift_cpm or grid_mhz is not None
                                  and abs(grid_mhz - self._mhz) > self._edge_mhz):
            w += self._by_frequency(wish_w, grid_mhz, dt_ms)
        if grid_mv != self._mv:
            self._mv = grid_mv
            self._look(self._voltage(grid_mv))
        if self._cap_cpm < FULL_CPM or self._cap_aim_cpm < FULL_CPM:
            w = self._by_voltage(w, dt_ms)
        if self._var_cpm or self._var_aim_cpm:
            self._reactive(dt_ms)
        if not -self._w_rated <= w <= self._w_rated:
            w = self._w_rated if w > 0 else -self._w_rated
        if (self.acts or self.shift_w) and w and self._last_w and (w > 0) != (self._last_w > 0):
            w = 0
        self._last_w = w
        self.shift_w = w - wish_w
        return w

    def rest(self):
        """The inverter does not run: forget what the grid asked for."""
        if self._droop is not None:
            self._droop.end()
            self._droop.shift_cpm = 0
        self._cap_cpm = FULL_CPM
        self.acts = self.shift_w = self.var_pm = 0
        self._var_cpm = self._last_w = 0

    def _look(self, bp):
        """A voltage that the tick before did not have: where the curves lead to."""
        self._cap_aim_cpm, self._var_aim_cpm = FULL_CPM, 0
        if bp is not None and self._watt is not None:
            self._cap_aim_cpm = at(self._watt[1], bp) * 100
        if bp is not None and self._var is not None:
            self._var_aim_cpm = at(self._var[1], bp) * 100

    def _by_frequency(self, wish_w, grid_mhz, dt_ms):
        droop = self._droop
        if self.refused & FREQUENCY_WATT:
            droop.give_up(dt_ms)
        else:
            wish_pm = wish_w * 1000 // self._w_rated
            if not -1000 <= wish_pm <= 1000:
                wish_pm = 1000 if wish_pm > 0 else -1000
            droop.follow(wish_pm, grid_mhz, dt_ms)
        if droop.shift_cpm == 0:
            return 0
        self.acts |= FREQUENCY_WATT
        return self._watts(droop.shift_cpm)

    def _by_voltage(self, w, dt_ms):
        aim_cpm = FULL_CPM if self.refused & VOLT_WATT else self._cap_aim_cpm
        if aim_cpm != self._cap_cpm:
            self._cap_cpm = closer(self._cap_cpm, aim_cpm, self._watt[0], dt_ms)
        if self._cap_cpm == FULL_CPM:
            return w
        cap_w = self._watts(self._cap_cpm)
        if w <= cap_w:
            return w
        self.acts |= VOLT_WATT
        return cap_w

    def _reactive(self, dt_ms):
        aim_cpm = 0 if self.refused & VOLT_VAR else self._var_aim_cpm
        if aim_cpm != self._var_cpm:
            self._var_cpm = closer(self._var_cpm, aim_cpm, self._var[0], dt_ms)
        self.var_pm = (self._var_cpm + 50) // 100
        if self.var_pm:
            self.acts |= VOLT_VAR

    def _voltage(self, grid_mv):
        """1/100 % of nominal; None when unknown or beyond 50 to 150 %: that is no live grid."""
        if grid_mv is None:
            return None
        bp = grid_mv // 10 * 1000 // (self._mv_nominal // 100)
        return bp if 5000 <= bp <= 15_000 else None

    def _watts(self, cpm):
        """A share of the rating, rounded down, inside 2**30."""
        return self._w_rated // 1000 * cpm // 100 + self._w_rated % 1000 * cpm // FULL_CPM
