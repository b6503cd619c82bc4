"""What people and links may ask, and what they are told."""

from bess.core.control.modes import (
    CHARGE, DISCHARGE, EMERGENCY, IDLE, MAINTENANCE, REFUSED_CAUSE_PRESENT, REFUSED_DIRECTION,
    REFUSED_LATCHED, REFUSED_LOOSER, REFUSED_MODE, REFUSED_NOT_STARTED, REFUSED_RANK_HELD,
    RUNNING, STANDBY,
)
from bess.core.points import (
    CAUSE_CELL_HIGH, CAUSE_INPUT, CAUSE_LATCH_UNREADABLE, EVENT_EMERGENCY_RESET,
    EVENT_RESET_REFUSED, TRIP_CONFIG, WHY_PARAMETERS, WHY_RATING,
)
from bess.core.control.calls import LIFE_MS_MAX, LIFE_MS_MIN
from bess.core.control.operate import LIMITS, STATUS
from host_tests.core.bench_pack import Bench

RANGES = (
    # call, arguments, words of the error, why
    ("ask_remote", (20_001, 60_000), ("battery_w is 20001", "-20000..20000"), "above the rating"),
    ("ask_remote", (-20_001, 60_000), ("battery_w is -20001", "-20000..20000"), "below it"),
    ("ask_remote", (1.5, 60_000), ("battery_w is 1.5", "whole number"), "a float"),
    ("ask_remote", (None, 60_000), ("battery_w is None", "whole number"), "nothing"),
    ("ask_remote", ("5", 60_000), ("battery_w is '5'", "whole number"), "text"),
    ("ask_remote", (0, LIFE_MS_MIN - 1), ("life_ms is 999", "1000..3600000"), "too short"),
    ("ask_remote", (0, LIFE_MS_MAX + 1), ("life_ms is 3600001", "1000..3600000"), "too long"),
    ("set_constant_power", (99_999, 0), ("battery_w is 99999",), "above the rating"),
    ("set_constant_power", (0, 1441), ("minutes is 1441", "0..1440"), "more than a day"),
    ("set_constant_power", (0, -1), ("minutes is -1", "0..1440"), "negative"),
)


def test_ranges():
    for name, arguments, words, why in RANGES:
        bench = Bench().started()
        try:
            getattr(bench.manager, name)(*arguments)
        except ValueError as fault:
            for word in words:
                assert word in str(fault), (why, str(fault))
        else:
            raise AssertionError(why)
        bench.tick()
        assert bench.manager.requests.rank == 0, (why, "nothing changed")


def test_manual_power_needs_a_start():
    bench = Bench()
    bench.run(1000)
    assert bench.manager.set_constant_power(1000, 0) == REFUSED_NOT_STARTED
    bench.manager.start()
    assert bench.manager.set_constant_power(1000, 0) == 0, "kept while it starts"
    bench.until(lambda m: m.mode == DISCHARGE, 10_000)


def test_manual_power_ends_after_its_minutes():
    bench = Bench().started()
    bench.manager.set_constant_power(1000, 1)
    bench.run(59_900)
    assert bench.manager.command.battery_w == 1000
    bench.run(300)
    assert bench.manager.requests.rank == 0


def test_stop_ends_the_manual_request():
    bench = Bench().started(1000)
    assert bench.manager.stop() == 0
    bench.run(10_000)
    assert bench.manager.stopped() and bench.manager.mode == STANDBY
    bench.manager.start()
    bench.until(lambda m: m.mode == IDLE, 10_000)
    assert bench.manager.command.battery_w == 0


def test_start_twice_changes_nothing():
    bench = Bench().started(1000)
    assert bench.manager.start() == 0
    bench.run(1000)
    assert bench.manager.command.battery_w == 1000


def test_remote_setpoint_is_readable_while_it_lives():
    bench = Bench().started()
    manager = bench.manager
    assert manager.remote_w() is None
    manager.ask_remote(-700, 1000)
    assert manager.remote_w() == -700
    bench.run(1200)
    assert manager.remote_w() is None
    manager.ask_remote(-700, 1000)
    assert manager.release_remote() == 0 and manager.remote_w() is None


def test_while_latched():
    bench = Bench().started(1000)
    manager = bench.manager
    manager.emergency_shutdown()
    bench.run(1000)
    assert manager.start() == REFUSED_LATCHED
    assert manager.ask_remote(0, 5000) == REFUSED_LATCHED
    assert manager.set_constant_power(0, 0) == REFUSED_LATCHED
    assert manager.stop_operation() == REFUSED_LATCHED
    assert manager.stop() == 0
    assert manager.mode == EMERGENCY


