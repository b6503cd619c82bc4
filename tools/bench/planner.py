"""Figures of the 48-hour planner: gap to the optimum, time, slices, heap, beside CBC and HiGHS.

`rows()` gives {"name", "value", "unit", "note"} for the bench; `python -m tools.bench.planner`
prints them. The scenarios are the project's own (tools/scenarios.py), 48 hours in 96 slots of
30 minutes and 192 of 15, and the open examples where they stand beside the checkout.
"""

import contextlib
import io
import json
import statistics
import subprocess
import time
import warnings

from tools import build, milp, plan, scenario_file, wasm32
from tools.mpy_run import interpreter
from tools.scenarios import scenario

OPEN = build.ROOT.parent / "shared" / "reference" / "planner_examples"
SEEDS = range(1, 400)
EACH = 12                       # own scenarios of each length
HARD = 156                      # seed of one that keeps CBC and HiGHS busy for over a minute
SOLVER_S = 20                   # what they get here
REPEATS = 7

_TIMER = """
import gc, json, sys, time
sys.path[:0] = sys.argv[1:]
import plan_side
for line in sys.stdin:
    job = json.loads(line)
    problem = plan_side.problem(job)
    from bess.core.market.planner import Planner
    planner = Planner()
    best, slices = None, None
    for _ in range(%d):
        gc.collect()
        began = time.ticks_us()
        planner.start(problem)
        while planner.step():
            pass
        us = time.ticks_diff(time.ticks_us(), began)
        best = us if best is None or us < best else best
    for _ in range(%d):
        gc.collect()
        planner.start(problem)
        took, more = [], True
        while more:
            began = time.ticks_us()
            more = planner.step()
            took.append(time.ticks_diff(time.ticks_us(), began))
        slices = took if slices is None else [min(a, b) for a, b in zip(slices, took)]
    print(json.dumps([best, slices]))
"""

_HEAP = """
import gc, json, plan_side
from bess.core.market import audit, branches, plan, planner, search, stage, sweep
job = json.loads(%r)
problem = plan_side.problem(job)
problem.prepare()
made = planner.Planner()
mark = [0, 0, 0]
def step():
    if made.step():
        mark[2] += 1
        mark[1] = max(mark[1], gc.mem_alloc())
"""


def jobs_of(scenarios):
    return [{"id": one["id"], "problem": fields, "scale": scale}
            for one in scenarios for fields, scale in [scenario_file.fields(one)]]


def timed(jobs):
    """[(best ms of a whole plan, best us of each of its slices)] on the desktop's MicroPython."""
    script = build.BUILD / "planner_timer.py"
    script.parent.mkdir(exist_ok=True)
    script.write_text(_TIMER % (REPEATS, REPEATS))
    lines = "".join(json.dumps(job) + "\n" for job in jobs)
    paths = [build.FIRMWARE, build.ROOT / "stubs", build.ROOT / "tools"]
    done = subprocess.run([interpreter(), "-X", "heapsize=8M", script, *paths], input=lines,
                          capture_output=True, text=True, check=True)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return [(us / 1000, slices) for us, slices in found]


def heap32(job, slices):
    """Peak of the 32-bit heap at the end of a slice, less modules and problem, in bytes."""
    files = wasm32.tree(build.FIRMWARE)
    files["/lib/plan_side.py"] = build.ROOT / "tools" / "plan_side.py"
    calls = [_HEAP % json.dumps(job), "pass", "mark[0] = gc.mem_alloc()", "made.start(problem)"]
    calls += ["step()"] * slices + ["print(json.dumps([mark, made.step()]))"]
    (base, peak, _), more = json.loads(wasm32.run32(calls, files).splitlines()[-1])
    if more:
        raise wasm32.Failed(f"{job['id']}: not ended after {slices} slices")
    return peak - base


