"""Modules as one battery: series and parallel, silent and back, weakest link."""

from bess.core.battery.pack import Pack
from bess.core.points import (
    M_CELL_DC_MAX, M_CELL_DC_MIN, M_CELL_MV_MAX, M_CELL_MV_MIN, M_CHARGE_MA_MAX, M_CHARGE_MV_MAX,
    M_CURRENT_MA, M_DISCHARGE_MA_MAX, M_FAULTS, M_FULL_DAH, M_PACK_MV, M_PROTECTIONS, M_SOC_PM,
    M_STATE,
)
from bess.core.tick import TICK_MASK
from host_tests.core.bench_pack import healthy

RATED_MA = 157_000


def pack(modules_s=1, strings_p=4, start_ms=1000):
    made = Pack(modules_s, strings_p, 2000, RATED_MA)
    for i in range(made.count):
        healthy(made.rows[i])
    sample(made, start_ms, range(made.count))
    return made


def sample(made, now_ms, modules):
    for i in modules:
        made.put(i, now_ms)
    made.update(now_ms)


def test_nothing_is_known_before_the_first_sample():
    made = Pack(1, 4, 2000, RATED_MA)
    made.update(0)
    assert made.strings_live == 0 and made.soc_pm is None and made.cell_mv_max is None
    assert made.charge_ma_max == made.discharge_ma_max == 0
    for unknown in (made.soc_pm_max, made.soc_pm_min, made.cell_mv_min, made.cell_dc_max,
                    made.cell_dc_min, made.pack_mv, made.current_ma, made.string_ma_max,
                    made.bms_mv):
        assert unknown is None
    assert (made.imbalance_pm, made.faults, made.modules_live) == (1000, 0, 0)


EXTREMES = (
    # column, values of 4 modules, attribute, value, why
    (M_CELL_MV_MAX, (3300, 3451, 3300, 3300), "cell_mv_max", 3451, "highest cell"),
    (M_CELL_MV_MIN, (3300, 2999, 3300, 3300), "cell_mv_min", 2999, "lowest cell"),
    (M_CELL_DC_MAX, (250, 250, 401, 250), "cell_dc_max", 401, "hottest"),
    (M_CELL_DC_MIN, (250, -5, 100, 250), "cell_dc_min", -5, "coldest"),
    (M_SOC_PM, (500, 600, 700, 800), "soc_pm", 650, "weighted by equal capacity"),
    (M_SOC_PM, (500, 600, 700, 800), "soc_pm_max", 800, "charge rules take the highest"),
    (M_SOC_PM, (500, 600, 700, 800), "soc_pm_min", 500, "discharge rules take the lowest"),
    (M_SOC_PM, (1000, 1000, 1000, 1000), "soc_pm", 1000, "full when all are"),
    (M_SOC_PM, (1000, 1000, 1000, 999), "soc_pm", 999, "full only when all are"),
    (M_SOC_PM, (1, 1, 1, 1), "soc_pm", 1, "nearly empty is not unknown"),
    (M_SOC_PM, (0, 0, 0, 0), "soc_pm_max", 0, "nor is empty"),
    (M_SOC_PM, (500, None, 700, 800), "soc_pm", None, "one unknown makes it unknown"),
    (M_SOC_PM, (500, None, 700, 800), "soc_pm_max", None, "and closes both sides"),
    (M_SOC_PM, (500, None, 700, 800), "soc_pm_min", None, "and closes both sides"),
    (M_PACK_MV, (52_000, 52_400, 52_000, 52_400), "pack_mv", 52_200, "mean of the strings"),
    (M_CURRENT_MA, (1000, 2000, -500, 0), "current_ma", 2500, "parallel currents add"),
    (M_CURRENT_MA, (1000, 2000, -5000, 0), "string_ma_max", 5000, "largest magnitude"),
    (M_CHARGE_MA_MAX, (90_000, 50_000, 90_000, 90_000), "charge_ma_max", 200_000,
     "4 times the weakest"),
    (M_DISCHARGE_MA_MAX, (0, 50_000, 90_000, 90_000), "discharge_ma_max", 0, "one is closed"),
    (M_CHARGE_MA_MAX, (900_000,) * 4, "charge_ma_max", 4 * RATED_MA, "never above the rating"),
    (M_CHARGE_MV_MAX, (None,) * 4, "bms_mv", None, "no BMS states a charge voltage"),
    (M_CHARGE_MV_MAX, (55_200,) * 4, "bms_mv", 55_200, "all state the same"),
    (M_CHARGE_MV_MAX, (56_000, 55_200, 54_400, 56_000), "bms_mv", 54_400, "the lowest counts"),
    (M_CHARGE_MV_MAX, (None, 55_200, None, 0), "bms_mv", 55_200, "who states none is no limit"),
    (M_FULL_DAH, (3140, 0, None, 3140), "soc_pm", 500, "unknown capacity has no weight"),
    (M_FULL_DAH, (0, 0, 0, 0), "soc_pm", 500, "no capacity at all: the lowest"),
    (M_FAULTS, (0, 0, 4, None), "faults", 4, "any fault"),
    (M_CURRENT_MA, (60_000, 60_000, 60_000, 60_000), "imbalance_pm", 1000, "equal"),
    (M_CURRENT_MA, (100_000, 25_500, 0, 0), "imbalance_pm", 1000, "just below 20 % load"),
    (M_CURRENT_MA, (-100_000, -25_600, 0, 0), "imbalance_pm", 3182, "from 20 % on"),
    (M_CURRENT_MA, (1000, 0, 0, 9000), "imbalance_pm", 1000, "below 20 % load nobody judges"),
    (M_STATE, (3, 3, 2, 3), "charge_ma_max", 0, "a charge switch is off"),
    (M_STATE, (3, 3, 2, 3), "discharge_ma_max", 4 * RATED_MA, "the other side stays"),
    (M_STATE, (3, 1, 3, 3), "discharge_ma_max", 0, "a discharge switch is off"),
    (M_STATE, (None,) * 4, "charge_ma_max", 4 * RATED_MA, "a BMS that does not say"),
)