def test_reset_needs_the_cause_gone_for_5_s():
    bench = Bench().started(1000)
    manager = bench.manager
    bench.loop_ok = False
    bench.run(3000)
    assert manager.reset_emergency() == REFUSED_CAUSE_PRESENT
    assert bench.has(EVENT_RESET_REFUSED) == 1
    bench.loop_ok = True
    bench.run(4900)
    assert manager.reset_emergency() == REFUSED_CAUSE_PRESENT
    bench.loop_ok = False
    bench.run(300)
    bench.loop_ok = True
    bench.run(4900)
    assert manager.reset_emergency() == REFUSED_CAUSE_PRESENT, "5 s on end"
    bench.run(200)
    assert manager.reset_emergency() == 0
    assert (manager.mode, manager.latched, manager.first_cause) == (STANDBY, 0, 0)
    assert bench.has(EVENT_EMERGENCY_RESET) == 1
    bench.run(5000)
    assert bench.coils() == 0, "somebody must call start"
    assert manager.start() == 0
    bench.until(lambda m: m.mode == IDLE, 10_000)


def test_reset_waits_until_the_pack_is_at_rest():
    bench = Bench().started(1000)
    bench.load_ma, bench.pcs_w = 100_000, 900
    bench.manager.emergency_shutdown()
    bench.run(6500)
    assert bench.manager.causes_gone and bench.coils()
    assert bench.manager.reset_emergency() == REFUSED_CAUSE_PRESENT


def test_reset_without_an_emergency_is_no_event():
    bench = Bench().started()
    assert bench.manager.reset_emergency() == 0
    assert bench.has(EVENT_EMERGENCY_RESET) == 0 and bench.manager.mode == IDLE


RESTORED = (
    # causes, first, may be reset after 6 s, why
    (1 << CAUSE_INPUT, CAUSE_INPUT, True, "the loop is closed now"),
    (1 << CAUSE_LATCH_UNREADABLE, CAUSE_LATCH_UNREADABLE, True, "a person has looked"),
    (1 << CAUSE_CELL_HIGH | 1 << CAUSE_INPUT, CAUSE_CELL_HIGH, True, "both gone"),
)


def test_a_latch_survives_a_restart():
    for causes, first, may_reset, why in RESTORED:
        bench = Bench()
        manager = bench.manager
        manager.restore_latch(causes, first)
        assert manager.start() == REFUSED_LATCHED, why
        bench.run(4000)
        assert (manager.mode, manager.latched, manager.first_cause) == (EMERGENCY, causes, first)
        assert bench.coils() == 0 and manager.outputs() & 8, why
        bench.run(2000)
        assert (manager.reset_emergency() == 0) == may_reset, why


def test_nothing_latched_restores_nothing():
    bench = Bench()
    bench.manager.restore_latch(0, 0)
    assert bench.manager.mode == STANDBY and bench.manager.start() == 0


MODE_CALLS = (
    # mode asked, mode before, refusal, why
    (IDLE, STANDBY, 0, "nothing to stop: nothing to do"),
    (STANDBY, STANDBY, 0, "it is there"),
    (MAINTENANCE, STANDBY, 0, "a person at the cabinet"),
    (MAINTENANCE, DISCHARGE, REFUSED_MODE, "not while power flows"),
)


def test_set_mode_is_the_call_of_that_name():
    for mode, before, refusal, why in MODE_CALLS:
        bench = Bench()
        bench.run(500)
        if before == DISCHARGE:
            bench = Bench().started(1000)
        manager = bench.manager
        assert manager.get_mode() == before
        assert manager.set_mode(mode) == refusal, why
    bench = Bench().started(1000)
    assert bench.manager.set_mode(IDLE) == 0
    bench.tick()
    assert bench.manager.requests.rank == 0, "ends the manual request"
    assert bench.manager.set_mode(EMERGENCY) == 0
    bench.tick()
    assert bench.manager.is_emergency()
    assert bench.manager.set_mode(STANDBY) == 0 and bench.manager.mode == EMERGENCY


PARAMETERS = (
    # call, arguments, refusal, why; bench: 20 kW, SoC 100..950 pm
    ("set_charge_params", {"w_max": 5000}, 0, "tighter"),
    ("set_charge_params", {"soc_pm_target": 951}, REFUSED_LOOSER, "above the maximum"),
    ("set_discharge_params", {"soc_pm_min": 99}, REFUSED_LOOSER, "below the minimum"),
    ("set_discharge_params", {"soc_pm_min": 100}, 0, "at it"),
    ("set_discharge_params", {}, 0, "defaults"),
)


def test_parameters_are_not_looser_than_the_configuration():
    for name, arguments, refusal, why in PARAMETERS:
        bench = Bench()
        bench.run(500)
        assert getattr(bench.manager, name)(**arguments) == refusal, why
    bench = Bench(charge_w_max=4000, charge_mv_max=55_000, discharge_w_max=3000,
                  discharge_mv_min=48_000)
    manager = bench.manager
    assert manager.set_charge_params(w_max=4001) == REFUSED_LOOSER
    assert manager.set_charge_params(mv_max=55_001) == REFUSED_LOOSER
    assert manager.set_discharge_params(w_max=3001) == REFUSED_LOOSER
    assert manager.set_discharge_params(mv_min=47_999) == REFUSED_LOOSER


