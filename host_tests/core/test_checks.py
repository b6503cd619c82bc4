"""Settings that must fit each other: each check just inside and just outside, and known sites."""

from bess.core.config import check
from host_tests.core.bench_site import modules, site, tcp


def mixed_bus():
    bus = modules(2, series_rated=1)
    bus["devices"][1]["series_rated"] = 0
    return [bus, tcp("sunspec_meter")]


def baud(count, rate, kind="bess_module", **changes):
    bus = modules(count, kind)
    bus["baud"] = rate
    data = {"strings_p": count, "links": [bus, tcp("sunspec_meter")], "fade_after_ms": 40_000,
            "all_silent_ms": 60_000}
    data.update(changes)
    return data


def polled(period_ms, **changes):
    data = {"links": [modules(1, period_ms=period_ms), tcp("sunspec_meter")]}
    data.update(changes)
    return data


def joined(first, second):
    data = dict(first)
    data.update(second)
    return data


BIG = {"strings_p": 4, "w_rated": 20_000, "charge_w_max": 20_000, "discharge_w_max": 20_000}
CHARGER = {"discharge_w_max": 0}
SERIES = {"modules_s": 2, "links": site(2, series_rated=1)}

CASES = (
    # number, E or W, shared, just inside, just outside, words of the sentence, why
    (1, "E", {}, {"charge_mv_max": 57_600}, {"charge_mv_max": 57_601},
     "charge_mv_max is 57601, wanted: 53600..57600, 3350..3600 mV per cell", "3 600 mV"),
    (1, "E", {}, {"charge_mv_max": 53_600}, {"charge_mv_max": 53_599}, "3350", "a float level"),
    (1, "W", {}, {"charge_mv_max": 54_400}, {"charge_mv_max": 54_399},
     "charge_mv_max is 54399, never full: wanted: at least 54400, 3400 mV", "never full"),
    (1, "W", {}, {"charge_mv_max": 53_599}, {"charge_mv_max": 53_600}, "never full", "3350 on"),
    (1, "E", {}, {"discharge_mv_min": 51_200}, {"discharge_mv_min": 51_201},
     "discharge_mv_min is 51201, wanted: 44800..51200, 2800..3200 mV", "half of it is lost"),
    (1, "E", {}, {"discharge_mv_min": 44_800}, {"discharge_mv_min": 44_799}, "44800", "too deep"),
    (1, "E", {"cells_s": 15}, {"charge_mv_max": 54_000, "discharge_mv_min": 44_000},
     {"charge_mv_max": 54_001}, "50250..54000", "54.0 V and 44.0 V suit 15 cells"),
    (1, "E", {"modules_s": 4}, {"charge_mv_max": 230_400}, {"charge_mv_max": 230_401},
     "214400..230400", "four in series"),
    (1, "E", {"charge_mv_max": 55_200}, {"cell_mv_cv": 3450}, {"cell_mv_cv": 3451},
     "cell_mv_cv is 3451, wanted: at most 3450: charge_mv_max 55200 of 16 cells", "CV target"),
    (3, "E", {"modules_s": 2}, {"links": site(2, series_rated=1)}, {"links": mixed_bus()},
     "modules_s is 2, wanted: series_rated 1 at module 2", "one of the two is not"),
    (3, "E", {"links": mixed_bus()}, {"strings_p": 2}, {"modules_s": 2}, "", "parallel is free"),
    (4, "W", {}, {"energy_wh_stated": 15_239}, {"energy_wh_stated": 15_238},
     "energy_wh_stated is 15238, the modules hold 16000", "5 % more than stated"),
    (4, "W", {}, {"energy_wh_stated": 16_842}, {"energy_wh_stated": 16_843}, "16843", "less"),
    (5, "E", {"w_rated": 9000}, {"charge_w_max": 8000}, {"charge_w_max": 8001},
     "charge_w_max is 8001, wanted: at most 8000: charge_c_pm 500 of 16000 Wh,"
     " strings_p 1 * modules_s 1 * module_wh_rated", "half of C"),
    (5, "E", {"w_rated": 9000, "module_ma_rated": 300_000}, {"discharge_w_max": 8000},
     {"discharge_w_max": 8001}, "discharge_w_max is 8001, wanted: at most 8000: discharge_c_pm",
     "half of C"),
    (5, "E", {"w_rated": 9000, "charge_w_max": 8001}, {"charge_c_pm": 501}, {"charge_c_pm": 500},
     "charge_w_max is 8001", "the cells may take more"),
    (6, "E", {}, {"module_ma_rated": 113_449}, {"module_ma_rated": 113_448},
     "discharge_w_max is 5000, wanted: at most 4999: string current 113 A at 2900 mV per cell,"
     " strings_p 1, modules_s 1; module_ma_rated permits 113 A", "of a module"),
    (6, "E", {"eta_pm": 1000}, {"module_ma_rated": 107_759}, {"module_ma_rated": 107_758},
     "4999", "a lossless inverter draws less"),
    (6, "E", CHARGER, {"module_ma_rated": 1000}, {"contactor_ma_rated": 1000},
     "charge_w_max is 5000", "the window holds a charge at the module's limit"),
    (6, "E", {"strings_p": 2}, {"contactor_ma_rated": 113_449}, {"contactor_ma_rated": 113_448},
     "string current 57 A at 2900 mV per cell, strings_p 2, modules_s 1; contactor_ma_rated"
     " permits 56 A",
     "one set carries both strings"),
    (6, "E", {"strings_p": 2, "contactors": "strings"}, {"contactor_ma_rated": 56_725},
     {"contactor_ma_rated": 56_724}, "contactor_ma_rated permits 56 A", "a set for each string"),
    (6, "E", {"contactor_ma_rated": 1000, "charge_w_max": 0}, {"contactors": "none"},
     {"contactors": "own"}, "permits 1 A", "there are no contactors"),
    (6, "E", {}, {"fuse_ma_rated": 141_812}, {"fuse_ma_rated": 141_811},
     "fuse_ma_rated permits 113 A", "80 % of a fuse"),
    (6, "E", CHARGER, {"fuse_ma_rated": 134_699}, {"fuse_ma_rated": 134_697},
     "charge_w_max is 5000", "a fuse has no direction"),
    (7, "E", {}, {"pcs_mv_min": 46_400}, {"pcs_mv_min": 46_401},
     "pcs_mv_min is 46401, wanted: at most 46400, 2900 mV", "the inverter drops out"),
    (7, "E", {}, {"pcs_mv_max": 57_600}, {"pcs_mv_max": 57_599},
     "pcs_mv_max is 57599, wanted: at least 57600, 3600 mV", "too much for the inverter"),
    (7, "E", CHARGER, {"w_rated": 5000}, {"w_rated": 4999},
     "charge_w_max is 5000, allowed: at most w_rated 4999", "more than the rating"),
    (8, "E", {}, {"soc_pm_floor": 99}, {"soc_pm_floor": 100},
     "soc_pm_floor < island_pm_min <= soc_pm_min is wanted, got 100, 100, 100", "floor"),
    (8, "E", {}, {"island_pm_min": 100}, {"island_pm_min": 101}, "got 50, 101, 100", "island"),
    (8, "E", {}, {"backup_reserve_pm": 101}, {"backup_reserve_pm": 100},
     "soc_pm_min < backup_reserve_pm < soc_pm_max is wanted, got 100, 100, 950", "reserve"),
    (8, "E", {}, {"backup_reserve_pm": 949}, {"backup_reserve_pm": 950}, "950, 950", "reserve"),
    (8, "E", {}, {"soc_pm_min": 850}, {"soc_pm_min": 851}, "at least 100 apart", "no room"),
    (8, "E", {}, {"soc_pm_min": 1}, {"soc_pm_min": 0}, "got 0, 0, 0", "nothing is kept"),
    (9, "W", {"links": site()}, {"grid_connection": 2, "allow_grid_charging": 1},
     {"grid_connection": 3, "allow_grid_charging": 1},
     "allow_grid_charging is 1, without effect: grid_connection 3", "EXPORT"),
    (9, "W", {}, {"grid_connection": 0}, {"grid_connection": 0, "allow_grid_charging": 1},
     "allow_grid_charging is 1", "a default is no wish"),
    (9, "W", {"grid_connection": 1}, {"allow_grid_export": 0}, {"allow_grid_export": 1},
     "allow_grid_export is 1, without effect: grid_connection 1", "BACKUP never exports"),
    (9, "W", {"grid_connection": 0}, {"export_w_max": 0}, {"export_w_max": 1},
     "export_w_max is 1, without effect", "nothing is exported anyway"),
    (9, "W", {"import_w_max": 3000}, {"grid_connection": 1}, {"grid_connection": 0},
     "import_w_max is 3000", "no grid, no import"),
    (9, "W", {"export_w_max": 3000}, {"allow_grid_export": 1}, {"allow_grid_export": 0},
     "export_w_max is 3000, without effect: allow_grid_export is 0", "the flag wins"),
    (9, "W", {"import_w_max": 3000}, {"allow_grid_charging": 1}, {"allow_grid_charging": 0},
     "import_w_max is 3000, without effect: allow_grid_charging is 0", "the flag wins"),
    (9, "E", {"grid_connection": 1, "pcs_forms_grid": 1}, {"links": site()},
     {"links": site(meter=False)}, "grid_connection is 1 with its flags and caps, wanted: a",
     "BACKUP reads the meter"),
    (9, "E", {"links": site(meter=False)}, {}, {"export_w_max": 1}, "a sunspec_meter", "a cap"),
    (9, "E", {"links": site(meter=False)}, {}, {"allow_grid_export": 0}, "a sunspec", "a flag"),
    (9, "W", {"links": site(meter=False)}, {"self_use": 0}, {"self_use": 1},
     "self_use is 1, without effect", "nothing to follow"),
    (9, "W", {"links": site(meter=False)}, {"grid_connection": 0, "pcs_forms_grid": 1}, {},
     "self_use is 1", "an island follows its load"),
    (9, "W", {}, {"links": []}, {"links": site(meter=False)}, "self_use", "nothing is wired yet"),
    (10, "E", {}, polled(666), polled(667),
     "module_silent_ms is 2000, wanted: at least 2001: three polls of 1 on link bus, which needs"
     " 35 ms for a round", "polled too seldom"),
    (10, "E", {}, polled(0), polled(1000), "at least 3000", "0 is the product's default"),
    (10, "E", {}, polled(3000, module_silent_ms=9000, fade_after_ms=10_000),
     polled(3000, module_silent_ms=8999, fade_after_ms=10_000), "at least 9000", "three visits"),
    (10, "E", {}, baud(16, 115_200), baud(16, 57_600), "at least 2109", "16 modules on one bus"),
    (10, "E", {}, baud(16, 9600, module_silent_ms=6651), baud(16, 9600, module_silent_ms=6650),
     "three polls of 1 on link bus, which needs 2217 ms", "a slow bus"),
    (10, "E", {}, baud(4, 115_200, "jk_bms", module_silent_ms=3000),
     baud(4, 115_200, "jk_bms", module_silent_ms=2999), "at least 3000", "polled each second"),
    (10, "E", {}, baud(16, 115_200, "jk_bms", module_silent_ms=4365),
     baud(16, 115_200, "jk_bms", module_silent_ms=4364), "at least 4365", "three reads a sample"),
    (10, "E", {}, polled(10_000, module_silent_ms=30_000, fade_after_ms=40_000),
     polled(10_001, module_silent_ms=30_000, fade_after_ms=40_000),
     "module 1 on link bus is visited every 10001 ms, wanted: at most 10000", "too slow"),
    (10, "W", {"module_silent_ms": 4000}, polled(1250), polled(1251),
     "fade_after_ms is 5000, wanted: at least 5004: four polls", "all silent"),
    (11, "E", {"pcs_revert_ms": 3000}, {"links": site(pcs={"timeout_ms": 250})},
     {"links": site(pcs={"timeout_ms": 251})},
     "pcs_revert_ms is 3000, wanted: a third of it, 1000, for a command that is repeated after"
     " 1001: timeout_ms 251 of link pcs", "one answer is lost"),
    (11, "E", {"links": site(pcs={"timeout_ms": 100})}, {"pcs_revert_ms": 3000},
     {"pcs_revert_ms": 3999}, "a third of it, 1000", "the device counts whole seconds"),
    (11, "E", {"pcs_revert_ms": 3000, "links": site()}, {"pcs_revert": "none"},
     {"pcs_revert": "own_mode"}, "pcs_revert_ms", "without a fallback nothing is late"),
    (11, "W", {}, {"pcs_revert": "zero"}, {"pcs_revert": "own_mode"}, "own_mode", "not to zero"),
    (11, "W", {}, {"pcs_revert": "zero"}, {"pcs_revert": "none"}, "last power", "not at all"),
    (12, "E", {"contactors": "strings"}, {"strings_p": 5}, {"strings_p": 6},
     "contactors is strings with 6 sets, allowed: at most 5", "sets that there are"),
    (12, "E", {"strings_p": 6}, {"contactors": "own"}, {"contactors": "strings"}, "6", "one set"),
    (13, "W", CHARGER, {"module_ma_rated": 87_000}, {"module_ma_rated": 86_000},
     "charge_w_max is 5000, never reached: 1 strings of 86 A at 57600 mV are 4953 W", "current"),
    (13, "W", {}, {"discharge_mv_min": 46_400}, {"discharge_mv_min": 46_399},
     "discharge_mv_min is 46399, never reached: the lowest cell ends at 2900 mV", "cells first"),
    (13, "W", {"discharge_mv_min": 46_399, "charge_w_max": 0, "discharge_w_max": 0},
     {"cell_profile": "gentle"}, {"cell_profile": "industrial"}, "never reached",
     "the gentle cells go deeper"),
    (13, "W", {"cell_profile": "gentle", "discharge_w_max": 0}, {"charge_w_max": 3200},
     {"charge_w_max": 3201},
     "charge_w_max is 3201, seldom reached: cell_profile gentle is for up to 0.2 C, 3200 W", "C"),
    (13, "W", {"grid_connection": 1}, {"shed_2_pm": 101}, {"shed_2_pm": 100},
     "shed_2_pm is 100, never reached: an island ends at island_pm_min 100", "the island ends"),
    (13, "W", {"shed_1_pm": 100}, {"backup_output": 0}, {"backup_output": 1}, "shed_1_pm",
     "a site without islands sheds nothing"),
    (14, "E", BIG, {"ramp_up_pm": 34}, {"ramp_up_pm": 33},
     "ramp_up_pm is 33, ramp_down_pm 200 of w_rated: 30303 ms to charge_w_max, wanted: at most"
     " 30000",
     "a pulse is mostly ramp"),
    (14, "E", BIG, {"ramp_down_pm": 34}, {"ramp_down_pm": 33}, "ramp_down_pm 33", "and back"),
    (14, "E", {"grid_connection": 1, "links": site()}, {"pcs_forms_grid": 1},
     {"pcs_forms_grid": 0}, "pcs_forms_grid is 0, wanted: 1: grid_connection 1", "BACKUP"),
    (14, "E", {"links": site()}, {"backup_output": 0}, {"backup_output": 1},
     "grid_connection 2, backup_output 1", "somebody relies on the output"),
    (14, "E", {"grid_connection": 0, "self_use": 0}, {"links": [modules(1)]}, {"links": site()},
     "pcs_forms_grid is 0", "no inverter is there yet"),
    (14, "E", {"packs": 2}, {"backup_output": 0}, {"backup_output": 1},
     "packs is 2, wanted: 1 where an inverter forms a grid", "two would have to agree"),
    (14, "E", {"packs": 5, "contactors": "none", "charge_w_max": 0, "discharge_w_max": 0},
     {"w_rated": 200_000}, {"w_rated": 200_001}, "packs * w_rated is 1000005, allowed: at most",
     "powers of the site have seven digits"),
    (4, "W", {"packs": 2}, {"energy_wh_stated": 32_000}, {"energy_wh_stated": 16_000},
     "the modules hold 32000", "the plate is that of the site"),
    (12, "E", {"strings_p": 2, "contactors": "strings"}, {"packs": 2}, {"packs": 3},
     "contactors is strings with 6 sets", "sets of all packs"),
)


