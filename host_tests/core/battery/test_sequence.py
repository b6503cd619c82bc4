"""Start and stop: every step's condition, limit and failure."""

from bess.core.battery.sequence import (
    FAILED_CONTACTOR, FAILED_PCS, FAILED_PRECHARGE, FAILED_PRECHARGE_TRY, K_MINUS, K_PLUS,
    PCS_FAULT, PCS_RUNNING, PRECHARGE, WELDED, Sequence, CHECK, CLOSE_MINUS, CLOSE_PLUS, COOL,
    EMPTY, FILL, HOLD, HOLD_ZERO, KEEP, OPEN, OPEN_PLUS, REST, RUN, SETTLE, START_PCS, STOP_PCS,
    WAIT_PCS,
)
from bess.core.control.modes import OFF, RUNNING, STARTING
from bess.core.battery.pack import Pack
from bess.core.events import Events
from bess.core.image import Image
from bess.core.points import (
    BATTERY_W, DC_MV, INPUTS, M_CURRENT_MA, PCS_STATE, PCS_UNCONFIRMED,
)
from host_tests.core.bench_pack import VOLTS_52_MV, healthy, settings_of

MAIN = K_MINUS | K_PLUS


class Rig:
    """A sequence whose world is set by hand; values of the image are of this tick."""

    def __init__(self, **changes):
        settings = settings_of(strings_p=1, **changes)
        self.image, self.pack = Image(), Pack(1, 1, 2000, settings.module_ma_rated)
        healthy(self.pack.rows[0])
        self.sequence = Sequence(settings, self.image, self.pack, Events())
        self.now_ms = 0
        self.current_ma = 0
        self.new_samples = True
        self.follow = 7                     # coils whose feedback follows
        now = self.image.now
        now[INPUTS], now[PCS_STATE], now[PCS_UNCONFIRMED] = 15, 0, 0
        now[BATTERY_W], now[DC_MV] = 0, VOLTS_52_MV
        self.step(0)

    def step(self, span_ms):
        for _ in range(max(1, span_ms // 100)):
            if self.new_samples:
                self.pack.rows[0][M_CURRENT_MA] = self.current_ma
                self.pack.put(0, self.now_ms)
            self.pack.update(self.now_ms)
            if self.follow is not None:
                self.image.now[INPUTS] = 1 | (~(self.sequence.coils & self.follow) & 7) << 1
            self.sequence.tick(self.now_ms)
            self.now_ms += 100
        return self.sequence

    def until(self, step, limit_ms=500_000):
        start_ms = self.now_ms
        while self.sequence.step != step:
            self.step(100)
            assert self.now_ms - start_ms < limit_ms, (step, self.sequence.step)
        return self.now_ms - start_ms

    def at(self, step):
        """This rig, in a step of the start."""
        self.sequence.start(self.now_ms)
        if step > START_PCS:
            self.image.now[PCS_STATE] = PCS_RUNNING
        self.until(step)
        return self


def test_the_way_to_run():
    rig = Rig()
    rig.image.now[PCS_STATE] = PCS_RUNNING
    seen = [(rig.sequence.step, rig.sequence.coils, rig.sequence.run, rig.sequence.phase)]
    rig.sequence.start(rig.now_ms)
    for _ in range(30):
        now = (rig.sequence.step, rig.sequence.coils, rig.sequence.run, rig.sequence.phase)
        if now != seen[-1]:
            seen.append(now)
        rig.step(100)
    assert seen == [
        (REST, 0, 0, OFF),
        (CHECK, 0, 0, STARTING),
        (CLOSE_MINUS, K_MINUS, 0, STARTING),
        (FILL, K_MINUS | PRECHARGE, 0, STARTING),
        (CLOSE_PLUS, 7, 0, STARTING),
        (SETTLE, 7, 0, STARTING),
        (WAIT_PCS, MAIN, 0, STARTING),
        (START_PCS, MAIN, 1, STARTING),
        (HOLD_ZERO, MAIN, 1, STARTING),
        (RUN, MAIN, 1, RUNNING)], seen


# step, what is broken, ms until it is judged, failure, step after, why
def _nothing(rig):
    pass


def _no_feedback(rig):
    rig.follow = 0


def _no_input(rig):
    rig.follow, rig.image.now[INPUTS] = None, None


def _bus_empty(rig):
    rig.image.now[DC_MV] = 0


def _bus_unknown(rig):
    rig.image.now[DC_MV] = None


def _current_flows(rig):
    rig.current_ma = 30_000


def _pcs_silent(rig):
    rig.image.now[PCS_STATE] = None


def _pcs_fault(rig):
    rig.image.now[PCS_STATE] = PCS_FAULT


def _unconfirmed(rig):
    rig.image.now[PCS_UNCONFIRMED] = 1


def _power_flows(rig):
    rig.image.now[BATTERY_W] = 401


def _power_unknown(rig):
    rig.image.now[BATTERY_W] = None


FAILURES = (
    (CLOSE_MINUS, _no_feedback, 200, FAILED_CONTACTOR, REST, "K- does not close"),
    (CLOSE_MINUS, _no_input, 200, FAILED_CONTACTOR, REST, "feedback unknown"),
    (FILL, _bus_empty, 5000, FAILED_PRECHARGE_TRY, COOL, "the bus does not fill"),
    (FILL, _bus_unknown, 5000, FAILED_PRECHARGE_TRY, COOL, "nobody sees the bus"),
    (FILL, _current_flows, 5000, FAILED_PRECHARGE_TRY, COOL, "something draws from the bus"),
    (CLOSE_PLUS, _no_feedback, 200, FAILED_CONTACTOR, REST, "K+ does not close"),
    (WAIT_PCS, _pcs_silent, 60_000, FAILED_PCS, OPEN_PLUS, "the inverter never answers"),
    (WAIT_PCS, _pcs_fault, 60_000, FAILED_PCS, OPEN_PLUS, "the inverter reports a fault"),
    (START_PCS, _nothing, 400_000, FAILED_PCS, STOP_PCS, "the inverter does not run"),
    (HOLD_ZERO, _unconfirmed, 5000, FAILED_PCS, STOP_PCS, "zero is not confirmed"),
    (HOLD_ZERO, _power_flows, 5000, FAILED_PCS, STOP_PCS, "power above 2 % at a command of 0"),
    (HOLD_ZERO, _power_unknown, 5000, FAILED_PCS, STOP_PCS, "power unknown is not zero"),
)


def test_failures():
    for step, break_it, limit_ms, failure, after, why in FAILURES:
        rig = Rig().at(step)
        break_it(rig)
        rig.now_ms = rig.sequence._entered_ms + 100
        rig.step(limit_ms - 100)
        assert rig.sequence.step == step and not rig.sequence.failed, (why, "too early")
        rig.step(100)
        assert (rig.sequence.failed, rig.sequence.step) == (failure, after), (
            why, rig.sequence.failed, rig.sequence.step)
        rig.step(100)
        assert rig.sequence.failed != failure, (why, "said once")


def test_a_welded_contactor_blocks_the_start():
    rig = Rig()
    rig.follow, rig.image.now[INPUTS] = None, 15 & ~8
    rig.sequence.start(rig.now_ms)
    assert rig.until(REST) == 1100
    assert rig.sequence.failed == FAILED_CONTACTOR and rig.sequence.coils == 0


def test_precharge_lasts_at_least_200_ms():
    rig = Rig().at(FILL)
    assert rig.until(CLOSE_PLUS) == 200


def test_the_bus_must_be_near_the_pack():
    for bus_mv, passes, why in ((VOLTS_52_MV - 1000, True, "1 V is near enough"),
                                (VOLTS_52_MV - 1001, False, "more is not"),
                                (VOLTS_52_MV + 1001, False, "nor above")):
        rig = Rig().at(FILL)
        rig.image.now[DC_MV] = bus_mv
        rig.step(1000)
        assert (rig.sequence.step != FILL) == passes, why


def test_the_precharge_current_must_have_died_down():
    rig = Rig().at(FILL)
    rig.current_ma = 20_000
    rig.step(500)
    assert rig.sequence.step == FILL
    rig.current_ma = 1001                   # 5 % of the peak, and above 0.5 % of the rating
    rig.step(500)
    assert rig.sequence.step == FILL
    rig.current_ma = 999
    rig.step(100)
    assert rig.sequence.step == CLOSE_PLUS


def test_three_tries_with_pauses_then_a_person():
    rig = Rig().at(FILL)
    _bus_empty(rig)
    fails, pauses = [], []
    for _ in range(2):
        rig.until(COOL)
        fails.append(rig.sequence.failed)
        assert rig.sequence.coils == 0, "the resistor cools without current"
        pauses.append(rig.until(FILL))
    rig.until(OPEN)
    fails.append(rig.sequence.failed)
    assert fails == [FAILED_PRECHARGE_TRY, FAILED_PRECHARGE_TRY, FAILED_PRECHARGE]
    assert min(pauses) >= 60_000, pauses
    rig.until(REST)
    rig.step(100_000)
    assert rig.sequence.step == REST


def test_a_new_start_does_not_heat_a_hot_resistor():
    rig = Rig().at(FILL)
    _bus_empty(rig)
    rig.until(COOL)
    rig.sequence.stop(rig.now_ms)
    rig.until(REST)
    rig.sequence.start(rig.now_ms)
    assert rig.sequence.step == COOL
    assert rig.until(FILL) >= 60_000
    rig.image.now[DC_MV] = VOLTS_52_MV
    rig.until(WAIT_PCS)
    rig.sequence.stop(rig.now_ms)
    rig.until(REST)
    rig.sequence.start(rig.now_ms)
    assert rig.sequence.step == CHECK, "it filled: nothing is hot"


def test_a_second_try_that_fills_leaves_nothing_hot():
    rig = Rig().at(FILL)
    _bus_empty(rig)
    rig.until(COOL)
    rig.image.now[DC_MV] = VOLTS_52_MV
    rig.until(WAIT_PCS)
    rig.sequence.stop(rig.now_ms)
    rig.until(REST)
    rig.sequence.start(rig.now_ms)
    assert rig.sequence.step == CHECK


def test_each_try_checks_the_feedbacks_again():
    rig = Rig().at(FILL)
    _bus_empty(rig)
    rig.until(COOL)
    rig.follow, rig.image.now[INPUTS] = None, 15 & ~2
    rig.until(REST)
    assert rig.sequence.failed == FAILED_CONTACTOR, "K- stayed closed while it cooled"


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
