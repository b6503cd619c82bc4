"""The whole tick against a plant on the bench: every loss of an input, with its times."""

from bess.core.battery.sequence import (
    COOL, EMPTY, K_MINUS, K_PLUS, PCS_FAULT, REST, RUN, STOP_PCS,
)
from bess.core.control.modes import (
    BLOCKED, CHARGE, DISCHARGE, EMERGENCY, IDLE, OFF, STANDBY, STARTING,
)
from bess.core.points import (
    BY_REMOTE, BY_SELF_USE, CAUSE_BMS_CRITICAL, CAUSE_CELL_HIGH, CAUSE_CELL_LOW, CAUSE_COMMANDED,
    CAUSE_CONTACTOR, CAUSE_DISOBEYS_ZERO, CAUSE_INPUT, CAUSE_INVARIANT, CAUSE_MODULES_SILENT,
    CAUSE_OVER_CURRENT, CAUSE_TEMPERATURE, EVENT_AUTO_RESTART, EVENT_AUTO_RESTART_GIVEN_UP,
    EVENT_EMERGENCY, EVENT_INVARIANT, EVENT_METER_BACK, EVENT_METER_STALE, EVENT_MODE_CHANGE,
    EVENT_MODULE_BACK, EVENT_MODULE_LOST, EVENT_OPENED_UNDER_LOAD, EVENT_PCS_UNCONFIRMED,
    EVENT_PRECHARGE_FAILED, EVENT_TRIP, GRID_W, HI_REASON, INPUTS, LOAD_W, LO_REASON, LO_W,
    M_CELL_DC_MAX, M_CELL_MV_MAX, M_CELL_MV_MIN, M_CHARGE_MA_MAX, M_CURRENT_MA, M_FAULTS,
    M_SOC_PM, OPENINGS, PHASE, SOC_PM, TRIP_CONTACTOR, TRIP_METER_SILENT, TRIP_PCS_FAULT,
    TRIP_PCS_OVERPOWER, TRIP_PCS_SILENT, TRIP_PCS_START, TRIP_PCS_UNCONFIRMED, TRIP_PRECHARGE,
    WHY_METER_STALE, WHY_MODULE_SILENT, WHY_PCS_SILENT, WHY_RATING, WHY_TRIP,
)
from bess.core.tick import TICK_MASK
from host_tests.core.bench_pack import Bench

MAIN = K_MINUS | K_PLUS
WRAP_MS = TICK_MASK - 8000              # the counter wraps while the bench runs


def causes(manager):
    return tuple([n for n in range(16) if manager.latched >> n & 1])


def trips(manager):
    return tuple([n for n in range(16) if manager.trips.present >> n & 1])


def in_standby(manager):
    return manager.mode == STANDBY


def is_open(manager):
    return manager.outputs() & 7 == 0


def latched(manager):
    return manager.latched != 0


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


EMERGENCIES = (
    # what happens, cause, ms until latched, quick, why
    (lambda b: setattr(b, "loop_ok", False), CAUSE_INPUT, 200, True, "two ticks"),
    (lambda b: b.manager.emergency_shutdown(), CAUSE_COMMANDED, 100, False, "the next tick"),
    (lambda b: b.rows(M_FAULTS, 1), CAUSE_BMS_CRITICAL, 1000, True, "two samples"),
    (lambda b: b.rows(M_CELL_MV_MAX, 3750), CAUSE_CELL_HIGH, 1000, False, "two samples"),
    (lambda b: b.rows(M_CELL_MV_MIN, 2500), CAUSE_CELL_LOW, 1000, False, "two samples"),
    (lambda b: b.rows(M_CELL_DC_MAX, 650), CAUSE_TEMPERATURE, 1000, False, "two samples"),
    (lambda b: setattr(b, "load_ma", 800_000), CAUSE_OVER_CURRENT, 1000, True, "two samples"),
    (lambda b: setattr(b, "stuck_open", K_PLUS), CAUSE_CONTACTOR, 600, False, "0.5 s"),
)


