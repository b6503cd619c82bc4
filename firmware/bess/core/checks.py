"""Do the settings fit each other? Needed at the start only.

_CHECKS is the list: each row is one check with its number, whether it is a fault (the controller
stays in STANDBY) or a warning (it goes on), and the function that finds sentences. All of them
are asked, so that a person sees everything at once. A sentence ends with its number, as "(C6)".
What is not stated, 0 or an empty list of links, is not judged.
"""

from micropython import const

from bess.core.battery.strings import SETS_MAX
from bess.core.checks_wiring import (
    MODULES, devices_of, forming, forms, needs_meter, refresh, revert, self_use, visits,
    visits_all,
)
from bess.core.control.grid_rules import BACKUP, EXPORT, ISOLATED
from bess.core.control.ramp import Ramp

# voltages of an LFP cell, as makers of cells and packs state them
_FULL_MV = const(3400)              # a charge that ends below never fills the cell
_FLOAT_MV = const(3350)
_CHARGE_MV = const(3600)
_EMPTY_MV = const(2900)
_DEEP_MV = const(2800)
_HIGH_MV = const(3200)

_FUSE_PM = const(800)               # a fuse carries so much of its rating for ever
_STATED_PM = const(50)
_GENTLE_PM = const(200)
_SOC_APART_PM = const(100)

_SITE_W = const(1_000_000)
_PULSE_MS = const(60_000)           # of a pulsed charge