def said(data, number=None, kind="E"):
    """The sentences of one check, or of all."""
    settings, faults = check(data)
    mark = "" if number is None else "(C%d)" % number
    return [text for text in (faults if kind == "E" else settings.warnings)
            if text.endswith(mark)]


def test_each_check_just_inside_and_just_outside():
    for number, kind, shared, inside, outside, words, why in CASES:
        found = said(joined(shared, inside), number, kind)
        assert found == [], (number, "inside", why, found)
        found = said(joined(shared, outside), number, kind)
        assert len(found) == 1, (number, "outside", why, found)
        assert words in found[0], (number, why, found[0])


def test_what_is_outside_for_one_check_is_not_for_another():
    for number, kind, shared, inside, outside, words, why in CASES:
        for text in said(joined(shared, outside)):
            assert kind == "E" and text.endswith("(C%d)" % number), (number, why, text)
        for text in said(joined(shared, inside)):
            assert kind == "W" and number == 1, (number, why, text)


SETS = (
    # modules_s, strings_p, W, A of a module, series rated, Wh, checks that reject it, why
    (1, 1, 5000, 157, 0, 16_076, (), "home"),
    (1, 4, 20_000, 157, 0, 64_304, (), "virtual board"),
    (4, 1, 100_000, 157, 1, 64_304, (5, 6), "100 kW out of four modules"),
    (4, 1, 100_000, 157, 0, 64_304, (3, 5, 6), "that are for parallel use, too"),
    (4, 3, 96_000, 200, 1, 192_912, (), "cabinet of 205 V"),
    (4, 3, 96_000, 157, 1, 192_912, (6,), "181 A are too much for these modules"),
    (4, 3, 96_000, 200, 0, 192_912, (3,), "not series rated"),
    (13, 1, 100_000, 200, 1, 208_988, (), "cabinet of 666 V"),
    (13, 1, 100_000, 174, 1, 208_988, (6,), "175 A"),
)


