"""Stop, openings, tests of one contactor, and STANDBY with closed contactors."""

from bess.core.battery.sequence import (
    CHECK, CLOSE_MINUS, COOL, EMPTY, FAILED_CONTACTOR, FILL, HOLD, HOLD_ZERO, K_MINUS, K_PLUS,
    KEEP, OPEN, OPEN_PLUS, PCS_RUNNING, PRECHARGE, REST, RUN, SETTLE, START_PCS, STOP_PCS,
    WAIT_PCS, WELDED,
)
from bess.core.control.modes import OFF
from bess.core.points import BATTERY_W, INPUTS, PCS_STATE
from host_tests.core.battery.test_sequence import MAIN, Rig, _bus_empty


STOPS = (
    # step, at once, next step, coils, run, why
    (REST, False, REST, 0, 0, "nothing to stop"),
    (CHECK, False, OPEN, 0, 0, "nothing is closed"),
    (FILL, False, OPEN, 0, 0, "only the resistor's current"),
    (COOL, False, OPEN, 0, 0, "nothing is closed"),
    (SETTLE, True, OPEN, 0, 0, "the inverter does not run yet"),
    (WAIT_PCS, False, STOP_PCS, MAIN, 0, "it may run by itself"),
    (START_PCS, False, STOP_PCS, MAIN, 0, "it may have begun"),
    (HOLD_ZERO, False, STOP_PCS, MAIN, 0, "it runs"),
    (RUN, False, EMPTY, MAIN, 1, "the ramp first"),
    (RUN, True, STOP_PCS, MAIN, 0, "trip or emergency: no ramp"),
)


def test_stops():
    for step, at_once, after, coils, run, why in STOPS:
        rig = Rig()
        if step == COOL:
            rig.at(FILL)
            _bus_empty(rig)
            rig.until(COOL)
        elif step != REST:
            rig.at(step)
        rig.sequence.stop(rig.now_ms, at_once)
        got = (rig.sequence.step, rig.sequence.coils, rig.sequence.run)
        assert got == (after, coils, run), (why, got)


def test_an_emergency_during_the_ramp_down_does_not_wait():
    rig = Rig().at(RUN)
    rig.sequence.stop(rig.now_ms)
    assert rig.sequence.step == EMPTY
    rig.sequence.stop(rig.now_ms, True)
    assert rig.sequence.step == STOP_PCS and rig.sequence.run == 0


def test_the_ramp_down_ends_at_small_power_or_after_5_s():
    rig = Rig().at(RUN)
    rig.image.now[BATTERY_W] = 5000
    rig.sequence.stop(rig.now_ms)
    assert rig.until(STOP_PCS) == 5100
    rig = Rig().at(RUN)
    rig.image.now[BATTERY_W] = 5000
    rig.sequence.stop(rig.now_ms)
    rig.step(1000)
    rig.image.now[BATTERY_W] = 400
    assert rig.until(STOP_PCS) == 100


OPENINGS = (
    # current, samples go on, open_within, ms until open, counted current, why
    (0, True, None, 200, None, "small: as soon as samples newer than the stop say so"),
    (3140, True, None, 200, None, "2 % is small"),
    (3150, True, None, 7000, 3150, "more is not: at the latest after 7 s"),
    (-90_000, True, None, 7000, 90_000, "charging, too"),
    (90_000, True, 1000, 1000, 90_000, "a quick cause: 1 s"),
    (0, False, None, 7000, None, "old samples prove nothing"),
    (0, False, 1000, 1000, None, "a quick cause: 1 s"),
)


def test_openings():
    for current_ma, samples, within_ms, wanted_ms, counted_ma, why in OPENINGS:
        rig = Rig().at(RUN)
        rig.current_ma = current_ma
        rig.new_samples = samples
        rig.sequence.stop(rig.now_ms, True)
        if within_ms:
            rig.sequence.open_within(within_ms)
        spent_ms = rig.until(OPEN_PLUS) - 100        # the tick that asked is not waiting
        assert wanted_ms - 100 <= spent_ms <= wanted_ms, (why, spent_ms)
        assert rig.sequence.opened_ma == counted_ma, (why, rig.sequence.opened_ma)


def test_a_quick_cause_shortens_only_this_opening():
    rig = Rig().at(RUN)
    rig.sequence.stop(rig.now_ms, True)
    rig.sequence.open_within(1000)
    rig.until(REST)
    rig.at(RUN)
    rig.current_ma = 90_000
    rig.sequence.stop(rig.now_ms, True)
    assert rig.until(OPEN) >= 7000


def test_an_opening_under_load_before_the_inverter_runs_is_kept_for_the_event():
    rig = Rig().at(SETTLE)
    rig.current_ma = 50_000
    rig.step(100)
    rig.sequence.stop(rig.now_ms, True)
    rig.step(100)
    assert rig.sequence.opened_ma == 50_000, "until somebody takes it"


