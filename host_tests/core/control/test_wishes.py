"""The manager's own requests in the whole tick: charges, discharges, schedule, protection."""

from bess.core.control.modes import CHARGE, DISCHARGE, IDLE, REFUSED_LOOSER, REFUSED_RANGE
from bess.core.points import (
    BY_CALIBRATION, BY_MANUAL, BY_PROTECT_CHARGE, BY_REMOTE, BY_SCHEDULE, EVENT_CALIBRATION_DUE,
    EVENT_CHARGE_COMPLETE, EVENT_CHARGE_TIMEOUT, EVENT_CLOCK_LOST, EVENT_CLOCK_SET,
    EVENT_DISCHARGE_COMPLETE, EVENT_DISCHARGE_TIMEOUT, EVENT_PROTECT_CHARGE,
    EVENT_SCHEDULE_ENDED, EVENT_SCHEDULE_STARTED, M_CELL_MV_MIN, M_SOC_PM, SCHEDULE_ENTRY,
    UTC_DAY, UTC_S, WHY_SOC_MAX,
)
from host_tests.core.bench_pack import Bench

_DAY = 20_000                       # a Thursday


def data_of(bench, event):
    """Data of the newest event of this kind, None when there is none."""
    events = bench.manager.events
    for back in range(32):
        slot = events.slot(back)
        if slot >= 0 and events.event(slot) == event:
            return events.data(slot)
    return None


def clock(bench, hour, minute=0, second=0):
    now = bench.manager.image.now
    now[UTC_DAY], now[UTC_S] = _DAY, 3600 * hour + 60 * minute + second


def test_a_charge_to_a_target():
    bench = Bench().started()
    manager = bench.manager
    assert manager.start_charging(600) == 0
    bench.until(lambda m: m.command.battery_w == -20_000, 20_000)
    assert manager.mode == CHARGE and manager.requests.rank == BY_MANUAL
    bench.rows(M_SOC_PM, 600)
    bench.until(lambda m: m.command.battery_w == 0, 10_000)
    assert manager.requests.rank == 0
    assert bench.has(EVENT_CHARGE_COMPLETE) == 1 and data_of(bench, EVENT_CHARGE_COMPLETE) == 2


def test_a_charge_by_parameters():
    bench = Bench().started()
    manager = bench.manager
    manager.set_charge_params(w_max=3000, soc_pm_target=510, minutes_max=1)
    bench.tick()
    assert manager.set_mode(CHARGE) == 0
    bench.run(10_000)
    assert manager.command.battery_w == -3000
    bench.run(55_000)
    assert manager.requests.rank == 0 and data_of(bench, EVENT_CHARGE_COMPLETE) == 5
    assert bench.has(EVENT_CHARGE_TIMEOUT) == 1


REFUSED = (
    # target, method, lowest cell, refusal, why
    (951, 0, 3295, REFUSED_LOOSER, "above the maximum SoC"),
    (0, 3, 1999, REFUSED_RANGE, "a dead cell is not charged"),
)


def test_refused_charges_change_nothing():
    for target_pm, method, low_mv, refusal, why in REFUSED:
        bench = Bench().started(1500)
        manager = bench.manager
        manager.set_charge_params(method=method)
        bench.tick()
        manager.pack.cell_mv_min = low_mv
        assert manager.start_charging(target_pm) == refusal, why
        bench.tick()
        assert manager.command.battery_w == 1500 and manager.requests.rank == BY_MANUAL, why


ENDS = (
    # what ends a charge of a person, code of the event, why
    (lambda m: m.stop_operation(), 6, "stopped"),
    (lambda m: m.stop(), 6, "stopped with everything"),
    (lambda m: m.set_constant_power(500, 0), 6, "another operation takes its place"),
    (lambda m: m.start_discharging(500, 0), 6, "another operation takes its place"),
    (lambda m: m.start_charging(700), None, "a charge that replaces a charge goes on"),
    (lambda m: m.emergency_shutdown(), 6, "an emergency"),
)


def test_what_ends_a_charge():
    for end, code, why in ENDS:
        bench = Bench().started()
        bench.manager.start_charging(0)
        bench.run(3000)
        end(bench.manager)
        bench.run(300)
        assert data_of(bench, EVENT_CHARGE_COMPLETE) == code, why


