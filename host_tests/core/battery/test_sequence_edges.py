"""Start and stop at their edges: limits to the millisecond, outputs of every step."""

from bess.core.battery import sequence
from bess.core.battery.sequence import (
    CHECK, CLOSE_MINUS, CLOSE_PLUS, COOL, EMPTY, FILL, HOLD, HOLD_ZERO, K_MINUS, KEEP,
    OPEN, OPEN_PLUS, PRECHARGE, REST, RUN, SETTLE, START_PCS, STOP_PCS, WAIT_PCS,
)
from bess.core.control.modes import OFF, RUNNING, STARTING, STOPPING
from bess.core.points import BATTERY_W, DC_MV, EVENT_OPENED_UNDER_LOAD, M_CURRENT_MA
from host_tests.core.battery.test_sequence import FAILURES, MAIN, Rig, _bus_empty
from host_tests.core.bench_pack import VOLTS_52_MV, Bench, is_open


def test_numbers():
    """The states of the inverter are values of a point; failures only differ from each other."""
    assert (sequence.PCS_RUNNING, sequence.PCS_FAULT) == (2, 3)
    failures = (sequence.FAILED_NONE, sequence.FAILED_CONTACTOR, sequence.FAILED_PRECHARGE,
                sequence.FAILED_PCS, sequence.WELDED, sequence.FAILED_PRECHARGE_TRY)
    assert len(set(failures)) == 6 and not failures[0]


def test_limits_to_the_millisecond():
    for step, break_it, limit_ms, failure, after, why in FAILURES:
        for short_ms in (1, 0):
            rig = Rig().at(step)
            break_it(rig)
            rig.step(100)
            rig.now_ms = rig.sequence._entered_ms + limit_ms - short_ms
            rig.step(0)
            found = rig.sequence.failed, rig.sequence.step
            assert found == ((0, step) if short_ms else (failure, after)), (why, found)


SPANS = (
    # step, ms that it lasts when all is well, next step, why
    (FILL, 200, CLOSE_PLUS, "the precharge, at least"),
    (SETTLE, 1000, WAIT_PCS, "the bus settles before the resistor goes"),
)


def test_spans_to_the_millisecond():
    for step, span_ms, after, why in SPANS:
        for short_ms in (1, 0):
            rig = Rig().at(step)
            rig.now_ms = rig.sequence._entered_ms + span_ms - short_ms
            rig.step(0)
            assert rig.sequence.step == (step if short_ms else after), (why, short_ms)
    for short_ms in (1, 0):
        rig = Rig(precharge_pause_ms=60_000).at(FILL)
        _bus_empty(rig)
        rig.until(COOL)
        rig.now_ms = rig.sequence._entered_ms + 60_000 - short_ms
        rig.step(0)
        assert rig.sequence.step == (COOL if short_ms else CHECK), "the resistor cools"


def test_the_wait_for_a_small_current_to_the_millisecond():
    for limit_ms in (7000, 1000):
        for short_ms in (1, 0):
            rig = Rig(stop_open_ms=7000).at(RUN)
            rig.current_ma = 90_000
            rig.step(500)
            rig.sequence.stop(rig.now_ms, True)
            rig.sequence.open_within(limit_ms)
            rig.now_ms = rig.sequence._entered_ms + limit_ms - 100 - short_ms
            rig.step(0)
            wanted = STOP_PCS if short_ms else OPEN_PLUS
            assert rig.sequence.step == wanted, "K- follows a tick later: then it is that time"


STEPS = (
    # step, coils, run, phase, on the bus
    (REST, 0, 0, OFF, False), (CHECK, 0, 0, STARTING, False),
    (CLOSE_MINUS, K_MINUS, 0, STARTING, False), (FILL, K_MINUS | PRECHARGE, 0, STARTING, False),
    (COOL, 0, 0, STARTING, False), (CLOSE_PLUS, 7, 0, STARTING, False),
    (SETTLE, 7, 0, STARTING, False), (WAIT_PCS, MAIN, 0, STARTING, True),
    (START_PCS, MAIN, 1, STARTING, True), (HOLD_ZERO, MAIN, 1, STARTING, True),
    (RUN, MAIN, 1, RUNNING, True), (EMPTY, MAIN, 1, STOPPING, True),
    (STOP_PCS, MAIN, 0, STOPPING, True), (OPEN_PLUS, K_MINUS, 0, STOPPING, False),
    (OPEN, 0, 0, STOPPING, False), (HOLD, 0, 0, OFF, False), (KEEP, MAIN, 0, OFF, True),
)


def walked(rig, step):
    """A rig in this step, on the way that leads there."""
    if step == REST:
        rig.at(RUN)
        rig.sequence.stop(rig.now_ms, True)
        rig.until(REST)
    elif step == COOL:
        rig.at(FILL)
        _bus_empty(rig)
        rig.until(COOL)
    elif step == HOLD:
        rig.sequence.hold(0, rig.now_ms)
    elif step > RUN:
        rig.at(RUN)
        if step == EMPTY:
            rig.image.now[BATTERY_W] = 5000
        rig.sequence.stop(rig.now_ms, step != EMPTY and step != KEEP)
        rig.until(step)
    else:
        rig.at(step)
    return rig


