"""Reads a scenario file, names every fault in it, and turns it into the planner's integers."""

import json

_UNITS_MAX = 1 << 22            # stored energy: keeps the planner's products inside 31 bits
_SCALES = (8, 4, 2, 1)          # parts of a watt, where the battery is small enough for them

SERIES = (
    # key, low, high
    ("import_price", -100, 100),
    ("export_price", -100, 100),
    ("load_kw", 0, 5000),
    ("pv_kw", 0, 5000),
    ("reserve_kwh", 0, 10_000),
)
NUMBERS = (
    # part, key, low, high
    ("battery", "soc_min_kwh", 0, 10_000),
    ("battery", "soc_max_kwh", 0.001, 10_000),
    ("battery", "soc_init_kwh", 0, 10_000),
    ("battery", "charge_max_kw", 0, 5000),
    ("battery", "discharge_max_kw", 0, 5000),
    ("battery", "eta_charge", 0.5, 1),
    ("battery", "eta_discharge", 0.5, 1),
    ("battery", "wear_cost", 0, 100),
    ("grid", "import_max_kw", 0, 5000),
    ("grid", "import_excess_cost", 0, 1000),
    ("terminal", "value", -100, 100),
    ("terminal", "min_kwh", 0, 10_000),
)
_EXPORT_KW = (0, 5000)
_N_MAX = 500


class Faulty(Exception):
    """args[0]: every fault of the file, one line each."""


def read(path):
    """The scenario of a file; raises Faulty."""
    try:
        scenario = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise Faulty([f"cannot be read: {error.strerror}"]) from None
    except (ValueError, RecursionError) as error:
        raise Faulty([f"is not JSON: {error}"]) from None
    faults = check(scenario)
    if faults:
        raise Faulty(faults)
    scenario.setdefault("first_slot_minutes", scenario["slot_minutes"])
    scenario.setdefault("id", path.stem)
    return scenario


def check(scenario):
    """Every fault of a scenario, as lines."""
    if not isinstance(scenario, dict):
        return [f"must be an object, got {shown(scenario)}"]
    faults = []
    n = whole(scenario, "n", _N_MAX, faults)
    minutes = whole(scenario, "slot_minutes", 60, faults)
    if "first_slot_minutes" in scenario:
        whole(scenario, "first_slot_minutes", minutes or 60, faults)
    for key in ("id", "currency"):
        if not isinstance(scenario.get(key, ""), str):
            faults.append(f"{key} must be text, got {shown(scenario[key])}")
    for name, low, high in SERIES:
        series(scenario.get(name), name, n, (low, high), faults)
    for name in ("battery", "grid", "terminal", "rules"):
        if not isinstance(scenario.get(name), dict):
            faults.append(f"{name} must be an object, got {shown(scenario.get(name))}")
    for name, key, low, high in NUMBERS:
        if isinstance(scenario.get(name), dict):
            number(scenario[name].get(key), f"{name}.{key}", (low, high), faults)
    switches(scenario, faults)
    export_limit(scenario, n, faults)
    return faults + relations(scenario, faults)


def switches(scenario, faults):
    rules = scenario.get("rules")
    for key in ("grid_charge", "battery_export"):
        if isinstance(rules, dict) and not isinstance(rules.get(key), bool):
            faults.append(f"rules.{key} must be true or false, got {shown(rules.get(key))}")


def export_limit(scenario, n, faults):
    part = scenario.get("grid")
    if isinstance(part, dict):
        limit = part.get("export_max_kw")
        if isinstance(limit, list):
            series(limit, "grid.export_max_kw", n, _EXPORT_KW, faults)
        else:
            number(limit, "grid.export_max_kw", _EXPORT_KW, faults)


def relations(scenario, faults):
    """Faults between values that are fine by themselves."""
    wrong = tuple(fault.split(" ")[0].split("[")[0] for fault in faults)
    found = []

    def fine(*names):
        return not any(name.startswith(bad) for name in names for bad in wrong)

    for name, above in (("soc_min_kwh", False), ("soc_init_kwh", True)):
        if fine(f"battery.{name}", "battery.soc_max_kwh"):
            value, full = scenario["battery"][name], scenario["battery"]["soc_max_kwh"]
            if value > full or value == full and not above:
                found.append(f"battery.{name} must {'not be above' if above else 'be below'} "
                             "battery.soc_max_kwh")
    if fine("grid.import_excess_cost", "import_price") and (
            scenario["grid"]["import_excess_cost"] + min(scenario["import_price"]) <= 0):
        found.append("grid.import_excess_cost must exceed the lowest import price turned round")
    return found


def fits(value, low, high):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high


def shown(value):
    """A value as a fault names it, cut where it is long."""
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def number(value, name, limits, faults):
    if not fits(value, *limits):
        faults.append(f"{name} must be a number from {limits[0]} to {limits[1]}, "
                      f"got {shown(value)}")


def whole(scenario, name, high, faults):
    value = scenario.get(name)
    if isinstance(value, int) and fits(value, 1, high):
        return value
    faults.append(f"{name} must be a whole number from 1 to {high}, got {shown(value)}")
    return None


def series(values, name, n, limits, faults):
    """The first entry that is wrong, and how many more are."""
    if not isinstance(values, list) or n is not None and len(values) != n:
        got = f"{len(values)} of them" if isinstance(values, list) else shown(values)
        faults.append(f"{name} must be a list of n numbers, got {got}")
        return
    wrong = [t for t, value in enumerate(values) if not fits(value, *limits)]
    if wrong or not values:
        number(values[wrong[0]] if wrong else None, f"{name}[{wrong[0] if wrong else 0}]", limits,
               faults)
    if len(wrong) > 1:
        faults[-1] += f" (and {len(wrong) - 1} more of this list)"


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
