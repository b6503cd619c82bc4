"""A cabinet of 16 modules, four strings with a contactor set each, and every input that there is.

Readings go straight into the image, without wires, so that an hour of 100 ms ticks takes seconds.
All modules hold the same charge; a script may set any attribute that is no method. + discharges.
"""

from bess.core.battery.sequence import K_MINUS, K_PLUS, PCS_FAULT, PCS_RUNNING, PRECHARGE
from bess.core.control.island import FORMING, LOST, PRESENT
from bess.core.points import (
    BATTERY_W, DC_MV, GRID_CHZ, GRID_MV, GRID_W, INPUTS, M_CELL_DC_MAX, M_CELL_DC_MIN,
    M_CELL_MV_MAX, M_CELL_MV_MIN, M_CHARGE_MA_MAX, M_CURRENT_MA, M_DISCHARGE_MA_MAX, M_FAULTS,
    M_FULL_DAH, M_PACK_MV, M_PROTECTIONS, M_SOC_PM, M_STATE, PCS_GRID, PCS_STATE,
    PCS_UNCONFIRMED, PV_W, STRING_COILS, STRING_INPUTS,
)

from host_tests.sim.battery import RATED_MA, rest_10uv

STRINGS = 4
SERIES = 4
MODULES = STRINGS * SERIES
CELLS = 16
RATED_W = 80_000

_MAH_PER_PM = 314
_MA_MS_PER_MAH = 3_600_000
_ETA_PM = 950
_MAIN = K_MINUS | K_PLUS
_DEAD_TICKS = 3                     # from a command to the first of its power
_START_MS = 2000
_STEP_W = RATED_W // 20             # the inverter gives half of its rating in a second
_HEALTHY = 1 | 16 | 32 | 64 | 128   # all site inputs of INPUTS closed
_FREE_MV = 4000                     # a bus left alone loses so much in a tick


