"""The configuration: one table of fields, one check that reports every fault at once.

`check(data)` takes what json.load gave and returns (settings, faults). With a fault the settings
are the safe defaults: the firmware stays in STANDBY, and says why.
"""

from bess.core.calendar import Zone
from bess.core.checks import judge, make_room
from bess.core.checks_wiring import MODULES

# Texts and numbers only: the compiler makes one constant of it, whose words take no room for ever.
# key, type, lowest, highest (or allowed words), default, unit, meaning
FIELDS = (
    ("name", "str", 0, 24, "bess", "", "name shown to people"),
    ("packs", "int", 1, 5, 1, "",
     "packs with an inverter each; what follows is of one pack, but for energies stated and caps"),
    ("w_rated", "int", 500, 1_000_000, 5000, "W", "rating of the inverter"),
    ("charge_w_max", "int", 0, 1_000_000, 5000, "W", "charging, at the AC side"),
    ("discharge_w_max", "int", 0, 1_000_000, 5000, "W", "discharging, at the AC side"),
    ("eta_pm", "int", 800, 1000, 950, "0.1%", "inverter efficiency, one way"),
    ("charge_c_pm", "int", 1, 1000, 500, "0.1%", "charging power by rated energy, at most"),
    ("discharge_c_pm", "int", 1, 1000, 500, "0.1%", "discharging power by rated energy, at most"),
    ("cells_s", "int", 15, 16, 16, "", "cells in series in a module"),
    ("modules_s", "int", 1, 16, 1, "", "modules in series in a string"),
    ("strings_p", "int", 1, 16, 1, "", "strings in parallel"),
    ("module_ma_rated", "int", 1000, 1_000_000, 157_000, "mA", "rated current of a module"),
    ("module_wh_rated", "int", 100, 1_000_000, 16_000, "Wh", "rated energy of a module"),
    ("energy_wh_stated", "int", 0, 256_000_000, 0, "Wh",
     "energy of the site on its name plate, 0 = not stated"),
    ("share_pm_min", "int", 0, 500, 100, "0.1%",
     "several packs: below so much of its rating each, packs rest one after the other"),
    ("contactor_ma_rated", "int", 0, 10_000_000, 0, "mA",
     "rated current of a contactor set, which carries the pack or its string; 0 = not stated"),
    ("fuse_ma_rated", "int", 0, 1_000_000, 0, "mA", "fuse of a string, 0 = not stated"),
    ("soc_pm_min", "int", 0, 1000, 100, "0.1%", "no discharge below"),
    ("soc_pm_max", "int", 0, 1000, 950, "0.1%", "no charge above"),
    ("cell_profile", "str", ("industrial", "gentle"), None, "industrial", "",
     "curves by cell voltage; gentle is for packs up to 0.2 C"),
    ("charge_mv_max", "int", 0, 2_000_000, 0, "mV",
     "voltage of a string, no charge above; 0: 3 600 a cell"),
    ("discharge_mv_min", "int", 0, 2_000_000, 0, "mV",
     "voltage of a string, no discharge below; 0: 2 900 a cell"),
    ("soc_pm_floor", "int", 0, 500, 50, "0.1%",
     "protective charge below; if not given at most half of island_pm_min"),
    ("protect_from_grid", "int", 0, 1, 1, "", "1: a protective charge may come from the grid"),
    ("cell_mv_cv", "int", 3350, 3600, 3450, "mV",
     "a charge holds the highest cell here; if not given at most charge_mv_max"),
    ("calibration_days", "int", 0, 365, 14, "d",
     "full charge after so long without one, 0 = never"),
    ("current_offset_ma", "int", 0, 5000, 100, "mA",
     "error of the modules' current at rest: doubt of the own count"),
    ("soc_band_pm", "int", 1, 300, 30, "0.1%",
     "power falls linearly over this band before a limit"),
    ("ramp_up_pm", "int", 1, 1000, 100, "0.1%/s", "ramp away from zero, of the rating"),
    ("ramp_down_pm", "int", 1, 1000, 200, "0.1%/s", "ramp towards zero, of the rating"),
    ("limit_rise_pm", "int", 1, 1000, 100, "0.1%/s", "ramp of what a limit had cut"),
    ("reconnect_ramp_pm", "int", 1, 1000, 3, "0.1%/s", "first ramp after a trip or a grid loss"),
    ("zero_dwell_ms", "int", 0, 60_000, 5000, "ms", "rest at zero before a small change of sign"),
    ("idle_hold_ms", "int", 0, 600_000, 5000, "ms", "zero for so long is IDLE"),
    ("idle_standby_ms", "int", 0, 86_400_000, 0, "ms", "idle for so long is STANDBY, 0 = never"),
    ("tick_ms", "int", 10, 1000, 100, "ms", "nominal time between two control ticks"),
    ("module_silent_ms", "int", 2000, 30_000, 2000, "ms", "a module without a sample is silent"),
    ("fade_after_ms", "int", 2000, 40_000, 5000, "ms", "all silent: the window closes within 1 s"),
    ("all_silent_ms", "int", 10_000, 60_000, 60_000, "ms", "all silent: emergency; one: left out"),
    ("pcs_silent_trip_ms", "int", 1000, 60_000, 10_000, "ms", "the inverter is silent: trip"),
    ("unconfirmed_trip_ms", "int", 0, 60_000, 5000, "ms",
     "three unconfirmed commands: trip after"),
    ("pcs_revert_ms", "int", 3000, 3_600_000, 30_000, "ms", "the inverter reverts without us"),
    ("pcs_revert", "str", ("zero", "own_mode", "none"), None, "zero", "",
     "what it does then: zero power, a mode of its own, nothing"),
    ("pcs_start_ms", "int", 1000, 1_200_000, 400_000, "ms",
     "the inverter runs at the latest; grid codes let it wait 300 s"),
    ("pcs_mv_min", "int", 0, 2_000_000, 0, "mV", "DC window of the inverter, 0 = not stated"),
    ("pcs_mv_max", "int", 0, 2_000_000, 0, "mV", "DC window of the inverter, 0 = not stated"),
    ("pcs_forms_grid", "int", 0, 1, 0, "", "1: the inverter can supply a site without a grid"),
    ("contactors", "str", ("own", "strings", "none"), None, "own", "",
     "who switches the modules to the bus: one set of ours, a set for each string, themselves"),
    ("standby_contactors", "str", ("open", "closed"), None, "open", "", "contactors in STANDBY"),
    ("stop_open_ms", "int", 1000, 7000, 7000, "ms", "contactors open at the latest"),
    ("precharge_pause_ms", "int", 1000, 600_000, 60_000, "ms", "between two tries (hot resistor)"),
    ("grid_connection", "int", 0, 3, 2, "", "0 isolated, 1 backup, 2 interactive, 3 export"),
    ("allow_grid_charging", "int", 0, 1, 1, "", "1: the battery may charge from the grid"),
    ("allow_grid_export", "int", 0, 1, 1, "", "1: the battery may discharge into the grid"),
    ("import_w_max", "int", 0, 1_000_000, 0, "W", "charging keeps the import below, 0 = no cap"),
    ("export_w_max", "int", 0, 1_000_000, 0, "W",
     "discharging keeps the export below, 0 = no cap"),
    ("backup_reserve_pm", "int", 0, 1000, 500, "0.1%",
     "kept for an outage (backup); if not given between soc_pm_min and soc_pm_max"),
    ("frequency_watt", "str", ("none", "ieee1547", "en50549", "vde4105", "as4777"),
     None, "none", "",
     "power by grid frequency; leave it to the inverter where that can"),
    ("volt_watt", "str", ("none", "ieee1547", "as4777"), None, "none", "",
     "power by grid voltage"),
    ("volt_var", "str", ("none", "ieee1547", "ieee1547a", "vde4105", "as4777", "as4777wp"), None,
     "none", "", "reactive power by grid voltage"),
    ("grid_hz", "int", 50, 60, 50, "Hz", "nominal frequency"),
    ("grid_mv_nominal", "int", 100_000, 300_000, 230_000, "mV",
     "nominal voltage, phase to neutral"),
    ("backup_output", "int", 0, 1, 0, "",
     "1: the inverter supplies its backup output in an outage"),
    ("island_pm_min", "int", 0, 900, 100, "0.1%",
     "an island ends here; if not given at most soc_pm_min"),
    ("shed_1_pm", "int", 0, 1000, 400, "0.1%", "an island sheds its first loads here"),
    ("shed_2_pm", "int", 0, 1000, 300, "0.1%", "an island sheds its second loads here"),
    ("fire_input", "str", ("none", "closed", "open"), None, "none", "", "contact when healthy"),
    ("insulation_input", "str", ("none", "closed", "open"), None, "none", "",
     "contact when healthy"),
    ("door_input", "str", ("none", "closed", "open"), None, "none", "", "contact when shut"),
    ("aux_input", "str", ("none", "closed", "open"), None, "none", "",
     "auxiliary supply: contact when healthy"),
    ("door_trips", "int", 0, 1, 1, "", "1: an open door is a trip, 0: a warning"),
    ("aux_trips", "int", 0, 1, 1, "", "1: a lost auxiliary supply is a trip, 0: a warning"),
    ("self_use", "int", 0, 1, 1, "", "1: hold the grid power at its target when nobody asks else"),
    ("grid_target_w", "int", -1000, 1000, 20, "W", "grid power that self-use holds, + imports"),
    ("tracking_gain_pm", "int", 100, 1000, 500, "0.1%", "gain of self-use on a meter sample"),
    ("tracking_deadband_w", "int", 0, 500, 15, "W", "errors below are left alone"),
    ("run_w_min", "int", 0, 5000, 60, "W", "self-use below this power rests"),
    ("zone", "str", 3, 63, "UTC0", "", "time zone, a POSIX rule: CET-1CEST,M3.5.0,M10.5.0/3"),
    ("start_at_boot", "int", 0, 1, 0, "", "1: start when the firmware is up"),
    ("remote_reset", "int", 0, 1, 0, "", "1: some emergencies may be reset from afar"),
    ("service_key", "str", 0, 32, "", "", "opens MAINTENANCE in an emergency; empty: nobody does"),
    ("auto_restart", "int", 0, 1, 1, "", "1: start again 60 s after a trip cleared"),
    ("modbus_port", "int", 0, 65_535, 502, "", "Modbus TCP server, 0 = off"),
    ("modbus_write", "str", ("none", "loopback", "any"), None, "none", "", "who may write"),
    ("modbus_clients", "int", 1, 8, 4, "", "connections at once"),
    ("console", "int", 0, 1, 1, "", "1: diagnostics on the serial port"),
    ("wifi_ssid", "str", 0, 32, "", "", "empty: no Wi-Fi"),
    ("wifi_key", "str", 0, 63, "", "", "WPA key"),
)

