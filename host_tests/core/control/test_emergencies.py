"""What stops everything, and how fast the contactors open; see also test_losses.py."""

from bess.core.battery.sequence import K_MINUS, K_PLUS, REST
from bess.core.control.modes import EMERGENCY, REFUSED_CAUSE_PRESENT, STANDBY
from bess.core.points import (
    CAUSE_BMS_CRITICAL, CAUSE_CELL_HIGH, CAUSE_CELL_LOW, CAUSE_COMMANDED, CAUSE_CONTACTOR,
    CAUSE_DISOBEYS_ZERO, CAUSE_INPUT, CAUSE_INVARIANT, CAUSE_MODULES_SILENT, CAUSE_OVER_CURRENT,
    CAUSE_TEMPERATURE,
    EVENT_EMERGENCY, EVENT_INVARIANT, EVENT_MODE_CHANGE, EVENT_OPENED_UNDER_LOAD, INPUTS,
    M_CELL_DC_MAX, M_CELL_MV_MAX, M_CELL_MV_MIN, M_FAULTS, OPENINGS,
)
from bess.core.tick import TICK_MASK
from host_tests.core.bench_pack import Bench, causes, is_open, latched

MAIN = K_MINUS | K_PLUS
WRAP_MS = TICK_MASK - 8000              # the counter wraps while the bench runs

EMERGENCIES = (
    # what happens, cause, ms until latched, why
    (lambda b: setattr(b, "loop_ok", False), CAUSE_INPUT, 200, "two ticks"),
    (lambda b: b.manager.emergency_shutdown(), CAUSE_COMMANDED, 100, "the next tick"),
    (lambda b: setattr(b.manager, "pressed", True), CAUSE_INPUT, 100, "its interrupt"),
    (lambda b: b.rows(M_FAULTS, 1), CAUSE_BMS_CRITICAL, 1000, "two samples"),
    (lambda b: b.rows(M_CELL_MV_MAX, 3750), CAUSE_CELL_HIGH, 1000, "two samples"),
    (lambda b: b.rows(M_CELL_MV_MIN, 2500), CAUSE_CELL_LOW, 1000, "two samples"),
    (lambda b: b.rows(M_CELL_DC_MAX, 650), CAUSE_TEMPERATURE, 1000, "two samples"),
    (lambda b: setattr(b, "load_ma", 800_000), CAUSE_OVER_CURRENT, 1000, "two samples"),
    (lambda b: setattr(b, "stuck_open", K_PLUS), CAUSE_CONTACTOR, 600, "0.5 s"),
)


def test_causes_of_the_same_tick_are_events_each():
    bench = Bench().started(5000)
    bench.rows(M_FAULTS, 1)
    bench.rows(M_CELL_MV_MAX, 3760)
    bench.until(latched, 2000)
    events, told = bench.manager.events, []
    for back in range(32):
        slot = events.slot(back)
        if events.event(slot) == EVENT_EMERGENCY:
            told.append(events.data(slot))
    assert told == [CAUSE_CELL_HIGH, CAUSE_BMS_CRITICAL], "newest first"
    assert bench.manager.first_cause == CAUSE_BMS_CRITICAL


def test_emergencies():
    for start_ms in (1000, WRAP_MS):
        for happens, cause, limit_ms, why in EMERGENCIES:
            bench = Bench(start_ms).started(5000)
            happens(bench)
            spent_ms = bench.until(latched, 2000)
            manager = bench.manager
            assert causes(manager) == (cause,), why
            assert limit_ms // 2 <= spent_ms <= limit_ms, (why, spent_ms)
            assert (manager.command.run, manager.command.battery_w) == (0, 0), (why, "same tick")
            assert manager.mode == EMERGENCY and manager.first_cause == cause, why
            assert manager.outputs() & 8, (why, "trip output")
            assert manager.run_wanted == 0, why
            bench.until(lambda m: m.sequence.step == REST, 8000)
            assert bench.coils() == 0, why
            manager.start()
            bench.run(5000)
            assert bench.coils() == 0 and manager.command.run == 0, (why, "latched")