def test_extremes():
    for column, values, name, wanted, why in EXTREMES:
        made = pack()
        for i in range(4):
            made.rows[i][column] = values[i]
        sample(made, 1100, range(4))
        assert getattr(made, name) == wanted, (why, getattr(made, name))


def test_the_charge_voltage_of_the_bms_is_that_of_live_modules():
    made = pack(modules_s=2, strings_p=2)
    made.rows[0][M_CHARGE_MV_MAX] = 54_400
    made.rows[3][M_CHARGE_MV_MAX] = 55_200
    sample(made, 1100, range(4))
    assert made.bms_mv == 2 * 54_400, "of a string: the lowest of any module, in series"
    made.rows[0][M_CHARGE_MV_MAX] = 54_000
    sample(made, 1200, (0,))
    assert made.bms_mv == 2 * 54_000, "and nothing else has changed"
    for now_ms in range(1300, 3400, 100):
        sample(made, now_ms, (0, 2, 3))
    assert made.strings_live == 1 and made.bms_mv == 2 * 55_200, "its string is silent"
    made.rows[3][M_CHARGE_MV_MAX] = 0
    sample(made, 3400, (0, 2, 3))
    assert made.bms_mv is None, "nobody says it any more"
    sample(made, 3500, (1,))
    assert made.bms_mv == 2 * 54_000, "back"


def test_full_is_only_shown_when_every_module_is_full():
    made = pack()
    for i in range(4):
        made.rows[i][M_SOC_PM], made.rows[i][M_FULL_DAH] = 1000, 3140
    made.rows[2][M_SOC_PM], made.rows[2][M_FULL_DAH] = 900, None
    sample(made, 1100, range(4))
    assert made.soc_pm == 999, "a module without a weight is not full either"


PROTECTIONS = (
    # bit, closes charge, closes discharge, name
    (0, True, False, "cell over-voltage"),
    (1, False, True, "cell under-voltage"),
    (2, True, False, "pack over-voltage"),
    (3, False, True, "pack under-voltage"),
    (4, True, False, "charge over-current"),
    (5, False, True, "discharge over-current"),
    (6, True, False, "charge hot"),
    (7, True, False, "charge cold"),
    (8, False, True, "discharge hot"),
    (9, False, True, "discharge cold"),
)


def test_a_protection_of_one_module_closes_its_direction():
    for bit, charge, discharge, name in PROTECTIONS:
        made = pack()
        made.rows[3][M_PROTECTIONS] = 1 << bit
        sample(made, 1100, (3,))
        assert (made.charge_ma_max == 0) == charge, name
        assert (made.discharge_ma_max == 0) == discharge, name


def test_imbalance_lowers_the_limit():
    made = pack()
    for i, current_ma in enumerate((100_000, 50_000, 50_000, 40_000)):
        made.rows[i][M_CURRENT_MA] = current_ma
    sample(made, 1100, range(4))
    assert 1660 <= made.imbalance_pm <= 1667                    # 100 A over a mean of 60 A
    assert made.charge_ma_max <= 4 * RATED_MA * 601 // 1000
    assert made.charge_ma_max >= 4 * RATED_MA * 59 // 100
    for i in range(4):
        made.rows[i][M_CURRENT_MA] = 60_000
    sample(made, 1200, range(4))
    assert made.imbalance_pm == 1000, "equal again, and nothing else has changed"
    assert made.charge_ma_max == made.discharge_ma_max == 4 * RATED_MA


