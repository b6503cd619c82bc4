"""Figures of the 48-hour planner: gap to the optimum, time, slices, heap, beside CBC and HiGHS.

`rows()` gives {"name", "value", "unit", "note"} for the bench; `python -m tools.bench.planner`
prints them. The scenarios are the project's own (tools/scenarios.py), 48 hours in 96 slots of
30 minutes and 192 of 15, some of them harsh, and the open examples, each by itself, where they
stand beside the checkout.
"""

import contextlib
import io
import json
import statistics
import subprocess
import time

from tools import build, milp, plan, scenario_file, wasm32
from tools.mpy_run import interpreter
from tools.scenarios import scenario

OPEN = build.ROOT.parent / "shared" / "reference" / "planner_examples"
SEEDS = range(1, 400)
EACH, HARSH = 9, 3              # own scenarios of each length
HARD = 156                      # seed of one that keeps CBC and HiGHS busy for over a minute
SOLVER_S = 20                   # what a solver gets here
HEAPS = 5                       # of the scenarios of a set: those with most slices
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
    """(wall time of solve() in ms, cost or None when it proved none) of a solver in PuLP."""
    import pulp

    model = milp.build(one)
    with contextlib.redirect_stdout(io.StringIO()):
        began = time.perf_counter()
        status = model.solve(milp.solver(name, SOLVER_S))
        took = (time.perf_counter() - began) * 1000
    proven = model.sol_status == pulp.LpSolutionOptimal and status == pulp.LpStatusOptimal
    return took, pulp.value(model.objective) if proven else None


def own(slots, minutes):
    """The first of our scenarios with that many slots, the last of them harsh."""
    found = []
    for count, harsh in ((EACH, False), (HARSH, True)):
        made = (scenario(seed, 48, harsh) for seed in SEEDS)
        fit = (one for one in made if one["n"] == slots and one["slot_minutes"] == minutes)
        found += [next(fit) for _ in range(count)]
    return found


class Measured:
    """One scenario: ms of our plan and of each solver, gap and what can be saved, slices."""

    def __init__(self, one, result, timing, known, solvers):
        self.one = one
        self.ms, self.slices = timing
        self.solver_ms, self.gap, self.saving = {}, None, None
        best = known
        for solver in solvers:
            self.solver_ms[solver], cost = solver_ms(one, solver)
            if known is None and cost is not None and (best is None or cost < best):
                best = cost
        cost, faults = milp.judge(one, result["battery_kw"], result["curtail_kw"])
        if faults:
            raise RuntimeError(f"{one['id']}: {faults[0]}")
        if best is not None:
            self.gap, self.saving = cost - best, max(0.05, milp.idle_cost(one) - best)

    def heap32(self):
        return heap32(jobs_of([self.one])[0], len(self.slices))


def measured(scenarios, solvers, known=None):
    """One Measured each; `known` is {id: cost of the best plan} or None."""
    jobs = jobs_of(scenarios)
    return [Measured(one, result, timing, known and known[one["id"]], solvers)
            for one, result, timing in zip(scenarios, plan.micropython(jobs), timed(jobs))]


def row(name, value, unit, note):
    return {"name": name, "value": round(value, 5), "unit": unit, "note": note}


def alone(each):
    """Rows of one scenario by itself."""
    name = f"plan_{each.one['id'].split('_')[0]}"
    yield row(f"{name}_gap_pct", 100 * each.gap / each.saving, "%",
              f"{each.one['id']}: {each.gap:.6f} above the known optimum, of {each.saving:.3f}")
    yield row(f"{name}_ms", each.ms, "ms", f"one plan, MicroPython, best of {REPEATS}")
    yield row(f"{name}_heap32_bytes", each.heap32(), "bytes", "peak at a slice's end, 32 bit")
    for solver, ms in each.solver_ms.items():
        yield row(f"{name}_{solver}_ms", ms, "ms", f"PuLP with {solver}, wall time of solve()")


def together(name, found):
    """Rows of a set of scenarios."""
    slices = sorted(us for each in found for us in each.slices)
    times = [each.ms for each in found]
    heavy = sorted(found, key=lambda each: len(each.slices))[-HEAPS:]
    judged = [each for each in found if each.gap is not None]
    yield row(f"plan_{name}_ms", statistics.median(times), "ms",
              f"median of {len(found)} scenarios, MicroPython, best of {REPEATS}")
    yield row(f"plan_{name}_ms_worst", max(times), "ms", "slowest of them")
    yield row(f"plan_{name}_slice_us", slices[len(slices) * 999 // 1000], "us",
              f"99.9 % of {len(slices)} slices are shorter, best of {REPEATS} runs")
    yield row(f"plan_{name}_heap32_bytes", max(each.heap32() for each in heavy), "bytes",
              "peak at the end of a slice, 32-bit build, less modules and inputs")
    yield row(f"plan_{name}_gap_pct", 100 * sum(each.gap for each in judged)
              / sum(each.saving for each in judged), "%",
              f"of what can be saved, {len(judged)} with a proven optimum")
    for solver in found[0].solver_ms:
        yield from beside(name, solver, found)


def beside(name, solver, found):
    """Rows that compare with a solver."""
    took = [each.solver_ms[solver] for each in found]
    slowest = max(found, key=lambda each: each.solver_ms[solver])
    worst = max(took)
    yield row(f"plan_{name}_{solver}_ms", statistics.median(took), "ms",
              f"PuLP with {solver}, wall time of solve(), median; slowest {worst:.0f}")
    yield row(f"plan_{name}_vs_{solver}",
              statistics.median(each.solver_ms[solver] / each.ms for each in found), "x",
              "faster, median of the quotients of each scenario")
    yield row(f"plan_{name}_vs_{solver}_worst", worst / slowest.ms, "x",
              f"faster where {solver} is slowest: {slowest.one['id']}, {slowest.ms:.1f} ms; "
              f"slowest by slowest {worst / max(each.ms for each in found):.0f}")


def rows():
    """All figures; about a minute."""
    if OPEN.is_dir():
        known = {one["id"]: one["opt"] for one in json.loads((OPEN / "optimum.json").read_text())}
        given = [scenario_file.read(path) for path in sorted(OPEN.glob("x*.json"))]
        found = measured(given, ("cbc", "highs"), known)
        for each in found:
            yield from alone(each)
        yield from together("open", found)
    found = measured(own(96, 30) + [scenario(HARD)], ("cbc",))
    yield from together("96", found)
    yield from together("192", measured(own(192, 15), ("highs",)))


def main():
    for each in rows():
        print(f"{each['name']:28} {each['value']:12} {each['unit']:6} {each['note']}", flush=True)


if __name__ == "__main__":
    main()
