"""The planner on days where the right answer can be said by hand, and properties of any plan."""

from bess.core.market.plan import FORCE_CHARGE, FORCE_DISCHARGE, HOLD, SELF_USE, ZERO_EXPORT
from bess.core.market.planner import Planner
from host_tests.core.market.day import CENT, day, mixed, solve
from host_tests.sim.rng import Rng

ROWS = (
    # problem, battery kW of each slot (+ discharges), why
    (day([10, 10, 10, 10], 0, 2, end_value=5 * CENT), (2, 2, 1, 0),
     "covers the load until it is empty, and early rather than late"),
    (day([10, 30, 10, 30], 0, 5), (0, 5, -5, 5),
     "buys cheap, covers the dear hours, and not before"),
    (day([10, 30, 10, 30], 0, 5, wear=11 * CENT, soc_mwh=0), (0, 0, 0, 0),
     "20 cents of spread do not pay 22 of wear"),
    (day([10, 12, 10, 12], 0, 5, eta_charge_ppm=900_000, eta_discharge_ppm=900_000, soc_mwh=0),
     (0, 0, 0, 0), "20 % of spread do not pay a round trip of 81 %"),
    (day([10, 30], 20, 0, soc_mwh=0), (-5, 5), "sells for more than it paid"),
    (day([10, 30], 20, 0, soc_mwh=0, battery_export=False), (0, 0), "but not where it may not"),
    (day([10, 30], 0, 3, soc_mwh=0, grid_charge=False), (0, 0), "no surplus, no charge"),
    (day([10, 30], 5, [0, 3], [2, 0], soc_mwh=0, grid_charge=False), (-2, 2),
     "stores the surplus for the dear hour"),
    (day([30, 30], 35, 2, 4, soc_mwh=0), (-5, 5), "export above import: buys to sell"),
    (day([30, 30], 35, 2, [4, 2], soc_mwh=0, battery_export=False), (0, 0),
     "or sells the surplus alone"),
    (day([-10, 30], -20, 1, 3, soc_mwh=0), (-5, 0), "below zero: charges, curtails and imports"),
    (day([10, 10, 50], 0, [1, 1, 6], soc_mwh=0, import_w_max=3000), (-2, -2, 4),
     "the import limit spreads the charge over two hours"),
    (day([10, 11, 12, 90], 0, 0, soc_mwh=0, reserve_mwh=[0, 0, 8_000_000, 8_000_000]),
     (-5, -3, 0, 0), "a reserve is bought in the cheapest hours before it counts"),
    (day([10, 11, 12, 13], 0, 0, soc_mwh=0, end_mwh_min=6_000_000), (-5, -1, 0, 0),
     "so is what is wanted at the end"),
    (day([20, 10, 5, 5], 0, 0, soc_mwh=0, reserve_mwh=[9_000_000] * 4), (-5, -4, 0, 0),
     "out of reach: as fast as allowed until it is met, at any price"),
    (day([20, 20], 0, 0, soc_mwh=1_000_000, soc_mwh_min=2_000_000), (-1, 0),
     "starts below the minimum: charges back to it"),
    (day([10, 40], 0, [0, 5], first_minutes=15, soc_mwh=0), (-5, 1.25),
     "a running slot of a quarter of an hour stores a quarter"),
    (day([0, 0], 8, 0, [5, 5], soc_mwh=0, export_w_max=[2000, 8000]), (-3, 3),
     "the export cap moves surplus into the next hour"),
    (day([10, 10], 0, 0, [5, 5], end_value=1 * CENT), (0, -5),
     "worth the same sooner or later: charges later"),
    (day([30, 30, 50], [35, 35, 55], 0, soc_mwh=0), (0, -5, 5),
     "the same where export pays more: charges later"),
    (day([30, 40, 40], [35, 45, 45], 0, soc_mwh=0), (-5, 5, 0), "and discharges sooner"),
    (day([30, 30], 0, 0, end_value=30 * CENT), (0, 0), "worth the same anywhere: does nothing"),
)
MODES = (
    (day([10, 10], 0, 2, end_value=5 * CENT), 0, SELF_USE, "follows the load"),
    (day([10, 30], 5, [0, 5], [8, 0], export_w_max=[0, 0], soc_mwh=0), 0, ZERO_EXPORT,
     "takes what it can of the surplus, the rest is curtailed"),
    (day([10, 90], 0, 2, soc_mwh=0), 0, FORCE_CHARGE, "for the dear hour to come"),
    (day([10, 90], 0, [2, 5]), 0, HOLD, "what is stored is kept for the dear hour"),
    (day([10, 5], 40, 1), 0, FORCE_DISCHARGE, "sells more than the house takes"),
)