def test_where_the_new_samples_begin():
    made = pack()
    for fresh, first, why in (((2, 3), 2, "the lowest"), ((0, 3), 0, "of those in between"),
                              ((), 0, "without one it stays")):
        sample(made, 1100, fresh)
        assert (made.first, made.fresh) == (first, sum(1 << i for i in fresh)), why


def test_series_modules_share_a_current_and_add_voltages():
    made = pack(modules_s=4, strings_p=3)
    made.rows[5][M_CURRENT_MA] = 90_000         # string 1: modules 4..7
    for i in (4, 6, 7):
        made.rows[i][M_CURRENT_MA] = 90_000
    made.rows[9][M_CHARGE_MA_MAX] = 20_000
    sample(made, 1100, range(12))
    assert made.current_ma == 90_000
    assert made.pack_mv == 4 * 52_800
    assert made.charge_ma_max // 100 * 100 <= 60_000, "3 strings x weakest module"


def test_a_silent_module_takes_its_string_with_it():
    made = pack(modules_s=2, strings_p=2)
    made.rows[0][M_CELL_MV_MAX] = 3640
    made.rows[1][M_CELL_DC_MAX] = 540
    sample(made, 1100, (0, 1, 2, 3))
    assert (made.strings_live, made.modules_live) == (2, 4)
    for now_ms in range(1200, 3101, 100):
        sample(made, now_ms, (0, 2, 3))
    assert made.strings_live == 2, "2 000 ms old is not yet silent"
    sample(made, 3200, (0, 2, 3))
    assert (made.strings_live, made.modules_live) == (1, 2)
    assert made.lost == 0b10 and made.live[0] == 1
    assert made.cell_mv_max == 3305 and made.cell_dc_max == 260, "its other module is not watched"
    assert made.charge_ma_max == RATED_MA
    sample(made, 3300, (0, 2, 3))
    assert made.cell_mv_max == 3305, "although it goes on talking"


def test_a_string_returns_with_its_last_module():
    made = pack(modules_s=2, strings_p=2)
    for now_ms in range(1100, 5000, 100):
        sample(made, now_ms, (2, 3))
    assert made.strings_live == 1
    sample(made, 5000, (0, 2, 3))
    assert made.strings_live == 1 and made.back == 1
    sample(made, 5100, (1,))
    assert made.strings_live == 2 and made.back == 2
    assert made.charge_ma_max == 2 * RATED_MA


def test_the_last_summary_stands_while_all_are_silent():
    made = pack()
    sample(made, 3100, ())
    assert made.strings_live == 0 and made.lost == 0b1111
    assert made.cell_mv_max == 3305, "its age is what counts"
    assert made.last_ms == 1000


def test_chatter_of_a_broken_string_is_no_sign_of_life():
    made = pack(modules_s=2, strings_p=1)
    for now_ms in range(1100, 20_000, 100):
        sample(made, now_ms, (0,))
    assert made.strings_live == 0
    assert made.last_ms == 1000, "since then nobody has watched module 1"


def test_a_module_that_follows_a_dead_string_does_not_make_it_younger():
    made = pack(modules_s=2, strings_p=1)
    for now_ms in range(1100, 5000, 100):
        sample(made, now_ms, (0,))
    for now_ms in range(5000, 9000, 100):
        sample(made, now_ms, ())
    assert made.last_ms == 1000


def test_excluded_until_a_person_wants_it_back():
    made = pack()
    for now_ms in range(1100, 4000, 100):
        sample(made, now_ms, (0, 1, 2))
    made.exclude(3)
    sample(made, 4000, range(4))
    assert made.strings_live == 3 and made.back == 0
    made.readmit()
    sample(made, 4100, range(4))
    assert made.strings_live == 4 and made.back == 0b1000


def test_silence_across_the_wrap():
    start_ms = TICK_MASK - 900
    made = pack(start_ms=start_ms)
    sample(made, (start_ms + 2000) & TICK_MASK, ())
    assert made.strings_live == 4
    sample(made, (start_ms + 2001) & TICK_MASK, ())
    assert made.strings_live == 0


