"""Runs the simulated hour: `python -m host_tests.sim.run --seed N --minutes M`.

Also a program for MicroPython: `micropython host_tests/sim/run.py --seed N --minutes M`.

  --seed N       course of events (1)            --modules N   4 or 16 (4)
  --minutes M    how long (60)                   --locked      each control tick with a locked heap
  --minute K     print each tick of minute K, counted from 0
  --busy         the hour in which everything happens (busy.py, 16 modules, no wires)
  --json         one line of JSON: hashes, faults, sim_seconds_per_second; what --busy has missed

MicroPython is fastest here with a small heap: `-X heapsize=512K`.
"""

import json
import sys
import time

_ROOT = __file__.replace("\\", "/").rsplit("/", 3)
_ROOT = _ROOT[0] if len(_ROOT) == 4 else "."
for _entry in (_ROOT + "/stubs", _ROOT, _ROOT + "/firmware"):
    if _entry.endswith("stubs"):
        if sys.implementation.name == "cpython":    # elsewhere the real thing is built in
            sys.path.insert(0, _entry)
    elif _entry not in sys.path:
        sys.path.insert(0, _entry)

from host_tests.sim.world import LABELS, TICKS_PER_MINUTE, World  # noqa: E402

_NUMBERS = {"--seed": 1, "--minutes": 60, "--modules": 4, "--minute": -1}
_FLAGS = ("--locked", "--busy", "--json")


def parse(arguments):
    """{option: value}; ValueError names what is wrong."""
    options = dict(_NUMBERS)
    for flag in _FLAGS:
        options[flag] = False
    i = 0
    while i < len(arguments):
        name = arguments[i]
        if name in _FLAGS:
            options[name] = True
        elif name in _NUMBERS and i + 1 < len(arguments):
            i += 1
            options[name] = int(arguments[i])
        else:
            raise ValueError("%s: allowed are %s" % (name, ", ".join(sorted(options))))
        i += 1
    return options


def now_s():
    """Seconds of a clock that suits measuring."""
    if hasattr(time, "perf_counter"):
        return time.perf_counter()
    return time.ticks_us() / 1_000_000


def simulate(options):
    """A World that has run, and how many seconds of the real world it took."""
    seed, locked = options["--seed"], options["--locked"]
    if options["--busy"]:
        from host_tests.sim import busy
        world, labels = busy.Busy(seed, locked=locked), busy.LABELS
    else:
        world, labels = World(seed, options["--modules"], locked=locked), LABELS
    began_s = now_s()
    for minute in range(options["--minutes"]):
        if minute == options["--minute"]:
            print(" ".join(labels))
            for _ in range(TICKS_PER_MINUTE):
                world.run(1)
                print(" ".join([str(number) for number in world.last]))
        else:
            world.run(TICKS_PER_MINUTE)
    return world, now_s() - began_s


def report(world, spent_s):
    """What --json prints."""
    return {
        "missing": world.seen.missing() if hasattr(world, "seen") else [],
        "interpreter": sys.implementation.name,
        "hashes": world.hashes,
        "faults": world.faults,
        "frames": sum([wire.frames for wire in world.wires]),
        "sim_seconds_per_second": round(world.tick / 10 / max(spent_s, 0.001)),
    }


def main(arguments):
    """0 when the oracle was content."""
    try:
        options = parse(arguments)
    except ValueError as fault:
        print("error:", fault)
        return 2
    world, spent_s = simulate(options)
    result = report(world, spent_s)
    if options["--json"]:
        print(json.dumps(result))
        return 1 if world.faults else 0
    for fault in world.faults:
        print("FAULT", fault)
    print("%d ticks, hash %08x, %d frames, %d simulated seconds a second" % (
        world.tick, world.hash, result["frames"], result["sim_seconds_per_second"]))
    return 1 if world.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
