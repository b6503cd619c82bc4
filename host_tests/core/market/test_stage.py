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
    for b in range(len(stage.starts)):
        at, worth = stage.starts[b], 1024 * stage.worths[b]
        found[at] = max(worth, found.get(at, worth))
        for i in range(stage.ends[b], stage.ends[b + 1]):
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
        left = cheapest(problem, -stage.starts[0] // 60)
        assert min(found) == -60 * problem.charge_limit(0), seed
        assert max(found) == 60 * problem.discharge_limit(0), seed
        for units in found:
            cost = cheapest(problem, -units // 60)
            # where two strategies cross between two watts, the step ends at the watt next to it
            assert abs(60 * (left - cost) - found[units]) <= 70_000 * 30, (
                seed, units, 60 * (left - cost), found[units])
            assert abs(1024 * stage.at(0, units)[0] - found[units]) <= 20_000, (seed, units)


def test_branches_fall_and_the_hull_falls_throughout():
    for seed in range(600):
        stage = Stage(slot(Rng(seed)))
        stage.load(0)
        for b in range(len(stage.starts)):
            keys = list(stage.keys[stage.ends[b]:stage.ends[b + 1]])
            assert keys == sorted(keys, reverse=True), (seed, keys)
        if len(stage.starts) > 1:
            bridges = []
            keys, lengths = stage.relax(0, bridges)
            assert keys == sorted(keys, reverse=True), (seed, keys)
            assert sum(lengths) == sum(stage.lengths) and bridges


def test_hull_is_nowhere_worth_less():
    for seed in range(600):
        stage = Stage(slot(Rng(seed)))
        stage.load(0)
        if len(stage.starts) == 1:
            continue
        keys, lengths = stage.relax(0, [])
        at, worth = stage.starts[0], 0
        for i in range(len(keys)):
            for units in (at, at + lengths[i] // 2, at + lengths[i]):
                over = worth + (keys[i] >> 1) * (units - at) // 1024 - stage.at(0, units)[0]
                assert over >= -20, (seed, units, over)
            worth += (keys[i] >> 1) * lengths[i] // 1024
            at += lengths[i]
        assert abs(worth - stage.at(0, at)[0]) <= 20, (seed, "equal at the right end")


def test_a_pinned_slot_has_one_point():
    problem = slot(Rng(1))
    stage = Stage(problem)
    stage.pinned = -120
    assert stage.load(0) == problem.charge_limit(0) * 60
    assert list(stage.starts) == [-120] and not stage.keys and stage.at(0, -120) == (0, 0)