def test_sixteen_large_modules_stay_small_integers():
    made = Pack(1, 16, 2000, 1_000_000)
    for row in made.rows:
        healthy(row, 1000)
        row[M_FULL_DAH], row[M_CURRENT_MA] = 65_534, -1_000_000
        row[M_CHARGE_MA_MAX] = row[M_DISCHARGE_MA_MAX] = 1_000_000
    sample(made, 0, range(16))
    assert made.soc_pm == 1000 and made.charge_ma_max == 16_000_000
    assert sum(made._charged) < 1 << 30


def test_strings_of_their_own():
    made = pack(modules_s=2, strings_p=3)
    made.rows[3][M_PACK_MV] = 52_000
    sample(made, 1100, (2, 3))
    assert [made.string_mv(s) for s in range(3)] == [105_600, 104_800, 105_600]
    made.exclude(3)
    assert [made.string_excluded(s) for s in range(3)] == [False, True, False]
    made.exclude(4)
    assert [made.string_excluded(s) for s in range(3)] == [False, True, True]
    made.readmit()
    assert [made.string_excluded(s) for s in range(3)] == [False, False, False]


def test_strings_that_are_not_on_the_bus_carry_nothing():
    for joined, count in ((0b1111, 4), (0b0001, 1), (0b1000, 1), (0b0101, 2), (0, 0)):
        made = pack()
        made.join(joined)
        sample(made, 1100, range(4))
        assert made.strings_on == count and made.strings_live == 4, joined
        assert made.charge_ma_max == made.discharge_ma_max == count * RATED_MA, joined


def test_what_a_lost_module_said_last_is_forgotten():
    made = pack()
    made.rows[3][M_FAULTS], made.rows[3][M_SOC_PM] = 4, 900
    sample(made, 1100, range(4))
    assert (made.faults, made.soc_pm, made.soc_pm_max) == (4, 600, 900)
    for now_ms in range(1200, 3300, 100):
        sample(made, now_ms, (0, 1, 2))
    assert made.strings_live == 3
    assert (made.faults, made.soc_pm, made.soc_pm_max) == (0, 500, 500)
    made = pack(strings_p=2)
    made.rows[0][M_SOC_PM] = made.rows[0][M_FULL_DAH] = 1
    for now_ms in range(1200, 3300, 100):
        sample(made, now_ms, (0,))
    assert made.soc_pm == 1, "its weight, too: a capacity of 0.1 Ah is left"


def test_a_capacity_that_the_bms_learns_anew_changes_the_weights():
    made = pack(strings_p=2)
    made.rows[0][M_SOC_PM], made.rows[1][M_SOC_PM] = 400, 600
    sample(made, 1100, (0, 1))
    assert made.soc_pm == 500
    made.rows[0][M_FULL_DAH] = 1570
    sample(made, 1200, (0, 1))
    assert made.soc_pm == 533, "half of the weight, and nothing else has changed"


def test_left_out_after_more_than_the_span():
    for start_ms in (1000, TICK_MASK - 30_000):
        made = pack(start_ms=start_ms)
        for now_ms in range(100, 5000, 100):
            sample(made, (start_ms + now_ms) & TICK_MASK, (0, 1, 2))
        made.exclude_silent(60_000, (start_ms + 60_000) & TICK_MASK)
        assert made.excluded == 0
        made.exclude_silent(60_000, (start_ms + 60_001) & TICK_MASK)
        assert made.excluded == 0b1000


def test_at_boot_one_string_may_be_heard_first():
    made = Pack(1, 4, 2000, RATED_MA)
    assert (made.strings_on, made.balance_wanted, made.samples, made.last_ms) == (0, 0, 0, 0)
    assert made.lost == made.back == 0 and list(made.at_ms) == [0] * 4
    healthy(made.rows[1], 1)
    made.rows[1][M_FULL_DAH] = 1
    sample(made, 0, (1,))
    assert (made.pack_mv, made.current_ma, made.string_ma_max) == (52_800, 0, 0)
    assert (made.soc_pm, made.faults, made.strings_on) == (1, 0, 1)
    assert made.charge_ma_max == RATED_MA


def test_which_modules_brought_a_sample():
    made = pack()
    before = made.samples
    assert before == 4 and made.fresh == 0b1111
    sample(made, 1100, (0, 2))
    assert made.fresh == 0b101 and made.samples == before + 2
    sample(made, 1200, ())
    assert made.fresh == 0 and made.samples == before + 2
    made.samples = TICK_MASK
    sample(made, 1300, (3,))
    assert made.fresh == 0b1000 and made.samples == 0


def test_who_talks_is_not_left_out():
    made = pack()
    for now_ms in range(1100, 4000, 100):
        sample(made, now_ms, (0, 3))
    made.exclude(1)
    made.exclude_silent(60_000, 90_000)
    assert made.excluded == 0b110
