"""What the modules permit: curves, hysteresis, SoC bands, and the conversion to AC power."""

from bess.core.battery.pack import Pack
from bess.core.curves import part
from bess.core.control.limits import Gate, PackLimits
from bess.core.points import (
    M_CELL_DC_MAX, M_CELL_DC_MIN, M_CELL_MV_MAX, M_CELL_MV_MIN, M_CHARGE_MA_MAX,
    M_CURRENT_MA, M_DISCHARGE_MA_MAX, M_PACK_MV, M_SOC_PM, WHY_BMS_CURRENT, WHY_CELL_HIGH,
    WHY_CELL_LOW, WHY_COLD, WHY_DC_TRIM, WHY_HOT, WHY_MODULES_IN_SERVICE, WHY_MODULE_SILENT,
    WHY_PACK_VOLTAGE, WHY_SOC_MAX, WHY_SOC_MIN, WHY_SOC_UNKNOWN,
)
from bess.core.tick import TICK_MASK
from host_tests.core.bench_pack import healthy, settings_of

# 100 A at 50 V: 5 000 W of DC, so a per mille is 5 W; discharging gives 950 pm of it at AC
FULL_W = 5000


class Rig:
    def __init__(self, **changes):
        self.limits = PackLimits(settings_of(strings_p=1, **changes))
        self.pack = Pack(1, 1, 2000, 157_000)
        self.row = self.pack.rows[0]
        healthy(self.row)
        self.row[M_PACK_MV] = 50_000
        self.row[M_CHARGE_MA_MAX] = self.row[M_DISCHARGE_MA_MAX] = 100_000

    def at(self, now_ms=0, **columns):
        for name in columns:
            self.row[COLUMNS[name]] = columns[name]
        self.pack.put(0, now_ms)
        self.pack.update(now_ms)
        self.limits.update(self.pack, now_ms)
        return self.limits


COLUMNS = {"high": M_CELL_MV_MAX, "low": M_CELL_MV_MIN, "hot": M_CELL_DC_MAX,
           "cold": M_CELL_DC_MIN, "soc": M_SOC_PM, "charge_ma": M_CHARGE_MA_MAX,
           "discharge_ma": M_DISCHARGE_MA_MAX, "mv": M_PACK_MV, "ma": M_CURRENT_MA}

CHARGE = (
    # columns, per mille of the BMS limit, reason, why
    ({}, 1000, WHY_BMS_CURRENT, "nothing in the way"),
    ({"high": 3450}, 1000, WHY_BMS_CURRENT, "CV target: full power up to here"),
    ({"high": 3525}, 510, WHY_CELL_HIGH, "half way down"),
    ({"high": 3600}, 20, WHY_CELL_HIGH, "the knee"),
    ({"high": 3650}, 0, WHY_CELL_HIGH, "closed"),
    ({"low": 2999}, 100, WHY_CELL_LOW, "a deep cell is charged gently"),
    ({"low": 2799}, 20, WHY_CELL_LOW, "a very deep one with a trickle"),
    ({"cold": 100}, 1000, WHY_BMS_CURRENT, "10 degC"),
    ({"cold": 50}, 500, WHY_COLD, "5 degC"),
    ({"cold": 20}, 250, WHY_COLD, "2 degC"),
    ({"cold": 0}, 0, WHY_COLD, "no charge at 0 degC"),
    ({"cold": -200}, 0, WHY_COLD, "frost"),
    ({"hot": 400}, 1000, WHY_BMS_CURRENT, "40 degC"),
    ({"hot": 450}, 500, WHY_HOT, "45 degC"),
    ({"hot": 550}, 0, WHY_HOT, "55 degC"),
    ({"soc": 920}, 1000, WHY_BMS_CURRENT, "30 pm before the maximum of 950"),
    ({"soc": 935}, 500, WHY_SOC_MAX, "in the band"),
    ({"soc": 950}, 0, WHY_SOC_MAX, "at it"),
    ({"soc": 1000}, 0, WHY_SOC_MAX, "beyond it"),
    ({"soc": None}, 0, WHY_SOC_UNKNOWN, "unknown closes"),
    ({"cold": 50, "hot": 500, "high": 3500}, 250, WHY_HOT, "the tightest decides"),
)
DISCHARGE = (
    ({}, 1000, WHY_BMS_CURRENT, "nothing in the way"),
    ({"low": 3000}, 1000, WHY_BMS_CURRENT, "full power down to here"),
    ({"low": 2960}, 505, WHY_CELL_LOW, "half way down"),
    ({"low": 2920}, 10, WHY_CELL_LOW, "the knee"),
    ({"low": 2900}, 0, WHY_CELL_LOW, "closed"),
    ({"high": 3700}, 1000, WHY_BMS_CURRENT, "a high cell is welcome to discharge"),
    ({"cold": 0}, 250, WHY_COLD, "0 degC: charging is closed, discharging is not"),
    ({"cold": -100}, 0, WHY_COLD, "-10 degC"),
    ({"hot": 500}, 250, WHY_HOT, "50 degC"),
    ({"hot": 550}, 0, WHY_HOT, "55 degC"),
    ({"soc": 130}, 1000, WHY_BMS_CURRENT, "30 pm above the minimum of 100"),
    ({"soc": 115}, 500, WHY_SOC_MIN, "in the band"),
    ({"soc": 100}, 0, WHY_SOC_MIN, "at it"),
    ({"soc": 0}, 0, WHY_SOC_MIN, "beyond it"),
    ({"soc": None}, 0, WHY_SOC_UNKNOWN, "unknown closes"),
)


