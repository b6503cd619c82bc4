"""Calls in states that are rare: during MAINTENANCE, after a shutdown, by a mode's number."""

from bess.core.battery.sequence import PCS_FAULT
from bess.core.control.operate import STATS
from bess.core.control.modes import (
    BLOCKED, CHARGE, DISCHARGE, EMERGENCY, IDLE, MAINTENANCE, REFUSED_CAUSE_PRESENT,
    REFUSED_DIRECTION, REFUSED_FULL, REFUSED_LATCHED, REFUSED_MODE, REFUSED_NOT_STARTED,
    REFUSED_RANK_HELD, RUNNING, STANDBY, STARTING,
)
from bess.core.control import maintenance
from bess.core.events import WARNING
from bess.core.points import (
    BY_MANUAL, CAUSE_CELL_HIGH, DISCHARGE_WH, EVENT_AUTO_RESTART, EVENT_AUTO_RESTART_GIVEN_UP,
    EVENT_MODE_CHANGE, EVENT_PCS_OVERRULED, EVENT_REFUSED, M_CELL_MV_MAX, OPENINGS, PCS_GRID,
    PHASE,
)
from host_tests.core.bench_pack import Bench, latched
from host_tests.core.control.test_wishes_ends import told


def maintained():
    bench = Bench()
    bench.run(1000)
    assert bench.manager.set_mode(MAINTENANCE) == 0
    return bench


def test_discharge_as_a_mode_runs_at_the_power_of_the_parameters():
    bench = Bench().started()
    manager = bench.manager
    assert manager.set_discharge_params(w_max=4000) == 0
    assert manager.set_mode(DISCHARGE) == 0
    bench.run(5000)
    assert (manager.mode, manager.command.battery_w) == (DISCHARGE, 4000)
    assert manager.requests.rank == BY_MANUAL and manager.requests.left_ms is None


def test_a_mode_is_no_test():
    """In MAINTENANCE a power or a charge is a test, but a mode is refused."""
    for mode in (CHARGE, DISCHARGE):
        bench = maintained()
        bench.run(1000)
        assert bench.manager.set_mode(mode) == REFUSED_MODE
        assert bench.manager.test.kind == 0
    assert bench.manager.start_charging(0) == 0 and bench.manager.test.kind


NOT_NOW = (
    # settings, emergency, refusal, why
    ((), False, REFUSED_NOT_STARTED, "in STANDBY nobody has started it"),
    ((), True, REFUSED_LATCHED, "an emergency is latched"),
)


def test_a_discharge_is_refused_as_the_state_says():
    for changes, pressed, refusal, why in NOT_NOW:
        bench = Bench(**dict(changes))
        manager = bench.manager
        bench.run(1000)
        if pressed:
            manager.emergency_shutdown()
            bench.until(latched, 200)
        assert manager.start_discharging(1000, 5) == refusal, why
        assert manager.set_mode(DISCHARGE) == refusal, why
        assert bench.has(EVENT_REFUSED) == 2 and manager.wishes.manual == 0, why
        bench.run(500)
        assert manager.requests.rank == 0 and manager.command.battery_w == 0, why


def test_a_pack_that_only_charges_refuses_a_discharge():
    bench = Bench(discharge_w_max=0).started()
    assert bench.manager.start_discharging(500, 0) == REFUSED_DIRECTION
    assert bench.manager.set_constant_power(500, 0) == REFUSED_DIRECTION
    assert bench.manager.start_charging(0) == 0


def test_charge_and_discharge_are_tests_in_maintenance():
    bench = maintained()
    manager = bench.manager
    bench.until(lambda m: m.stopped(), 5000)
    assert manager.start_discharging(600, 0) == 0
    assert (manager.test.kind, manager.test.wish_w) == (maintenance.POWER, 600)
    assert manager.start_charging(0) == REFUSED_MODE, "one test at a time"
    assert manager.stop_operation() == 0 and manager.test.kind == maintenance.NONE
    bench.until(lambda m: m.stopped(), 20_000)
    assert manager.start_charging(0) == 0
    assert manager.test.kind == maintenance.TRICKLE and manager.test.wish_w == -1000
    assert manager.wishes.manual == 0, "a test is nobody's charge"


def test_stop_in_maintenance_ends_the_test_and_stays_there():
    bench = maintained()
    manager = bench.manager
    manager.test_power(300)
    bench.run(3000)
    assert manager.stop() == 0 and manager.test.kind == maintenance.NONE
    bench.until(lambda m: m.stopped(), 20_000)
    assert manager.mode == MAINTENANCE and bench.coils() == 0


def test_the_mode_emergency_is_a_shutdown():
    bench = Bench().started(3000)
    assert bench.manager.set_mode(EMERGENCY) == 0
    bench.tick()
    assert bench.manager.mode == EMERGENCY and bench.manager.command.battery_w == 0


