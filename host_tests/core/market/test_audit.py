"""Each way in which a plan can break a limit is caught; an untouched plan passes."""

from bess.core.market.audit import FAULT_NAMES, NO_WAY, Audit
from bess.core.market.planner import Planner
from host_tests.core.market.day import day, solve


def broken(problem, change):
    """What the audit says of the plan of a problem after `change(plan)`."""
    plan = solve(problem)
    change(plan)
    plan.short_mwh = 0
    audit = Audit(problem, plan)
    for t in range(plan.n):
        audit.slot(t)
    return None if plan.fault is None else (plan.fault_slot, FAULT_NAMES[plan.fault])


def push(t, battery_w, curtail_w=0):
    """A change of one slot that keeps the balance."""
    def change(plan):
        plan.grid_w[t] += plan.battery_w[t] - battery_w + curtail_w
        plan.battery_w[t] = battery_w
        plan.curtail_w[t] += curtail_w
    return change


def unbalance(plan):
    plan.grid_w[1] += 1


def nothing(plan):
    pass


ROWS = (
    # problem, change, what is wrong, why
    (day([10, 30], 5, 2), nothing, None, "as planned"),
    (day([10, 30], 5, 2), unbalance, (1, "balance"), "a watt from nowhere"),
    (day([10, 30], 5, 2), push(0, -5001), (0, "battery power"), "above what it can charge"),
    (day([10, 30], 5, 2), push(0, 5001), (0, "battery power"), "above what it can discharge"),
    (day([10, 30], 5, 1, 3), push(0, 0, 3001), (0, "curtailment"), "more than there is"),
    (day([10, 30], 5, 1, 3), push(0, 0, -1), (0, "curtailment"), "less than none"),
    (day([10, 30], 5, 1, 3, export_w_max=[1000, 1000]), push(0, 500), (0, "export"), "cap"),
    (day([10, 30], 5, 1, 3, export_w_max=[1000, 1000], soc_mwh=10_000_000), push(0, 1, 0),
     (0, "export"), "a watt above the cap"),
    (day([10, 30], 5, 1, 3, grid_charge=False), push(0, -2000, 1),
     (0, "import while charging"), "curtailed what it charges"),
    (day([10, 30], 5, 1, 3, battery_export=False), push(0, 1), (0, "battery power"),
     "surplus, and still discharging"),
    (day([10, 30, 30], 5, 1, soc_mwh=0, charge_w_max=1000), push(2, 5000), (2, "stored energy"),
     "takes out what is not there"),
)


def test_rows():
    for problem, change, fault, why in ROWS:
        assert broken(problem, change) == fault, (why, broken(problem, change))


def test_a_broken_reserve_is_refused():
    problem = day([30, 10, 30], 0, 0, reserve_mwh=[5_000_000] * 3)
    assert broken(problem, push(1, 1000)) == (1, "stored energy")


def turned(which):
    """A planner whose result is spoilt by `which` when the audit asks for slot 1."""
    planner = Planner()
    solve_ = planner._solve

    def spoilt(problem, pinned_w):
        plan = yield from solve_(problem, pinned_w)
        plan.fault = None
        audit = Audit(problem, plan)
        which(plan)
        for t in range(plan.n):
            audit.slot(t)
        return plan

    planner._solve = spoilt
    return planner


def run(planner, problem):
    planner.start(problem)
    while planner.step():
        pass


def test_a_refused_plan_is_never_handed_out():
    planner, bad = Planner(), turned(push(1, 6000))
    run(planner, day([10, 30], 5, 2))
    assert planner.fault is None
    bad.plan = before = planner.plan
    run(bad, day([10, 30], 5, 2))
    assert bad.plan is before
    assert (bad.fault_slot, FAULT_NAMES[bad.fault]) == (1, "battery power")
    bad._solve = planner._solve
    run(bad, day([10, 30], 5, 2))
    assert bad.fault is None and bad.plan is not before


def solved(planner, problem, pinned_w):
    """What the planner makes of a running slot that is settled."""
    found = []

    def work():
        found.append((yield from planner._solve(problem, pinned_w)))

    problem.prepare()
    for _ in work():
        pass
    return found[0]


def test_a_settled_slot_that_breaks_a_reserve_has_no_plan():
    problem = day([30, 10, 30], 0, 0, soc_mwh=0, reserve_mwh=[5_000_000] * 3)
    assert solved(Planner(), problem, 0).fault == NO_WAY
    assert solved(Planner(), problem, 5000).fault is None


def test_more_stored_than_fits_is_kept():
    planner = Planner()
    run(planner, day([10, 30], 5, 2, soc_mwh=12_000_000, discharge_w_max=0))
    assert planner.fault is None and planner.plan.battery_w == [0, 0]
