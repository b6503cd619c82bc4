"""The battery management system of one module: samples, counts, limits and protects."""

from .curves import (
    CHARGE_BY_CELL_MV,
    CHARGE_BY_TEMP_C,
    DISCHARGE_BY_CELL_MV,
    DISCHARGE_BY_TEMP_C,
    interpolate,
)

SAMPLE_S = 0.25
CHARGE_A_MAX = 157.0  # 0.5 C
DISCHARGE_A_MAX = 157.0
CHARGE_CELL_V_MAX = 3.45
_OVER_CURRENT_A = 190.0
_OVER_CURRENT_S = 5.0
_BALANCE_S = 60.0

(CELL_OV, CELL_UV, PACK_OV, PACK_UV, CHARGE_OC, DISCHARGE_OC, CHARGE_HOT, CHARGE_COLD,
 DISCHARGE_HOT, DISCHARGE_COLD) = range(10)  # fmt: skip
_STOPS_CHARGE = (1 << CELL_OV) | (1 << PACK_OV) | (1 << CHARGE_OC) | (1 << CHARGE_HOT)
_STOPS_CHARGE |= 1 << CHARGE_COLD
_STOPS_DISCHARGE = (1 << CELL_UV) | (1 << PACK_UV) | (1 << DISCHARGE_OC) | (1 << DISCHARGE_HOT)
_STOPS_DISCHARGE |= 1 << DISCHARGE_COLD

# bit, quantity, sense (+1 trips above), warns at, trips at, releases at
_CHECKS = (
    (CELL_OV, "cell_mv_max", 1, 3550, 3650, 3450),
    (CELL_UV, "cell_mv_min", -1, 2900, 2500, 2950),
    (PACK_OV, "pack_mv", 1, 56800, 58400, 55200),
    (PACK_UV, "pack_mv", -1, 46400, 40000, 47200),
    (CHARGE_HOT, "temp_dc_max", 1, 500, 550, 500),
    (CHARGE_COLD, "temp_dc_min", -1, 20, 0, 20),
    (DISCHARGE_HOT, "temp_dc_max", 1, 550, 600, 550),
    (DISCHARGE_COLD, "temp_dc_min", -1, -150, -200, -150),
)


class Bms:
    """What the electronics of `module` know. Measured values are integers in wire-near units.

    `current_ma` is positive when the module discharges, as everywhere in this project.
    """

    def __init__(self, module, rng):
        self.module = module
        self._rng = rng
        self._since_sample_s = 0.0
        self._over_current_s = 0.0
        self._balance_left_s = 0.0
        self._tripped_at = 0
        self.cell_mv_forced = {}  # cell index -> reading, set by the fault channel
        self.samples = 0
        self.soc = module.mean_soc
        self.cycled_ah = 0.0
        self.is_full = False
        self.is_empty = False
        self.asks_charge = False
        self.warnings = 0
        self.protections = 0
        self.faults = 0
        self.measure(0.0)

    @property
    def charge_on(self):
        """True while the charge path is closed."""
        return not (self.faults or self.protections & _STOPS_CHARGE)

    @property
    def discharge_on(self):
        return not (self.faults or self.protections & _STOPS_DISCHARGE)

    def ask_balance(self, wanted):
        """Balancing request from outside; it lapses when it is not repeated within 60 s."""
        self._balance_left_s = _BALANCE_S if wanted else 0.0

    @property
    def balance_asked(self):
        return self._balance_left_s > 0

    def step(self, dt_s):
        self._since_sample_s += dt_s
        self._balance_left_s = max(0.0, self._balance_left_s - dt_s)
        self.module.balance_wanted = self._balance_left_s > 0
        if self._since_sample_s + 1e-9 >= SAMPLE_S:
            self.measure(self._since_sample_s)
            self._since_sample_s = 0.0

    def measure(self, dt_s):
        """Take one coherent sample and judge it."""
        module, gauss = self.module, self._rng.gauss
        cells = [round(v * 1000 + gauss(0, 0.4)) for v in module.cells_v()]
        for i, cell_mv in self.cell_mv_forced.items():
            cells[i] = cell_mv
        self.cells_mv = cells
        self.cell_mv_max, self.cell_mv_min = max(cells), min(cells)
        self.pack_mv = sum(cells)
        noise_ma = gauss(0, 25)
        flows = abs(module.current_a) > 0.02
        self.current_ma = round(module.current_a * 1000 + noise_ma) if flows else 0
        self.temps_dc = [round((module.temp_c + o) * 10) for o in module.sensor_offset_c]
        self.temp_dc_max, self.temp_dc_min = max(self.temps_dc), min(self.temps_dc)
        self.samples = (self.samples + 1) & 0xFFFF
        self._count(dt_s)
        self._protect(dt_s)
        self._limit()

    def _count(self, dt_s):
        moved_ah = self.current_ma / 1000 * dt_s / 3600
        self.cycled_ah += abs(moved_ah)
        self.soc = min(1.0, max(0.0, self.soc - moved_ah / self.module.rated_ah))
        small = abs(self.current_ma) < 0.05 * self.module.rated_ah * 1000
        if self.cell_mv_max >= 3450 and small and self.current_ma <= 0:
            self.is_full, self.soc = True, 1.0
        if self.cell_mv_min <= 2920:
            self.is_empty, self.soc = True, 0.0
        self.is_full = self.is_full and self.soc > 0.97
        self.is_empty = self.is_empty and self.soc < 0.03
        self.asks_charge = self.cell_mv_min < (2950 if self.asks_charge else 2850)

    def _protect(self, dt_s):
        warnings, protections = 0, self.protections
        for bit, name, sense, warn, trip, release in _CHECKS:
            value = getattr(self, name) * sense
            if value >= warn * sense:
                warnings |= 1 << bit
            if value >= trip * sense:
                protections |= 1 << bit
            elif value <= release * sense:
                protections &= ~(1 << bit)
        self.warnings = warnings
        self.protections = self._judge_current(protections, dt_s)

    def _judge_current(self, protections, dt_s):
        over_a = abs(self.current_ma) / 1000 > _OVER_CURRENT_A
        self._over_current_s = self._over_current_s + dt_s if over_a else 0.0
        if self._over_current_s > _OVER_CURRENT_S:
            return protections | 1 << (DISCHARGE_OC if self.current_ma > 0 else CHARGE_OC)
        if self._cooling_down(protections):
            return protections & ~((1 << DISCHARGE_OC) | (1 << CHARGE_OC))
        return protections

    def _cooling_down(self, protections):
        """An over-current releases 30 s after it tripped."""
        if not protections & ((1 << DISCHARGE_OC) | (1 << CHARGE_OC)):
            self._tripped_at = self.samples
            return False
        return (self.samples - self._tripped_at) & 0xFFFF > 30 / SAMPLE_S

    def _limit(self):
        hot_c, cold_c = self.temp_dc_max / 10, self.temp_dc_min / 10
        charge = interpolate(CHARGE_BY_CELL_MV, self.cell_mv_max)
        discharge = interpolate(DISCHARGE_BY_CELL_MV, self.cell_mv_min)
        charge *= min(interpolate(CHARGE_BY_TEMP_C, t) for t in (hot_c, cold_c))
        discharge *= min(interpolate(DISCHARGE_BY_TEMP_C, t) for t in (hot_c, cold_c))
        self.charge_a_max = CHARGE_A_MAX * charge * self.charge_on
        self.discharge_a_max = DISCHARGE_A_MAX * discharge * self.discharge_on
