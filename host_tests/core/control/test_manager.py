"""The whole tick against a plant on the bench: start, stop, requests, trips, no heap."""

from bess.core.battery.sequence import COOL, EMPTY, K_MINUS, K_PLUS, PCS_FAULT, REST, RUN, STOP_PCS
from bess.core.control.modes import (
    BLOCKED, CHARGE, DISCHARGE, EMERGENCY, IDLE, OFF, STANDBY, STARTING,
)
from bess.core.points import (
    BY_REMOTE, EVENT_AUTO_RESTART, EVENT_AUTO_RESTART_GIVEN_UP, EVENT_PRECHARGE_FAILED, GRID_W,
    LO_W, M_CELL_DC_MAX, M_CELL_MV_MAX, M_CHARGE_MA_MAX, M_CURRENT_MA, M_SOC_PM, PHASE,
    TRIP_CONTACTOR, TRIP_PCS_START, TRIP_PRECHARGE, WHY_RATING,
)
from bess.core.tick import TICK_MASK
from host_tests.core.bench_pack import Bench, in_standby, is_open, trips

MAIN = K_MINUS | K_PLUS
WRAP_MS = TICK_MASK - 8000              # the counter wraps while the bench runs


def test_start_to_power():
    bench = Bench()
    manager = bench.run(1000)
    assert (manager.mode, manager.image.now[PHASE], bench.coils()) == (STANDBY, OFF, 0)
    manager.start()
    bench.tick()
    assert manager.image.now[PHASE] == STARTING
    bench.until(lambda m: m.mode == IDLE, 10_000)
    assert bench.coils() == MAIN and manager.command.run == 1
    assert manager.command.battery_w == 0
    manager.ask_remote(-5000, 60_000)
    bench.until(lambda m: m.mode == CHARGE, 200)
    assert bench.until(lambda m: m.command.battery_w == -5000, 5000) <= 2500, "10 % a second"
    manager.ask_remote(3000, 60_000)
    seen = []
    for _ in range(60):
        seen.append(bench.tick().command.battery_w)
    assert 0 in seen and manager.mode == DISCHARGE and seen[-1] == 3000
    manager.ask_remote(0, 60_000)
    spent_ms = bench.until(lambda m: m.mode == IDLE, 10_000)
    assert 5000 <= spent_ms <= 6000, "zero for 5 s is IDLE"


def test_no_start_without_a_module():
    for contactors in ("own", "none"):
        bench = Bench(contactors=contactors)
        bench.silent = 15
        bench.run(1000)
        bench.manager.start()
        manager = bench.run(70_000)
        assert (manager.sequence.step, bench.coils(), manager.latched) == (REST, 0, 0), contactors
        bench.silent = 0
        bench.until(lambda m: m.mode == IDLE, 10_000)


def test_self_use_holds_the_grid_at_its_target():
    bench = Bench(self_use=1)
    bench.meter_w = 20
    bench.started()
    for load_w in (4000, -6000, 1000):
        for _ in range(300):
            bench.meter_w = load_w - bench.power_w()
            bench.tick()
        assert abs(bench.meter_w - 20) <= 15, (load_w, bench.meter_w)


def test_remote_expiry():
    for start_ms in (1000, WRAP_MS):
        bench = Bench(start_ms).started()
        manager = bench.manager
        manager.set_constant_power(-1000, 0)
        manager.stop_operation()
        manager.ask_remote(2000, 3000)
        bench.run(2000)
        assert manager.command.battery_w == 2000 and manager.requests.rank == BY_REMOTE
        manager.ask_remote(2000, 3000)
        bench.run(2900)
        assert manager.requests.rank == BY_REMOTE, "renewed"
        bench.run(200)
        assert manager.requests.rank == 0, "ends at its own expiry"
        bench.until(lambda m: m.command.battery_w == 0, 1000)
        assert manager.run_wanted == 1


def test_ranks():
    bench = Bench(self_use=1)
    bench.meter_w = 4020
    bench.started()
    manager = bench.manager
    bench.run(2000)
    assert manager.requests.rank == 10
    manager.ask_remote(0, 60_000)
    bench.run(3000)
    assert manager.requests.rank == 50 and manager.command.battery_w == 0, "0 W is a wish"
    manager.set_constant_power(-500, 0)
    bench.run(6000)
    assert manager.requests.rank == 60 and manager.command.battery_w == -500
    manager.stop_operation()
    bench.run(1000)
    assert manager.requests.rank == 50
    manager.release_remote()
    bench.run(1000)
    assert manager.requests.rank == 10


def test_auto_restart_three_times_an_hour():
    bench = Bench().started()
    manager = bench.manager
    for restart in range(4):
        bench.pcs_state = PCS_FAULT
        bench.until(in_standby, 1000)
        bench.run(5000)
        bench.pcs_state = None
        bench.tick()
        assert manager.image.now[PHASE] == BLOCKED or restart == 0
        if restart == 3:
            break
        spent_ms = bench.until(lambda m: m.image.now[PHASE] == STARTING, 70_000)
        assert 59_900 <= spent_ms <= 60_200, (restart, spent_ms)
        bench.until(lambda m: m.mode == IDLE, 10_000)
        assert bench.has(EVENT_AUTO_RESTART)
    bench.run(70_000)
    assert manager.image.now[PHASE] == BLOCKED and bench.has(EVENT_AUTO_RESTART_GIVEN_UP) == 1
    assert manager.start() == 0
    bench.until(lambda m: m.mode == IDLE, 10_000)


