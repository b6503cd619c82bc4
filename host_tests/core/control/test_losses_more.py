"""The loss of each input, continued: strings, clock, remote setpoint, rules that read the meter,
restart. In an island: test_losses_island.py; emergencies: test_emergencies.py; a configuration
that is wrong: services/test_configure_host.py.
"""

from bess.core.battery.sequence import K_MINUS, K_PLUS, REST, WAIT_PCS
from bess.core.control.modes import (
    CHARGE, DISCHARGE, EMERGENCY, IDLE, MAINTENANCE, OFF, STANDBY, STARTING,
)
from bess.core.points import (
    BY_PROTECT_CHARGE, BY_REMOTE, BY_SCHEDULE, BY_SELF_USE, CAUSE_COMMANDED, EVENT_CLOCK_LOST,
    EVENT_CLOCK_SET, EVENT_METER_BACK, EVENT_METER_STALE, M_CELL_MV_MIN, PHASE, STRING_COILS,
    STRING_INPUTS, TRIP_METER_SILENT, UTC_DAY, UTC_S, WHY_METER_STALE,
)
from bess.core.tick import TICK_MASK
from host_tests.core.bench_pack import Bench, causes, in_standby, is_open, latched, trips

MAIN = K_MINUS | K_PLUS
WRAP_MS = TICK_MASK - 8000              # the counter wraps while the bench runs


def test_one_module_in_series_takes_its_string_along():
    bench = Bench(modules_s=2, strings_p=2, module_ma_rated=200_000, w_rated=40_000,
                  charge_w_max=40_000, discharge_w_max=40_000).started(10_000)
    manager = bench.manager
    whole_w = manager.window.hi_w
    bench.silent = 1
    spent_ms = bench.until(lambda m: m.pack.lost, 3000)
    assert 1500 <= spent_ms <= 2600, spent_ms
    assert manager.pack.strings_live == 1 and manager.window.hi_w < whole_w, "in the same tick"
    assert manager.mode == DISCHARGE and manager.pack.excluded == 0
    assert 57_000 <= bench.until(lambda m: m.pack.excluded, 60_000), "60 s: left out"
    assert manager.pack.excluded == 1 and manager.mode == DISCHARGE and manager.latched == 0


def test_a_slow_bus_has_a_longer_patience():
    bench = Bench(module_silent_ms=6000, fade_after_ms=8000).started(5000)
    bench.silent = 4
    assert 5500 <= bench.until(lambda m: m.pack.lost, 7000) <= 6600


class Sets(Bench):
    """A bench with a contactor set a string; the feedbacks follow at once."""

    def tick(self):
        coils = self.manager.image.now[STRING_COILS] or 0
        self.manager.image.put(STRING_INPUTS, ~coils & 0xFFF, self.now_ms)
        return super().tick()


def closed_sets(manager):
    coils = manager.image.now[STRING_COILS]
    return tuple([s for s in range(4) if coils >> 3 * s & MAIN == MAIN])


def test_the_contactor_of_a_silent_string_opens_after_60_s():
    for start_ms in (1000, WRAP_MS):
        bench = Sets(start_ms, contactors="strings").started(5000)
        manager = bench.manager
        assert closed_sets(manager) == (0, 1, 2, 3)
        bench.silent = 4
        bench.until(lambda m: m.pack.lost, 3000)
        spent_ms = bench.until(lambda m: closed_sets(m) == (0, 1, 3), 60_000)
        assert 57_000 <= spent_ms <= 59_000, spent_ms
        assert manager.mode == DISCHARGE and manager.latched == 0
        bench.silent = 0
        bench.run(10_000)
        assert closed_sets(manager) == (0, 1, 3), "latched for it"


def test_all_silent_opens_only_after_the_wait_for_a_small_current():
    """Unknown is not small: 7 s after the emergency at 60 s."""
    bench = Bench().started(7000)
    bench.silent = 15
    spent_ms = bench.until(latched, 61_000)
    assert 59_000 <= spent_ms <= 60_500, spent_ms
    assert 6500 <= bench.until(is_open, 8000) <= 7200


METERED = (
    # settings, W that a remote client asks for, why
    ({"import_w_max": 10_000}, -4000, "a cap on the import"),
    ({"export_w_max": 10_000}, 4000, "a cap on the export"),
    ({"allow_grid_charging": 0}, -4000, "charging from surplus only"),
    ({"grid_connection": 1, "backup_reserve_pm": 200}, 4000, "backup: to the load only"),
)


def test_a_rule_that_reads_the_meter():
    for changes, wish_w, why in METERED:
        bench = Bench(reconnect_ramp_pm=1000, **changes)
        bench.meter_w = 8000 if wish_w > 0 else -8000
        bench.started()
        manager = bench.manager
        manager.ask_remote(wish_w, 200_000)
        bench.run(6000)
        assert manager.command.battery_w == wish_w, why
        bench.meter_w = None
        spent_ms = bench.until(lambda m: m.meter_step == 1, 16_000)
        assert spent_ms >= 14_000 and manager.command.battery_w == wish_w, (why, "15 s: held")
        spent_ms += bench.until(lambda m: m.command.battery_w == 0, 16_000)
        reason = manager.window.lo_why if wish_w < 0 else manager.window.hi_why
        assert 29_000 <= spent_ms <= 30_200 and reason == WHY_METER_STALE, (why, "30 s: none")
        assert manager.command.run == 1, why
        spent_ms += bench.until(in_standby, 31_000)
        assert 59_000 <= spent_ms <= 60_200, (why, spent_ms, "60 s: standby")
        assert trips(manager) == (TRIP_METER_SILENT,), why
        assert bench.has(EVENT_METER_STALE) == 3, why
        bench.meter_w = 8000 if wish_w > 0 else -8000
        bench.run(1500)
        assert manager.trips.present == 0 and bench.has(EVENT_METER_BACK) == 1, why
        spent_ms = bench.until(lambda m: m.image.now[PHASE] == STARTING, 61_000)
        assert spent_ms >= 57_000, (why, spent_ms, "60 s, then by itself")


