"""`python -m tools.plan SCENARIO.json` or `FOLDER --jsonl OUT`: the firmware's planner on files.

Prints the plan as a table, or with --json as one object. --runtime micropython (the default) runs
the planner as the firmware does, in one process for a whole folder; cpython runs the same source
here. docs/planner.md describes the file format.
"""

import argparse
import json
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

from tools.mpy_run import ROOT, interpreter
from tools.scenario_file import Faulty, fields, read

SIDE = ROOT / "tools" / "plan_side.py"
HEAP = "2M"
ORDER = ("id", "battery_kw", "curtail_kw", "soc_kwh", "mode", "marginal_value", "cost", "ms",
         "operations", "peak_heap_bytes", "short_kwh", "fault")
COLUMNS = ("slot", "buy", "sell", "load kW", "PV kW", "battery kW", "curtail", "grid kW",
           "SoC kWh", "worth", "mode")


def solve(scenarios, runtime):
    """The results of checked scenarios, in their order: one dict each."""
    jobs = [{"id": s["id"], "problem": fields(s)[0], "scale": fields(s)[1]} for s in scenarios]
    return micropython(jobs) if runtime == "micropython" else cpython(jobs)


def micropython(jobs):
    """Run all jobs in one process of the desktop's MicroPython."""
    lines = "".join(json.dumps(job) + "\n" for job in jobs)
    command = [interpreter(), "-X", f"heapsize={HEAP}", str(SIDE)]
    done = subprocess.run(command + [str(ROOT / "firmware"), str(ROOT / "stubs")],
                          input=lines, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"error: the planner ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return [in_order(json.loads(line)) for line in done.stdout.splitlines()]


def in_order(result):
    """MicroPython does not keep the order of a dict."""
    return {key: result[key] for key in ORDER if key in result}


def cpython(jobs):
    """The same in this process."""
    for folder in ("stubs", "firmware"):
        if str(ROOT / folder) not in sys.path:
            sys.path.insert(0, str(ROOT / folder))
    from tools import plan_side

    results = []
    for job in jobs:
        began = time.perf_counter()
        planner = plan_side.plan(job)
        took_ms = (time.perf_counter() - began) * 1000
        tracemalloc.start()
        plan_side.plan(job)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        results.append(in_order(plan_side.result(job, planner, round(took_ms, 3), peak)))
    return results


def table(scenario, result):
    """The plan for a person."""
    rows = [COLUMNS]
    for t in range(scenario["n"]):
        battery, curtail = result["battery_kw"][t], result["curtail_kw"][t]
        load, pv = scenario["load_kw"][t], scenario["pv_kw"][t]
        rows.append((
            str(t), f"{scenario['import_price'][t]:.4f}", f"{scenario['export_price'][t]:.4f}",
            f"{load:.3f}", f"{pv:.3f}", f"{battery:.3f}", f"{curtail:.3f}",
            f"{load - pv + curtail + battery:.3f}", f"{result['soc_kwh'][t]:.3f}",
            f"{result['marginal_value'][t]:.4f}", result["mode"][t]))
    widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
    text = "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths))
                     for row in rows)
    tail = f"\n{result['id']}: cost {result['cost']:.5f} in {result['ms']} ms"
    if result["short_kwh"]:
        tail += f"; the reserve cannot be met, {result['short_kwh']:.3f} kWh short at worst"
    return text + tail + ". Battery + charges, grid + imports."


def plot(scenario, result, path):
    """Prices, flows and stored energy as a picture."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    first, rest = scenario["first_slot_minutes"] / 60, scenario["slot_minutes"] / 60
    hours = [0.0] + [first + rest * t for t in range(scenario["n"])]
    figure, (money, flow, store) = pyplot.subplots(3, 1, sharex=True, figsize=(11, 8))
    money.stairs(scenario["import_price"], hours, label="import price")
    money.stairs(scenario["export_price"], hours, label="export price")
    money.stairs(result["marginal_value"], hours, label="worth of stored energy", linestyle=":")
    money.set_ylabel(f"{scenario.get('currency', '')} / kWh")
    flow.stairs(scenario["load_kw"], hours, label="load")
    flow.stairs(scenario["pv_kw"], hours, label="PV")
    flow.stairs(result["battery_kw"], hours, label="battery (+ charges)", fill=True, alpha=0.4)
    grid = [load - pv + curtail + battery for load, pv, curtail, battery in zip(
        scenario["load_kw"], scenario["pv_kw"], result["curtail_kw"], result["battery_kw"])]
    flow.stairs(grid, hours, label="grid (+ imports)", linestyle="--")
    flow.set_ylabel("kW")
    store.plot(hours, [scenario["battery"]["soc_init_kwh"], *result["soc_kwh"]], label="stored")
    store.stairs(scenario["reserve_kwh"], hours, label="reserve", linestyle=":")
    store.set_ylabel("kWh")
    store.set_xlabel("hours from now")
    for axes in (money, flow, store):
        axes.legend(loc="upper right", fontsize="small")
        axes.grid(alpha=0.3)
    figure.suptitle(f"{result['id']}: cost {result['cost']:.3f}")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tools.plan", description=__doc__)
    parser.add_argument("scenario", type=Path, help="a scenario file, or a folder of them")
    parser.add_argument("--runtime", choices=("micropython", "cpython"), default="micropython")
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--jsonl", type=Path, help="for a folder: write one object a line here")
    parser.add_argument("--plot", type=Path, help="write prices, flows and SoC as a PNG")
    options = parser.parse_args(arguments)
    folder = options.scenario.is_dir()
    if folder != (options.jsonl is not None):
        parser.error("a folder needs --jsonl OUT, a file does not take it")
    if folder and (options.plot or options.json):
        parser.error("--plot and --json go with one file")
    paths = sorted(options.scenario.glob("*.json")) if folder else [options.scenario]
    scenarios, faults = [], []
    for path in paths:
        try:
            scenarios.append(read(path))
        except Faulty as faulty:
            faults += [f"error: {path}: {fault}" for fault in faulty.args[0]]
    if faults:
        sys.exit("\n".join(faults))
    if not scenarios:
        sys.exit(f"error: {options.scenario} holds no .json file")
    results = solve(scenarios, options.runtime)
    try:
        show(options, scenarios, results)
    except (OSError, ValueError) as error:      # ValueError: no picture of that kind
        sys.exit(f"error: {error}")
    refused = [f"error: {r['id']}: re-simulation refused the plan: {r['fault']}"
               for r in results if r["fault"]]
    if refused:
        sys.exit("\n".join(refused))


def show(options, scenarios, results):
    if options.jsonl:
        options.jsonl.write_text("".join(json.dumps(result) + "\n" for result in results))
        return
    scenario, result = scenarios[0], results[0]
    if options.json:
        print(json.dumps(result))
    elif not result["fault"]:
        print(table(scenario, result))
    if options.plot and not result["fault"]:
        plot(scenario, result, options.plot)


if __name__ == "__main__":
    main()