def test_a_contactor_that_does_not_open_is_welded():
    rig = Rig().at(RUN)
    rig.sequence.stop(rig.now_ms, True)
    rig.until(OPEN)
    rig.follow, rig.image.now[INPUTS] = None, 15 & ~8
    rig.step(100)
    assert not rig.sequence.failed
    rig.step(100)
    assert (rig.sequence.failed, rig.sequence.step) == (WELDED, REST), "200 ms"


def test_without_contactors_of_our_own():
    rig = Rig(contactors="none")
    rig.follow, rig.image.now[INPUTS] = None, None
    rig.sequence.start(0)
    assert rig.sequence.step == WAIT_PCS and rig.sequence.coils == 0
    rig.image.now[PCS_STATE] = PCS_RUNNING
    rig.until(RUN)
    rig.follow = 0
    assert rig.sequence.closed() and not rig.sequence.feedback_wrong()
    rig.sequence.stop(rig.now_ms, True)
    rig.until(REST)
    assert rig.sequence.opened_ma is None and not rig.sequence.failed


def test_feedback_is_watched_where_it_stands_still():
    watched = []
    rig = Rig()
    if rig.sequence.watches_feedback():
        watched.append(REST)
    rig.image.now[PCS_STATE] = PCS_RUNNING
    rig.sequence.start(0)
    for _ in range(40):
        step = rig.sequence.step
        if rig.sequence.watches_feedback() and step not in watched:
            watched.append(step)
        rig.step(100)
    assert watched == [REST, WAIT_PCS, START_PCS, HOLD_ZERO, RUN], watched


def test_k_plus_opens_before_k_minus():
    rig = Rig().at(RUN)
    rig.sequence.stop(rig.now_ms, True)
    rig.until(OPEN_PLUS)
    assert rig.sequence.coils == K_MINUS
    rig.follow = K_MINUS | PRECHARGE            # K+ is stuck: K- opens all the same
    rig.image.now[INPUTS] = 1
    assert rig.until(OPEN) <= 300 and rig.sequence.coils == 0


def test_no_start_while_the_inverter_moves_power():
    rig = Rig()
    rig.image.now[BATTERY_W] = 401
    rig.sequence.start(rig.now_ms)
    rig.until(REST)
    assert rig.sequence.failed == FAILED_CONTACTOR
    rig.image.now[BATTERY_W] = None
    rig.sequence.start(rig.now_ms)
    rig.until(CLOSE_MINUS)
    assert rig.sequence.coils == K_MINUS, "an inverter on the DC bus is silent before the start"


HOLDS = (
    # coils, permitted, why
    (0, True, "release"), (K_MINUS, True, "one coil"), (PRECHARGE, True, "one coil"),
    (K_PLUS, True, "one coil"), (MAIN, False, "two coils close the circuit"),
    (8, False, "there is no second set"), (-1, False, "nonsense"),
)


def test_a_person_may_hold_one_coil():
    for coils, permitted, why in HOLDS:
        rig = Rig()
        assert rig.sequence.may_hold(coils) == permitted, why
        if permitted:
            rig.sequence.hold(coils, rig.now_ms)
            rig.step(300)
            assert (rig.sequence.step, rig.sequence.coils) == (HOLD, coils), why
            assert not rig.sequence.feedback_wrong(), why
            rig.sequence.stop(rig.now_ms)
            rig.until(REST)
            assert rig.sequence.coils == 0, why
    rig = Rig().at(RUN)
    rig.sequence.hold(K_PLUS, rig.now_ms)
    assert rig.sequence.step == RUN, "only at rest"
    assert not Rig(contactors="none").sequence.may_hold(K_PLUS)


def test_a_held_coil_without_its_feedback_is_seen():
    rig = Rig()
    rig.follow = 0
    rig.sequence.hold(K_PLUS, rig.now_ms)
    rig.step(200)
    assert rig.sequence.feedback_wrong()


def test_standby_with_closed_contactors():
    rig = Rig(standby_contactors="closed").at(RUN)
    rig.sequence.stop(rig.now_ms)
    rig.until(KEEP)
    assert (rig.sequence.coils, rig.sequence.run, rig.sequence.phase) == (MAIN, 0, OFF)
    assert rig.sequence.closed()
    rig.sequence.stop(rig.now_ms)
    assert rig.sequence.step == KEEP, "a normal stop leaves them"
    rig.sequence.start(rig.now_ms)
    assert rig.sequence.step == WAIT_PCS, "no precharge is needed"
    rig.until(RUN)
    rig.sequence.stop(rig.now_ms, True)
    rig.until(REST)
    assert rig.sequence.coils == 0, "a trip or an emergency opens them"
    rig.at(RUN)
    rig.sequence.stop(rig.now_ms)
    rig.until(KEEP)
    rig.sequence.stop(rig.now_ms, True)
    rig.until(REST)
    assert rig.sequence.coils == 0, "also when they had been kept"
