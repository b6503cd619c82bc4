"""A charge on the bench: cells that stay as they are told, and cells that really fill."""

from bess.core.battery.charge import Charge
from bess.core.battery.pack import Pack
from bess.core.battery.params import ChargeParams
from bess.core.battery.stages import CC_CV
from bess.core.points import (
    M_CELL_DC_MIN, M_CELL_MV_MAX, M_CELL_MV_MIN, M_CHARGE_MV_MAX, M_CURRENT_MA, M_PACK_MV,
    M_SOC_PM,
)
from bess.core.tick import TICK_MASK
from host_tests.core.bench_pack import healthy
from host_tests.sim.battery import CAPACITY_MAH, Bank
from host_tests.sim.rng import Rng

# 100 Ah at 50.0 V behind an inverter of 1000 pm: 1 A is 50 W, a per mille of C is 5 W
SAMPLE_MS = 500
C_MA = 100_000
MINUTE = 60_000
HOUR = 3_600_000
NO_CAP = 1_000_000
FULL, TARGET, LIMIT, DURATION, TIMEOUT, STOPPED = 1, 2, 3, 4, 5, 6     # data of the event


class Settings:
    eta_pm = 1000
    cells_s = 16
    modules_s = 1
    cell_mv_cv = 3450
    pack_mah = C_MA
    charge_mv_max = 0
    charge_w_max = 2400
    soc_pm_max = 950


COLUMNS = {"high": M_CELL_MV_MAX, "low": M_CELL_MV_MIN, "cold": M_CELL_DC_MIN, "soc": M_SOC_PM,
           "pack_mv": M_PACK_MV, "bms_mv": M_CHARGE_MV_MAX}


class Rig:
    """One module whose cells stay as they are told; its current follows the command.

    cap_w: the most that something else lets through; flowing_ma: current whatever is commanded.
    """

    def __init__(self, start_ms=1000, **settings):
        made = Settings()
        params = ChargeParams()
        for name in settings:
            setattr(params if name in ("ma_max", "mv_max", "w_max", "soc_pm_target") else made,
                    name, settings[name])
        self.pack = Pack(1, 1, 5000, 157_000)
        self.row = self.pack.rows[0]
        healthy(self.row)
        self.row[M_PACK_MV] = 50_000
        self.charge = Charge(made, self.pack)
        self.charge.params = params
        self.now_ms = start_ms
        self.command_w = 0
        self.cap_w = NO_CAP
        self.flowing_ma = None
        self.cell_high = False
        self.sample()

    def set(self, **columns):
        for name in columns:
            self.row[COLUMNS[name]] = columns[name]
        return self

    def begin(self, method=CC_CV, power_w=-NO_CAP, target_pm=0):
        self.sample()
        refusal = self.charge.begin(method, power_w, target_pm, self.now_ms)
        assert refusal == 0, refusal
        return self.go(1)

    def sample(self):
        ma = self.command_w * 20 if self.flowing_ma is None else -self.flowing_ma
        self.row[M_CURRENT_MA] = ma
        self.pack.put(0, self.now_ms)
        self.pack.update(self.now_ms)

    def go(self, samples, tick_ms=SAMPLE_MS):
        """New samples, each followed by a tick."""
        for _ in range(samples):
            self.now_ms = (self.now_ms + tick_ms) & TICK_MASK
            self.sample()
            self.charge.tick(self.command_w, self.cell_high, self.now_ms)
            self.command_w = max(self.charge.wish_w, -self.cap_w)
        return self

    def until_done(self, span_ms, tick_ms=SAMPLE_MS):
        """Milliseconds until the charge is over, None when it is not within the span."""
        for samples in range(span_ms // tick_ms):
            if self.go(1, tick_ms).charge.done:
                return (samples + 1) * tick_ms
        return None


class Plant:
    """Modules of LFP cells, an inverter with a dead time, a ramp; no window in the way.

    Ticks of tick_ms, a sample in each `period`th, its command `dead` ticks late. noise_mv: on the
    highest cell.
    """

    def __init__(self, seed, soc_pm, modules=1, tick_ms=500, period=1, dead=1, noise_mv=0):
        self.bank = Bank(Rng(seed, 1), modules, soc_pm)
        self.pack = Pack(1, modules, 10_000, 157_000)
        for row in self.pack.rows:
            healthy(row)
        settings = Settings()
        settings.eta_pm = 950
        settings.pack_mah = CAPACITY_MAH * modules
        settings.soc_pm_max = 1001
        self.rated_w = 8000 * modules
        self.charge = Charge(settings, self.pack)
        self.tick_ms, self.period, self.noise_mv = tick_ms, period, noise_mv
        self.rng = Rng(seed, 2)
        self.pipe = [0] * (dead + 1)
        self.ticks = 0
        self.command_w = self.ac_w = 0
        self.high_mv = self.most_w = 0
        self.uneven_mv = None

    def now_ms(self):
        return self.ticks * self.tick_ms

    def sample(self):
        if self.ticks % self.period == 0:
            for i in range(self.pack.count):
                module, row = self.bank.modules[i], self.pack.rows[i]
                row[M_CURRENT_MA] = module.current_ma
                row[M_PACK_MV] = self.bank.bus_mv
                noise_mv = self.rng.between(-self.noise_mv, self.noise_mv)
                row[M_CELL_MV_MAX] = module.cell_mv_max() + noise_mv
                row[M_CELL_MV_MIN] = row[M_CELL_MV_MAX] - 30
                row[M_SOC_PM] = min(module.mah * 1000 // CAPACITY_MAH, 1000)
                self.pack.put(i, self.now_ms())
        self.pack.update(self.now_ms())

    def tick(self):
        self.sample()
        charge = self.charge
        charge.tick(self.command_w, False, self.now_ms())
        most = self.rated_w * self.tick_ms // 10_000    # 100 pm a second up, 200 down
        step_w = charge.wish_w - self.command_w
        self.command_w += min(max(step_w, -most), 2 * most)
        self.pipe.append(self.command_w)
        self.ac_w = self.pipe.pop(0)
        self.bank.step(self.tick_ms, self.ac_w * 97 // 100)
        self.high_mv = max(self.high_mv, self.bank.cell_mv_max())
        self.most_w = min(self.most_w, charge.wish_w)
        self.ticks += 1

    def charge_it(self, method, power_w, hours):
        self.sample()
        assert self.charge.begin(method, power_w, 0, self.now_ms()) == 0
        end_ms = self.now_ms() + hours * HOUR
        while not self.charge.done and self.now_ms() < end_ms:
            self.tick()
        return self