def test_a_direction_that_no_rule_bounds_goes_on_without_the_meter():
    bench = Bench(import_w_max=10_000)
    bench.meter_w = 0
    bench.started()
    bench.meter_w = None
    bench.manager.ask_remote(4000, 200_000)
    bench.run(100_000)
    assert bench.manager.command.battery_w == 4000 and bench.manager.trips.present == 0


def test_a_protective_charge_does_not_wait_for_the_meter():
    bench = Bench(allow_grid_charging=0)
    bench.meter_w = 0
    bench.started()
    manager = bench.manager
    bench.meter_w = None
    bench.rows(M_CELL_MV_MIN, 2840)
    bench.run(80_000)
    assert manager.requests.rank == BY_PROTECT_CHARGE and manager.command.battery_w < 0
    assert manager.mode == CHARGE and manager.trips.present == 0


def test_wall_clock_unknown():
    for start_ms in (1000, WRAP_MS):
        bench = Bench(start_ms, self_use=1)
        bench.meter_w = 3020
        bench.started()
        manager = bench.manager
        now = manager.image.now
        manager.add_schedule((1, 7, 0, 0, CHARGE, -4000, 1440, 1))
        bench.run(3000)
        assert manager.requests.rank == BY_SELF_USE, "no clock, no schedule"
        now[UTC_DAY], now[UTC_S] = 20_000, 40_000
        bench.run(1000)
        assert manager.requests.rank == BY_SCHEDULE and bench.has(EVENT_CLOCK_SET) == 1
        bench.until(lambda m: m.command.battery_w == -4000, 20_000)
        now[UTC_DAY] = now[UTC_S] = None
        bench.tick()
        assert manager.requests.rank == BY_SELF_USE, "the schedule waits at once"
        assert bench.has(EVENT_CLOCK_LOST) == 1 and manager.wishes.schedule.entry < 0
        bench.until(lambda m: m.mode == DISCHARGE, 20_000)
        assert manager.latched == 0 and manager.trips.present == 0, "self-use goes on"
        bench.loop_ok = False
        bench.until(latched, 200)                   # and so does protection
        assert manager.command.battery_w == 0


def test_remote_setpoint_not_renewed():
    for start_ms in (1000, WRAP_MS):
        bench = Bench(start_ms, self_use=1)
        bench.meter_w = 3020
        bench.started()
        manager = bench.manager
        manager.ask_remote(-4000, 60_000)
        bench.run(30_000)
        manager.ask_remote(-4000, 60_000)
        bench.run(59_900)
        assert manager.requests.rank == BY_REMOTE and manager.command.battery_w == -4000
        bench.run(200)
        assert manager.requests.rank == BY_SELF_USE, "60 s after the last renewal: the next lower"
        assert manager.mode != STANDBY and manager.run_wanted == 1


def test_restart_waits_10_s_and_needs_a_module():
    bench = Bench(self_use=1)
    manager = bench.manager
    bench.silent = 15
    manager.restore_run()
    bench.run(9800)
    assert manager.run_wanted == 0, "not before 10 s"
    bench.run(400)
    assert manager.run_wanted == 1
    bench.run(20_000)
    assert (manager.sequence.step, bench.coils()) == (REST, 0), "no module is fresh"
    bench.silent = 0
    bench.until(lambda m: m.image.now[PHASE] == STARTING, 600)
    bench.until(lambda m: m.mode == IDLE, 10_000)
    assert manager.command.battery_w == 0, "no meter: no self-use"


def test_an_inverter_that_comes_late():
    for late_ms, ready in ((50_000, True), (70_000, False)):
        bench = Bench(contactors="none", auto_restart=0)
        bench.pcs_answers = False
        manager = bench.manager
        bench.run(1000)
        manager.start()
        bench.run(late_ms)
        assert manager.command.run == 0, "power needs the inverter"
        assert (manager.sequence.step == WAIT_PCS) == ready, (late_ms, "60 s for the link")
        bench.pcs_answers = True
        bench.run(10_000)
        assert (manager.mode == IDLE) == ready, late_ms


def test_what_a_restart_keeps():
    bench = Bench()
    manager = bench.manager
    manager.restore_latch(1 << CAUSE_COMMANDED, CAUSE_COMMANDED)
    manager.restore_run()
    assert manager.mode == EMERGENCY, "before the first tick"
    bench.run(15_000)
    assert causes(manager) == (CAUSE_COMMANDED,) and manager.mode == EMERGENCY
    assert bench.coils() == 0 and manager.run_wanted == 0
    assert manager.reset_emergency() == 0
    bench = Bench()
    bench.manager.restore_maintenance()
    bench.run(30_000)
    assert bench.manager.mode == MAINTENANCE and bench.coils() == 0


def test_a_planned_restart_makes_a_safe_stop_first():
    bench = Bench().started(10_000)
    manager = bench.manager
    manager.stop()
    spent_ms = bench.until(is_open, 10_000)
    assert 2500 <= spent_ms <= 5000, (spent_ms, "ramp down, stop, small current, open")
    assert manager.openings == 0 and manager.image.now[PHASE] != STARTING
    bench.run(500)
    assert manager.image.now[PHASE] == OFF
