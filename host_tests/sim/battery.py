"""LFP modules in parallel on one bus, in integers: mAh with remainder, mA, 10 uV.

Their management systems are careless: they permit their full current at any voltage and any
charge and never switch off, so that only the firmware stands between the inverter and the cells.
"""

from array import array

CELLS = 16
CAPACITY_MAH = 314_000
_MAH_PER_PM = 314
_MA_MS_PER_MAH = 3_600_000
_CELL_UOHM = 300
RATED_MA = 157_000

# rest voltage of a cell by state of charge: per mille, mV; runs away beyond both ends
_OCV = (
    (-50, 2000), (-20, 2500), (0, 2830), (50, 3130), (100, 3176), (200, 3212), (300, 3240),
    (400, 3261), (500, 3265), (600, 3271), (700, 3284), (800, 3303), (900, 3309), (950, 3315),
    (985, 3350), (1000, 3395), (1010, 3500), (1020, 3650), (1050, 4000),
)
_LOWEST_PM = -50


def _fine_curve():
    """Rest voltage in 10 uV at every per mille from _LOWEST_PM on."""
    fine = []
    for i in range(len(_OCV) - 1):
        (x0, y0), (x1, y1) = _OCV[i], _OCV[i + 1]
        for x in range(x0, x1):
            fine.append(100 * y0 + 100 * (y1 - y0) * (x - x0) // (x1 - x0))
    fine.append(100 * _OCV[-1][1])
    return array("i", fine)


_REST_10UV = _fine_curve()


def rest_10uv(mah):
    """Rest voltage of a cell that holds `mah`; held beyond the ends of the curve."""
    i = mah // _MAH_PER_PM - _LOWEST_PM
    if i < 0:
        return _REST_10UV[0]
    if i >= len(_REST_10UV) - 1:
        return _REST_10UV[-1]
    low = _REST_10UV[i]
    return low + (_REST_10UV[i + 1] - low) * (mah % _MAH_PER_PM) // _MAH_PER_PM


class Module:
    """One module: charge, temperature, and its cells that differ a little.

    current_ma: + discharges. soc_error_pm: what its own counter is wrong by.
    """

    def __init__(self, rng, soc_pm):
        self.mah = soc_pm * _MAH_PER_PM + rng.between(-900, 900)
        self.offset_mah = [rng.between(-700, 700) for _ in range(CELLS)]
        self._fullest = self.offset_mah.index(max(self.offset_mah))
        self.soc_error_pm = rng.between(-50, -30)
        self.siemens = rng.between(155, 178)
        self.current_ma = 0
        self.temp_uc = 1_000_000 * rng.between(20, 24)
        self._ambient_uc = self.temp_uc
        self._rest_ma_ms = 0
        self._ages_ms = 0

    def emf_10uv(self):
        """Voltage behind the resistance."""
        return CELLS * rest_10uv(self.mah)

    def step(self, dt_ms, current_ma):
        self.current_ma = current_ma
        rest = self._rest_ma_ms + current_ma * dt_ms
        if not 0 <= rest < _MA_MS_PER_MAH:
            self.mah -= rest // _MA_MS_PER_MAH
            rest %= _MA_MS_PER_MAH
        self._rest_ma_ms = rest
        self._ages_ms += dt_ms
        if self._ages_ms >= 1000:
            self._ages_ms -= 1000
            self._warm()

    def _warm(self):
        """One second of heat: 6 mohm, 88 kJ/K, 5 W/K to the air."""
        amps = self.current_ma // 1000
        lost_mw = (self.temp_uc - self._ambient_uc) // 200
        self.temp_uc += (amps * amps * 6 - lost_mw) // 88

    def cell_mv(self, i):
        """Terminal voltage of a cell at the present current."""
        drop_10uv = self.current_ma * _CELL_UOHM // 10_000
        return (rest_10uv(self.mah + self.offset_mah[i]) - drop_10uv + 50) // 100

    def cell_mv_max(self):
        """Highest cell without asking each: the fullest one."""
        return self.cell_mv(self._fullest)

    def soc_pm(self):
        """What the module believes."""
        return min(max(self.mah // _MAH_PER_PM + self.soc_error_pm, 0), 1000)


class Bank:
    """All modules in parallel. bus_mv: voltage at the terminals; current_ma: sum, + discharges."""

    def __init__(self, rng, count, soc_pm):
        self.modules = [Module(rng, soc_pm) for _ in range(count)]
        self.current_ma = 0
        self.bus_mv = self.modules[0].emf_10uv() // 100
        self._siemens = sum([m.siemens for m in self.modules])

    def step(self, dt_ms, dc_w, precharge_ma=0):
        """Deliver dc_w (+ discharge) and the precharge current for dt_ms."""
        total_ma = dc_w * 1000 // (self.bus_mv // 100) * 10 + precharge_ma
        self.current_ma = total_ma
        modules = self.modules
        first_10uv = modules[0].emf_10uv()
        weighted = 0
        for module in modules:
            module.above_10uv = module.emf_10uv() - first_10uv
            weighted += module.above_10uv * module.siemens
        bus_10uv = (weighted - 100 * total_ma) // self._siemens
        for module in modules:
            module.step(dt_ms, (module.above_10uv - bus_10uv) * module.siemens // 100)
        self.bus_mv = (first_10uv + bus_10uv) // 100

    def cell_mv_max(self):
        """Highest cell of all, as it really is."""
        return max([m.cell_mv_max() for m in self.modules])

    def soc_pm(self):
        """True mean state of charge."""
        return sum([m.mah for m in self.modules]) // len(self.modules) // _MAH_PER_PM