LINK_FIELDS = (
    ("kind", "str", ("rtu", "tcp"), None, None, "", "serial or network"),
    ("name", "str", 1, 16, "link", "", "name shown to people"),
    ("uart", "int", 0, 3, 0, "", "number of the UART, 0 = the board's own"),
    ("baud", "int", 1200, 1_000_000, 115_200, "", "bits per second"),
    ("host", "str", 1, 64, "127.0.0.1", "", "address of the device"),
    ("port", "int", 1, 65_535, 502, "", "TCP port"),
    ("timeout_ms", "int", 20, 5000, 300, "ms", "wait for an answer"),
    ("devices", "list", 1, 16, None, "", "what is on the link"),
)

DEVICE_FIELDS = (
    ("kind", "str", ("bess_module", "jk_bms", "sunspec_pcs", "sunspec_meter", "sunspec_pv"), None,
     None, "", "product"),
    ("unit", "int", 0, 247, 1, "", "Modbus unit id"),
    ("module", "int", 1, 16, 1, "",
     "number of the module, counted from 1: string by string, pack by pack"),
    ("pack", "int", 1, 5, 1, "", "pack of the inverter, counted from 1"),
    ("period_ms", "int", 50, 60_000, 0, "ms", "time between polls, 0 = the product's default"),
    ("latency_ms", "int", 0, 5000, 0, "ms", "age of a reading when it arrives"),
    ("sign", "int", (-1, 1), None, 1, "", "-1 turns a meter round"),
    ("series_rated", "int", 0, 1, 0, "", "1: the maker permits this module in a series string"),
)