def test_known_sites():
    for modules_s, strings_p, w, a, rated, wh, wanted, why in SETS:
        settings, faults = check({
            "w_rated": w, "charge_w_max": w, "discharge_w_max": w, "modules_s": modules_s,
            "strings_p": strings_p, "module_ma_rated": a * 1000, "module_wh_rated": 16_076,
            "links": site(modules_s * strings_p, series_rated=rated)})
        numbers = sorted(set([int(text[text.rindex("(C") + 2:-1]) for text in faults]))
        assert numbers == list(wanted), (why, faults)
        if not wanted:
            assert settings.energy_wh_rated == wh and settings.warnings == [], why


CURRENTS = (
    # modules_s, strings_p, W, A at 2 900 mV, why
    (4, 1, 100_000, "string current 567 A", "sample"),
    (4, 3, 96_000, "string current 181 A", "4s3p"),
    (13, 1, 100_000, "string current 175 A", "13s1p"),
    (1, 1, 5000, "string current 113 A", "home"),
)


def test_string_currents_of_known_sites():
    for modules_s, strings_p, w, words, why in CURRENTS:
        found = said({"w_rated": w, "charge_w_max": 0, "discharge_w_max": w,
                      "modules_s": modules_s, "strings_p": strings_p, "module_ma_rated": 80_000,
                      "discharge_c_pm": 1000}, 6)
        assert len(found) == 1 and words in found[0], (why, found)