class Cabinet:
    """What the controller measures, and what obeys it.

    Modules: mah, error_pm (what they believe below the truth), uneven_mv (highest cell above the
    others), hot_dc, cold_dc, silent, faults, protections, forced (bits of modules), frozen,
    soc_known, apart_mv (of string 3), burst (1: all modules bring a sample in every tick),
    extra_ma (current that nobody asked for), top_ma (what a module permits).
    Switches: inputs, stuck_open and welded (coil bits of string 0), bus_stuck.
    Inverter: pcs_answers, pcs_fault, pcs_lame (never runs), extra_w, unconfirmed.
    Grid: grid (PRESENT, LOST), grid_mv, grid_chz, meter_ok, pv_w_mean, load_w_mean.
    """

    def __init__(self, rng):
        self.error_pm = 45
        self.soc_pm(500)
        self.uneven_mv = 4
        self.hot_dc, self.cold_dc = 265, 240
        self.silent = self.faults = self.protections = self.forced = 0
        self.frozen = self.burst = self.extra_ma = 0
        self.apart_mv = 0
        self.soc_known = 1
        self.top_ma = RATED_MA
        self.inputs = _HEALTHY
        self.stuck_open = self.welded = self.bus_stuck = 0
        self.pcs_answers = 1
        self.pcs_fault = self.pcs_lame = self.extra_w = self.unconfirmed = 0
        self.grid, self.grid_mv, self.grid_chz = PRESENT, 230_000, 5000
        self.meter_ok = 1
        self.pv_w_mean, self.load_w_mean = 12_000, 30_000
        self.ac_w = self.bus_mv = self.grid_w = self.current_ma = 0
        self._pv_w, self._load_w = self.pv_w_mean, self.load_w_mean
        self._rng = rng
        self._rest_ma_ms = self._ran_ms = 0
        self._on_the_way_w = [0] * _DEAD_TICKS
        self._ticks = 0

    def soc_pm(self, pm):
        """Set the charge of every module, as it is told."""
        self.mah = (pm + self.error_pm) * _MAH_PER_PM

    def step(self, manager, now_ms, dt_ms):
        """100 ms of everything, then the readings of this tick."""
        image = manager.image
        coils = image.now[STRING_COILS] or 0
        closed = coils & ~self.stuck_open | self.welded
        on_bus = [s for s in range(STRINGS) if closed >> 3 * s & _MAIN == _MAIN]
        if self._ticks % 20 == 0:
            self._pv_w = self.pv_w_mean + self._rng.between(-1500, 1500)
            self._load_w = self.load_w_mean + self._rng.between(-4000, 4000)
        self._invert(manager.command, bool(on_bus), dt_ms)
        self._flow(coils, on_bus, dt_ms)
        self._tell_modules(manager.pack, on_bus, now_ms)
        image.put(INPUTS, self.inputs, now_ms)
        image.put(STRING_INPUTS, ~closed & 0xFFF, now_ms)
        self._tell_inverter(image, manager.command, now_ms)
        self._tell_grid(image, now_ms)
        self._ticks += 1

    def _invert(self, command, has_dc, dt_ms):
        """The inverter runs 2 s after it was asked, and forms a grid where there is none."""
        runs = command.run and has_dc and not (self.pcs_fault or self.pcs_lame)
        self._ran_ms = self._ran_ms + dt_ms if runs else 0
        self._on_the_way_w.append(command.battery_w)
        target_w = self._on_the_way_w.pop(0)
        if self._ran_ms < _START_MS:
            self.ac_w = 0
        elif command.run == FORMING or self.grid == LOST:
            self.ac_w = self._load_w - self._pv_w
        else:
            self.ac_w += max(min(target_w - self.ac_w, _STEP_W), -_STEP_W)

    def _flow(self, coils, on_bus, dt_ms):
        """Current of the pack, charge of a module, voltage of the bus."""
        pack_mv = SERIES * CELLS * self._cell_mv(0)
        ac_w = self.ac_w + (self.extra_w if on_bus else 0)
        dc_w = ac_w * 1000 // _ETA_PM if ac_w > 0 else ac_w * _ETA_PM // 1000
        self.current_ma = self.extra_ma + dc_w * 1000 // (pack_mv // 100) * 10 if on_bus else 0
        if on_bus:
            self.bus_mv = pack_mv
            rest = self._rest_ma_ms + self.current_ma // len(on_bus) * dt_ms
            self.mah -= rest // _MA_MS_PER_MAH
            self._rest_ma_ms = rest % _MA_MS_PER_MAH
        elif coils & (PRECHARGE | PRECHARGE << 3) and not self.bus_stuck:
            self.current_ma = (pack_mv - self.bus_mv) // 40
            self.bus_mv += (pack_mv - self.bus_mv) * 3 // 10
        else:
            self.bus_mv = max(0, self.bus_mv - _FREE_MV)

    def _cell_mv(self, module_ma):
        """A cell of every module: 0.3 mohm."""
        return (rest_10uv(self.mah) - module_ma * 3 // 100 + 50) // 100

    def _tell_modules(self, pack, on_bus, now_ms):
        share_ma = self.current_ma // max(len(on_bus), 1)
        for i in range(MODULES):
            if (self.burst or self._ticks % 5 == i % 5) and not self.silent >> i & 1:
                string = i // SERIES
                if not self.frozen:
                    self._fill(pack.rows[i], i, share_ma if string in on_bus else 0)
                pack.put(i, now_ms)

    def _fill(self, row, i, module_ma):
        cell_mv = self._cell_mv(module_ma)
        if i // SERIES == STRINGS - 1:
            cell_mv += self.apart_mv
        soc_pm = min(max(self.mah // _MAH_PER_PM - self.error_pm, 0), 1000)
        row[M_SOC_PM] = soc_pm if self.soc_known else None
        row[M_PACK_MV] = CELLS * cell_mv
        row[M_CURRENT_MA] = module_ma
        row[M_CELL_MV_MAX], row[M_CELL_MV_MIN] = cell_mv + self.uneven_mv, cell_mv - i % 3
        row[M_CELL_DC_MAX], row[M_CELL_DC_MIN] = self.hot_dc + i % 2, self.cold_dc
        row[M_CHARGE_MA_MAX] = row[M_DISCHARGE_MA_MAX] = self.top_ma
        row[M_FULL_DAH] = 3140
        row[M_STATE] = 3 | (16 if self.forced >> i & 1 else 0)
        row[M_PROTECTIONS] = self.protections if i == 0 else 0
        row[M_FAULTS] = self.faults if i == 0 else 0

    def _tell_inverter(self, image, command, now_ms):
        if not self.pcs_answers:
            return
        state = PCS_FAULT if self.pcs_fault else PCS_RUNNING if self._ran_ms >= _START_MS else 0
        image.put(PCS_STATE, state, now_ms)
        image.put(BATTERY_W, self.ac_w + self.extra_w, now_ms)
        image.put(DC_MV, self.bus_mv, now_ms)
        image.put(PCS_UNCONFIRMED, self.unconfirmed, now_ms)
        image.put(PCS_GRID, self.grid, now_ms)
        image.put(GRID_CHZ, self.grid_chz, now_ms)

    def _tell_grid(self, image, now_ms):
        here = self.grid == PRESENT
        self.grid_w = self._load_w - self._pv_w - self.ac_w if here else 0
        image.put(GRID_MV, self.grid_mv if here else 0, now_ms)
        if self._ticks % 10 == 0 and self.meter_ok:
            image.put(GRID_W, self.grid_w, now_ms)
            image.put(PV_W, self._pv_w, now_ms)