def test_without_auto_restart_a_trip_blocks_until_start():
    bench = Bench(auto_restart=0).started()
    bench.pcs_state = PCS_FAULT
    bench.until(in_standby, 1000)
    bench.pcs_state = None
    bench.run(100_000)
    assert bench.manager.image.now[PHASE] == BLOCKED
    bench.manager.start()
    bench.until(lambda m: m.mode == IDLE, 10_000)


def test_failed_starts():
    rows = (
        # fault, trip, restarts by itself, why
        ({"stuck_open": K_MINUS}, TRIP_CONTACTOR, False, "K- does not close"),
        ({"stuck_open": K_PLUS}, TRIP_CONTACTOR, False, "K+ does not close"),
        ({"bus_stuck": True}, TRIP_PRECHARGE, False, "three tries"),
        ({"unconfirmed": 1}, TRIP_PCS_START, True, "zero is not confirmed"),
    )
    for fault, trip, by_itself, why in rows:
        bench = Bench()
        for name in fault:
            setattr(bench, name, fault[name])
        bench.run(1000)
        manager = bench.manager
        manager.start()
        bench.until(lambda m: m.trips.present, 150_000)
        assert trips(manager) == (trip,) and manager.latched == 0, (why, trips(manager))
        bench.until(lambda m: m.image.now[PHASE] == BLOCKED, 8000)
        assert bench.coils() == 0 and manager.command.run == 0, why
        for name in fault:
            setattr(bench, name, 0)
        bench.run(75_000)
        assert (manager.mode == IDLE) == by_itself, why
        assert manager.start() == 0
        bench.until(lambda m: m.mode == IDLE, 70_000)


def test_precharge_tries_are_events():
    bench = Bench()
    bench.bus_stuck = True
    bench.run(1000)
    bench.manager.start()
    bench.until(lambda m: m.sequence.step == COOL, 10_000)
    assert bench.has(EVENT_PRECHARGE_FAILED) == 1
    bench.until(lambda m: m.trips.present, 150_000)
    assert bench.has(EVENT_PRECHARGE_FAILED) == 3


def test_stop_ramps_down_then_opens():
    for power_w in (10_000, -10_000):
        bench = Bench().started(power_w)
        manager = bench.manager
        manager.stop()
        assert manager.mode == STANDBY
        spent_ms = bench.until(lambda m: m.command.run == 0, 10_000)
        assert 2400 <= spent_ms <= 2700, (spent_ms, "20 % of the rating a second")
        bench.until(is_open, 2000)
        assert manager.openings == 0 and manager.image.now[PHASE] in (OFF, 3)


def test_a_slow_ramp_down_is_not_cut_off():
    bench = Bench(ramp_down_pm=50).started(20_000)
    bench.manager.stop()
    spent_ms = bench.until(lambda m: m.command.run == 0, 30_000)
    assert 19_000 <= spent_ms <= 21_000, "5 % a second"
    bench = Bench().started(20_000)
    bench.manager.stop()
    bench.until(lambda m: m.command.battery_w < 900, 6000)
    bench.pcs_w = 900
    bench.until(lambda m: m.command.battery_w == 0, 1000)
    spent_ms = bench.until(lambda m: m.command.run == 0, 30_000)
    assert 4800 <= spent_ms <= 5000, (spent_ms, "at zero the inverter has 5 s")


def test_stop_and_start_again_on_the_way():
    bench = Bench().started(10_000)
    bench.manager.stop()
    bench.run(500)
    assert bench.manager.sequence.step == EMPTY
    bench.manager.start()
    bench.until(lambda m: m.mode == IDLE, 15_000)
    assert bench.has(EVENT_AUTO_RESTART) == 0, "a person asked"


def test_a_trip_takes_no_ramp():
    bench = Bench().started(20_000)
    bench.pcs_state = PCS_FAULT
    manager = bench.tick()
    assert (manager.command.battery_w, manager.command.run) == (0, 0)
    assert manager.sequence.step == STOP_PCS


def test_a_limit_that_falls_acts_in_the_same_tick():
    bench = Bench().started(-20_000)
    bench.rows(M_CHARGE_MA_MAX, 50_000)
    limit_w = 4 * 50 * 528 // 10
    bench.until(lambda m: m.command.battery_w == -limit_w, 200)
    assert bench.manager.window.lo_why == 8
    bench.rows(M_CHARGE_MA_MAX, 157_000)
    bench.until(lambda m: m.image.now[LO_W] == -20_000, 600)
    assert bench.manager.window.lo_why == WHY_RATING
    assert bench.until(lambda m: m.command.battery_w == -20_000, 10_000) >= 4000, "rises slowly"


def test_no_step_allocates():
    for start_ms in (1000, WRAP_MS):
        bench = Bench(start_ms, locked=True, self_use=1)
        bench.meter_w = 1500
        bench.started()
        bench.run(3000)
        bench.manager.ask_remote(-9000, 4000)
        bench.run(6000)
        bench.rows(M_SOC_PM, 940)
        bench.rows(M_CELL_MV_MAX, 3600)
        bench.rows(M_CELL_DC_MAX, 440)
        bench.run(2000)
        bench.silent = 2
        bench.run(3000)
        bench.silent = 15
        bench.run(7000)
        bench.silent = 0
        bench.pcs_state = PCS_FAULT
        bench.run(1000)
        bench.pcs_state = None
        bench.run(62_000)
        bench.rows(M_CURRENT_MA, 300_000)
        bench.load_ma = 1_200_000
        bench.run(9000)
        assert bench.manager.mode == EMERGENCY
        bench.load_ma = None
        bench.run(6000)
        assert bench.manager.reset_emergency() == 0
        bench.manager.start()
        bench.run(5000)
        assert bench.manager.sequence.step == RUN
        assert bench.manager.image.raw[GRID_W] == 1500