def test_a_discharge_for_a_time():
    bench = Bench().started()
    manager = bench.manager
    assert manager.start_discharging(3000, 1) == 0
    bench.run(59_000)
    assert manager.command.battery_w == 3000 and manager.mode == DISCHARGE
    bench.run(3000)
    assert data_of(bench, EVENT_DISCHARGE_COMPLETE) == 4 and manager.requests.rank == 0


def test_a_discharge_ends_at_its_time_out_and_at_its_minimum():
    for minutes, soc_pm, code, why in ((0, 500, 5, "time-out"), (2, 500, 4, "its own end"),
                                       (0, 300, 3, "minimum of the parameters")):
        bench = Bench().started()
        manager = bench.manager
        manager.set_discharge_params(w_max=4000, soc_pm_min=300, minutes_max=1)
        bench.tick()
        manager.start_discharging(0, minutes)
        bench.run(5000)
        assert manager.command.battery_w == 4000, why
        bench.rows(M_SOC_PM, soc_pm)
        bench.run(120_000)
        assert data_of(bench, EVENT_DISCHARGE_COMPLETE) == code, (why, code)
        assert (bench.has(EVENT_DISCHARGE_TIMEOUT) == 1) == (code == 5), why


def test_an_operation_asked_while_starting_acts_on_idle():
    bench = Bench()
    bench.run(500)
    bench.manager.start()
    assert bench.manager.start_charging(0) == 0
    bench.until(lambda m: m.command.battery_w == -20_000, 30_000)


def test_a_schedule_entry():
    bench = Bench(locked=True).started()
    manager = bench.manager
    clock(bench, 0, 59, 50)
    assert manager.add_schedule((1, 7, 1, 0, CHARGE, -6000, 60, 1)) == 0
    bench.run(1000)
    assert manager.requests.rank == 0 and manager.image.now[SCHEDULE_ENTRY] is None
    clock(bench, 1)
    bench.run(5000)
    assert manager.command.battery_w == -6000 and manager.requests.rank == BY_SCHEDULE
    assert manager.image.now[SCHEDULE_ENTRY] == 0 and bench.has(EVENT_SCHEDULE_STARTED) == 1
    manager.ask_remote(2000, 10_000)
    bench.run(5000)
    assert manager.requests.rank == BY_REMOTE, "the remote side ranks higher"
    bench.run(10_000)
    assert manager.command.battery_w == -6000
    clock(bench, 2)
    bench.run(5000)
    assert manager.requests.rank == 0 and bench.has(EVENT_SCHEDULE_ENDED) == 1
    assert data_of(bench, EVENT_CHARGE_COMPLETE) == 4


def test_stop_operation_skips_the_occurrence():
    bench = Bench().started()
    manager = bench.manager
    clock(bench, 1, 30)
    manager.add_schedule((1, 7, 1, 0, DISCHARGE, 5000, 60, 1))
    bench.run(5000)
    assert manager.command.battery_w == 5000
    assert manager.set_mode(IDLE) == 0
    bench.run(5000)
    assert manager.requests.rank == 0 and manager.get_schedule(0)[0]


def test_a_scheduled_charge_that_is_done_holds_zero_and_goes_on_20_pm_lower():
    bench = Bench().started()
    manager = bench.manager
    manager.set_charge_params(soc_pm_target=600)
    clock(bench, 1)
    manager.add_schedule((1, 7, 1, 0, CHARGE, 0, 120, 1))
    bench.run(5000)
    assert manager.command.battery_w < -5000
    bench.rows(M_SOC_PM, 600)
    bench.run(10_000)
    assert (manager.requests.rank, manager.command.battery_w) == (BY_SCHEDULE, 0)
    bench.rows(M_SOC_PM, 581)
    bench.run(5000)
    assert manager.command.battery_w == 0
    bench.rows(M_SOC_PM, 580)
    bench.run(5000)
    assert manager.command.battery_w < 0


def test_a_persons_discharge_does_not_begin_a_done_charge_again():
    bench = Bench().started()
    manager = bench.manager
    manager.set_charge_params(soc_pm_target=600)
    manager.add_schedule((1, 7, 11, 0, CHARGE, 0, 240, 1))
    clock(bench, 12)
    bench.run(20_000)
    bench.rows(M_SOC_PM, 600)
    bench.until(lambda m: m.command.battery_w == 0, 10_000)
    assert manager.start_discharging(5000, 1) == 0
    bench.run(30_000)
    bench.rows(M_SOC_PM, 590)
    bench.run(50_000)
    assert manager.requests.rank == BY_SCHEDULE and manager.command.battery_w == 0, "still done"
    told = bench.has(EVENT_CHARGE_COMPLETE)
    clock(bench, 16)
    bench.run(5000)
    assert manager.requests.rank == 0 and bench.has(EVENT_CHARGE_COMPLETE) == told, "no second end"
    clock(bench, 12)
    bench.run(5000)
    bench.rows(M_SOC_PM, 579)
    bench.run(10_000)
    assert manager.command.battery_w < 0, "20 pm below its target it goes on"


