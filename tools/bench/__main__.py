"""`make bench`: figures as a table and in build/bench.json, a list of {name, value, unit, note}."""

import json
import subprocess
import sys
import tempfile

from tools import build
from tools.bench import chip, heap32, modbus

LOOP_NOTE = "over a fixed loop of the same run: 1000 x (multiply, add, mask)"


def tick_rows(tree):
    """Time and heap of one control tick, beside the reference loop."""
    found = {name: chip.run(tree, "tick_program.py", modules, fresh, 3000, heap="2M")
             for name, modules, fresh in (("4", 4, 1), ("16", 16, 2), ("fresh", 16, 16))}
    median, p99, loop, allocated, _ = found["16"]
    return [
        ("tick_4_us", found["4"][0], "us", "pure chain, 4 modules, one of them new, median"),
        ("tick_16_us", median, "us", f"16 modules, two of them new, median; p99 {p99} us"),
        ("tick_16_fresh_us", found["fresh"][0], "us", "16 modules, all of them new, median"),
        ("tick_loops", round(median / loop, 3), "loops", f"tick_16_us {LOOP_NOTE} ({loop} us)"),
        ("tick_16_bytes", allocated, "bytes", "heap allocated in 3000 ticks, heap locked"),
    ]


def image_rows():
    for board in build.boards():
        size = sum(map(len, build.image(board).values()))
        yield f"image_bytes_{board}", size, "bytes", "all files that ship"


def heap_rows():
    found = heap32.measure()
    yield "heap32_core_bytes", found["total"], "bytes", "live after 100 ticks, 16 modules"


def simulation_rows():
    done = subprocess.run([sys.executable, "-m", "host_tests.sim.run", "--seed", "1", "--minutes",
                           "10", "--json"], capture_output=True, text=True, check=True,
                          cwd=build.ROOT)
    speed = json.loads(done.stdout.strip().splitlines()[-1])["sim_seconds_per_second"]
    yield "sim_seconds_per_second", round(speed), "s/s", "host_tests/sim, 4 modules, CPython"


def measure():
    with tempfile.TemporaryDirectory() as folder:
        tree = chip.install(folder)
        yield from tick_rows(tree)
        yield from modbus.rows(tree)
    yield from heap_rows()
    yield from image_rows()
    yield from simulation_rows()


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
