"""LFP modules as they truly are: charge, voltage, temperature.

Their management systems are careless: they permit their full current at any voltage, charge and
temperature and never switch off, so that only the firmware stands between inverter and cells.
"""

from tools.simsite.physics.curves import OCV_V, interpolate

CELLS = 16
CAPACITY_MAH = 314_000.0
RATED_MA = 157_000
_MAH_PER_PM = CAPACITY_MAH / 1000
_CELL_MOHM = 0.3
_GROUPS = (0, 1, 2, 3)      # cells come in four kinds, each four times, which saves time
_KELVIN_PER_MJ = 1 / 88e6
_COOLING_MW_PER_K = 5000.0
_LOWEST_PM = -60

_REST_MV = [1000 * interpolate(OCV_V, pm / 1000) for pm in range(_LOWEST_PM, 1060)]
_STEEP_MV = [_REST_MV[i + 1] - _REST_MV[i] for i in range(len(_REST_MV) - 1)]


def rest_mv(mah):
    """Rest voltage of a cell that holds `mah`, straight on beyond the ends of the curve."""
    pm = mah / _MAH_PER_PM - _LOWEST_PM
    i = int(pm)
    if i < 0:
        i = 0
    elif i >= len(_STEEP_MV):
        i = len(_STEEP_MV) - 1
    return _REST_MV[i] + _STEEP_MV[i] * (pm - i)


class Module:
    """mah: charge; temp_c: hottest and coldest cell are near it; current_ma: + discharges.

    soc_error_pm: what its own counter is wrong by. mohm_hot: resistance that warms it.
    """

    mohm_hot = 6.0
    MAH_PER_PM = _MAH_PER_PM

    def __init__(self, random, soc_pm, temp_c, soc_error_pm):
        self.mah = soc_pm * _MAH_PER_PM + random.randint(-900, 900)
        self.offsets = sorted(random.randint(-700, 700) for _ in _GROUPS)
        self.soc_error_pm = soc_error_pm
        self.ohm = 16 * _CELL_MOHM * random.uniform(1.25, 1.35) / 1000
        self.temp_c = temp_c + random.uniform(-1, 1)
        self.ambient_c = self.temp_c
        self.current_ma = 0.0

    def step(self, dt_s, current_ma):
        self.current_ma = current_ma
        self.mah -= current_ma * dt_s / 3600
        lost_mw = (self.temp_c - self.ambient_c) * _COOLING_MW_PER_K
        heat_mw = current_ma * current_ma * self.mohm_hot * 1e-6 - lost_mw
        self.temp_c += heat_mw * dt_s * _KELVIN_PER_MJ

    def cells_mv(self):
        """Terminal voltages of the four kinds of cell, the emptiest first."""
        drop_mv, mah, offsets = self.current_ma * _CELL_MOHM / 1000, self.mah, self.offsets
        pm = mah / _MAH_PER_PM - _LOWEST_PM
        if not 5 < pm < len(_STEEP_MV) - 5:         # an offset is 3 pm at most
            return [rest_mv(mah + offset) - drop_mv for offset in offsets]
        rest, steep = _REST_MV, _STEEP_MV
        told = []
        for offset in offsets:
            at = pm + offset / _MAH_PER_PM
            i = int(at)
            told.append(rest[i] + steep[i] * (at - i) - drop_mv)
        return told

    def soc_pm(self):
        """What the module believes."""
        return min(max(int(self.mah / _MAH_PER_PM) + self.soc_error_pm, 0), 1000)


class Bank:
    """Strings of modules in series, in parallel on one bus. emf_mv: of those that may be apart."""

    def __init__(self, modules, modules_s):
        self.modules = modules
        self.strings = [modules[i:i + modules_s] for i in range(0, len(modules), modules_s)]
        self._siemens = [1 / sum(m.ohm for m in string) for string in self.strings]
        self.current_ma = 0.0
        self.emf_mv = [CELLS * sum(rest_mv(m.mah) for m in string) for string in self.strings]
        self.bus_mv = self.emf_mv[0]

    def step(self, dt_s, dc_w, extra_ma):
        """Deliver dc_w (+ discharges) and extra_ma for dt_s."""
        total_ma = dc_w * 1e6 / self.bus_mv + extra_ma
        weighted = whole = 0.0
        emfs, rests, steeps, last = [], _REST_MV, _STEEP_MV, len(_STEEP_MV) - 1
        for string, siemens in zip(self.strings, self._siemens):
            emf_mv = 0.0
            for module in string:
                pm = module.mah / _MAH_PER_PM - _LOWEST_PM      # as rest_mv()
                i = int(pm)
                if not 0 <= i <= last:
                    i = 0 if i < 0 else last
                emf_mv += rests[i] + steeps[i] * (pm - i)
            emf_mv *= CELLS
            emfs.append(emf_mv)
            weighted += emf_mv * siemens
            whole += siemens
        self.bus_mv = bus_mv = (weighted - total_ma) / whole
        self.current_ma = total_ma
        for string, siemens, emf_mv in zip(self.strings, self._siemens, emfs):
            current_ma = (emf_mv - bus_mv) * siemens
            for module in string:
                module.step(dt_s, current_ma)

    def step_apart(self, dt_s, dc_w, gear):
        """The same where each string has its own contactors."""
        strings, emf_mv, on = self.strings, self.emf_mv, gear.on
        weighted = whole = 0.0
        for s, string in enumerate(strings):
            emf_mv[s] = CELLS * sum(rest_mv(module.mah) for module in string)
            if on >> s & 1:
                weighted += emf_mv[s] * self._siemens[s]
                whole += self._siemens[s]
        total_ma = dc_w * 1e6 / self.bus_mv if on else gear.precharge_ma
        self.bus_mv = (weighted - total_ma) / whole if on else emf_mv[gear.filling]
        self.current_ma = total_ma
        for s, string in enumerate(strings):
            if on >> s & 1:
                current_ma = (emf_mv[s] - self.bus_mv) * self._siemens[s]
            else:
                current_ma = 0.0 if on or s != gear.filling else total_ma
            for module in string:
                module.step(dt_s, current_ma)