def make_room(values, given):
    """Settings that nobody chose give way to those that somebody did.

    values: all settings by key, changed here. given: the keys that the person wrote.
    """
    low, high = values["soc_pm_min"], values["soc_pm_max"]
    cells = values["cells_s"] * values["modules_s"]
    _trim(values, given, "cell_mv_cv", (values["charge_mv_max"] or cells * _CHARGE_MV) // cells)
    _trim(values, given, "island_pm_min", low)
    _trim(values, given, "soc_pm_floor", values["island_pm_min"] // 2)
    if "backup_reserve_pm" not in given and not low < values["backup_reserve_pm"] < high:
        values["backup_reserve_pm"] = (low + high) // 2


def _trim(values, given, key, most):
    if key not in given and values[key] > most:
        values[key] = most


def judge(settings, given, faults):
    """Ask every check; faults are appended, the warnings returned, both as sentences.

    settings: one attribute for each key, each right by itself, and links. given: see make_room.
    """
    warnings = []
    for number, is_fault, look in _CHECKS:
        for sentence in look(settings, given):
            (faults if is_fault else warnings).append("%s (C%d)" % (sentence, number))
    return warnings


def _cells(s):
    return s.cells_s * s.modules_s


# --- voltages and energies -------------------------------------------------------------------


def _voltages(s, given):
    cells = _cells(s)
    for key, low, high in (("charge_mv_max", _FLOAT_MV, _CHARGE_MV),
                           ("discharge_mv_min", _DEEP_MV, _HIGH_MV)):
        mv = s.values[key]
        if mv and not cells * low <= mv <= cells * high:
            yield "%s is %d, wanted: %d..%d, %d..%d mV per cell" % (
                key, mv, cells * low, cells * high, low, high)
    if s.charge_mv_max and cells * s.cell_mv_cv > s.charge_mv_max:
        yield "cell_mv_cv is %d, wanted: at most %d: charge_mv_max %d of %d cells" % (
            s.cell_mv_cv, s.charge_mv_max // cells, s.charge_mv_max, cells)


def _never_full(s, given):
    cells = _cells(s)
    if cells * _FLOAT_MV <= s.charge_mv_max < cells * _FULL_MV:
        yield "charge_mv_max is %d, never full: wanted: at least %d, %d mV per cell" % (
            s.charge_mv_max, cells * _FULL_MV, _FULL_MV)


def _series(s, given):
    if s.modules_s == 1:
        return
    for link, device in devices_of(s, MODULES):
        if not MODULES[device["kind"]][3]:
            yield "modules_s is %d, wanted: 1: module %d, a %s, is for parallel use only" % (
                s.modules_s, device["module"], device["kind"])
        elif not device["series_rated"]:
            yield "modules_s is %d, wanted: series_rated 1 at module %d, if its maker says so" % (
                s.modules_s, device["module"])


def _energy(s, given):
    wh, held_wh = s.energy_wh_stated, s.energy_wh_rated * s.packs
    if wh and abs(held_wh - wh) * 1000 > wh * _STATED_PM:
        yield "energy_wh_stated is %d, the modules hold %d: more than %d per mille apart" % (
            wh, held_wh, _STATED_PM)


# --- powers and currents ---------------------------------------------------------------------


def _rates(s, given):
    for key, rate in (("charge_w_max", "charge_c_pm"), ("discharge_w_max", "discharge_c_pm")):
        w, rate_pm = s.values[key], s.values[rate]
        most_w = s.energy_wh_rated * rate_pm // 1000
        if w > most_w:
            yield ("%s is %d, wanted: at most %d: %s %d of %d Wh, strings_p %d * modules_s %d *"
                   " module_wh_rated" % (key, w, most_w, rate, rate_pm, s.energy_wh_rated,
                                         s.strings_p, s.modules_s))


def _currents(s, given):
    """The inverter draws P / eta when it discharges, and takes less than P when it charges. What
    charges a module is bounded by its own limit in every tick; contactors and fuses have none.
    """
    mv = _cells(s) * _EMPTY_MV
    for key, eta_pm, parts in (
        ("discharge_w_max", s.eta_pm, ("module_ma_rated", "contactor_ma_rated", "fuse_ma_rated")),
        ("charge_w_max", 1000, ("contactor_ma_rated", "fuse_ma_rated")),
    ):
        w = s.values[key]
        for part in parts:
            ma, strings = s.values[part], s.strings_p
            if part == "fuse_ma_rated":
                ma = ma * _FUSE_PM // 1000
            elif part == "contactor_ma_rated":
                ma, strings = _contactor(s)
            most_w = ma * strings * mv // 1_000_000 * eta_pm // 1000
            if 0 < most_w < w:
                yield ("%s is %d, wanted: at most %d: string current %d A at %d mV per cell,"
                       " strings_p %d, modules_s %d; %s permits %d A" % (
                           key, w, most_w, _string_a(s, w, eta_pm), _EMPTY_MV, s.strings_p,
                           s.modules_s, part, ma * strings // s.strings_p // 1000))


def _contactor(s):
    """(mA, strings that it stands for): one set carries the whole pack unless each has its own."""
    if s.contactors == "none":
        return 0, 1
    return s.contactor_ma_rated, s.strings_p if s.contactors == "strings" else 1


def _string_a(s, w, eta_pm):
    """Current of a string at the lowest voltage, in A, rounded."""
    ma = w * 1_000_000_000 // (eta_pm * _cells(s) * _EMPTY_MV * s.strings_p)
    return (ma + 500) // 1000


def _inverter_voltages(s, given):
    low, high = _cells(s) * _EMPTY_MV, _cells(s) * _CHARGE_MV
    if s.pcs_mv_min > low:
        yield "pcs_mv_min is %d, wanted: at most %d, %d mV per cell" % (
            s.pcs_mv_min, low, _EMPTY_MV)
    if 0 < s.pcs_mv_max < high:
        yield "pcs_mv_max is %d, wanted: at least %d, %d mV per cell" % (
            s.pcs_mv_max, high, _CHARGE_MV)


def _inverter_powers(s, given):
    for key in ("charge_w_max", "discharge_w_max"):
        if s.values[key] > s.w_rated:
            yield "%s is %d, allowed: at most w_rated %d" % (key, s.values[key], s.w_rated)


def _undercut(s, given):
    """Limits that another one always undercuts: never wrong, but never what somebody meant."""
    most_w = s.module_ma_rated * s.strings_p // 1000 * _cells(s) * _CHARGE_MV // 1000
    if s.charge_w_max > most_w:
        yield "charge_w_max is %d, never reached: %d strings of %d A at %d mV are %d W" % (
            s.charge_w_max, s.strings_p, s.module_ma_rated // 1000, _cells(s) * _CHARGE_MV, most_w)
    if s.cell_profile == "industrial" and 0 < s.discharge_mv_min < _cells(s) * _EMPTY_MV:
        yield "discharge_mv_min is %d, never reached: the lowest cell ends at %d mV" % (
            s.discharge_mv_min, _EMPTY_MV)
    if s.cell_profile == "gentle":
        for key in ("charge_w_max", "discharge_w_max"):
            if s.values[key] * 1000 > s.energy_wh_rated * _GENTLE_PM:
                yield "%s is %d, seldom reached: cell_profile gentle is for up to 0.2 C, %d W" % (
                    key, s.values[key], s.energy_wh_rated * _GENTLE_PM // 1000)
    for key in ("shed_1_pm", "shed_2_pm"):
        if forms(s) and s.values[key] <= s.island_pm_min:
            yield "%s is %d, never reached: an island ends at island_pm_min %d" % (
                key, s.values[key], s.island_pm_min)


# --- states of charge and the grid -----------------------------------------------------------


def _levels(s, given):
    floor, island, low = s.soc_pm_floor, s.island_pm_min, s.soc_pm_min
    reserve, high = s.backup_reserve_pm, s.soc_pm_max
    if not floor < island <= low:
        yield ("soc_pm_floor < island_pm_min <= soc_pm_min is wanted, got %d, %d, %d"
               % (floor, island, low))
    if high - low < _SOC_APART_PM:
        yield "soc_pm_min %d and soc_pm_max %d, wanted: at least %d apart" % (
            low, high, _SOC_APART_PM)
    elif not low < reserve < high:
        yield ("soc_pm_min < backup_reserve_pm < soc_pm_max is wanted, got %d, %d, %d"
               % (low, reserve, high))


# key, connection types that never have it, the flag that switches it off
_OVERRULED = (
    ("allow_grid_charging", (ISOLATED, EXPORT), None),
    ("import_w_max", (ISOLATED, EXPORT), "allow_grid_charging"),
    ("allow_grid_export", (ISOLATED, BACKUP), None),
    ("export_w_max", (ISOLATED, BACKUP), "allow_grid_export"),
)


def _overruled(s, given):
    """A person's own words only: the default of a flag is no wish."""
    for key, types, flag in _OVERRULED:
        if key not in given or not s.values[key]:
            continue
        if s.grid_connection in types:
            yield "%s is %d, without effect: grid_connection %d never has it" % (
                key, s.values[key], s.grid_connection)
        elif flag and not s.values[flag]:
            yield "%s is %d, without effect: %s is 0" % (key, s.values[key], flag)


def _sets(s, given):
    if s.contactors == "none":
        return
    sets = s.packs * (s.strings_p if s.contactors == "strings" else 1)
    if sets > SETS_MAX:
        yield "contactors is %s with %d sets, allowed: at most %d" % (
            s.contactors, sets, SETS_MAX)


def _packs(s, given):
    if s.packs == 1:
        return
    if forms(s):
        yield ("packs is %d, wanted: 1 where an inverter forms a grid: grid_connection %d,"
               " backup_output %d" % (s.packs, s.grid_connection, s.backup_output))
    if s.packs * s.w_rated > _SITE_W:
        yield "packs * w_rated is %d, allowed: at most %d" % (s.packs * s.w_rated, _SITE_W)


def _pulses(s, given):
    ramp = Ramp(s)
    ramp_ms = s.charge_w_max * 1000 // min(ramp.up_w, ramp.down_w)
    if 2 * ramp_ms > _PULSE_MS:
        yield ("ramp_up_pm is %d, ramp_down_pm %d of w_rated: %d ms to charge_w_max, wanted: at"
               " most %d, half a pulse" % (s.ramp_up_pm, s.ramp_down_pm, ramp_ms, _PULSE_MS // 2))


# number, 1 a fault or 0 a warning, check. 2, the count of modules, is taken with their numbers
# (config.py); 12, the contactors' pins, with the board (checks_wiring.check_board).
_CHECKS = (
    (1, 1, _voltages),
    (1, 0, _never_full),
    (3, 1, _series),
    (4, 0, _energy),
    (5, 1, _rates),
    (6, 1, _currents),
    (7, 1, _inverter_voltages),
    (7, 1, _inverter_powers),
    (8, 1, _levels),
    (9, 0, _overruled),
    (9, 1, needs_meter),
    (9, 0, self_use),
    (10, 1, visits),
    (10, 0, visits_all),
    (11, 1, refresh),
    (11, 0, revert),
    (12, 1, _sets),
    (13, 0, _undercut),
    (14, 1, _pulses),
    (14, 1, forming),
    (14, 1, _packs),
)