def test_charge_side():
    for columns, pm, reason, why in CHARGE:
        limits = Rig().at(**columns)
        assert limits.charge_w == FULL_W * pm // 1000, (why, limits.charge_w)
        assert limits.charge_why == reason, (why, limits.charge_why)


def test_discharge_side():
    for columns, pm, reason, why in DISCHARGE:
        limits = Rig().at(**columns)
        assert limits.discharge_w == FULL_W * 950 // 1000 * pm // 1000, (why, limits.discharge_w)
        assert limits.discharge_why == reason, (why, limits.discharge_why)


REOPEN = (
    # side, closing, still closed, open, ms of hold, why
    ("charge_w", {"high": 3650}, {"high": 3631}, {"high": 3630}, 60_000, "20 mV below, a minute"),
    ("discharge_w", {"low": 2900}, {"low": 2999}, {"low": 3000}, 60_000, "rested, a minute"),
    ("charge_w", {"cold": 0}, {"cold": 19}, {"cold": 20}, 0, "2 degC"),
    ("discharge_w", {"cold": -100}, {"cold": -81}, {"cold": -80}, 0, "2 degC inside"),
    ("charge_w", {"hot": 550}, {"hot": 531}, {"hot": 530}, 0, "2 degC inside"),
    ("discharge_w", {"hot": 550}, {"hot": 531}, {"hot": 530}, 0, "2 degC inside"),
    ("charge_w", {"soc": 950}, {"soc": 931}, {"soc": 930}, 0, "20 pm inside"),
    ("discharge_w", {"soc": 100}, {"soc": 119}, {"soc": 120}, 0, "20 pm inside"),
)


def test_a_closed_side_reopens_only_at_its_value_and_time():
    for start_ms in (0, TICK_MASK - 30_000):
        for side, closing, closed, reopening, hold_ms, why in REOPEN:
            rig, now_ms = Rig(), start_ms
            assert getattr(rig.at(now_ms, **closing), side) == 0, why
            for _ in range(3):
                now_ms = (now_ms + 50_000) & TICK_MASK
                assert getattr(rig.at(now_ms, **closed), side) == 0, (why, "still closed")
            now_ms = (now_ms + 100) & TICK_MASK
            if hold_ms:
                assert getattr(rig.at(now_ms, **reopening), side) == 0, (why, "not at once")
                now_ms = (now_ms + hold_ms - 1) & TICK_MASK
                assert getattr(rig.at(now_ms, **reopening), side) == 0, (why, "not yet")
                now_ms = (now_ms + 1) & TICK_MASK
            assert getattr(rig.at(now_ms, **reopening), side) > 0, (why, "open")


def test_the_hold_starts_anew_when_the_value_is_left():
    rig = Rig()
    rig.at(0, high=3650)
    rig.at(1000, high=3600)
    rig.at(50_000, high=3640)
    assert rig.at(62_000, high=3600).charge_w == 0
    assert rig.at(122_000).charge_w > 0


def test_open_sides_have_no_hysteresis():
    rig = Rig()
    assert rig.at(0, high=3649).charge_w == 0, "rounded to 0: closed"
    rig = Rig()
    rig.at(0, high=3640)
    assert rig.at(100, high=3639).charge_w > 0


def test_silence_leaves_the_last_limits():
    rig = Rig()
    rig.at(0)
    rig.pack.update(2001)
    rig.limits.update(rig.pack, 2001)
    assert rig.limits.charge_w == FULL_W and rig.limits.charge_why == WHY_BMS_CURRENT


def test_before_the_first_sample():
    limits = PackLimits(settings_of())
    assert (limits.charge_w, limits.discharge_w) == (0, 0)
    assert limits.charge_why == limits.discharge_why == WHY_MODULE_SILENT


def test_a_bms_limit_is_never_raised():
    limits = Rig().at(charge_ma=100, discharge_ma=0)
    assert (limits.charge_w, limits.discharge_w) == (5, 0)


def test_no_soc_band_of_any_width_divides_by_zero_or_widens():
    for band_pm in (1, 19, 20, 300):
        rig = Rig(soc_band_pm=band_pm)
        for soc_pm in range(0, 1001, 1):
            limits = rig.at(soc=soc_pm)
            assert 0 <= limits.charge_w <= FULL_W
            assert limits.charge_w == 0 or soc_pm < 950, (band_pm, soc_pm)
            assert limits.discharge_w == 0 or soc_pm > 100, (band_pm, soc_pm)