def test_emergencies():
    for start_ms in (1000, WRAP_MS):
        for happens, cause, limit_ms, quick, why in EMERGENCIES:
            bench = Bench(start_ms).started(5000)
            happens(bench)
            spent_ms = bench.until(latched, 2000)
            manager = bench.manager
            assert causes(manager) == (cause,) and spent_ms <= limit_ms, (why, spent_ms)
            assert (manager.command.run, manager.command.battery_w) == (0, 0), (why, "same tick")
            assert manager.mode == EMERGENCY and manager.first_cause == cause, why
            assert manager.outputs() & 8, (why, "trip output")
            assert manager.run_wanted == 0, why
            bench.until(lambda m: m.sequence.step == REST, 8000)
            assert bench.coils() == 0, why
            manager.start()
            bench.run(5000)
            assert bench.coils() == 0 and manager.command.run == 0, (why, "latched")


def test_contactors_of_an_emergency_open_at_a_small_current_or_in_time():
    rows = (
        # what happens, current that goes on, ms until open, openings under load, why
        (EMERGENCIES[0][0], None, 900, 0, "the inverter obeys: small current"),
        (EMERGENCIES[0][0], 400_000, 1000, 1, "emergency input: 1 s"),
        (EMERGENCIES[2][0], 400_000, 1000, 1, "the BMS opens by itself soon: 1 s"),
        (EMERGENCIES[1][0], 400_000, 7000, 1, "every other cause: 7 s"),
    )
    for happens, load_ma, limit_ms, openings, why in rows:
        bench = Bench().started(5000)
        happens(bench)
        bench.load_ma = load_ma
        if load_ma:
            bench.pcs_w = 900           # 5 % or less: not the cause DISOBEYS_ZERO
        bench.until(latched, 2000)
        spent_ms = bench.until(is_open, 8000)
        assert limit_ms - 400 <= spent_ms <= limit_ms, (why, spent_ms)
        assert bench.manager.openings == openings, why
        assert bench.has(EVENT_OPENED_UNDER_LOAD) == openings, why
        bench.tick()
        assert bench.manager.image.now[OPENINGS] == openings, why


def test_current_unknown_is_not_small():
    bench = Bench().started(5000)
    bench.silent = 15
    bench.run(2100)
    bench.manager.emergency_shutdown()
    spent_ms = bench.until(is_open, 8000)
    assert spent_ms == 7100, spent_ms


def test_an_emergency_input_shortens_a_stop_that_waits():
    bench = Bench().started(5000)
    bench.load_ma, bench.pcs_w = 400_000, 900
    bench.manager.emergency_shutdown()
    bench.run(2000)
    assert bench.coils() == MAIN
    bench.loop_ok = False
    assert bench.until(is_open, 2000) <= 1200
    assert causes(bench.manager) == (CAUSE_INPUT, CAUSE_COMMANDED)
    assert bench.manager.first_cause == CAUSE_COMMANDED


def test_an_inverter_that_goes_on_after_a_stop_is_an_emergency():
    for happens in (lambda m: m.emergency_shutdown(), lambda m: m.stop()):
        bench = Bench().started(5000)
        bench.pcs_w, bench.load_ma = 5000, 95_000
        happens(bench.manager)
        bench.until(lambda m: m.latched >> CAUSE_DISOBEYS_ZERO & 1, 16_000)


def test_a_welded_contactor_is_an_emergency():
    bench = Bench().started()
    bench.welded = K_PLUS
    bench.manager.stop()
    bench.until(latched, 10_000)
    assert causes(bench.manager) == (CAUSE_CONTACTOR,)
    bench.run(20_000)
    assert bench.manager.reset_emergency() != 0, "still welded"
    bench.welded = 0
    bench.run(6000)
    assert bench.manager.reset_emergency() == 0


def test_one_module_silent():
    for start_ms in (1000, WRAP_MS):
        bench = Bench(start_ms).started(18_000)
        manager = bench.manager
        bench.rows(M_CHARGE_MA_MAX, 90_000)
        bench.run(1000)
        whole_w = manager.window.lo_w
        bench.silent = 4
        bench.until(lambda m: m.pack.lost, 2700)
        assert bench.has(EVENT_MODULE_LOST) == 1
        assert manager.window.lo_w == whole_w * 3 // 4, "live strings x weakest limit, at once"
        assert manager.mode == DISCHARGE and manager.pack.excluded == 0
        bench.silent = 0
        bench.run(1000)
        assert manager.window.lo_w == whole_w and bench.has(EVENT_MODULE_BACK) == 5
        bench.silent = 4
        bench.run(61_000)
        assert manager.pack.excluded == 4, "60 s: left out"
        bench.silent = 0
        bench.run(5000)
        assert manager.pack.strings_live == 3 and manager.mode == DISCHARGE
        manager.stop()
        bench.run(10_000)
        manager.start()
        bench.run(1000)
        assert manager.pack.strings_live == 4, "a person wants it back"


