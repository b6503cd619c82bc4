"""Problems for the planner's tests, in kilowatts and cents, and how one is solved."""

from bess.core.market.audit import FAULT_NAMES
from bess.core.market.planner import Planner
from bess.core.market.problem import Problem

CENT = 1000                     # of prices and costs


def day(buy, sell=0, load=0, pv=0, **others):
    """A problem of hourly slots: prices in cents, powers in kW, each a list or one for all.

    The battery is free of losses and wear, 0..10 kWh, 5 kW, half full; `others` are fields.
    """
    n = len(buy)
    problem = Problem(_series(buy, n, CENT), _series(sell, n, CENT), _series(load, n, 1000),
                      _series(pv, n, 1000))
    problem.minutes = problem.first_minutes = 60
    problem.soc_mwh = 5_000_000
    problem.soc_mwh_max = 10_000_000
    problem.charge_w_max = problem.discharge_w_max = 5000
    problem.import_w_max = 20_000
    problem.import_excess = 1000 * CENT
    for name in others:
        if not hasattr(problem, name):
            raise ValueError(name)
        setattr(problem, name, others[name])
    return problem


def _series(values, n, factor):
    if isinstance(values, int):
        values = [values] * n
    return [value * factor for value in values]


def solve(problem):
    """The plan; raises when it was refused."""
    planner = Planner()
    planner.start(problem)
    while planner.step():
        pass
    if planner.fault is not None:
        raise ValueError("refused: %s" % FAULT_NAMES[planner.fault])
    return planner.plan


def mixed(rng, n):
    """A problem with every feature drawn by chance."""
    below_zero = rng.below(3)
    spread = (-6, 0, 4, 12)[rng.below(4)]
    buy = [rng.between(-8 if below_zero == 0 else 2, 40) for _ in range(n)]
    problem = day(buy, [b - spread + rng.below(3) for b in buy],
                  [rng.below(4) for _ in buy], [max(0, rng.below(12) - 5) for _ in buy])
    problem.minutes = (15, 30, 60)[rng.below(3)]
    problem.first_minutes = rng.between(1, problem.minutes)
    problem.eta_charge_ppm = (1_000_000, 950_000, 894_400)[rng.below(3)]
    problem.eta_discharge_ppm = (1_000_000, 950_000, 894_400)[rng.below(3)]
    problem.wear = rng.below(3) * CENT
    problem.soc_mwh_min = rng.below(3) * 500_000
    problem.soc_mwh = rng.below(11) * 1_000_000
    problem.charge_w_max = rng.between(1, 6) * 1000
    problem.import_w_max = rng.between(2, 12) * 1000
    problem.grid_charge = rng.below(3) > 0
    problem.battery_export = rng.below(3) > 0
    if rng.below(2):
        problem.export_w_max = [rng.below(4) * 1500 for _ in buy]
    if rng.below(2):
        begin, level = rng.below(n), rng.between(3, 10)
        problem.reserve_mwh = [level * 1_000_000 if begin <= t < begin + 6 else 0
                               for t in range(n)]
    problem.end_value = rng.below(20) * CENT
    problem.end_mwh_min = rng.below(6) * 1_000_000
    return problem