def test_a_person_takes_over_from_the_schedule_and_gives_back():
    bench = Bench().started()
    manager = bench.manager
    clock(bench, 1)
    manager.add_schedule((1, 7, 1, 0, CHARGE, -4000, 120, 1))
    bench.run(5000)
    assert manager.start_charging(0) == 0
    bench.run(15_000)
    assert manager.command.battery_w == -20_000 and manager.requests.rank == BY_MANUAL
    manager.wishes.end_manual(bench.now_ms)
    bench.run(15_000)
    assert manager.command.battery_w == -4000 and manager.requests.rank == BY_SCHEDULE


def test_without_a_clock_there_is_no_schedule():
    bench = Bench().started()
    manager = bench.manager
    manager.add_schedule((1, 7, 0, 0, CHARGE, -4000, 1440, 1))
    bench.run(3000)
    assert manager.requests.rank == 0
    clock(bench, 3)
    bench.run(3000)
    assert manager.requests.rank == BY_SCHEDULE and bench.has(EVENT_CLOCK_SET) == 1
    manager.image.now[UTC_DAY] = None
    bench.run(3000)
    assert manager.requests.rank == 0 and bench.has(EVENT_CLOCK_LOST) == 1


def test_schedule_calls():
    bench = Bench()
    manager = bench.manager
    for _ in range(16):
        assert manager.add_schedule((1, 7, 0, 0, IDLE, 0, 60, 1)) >= 0
    assert manager.add_schedule((1, 7, 0, 0, IDLE, 0, 60, 1)) == -1
    assert manager.remove_schedule(3) == 0 and manager.remove_schedule(3) == REFUSED_RANGE
    assert manager.enable_schedule(3, True) == REFUSED_RANGE
    assert manager.enable_schedule(4, False) == 0
    assert manager.update_schedule(3, (1, 0, 5, 30, DISCHARGE, 100, 10, 0)) == 0
    assert manager.get_schedule(3) == (True, 0, 5, 30, DISCHARGE, 100, 10, False)
    assert manager.enable_scheduling(False) == 0 and not manager.wishes.schedule.enabled


def test_a_deep_cell_is_charged_whoever_else_asks():
    bench = Bench(locked=True).started()
    manager = bench.manager
    manager.ask_remote(5000, 60_000)
    bench.rows(M_CELL_MV_MIN, 2850)
    bench.run(10_000)
    assert manager.requests.rank == BY_PROTECT_CHARGE and manager.command.battery_w < 0
    assert bench.has(EVENT_PROTECT_CHARGE) == 1
    bench.rows(M_CELL_MV_MIN, 3000)
    bench.run(2000)
    assert manager.requests.rank == BY_REMOTE


def test_a_calibration_alone_may_pass_the_maximum():
    bench = Bench().started()
    manager = bench.manager
    bench.rows(M_SOC_PM, 950)
    bench.run(3000)
    assert manager.window.lo_w == 0 and manager.window.lo_why == WHY_SOC_MAX
    manager.wishes.soc.full_s = 14 * 86_400
    bench.run(10_000)
    assert bench.has(EVENT_CALIBRATION_DUE) == 1 and manager.requests.rank == BY_CALIBRATION
    assert manager.command.battery_w < -5000, "it charges beyond the maximum"
    manager.ask_remote(-5000, 60_000)
    bench.run(3000)
    assert manager.command.battery_w == 0, "nobody else may"


def test_the_first_charge_already_follows_the_parameters():
    bench = Bench().started()
    manager = bench.manager
    manager.set_charge_params(soc_pm_target=600)
    bench.tick()
    assert manager.start_charging(0) == 0
    bench.run(5000)
    bench.rows(M_SOC_PM, 600)
    bench.run(3000)
    assert data_of(bench, EVENT_CHARGE_COMPLETE) == 2, "the target of the parameters"
    manager.set_discharge_params(w_max=4000)
    bench.tick()
    manager.start_discharging(0, 1)
    assert manager.wishes.operations.discharge.wish_w == 4000
