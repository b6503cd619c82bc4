"""What people and links may ask, and what they are told."""

from bess.core.control.modes import (
    DISCHARGE, EMERGENCY, IDLE, REFUSED_CAUSE_PRESENT, REFUSED_LATCHED, REFUSED_NOT_STARTED,
    STANDBY,
)
from bess.core.points import (
    CAUSE_CELL_HIGH, CAUSE_INPUT, CAUSE_LATCH_UNREADABLE, EVENT_EMERGENCY_RESET,
    EVENT_RESET_REFUSED,
)
from bess.core.control.calls import LIFE_MS_MAX, LIFE_MS_MIN
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
