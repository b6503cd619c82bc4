"""The loss of each input: what happens at once, what then, and after which time.

Modules, inverter and meter; the others and restarts: test_losses_more.py.
"""

from bess.core.battery.sequence import PCS_FAULT
from bess.core.control.modes import DISCHARGE, IDLE, STANDBY
from bess.core.points import (
    BY_SELF_USE, CAUSE_MODULES_SILENT, EVENT_METER_BACK, EVENT_METER_STALE, EVENT_MODULE_BACK,
    EVENT_MODULE_LOST, EVENT_PCS_UNCONFIRMED, EVENT_TRIP, HI_REASON, LOAD_W, LO_REASON,
    M_CHARGE_MA_MAX, M_SOC_PM, SOC_PM, TRIP_METER_SILENT, TRIP_PCS_FAULT, TRIP_PCS_OVERPOWER,
    TRIP_PCS_SILENT, TRIP_PCS_UNCONFIRMED, WHY_METER_STALE, WHY_MODULE_SILENT, WHY_PCS_SILENT,
    WHY_TRIP,
)
from bess.core.tick import TICK_MASK
from host_tests.core.bench_pack import Bench, causes, in_standby, is_open, latched, trips

WRAP_MS = TICK_MASK - 8000              # the counter wraps while the bench runs


def test_one_module_silent():
    for start_ms in (1000, WRAP_MS):
        bench = Bench(start_ms).started(18_000)
        manager = bench.manager
        bench.rows(M_CHARGE_MA_MAX, 90_000)
        bench.run(1000)
        whole_w = manager.window.lo_w
        bench.silent = 4
        assert 1500 <= bench.until(lambda m: m.pack.lost, 2700), "2 s after its last sample"
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
        spent_ms = 2000 + bench.until(lambda m: m.meter_step == 1, 16_000)
        assert 14_000 <= spent_ms <= 16_000, spent_ms
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
    bench = Bench(self_use=1, reconnect_ramp_pm=1000)
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
