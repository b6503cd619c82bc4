"""How a manager stands when it is made, and the times that are built into it."""

from bess.core.control.modes import (
    CHARGE, DISCHARGE, EMERGENCY, IDLE, REFUSED_CAUSE_PRESENT, STANDBY,
)
from bess.core.points import (
    BATTERY_W, BY_SELF_USE, CAUSE_INPUT, EVENT_AUTO_RESTART, EVENT_EMERGENCY, GRID_W,
)
from bess.core.tick import TICK_MASK
from host_tests.core.bench_pack import Bench, latched

WRAP_MS = TICK_MASK - 4000              # the counter wraps while the bench runs


def test_made():
    manager = Bench().manager
    assert (manager.mode, manager.run_wanted, manager.started) == (STANDBY, 0, False)
    assert (manager.latched, manager.first_cause, manager.openings) == (0, 0, 0)
    assert (manager.command.run, manager.command.battery_w) == (0, 0)
    assert (manager.local, manager.causes_gone, manager.meter_step) == (False, False, 0)
    assert (manager.rise_w, manager.shifted_w, manager.support) == (0, 0, None)


def test_a_curve_brings_the_support_of_the_grid():
    for changes in ({"frequency_watt": "ieee1547"}, {"volt_watt": "ieee1547"},
                    {"volt_var": "ieee1547"}):
        assert Bench(**changes).manager.support is not None, changes


def test_causes_must_be_gone_for_five_seconds():
    for start_ms in (1000, WRAP_MS):
        for gone_ms, refusal in ((4999, REFUSED_CAUSE_PRESENT), (5000, 0)):
            bench = Bench(start_ms)
            bench.loop_ok = False
            bench.until(latched, 500)
            bench.run(8000)
            bench.loop_ok = True
            bench.tick()
            bench.now_ms = (bench.now_ms + gone_ms - 100) & TICK_MASK
            bench.tick()
            assert bench.manager.reset_emergency() == refusal, gone_ms


def test_a_stored_wish_to_run_waits_ten_seconds():
    for start_ms in (1000, WRAP_MS):
        for waited_ms, run_wanted in ((9999, 0), (10_000, 1)):
            bench = Bench(start_ms)
            bench.manager.restore_run()
            bench.tick()
            bench.now_ms = (bench.now_ms + waited_ms - 100) & TICK_MASK
            assert bench.tick().run_wanted == run_wanted, waited_ms


def test_the_mode_rests_only_after_a_while_at_zero():
    for power_w, mode in ((3000, DISCHARGE), (-3000, CHARGE)):
        bench = Bench(idle_hold_ms=4000).started(power_w)
        manager = bench.manager
        assert manager.mode == mode
        manager.set_constant_power(0, 0)
        bench.until(lambda m: m.command.battery_w == 0, 10_000)
        bench.run(3900)
        assert manager.mode == mode
        bench.run(100)
        assert manager.mode == IDLE, "after idle_hold_ms"


def test_a_pack_that_nobody_needs_sleeps_and_wakes():
    bench = Bench(idle_standby_ms=60_000)
    bench.started()
    manager = bench.manager
    spent_ms = bench.until(lambda m: m.mode == STANDBY, 61_000)
    assert 59_000 <= spent_ms <= 60_100, spent_ms
    bench.run(10_000)
    assert manager.stopped() and manager.run_wanted == 1, "asleep, not stopped"
    manager.set_constant_power(2000, 0)
    bench.until(lambda m: m.command.battery_w == 2000, 30_000)
    bench.run(70_000)
    assert manager.mode == DISCHARGE, "it does not sleep while somebody asks"
    assert bench.has(EVENT_AUTO_RESTART) == 0, "who wakes up was not stopped by a fault"


def test_the_meter_is_compared_with_the_battery_of_its_own_instant():
    """A sample that is two seconds old: the battery has moved since; nothing is double counted."""
    bench = Bench(self_use=1)
    bench.started()
    manager = bench.manager
    load_w, seen = 3000, []
    for tick in range(400):
        if tick % 10 == 0:
            seen.append((bench.now_ms, load_w - bench.power_w()))
            if len(seen) > 2:
                at_ms, grid_w = seen.pop(0)
                manager.image.put(GRID_W, grid_w, at_ms)
        bench.tick()
        assert manager.command.battery_w <= load_w + 150, "no overshoot"
    assert manager.requests.rank == BY_SELF_USE
    assert abs(manager.image.now[BATTERY_W] - load_w) <= 100


def test_the_first_reading_of_the_battery_counts_whenever_it_was():
    for start_ms in (0, 1, TICK_MASK):
        manager = Bench(start_ms).tick()
        assert manager.history.at(start_ms) == 0, start_ms


def test_nothing_has_flowed_before_the_first_tick():
    bench = Bench(1_000_000)
    bench.pcs_w = 20_000                # it runs while the controller starts again
    bench.run(700)
    assert bench.manager.views.counters.wh[0] == 3, "600 ms of 20 kW; the first tick has no span"
    bench.run(100)
    assert bench.manager.views.counters.wh[0] == 3


def test_a_cause_that_is_there_after_a_restart_in_maintenance_ends_it():
    """The latch came back, and so did MAINTENANCE; the loop is still open, or is open again."""
    bench = Bench()
    bench.manager.restore_latch(1 << CAUSE_INPUT, CAUSE_INPUT)
    bench.manager.restore_maintenance()
    bench.loop_ok = False
    bench.run(500)
    assert bench.manager.mode == EMERGENCY and bench.has(EVENT_EMERGENCY) == 1