def test_rows():
    for problem, battery_kw, why in ROWS:
        plan = solve(problem)
        assert [w / 1000 for w in plan.battery_w] == list(battery_kw), (why, plan.battery_w)


def test_modes():
    for problem, t, mode, why in MODES:
        plan = solve(problem)
        assert plan.mode[t] == mode, (why, plan.mode[t], plan.battery_w, plan.curtail_w)


def test_cost_and_energy_are_what_the_plan_says():
    plan = solve(day([10, 30], 20, 0, soc_mwh=0))
    assert plan.cost == (5 * 10 - 5 * 20) * CENT
    assert plan.soc_mwh == [5_000_000, 0]
    assert plan.grid_w == [5000, -5000]


def test_worth_is_what_a_kwh_more_would_save():
    plan = solve(day([10, 30, 10], 0, [0, 4, 0], soc_mwh=0, charge_w_max=3000))
    assert plan.worth[0] == 30 * CENT, plan.worth


def test_an_unreachable_reserve_is_said():
    wanted = [9_000_000] * 4
    assert solve(day([20, 10, 5, 5], soc_mwh=0, reserve_mwh=wanted)).short_mwh == 4_000_000
    assert solve(day([20, 10, 5, 5], soc_mwh=9_000_000, reserve_mwh=wanted)).short_mwh == 0


def test_a_reserve_above_a_full_battery_keeps_it_full():
    plan = solve(day([20, 10, 5, 50], 0, 1, soc_mwh=0, reserve_mwh=[12_000_000] * 4))
    assert plan.soc_mwh == [5_000_000, 10_000_000, 10_000_000, 10_000_000]
    assert plan.short_mwh == 7_000_000


def test_reserve_without_grid_charge_comes_from_the_sun_alone():
    wanted = [0, 0, 6_000_000, 6_000_000]
    plan = solve(day([-5, -5, 30, 30], 0, 1, [3, 3, 0, 0], soc_mwh=3_000_000, grid_charge=False,
                     reserve_mwh=wanted))
    assert plan.soc_mwh[1] >= 6_000_000 and plan.short_mwh == 0, plan.soc_mwh
    plan = solve(day([-5, -5, 30, 30], 0, 1, [3, 3, 0, 0], soc_mwh=1_000_000, grid_charge=False,
                     reserve_mwh=wanted))
    assert plan.battery_w[:2] == [-2000, -2000] and plan.short_mwh == 1_000_000


def test_abandoned_plan_leaves_no_trace():
    first, second = day([10, 30, 10, 30], 0, 5), day([30, 10, 30, 10], 0, 5)
    alone = solve(second)
    planner = Planner()
    for slices in (1, 3, 6):
        planner.start(first)
        for _ in range(slices):
            assert planner.step()
        assert planner.plan is None
    planner.start(second)
    while planner.step():
        assert planner.plan is None
    assert planner.plan.battery_w == alone.battery_w and planner.plan.cost == alone.cost
    whole = planner.plan
    planner.start(first)
    planner.step()
    assert planner.plan is whole            # swapped only when the next one is whole
    assert not Planner().step()


