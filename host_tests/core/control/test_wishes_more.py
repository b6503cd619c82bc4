"""Charges and discharges that end twice, change under way, or end with nobody asking any more."""

from bess.core.control.modes import CHARGE, DISCHARGE
from bess.core.points import (
    BY_CALIBRATION, BY_SCHEDULE, EVENT_CHARGE_COMPLETE, EVENT_DISCHARGE_COMPLETE, M_CELL_MV_MAX,
    M_SOC_PM, WHY_SOC_MAX,
)
from host_tests.core.bench_pack import Bench
from host_tests.core.control.test_wishes import clock, data_of


def test_what_is_complete_completes_once():
    bench = Bench().started()
    manager = bench.manager
    manager.set_charge_params(soc_pm_target=600)
    clock(bench, 1)
    manager.add_schedule((1, 7, 1, 0, CHARGE, 0, 120, 1))
    bench.run(3000)
    bench.rows(M_SOC_PM, 600)
    bench.run(10_000)
    assert bench.has(EVENT_CHARGE_COMPLETE) == 1 and data_of(bench, EVENT_CHARGE_COMPLETE) == 2
    assert manager.start_discharging(2000, 0) == 0
    bench.run(5000)
    assert manager.command.battery_w == 2000
    assert bench.has(EVENT_CHARGE_COMPLETE) == 1, "it was complete before"


def test_an_empty_pack_ends_a_scheduled_discharge_once():
    bench = Bench().started()
    manager = bench.manager
    manager.set_discharge_params(soc_pm_min=300)
    clock(bench, 1)
    manager.add_schedule((1, 7, 1, 0, DISCHARGE, 5000, 60, 1))
    bench.run(4000)
    assert manager.command.battery_w == 5000
    bench.rows(M_SOC_PM, 300)
    bench.run(10_000)
    assert manager.command.battery_w == 0 and manager.requests.rank == BY_SCHEDULE
    assert bench.has(EVENT_DISCHARGE_COMPLETE) == 1
    clock(bench, 2, 1)
    bench.run(3000)
    assert manager.requests.rank == 0 and bench.has(EVENT_DISCHARGE_COMPLETE) == 1


def test_an_entry_that_is_rewritten_while_it_runs():
    bench = Bench().started()
    manager = bench.manager
    clock(bench, 1)
    manager.add_schedule((1, 7, 1, 0, DISCHARGE, 5000, 60, 1))
    bench.run(4000)
    assert manager.command.battery_w == 5000
    assert manager.update_schedule(0, (1, 7, 1, 0, CHARGE, -3000, 60, 1)) == 0
    bench.run(6000)
    assert (manager.requests.rank, manager.command.battery_w) == (BY_SCHEDULE, -3000)
    assert manager.mode == CHARGE and bench.has(EVENT_DISCHARGE_COMPLETE) == 1
    assert manager.update_schedule(0, (1, 7, 1, 0, DISCHARGE, 4000, 60, 1)) == 0
    bench.run(6000)
    assert manager.command.battery_w == 4000 and bench.has(EVENT_CHARGE_COMPLETE) == 1


def calibrating():
    bench = Bench().started()
    bench.rows(M_SOC_PM, 950)
    bench.run(3000)
    assert bench.manager.window.lo_why == WHY_SOC_MAX
    bench.manager.wishes.soc.full_s = 14 * 86_400
    bench.run(10_000)
    assert bench.manager.requests.rank == BY_CALIBRATION
    assert bench.manager.command.battery_w < -5000
    return bench


def test_a_calibration_that_is_over_gives_its_charge_back():
    bench = calibrating()
    manager = bench.manager
    manager.wishes.soc.wanted = False       # another part has found the pack full
    bench.tick()
    assert manager.requests.rank == 0 and bench.has(EVENT_CHARGE_COMPLETE) == 1
    assert manager.wishes.operations.charge.done


def test_a_calibration_charge_that_was_given_up_holds_zero():
    bench = calibrating()
    manager = bench.manager
    manager.wishes.operations.charge.end(5)            # its time is over, the pack is not full
    bench.run(6000)
    assert manager.wishes.soc.wanted and manager.requests.rank == BY_CALIBRATION
    assert (manager.requests.wish_w, manager.command.battery_w) == (0, 0)


STOPS = (
    # what a person began, event of its end, why
    (lambda m: m.start_charging(0), EVENT_CHARGE_COMPLETE, "a charge"),
    (lambda m: m.start_discharging(2000, 0), EVENT_DISCHARGE_COMPLETE, "a discharge"),
)


def test_what_is_stopped_and_begun_again_between_two_ticks_has_ended_once():
    for begin, event, why in STOPS:
        bench = Bench().started()
        manager = bench.manager
        assert manager.wishes.manual == 0, "nobody operates it"
        assert begin(manager) == 0
        bench.run(2000)
        assert manager.stop_operation() == 0 and bench.has(event) == 1, why
        assert begin(manager) == 0
        bench.run(2000)
        assert bench.has(event) == 1 and manager.command.battery_w != 0, why


def test_a_manual_power_for_minutes():
    for minutes in (1, 1440):
        bench = Bench().started()
        assert bench.manager.set_constant_power(1000, minutes) == 0
        assert bench.tick().requests.left_ms == minutes * 60_000 - 100


def test_balancing_is_a_parameter_of_the_charge():
    bench = Bench().started()
    bench.rows(M_CELL_MV_MAX, 3420)     # near full, and far above the lowest
    bench.run(1000)
    assert bench.manager.pack.balance_wanted == 15
    assert bench.manager.set_charge_params(balancing=0) == 0
    bench.run(1000)
    assert bench.manager.pack.balance_wanted == 0
