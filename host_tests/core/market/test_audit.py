"""Each way in which a plan can break a limit is caught; an untouched plan passes."""

from bess.core.market.audit import Audit
from host_tests.core.market.day import day, solve


def broken(problem, change):
    """What the audit says of the plan of a problem after `change(plan)`."""
    plan = solve(problem)
    change(plan)
    plan.short_mwh = 0
    audit = Audit(problem, plan)
    for t in range(plan.n):
        audit.slot(t)
    return plan.fault


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