def test_outputs_of_every_step():
    for step, coils, run, phase, on_bus in STEPS:
        rig = walked(Rig(standby_contactors="closed" if step == KEEP else "open"), step)
        found = rig.sequence
        assert (found.coils, found.run, found.phase) == (coils, run, phase), step
        assert found.closed() == on_bus, step


def test_a_second_stop_changes_nothing():
    for step in (EMPTY, STOP_PCS, OPEN_PLUS, OPEN, REST):
        rig = walked(Rig(), step)
        rig.sequence.stop(rig.now_ms)
        assert rig.sequence.step == step, "on its way already"
    for step in (STOP_PCS, OPEN_PLUS, OPEN, REST):
        rig = walked(Rig(), step)
        rig.sequence.stop(rig.now_ms, True)
        assert rig.sequence.step == step, "nothing is quicker"


def test_a_start_that_is_broken_off_leaves_nothing_closed():
    """STANDBY with closed contactors is for a pack that ran: before that the bus may be empty."""
    for step in (CHECK, CLOSE_MINUS, FILL, CLOSE_PLUS, SETTLE):
        rig = Rig(standby_contactors="closed").at(step)
        rig.sequence.stop(rig.now_ms)
        assert (rig.sequence.step, rig.sequence.coils) == (OPEN, 0), step
        rig.until(REST)


UNDER_LOAD = (
    # step, counted, why
    (FILL, None, "the resistor's current"),
    (CLOSE_PLUS, 50_000, "K+ may have closed"),
    (SETTLE, 50_000, "K+ carries it"),
)


def test_which_openings_are_under_load():
    for step, counted_ma, why in UNDER_LOAD:
        rig = Rig().at(step)
        rig.current_ma = 50_000
        rig.pack.rows[0][M_CURRENT_MA] = 50_000
        rig.pack.put(0, rig.now_ms)
        rig.pack.update(rig.now_ms)
        rig.sequence.stop(rig.now_ms, True)
        assert rig.sequence.opened_ma == counted_ma, why


def test_small_is_small_for_all_strings_together():
    """2 % of four strings of 157 A: 12.56 A."""
    for load_ma, openings in ((12_560, 0), (12_564, 1)):
        bench = Bench().started()
        bench.load_ma = load_ma
        bench.run(600)
        bench.manager.stop()
        bench.until(is_open, 20_000)
        assert bench.has(EVENT_OPENED_UNDER_LOAD) == openings, load_ma


def test_samples_before_the_stop_prove_nothing():
    rig = Rig(stop_open_ms=7000).at(RUN)
    rig.step(3000)
    rig.new_samples = False
    rig.sequence.stop(rig.now_ms, True)
    rig.step(1500)
    assert rig.sequence.step == STOP_PCS, "all of them are older"


def test_silent_modules_prove_no_full_link():
    rig = Rig().at(FILL)
    _bus_empty(rig)
    rig.new_samples = False
    rig.step(2500)
    assert rig.pack.strings_live == 0
    rig.image.now[DC_MV] = VOLTS_52_MV
    rig.step(500)
    assert rig.sequence.step == FILL, "nobody sees the current"


def test_k_minus_follows_as_soon_as_k_plus_is_open():
    rig = Rig().at(RUN)
    rig.sequence.stop(rig.now_ms, True)
    rig.until(OPEN_PLUS)
    assert rig.until(OPEN) == 100


def test_a_quick_cause_at_rest_is_forgotten():
    rig = Rig(stop_open_ms=7000)
    rig.sequence.open_within(1000)
    rig.at(RUN)
    rig.current_ma = 90_000
    rig.sequence.stop(rig.now_ms, True)
    rig.step(3000)
    assert rig.sequence.step == STOP_PCS, "that cause was another one"


def test_a_ramp_down_that_lasts_counts_its_time_from_zero_on():
    rig = Rig().at(RUN)
    rig.image.now[BATTERY_W] = 5000
    rig.sequence.stop(rig.now_ms)
    for _ in range(8):
        rig.step(1000)
        rig.sequence.wait(rig.now_ms)
    assert rig.sequence.step == EMPTY, "the command is not at zero yet"
    assert 5000 <= rig.until(STOP_PCS) <= 5100


def test_who_starts_anew_gets_three_tries():
    rig = Rig().at(FILL)
    _bus_empty(rig)
    rig.until(COOL)
    rig.sequence.stop(rig.now_ms)
    rig.until(REST)
    rig.sequence.start(rig.now_ms)
    for _ in range(2):
        rig.until(FILL)
        rig.until(COOL, 5200)
    rig.until(FILL)
    rig.until(OPEN, 5200)


ZERO = (
    # measured W at a command of 0, goes on to RUN, why
    (400, True, "2 % of 20 kW"), (401, False, "more"), (-400, True, "in either direction"),
    (-401, False, "more"),
)


def test_zero_must_be_seen_before_it_runs():
    for power_w, runs, why in ZERO:
        rig = Rig().at(HOLD_ZERO)
        rig.image.now[BATTERY_W] = power_w
        rig.step(300)
        assert (rig.sequence.step == RUN) == runs, why