def test_running_slot_is_kept_unless_the_gain_is_worth_it():
    buy = [20, 21, 40, 20]
    free = solve(day(buy, 0, [0, 0, 5, 0], soc_mwh=0))
    assert free.battery_w == [-5000, 0, 5000, 0]
    for gain, kept in ((4 * CENT, False), (5 * CENT, True)):
        plan = solve(day(buy, 0, [0, 0, 5, 0], soc_mwh=0, keep_mode=HOLD, keep_gain=gain))
        assert (plan.battery_w[0] == 0) == kept, (gain, plan.battery_w)
        assert plan.battery_w[2] == 5000
    plan = solve(day(buy, 0, [0, 0, 5, 0], soc_mwh=0, keep_mode=FORCE_CHARGE, keep_w=-3000,
                     keep_gain=3 * CENT))
    assert plan.battery_w == [-3000, -2000, 5000, 0]


def test_a_forced_discharge_is_kept_as_far_as_there_is_energy():
    buy, load = [30, 31, 31, 5], [5, 5, 0, 0]
    free = solve(day(buy, 0, load))
    assert free.battery_w == [0, 5000, 0, 0]
    for keep_w, kept in ((2000, 2000), (9000, 5000)):
        plan = solve(day(buy, 0, load, keep_mode=FORCE_DISCHARGE, keep_w=keep_w,
                         keep_gain=9 * CENT))
        assert plan.battery_w == [kept, 5000 - kept, 0, 0], plan.battery_w


def test_load_above_the_import_limit_costs_its_excess():
    plan = solve(day([10, 10], 0, 8, import_w_max=5000, soc_mwh=0))
    assert plan.grid_w == [8000, 8000] and plan.battery_w == [0, 0]
    assert plan.cost == 2 * (8 * 10 + 3 * 1000) * CENT
    plan = solve(day([10, 10], 0, 8, import_w_max=5000))
    assert plan.battery_w == [3000, 2000], "early, and each W is worth the same"


def test_keeping_never_breaks_a_reserve():
    plan = solve(day([20, 10, 5], soc_mwh=0, reserve_mwh=[5_000_000] * 3, keep_mode=HOLD,
                     keep_gain=10_000 * CENT))
    assert plan.battery_w[0] == -5000


def test_planning_again_with_what_was_planned_changes_nothing():
    for seed in range(6):
        problem = mixed(Rng(seed), 20)
        plan = solve(problem)
        problem.keep_mode, problem.keep_w, problem.keep_gain = plan.mode[0], plan.battery_w[0], 0
        assert solve(problem).battery_w == plan.battery_w, seed


def test_better_conditions_never_cost_more():
    for seed in range(16):
        base = solve(mixed(Rng(seed), 16)).cost
        for better in (_cheaper, _dearer_sale, _more_power, _less_wear, _no_reserve, _no_rules):
            problem = mixed(Rng(seed), 16)
            better(problem)
            cost = solve(problem).cost
            assert cost <= base + 40, (seed, better, cost, base)    # W are whole: < 0.0004


def _cheaper(problem):
    if min(problem.import_price) < 0 or problem.end_value > min(problem.import_price):
        return
    problem.import_price = [price - price // 8 for price in problem.import_price]


def _dearer_sale(problem):
    problem.export_price = [price + 2 * CENT if price >= 0 else price // 2
                            for price in problem.export_price]


def _more_power(problem):
    if problem.reserve_mwh is None and problem.end_mwh_min <= problem.soc_mwh >= 1_000_000:
        problem.charge_w_max += 1000        # with a reserve out of reach it would be due sooner
        problem.discharge_w_max += 1000


def _less_wear(problem):
    problem.wear //= 2


def _no_reserve(problem):
    problem.reserve_mwh = None


def _no_rules(problem):
    if problem.reserve_mwh is None and problem.end_mwh_min <= problem.soc_mwh >= 1_000_000:
        problem.grid_charge = problem.battery_export = True


def test_every_mixed_problem_gets_a_plan_that_passes_its_audit():
    for seed in range(60):
        plan = solve(mixed(Rng(seed), 24))
        assert plan.fault is None