_CELL_DV = 32                           # nominal voltage of an LFP cell, 0.1 V


_KINDS = {"int": int, "str": str, "list": list}


class Settings:
    """The checked configuration: one attribute for each key of FIELDS, `links`, `warnings`.

    values: the same by key, for the checks at the start.
    """

    def __init__(self, values):
        for key in values:
            setattr(self, key, values[key])


def check(data):
    """(settings, faults): faults is a list of sentences, empty when the configuration is good.

    Every fault is found at once: for the others a number out of its range counts as the nearest
    one inside, any other wrong value as the default; what then names that key is not said.
    settings.warnings: sentences about what may run, but is hardly what somebody meant.
    """
    faults = []
    if not isinstance(data, dict):
        faults.append("the configuration is %s, wanted: an object" % type(data).__name__)
        data = {}
    links = data.get("links", [])
    values = _fields(FIELDS, data, "", faults, ("links",))
    wrong = []
    checked = _links(links, wrong)
    stands = [] if wrong else checked       # links with faults are not judged any further
    faults += wrong
    odd = [key for key in values if key in data and values[key] is not data[key]]
    wrong = []
    make_room(values, data)
    _cross_check(values, stands, wrong)
    warnings = judge(settings_of(values, stands), data, wrong)
    faults += [fault for fault in wrong if not any([key in fault for key in odd])]
    if faults:
        values, checked = _fields(FIELDS, {}, "", [], ()), []
    settings = settings_of(values, checked)
    settings.warnings = warnings
    return settings, faults