def test_all_modules_silent():
    for start_ms in (1000, WRAP_MS):
        for power_w in (7000, -7000):           # one string alone permits it
            bench = Bench(start_ms).started(power_w)
            manager = bench.manager
            bench.silent = 15
            seen = []
            for _ in range(62):
                bench.tick()
                seen.append(abs(manager.command.battery_w))
            flat = len([w for w in seen if w == 7000])
            assert 4500 <= 100 * flat + 500 <= 5600, (flat, "5 s as if nothing were")
            assert seen[-1] == 0, "closed within 1 s"
            for i in range(1, len(seen)):
                assert seen[i] <= seen[i - 1] and seen[i - 1] - seen[i] <= 3000, "linear"
            now = manager.image.now
            assert now[LO_REASON] == now[HI_REASON] == WHY_MODULE_SILENT
            assert now[SOC_PM] is None and manager.command.run == 1 and manager.latched == 0
            spent_ms = bench.until(latched, 60_000)
            assert 53_000 <= spent_ms <= 54_500, (spent_ms, "60 s: emergency")
            assert causes(manager) == (CAUSE_MODULES_SILENT,)
            bench.until(is_open, 8000)


def test_modules_back_before_60_s():
    bench = Bench().started(10_000)
    bench.silent = 15
    bench.run(20_000)
    assert bench.manager.command.battery_w == 0
    bench.silent = 0
    bench.until(lambda m: m.command.battery_w > 0, 1000)
    assert bench.until(lambda m: m.command.battery_w == 10_000, 10_000) >= 4000, "ramped"


def test_one_dead_module_in_series_is_a_dead_pack():
    bench = Bench(modules_s=2, strings_p=1, module_ma_rated=200_000).started(5000)
    bench.silent = 2                    # the other one goes on talking
    bench.run(6600)
    assert bench.manager.command.battery_w == 0
    bench.until(latched, 56_000)
    assert causes(bench.manager) == (CAUSE_MODULES_SILENT,)


def test_a_module_left_out_does_not_hold_the_reset_up_for_ever():
    bench = Bench().started(5000)
    bench.silent = 1
    bench.run(65_000)
    assert bench.manager.pack.excluded == 1
    bench.silent = 15
    bench.until(latched, 70_000)
    bench.run(10_000)
    bench.silent = 0
    bench.run(6000)
    assert bench.manager.reset_emergency() == 0, "all modules are heard again"


PCS_LOSSES = (
    # what happens, ms until the command is 0, reason, trip, ms until the trip, why
    (lambda b: setattr(b, "pcs_answers", False), 2100, WHY_PCS_SILENT, TRIP_PCS_SILENT, 12_200,
     "silent: 2 s, trip 10 s later"),
    (lambda b: setattr(b, "unconfirmed", 3), 100, WHY_PCS_SILENT, TRIP_PCS_UNCONFIRMED, 5100,
     "three unconfirmed commands: zero at once, trip after 5 s"),
    (lambda b: setattr(b, "pcs_state", PCS_FAULT), 100, WHY_TRIP, TRIP_PCS_FAULT, 100, "fault"),
    (lambda b: setattr(b, "pcs_w", 22_001), 6100, WHY_TRIP, TRIP_PCS_OVERPOWER, 6100,
     "more than the window and a tenth for 6 s"),
)


def test_inverter_lost():
    for start_ms in (1000, WRAP_MS):
        for happens, zero_ms, reason, trip, trip_ms, why in PCS_LOSSES:
            bench = Bench(start_ms).started(10_000)
            happens(bench)
            spent_ms = bench.until(lambda m: m.command.battery_w == 0, 8000)
            assert zero_ms - 100 <= spent_ms <= zero_ms, (why, spent_ms)
            assert bench.manager.window.hi_why == reason, why
            if spent_ms < trip_ms:
                spent_ms += bench.until(lambda m: m.trips.present, 12_000)
            assert trip_ms - 200 <= spent_ms <= trip_ms, (why, spent_ms)
            manager = bench.manager
            assert trips(manager) == (trip,) and bench.has(EVENT_TRIP) == 1, why
            assert (manager.mode, manager.command.run) == (STANDBY, 0), why
            assert manager.latched == 0 and manager.run_wanted == 1, why


