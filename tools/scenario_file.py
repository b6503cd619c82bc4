"""Reads a scenario file, names every fault in it, and turns it into the planner's integers."""

import json
import math

_UNITS_MAX = 1 << 22            # stored energy: keeps the planner's products inside 31 bits
_SCALES = (8, 4, 2, 1)          # parts of a watt, where the battery is small enough for them

SERIES = ("import_price", "export_price", "load_kw", "pv_kw", "reserve_kwh")
NUMBERS = (
    # where, key, low, high
    ("battery", "soc_min_kwh", 0, 1e4),
    ("battery", "soc_max_kwh", 1e-3, 1e4),
    ("battery", "soc_init_kwh", 0, 1e4),
    ("battery", "charge_max_kw", 0, 1e4),
    ("battery", "discharge_max_kw", 0, 1e4),
    ("battery", "eta_charge", 0.1, 1),
    ("battery", "eta_discharge", 0.1, 1),
    ("battery", "wear_cost", 0, 100),
    ("grid", "import_max_kw", 0, 1e4),
    ("grid", "import_excess_cost", 0, 1000),
    ("terminal", "value", -100, 100),
    ("terminal", "min_kwh", 0, 1e4),
)
RANGES = {"import_price": (-100, 100), "export_price": (-100, 100), "load_kw": (0, 1e4),
          "pv_kw": (0, 1e4), "reserve_kwh": (0, 1e4)}


class Faulty(Exception):
    """args[0]: every fault of the file, one line each."""


def read(path):
    """The scenario of a file; raises Faulty."""
    try:
        scenario = json.loads(path.read_text())
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise Faulty([str(error)]) from None
    faults = check(scenario)
    if faults:
        raise Faulty(faults)
    scenario.setdefault("first_slot_minutes", scenario["slot_minutes"])
    scenario.setdefault("id", path.stem)
    return scenario


def check(scenario):
    """Every fault of a scenario, as lines."""
    if not isinstance(scenario, dict):
        return ["it must be an object"]
    faults = []
    n = whole(scenario, "n", 1, 500, faults)
    minutes = whole(scenario, "slot_minutes", 1, 60, faults)
    if "first_slot_minutes" in scenario:
        whole(scenario, "first_slot_minutes", 1, minutes or 60, faults)
    for name in SERIES:
        series(scenario.get(name), name, n, RANGES[name], faults)
    for where, key, low, high in NUMBERS:
        part = scenario.get(where)
        number(part.get(key) if isinstance(part, dict) else None, f"{where}.{key}", low, high,
               faults)
    for key in ("grid_charge", "battery_export"):
        rules = scenario.get("rules")
        if not isinstance(rules, dict) or not isinstance(rules.get(key), bool):
            faults.append(f"rules.{key} must be true or false")
    part = scenario.get("grid")
    limit = part.get("export_max_kw") if isinstance(part, dict) else None
    if isinstance(limit, list):
        series(limit, "grid.export_max_kw", n, (0, 1e4), faults)
    else:
        number(limit, "grid.export_max_kw", 0, 1e4, faults)
    return faults or relations(scenario)


def relations(scenario):
    """Faults between values that are fine by themselves."""
    battery, faults = scenario["battery"], []
    if battery["soc_min_kwh"] >= battery["soc_max_kwh"]:
        faults.append("battery.soc_min_kwh must be below battery.soc_max_kwh")
    for name, value in (("battery.soc_init_kwh", battery["soc_init_kwh"]),
                        ("terminal.min_kwh", scenario["terminal"]["min_kwh"]),
                        ("reserve_kwh", max(scenario["reserve_kwh"]))):
        if value > battery["soc_max_kwh"]:
            faults.append(f"{name} must not be above battery.soc_max_kwh")
    if scenario["grid"]["import_excess_cost"] + min(scenario["import_price"]) <= 0:
        faults.append("grid.import_excess_cost must exceed the lowest import price turned round")
    return faults


def fits(value, low, high):
    return (isinstance(value, (int, float)) and not isinstance(value, bool)
            and math.isfinite(value) and low <= value <= high)


def number(value, name, low, high, faults):
    if not fits(value, low, high):
        faults.append(f"{name} must be a number from {low:g} to {high:g}, got {value!r}")


def whole(scenario, name, low, high, faults):
    value = scenario.get(name)
    if isinstance(value, int) and fits(value, low, high):
        return value
    faults.append(f"{name} must be a whole number from {low} to {high}, got {value!r}")
    return None


def series(values, name, n, limits, faults):
    if not isinstance(values, list) or n is not None and len(values) != n:
        got = f"{len(values)} of them" if isinstance(values, list) else repr(values)
        faults.append(f"{name} must be a list of n numbers, got {got}")
        return
    for t, value in enumerate(values):
        if not fits(value, *limits):
            faults.append(f"{name}[{t}] must be a number from {limits[0]:g} to {limits[1]:g}, "
                          f"got {value!r}")
            return


def fields(scenario):
    """(fields of the planner's Problem, scale): powers and energies in 1/scale of W and mWh."""
    battery, grid, n = scenario["battery"], scenario["grid"], scenario["n"]
    units = battery["soc_max_kwh"] * 60_000 / battery["eta_charge"]
    scale = next((s for s in _SCALES if units * s < _UNITS_MAX), 1)
    kilo, mega = 1000 * scale, 1_000_000 * scale
    export = grid["export_max_kw"]
    export = export if isinstance(export, list) else [export] * n
    return {
        "import_price": many(scenario["import_price"], 100_000),
        "export_price": many(scenario["export_price"], 100_000),
        "load_w": many(scenario["load_kw"], kilo),
        "pv_w": many(scenario["pv_kw"], kilo),
        "minutes": scenario["slot_minutes"],
        "first_minutes": scenario["first_slot_minutes"],
        "soc_mwh": round(battery["soc_init_kwh"] * mega),
        "soc_mwh_min": round(battery["soc_min_kwh"] * mega),
        "soc_mwh_max": round(battery["soc_max_kwh"] * mega),
        "charge_w_max": round(battery["charge_max_kw"] * kilo),
        "discharge_w_max": round(battery["discharge_max_kw"] * kilo),
        "eta_charge_ppm": round(battery["eta_charge"] * 1_000_000),
        "eta_discharge_ppm": round(battery["eta_discharge"] * 1_000_000),
        "wear": round(battery["wear_cost"] * 100_000),
        "import_w_max": round(grid["import_max_kw"] * kilo),
        "import_excess": round(grid["import_excess_cost"] * 100_000),
        "export_w_max": many(export, kilo),
        "grid_charge": scenario["rules"]["grid_charge"],
        "battery_export": scenario["rules"]["battery_export"],
        "reserve_mwh": many(scenario["reserve_kwh"], mega),
        "end_value": round(scenario["terminal"]["value"] * 100_000),
        "end_mwh_min": round(scenario["terminal"]["min_kwh"] * mega),
    }, scale


def many(values, factor):
    return [round(value * factor) for value in values]