def settings_of(values, links):
    """Settings out of a value for each key of FIELDS and the checked links; nothing is judged."""
    settings = Settings(values)
    settings.values = values
    settings.links = links
    settings.pack_mah = (settings.strings_p * settings.module_wh_rated * 10_000
                         // (settings.cells_s * _CELL_DV))
    settings.energy_wh_rated = (settings.module_wh_rated * settings.modules_s * settings.strings_p)
    return settings


def _fields(table, data, where, faults, others):
    """Values of all keys of a table; each fault names the key, what it got and what it wants."""
    values, known = {}, list(others)
    for row in table:
        key, default = row[0], row[4]
        known.append(key)
        if key in data:
            values[key] = _value(row, data[key], where, faults)
        elif default is None:
            faults.append("%s%s is missing, wanted: %s" % (where, key, _wanted(row)))
            values[key] = None
        else:
            values[key] = default
    for key in sorted(data):
        if key not in known:
            faults.append("%s%s is unknown, allowed: %s" % (where, key[:40], ", ".join(known)))
    return values


def _value(row, value, where, faults):
    key, kind, low, high = row[0], row[1], row[2], row[3]
    good = isinstance(value, _KINDS[kind]) and not isinstance(value, bool)
    if good and high is None:
        good = value in low
    elif good:
        size = value if kind == "int" else len(value)
        good = low <= size <= high or (kind == "int" and value == row[4])
    if good:
        return value
    faults.append("%s%s is %s, wanted: %s" % (where, key, _shown(value), _wanted(row)))
    number = kind == "int" and high is not None and isinstance(value, int)
    return max(low, min(value, high)) if number else row[4]


def _shown(value):
    try:
        text = repr(value)
    except RuntimeError:        # nested too deeply
        text = type(value).__name__
    return text if len(text) <= 40 else text[:37] + "..."


def _wanted(row):
    key, kind, low, high, default, unit = row[:6]
    if high is None:
        return "one of these: " + ", ".join([str(word) for word in low])
    if kind == "int":
        return ("a whole number %d..%d %s" % (low, high, unit)).rstrip()
    if kind == "str":
        return "a text of %d..%d characters" % (low, high)
    return "a list of %d..%d entries" % (low, high)


def _links(links, faults):
    if not isinstance(links, list) or len(links) > 8:
        faults.append("links is %s, wanted: a list of 0..8 entries" % _shown(links))
        return []
    checked = []
    for i, link in enumerate(links):
        where = "links[%d]." % i
        if not isinstance(link, dict):
            faults.append("links[%d] is %s, wanted: an object" % (i, _shown(link)))
            continue
        values = _fields(LINK_FIELDS, link, where, faults, ())
        values["devices"] = _devices(values["devices"], where, faults)
        checked.append(values)
    return checked


def _devices(devices, where, faults):
    checked = []
    for i, device in enumerate(devices if isinstance(devices, list) else []):
        here = "%sdevices[%d]" % (where, i)
        if isinstance(device, dict):
            checked.append(_fields(DEVICE_FIELDS, device, here + ".", faults, ()))
        else:
            faults.append("%s is %s, wanted: an object" % (here, _shown(device)))
    return checked


def _cross_check(values, links, faults):
    """Checks between fields; each sentence names every key that it hangs on."""
    count = values["modules_s"] * values["strings_p"] * values["packs"]
    if count > 16:
        faults.append("modules_s * strings_p * packs is %d, allowed: at most 16" % count)
    try:
        Zone(values["zone"])
    except ValueError as fault:
        faults.append("zone, a POSIX rule: %s" % fault)
    if not values["module_silent_ms"] < values["fade_after_ms"] < values["all_silent_ms"]:
        faults.append("module_silent_ms < fade_after_ms < all_silent_ms is wanted, got %d, %d, %d"
                      % (values["module_silent_ms"], values["fade_after_ms"],
                         values["all_silent_ms"]))
    _count_devices(links, count, values["packs"], faults)


def _count_devices(links, count, packs, faults):
    if not links:
        return
    modules, inverters, others, taken = [], [], [], []
    for link in links:
        for device in link["devices"]:
            kind = device["kind"]
            (modules if kind in MODULES else others).append(
                device["module"] if kind in MODULES else kind)
            if kind == "sunspec_pcs":
                inverters.append(device["pack"])
        units = [device["unit"] for device in link["devices"]]
        if link["kind"] == "rtu" and 0 in units:
            faults.append("link %s: unit 0 is everybody at once, wanted: 1..247" % link["name"])
        if link["kind"] == "rtu" and len(set(units)) < len(units):
            faults.append("link %s: units %s, wanted: each only once" % (link["name"], units))
        if link["kind"] == "rtu" and link["uart"] in taken:
            faults.append("link %s: uart %d is taken" % (link["name"], link["uart"]))
        if link["kind"] == "rtu":
            taken.append(link["uart"])
    if sorted(modules) != list(range(1, count + 1)):
        faults.append("modules are numbered %s, wanted: 1..%d, each once (modules_s * strings_p"
                      " * packs) (C2)" % (sorted(modules), count))
    if inverters and sorted(inverters) != list(range(1, packs + 1)):
        faults.append("the inverters are those of the packs %s, wanted: 1..%d, each once"
                      % (sorted(inverters), packs))
    for kind in ("sunspec_meter", "sunspec_pv"):
        if others.count(kind) > 1:
            faults.append("%s is there %d times, allowed: once" % (kind, others.count(kind)))
