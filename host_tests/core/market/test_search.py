"""What the search cuts off never holds the best plan: it finds what it finds without cutting."""

from bess.core.market import sweep as sweeps
from bess.core.market.search import Search
from host_tests.core.market.day import mixed
from host_tests.sim.rng import Rng

NEAR = 100                      # of rounding, in 1024 / 60 000 of a price


def relaxed(seed):
    """The sweep of a mixed problem after its relaxed pass; None when no search is needed."""
    problem = mixed(Rng(seed), 24)
    problem.prepare()
    sweep = sweeps.Sweep(problem)
    for _ in sweep._reach():
        pass
    for _ in sweep._merge():
        pass
    return sweep if sweep.possible and sweep._torn() else None


def gap_of(sweep, *passes):
    """The gap after the passes (slack, near the best); after the usual ones without any."""
    search = Search(sweep)
    for each in passes:
        for _ in search._pass(*each):
            pass
    if not passes:
        for _ in search.run():
            pass
    return search._gap


def test_search_finds_what_it_finds_without_cutting():
    searched = improved = 0
    for seed in range(160):
        sweep = relaxed(seed)
        if sweep is None:
            continue
        searched += 1
        all_of_it = gap_of(sweep, (None, False))
        found = gap_of(sweep)
        assert abs(found - all_of_it) < NEAR, (seed, found, all_of_it)
        assert all_of_it > -NEAR, (seed, "above the bound")
        first = gap_of(sweep, (100, True))
        improved += first is None or first > found + NEAR
    assert searched >= 20 and improved >= 5, (searched, improved)