def test_all_at_once():
    """The source's sample with its voltages for 15 cells: every fault and warning is named."""
    settings, faults = check({
        "w_rated": 80_000, "charge_w_max": 100_000, "discharge_w_max": 100_000, "modules_s": 4,
        "module_ma_rated": 80_000, "energy_wh_stated": 200_000, "charge_mv_max": 216_000,
        "discharge_mv_min": 176_000, "soc_pm_floor": 200, "export_w_max": 9, "pcs_mv_max": 200_000,
        "pcs_revert": "own_mode", "links": site(4, meter=False, pcs={"timeout_ms": 5000},
                                                period_ms=5000)})
    numbers = [text[text.rindex("(C"):] for text in faults]
    assert numbers == ["(C1)"] + ["(C3)"] * 4 + ["(C5)"] * 2 + ["(C6)"] + ["(C7)"] * 3 + [
        "(C8)", "(C9)", "(C10)", "(C11)"], faults
    numbers = [text[text.rindex("(C"):] for text in settings.warnings]
    assert numbers == ["(C1)", "(C4)", "(C9)", "(C10)", "(C11)", "(C13)", "(C13)"], (
        settings.warnings)
    assert settings.links == [] and settings.charge_w_max == 5000, "safe defaults"


def test_a_jk_bms_is_for_parallel_use_only():
    found = said({"modules_s": 2, "module_silent_ms": 3000,
                  "links": site(2, "jk_bms", series_rated=1)}, 3)
    assert len(found) == 2 and "module 1, a jk_bms, is for parallel use only" in found[0], found
    assert said({"strings_p": 2, "module_silent_ms": 3000, "links": site(2, "jk_bms")}) == []