def test_unconfirmed_is_one_event_and_two_are_none():
    bench = Bench().started(10_000)
    bench.unconfirmed = 2
    bench.run(10_000)
    assert bench.manager.command.battery_w == 10_000
    bench.unconfirmed = 3
    bench.run(1000)
    assert bench.has(EVENT_PCS_UNCONFIRMED) == 1
    bench.unconfirmed = 0
    bench.run(200)
    assert bench.manager.command.battery_w > 0, "confirmed again before the trip"


def test_meter_stale():
    for start_ms in (1000, WRAP_MS):
        bench = Bench(start_ms, self_use=1)
        bench.meter_w = 3020
        bench.started()
        manager = bench.manager
        bench.run(500)
        bench.meter_w = None                        # the load estimate stands at 3 kW and more
        rising_w = bench.run(2000).command.battery_w
        assert manager.requests.rank == BY_SELF_USE and rising_w > 500
        bench.rows(M_CHARGE_MA_MAX, 157_000)
        bench.until(lambda m: m.meter_step == 1, 16_000)
        assert bench.has(EVENT_METER_STALE) == 1
        held_w = manager.command.battery_w
        assert held_w > 0 and manager.mode == DISCHARGE
        for row in manager.pack.rows:
            row[M_SOC_PM] = 101                     # a limit falls ...
        low_w = bench.run(1000).command.battery_w
        assert 0 < low_w < held_w
        for row in manager.pack.rows:
            row[M_SOC_PM] = 500                     # ... and rises again
        assert bench.run(3000).command.battery_w == low_w, "only towards zero"
        spent_ms = bench.until(lambda m: m.command.battery_w == 0, 16_000)
        assert 10_000 <= spent_ms <= 11_500 and manager.window.hi_why == WHY_METER_STALE
        assert manager.mode == DISCHARGE and manager.command.run == 1, "30 s: no discharge"
        assert bench.until(in_standby, 31_000) >= 29_500, "60 s: standby"
        assert trips(manager) == (TRIP_METER_SILENT,) and bench.has(EVENT_METER_STALE) == 3
        bench.meter_w = 20
        bench.run(1000)
        assert manager.trips.present == 0 and bench.has(EVENT_METER_BACK) == 1
        assert 58_000 <= bench.until(lambda m: m.mode == IDLE, 70_000), "60 s, then by itself"


def test_a_meter_that_nobody_reads_may_be_silent():
    bench = Bench(self_use=1)
    bench.meter_w = 3020
    bench.started()
    bench.meter_w = None
    for _ in range(4):
        bench.manager.ask_remote(-4000, 60_000)
        bench.run(30_000)
    assert bench.manager.command.battery_w == -4000 and bench.manager.trips.present == 0


def test_a_remote_wish_frees_a_pack_that_waits_for_its_meter():
    bench = Bench(self_use=1)
    bench.meter_w = 3020
    bench.started()
    bench.meter_w = None
    bench.until(lambda m: m.trips.present, 65_000)
    for _ in range(3):
        bench.manager.ask_remote(-4000, 60_000)
        bench.run(30_000)
    assert bench.manager.command.battery_w == -4000


def test_load_is_unknown_while_the_battery_is():
    bench = Bench(self_use=1)
    bench.meter_w = 3020
    bench.started()
    bench.run(2000)
    assert bench.manager.image.now[LOAD_W] is not None
    bench.pcs_answers = False
    bench.run(4000)
    assert bench.manager.image.now[LOAD_W] is None, "a power from before is not one from now"


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


def test_input_never_read_is_an_emergency():
    bench = Bench()
    bench._inputs = lambda image: None
    bench.run(200)
    assert causes(bench.manager) == (CAUSE_INPUT,)
    assert bench.manager.image.now[INPUTS] is None


def test_an_exception_in_the_step_leads_to_zero_and_a_latch():
    bench = Bench().started(5000)
    manager = bench.manager
    manager.fail(bench.now_ms)
    assert causes(manager) == (CAUSE_INVARIANT,) and manager.mode == EMERGENCY
    assert (manager.command.run, manager.command.battery_w) == (0, 0)
    for _ in range(10):
        manager.fail(bench.now_ms)
    assert bench.has(EVENT_INVARIANT) == 1, "the ring keeps its history"
    assert bench.has(EVENT_EMERGENCY) == 1 and bench.has(EVENT_MODE_CHANGE) >= 3
    bench.until(is_open, 8000)


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
        bench.rows(M_CELL_DC_MAX, 480)
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
