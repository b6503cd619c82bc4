"""Calls in states that are rare: during MAINTENANCE, after a shutdown, by a mode's number."""

from bess.core.control.operate import STATS
from bess.core.control.modes import (
    CHARGE, DISCHARGE, EMERGENCY, MAINTENANCE, REFUSED_DIRECTION, REFUSED_FULL, REFUSED_LATCHED,
    REFUSED_MODE, REFUSED_NOT_STARTED, STANDBY,
)
from bess.core.control import maintenance
from bess.core.points import (
    BY_MANUAL, DISCHARGE_WH, EVENT_AUTO_RESTART_GIVEN_UP, EVENT_MODE_CHANGE, EVENT_REFUSED,
    OPENINGS,
)
from host_tests.core.bench_pack import Bench, latched


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
        assert bench.has(EVENT_AUTO_RESTART_GIVEN_UP) == events, why
        manager.restore_run()
        bench.run(15_000)
        assert (manager.run_wanted == 1) == resumes, why