ROOM = (
    # configuration, key, what it becomes, why
    ({}, "soc_pm_floor", 50, "default"),
    ({}, "island_pm_min", 100, "default"),
    ({}, "backup_reserve_pm", 500, "default"),
    ({"soc_pm_min": 50}, "island_pm_min", 50, "not above the minimum"),
    ({"soc_pm_min": 50}, "soc_pm_floor", 25, "half of the island's"),
    ({"soc_pm_min": 300}, "island_pm_min", 100, "room enough"),
    ({"soc_pm_min": 100, "island_pm_min": 60}, "soc_pm_floor", 30, "below what was chosen"),
    ({"soc_pm_min": 500}, "backup_reserve_pm", 725, "between both"),
    ({"soc_pm_max": 500}, "backup_reserve_pm", 300, "between both"),
    ({"soc_pm_min": 499, "soc_pm_max": 950}, "backup_reserve_pm", 500, "as it is"),
    ({"charge_mv_max": 55_000}, "cell_mv_cv", 3437, "not above the string's voltage"),
    ({"charge_mv_max": 57_600}, "cell_mv_cv", 3450, "never raised"),
    ({"charge_mv_max": 220_000, "modules_s": 4}, "cell_mv_cv", 3437, "in series"),
)


def test_what_nobody_chose_makes_room():
    for data, key, value, why in ROOM:
        settings, faults = check(data)
        assert faults == [] and getattr(settings, key) == value, (why, faults)


def test_what_somebody_chose_stays():
    for data in ({"soc_pm_min": 50, "island_pm_min": 100}, {"soc_pm_min": 500,
                 "backup_reserve_pm": 500}, {"soc_pm_min": 40, "soc_pm_floor": 50}):
        assert len(said(data, 8)) == 1, data
