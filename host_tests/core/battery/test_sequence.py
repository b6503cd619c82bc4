"""Start and stop: every step's condition, limit and failure."""

from bess.core.battery.sequence import (
    FAILED_CONTACTOR, FAILED_PCS, FAILED_PRECHARGE, FAILED_PRECHARGE_TRY, K_MINUS, K_PLUS,
    PCS_FAULT, PCS_RUNNING, PRECHARGE, Sequence, CHECK, CLOSE_MINUS, CLOSE_PLUS, COOL,
    FILL, HOLD_ZERO, OPEN, OPEN_PLUS, REST, RUN, SETTLE, START_PCS, STOP_PCS,
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


def test_an_island_begins_with_its_load():
    for power_w, runs, why in ((16_000, True, "power follows the load"),
                               (-16_000, True, "or the sun"),
                               (None, False, "unknown is no load")):
        rig = Rig().at(HOLD_ZERO)
        rig.sequence.islanded = True
        rig.image.now[BATTERY_W] = power_w
        rig.step(100)
        assert (rig.sequence.step == RUN) == runs, why


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
    rig.until(OPEN, 5200)
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
