"""`python -m tools.scenarios FOLDER [--seed N] [--count N] [--harsh]`: scenarios for the planner.

A scenario is made from its seed alone and mixes every feature of the problem: tariffs that are
flat, in bands, on a spot market or below zero, export above import, caps, forbidden grid charging
and battery export, wear, storm reserves (some out of reach), a target for the end, slots of 15, 30
and 60 minutes, a running slot that is partly over, 24 to 72 hours. All of it is invented. The
harsh ones are what a planner likes least: prices that jump in every slot, often below zero or with
export above import, and hardly any wear.
"""

import argparse
import json
import math
import random
from pathlib import Path


def scenario(seed, hours=None, harsh=False):
    """The scenario of a seed, as the file format of docs/planner.md; `hours` fixes its length."""
    name = f"{'harsh' if harsh else 'seed'}_{seed}"
    chance = random.Random(f"{'harsh' if harsh else 'planner'} {seed}")
    minutes = chance.choice((15, 30, 30, 30, 60))
    n = (hours or chance.choice((24, 36, 48, 48, 72))) * 60 // minutes
    made = {"format": 1, "id": name, "n": n, "slot_minutes": minutes,
            "first_slot_minutes": chance.choice((minutes, chance.randint(1, minutes)))}
    hour = [t * minutes / 60 for t in range(n)]
    made["currency"] = "EUR"
    made["import_price"], made["export_price"] = (harsh_prices if harsh else prices)(chance, hour)
    made["load_kw"], made["pv_kw"] = load(chance, hour), pv(chance, hour)
    made["battery"] = battery(chance)
    if harsh:
        made["battery"]["wear_cost"] = chance.choice((0.0, 0.0, 0.005, 0.02))
        if chance.random() < 0.3:
            made["battery"]["soc_init_kwh"] = made["battery"]["soc_min_kwh"] / 2
    made["grid"] = grid(chance, n, max(made["load_kw"]), min(made["import_price"]))
    made["rules"] = {"grid_charge": chance.random() < 0.7, "battery_export": chance.random() < 0.7}
    made["reserve_kwh"] = reserve(chance, n, made["battery"])
    made["terminal"] = terminal(chance, made)
    return made


def prices(chance, hour):
    """(import, export) per kWh with five decimals."""
    kind = chance.choice(("flat", "bands", "spot", "spot", "deep"))
    level = chance.uniform(0.1, 0.4)
    buy = []
    walk = 0.0
    for h in hour:
        walk = 0.85 * walk + chance.gauss(0, 0.035)
        if kind == "flat":
            buy.append(level)
        elif kind == "bands":
            buy.append(level * (0.6 if h % 24 < 6 else 1.7 if 16 <= h % 24 < 20 else 1.0))
        else:
            shape = 0.1 * math.sin((h - 13) * math.pi / 6)
            dip = 0.25 if kind == "deep" and 11 <= h % 24 < 15 else 0
            buy.append(level * 0.7 + shape + walk - dip)
    if chance.random() < 0.2:
        buy[chance.randrange(len(buy))] += chance.uniform(0.5, 2.0)
    return [round(b, 5) for b in buy], export_prices(chance, buy)


def export_prices(chance, buy):
    kind = chance.choice(("below", "below", "fixed", "zero", "equal", "above", "wild"))
    fixed = chance.uniform(0.02, 0.12)
    sell = []
    for b in buy:
        if kind == "wild":
            sell.append(b + chance.gauss(-0.03, 0.08))
        else:
            sell.append({"below": b - 0.06, "fixed": fixed, "zero": 0.0, "equal": b,
                         "above": b + 0.05}[kind])
    return [round(s, 5) for s in sell]


def harsh_prices(chance, hour):
    """(import, export) per kWh: noise around a level that may be below zero."""
    level, swing = chance.uniform(-0.05, 0.3), chance.uniform(0.02, 0.3)
    buy = [level + chance.gauss(0, swing) + 0.1 * math.sin((h - 13) * math.pi / 6) for h in hour]
    over, noise = chance.choice((-0.02, 0.0, 0.03, 0.08, 0.15)), chance.choice((0.0, 0.03, 0.15))
    sell = [b + over + chance.gauss(0, noise) for b in buy]
    return [round(b, 5) for b in buy], [round(s, 5) for s in sell]


def load(chance, hour):
    base = chance.uniform(0.2, 1.5)
    drawn = []
    for h in hour:
        extra = chance.uniform(0, 4) if chance.random() < 0.08 else chance.uniform(0, 0.4)
        drawn.append(round(base * (0.6 + 0.5 * math.sin((h - 12) * math.pi / 12) ** 2) + extra, 3))
    return drawn


def pv(chance, hour):
    peak = chance.choice((0.0, 2.0, 5.0, 9.0))
    cloud = [chance.uniform(0.1, 1.0) for _ in range(4)]
    return [round(peak * cloud[int(h // 24)] * chance.uniform(0.6, 1.0)
                  * max(0.0, math.sin((h % 24 - 6) * math.pi / 12)), 3) for h in hour]


def battery(chance):
    size = chance.choice((5.0, 10.0, 13.5, 20.0))
    low = round(size * chance.choice((0.0, 0.05, 0.1)), 3)
    power = chance.choice((1.5, 3.0, 5.0, 8.0))
    return {"capacity_kwh": size, "soc_min_kwh": low, "soc_max_kwh": size,
            "soc_init_kwh": round(chance.choice((low, size, chance.uniform(low * 0.5, size))), 3),
            "charge_max_kw": power, "discharge_max_kw": chance.choice((power, power * 0.7)),
            "eta_charge": chance.choice((0.95, 0.9, 0.98, 0.8944)),
            "eta_discharge": chance.choice((0.95, 0.9, 0.98, 0.8944)),
            "wear_cost": chance.choice((0.0, 0.0, 0.01, 0.02, 0.05))}


def grid(chance, n, load_kw_max, price_min):
    cap = chance.choice((0.0, 1.0, 5.0, 12.0))
    export = cap if chance.random() < 0.7 else [chance.choice((0.0, cap, 3.0)) for _ in range(n)]
    return {"import_max_kw": round(chance.choice((3.0, 6.0, 17.0, load_kw_max * 0.8)), 3),
            "import_excess_cost": round(max(1.0, 0.1 - price_min), 5), "export_max_kw": export}


def reserve(chance, n, pack):
    wanted = [0.0] * n
    for _ in range(chance.choice((0, 0, 1, 1, 2))):
        begin = chance.randrange(n)
        level = round(pack["soc_max_kwh"] * chance.choice((0.4, 0.7, 1.0)), 3)
        for t in range(begin, min(n, begin + chance.randint(1, n // 3))):
            wanted[t] = level
    return wanted


def terminal(chance, made):
    buy = made["import_price"]
    mean = sum(buy[len(buy) // 2:]) / len(buy[len(buy) // 2:])
    pack = made["battery"]
    value = chance.choice((0.0, max(0.0, min(buy)),
                           0.8 * pack["eta_discharge"] * mean - pack["wear_cost"]))
    wanted = round(pack["soc_max_kwh"] * 0.5, 3) if chance.random() < 0.25 else 0.0
    return {"value": round(value, 5), "min_kwh": wanted}


def main():
    parser = argparse.ArgumentParser(prog="python -m tools.scenarios", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1, help="of the first one")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--harsh", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for seed in range(options.seed, options.seed + options.count):
        made = scenario(seed, harsh=options.harsh)
        (options.folder / f"{made['id']}.json").write_text(json.dumps(made) + "\n")


if __name__ == "__main__":
    main()
