"""Connection type, caps, grid support and island in the whole tick."""

from bess.core.control.modes import DISCHARGE, IDLE, REFUSED_MODE, STANDBY
from bess.core.points import (
    EVENT_FLOW_CHANGE, EVENT_GRID_CONNECTED, EVENT_GRID_DISCONNECTED, EVENT_ISLAND,
    EVENT_ISLAND_BLACKOUT, FLOW, GRID_CHZ, GRID_STATE, ISLAND, M_SOC_PM, PCS_GRID,
    WHY_EXPORT_CAP, WHY_GRID_CHARGING_OFF, WHY_GRID_EXPORT_OFF, WHY_GRID_TYPE, WHY_IMPORT_CAP,
    WHY_METER_STALE, WHY_RESERVE,
)
from host_tests.core.bench_pack import Bench

CONNECTIONS = (
    # settings, meter without battery, lo, reason, hi, reason, why (ratings 20 kW)
    ({"allow_grid_charging": 0}, 3000, 0, WHY_GRID_CHARGING_OFF, 20_000, 6, "no surplus"),
    ({"allow_grid_charging": 0}, -3000, -3000, WHY_GRID_CHARGING_OFF, 20_000, 6, "surplus only"),
    ({"allow_grid_export": 0}, 3000, -20_000, 6, 3000, WHY_GRID_EXPORT_OFF, "the load only"),
    ({"allow_grid_export": 0}, -500, -20_000, 6, 0, WHY_GRID_EXPORT_OFF, "no load"),
    ({"import_w_max": 5000}, 3000, -2000, WHY_IMPORT_CAP, 20_000, 6, "2 kW are left"),
    ({"export_w_max": 5000}, 3000, -20_000, 6, 8000, WHY_EXPORT_CAP, "the load and 5 kW"),
    ({"grid_connection": 3}, -3000, -3000, WHY_GRID_TYPE, 20_000, 6, "EXPORT: surplus only"),
    ({"grid_connection": 1, "backup_reserve_pm": 300}, 3000, -20_000, 6, 3000, WHY_GRID_TYPE,
     "BACKUP: never to the grid"),
    ({"grid_connection": 1, "backup_reserve_pm": 600}, 3000, -20_000, 6, 0, WHY_RESERVE,
     "BACKUP: the reserve is kept"),
)


def test_connections():
    for settings, meter_w, lo_w, lo_why, hi_w, hi_why, why in CONNECTIONS:
        bench = Bench(**settings)
        bench.meter_w = meter_w
        bench.started()
        bench.run(2000)
        window = bench.manager.window
        got = (window.lo_w, window.lo_why, window.hi_w, window.hi_why)
        assert got == (lo_w, lo_why, hi_w, hi_why), (why, got)


def test_a_rule_that_needs_the_meter_closes_its_side_without_it():
    bench = Bench(allow_grid_charging=0).started()
    window = bench.manager.window
    assert (window.lo_w, window.lo_why) == (0, WHY_METER_STALE) and window.hi_w == 20_000


def test_a_charge_from_surplus_follows_the_sun():
    bench = Bench(allow_grid_charging=0, locked=True)
    bench.meter_w = -3000
    bench.started()
    bench.manager.ask_remote(-20_000, 60_000)
    for _ in range(100):
        bench.meter_w = -3000 - bench.power_w()
        bench.tick()
    assert bench.manager.command.battery_w == -3000


def test_the_type_is_changed_in_standby_only():
    bench = Bench().started()
    assert bench.manager.set_grid_connection(3) == REFUSED_MODE
    bench.manager.stop()
    bench.run(10_000)
    assert bench.manager.set_grid_connection(3) == 0 and bench.manager.grid.kind == 3


def test_frequency_support_bypasses_the_ramp():
    bench = Bench(frequency_watt="ieee1547", grid_hz=60, locked=True).started(10_000)
    manager = bench.manager
    bench.manager.image.put(GRID_CHZ, 6000, bench.now_ms)
    for _ in range(300):
        bench.manager.image.put(GRID_CHZ, 6050, bench.now_ms)
        bench.tick()
    wanted_w = 10_000 - 155 * 20            # 0.155 of the rating at 60.5 Hz
    assert abs(manager.command.battery_w - wanted_w) <= 250, manager.command.battery_w
    assert manager.latched == 0, "no invariant minds the step"
    for _ in range(600):
        bench.manager.image.put(GRID_CHZ, 6000, bench.now_ms)
        bench.tick()
    assert abs(manager.command.battery_w - 10_000) <= 20


