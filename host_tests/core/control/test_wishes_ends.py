"""What ends a discharge of a person, whom the one charge serves, wishes that change."""

from bess.core.battery.rounds import DURATION, STOPPED, TIMEOUT
from bess.core.control.modes import CHARGE, DISCHARGE, IDLE, STANDBY
from bess.core.events import INFO, WARNING
from bess.core.points import (
    BY_CALIBRATION, BY_MANUAL, BY_PROTECT_CHARGE, BY_REMOTE, BY_SCHEDULE, EVENT_CHARGE_COMPLETE,
    EVENT_CHARGE_TIMEOUT, EVENT_DISCHARGE_COMPLETE, EVENT_DISCHARGE_TIMEOUT, M_CELL_MV_MAX,
    M_CELL_MV_MIN, M_SOC_PM,
)
from host_tests.core.bench_pack import Bench
from host_tests.core.control.test_wishes import clock


def told(bench, event):
    """(level, data) of the events of this number, oldest first."""
    events, found = bench.manager.events, []
    for back in range(31, -1, -1):
        slot = events.slot(back)
        if slot >= 0 and events.event(slot) == event:
            found.append((events.level(slot), events.data(slot)))
    return found


ENDS = (
    # what ends a discharge of a person, codes of the events, who asks then, why
    (lambda m: m.stop_operation(), [STOPPED], 0, "stopped"),
    (lambda m: m.set_constant_power(-500, 0), [STOPPED], BY_MANUAL, "a constant power"),
    (lambda m: m.start_charging(0), [STOPPED], BY_MANUAL, "a charge"),
    (lambda m: m.start_discharging(900, 0), [], BY_MANUAL, "one that replaces it goes on"),
    (lambda m: m.emergency_shutdown(), [STOPPED], 0, "an emergency"),
    (lambda m: m.ask_remote(-2000, 60_000), [], BY_MANUAL, "the remote side ranks lower"),
)


def test_what_ends_a_discharge():
    for end, codes, rank, why in ENDS:
        bench = Bench().started()
        manager = bench.manager
        assert manager.start_discharging(3000, 0) == 0
        bench.run(3000)
        assert manager.wishes.manual == DISCHARGE
        end(manager)
        bench.run(600)
        assert told(bench, EVENT_DISCHARGE_COMPLETE) == [(INFO, code) for code in codes], why
        assert told(bench, EVENT_DISCHARGE_TIMEOUT) == told(bench, EVENT_CHARGE_COMPLETE) == []
        assert manager.requests.rank == rank, why


TIMES = (
    # minutes asked for, minutes of the parameters, ends after s (None: never), code, why
    (0, 0, None, 0, "until it is stopped"),
    (2, 0, 120, DURATION, "its own time"),
    (0, 1, 60, TIMEOUT, "the time-out of the parameters"),
    (2, 1, 120, DURATION, "who states a time means it"),
)


def test_how_long_a_discharge_lasts():
    for minutes, minutes_max, ends_s, code, why in TIMES:
        bench = Bench().started()
        manager = bench.manager
        manager.set_discharge_params(minutes_max=minutes_max)
        bench.tick()
        manager.start_discharging(1000, minutes)
        bench.run((ends_s or 130) * 1000 - 200)
        assert manager.requests.rank == BY_MANUAL, why
        bench.run(400)
        found = told(bench, EVENT_DISCHARGE_COMPLETE)
        assert found == ([] if ends_s is None else [(INFO, code)]), why
        late = told(bench, EVENT_DISCHARGE_TIMEOUT)
        assert late == ([(WARNING, TIMEOUT)] if code == TIMEOUT else []), why
        assert manager.wishes.manual == (DISCHARGE if ends_s is None else 0), why


def test_how_long_a_charge_lasts():
    for minutes_max, code in ((1, TIMEOUT), (0, None)):
        bench = Bench().started()
        manager = bench.manager
        manager.set_charge_params(minutes_max=minutes_max, w_max=2000)
        bench.tick()
        manager.start_charging(0)
        bench.run(59_800)
        assert manager.requests.rank == BY_MANUAL and manager.wishes.manual == CHARGE
        bench.run(400)
        found = told(bench, EVENT_CHARGE_COMPLETE), told(bench, EVENT_CHARGE_TIMEOUT)
        assert found == (([(INFO, code)], [(WARNING, code)]) if code else ([], []))
        assert manager.wishes.manual == (0 if code else CHARGE)


def outranked(bench):
    bench.rows(M_CELL_MV_MIN, 2850)     # protective charge
    bench.run(5000)
    assert bench.manager.requests.rank == BY_PROTECT_CHARGE


def tripped(bench):
    bench.pcs_state = 3          # its fault
    bench.run(5000)
    assert bench.manager.mode == STANDBY


# what happens in between, the operation, its event, code, why
BESIDE = (
    (outranked, lambda m: m.start_discharging(1000, 1), EVENT_DISCHARGE_COMPLETE, DURATION,
     "a discharge for a minute"),
    (outranked, lambda m: m.start_discharging(1000, 0), EVENT_DISCHARGE_COMPLETE, TIMEOUT,
     "a discharge with the time-out of the parameters"),
    (outranked, lambda m: m.start_charging(0), EVENT_CHARGE_COMPLETE, TIMEOUT, "a charge"),
    (tripped, lambda m: m.start_discharging(1000, 1), EVENT_DISCHARGE_COMPLETE, DURATION,
     "a discharge for a minute, in STANDBY"),
    (tripped, lambda m: m.start_charging(0), EVENT_CHARGE_COMPLETE, TIMEOUT,
     "a charge, in STANDBY"),
)