WRONG = (
    ("set_charge_params", {"method": 4}, "method is 4, allowed: a whole number 0..3"),
    ("set_charge_params", {"w_max": -1}, "w_max is -1"),
    ("set_charge_params", {"balancing": 2}, "balancing is 2"),
    ("set_charge_params", {"minutes_max": 1.5}, "minutes_max is 1.5"),
    ("set_discharge_params", {"soc_pm_min": 1001}, "soc_pm_min is 1001, allowed"),
    ("set_mode", {"mode": 6}, "mode is 6, allowed: a whole number 0..5"),
)


def test_wrong_parameters_name_themselves():
    for name, arguments, words in WRONG:
        bench = Bench()
        try:
            getattr(bench.manager, name)(**arguments)
        except ValueError as fault:
            assert words in str(fault), str(fault)
        else:
            raise AssertionError(words)


def test_parameters_are_taken_at_the_next_tick_and_bound_both_sides():
    bench = Bench().started()
    manager = bench.manager
    manager.set_charge_params(w_max=7000)
    manager.set_discharge_params(ma_max=100_000)
    assert manager.charge_params.w_max == 0, "not before the tick"
    bench.run(1000)
    assert (manager.window.lo_w, manager.window.lo_why) == (-7000, WHY_PARAMETERS)
    assert (manager.window.hi_w, manager.window.hi_why) == (5280 * 95 // 100, WHY_PARAMETERS)
    manager.set_charge_params(ma_max=50_000)
    manager.set_discharge_params(w_max=600)
    bench.run(1000)
    assert manager.window.lo_w == -2640, "0 limits nothing: the current does"
    assert manager.window.hi_w == 600


def test_two_remote_sides_do_not_pull_at_one_battery():
    bench = Bench().started()
    manager = bench.manager
    assert manager.ask_remote(1000, 5000, 1) == 0
    assert manager.ask_remote(-1000, 5000, 2) == REFUSED_RANK_HELD
    assert manager.ask_remote(2000, 5000, 1) == 0, "the same side renews"
    bench.run(5100)
    assert manager.ask_remote(-1000, 5000, 2) == 0, "the first has ended"


def test_a_direction_that_a_setting_forbids():
    bench = Bench(charge_w_max=0).started()
    assert bench.manager.ask_remote(-100, 5000) == REFUSED_DIRECTION
    assert bench.manager.set_constant_power(-100, 0) == REFUSED_DIRECTION
    assert bench.manager.set_constant_power(100, 0) == 0
    bench = Bench(discharge_w_max=0).started()
    assert bench.manager.set_constant_power(100, 0) == REFUSED_DIRECTION


def test_status_and_limits_fill_a_list_that_is_handed_in():
    bench = Bench().started(-3000)
    status, limits = [0] * len(STATUS), [0] * len(LIMITS)
    bench.manager.status(status)
    bench.manager.limits(limits)
    assert status[:4] == [CHARGE, RUNNING, 500, -3000], status
    assert limits == [-20_000, 20_000, WHY_RATING, WHY_RATING], limits


def test_a_pack_that_idles_long_goes_to_standby_and_wakes_up_for_a_wish():
    bench = Bench(idle_standby_ms=30_000).started()
    bench.run(29_000)
    assert bench.manager.mode == IDLE
    bench.until(lambda m: m.mode == STANDBY, 2000)
    bench.run(60_000)
    assert bench.coils() == 0 and bench.manager.run_wanted == 1
    for _ in range(5):
        bench.manager.ask_remote(1000, 15_000)
        bench.until(lambda m: m.mode == DISCHARGE, 20_000)
        bench.until(lambda m: m.mode == STANDBY, 60_000)
    assert not bench.manager.trips.restarts_used_up, "no automatic restart: nothing had failed"


RESUMES = (
    # settings, latched causes, runs after 20 s, why
    ({}, 0, True, "it ran before"),
    ({"auto_restart": 0}, 0, False, "nobody wants it to"),
    ({}, 1 << CAUSE_INPUT, False, "an emergency is latched"),
)


def test_a_restart_resumes_after_10_s():
    for settings, causes, runs, why in RESUMES:
        bench = Bench(**settings)
        bench.manager.restore_latch(causes, CAUSE_INPUT)
        bench.manager.restore_run()
        bench.run(9900)
        assert bench.manager.run_wanted == 0, (why, "10 s")
        bench.run(10_000)
        assert (bench.manager.mode == IDLE) == runs, why


def test_a_stop_before_the_ten_seconds_are_over_counts():
    bench = Bench()
    bench.manager.restore_run()
    bench.run(5000)
    bench.manager.stop()
    bench.run(10_000)
    assert bench.manager.run_wanted == 0


def test_a_wrong_configuration_does_not_start():
    bench = Bench()
    bench.manager.trips.present |= 1 << TRIP_CONFIG
    bench.run(500)
    assert bench.manager.start() == REFUSED_CAUSE_PRESENT and bench.manager.run_wanted == 0
