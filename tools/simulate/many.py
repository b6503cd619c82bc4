"""Runs of simulated hours: one, or many of them on all cores."""

import json
import os
from concurrent.futures import ProcessPoolExecutor, as_completed

from bess.core.tick import TICK_MASK
from tools.simulate import sabotage as sabotages
from tools.simulate.packs import PacksWorld
from tools.simulate.world import EPOCH_S, FORWARD_S, World

MONTH_HOURS = 720
_DAY_S = 86_400
_FIRST_WRAP_S = 6 * _DAY_S
_SECOND_WRAP_S = _FIRST_WRAP_S + (TICK_MASK + 1) // 1000    # the third is on the 31st day


def replay_line(seed, hours, tick_ms, modules, kinds, sabotage):
    """The command that runs the same again."""
    words = ["python -m tools.simulate --seed %d --hours %g" % (seed, hours)]
    if tick_ms != 1000:
        words.append("--tick-ms %d" % tick_ms)
    if modules != 4:
        words.append("--modules %d" % modules)
    if kinds is not None:
        words.append("--faults")
    if kinds:
        words.append("--kinds '%s'" % kinds)
    if sabotage:
        words.append("--sabotage '%s'" % sabotage)
    return " ".join(words)


def simulate(seed, hours, tick_ms=1000, modules=4, kinds="", sabotage=None, until=None):
    """The report of one run. kinds: of faults, with commas in between; "" all, None no faults.

    until: a truth; its violation ends the run.
    """
    replay = replay_line(seed, hours, tick_ms, modules, kinds, sabotage)
    chosen = kinds.split(",") if kinds else None if kinds == "" else ()
    with sabotages.disabled(sabotage):
        world = World(seed, modules, tick_ms, chosen, replay)
        return world.run(hours, until)


def simulate_packs(packs, seed, hours, tick_ms=1000, kinds="", sabotage=None, until=None):
    """The same of so many packs with four modules each."""
    line = replay_line(seed, hours, tick_ms, 4, kinds, sabotage)
    chosen = kinds.split(",") if kinds else None if kinds == "" else ()
    with sabotages.disabled(sabotage):
        world = PacksWorld(seed, packs, tick_ms, chosen, "%s --packs %d" % (line, packs))
        return world.run(hours, until)


def month(seed, hours, modules):
    """The report of 30 days: two wraps of the tick, and clocks that go forward.

    With fewer hours than that: of these three moments, with the controller switched off between.
    """
    from rich.console import Console
    from rich.progress import Progress
    begins = (TICK_MASK + 1 - 1000 * _FIRST_WRAP_S, EPOCH_S)
    replay = "python -m tools.simulate --month --seed %d --hours %g" % (seed, hours)
    world = World(seed, modules, replay=replay, begins=begins)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("simulated hours", total=hours)
        if hours >= MONTH_HOURS:
            return world.run(hours, watch=lambda hour: progress.update(task, completed=hour))
        for moment_s in (_FIRST_WRAP_S, FORWARD_S, _SECOND_WRAP_S):
            world.leap(moment_s - hours * 600)
            report = world.run(hours / 3)
            progress.advance(task, hours / 3)
    return report


def one(seed, hours, modules, packs):
    """A run in a process of its own."""
    if packs > 1:
        return simulate_packs(packs, seed, hours)
    return simulate(seed, hours, modules=modules)


def many(count, hours, modules, jobs, packs=1):
    """Seeds 1..count; prints every violation and a last line of JSON; 1 when there was one."""
    from rich.progress import Progress
    jobs = jobs or os.cpu_count() or 1
    ticks = bad = 0
    injected = {}
    with ProcessPoolExecutor(jobs) as pool, Progress() as progress:
        task = progress.add_task("simulated hours", total=count)
        runs = [pool.submit(one, seed, hours, modules, packs)
                for seed in range(1, count + 1)]
        for run in as_completed(runs):
            report = run.result()
            ticks += report["ticks"]
            for kind, times in report["faults_injected"].items():
                injected[kind] = injected.get(kind, 0) + times
            for violation in report["violations"]:
                bad += 1
                progress.console.print(json.dumps(violation))
            progress.advance(task)
    print(json.dumps({"seeds": count, "ticks": ticks, "violations": bad,
                      "faults_injected": dict(sorted(injected.items()))}))
    return 1 if bad else 0
