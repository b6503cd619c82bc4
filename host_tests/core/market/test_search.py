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
    torn = []

    def work():
        yield from sweep._reach()
        yield from sweep.merge()
        torn.append((yield from sweep._torn()))

    for _ in work():
        pass
    return sweep if sweep.possible and torn[0] else None


def searched(sweep, all_of_it=False):
    """A finished search; with `all_of_it` one that cut nothing."""
    search = Search(sweep)
    for _ in search._relaxed():
        pass
    if all_of_it:
        search._slack = 1 << 40
        search._lost = ()           # and no guide
    for _ in search._search():
        pass
    return search


def test_search_finds_what_it_finds_without_cutting():
    tried = improved = 0
    for seed in range(160):
        sweep = relaxed(seed)
        if sweep is None:
            continue
        tried += 1
        whole = searched(sweep, True).gap
        search = searched(sweep)
        assert abs(search.gap - whole) < NEAR, (seed, search.gap, whole)
        assert whole > -NEAR, (seed, "above the bound")
        assert search.gap <= search._slack, (seed, "the relaxed plan itself is among them")
        improved += search.gap < search._slack - 10 * NEAR
    assert tried >= 20 and improved >= 5, (tried, improved)


def test_a_guide_narrows_the_slack_down_to_the_gap():
    guided = narrowed = 0
    for seed in range(160):
        sweep = relaxed(seed)
        if sweep is None:
            continue
        search = Search(sweep)
        for _ in search._relaxed():
            pass
        first = search._slack
        for _ in search._search():
            pass
        if search._lost is None:
            assert search._slack == first, seed
            continue
        guided += 1
        assert min(search._lost) > -NEAR, (seed, "better than the bound")
        assert search._ahead == 0 and search._left == sweep.now, (seed, "not followed back to now")
        assert search._slack <= first, seed
        assert search.gap <= search._slack <= search.gap + 24 * 8 + NEAR, (seed, search._slack)
        narrowed += search._slack < first - 10 * NEAR
    assert guided >= 8 and narrowed >= 4, (guided, narrowed)


def test_choice_is_worth_what_the_search_says():
    for seed in range(60):
        sweep = relaxed(seed)
        if sweep is None:
            continue
        search = Search(sweep)
        for _ in search.run():
            pass
        sweep.choice = search.choice
        n = len(search.choice)
        for _ in sweep.merge():
            pass
        worth = sum([sweep.stage.at(t, sweep.taken[t])[0] for t in range(n)])
        left = sweep.now - sum(sweep.taken[:n])
        worth += (sweep.end_key >> 1) * (left - sweep.floors[n]) // 1024
        bound = search._bound + (search._prices[0] * sweep.now) // 1024
        assert abs(bound - search.gap - worth) < 3 * NEAR, (seed, bound - search.gap, worth)
