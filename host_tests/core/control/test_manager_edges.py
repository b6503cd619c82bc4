"""The whole tick at its edges: an exclusion, a late tick, authority, what an event tells."""

from bess.core.control.modes import DISCHARGE, IDLE, MAINTENANCE, REFUSED_LOCAL_ONLY, STANDBY
from bess.core.points import (
    BATTERY_W, BY_PROTECT_CHARGE, CAUSE_COMMANDED, CAUSE_INPUT, COUNTED_PM,
    EVENT_AUTO_RESTART, EVENT_AUTO_RESTART_GIVEN_UP, EVENT_EMERGENCY, EVENT_INVARIANT,
    EVENT_MODE_CHANGE, EVENT_OVERPOWER, EVENT_TRIP, ISLAND,
    M_CELL_MV_MAX, M_CELL_MV_MIN, OUTPUTS, PCS_GRID, TRIP_PCS_FAULT, TRIP_PCS_OVERPOWER,
    TRIP_PCS_UNCONFIRMED, WHY_CELL_HIGH,
)
from bess.core.tick import TICK_MASK
from host_tests.core.bench_pack import Bench, in_standby, trips


def told(bench, event):
    """(level, data) of the events of this number, oldest first."""
    events, found = bench.manager.events, []
    for back in range(31, -1, -1):
        slot = events.slot(back)
        if slot >= 0 and events.event(slot) == event:
            found.append((events.level(slot), events.data(slot)))
    return found


def test_a_silent_module_is_left_out_after_a_minute_and_not_before():
    for start_ms in (1000, TICK_MASK - 40_000):
        for module in (0, 2, 3):
            bench = Bench(start_ms).started(1000)
            pack = bench.manager.pack
            bench.silent = 1 << module
            bench.tick()
            at_ms = pack.at_ms[module]
            while (bench.now_ms - at_ms) & TICK_MASK <= 60_000:
                assert bench.tick().pack.excluded == 0, module
            assert bench.tick().pack.excluded == 1 << module
            bench.run(3000)
            assert pack.excluded == 1 << module, "and no other"


def test_a_module_is_left_out_on_the_bus_only():
    bench = Bench()
    bench.silent = 2
    bench.run(63_000)
    assert bench.manager.pack.excluded == 0, "at rest a module may sleep"


def test_a_late_tick_moves_no_more_than_two():
    for late_ms, ticks in ((100, 1), (150, 1.5), (200, 2), (300, 2), (5000, 2)):
        bench = Bench().started()
        manager = bench.manager
        manager.set_constant_power(20_000, 0)
        bench.run(500)
        before_w, rate_w = manager.command.battery_w, manager.rise_w
        bench.now_ms += late_ms - 100
        bench.tick()
        rise_w = manager.command.battery_w - before_w
        assert abs(rise_w - ticks * rate_w / 10) <= 1, (late_ms, rise_w)
        assert manager.latched == 0


def test_local_leaves_protection_and_people():
    bench = Bench().started()
    manager = bench.manager
    manager.ask_remote(5000, 60_000)
    bench.run(3000)
    assert manager.command.battery_w == 5000
    assert manager.set_authority(True) == 0
    bench.run(5000)
    assert manager.command.battery_w == 0 and manager.requests.rank == 0, "remote rests"
    assert manager.ask_remote(5000, 60_000) == REFUSED_LOCAL_ONLY
    manager.set_constant_power(3000, 0)
    bench.run(3000)
    assert manager.command.battery_w == 3000, "a person may"
    bench.rows(M_CELL_MV_MIN, 2840)
    bench.run(5000)
    assert manager.requests.rank == BY_PROTECT_CHARGE and manager.command.battery_w < 0
    bench = Bench()
    manager = bench.run(1000)
    assert manager.set_authority(True) == 0 and manager.enter_maintenance() == 0
    bench.until(lambda m: m.stopped(), 20_000)
    for _ in range(15):
        assert manager.test_power(300) == 0
        bench.run(1000)
    assert manager.mode == MAINTENANCE and manager.command.battery_w == 300, "and a test"


def test_what_the_events_of_a_trip_tell():
    bench = Bench().started()
    bench.pcs_w = 23_000
    bench.until(lambda m: m.trips.present, 8000)
    assert trips(bench.manager) == (TRIP_PCS_OVERPOWER,)
    assert told(bench, EVENT_TRIP) == [(2, TRIP_PCS_OVERPOWER)]
    assert told(bench, EVENT_OVERPOWER) == [(2, 23_000)]
    assert told(bench, EVENT_MODE_CHANGE)[-1] == (0, IDLE * 256 + STANDBY)


