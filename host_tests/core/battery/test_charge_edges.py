"""Charging at its edges: times to the millisecond, what a new charge forgets, hardly any power."""

from bess.core.battery import rounds
from bess.core.battery.stages import CC_CV, MULTI_STAGE, PULSED, TRICKLE
from host_tests.core.battery.bench_charge import (
    DURATION, FULL, HOUR, LIMIT, MINUTE, STOPPED, TARGET, TIMEOUT, Rig,
)


def test_the_codes_are_fixed():
    """They are the data of the event CHARGE_DONE, which others read."""
    found = (rounds.FULL, rounds.TARGET, rounds.LIMIT, rounds.DURATION, rounds.TIMEOUT,
             rounds.STOPPED)
    assert found == (FULL, TARGET, LIMIT, DURATION, TIMEOUT, STOPPED)


TIMES = (
    # lowest cell, flowing mA, ms at the CV target, end, why
    (3400, 4999, 60_000, FULL, "a small current"),
    (3440, None, 900_000, FULL, "even cells"),
    (3400, None, 7_200_000, TIMEOUT, "uneven cells, given up"),
)


def test_times_at_the_target_to_the_millisecond():
    for low_mv, flowing_ma, ms, code, why in TIMES:
        for short_ms, done in ((1, 0), (0, code)):
            rig = Rig().begin()
            rig.flowing_ma = flowing_ma
            rig.set(high=3450, low=low_mv).go(1)
            rig.go(1, ms - short_ms)
            assert rig.charge.done == done, (why, short_ms)


def test_pulse_and_rest_to_the_millisecond():
    for short_ms, rests in ((1, False), (0, True)):
        rig = Rig().begin(PULSED).go(29, 2000).go(1, 2000 - short_ms)
        assert (rig.charge.wish_w == 0) == rests, "a minute of pulse"
    for short_ms, rests in ((1, True), (0, False)):
        rig = Rig().begin(PULSED).go(30, 2000).go(4, 2000).go(1, 2000 - short_ms)
        assert (rig.charge.wish_w == 0) == rests, "10 s of rest"


def test_a_pulse_of_ten_seconds_is_not_short():
    for short_ms, code in ((1, FULL), (0, 0)):
        rig = Rig().begin(PULSED)
        for _ in range(3):
            assert rig.charge.done == 0 and rig.charge.wish_w == -2500
            rig.go(4, 2000).set(high=3450).go(1, 2000 - short_ms)
            assert rig.charge.wish_w == 0
            rig.set(high=3440).go(5, 2000)
        assert rig.charge.done == code, short_ms


def test_what_is_over_stays_at_zero_though_its_rest_ends():
    for code in (DURATION, STOPPED):
        rig = Rig().begin(PULSED).set(high=3450).go(1)
        assert rig.charge.wish_w == 0, "it rests"
        rig.charge.end(code)
        for _ in range(60):
            assert rig.set(high=3440).go(1).charge.wish_w == 0
        assert rig.charge.done == code


def test_a_new_charge_forgets_the_one_before():
    rig = Rig().begin(PULSED).go(29, 2000)
    assert rig.begin(PULSED).charge.wish_w == -2500
    assert rig.go(29, 2000).charge.wish_w == -2500, "the minute of the pulse begins anew"
    assert rig.go(1, 2000).charge.wish_w == 0
    assert rig.begin(PULSED).charge.wish_w == -2500, "and nothing rests"
    for _ in range(2):
        rig.set(high=3450).go(1).set(high=3440).go(6, 2000)
    rig.begin(PULSED).set(high=3450).go(1)
    assert rig.charge.done == 0, "two short pulses were another charge's"
    rig = Rig().begin()
    rig.set(high=3450, low=3400).go(1).go(1, 2 * HOUR)
    assert rig.charge.done == TIMEOUT and rig.charge.stuck
    rig.begin()
    assert rig.charge.done == 0 and not rig.charge.stuck, "a person may try again"


def test_a_charge_that_begins_in_silence_rises_from_nothing():
    rig = Rig().begin().go(4)
    assert rig.charge.wish_w == -2500
    rig.charge.end(STOPPED)
    rig.now_ms += 6000
    rig.pack.update(rig.now_ms)
    assert rig.pack.strings_live == 0
    assert rig.charge.begin(CC_CV, -2000, 0, rig.now_ms) == 0
    rig.command_w = 0
    assert -20 <= rig.go(1).charge.wish_w < 0, rig.charge.wish_w


def test_the_first_sample_counts_the_time_since_the_begin():
    rig = Rig()
    rig.go(20, 2000)
    assert rig.charge.begin(CC_CV, -2500, 0, rig.now_ms) == 0
    rig.command_w = -2500
    rig.set(high=3455).go(1, 100)
    assert rig.charge.wish_w == -2500 + 11, "5 mV * 8 pm * 0.1 s of 52 A"


SMALL = (
    # power that something else lets through, over after 2 h, why
    (0, False, "no current, no time"),
    (1, True, "a watt is a current"),
)


def test_trickle_counts_while_anything_flows():
    for cap_w, over, why in SMALL:
        rig = Rig().begin(TRICKLE)
        rig.cap_w, rig.command_w = cap_w, -cap_w
        assert (rig.until_done(2 * HOUR + 4000, 2000) is not None) == over, why


def test_the_last_minute_of_trickle_is_given():
    for minutes, left in ((118, True), (119, True), (120, False)):
        rig = Rig()
        assert rig.charge.begin(TRICKLE, -100, 0, rig.now_ms) == 0
        rig.command_w = -100
        rig.go(minutes * 30, 2000)
        rig.charge.end(STOPPED)
        refusal = rig.charge.begin(TRICKLE, -100, 0, rig.now_ms)
        assert (refusal == 0) == left, minutes


def test_a_pack_without_voltage_is_no_error():
    for pack_mv in (0, 99, 100):
        for method in (CC_CV, PULSED, MULTI_STAGE):
            rig = Rig().set(pack_mv=pack_mv).begin(method)
            assert -5 <= rig.charge.wish_w <= 0, "the cells that do not add up are a block"


def test_at_the_limit_a_millivolt_of_room_is_constant_current():
    rig = Rig().begin().set(high=3451).go(1)
    assert rig.charge.in_cv
    rig.set(high=3449)
    assert rig.go(MINUTE // 500).charge.wish_w == -2500
    assert not rig.charge.in_cv