def test_gate_without_hold_opens_at_once():
    gate = Gate(WHY_HOT, 1, (400, 1000, 600, 0), 530)
    assert gate.let(580, 0) == 100, "never closed: the reopening value is of no interest"
    assert gate.let(600, 0) == 0 and gate.closed
    assert gate.let(531, 0) == 0
    assert gate.let(530, 0) == 350 and not gate.closed


GENTLE = (
    # columns, charge pm, discharge pm, why
    ({"high": 3375, "low": 3200}, 1000, 1000, "the plateau"),
    ({"high": 3400, "low": 3200}, 250, 1000, "first knee"),
    ({"high": 3450, "low": 3200}, 5, 1000, "at the industrial pair's CV target"),
    ({"high": 3500, "low": 3200}, 0, 1000, "closed"),
    ({"low": 3190}, 1000, 1000, "the plateau's end"),
    ({"low": 3100}, 1000, 250, "first knee"),
    ({"low": 3000}, 1000, 50, "where the industrial pair begins"),
    ({"low": 2800}, 100, 0, "closed"),
)


def test_gentle_profile():
    for columns, charge_pm, discharge_pm, why in GENTLE:
        limits = Rig(cell_profile="gentle").at(**columns)
        assert limits.charge_w == FULL_W * charge_pm // 1000, (why, limits.charge_w)
        wanted_w = FULL_W * 950 // 1000 * discharge_pm // 1000
        assert limits.discharge_w == wanted_w, (why, limits.discharge_w)


VOLTAGES = (
    # string mV, charge pm, discharge pm, why; charge_mv_max 55 000, discharge_mv_min 48 000
    (48_480, 1000, 1000, "1 % above the minimum"),
    (48_479, 1000, 997, "the last millivolt below it"),
    (48_240, 1000, 500, "half way"),
    (48_000, 1000, 0, "at the minimum"),
    (55_000, 1000, 1000, "at the maximum"),
    (55_275, 500, 1000, "half way"),
    (55_550, 0, 1000, "1 % above the maximum"),
)


def test_pack_voltage():
    for pack_mv, charge_pm, discharge_pm, why in VOLTAGES:
        rig = Rig(charge_mv_max=55_000, discharge_mv_min=48_000)
        limits = rig.at(mv=pack_mv)
        charge_w = pack_mv // 100 * 1000 // 100
        assert limits.charge_w == part(charge_w, charge_pm), (why, limits.charge_w)
        assert limits.discharge_w == part(part(charge_w, 950), discharge_pm), why
        if 0 in (charge_pm, discharge_pm):
            assert WHY_PACK_VOLTAGE in (limits.charge_why, limits.discharge_why), why


def test_pack_voltage_by_default_follows_the_cells_in_series():
    rig = Rig(cells_s=15)
    assert rig.at(mv=15 * 3636).charge_w == 0 and rig.at(mv=15 * 3600).charge_w == 0
    assert rig.at(mv=15 * 3528).charge_w > 0, "2 % inside"
    assert rig.at(mv=15 * 2900).discharge_w == 0


def test_fewer_strings_name_themselves():
    limits = PackLimits(settings_of(strings_p=2))
    pack = Pack(1, 2, 2000, 157_000)
    for row in pack.rows:
        healthy(row)
    pack.put(0, 0)
    pack.update(0)
    limits.update(pack, 0)
    assert limits.charge_why == limits.discharge_why == WHY_MODULES_IN_SERVICE
    pack.put(1, 100)
    for strings, why in ((1, WHY_MODULES_IN_SERVICE), (3, WHY_BMS_CURRENT)):
        pack.join(strings)
        pack.put(0, 100)
        pack.update(100)
        limits.update(pack, 100)
        assert limits.charge_why == limits.discharge_why == why, "one waits for the bus, or none"


def test_dc_trim_takes_back_what_flows_above_the_limit():
    rig = Rig()
    for now_ms in range(0, 1900, 100):
        assert rig.at(now_ms, ma=-110_000).charge_why == WHY_BMS_CURRENT, "the plant lags"
    limits = rig.at(2000, ma=-110_000)
    assert limits.charge_w == 4545 and limits.charge_why == WHY_DC_TRIM, limits.charge_w
    assert limits.discharge_w == 4750, "the other side stays"
    limits = rig.at(2100, ma=-99_000)
    assert limits.charge_w > 4545, "given back slowly"
    for now_ms in range(2200, 7000, 100):
        rig.at(now_ms, ma=-99_000)
    assert limits.charge_w == FULL_W and limits.charge_why == WHY_BMS_CURRENT
    for now_ms in range(7000, 60_000, 100):
        rig.at(now_ms, ma=500_000)
    assert limits.discharge_w == 2375, "never below a half: over-current is for the diagnosis"
    limits = rig.at(60_000, soc=0)
    assert limits.discharge_why == WHY_SOC_MIN, "what closes it is named"


def test_a_calibration_charge_may_pass_the_maximum():
    rig = Rig()
    assert rig.at(soc=950).charge_w == 0
    rig.limits.full_session = True
    assert rig.at(100, soc=960).charge_w == FULL_W
    rig.limits.full_session = False
    assert rig.at(200, soc=960).charge_w == 0
