"""Runs the planner on jobs; this part is executed by MicroPython itself, one job a line of stdin.

`micropython plan_side.py PATH...`, where each PATH goes on sys.path. Prints one result a line.
"""

import gc
import json
import sys
import time

_MONEY = 100_000


def problem(job):
    from bess.core.market.problem import Problem

    given = job["problem"]
    made = Problem(given["import_price"], given["export_price"], given["load_w"], given["pv_w"])
    for name in given:
        setattr(made, name, given[name])
    return made


def plan(job, peak=None):
    """A planner that has finished the job; `peak` is called at the end of each slice."""
    from bess.core.market.planner import Planner

    planner = Planner()
    planner.start(problem(job))
    while planner.step():
        if peak is not None:
            peak()
    return planner


def result(job, planner, ms, peak):
    """What a job came to, in the units of the scenario file: battery + charges."""
    from bess.core.market.audit import FAULT_NAMES
    from bess.core.market.plan import MODE_NAMES

    if planner.fault is not None:
        what = FAULT_NAMES[planner.fault]
        return {"id": job["id"], "fault": "slot %d: %s" % (planner.fault_slot, what)}

    made, scale = planner.plan, job["scale"]
    kilo, mega = 1000 * scale, 1_000_000 * scale
    return {
        "id": job["id"],
        "battery_kw": [-w / kilo for w in made.battery_w],
        "curtail_kw": [w / kilo for w in made.curtail_w],
        "soc_kwh": [mwh / mega for mwh in made.soc_mwh],
        "mode": [MODE_NAMES[mode] for mode in made.mode],
        "marginal_value": [price / _MONEY for price in made.worth],
        "cost": made.cost / scale / _MONEY,
        "short_kwh": made.short_mwh / mega,
        "ms": ms,
        "operations": made.operations,
        "peak_heap_bytes": peak,
        "fault": None,
    }


class Peak:
    """Most bytes of heap in use at the end of a slice, above what was in use before."""

    def __init__(self):
        gc.collect()
        self._base = gc.mem_alloc()
        self.bytes = 0

    def __call__(self):
        gc.collect()
        self.bytes = max(self.bytes, gc.mem_alloc() - self._base)


def main():
    warm = False
    for line in sys.stdin:
        job = json.loads(line)
        if not warm:                    # the first one loads the modules
            plan(job)
            warm = True
        gc.collect()
        began = time.ticks_us()
        plan(job)
        us = time.ticks_diff(time.ticks_us(), began)
        peak = Peak()
        planner = plan(job, peak)
        print(json.dumps(result(job, planner, us / 1000, peak.bytes)))


if __name__ == "__main__":
    sys.path[:0] = sys.argv[1:]
    main()
