"""When the DC link counts as full, and the time that a stop grants to a falling current."""

from bess.core.battery.sequence import (
    CHECK, COOL, EMPTY, FAILED_NONE, FILL, K_MINUS, OPEN, OPEN_PLUS, REST, RUN, STOP_PCS, WELDED,
)
from bess.core.points import BATTERY_W, DC_MV, M_PACK_MV
from host_tests.core.battery.test_sequence import Rig
from host_tests.core.bench_pack import VOLTS_52_MV

GRANTED = (
    # later wishes for the limit, ms until K+ opens under load, why
    ((1000,), 1000, "an over-current: one second"),
    ((1000, 7000), 1000, "a later cause that could wait does not lengthen it"),
    ((1000, 1000), 1000, "the same again"),
    ((7000, 1000), 1000, "the quick one counts"),
    ((1000, 999), 999, "quicker still"),
)


def test_the_quickest_cause_decides_when_the_contactors_open():
    for limits_ms, within_ms, why in GRANTED:
        rig = Rig().at(RUN)
        rig.current_ma = 100_000
        rig.step(500)
        rig.sequence.stop(rig.now_ms, True)
        for limit_ms in limits_ms:
            rig.sequence.open_within(limit_ms)
        start_ms = rig.now_ms
        while rig.sequence.step not in (OPEN_PLUS, OPEN, REST):
            assert rig.sequence.step >= STOP_PCS, why
            rig.step(100)
            assert rig.now_ms - start_ms <= 8000, why
        assert within_ms - 200 <= rig.now_ms - start_ms <= within_ms + 100, why


LET_GO = (
    # ticks for which the feedback still says closed, failed, why; the call comes between two ticks
    (2, FAILED_NONE, "coils follow in the first of them: 100 ms since then"),
    (3, WELDED, "200 ms since then"),
)


def test_a_tested_contactor_opens_in_the_time_since_its_coil_was_let_go():
    for ticks, failed, why in LET_GO:
        rig = Rig()
        rig.sequence.hold(K_MINUS, rig.now_ms)
        rig.step(1000)
        rig.follow = None
        rig.sequence.stop(rig.now_ms - 100)     # the time that the manager knows: the last tick
        seen = []
        for _ in range(ticks):
            seen.append(rig.step(100).failed)
        rig.follow = 7
        seen.append(rig.step(100).failed)
        assert max(seen) == failed and rig.sequence.step == REST, (why, seen)


QUIET = (
    # current at first, then, full, why; 157 A rating: small is 3.14 A, a quarter of it 785 mA
    (20_000, 999, True, "less than a twentieth of the peak"),
    (20_000, 1000, False, "a twentieth is not less"),
    (1000, 784, True, "less than a quarter of small, whatever the peak was"),
    (1000, 785, False, "no less"),
    (-20_000, -999, True, "a magnitude"),
)


def test_the_link_is_full_when_its_current_has_died_away():
    for peak_ma, then_ma, full, why in QUIET:
        rig = Rig()
        rig.image.now[DC_MV] = 0
        rig.sequence.start(rig.now_ms)
        rig.until(FILL)
        rig.current_ma = peak_ma
        rig.step(300)
        rig.image.now[DC_MV] = VOLTS_52_MV
        rig.current_ma = then_ma
        rig.step(300)
        assert (rig.sequence.step > FILL) == full, why


NEAR = (
    # pack mV of the string, bus mV, full, why
    (52_800, 51_800, True, "1 V, or 1 % where that is more"),
    (52_800, 51_799, False, "further away"),
    (52_800, 53_801, False, "on either side"),
    (200_000, 198_000, True, "1 %"),
    (200_000, 197_999, False, "further away"),
)


def test_the_link_is_full_at_the_voltage_of_the_pack():
    for pack_mv, bus_mv, full, why in NEAR:
        rig = Rig()
        rig.pack.rows[0][M_PACK_MV] = pack_mv
        rig.image.now[DC_MV] = bus_mv
        rig.sequence.start(rig.now_ms)
        rig.until(FILL)
        rig.step(600)
        assert (rig.sequence.step > FILL) == full, why


def test_after_a_stop_the_limit_is_that_of_the_settings_again():
    for quick in (True, False):
        rig = Rig(stop_open_ms=7000)
        if quick:
            rig.at(RUN)
            rig.sequence.stop(rig.now_ms, True)
            rig.sequence.open_within(1000)
            rig.until(REST)
        rig.at(RUN)
        rig.current_ma = 100_000
        rig.step(500)
        rig.sequence.stop(rig.now_ms, True)
        start_ms = rig.now_ms
        while rig.sequence.step not in (OPEN_PLUS, OPEN, REST):
            rig.step(100)
        assert 6800 <= rig.now_ms - start_ms <= 7100, "the shorter limit was for that stop only"


def test_the_second_try_forgets_the_peak_of_the_first():
    rig = Rig()
    rig.image.now[DC_MV] = 0
    rig.sequence.start(rig.now_ms)
    rig.until(FILL)
    rig.current_ma = 20_000
    rig.until(COOL)
    rig.current_ma = 0
    rig.until(FILL)
    rig.current_ma = 900                    # less than a twentieth of the first peak
    rig.image.now[DC_MV] = VOLTS_52_MV
    rig.step(500)
    assert rig.sequence.step == FILL, "this current has not died away"


SMALL = (
    # measured W of a 20 kW inverter, small, why
    (400, True, "2 % of the rating"),
    (401, False, "more"),
    (-400, True, "in either direction"),
    (-401, False, "more"),
)


def test_small_power():
    for power_w, small, why in SMALL:
        rig = Rig()
        rig.image.now[BATTERY_W] = power_w
        rig.sequence.start(rig.now_ms)
        rig.step(300)
        assert (rig.sequence.step != CHECK) == small, (why, "nothing closes under power")
        rig = Rig().at(RUN)
        rig.sequence.stop(rig.now_ms)
        rig.image.now[BATTERY_W] = power_w
        rig.step(300)
        assert (rig.sequence.step != EMPTY) == small, (why, "the inverter goes off at zero")


def test_before_the_first_try_nothing_cools():
    rig = Rig(precharge_pause_ms=60_000)
    rig.image.now[DC_MV] = 0
    rig.sequence.start(rig.now_ms)
    rig.until(COOL)
    waited_ms = rig.until(FILL)
    assert 60_000 <= waited_ms <= 60_600, "then for its pause"