def opened_ma(events):
    """Current in the one event of an opening under load; None when there is none."""
    found = [events.data(events.slot(back)) for back in range(32) if events.slot(back) >= 0
             and events.event(events.slot(back)) == EVENT_OPENED_UNDER_LOAD]
    assert len(found) <= 1
    return found[0] if found else None


def test_contactors_of_an_emergency_open_at_a_small_current_or_in_time():
    rows = (
        # what happens, current that goes on, ms until open, openings under load, why
        (EMERGENCIES[0][0], None, 900, 0, "the inverter obeys: small current"),
        (EMERGENCIES[0][0], 400_000, 1000, 1, "emergency input: 1 s"),
        (EMERGENCIES[3][0], 400_000, 1000, 1, "the BMS opens by itself soon: 1 s"),
        (EMERGENCIES[7][0], 800_000, 1000, 1, "over-current: 1 s"),
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
        assert opened_ma(bench.manager.events) == (load_ma if openings else None), why
        bench.tick()
        assert bench.manager.image.now[OPENINGS] == openings, why


def test_a_press_that_no_tick_saw_needs_the_same_reset():
    bench = Bench(remote_reset=1)
    bench.run(10_000)
    manager = bench.manager
    manager.pressed = True
    bench.run(4900)
    assert causes(manager) == (CAUSE_INPUT,) and manager.stopped()
    assert manager.reset_emergency() == REFUSED_CAUSE_PRESENT, "5 s from the press on"
    bench.run(300)
    assert manager.reset_emergency(False, manager.reset_number()), "never from afar"
    assert manager.reset_emergency() == 0 and manager.mode == STANDBY


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
    assert manager.outputs() & 0x3FF == MAIN | 8, "trip output at once, nothing is published"
    for _ in range(10):
        manager.fail(bench.now_ms)
    assert bench.has(EVENT_INVARIANT) == 1, "the ring keeps its history"
    assert bench.has(EVENT_EMERGENCY) == 1 and bench.has(EVENT_MODE_CHANGE) >= 3
    bench.until(is_open, 8000)


def test_an_emergency_ends_the_exclusion_of_a_module():
    bench = Bench().started(1000)
    bench.silent = 1
    bench.run(65_000)
    assert bench.manager.pack.excluded == 1
    bench.load_ma, bench.pcs_w = 100_000, 900       # 7 s until the contactors open
    bench.manager.emergency_shutdown()
    bench.run(9000)
    bench.silent = 0
    assert bench.run(1000).pack.strings_live == 4, "a person looks at all of them"


STORED = (
    # cause, what is still wrong after the restart, why
    (CAUSE_MODULES_SILENT, lambda b: setattr(b, "silent", 0xFFFF), "nobody watches the cells"),
    (CAUSE_CELL_HIGH, lambda b: b.rows(M_CELL_MV_MAX, 3500), "above its clear value"),
    (CAUSE_INPUT, lambda b: setattr(b, "loop_ok", False), "still pressed"),
    (CAUSE_CONTACTOR, lambda b: setattr(b, "welded", K_PLUS), "still welded"),
)


def test_a_stored_emergency_outlives_a_restart_until_its_cause_is_seen_gone():
    for cause, wrong, why in STORED:
        bench = Bench()
        bench.manager.restore_latch(1 << cause, cause)
        wrong(bench)
        bench.run(8000)
        assert bench.manager.reset_emergency() == REFUSED_CAUSE_PRESENT, why
        assert bench.manager.mode == EMERGENCY and is_open(bench.manager), why
    for cause in (CAUSE_MODULES_SILENT, CAUSE_CELL_HIGH, CAUSE_INPUT, CAUSE_COMMANDED):
        bench = Bench()
        bench.manager.restore_latch(1 << cause, cause)
        bench.run(8000)
        assert bench.manager.reset_emergency() == 0, cause
        assert bench.manager.mode == STANDBY, "and somebody must start it"