def test_what_the_events_of_restarts_tell():
    bench = Bench().started()
    for restart in range(4):
        bench.pcs_state = 3
        bench.until(lambda m: m.trips.present, 2000)
        assert told(bench, EVENT_TRIP)[-1] == (2, TRIP_PCS_FAULT)
        assert told(bench, EVENT_OVERPOWER) == [], "that is another trip"
        bench.pcs_state = None
        if restart < 3:
            bench.until(lambda m: m.mode == IDLE, 90_000)
            assert told(bench, EVENT_AUTO_RESTART)[-1] == (0, 0)
    bench.run(70_000)
    assert told(bench, EVENT_AUTO_RESTART_GIVEN_UP) == [(1, 0)]
    assert bench.manager.mode == STANDBY


def test_what_the_event_of_an_emergency_tells():
    bench = Bench().started(1000)
    assert told(bench, EVENT_MODE_CHANGE) == [
        (0, STANDBY * 256 + IDLE), (0, IDLE * 256 + DISCHARGE)]
    bench.loop_ok = False
    bench.until(lambda m: m.latched, 500)
    assert told(bench, EVENT_EMERGENCY) == [(3, CAUSE_INPUT)]
    bench.manager.emergency_shutdown()
    bench.tick()
    assert told(bench, EVENT_EMERGENCY) == [(3, CAUSE_INPUT), (3, CAUSE_COMMANDED)]
    assert bench.manager.first_cause == CAUSE_INPUT
    assert told(bench, EVENT_INVARIANT) == []


def test_what_the_event_of_a_broken_step_tells():
    bench = Bench().started(1000)
    bench.manager.fail(bench.now_ms)
    assert told(bench, EVENT_INVARIANT) == [(3, 0)], "no invariant: the step itself"


def test_the_first_start_is_no_restart():
    bench = Bench().started()
    assert told(bench, EVENT_AUTO_RESTART) == []
    bench.manager.stop()
    bench.until(in_standby, 20_000)
    bench.manager.start()
    bench.until(lambda m: m.mode == IDLE, 30_000)
    assert told(bench, EVENT_AUTO_RESTART) == [], "a person's start is none either"


def test_resting_at_a_high_cell_sets_the_count_right():
    """Nobody charges; the cells alone bound it, and the current is small for a quarter hour."""
    bench = Bench().started()
    bench.rows(M_CELL_MV_MAX, 3600)
    bench.run(3000)
    assert bench.manager.window.lo_why == WHY_CELL_HIGH
    bench.run(600_000)
    assert bench.manager.image.now[COUNTED_PM] < 600
    bench.run(320_000)
    assert bench.manager.image.now[COUNTED_PM] == 1000


def test_in_an_island_an_unconfirmed_command_is_no_trip():
    for island in (True, False):
        bench = Bench(grid_connection=1)
        bench.meter_w = 0
        bench.started()
        manager = bench.manager
        for tick in range(200):
            bench.manager.image.put(PCS_GRID, 2 if island and tick > 20 else 1, bench.now_ms)
            if tick == 60:
                bench.pcs_w, bench.unconfirmed = 6000, 3
            if island or tick < 60:
                bench.tick()
            else:
                bench.pcs_w = None
                bench.tick()
        assert manager.image.now[ISLAND] == (1 if island else 0)
        assert (TRIP_PCS_UNCONFIRMED in trips(manager)) == (not island), island
        assert (manager.mode == DISCHARGE) == island, "it follows the measured power"


SMALL = (
    # measured power in an island, mode, why (20 kW rated)
    (401, DISCHARGE, "more than 2 %"),
    (400, IDLE, "no more than that"),
    (-401, 1, "the sun charges it"),
    (-400, IDLE, "no more than that"),
    (None, IDLE, "unknown is no power"),
)


def test_in_an_island_the_mode_follows_what_is_measured():
    for power_w, mode, why in SMALL:
        bench = Bench(grid_connection=1)
        bench.meter_w = 0
        bench.started()
        for tick in range(80):
            bench.manager.image.put(PCS_GRID, 2 if tick > 20 else 1, bench.now_ms)
            bench.pcs_w = 0 if tick < 30 or power_w is None else power_w
            bench.tick()
            if power_w is None and tick > 30:
                bench.manager.image.now[BATTERY_W] = None
        assert bench.manager.image.now[ISLAND] == 1 and bench.manager.mode == mode, why


def test_outputs_before_the_first_tick_are_off():
    manager = Bench().manager
    assert manager.image.now[OUTPUTS] is None and manager.outputs() == 0
    assert (manager.command.run, manager.command.battery_w, manager.mode) == (0, 0, STANDBY)
