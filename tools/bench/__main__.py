"""`make bench`: a table, and build/bench.json, a list of {name, value, unit, note}."""

import json
import statistics
import subprocess
import sys
import tempfile

from tools import build
from tools.bench import chip, heap32, modbus, planner

ROUNDS = 5
SIM_SEEDS = (1, 2, 3)
LOOP_NOTE = "over a fixed loop of the same run: 1000 x (multiply, add, mask)"


def tick_rows(tree):
    """Time and heap of one control tick, beside the reference loop; medians of ROUNDS runs."""
    kinds = {"4": (4, 1, 800), "16": (16, 2, 800), "fresh": (16, 16, 800)} | chip.EVERYTHING
    runs = {name: [] for name in kinds}
    for _ in range(ROUNDS):
        for name, words in kinds.items():
            runs[name].append(chip.run(tree, "tick_program.py", *words, heap="2M"))
    four, sixteen, fresh, everything, all_fresh, trip = (
        statistics.median(run[0] for run in runs[name]) for name in runs)
    ratio = statistics.median(run[0] / run[2] for run in runs["16"])
    loop_us = statistics.median(run[2] for run in runs["16"])
    p99_us = statistics.median(run[1] for run in runs["16"])
    return [
        ("tick_4_us", four, "us", "pure chain, 4 modules, one of them new, median"),
        ("tick_16_us", sixteen, "us", f"16 modules, two of them new, median; p99 {p99_us} us"),
        ("tick_16_fresh_us", fresh, "us", "16 modules, all of them new, median"),
        ("tick_16_all_us", everything, "us", "everything enabled, two modules new, median"),
        ("tick_16_all_fresh_us", all_fresh, "us", "everything enabled, all modules new, median"),
        ("tick_16_trip_us", trip, "us", "the same with a trip, median"),
        ("tick_loops", round(ratio, 3), "loops", f"tick_16_us {LOOP_NOTE} ({loop_us} us)"),
        ("tick_16_bytes", sum(run[3] for name in kinds for run in runs[name]), "bytes",
         "heap allocated in all these ticks, each with the heap locked"),
    ]


def image_rows():
    for board in build.boards():
        size = sum(map(len, build.image(board).values()))
        yield f"image_bytes_{board}", size, "bytes", "all files that ship"


def heap_rows():
    found = heap32.measure()
    yield ("heap32_core_bytes", found["total"], "bytes",
           "live after 100 ticks, 16 modules, the virtual board's configuration")
    content = heap32.files(**heap32.EVERYTHING)
    yield ("heap32_all_bytes", heap32.live(content, heap32.ASKED)[0], "bytes",
           "the same with everything loaded that is loaded when it is asked for")


def simulation_rows():
    """What `python -m tools.simulate --hours 1 --faults` reports; of SIM_SEEDS the median."""
    for modules in (4, 16):
        speeds = []
        for seed in SIM_SEEDS:
            done = subprocess.run(
                [sys.executable, "-m", "tools.simulate", "--seed", str(seed), "--hours", "1",
                 "--faults", "--modules", str(modules), "--json"],
                capture_output=True, text=True, check=True, cwd=build.ROOT)
            speeds.append(json.loads(done.stdout)["speed"])
        yield (f"sim_{modules}_seconds_per_second", statistics.median(speeds), "s/s",
               f"tools.simulate, {modules} modules, an hour with faults, {len(speeds)} seeds")


def measure():
    with tempfile.TemporaryDirectory() as folder:
        tree = chip.install(folder)
        yield from tick_rows(tree)
        yield from modbus.rows(tree)
    yield from heap_rows()
    yield from image_rows()
    yield from simulation_rows()
    for row in planner.rows():
        yield row["name"], row["value"], row["unit"], row["note"]


def main():
    rows = []
    for name, value, unit, note in measure():
        rows.append({"name": name, "value": value, "unit": unit, "note": note})
        print(f"{name:24} {value:>12} {unit:6} {note}", flush=True)
    build.BUILD.mkdir(exist_ok=True)
    (build.BUILD / "bench.json").write_text(json.dumps(rows, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