def test_who_listens_hears_of_the_mode():
    bench = Bench()
    manager = bench.manager
    heard = []

    def hear(event, data, name):
        heard.append((event, data, name))

    assert manager.register_callback(EVENT_MODE_CHANGE, hear, "door") == 0
    bench.started()
    manager.callbacks.run(bench.now_ms)
    assert heard == [(EVENT_MODE_CHANGE, 3, "door")], "0 STANDBY -> 3 IDLE"
    assert manager.unregister_callback(EVENT_MODE_CHANGE, hear) == 1
    manager.stop()
    manager.callbacks.run(bench.now_ms)
    assert len(heard) == 1


def test_the_seventeenth_listener_is_refused():
    bench = Bench()
    manager = bench.manager
    for _ in range(16):
        assert manager.register_callback(-1, print) == 0
    assert manager.register_callback(-1, print) == REFUSED_FULL
    assert bench.has(EVENT_REFUSED) == 1
    assert manager.unregister_callback(-1, print) == 16


def test_figures_of_a_day():
    bench = Bench().started(20_000)
    bench.run(180_000)
    out = [None] * len(STATS)
    bench.manager.stats(out)
    discharged_wh = out[STATS.index(DISCHARGE_WH)]
    assert 1000 <= discharged_wh <= 1030, "20 kW for three minutes and the ramp"
    assert out[STATS.index(OPENINGS)] == 0


FORGOTTEN = (
    # auto_restart, wish restored, events, why
    (1, True, 1, "it would have started by itself"),
    (0, False, 0, "a person starts it anyway: nothing to say"),
)


def test_a_wish_to_run_can_be_forgotten():
    for auto, resumes, events, why in FORGOTTEN:
        bench = Bench(auto_restart=auto)
        manager = bench.manager
        manager.restore_run()
        manager.forget_run()
        bench.run(15_000)
        assert (manager.mode, manager.run_wanted) == (STANDBY, 0), why
        assert told(bench, EVENT_AUTO_RESTART_GIVEN_UP) == [(WARNING, 0)] * events, why
        manager.restore_run()
        bench.run(15_000)
        assert (manager.run_wanted == 1) == resumes, why


SLEEPERS = (
    # auto_restart, what wakes a pack that went to STANDBY because nobody asked, mode then, why
    (0, lambda m: m.set_constant_power(1000, 0), DISCHARGE, "it was no trip: a wish is enough"),
    (1, lambda m: m.set_constant_power(1000, 0), DISCHARGE, ""),
    (0, lambda m: m.start(), IDLE, "a person wants it ready"),
    (1, lambda m: m.start(), IDLE, ""),
    (1, lambda m: m.stop() or m.start(), IDLE, "who stopped it and starts it again, too"),
)


def test_a_pack_that_sleeps_is_not_blocked():
    for auto, wake, mode, why in SLEEPERS:
        bench = Bench(auto_restart=auto, idle_standby_ms=20_000).started()
        manager = bench.manager
        bench.run(30_000)
        assert manager.mode == STANDBY and manager.stopped()
        assert wake(manager) == 0, (auto, why)
        bench.run(10_000)
        assert manager.mode == mode, (auto, why)
        manager.stop_operation()
        bench.until(lambda m: m.mode == STANDBY, 40_000)


TRIPPED = (
    # auto_restart, the inverter is well for s, why
    (1, 10, "it would start by itself after 60 s: the person does not wait"),
    (0, 10, "nobody does it for the person"),
    (0, 100, ""),
)


def test_a_start_after_a_trip():
    for auto, well_s, why in TRIPPED:
        bench = Bench(auto_restart=auto).started(1000)
        manager = bench.manager
        bench.pcs_state = 3
        bench.until(lambda m: m.stopped(), 20_000)
        bench.pcs_state = None
        bench.run(1000 * well_s)
        assert manager.set_constant_power(500, 0) == REFUSED_NOT_STARTED, why
        assert manager.start() == 0
        bench.run(15_000)
        assert manager.mode == DISCHARGE, "its request still lives"


def test_a_start_takes_modules_back_and_forgives_the_restarts():
    bench = Bench(all_silent_ms=5000).started(1000)
    manager = bench.manager
    bench.silent = 1
    bench.until(lambda m: m.pack.excluded, 120_000)
    bench.silent = 0
    manager.trips.restarts_used_up = True
    manager.stop()
    bench.until(lambda m: m.stopped(), 20_000)
    bench.run(1000)
    assert manager.pack.excluded == 1
    assert manager.start() == 0
    assert manager.pack.excluded == 0 and not manager.trips.restarts_used_up
    bench.run(10_000)
    assert manager.mode == IDLE


DIRECTIONS = (
    # setting that is 0, setpoint, refusal, why
    ("charge_w_max", -1, REFUSED_DIRECTION, "not a watt"),
    ("charge_w_max", 0, 0, "nothing is no direction"),
    ("charge_w_max", 1, 0, ""),
    ("discharge_w_max", 1, REFUSED_DIRECTION, "not a watt"),
    ("discharge_w_max", 0, 0, "nothing is no direction"),
    ("discharge_w_max", -1, 0, ""),
)