def solver_ms(one, name):
    """(wall time of solve() in ms, cost or None) of a solver in PuLP."""
    import pulp

    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        model = milp.build(one)
        began = time.perf_counter()
        status = model.solve(milp.solver(name, SOLVER_S))
        took = (time.perf_counter() - began) * 1000
    proven = model.sol_status == pulp.LpSolutionOptimal and status == pulp.LpStatusOptimal
    return took, pulp.value(model.objective) if proven else None


def own(slots, minutes):
    """The first of our scenarios with that many slots."""
    found = []
    for seed in SEEDS:
        one = scenario(seed, 48)
        if one["n"] == slots and one["slot_minutes"] == minutes:
            found.append(one)
        if len(found) == EACH:
            break
    return found


def given():
    """The open examples, where they are."""
    return [scenario_file.read(path) for path in sorted(OPEN.glob("x*.json"))]


def row(name, value, unit, note):
    return {"name": name, "value": round(value, 5), "unit": unit, "note": note}


def figures(name, scenarios, solvers):
    """Rows of one set of scenarios."""
    jobs = jobs_of(scenarios)
    results = plan.micropython(jobs)
    times = timed(jobs)
    gaps = savings = 0
    faster, found = [], []
    for one, result, (ms, _) in zip(scenarios, results, times):
        best = None
        for solver in solvers:
            took, cost = solver_ms(one, solver)
            found.append((solver, took))
            best = cost if cost is not None and (best is None or cost < best) else best
            if solver == "cbc":
                faster.append(took / ms)
        if best is not None:
            cost, faults = milp.judge(one, result["battery_kw"], result["curtail_kw"])
            if faults:
                raise RuntimeError(f"{one['id']}: {faults[0]}")
            gaps += cost - best
            savings += max(0.05, milp.idle_cost(one) - best)
    note = f"{len(scenarios)} scenarios"
    slices = sorted(us for _, each in times for us in each)
    rows = [row(f"plan_{name}_ms", statistics.median(ms for ms, _ in times), "ms",
                f"median of {note}, MicroPython, best of {REPEATS}"),
            row(f"plan_{name}_ms_worst", max(ms for ms, _ in times), "ms", "slowest of them"),
            row(f"plan_{name}_slice_us", slices[len(slices) * 999 // 1000], "us",
                f"99.9 % of {len(slices)} slices are shorter, best of {REPEATS} runs"),
            row(f"plan_{name}_heap32_bytes", max(
                heap32(job, len(each)) for job, (_, each) in zip(jobs, times)), "bytes",
                "peak at the end of a slice, 32-bit build, less modules and inputs")]
    if savings:
        rows.append(row(f"plan_{name}_gap_pct", 100 * gaps / savings, "%",
                        "of what can be saved, to the optimum of the solvers"))
    for solver in solvers:
        took = [ms for which, ms in found if which == solver]
        rows.append(row(f"plan_{name}_{solver}_ms", statistics.median(took), "ms",
                        f"PuLP with {solver}, wall time of solve(); slowest {max(took):.0f}"))
    if faster:
        rows.append(row(f"plan_{name}_vs_cbc", statistics.median(faster), "x",
                        f"faster than CBC, median; most {max(faster):.0f}"))
        slowest = max(took for which, took in found if which == "cbc")
        rows.append(row(f"plan_{name}_vs_cbc_worst", slowest / max(ms for ms, _ in times), "x",
                        "CBC's slowest by our slowest"))
    return rows


def rows():
    """All figures; about two minutes."""
    found = []
    if OPEN.is_dir():
        found += figures("open", given(), ("cbc", "highs"))
    found += figures("96", own(96, 30), ("cbc", "highs"))
    found += figures("192", own(192, 15), ("highs",))
    found += figures("hard", [scenario(HARD)], ("cbc",))
    return found


def main():
    for each in rows():
        print(f"{each['name']:28} {each['value']:12} {each['unit']:6} {each['note']}")


if __name__ == "__main__":
    main()
