"""Knees of the curves to the millivolt, and closed sides that stay closed."""

from bess.core.control.limits import Gate, Trim
from bess.core.curves import part
from bess.core.points import (
    WHY_BMS_CURRENT, WHY_CELL_HIGH, WHY_CELL_LOW, WHY_DC_TRIM, WHY_PACK_VOLTAGE,
)
from host_tests.core.control.test_limits import FULL_W, Rig

GENTLE = (
    # columns, charge pm, discharge pm, why
    ({"high": 3376, "low": 3200}, 970, 1000, "the first millivolt of the taper"),
    ({"high": 3425, "low": 3200}, 50, 1000, "second knee"),
    ({"high": 3440, "low": 3200}, 23, 1000, "between 5 and 50"),
    ({"high": 3459, "low": 3200}, 4, 1000, "the last stretch: 1 pm in 10 mV"),
    ({"high": 3490, "low": 3200}, 1, 1000, "the last that flows"),
    ({"low": 2911}, 100, 9, "just above the second knee"),
    ({"low": 3189}, 1000, 991, "the first millivolt of the taper"),
    ({"low": 2900}, 1000 // 10, 5, "second knee"),
    ({"low": 2820}, 100, 1, "1 pm is not closed"),
    ({"low": 2819}, 100, 0, "below it is"),
)


def test_knees_of_the_gentle_profile():
    for columns, charge_pm, discharge_pm, why in GENTLE:
        limits = Rig(cell_profile="gentle").at(**columns)
        assert limits.charge_w == FULL_W * charge_pm // 1000, (why, limits.charge_w)
        wanted_w = FULL_W * 950 // 1000 * discharge_pm // 1000
        assert limits.discharge_w == wanted_w, (why, limits.discharge_w)


BETWEEN = (
    # columns, charge pm, discharge pm, why
    ({"high": 3451}, 993, 1000, "980 pm over 150 mV"),
    ({"high": 3599}, 26, 1000, "just above the knee"),
    ({"high": 3625}, 10, 1000, "half of the rest"),
    ({"high": 3633}, 6, 1000, "1 pm in 2.5 mV"),
    ({"low": 2999}, 100, 987, "990 pm over 80 mV"),
    ({"low": 2921}, 100, 22, "just above the knee"),
    ({"low": 2902}, 100, 1, "the least that flows"),
    ({"low": 2799}, 20, 0, "a deep cell: a trickle"),
    ({"hot": 401}, 990, 990, "the first tenth of a degree"),
    ({"hot": 449}, 510, 510, ""),
    ({"hot": 450}, 500, 500, "45 degC: a half in both directions"),
    ({"cold": 50}, 500, 500, "5 degC: a half in both directions"),
    ({"hot": 451}, 495, 495, ""),
    ({"hot": 501}, 245, 245, ""),
    ({"hot": 549}, 5, 5, ""),
    ({"cold": 99}, 990, 990, "the first tenth of a degree"),
    ({"cold": 51}, 510, 510, ""),
    ({"cold": 49}, 491, 495, "the charge curve is steeper from here on"),
    ({"cold": 21}, 258, 355, ""),
    ({"cold": 1}, 12, 255, "hardly above freezing"),
    ({"cold": -1}, 0, 247, ""),
    ({"cold": -99}, 0, 2, "the least that flows"),
    ({"soc": 921}, 966, 1000, "band of 30 pm: its first"),
    ({"soc": 949}, 33, 1000, "and its last"),
    ({"soc": 129}, 1000, 966, "the same below"),
    ({"soc": 101}, 1000, 33, ""),
)


def test_between_the_knees():
    for columns, charge_pm, discharge_pm, why in BETWEEN:
        limits = Rig().at(**columns)
        assert limits.charge_w == FULL_W * charge_pm // 1000, (columns, why, limits.charge_w)
        wanted_w = FULL_W * 950 // 1000 * discharge_pm // 1000
        assert limits.discharge_w == wanted_w, (columns, why, limits.discharge_w)


def test_modules_in_series_add_their_cells():
    limits = Rig(cells_s=15, modules_s=2).at(mv=30 * 2900)
    assert limits.discharge_w == 0 and limits.discharge_why == WHY_PACK_VOLTAGE
    limits = Rig(cells_s=15, modules_s=2).at(mv=30 * 2900 + 870)
    assert limits.discharge_w == 878 * 1000 // 100 * 950 // 1000


REOPEN = (
    # settings, side, closing, still closed, open, ms of hold, reason, why
    ({"cell_profile": "gentle"}, "charge_w", {"high": 3500}, {"high": 3481}, {"high": 3480},
     60_000, WHY_CELL_HIGH, "20 mV below the end of the curve"),
    ({"cell_profile": "gentle"}, "discharge_w", {"low": 2800}, {"low": 2999}, {"low": 3000},
     60_000, WHY_CELL_LOW, "rested"),
    ({"discharge_mv_min": 48_000}, "discharge_w", {"mv": 48_000}, {"mv": 48_959}, {"mv": 48_960},
     0, WHY_PACK_VOLTAGE, "2 % inside"),
    ({"charge_mv_max": 55_000}, "charge_w", {"mv": 55_550}, {"mv": 53_901}, {"mv": 53_900},
     0, WHY_PACK_VOLTAGE, "2 % inside"),
)


def test_where_a_closed_side_opens_again():
    for settings, side, closing, closed, reopening, hold_ms, reason, why in REOPEN:
        rig, side_w = Rig(**settings), side
        assert getattr(rig.at(0, **closing), side_w) == 0, why
        limits = rig.limits
        got = limits.charge_why if side == "charge_w" else limits.discharge_why
        assert got == reason, why
        assert getattr(rig.at(100_000, **closed), side_w) == 0, (why, "not yet")
        if hold_ms:
            assert getattr(rig.at(100_100, **reopening), side_w) == 0, (why, "not at once")
            assert getattr(rig.at(100_099 + hold_ms, **reopening), side_w) == 0, why
        assert getattr(rig.at(100_100 + hold_ms, **reopening), side_w) > 0, why


CALM = (
    # settings, closing, harmless value, side, why
    ({}, {"high": 3650}, {"high": 3300}, "charge_w", "rested, but for less than a minute"),
    ({}, {"low": 2900}, {"low": 3300}, "discharge_w", "the same below"),
)


def test_a_side_that_closed_stays_closed_although_all_is_calm():
    for settings, closing, harmless, side, why in CALM:
        rig = Rig(**settings)
        assert getattr(rig.at(0, **closing), side) == 0
        for now_ms in (100, 200, 30_000, 60_099):
            assert getattr(rig.at(now_ms, **harmless), side) == 0, (why, now_ms)
        assert getattr(rig.at(60_100, **harmless), side) == (5000 if side == "charge_w" else 4750)


BY_CELLS = (
    # string mV of 15 cells, charge pm, discharge pm, why
    (15 * 2900, 1000, 0, "2.9 V a cell"),
    (15 * 2900 + 435, 1000, 1000, "1 % above"),
    (15 * 2900 + 87, 1000, 200, "between"),
    (15 * 3600, 1000, 1000, "3.6 V a cell"),
    (15 * 3600 + 270, 500, 1000, "half of a per cent above"),
    (15 * 3600 + 1, 998, 1000, "the first millivolt"),
)


def test_voltages_by_default_are_those_of_the_cells():
    for pack_mv, charge_pm, discharge_pm, why in BY_CELLS:
        limits = Rig(cells_s=15).at(mv=pack_mv)
        dc_w = pack_mv // 100 * 1000 // 100
        assert limits.charge_w == dc_w * charge_pm // 1000, (why, limits.charge_w)
        assert limits.discharge_w == dc_w * 950 // 1000 * discharge_pm // 1000, why


def test_a_gate_with_a_hold_counts_from_the_first_good_value():
    gate = Gate(WHY_CELL_HIGH, 1, (3450, 1000, 3650, 0), 3630, 100)
    assert gate.let(3650, 0) == 0
    assert gate.let(3600, 10) == 0 and gate.let(3500, 109) == 0
    assert gate.let(3600, 110) == 250 and not gate.closed


def test_a_gate_that_closes_again_waits_again():
    gate = Gate(WHY_CELL_HIGH, 1, (3450, 1000, 3650, 0), 3630, 60_000)
    assert gate.let(3650, 0) == 0 and gate.let(3600, 1000) == 0
    assert gate.let(3650, 50_000) == 0, "full again at once, without a value between"
    assert gate.let(3600, 61_000) == gate.let(3600, 120_999) == 0, "a whole minute anew"
    assert gate.let(3600, 121_000) == 250
    assert gate.let(3450, 121_100) == gate.let(3300, 121_200) == 1000, "unrestricted"


FOLLOWS = (
    # ms, mA that flow (limit 100 A), per mille after it, why
    (0, 110_000, 1000, "the plant may still follow its command"),
    (1999, 110_000, 1000, ""),
    (2000, 110_000, 909, "as much less as it was too much"),
    (2100, 110_000, 909, "the plant has to follow this one too"),
    (4099, 110_000, 909, ""),
    (4100, 110_000, 826, "and has not"),
    (4200, 100_000, 826, "what flows just as permitted keeps it"),
    (4300, 99_999, 828, "2 pm are given back with a sample"),
    (4400, 99_999, 830, ""),
)


def test_the_steps_of_a_trim():
    trim = Trim()
    for now_ms, flows_ma, pm, why in FOLLOWS:
        trim.follow(flows_ma, 100_000, now_ms)
        assert trim.pm == pm, (now_ms, trim.pm, why)


def test_a_trim_is_followed_until_all_is_given_back():
    trim = Trim()
    for now_ms in (0, 2000):
        trim.follow(110_000, 100_000, now_ms)
    for _ in range(45):
        trim.follow(90_000, 100_000, 3000)
    assert trim.pm == 999 and trim.active
    trim.follow(90_000, 100_000, 4000)
    assert trim.pm == 1000 and not trim.active


def test_a_trim_ends_at_the_whole_and_is_in_force_until_then():
    rig = Rig()
    for now_ms in range(0, 2001, 100):
        limits = rig.at(now_ms, ma=110_000)
    assert limits.discharge_w == part(4750, 909) and limits.discharge_why == WHY_DC_TRIM
    for pm in range(911, 1000, 2):
        now_ms += 100
        limits = rig.at(now_ms, ma=90_000)
        assert limits.discharge_w == part(4750, pm), (pm, limits.discharge_w)
        assert limits.discharge_why == WHY_DC_TRIM
    limits = rig.at(now_ms + 100, ma=90_000)
    assert limits.discharge_w == 4750 and limits.discharge_why == WHY_BMS_CURRENT


def test_single_peaks_trim_nothing():
    rig = Rig()
    for now_ms in range(0, 20_000, 100):
        flows_ma = 110_000 if now_ms % 5000 == 0 else 50_000
        assert rig.at(now_ms, ma=flows_ma).discharge_w == 4750, now_ms


TRIMS = (
    # mA that flow (limit 100 A), trimmed after 2 s, why
    (-102_500, False, "2 % and 500 mA are the sensors' own"),
    (-102_501, True, "more is too much"),
    (102_500, False, "the same when discharging"),
    (102_501, True, ""),
)


def test_what_the_trim_lets_pass():
    for flows_ma, trimmed, why in TRIMS:
        rig = Rig()
        for now_ms in range(0, 4000, 100):
            limits = rig.at(now_ms, ma=flows_ma)
        side = limits.charge_why if flows_ma < 0 else limits.discharge_why
        assert (side == WHY_DC_TRIM) == trimmed, (flows_ma, why)


def test_the_largest_current_that_is_reckoned_with():
    for charge_ma, charge_w, why in ((5_999_900, 299_995, "just below 6 000 A"),
                                     (6_000_000, 300_000, "6 000 A at 50 V"),
                                     (6_500_000, 300_000, "more would leave 2**30")):
        rig = Rig()
        rig.pack.rated_ma = 6_500_000
        assert rig.at(charge_ma=charge_ma).charge_w == charge_w, why
