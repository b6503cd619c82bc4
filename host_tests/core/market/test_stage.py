"""The steps of a slot against the plain definition: the cheapest curtailment at each power."""

from bess.core.market.problem import Problem
from bess.core.market.stage import Stage
from host_tests.sim.rng import Rng

PRICES = (-40, -7, 0, 5, 30)


def slot(rng):
    """One hour in a few watts, so that every curtailment can be tried; no losses."""
    problem = Problem([1000 * PRICES[rng.below(5)]], [1000 * PRICES[rng.below(5)]],
                      [rng.below(12)], [rng.below(12)])
    problem.minutes = problem.first_minutes = 60
    problem.charge_w_max = rng.below(12)
    problem.discharge_w_max = rng.below(12)
    problem.import_w_max = rng.below(14)
    problem.import_excess = 50_000
    problem.export_w_max = [rng.below(10)]
    problem.grid_charge = rng.below(2) > 0
    problem.battery_export = rng.below(2) > 0
    problem.wear = 1000 * rng.below(3)
    problem.prepare()
    return problem


def cheapest(problem, charge_w):
    """Cost of the slot at a battery power, per 1000, over all curtailments; None: not allowed."""
    if not -problem.discharge_limit(0) <= charge_w <= problem.charge_limit(0):
        return None
    best = None
    for curtail_w in range(problem.pv_w[0] + 1):
        n = problem.load_w[0] - problem.pv_w[0] + curtail_w + charge_w
        if n < -problem.export_w_max[0]:
            continue
        if charge_w > 0 and n > (problem.import_w_max if problem.grid_charge else 0):
            continue
        cost = n * (problem.import_price[0] if n >= 0 else problem.export_price[0])
        cost += problem.import_excess * max(0, n - problem.import_w_max)
        if best is None or cost < best:
            best = cost
    return best + problem.wear * abs(charge_w)


def worths(stage):
    """{units taken: worth} at both ends of every step, the best where branches meet."""
    found = {}
    for first, end, at, worth in stage.branches or ((0, stage.count, stage.start, 0),):
        worth *= 1024
        found[at] = max(worth, found.get(at, worth))
        for i in range(first, end):
            worth += (stage.keys[i] >> 1) * stage.lengths[i]
            at += stage.lengths[i]
            found[at] = max(worth, found.get(at, worth))
    return found


def test_steps_are_worth_what_the_cheapest_curtailment_costs():
    for seed in range(600):
        problem = slot(Rng(seed))
        stage = Stage(problem)
        stage.load(0)
        found = worths(stage)
        left = cheapest(problem, -stage.start // 60)
        assert min(found) == -60 * problem.charge_limit(0), seed
        assert max(found) == 60 * problem.discharge_limit(0), seed
        for units in found:
            cost = cheapest(problem, -units // 60)
            # where two strategies cross between two watts, the step ends at the watt next to it
            assert abs(60 * (left - cost) - found[units]) <= 70_000 * 30, (
                seed, units, 60 * (left - cost), found[units])


def test_branches_fall_and_the_hull_falls_throughout():
    for seed in range(600):
        stage = Stage(slot(Rng(seed)))
        stage.load(0)
        for first, end, _, _ in stage.branches or ():
            keys = stage.keys[first:end]
            assert keys == sorted(keys, reverse=True), (seed, keys)
        if stage.branches:
            span = sum(stage.lengths[:stage.count])
            bridges = []
            stage.relax(0, bridges)
            keys = stage.keys[:stage.count]
            assert keys == sorted(keys, reverse=True), (seed, keys)
            assert span == sum(stage.lengths[:stage.count]) and bridges
