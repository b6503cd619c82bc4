"""The devices on the wires: registers out of the physics, writes into the physics."""

from host_tests.sim.battery import CAPACITY_MAH, CELLS, RATED_MA
from host_tests.sim.physics import RATE_FULL, RUNNING
from host_tests.sim.sunspec_map import BASE, Chain

ILLEGAL_ADDRESS = 2
ILLEGAL_VALUE = 3
_MODULE_REGISTERS = 48
_BALANCE = 100


class ModulePeer:
    """BESS module map, version 1. A new sample at most every sample_ms."""

    def __init__(self, module, sample_ms):
        self.silent = False
        self.balance_asked = 0
        self._module = module
        self._sample_ms = sample_ms
        self._age_ms = sample_ms
        self._counter = 0
        self._data = bytearray(2 * _MODULE_REGISTERS)
        self._put(0, 0x4253)
        self._put(1, 1)
        self._put(2, CELLS)
        self._put(4, CAPACITY_MAH // 100)
        self._put(5, CAPACITY_MAH // 100)
        self._put(11, 1000)
        self._put(16, RATED_MA // 100)
        self._put(17, RATED_MA // 100)
        self._put(18, CELLS * 365)
        self._put(19, 3)

    def step(self, dt_ms):
        self._age_ms += dt_ms

    def read_registers(self, fc, address, count, out, at):
        if address + count > _MODULE_REGISTERS:
            return ILLEGAL_ADDRESS
        if self._age_ms >= self._sample_ms:
            self._age_ms = 0
            self._sample()
        out[at:at + 2 * count] = self._data[2 * address:2 * (address + count)]
        return 0

    def write_registers(self, address, count, data, at):
        if address != _BALANCE or count != 1:
            return ILLEGAL_ADDRESS
        self.balance_asked = data[at + 1] & 1
        return 0

    def _put(self, register, value):
        self._data[2 * register] = value >> 8 & 0xFF
        self._data[2 * register + 1] = value & 0xFF

    def _sample(self):
        module, put = self._module, self._put
        cells = [module.cell_mv(i) for i in range(CELLS)]
        self._counter = (self._counter + 1) & 0xFFFF
        temp_dc = module.temp_uc // 100_000
        charge_ma = -module.current_ma
        put(3, self._counter)
        put(6, sum(cells) // 10)
        put(8, charge_ma >> 16)
        put(9, charge_ma)
        put(10, module.soc_pm())
        put(12, max(cells))
        put(13, min(cells))
        put(14, temp_dc + 4)
        put(15, temp_dc - 3)
        for i in range(4):
            put(28 + i, temp_dc + i - 1)
        for i in range(CELLS):
            put(32 + i, cells[i])


class SunSpecPeer:
    """A chain that is refreshed from the physics before each read."""

    def __init__(self, models, site):
        self.chain = Chain(models)
        self.site = site

    def step(self, dt_ms):
        """Nothing of its own."""

    def read_registers(self, fc, address, count, out, at):
        first = 2 * (address - BASE)
        data = self.chain.data
        if first < 0 or first + 2 * count > len(data):
            return ILLEGAL_ADDRESS
        self.refresh()
        out[at:at + 2 * count] = data[first:first + 2 * count]
        return 0

    def begin_ac(self, scale):
        """What never changes in model 103."""
        self._scale = scale
        self.chain.put_all(103, (
            (6, -1), (10, 2300), (11, 2301), (12, 2299), (13, -1), (15, scale), (16, 5000),
            (17, -2), (30, -1), (40, 0), (41, 0), (42, 0), (43, 0)))

    def put_ac(self, ac_w, state):
        """Model 103: power and state, the current spread evenly over three phases."""
        put = self.chain.put
        phase_da = abs(ac_w) // 69
        put(103, 2, 3 * phase_da)
        put(103, 3, phase_da)
        put(103, 14, ac_w // 10 if self._scale else ac_w)
        put(103, 38, state)


class PcsPeer(SunSpecPeer):
    """Battery inverter: models 1, 103, 120 to 124; commands of 123 and 124 as in section 10.1 of
    the SunSpec notes: a window for the power, ended by a timer unless it is renewed."""

    # model, offset: lowest, highest value that may be written
    _WRITABLE = {
        (123, 2): (0, 0), (123, 3): (0, 28_800), (123, 4): (0, 1),
        (123, 5): (0, RATE_FULL), (123, 6): (0, 0), (123, 7): (0, 28_800), (123, 8): (0, 0),
        (123, 9): (0, 1),
        (124, 5): (0, 3), (124, 12): (-RATE_FULL, RATE_FULL), (124, 13): (-RATE_FULL, RATE_FULL),
        (124, 14): (0, 0), (124, 15): (0, 28_800), (124, 16): (0, 3600), (124, 17): (0, 1),
    }
    _RENEWING = ((124, 5), (124, 12), (124, 13), (124, 15))

    def __init__(self, site):
        super().__init__((1, 103, 120, 121, 122, 123, 124), site)
        rated_w = site.pcs.rated_w
        scale = 1 if rated_w > 30_000 else 0
        self.begin_ac(scale)
        raw = rated_w // 10 if scale else rated_w
        self._points = {self.chain.address(*key): key for key in self._WRITABLE}
        put = self.chain.put_all
        put(122, ((4, 1),))
        put(120, ((2, 82), (3, raw), (4, scale), (5, raw), (6, scale), (12, raw // 23), (13, 0),
                  (23, raw), (24, scale), (25, raw), (26, scale)))
        put(121, ((2, raw), (3, 230), (4, 0), (20, 50), (22, scale), (23, 0), (24, 0), (31, 0)))
        put(123, ((2, 0), (3, 0), (4, 0), (5, RATE_FULL), (6, 0), (7, 0), (8, 0), (9, 0),
                  (14, 0), (22, 0), (23, -2), (24, -2)))
        put(124, ((2, raw), (3, 50), (4, 50), (5, 0), (12, RATE_FULL), (13, RATE_FULL), (14, 0),
                  (15, 0), (16, 0), (17, 1), (18, scale), (19, 0), (22, -1), (24, -1), (25, -2)))

    def refresh(self):
        pcs, link_mv = self.site.pcs, self.site.gear.link_mv
        put = self.chain.put
        self.put_ac(pcs.ac_w, pcs.state)
        put(103, 29, link_mv // 100)
        put(122, 3, 7 if pcs.state == RUNNING else 1)
        put(123, 4, pcs.run_asked)
        put(124, 5, pcs.mode)

    def write_registers(self, address, count, data, at):
        points = []
        for i in range(count):
            key = self._points.get(address + i)
            if key is None:
                return ILLEGAL_ADDRESS
            low, high = self._WRITABLE[key]
            value = data[at + 2 * i] << 8 | data[at + 2 * i + 1]
            if low < 0 and value & 0x8000:
                value -= 0x10000
            if not low <= value <= high:
                return ILLEGAL_VALUE
            points.append((key, value))
        for key, value in points:
            self.chain.put(key[0], key[1], value)
        self._apply([key for key, _ in points])
        return 0

    def _apply(self, keys):
        pcs, signed = self.site.pcs, self.chain.signed
        pcs.run_timer.span_s = signed(123, 3)
        if (123, 4) in keys:
            pcs.run_asked = signed(123, 4)
        if (123, 4) in keys or (123, 3) in keys:
            pcs.run_timer.renew()
        pcs.storage_timer.span_s = signed(124, 15)
        pcs.out_rate, pcs.in_rate = signed(124, 12), signed(124, 13)
        if (124, 5) in keys:
            pcs.mode = signed(124, 5)
        for key in self._RENEWING:
            if key in keys:
                pcs.storage_timer.renew()


class PvPeer(SunSpecPeer):
    """PV inverter: read only here."""

    def __init__(self, site):
        super().__init__((1, 103, 120, 122, 123), site)
        self.begin_ac(0)
        self.chain.put_all(120, ((2, 4), (3, 10_000), (4, 0)))

    def refresh(self):
        self.put_ac(self.site.sun.pv_w, 4 if self.site.sun.pv_w else 2)


class MeterPeer(SunSpecPeer):
    """Grid meter, model 203, + imports."""

    def __init__(self, site, modules):
        super().__init__((1, 203), site)
        self._scale = 1 if modules > 4 else 0
        self.chain.put_all(203, ((15, -1), (16, 5000), (17, -2), (22, self._scale), (54, 0)))

    def refresh(self):
        meter = self.site.meter
        raw = meter.shown_w // 10 if self._scale else meter.shown_w
        put = self.chain.put
        put(203, 18, raw)
        put(203, 19, raw // 3)
        put(203, 20, raw // 3)
        put(203, 21, raw - 2 * (raw // 3))
        self.chain.put_long(203, 38, 830_000 + meter.shown_wh[1])
        self.chain.put_long(203, 46, 1_250_000 + meter.shown_wh[0])
