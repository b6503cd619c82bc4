"""The joints of the tick: what one part finds out reaches the part that acts on it."""

from bess.core.control.modes import EMERGENCY, IDLE, MAINTENANCE, STANDBY
from bess.core.control.site_io import OUT_ALARM_OK, OUT_FAN, OUT_LIFE
from bess.core.points import (
    CAUSE_COMMANDED, CAUSE_CONTACTOR, CAUSE_FIRE, CAUSE_INVARIANT, EVENT_AUTO_RESTART,
    M_CELL_DC_MAX, M_PROTECTIONS, OUTPUTS, PCS_GRID,
)
from host_tests.core.bench_pack import Bench, causes, in_standby, latched


def test_a_bms_protection_blocks_its_direction_only():
    for bit, w, why in ((1, -3000, "cell over-voltage: no charge"), (2, 3000, "under-voltage")):
        bench = Bench().started(w)
        bench.rows(M_PROTECTIONS, bit)
        bench.run(3000)
        manager = bench.manager
        assert manager.command.battery_w == 0, why
        manager.set_constant_power(-w, 0)
        bench.run(5000)
        assert manager.command.battery_w == -w, (why, "the other way out")


def test_a_welded_contactor_is_latched():
    bench = Bench().started()
    bench.welded = 4
    bench.manager.stop()
    bench.until(latched, 30_000)
    assert causes(bench.manager) == (CAUSE_CONTACTOR,)
    bench.run(2000)
    assert bench.manager.latched >> CAUSE_CONTACTOR & 1


def test_an_emergency_forgets_that_it_wanted_to_resume():
    bench = Bench()
    manager = bench.manager
    manager.restore_run()
    bench.run(3000)
    manager.emergency_shutdown()
    bench.until(latched, 200)
    bench.run(8000)
    assert manager.reset_emergency() == 0
    bench.run(20_000)
    assert (manager.mode, manager.run_wanted) == (STANDBY, 0), "only `start` runs it again"


def test_a_stored_wish_to_run_is_followed_once():
    bench = Bench()
    manager = bench.manager
    manager.restore_run()
    bench.run(9900)
    assert manager.run_wanted == 0
    bench.until(lambda m: m.mode == IDLE, 10_000)
    manager.stop()
    bench.until(in_standby, 10_000)
    bench.run(20_000)
    assert manager.mode == STANDBY, "a person's stop stays"
    assert bench.has(EVENT_AUTO_RESTART) == 0, "that is for trips"


def test_a_step_that_fails_ends_in_an_emergency():
    bench = Bench().started(3000)
    manager = bench.manager
    manager.fail(bench.now_ms)
    assert manager.mode == EMERGENCY and causes(manager) == (CAUSE_INVARIANT,)
    assert (manager.command.run, manager.command.battery_w, manager.sequence.run) == (0, 0, 0)
    assert manager.image.now[OUTPUTS] & 8, "trip output, without waiting for the next tick"


def test_site_outputs_follow_the_tick():
    bench = Bench().started()
    manager = bench.manager
    assert manager.outputs() & OUT_ALARM_OK
    seen = 0
    for _ in range(30):
        before = manager.outputs()
        bench.tick()
        seen += (before ^ manager.outputs()) & OUT_LIFE != 0
    assert seen >= 2, "the life sign changes"
    bench.rows(M_CELL_DC_MAX, 460)
    bench.run(2000)
    assert manager.outputs() & OUT_FAN
    manager.emergency_shutdown()
    bench.run(1000)
    assert not manager.outputs() & OUT_ALARM_OK and causes(manager) == (CAUSE_COMMANDED,)


def test_maintenance_forgets_that_it_wanted_to_resume():
    """A person is at the cabinet before the ten seconds are over."""
    for entered_ms in (3000, 11_000):
        bench = Bench()
        manager = bench.manager
        manager.restore_run()
        bench.run(entered_ms)
        if entered_ms > 10_000:
            manager.stop()
        bench.until(lambda m: m.stopped(), 20_000)
        assert manager.enter_maintenance() == 0
        bench.run(20_000)
        assert manager.leave_maintenance() == 0
        bench.run(20_000)
        assert (manager.mode, manager.run_wanted) == (STANDBY, 0), "only `start` runs it again"


def test_maintenance_ends_the_wish_to_run():
    bench = Bench()
    manager = bench.manager
    manager.restore_run()
    bench.until(lambda m: m.mode == IDLE, 20_000)
    assert manager.enter_maintenance() == 0 and manager.mode == MAINTENANCE
    bench.run(20_000)
    assert manager.leave_maintenance() == 0
    bench.run(20_000)
    assert (manager.mode, manager.run_wanted) == (STANDBY, 0)


WISHES = ((-1, True, "the heater may warm the cells for it"), (0, False, "nobody charges"),
          (1000, False, "nobody charges"))


def test_who_switches_the_site_knows_of_a_wanted_charge():
    for battery_w, wanted, why in WISHES:
        bench = Bench().started()
        assert bench.manager.set_constant_power(battery_w, 0) == 0
        bench.run(1000)
        assert bench.manager.site_io.charge_wanted == wanted, why


def test_fire_stops_the_fan():
    for cause, fan in ((CAUSE_COMMANDED, OUT_FAN), (CAUSE_FIRE, 0)):
        bench = Bench()
        bench.rows(M_CELL_DC_MAX, 460)
        bench.manager.restore_latch(1 << cause, cause)
        bench.run(3000)
        assert bench.manager.outputs() & OUT_FAN == fan, cause


def test_without_a_grid_nothing_starts_but_an_island():
    bench = Bench()
    manager = bench.run(1000)
    for grid, runs in ((2, False), (1, True)):
        for _ in range(300):
            manager.image.put(PCS_GRID, grid, bench.now_ms)
            bench.tick()
            if manager.now_ms == 5000:
                assert manager.start() == 0
            assert grid == 1 or manager.stopped(), "nor does it try"
        assert (manager.mode == IDLE) == runs, "lost" if grid == 2 else "back"


def test_a_command_that_breaks_an_invariant_is_zero_in_the_same_tick():
    """Only a bug could bring it about."""
    bench = Bench().started(3000)
    manager = bench.manager

    def disobey(dt_ms, now_ms):
        manager.command.battery_w, manager.command.run = 30_000, 1

    manager._drive = disobey
    bench.tick()
    assert (manager.command.battery_w, manager.command.run) == (0, 0)
    assert causes(manager) == (CAUSE_INVARIANT,)