def test_a_forbidden_direction_begins_with_the_first_watt():
    for key, battery_w, refusal, why in DIRECTIONS:
        manager = Bench(**{key: 0}).started().manager
        assert manager.ask_remote(battery_w, 5000) == refusal, (key, battery_w, why)
        assert manager.set_constant_power(battery_w, 0) == refusal, (key, battery_w, why)


def test_who_names_no_source_is_the_first():
    manager = Bench().started().manager
    assert manager.ask_remote(100, 5000) == manager.ask_remote(200, 5000, 0) == 0
    assert manager.ask_remote(300, 5000, 1) == REFUSED_RANK_HELD


def test_a_latch_that_came_back_holds_until_its_clear_condition():
    """A cell that was at 3 750 mV before the restart and is at 3 500 now is not well yet."""
    bench = Bench()
    bench.rows(M_CELL_MV_MAX, 3500)
    bench.manager.restore_latch(1 << CAUSE_CELL_HIGH, CAUSE_CELL_HIGH)
    bench.run(10_000)
    assert bench.manager.reset_emergency() == REFUSED_CAUSE_PRESENT
    bench.rows(M_CELL_MV_MAX, 3400)
    bench.run(10_000)
    assert bench.manager.reset_emergency() == 0


def test_somebody_overrules_the_inverter():
    bench = Bench()
    bench.manager.note_overruled(1234)
    slot = bench.manager.events.slot(0)
    assert bench.manager.events.event(slot) == EVENT_PCS_OVERRULED
    assert bench.manager.events.level(slot) == WARNING and bench.manager.events.data(slot) == 0


def test_nothing_is_kept_while_a_trip_blocks_the_pack():
    """STARTING keeps a wish for IDLE; BLOCKED does not, though it will start by itself."""
    bench = Bench().started()
    manager = bench.manager
    bench.pcs_state = PCS_FAULT
    bench.run(8000)
    assert manager.image.now[PHASE] == BLOCKED
    for name, arguments in (("start_charging", (0,)), ("start_discharging", (0, 0)),
                            ("set_constant_power", (500, 0)), ("set_mode", (CHARGE,))):
        assert getattr(manager, name)(*arguments) == REFUSED_NOT_STARTED, name
    bench.pcs_state = None
    bench.run(5000)
    assert not manager.trips.present and manager.image.now[PHASE] == BLOCKED
    assert manager.set_constant_power(500, 0) == REFUSED_NOT_STARTED, "it waits for its 60 s"
    bench.until(lambda m: m.sequence.phase == STARTING, 70_000)
    assert manager.set_constant_power(500, 0) == 0
    bench.until(lambda m: m.mode == DISCHARGE, 20_000)


def test_start_in_maintenance_is_a_matter_of_the_mode():
    bench = Bench(service_key="open").started()
    bench.manager.emergency_shutdown()
    bench.run(10_000)
    assert bench.manager.start() == REFUSED_LATCHED
    assert bench.manager.enter_maintenance("open") == 0 and bench.manager.latched
    assert bench.manager.start() == REFUSED_MODE


def test_a_site_that_cannot_go_on_without_the_grid_is_blocked():
    bench = Bench(grid_connection=2).started(1000)
    for grid, phase, why in ((2, BLOCKED, "lost"), (1, RUNNING, "back: it starts by itself")):
        for _ in range(120):
            bench.manager.image.put(PCS_GRID, grid, bench.now_ms)
            bench.tick()
        assert bench.manager.image.now[PHASE] == phase, why
        if phase == BLOCKED:
            assert bench.manager.set_constant_power(500, 0) == REFUSED_NOT_STARTED


def test_a_person_does_not_wait_for_the_automatic_restart():
    """start() in STANDBY is STARTING: after a trip at once, with the ramp that follows one."""
    bench = Bench().started()
    manager = bench.manager
    bench.pcs_state = PCS_FAULT
    bench.run(8000)
    assert manager.start() == 0
    bench.run(2000)
    assert manager.image.now[PHASE] == BLOCKED, "the trip is still there"
    bench.pcs_state = None
    bench.until(lambda m: m.sequence.phase == STARTING, 1000)
    bench.until(lambda m: m.mode == IDLE, 10_000)
    assert bench.has(EVENT_AUTO_RESTART) == 0 and manager.set_constant_power(1000, 0) == 0
    bench.run(1000)
    assert 0 < manager.command.battery_w <= 60, "3 per mille of 20 kW a second"
    assert manager.stop() == 0
    bench.until(lambda m: m.stopped(), 20_000)
    assert manager.start() == 0
    bench.until(lambda m: m.mode == IDLE, 10_000)
    assert manager.ramp.reconnecting, "full power was not reached"


def test_a_person_wakes_a_pack_that_rests():
    bench = Bench(idle_standby_ms=5000).started()
    bench.until(lambda m: m.stopped(), 20_000)
    bench.run(20_000)
    assert bench.manager.mode == STANDBY and bench.manager.start() == 0
    bench.until(lambda m: m.mode == IDLE, 10_000)
    assert not bench.manager.ramp.reconnecting