def test_time_goes_on_while_something_else_wins_or_nothing_runs():
    for happens, begin, event, code, why in BESIDE:
        bench = Bench(locked=True).started()
        manager = bench.manager
        manager.set_charge_params(minutes_max=1)
        manager.set_discharge_params(minutes_max=1)
        bench.tick()
        assert begin(manager) == 0
        bench.run(5000)
        happens(bench)
        bench.run(49_900)
        assert told(bench, event) == [] and manager.wishes.manual, why
        bench.run(200)
        assert told(bench, event) == [(INFO, code)] and not manager.wishes.manual, why
        bench.run(60_000)
        assert told(bench, event) == [(INFO, code)], (why, "once")


def test_a_charge_of_the_schedule_that_waits_is_not_over():
    bench = Bench().started()
    manager = bench.manager
    manager.set_charge_params(minutes_max=1)
    clock(bench, 1)
    manager.add_schedule((1, 7, 1, 0, CHARGE, -3000, 60, 1))
    bench.run(2000)
    manager.ask_remote(1000, 90_000)
    bench.run(80_000)
    assert manager.requests.rank == BY_REMOTE and told(bench, EVENT_CHARGE_COMPLETE) == []
    bench.run(20_000)
    assert manager.requests.rank == BY_SCHEDULE and manager.command.battery_w == -3000


def test_a_charge_of_a_person_follows_its_method():
    bench = Bench().started()
    manager = bench.manager
    manager.set_charge_params(w_max=6000)
    bench.tick()
    manager.start_charging(0)
    bench.run(6000)
    assert manager.command.battery_w == -6000
    bench.rows(M_CELL_MV_MAX, 3460)
    bench.run(6000)
    assert -5000 < manager.command.battery_w < 0, "the cell is held, so less flows"
    assert manager.requests.wish_w == manager.wishes.operations.charge.wish_w


def test_a_discharge_of_a_person_is_held_against_losses():
    bench = Bench().started()
    manager = bench.manager
    manager.start_discharging(5000, 0)
    bench.run(3000)
    bench.pcs_w = 4700
    bench.run(20_000)
    assert 5000 < manager.command.battery_w <= 5500, "the inverter gives too little"
    assert manager.requests.wish_w == manager.wishes.operations.discharge.wish_w


def test_power_for_a_time():
    bench = Bench().started()
    manager = bench.manager
    manager.set_constant_power(-1500, 1)
    bench.run(59_800)
    assert manager.command.battery_w == -1500
    bench.run(400)
    assert manager.requests.rank == 0
    assert told(bench, EVENT_CHARGE_COMPLETE) == [], "nobody's charge: a power only"


def test_the_schedule_takes_turns_with_people():
    bench = Bench().started()
    manager = bench.manager
    clock(bench, 1)
    manager.add_schedule((1, 7, 1, 0, DISCHARGE, 3000, 60, 1))
    bench.run(5000)
    assert (manager.requests.rank, manager.command.battery_w) == (BY_SCHEDULE, 3000)
    manager.start_discharging(1000, 1)
    bench.run(5000)
    assert (manager.requests.rank, manager.command.battery_w) == (BY_MANUAL, 1000)
    assert told(bench, EVENT_DISCHARGE_COMPLETE) == [], "one that replaces it goes on"
    bench.run(60_000)
    assert (manager.requests.rank, manager.command.battery_w) == (BY_SCHEDULE, 3000)
    clock(bench, 2)
    bench.run(5000)
    assert manager.requests.rank == 0
    assert told(bench, EVENT_DISCHARGE_COMPLETE) == [(INFO, DURATION)] * 2


def test_an_entry_that_holds_zero_wishes_zero():
    bench = Bench().started()
    manager = bench.manager
    clock(bench, 1)
    manager.add_schedule((1, 7, 1, 0, IDLE, 0, 60, 1))
    bench.run(1000)
    assert (manager.requests.rank, manager.requests.wish_w) == (BY_SCHEDULE, 0)
    manager.ask_remote(2000, 10_000)
    bench.run(3000)
    assert (manager.requests.rank, manager.command.battery_w) == (BY_REMOTE, 2000)
    bench.run(12_000)
    assert (manager.requests.rank, manager.command.battery_w) == (BY_SCHEDULE, 0)


def test_a_calibration_waits_for_its_turn():
    bench = Bench().started()
    manager = bench.manager
    manager.wishes.soc.full_s = 14 * 86_400
    manager.start_discharging(3000, 1)
    bench.run(5000)
    assert manager.requests.rank == BY_MANUAL and manager.wishes.soc.wanted
    bench.run(62_000)
    assert manager.requests.rank == BY_CALIBRATION and manager.command.battery_w < 0
    manager.wishes.soc.full_s = 0
    manager.wishes.soc.due = manager.wishes.soc.wanted = False
    bench.run(8000)
    assert manager.requests.rank == 0 and manager.command.battery_w == 0


def test_a_refused_charge_stops_nothing_but_itself():
    bench = Bench().started(1000)
    manager = bench.manager
    manager.start_discharging(2000, 0)
    bench.run(3000)
    manager.set_charge_params(method=3)
    bench.tick()
    manager.pack.cell_mv_min = 1900
    assert manager.start_charging(0) != 0
    bench.run(300)
    assert manager.requests.rank == BY_MANUAL and manager.wishes.manual == DISCHARGE
    bench.rows(M_SOC_PM, 400)
    bench.run(1000)
    assert manager.command.battery_w == 2000