def test_support_stays_inside_the_window():
    bench = Bench(frequency_watt="ieee1547", grid_hz=60, discharge_w_max=10_500).started(10_000)
    for _ in range(300):
        bench.manager.image.put(GRID_CHZ, 5900, bench.now_ms)
        bench.tick()
    assert bench.manager.command.battery_w == 10_500 and bench.manager.latched == 0


def grid(bench, state, span_ms):
    for _ in range(span_ms // 100):
        bench.manager.image.put(PCS_GRID, state, bench.now_ms)
        bench.tick()


def test_an_island_follows_the_load():
    bench = Bench(grid_connection=1)
    bench.meter_w = 0
    bench.started()
    manager = bench.manager
    grid(bench, 1, 1000)
    assert manager.image.now[GRID_STATE] == 1 and manager.command.run == 1
    manager.ask_remote(-5000, 60_000)
    grid(bench, 1, 3000)
    bench.pcs_w = 6000
    grid(bench, 2, 3000)
    assert bench.has(EVENT_GRID_DISCONNECTED) == 1 and bench.has(EVENT_ISLAND) == 1
    assert manager.image.now[ISLAND] == 1 and manager.command.run == 2
    assert manager.command.battery_w == 0 and manager.mode == DISCHARGE
    bench.pcs_w = None
    grid(bench, 1, 5000)
    assert bench.has(EVENT_GRID_CONNECTED) >= 1 and manager.image.now[ISLAND] == 0
    assert manager.ramp.reconnecting and manager.latched == 0


def test_a_black_start_takes_the_load_that_waits():
    bench = Bench(grid_connection=1)
    manager = bench.manager
    grid(bench, 2, 1000)
    manager.start()
    while not manager.command.run:
        grid(bench, 2, 100)
    bench.pcs_w = 6000                      # of a rating of 20 kW: more than 2 % of it
    grid(bench, 2, 10_000)
    assert manager.image.now[ISLAND] == 1 and manager.command.run == 2
    assert manager.mode == DISCHARGE and manager.trips.present == 0


def test_an_island_ends_before_the_battery_is_empty():
    bench = Bench(grid_connection=1)
    bench.meter_w = 0
    bench.started()
    manager = bench.manager
    grid(bench, 1, 1000)
    bench.pcs_w = 6000
    grid(bench, 2, 3000)
    bench.rows(M_SOC_PM, 100)
    grid(bench, 2, 3000)
    assert bench.has(EVENT_ISLAND_BLACKOUT) == 1 and manager.mode == STANDBY
    bench.pcs_w = None
    grid(bench, 2, 30_000)
    assert manager.stopped() and manager.run_wanted == 1, "it waits"
    grid(bench, 1, 30_000)
    assert manager.mode == IDLE, "the grid is back"


def test_without_a_backup_output_a_lost_grid_is_a_stop():
    bench = Bench().started()
    manager = bench.manager
    grid(bench, 1, 1000)
    manager.ask_remote(5000, 60_000)
    grid(bench, 1, 3000)
    grid(bench, 2, 10_000)
    assert manager.mode == STANDBY and manager.stopped()
    grid(bench, 1, 20_000)
    assert manager.mode != STANDBY


def test_flow_direction_is_a_point_and_an_event():
    bench = Bench()
    bench.meter_w = -4000
    bench.started()
    bench.manager.ask_remote(4000, 60_000)
    bench.run(8000)
    assert bench.manager.image.now[FLOW] == 2, "battery to grid"
    assert bench.has(EVENT_FLOW_CHANGE) >= 1


def test_a_black_start_carries_its_load_from_the_first_second():
    bench = Bench(grid_connection=1)
    manager = bench.manager
    grid(bench, 2, 1000)
    manager.start()
    while not manager.command.run:
        grid(bench, 2, 100)
        assert bench.ticks < 200
    assert manager.command.run == 2, "it forms the grid"
    bench.pcs_w = 6000
    grid(bench, 2, 10_000)
    assert manager.mode == DISCHARGE and manager.image.now[ISLAND] == 1
    assert manager.trips.present == 0


def test_on_a_grid_the_start_waits_for_zero():
    bench = Bench(grid_connection=1)
    bench.meter_w = 0
    manager = bench.manager
    grid(bench, 1, 1000)
    manager.start()
    while not manager.command.run:
        grid(bench, 1, 100)
        assert bench.ticks < 200
    bench.pcs_w = 6000
    grid(bench, 1, 10_000)
    assert manager.mode == STANDBY and manager.command.run == 0
