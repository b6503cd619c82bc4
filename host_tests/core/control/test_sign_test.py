"""The commissioning test: wrongly wired meters and inverters are found and named."""

from bess.core.control import sign_test
from bess.core.control.modes import IDLE, MAINTENANCE, REFUSED_MODE
from bess.core.control.sign_test import (
    METER_BLIND, METER_TURNED, PCS_BLIND, PCS_TURNED, READING_TURNED, RIGHT, UNCLEAR, SignTest,
)
from bess.core.events import INFO, WARNING
from bess.core.points import EVENT_TEST
from bess.core.tick import TICK_MASK
from host_tests.core.bench_pack import Bench, is_open, latched

WRAP_MS = TICK_MASK - 20_000            # the counter wraps while the test runs
HOUSE_W = 700


class Site(Bench):
    """A site that is being commissioned. obeys, tells, meters: factors between the truth and what
    is done, told and read: 1 right, -1 the wrong way round; noise_w: the house moves by so much.
    """

    def __init__(self, obeys=1, tells=1, meters=1, noise_w=0, start_ms=1000):
        super().__init__(start_ms)
        self.obeys, self.tells, self.meters, self.noise_w = obeys, tells, meters, noise_w

    def tick(self):
        command = self.manager.command
        true_w = command.battery_w * self.obeys if command.run else 0
        house_w = HOUSE_W + (self.noise_w if self.ticks // 50 % 2 else 0)
        self.pcs_w = int(true_w * self.tells)
        self.meter_w = int((house_w - true_w) * self.meters)
        return super().tick()

    def commissioned(self, seconds=90):
        """Calls each second until there is a verdict; returns it and the seconds."""
        self.run(1000)
        if self.manager.mode != MAINTENANCE:
            assert self.manager.enter_maintenance() == 0
        for second in range(seconds):
            assert self.manager.test_sign() == 0
            if self.manager.test.verdict:
                return self.manager.test.verdict, second
            self.run(1000)
        return 0, seconds


SITES = (
    # obeys, tells, meters, noise, verdict, why
    (1, 1, 1, 0, RIGHT, "all is well"),
    (1, 1, -1, 0, METER_TURNED, "the meter's transformers look the other way"),
    (-1, 1, 1, 0, PCS_TURNED, "charges when it shall discharge, and says so"),
    (1, -1, 1, 0, READING_TURNED, "its reading alone is turned round"),
    (1, 1, 0, 0, METER_BLIND, "the meter sits on another circuit"),
    (0, 1, 1, 0, PCS_BLIND, "an inverter that does not move"),
    (1, 1, 1, 60, RIGHT, "a house that moves a little"),
    (1, 1, 3, 0, UNCLEAR, "a transformer ratio of three"),
    (1, 1, 0.5, 0, UNCLEAR, "half of it: one phase of two"),
)


def event(manager):
    """(level, data) of the newest event of a test that has found something."""
    events = manager.events
    for back in range(32):
        slot = events.slot(back)
        if slot >= 0 and events.event(slot) == EVENT_TEST and events.data(slot) > 16:
            return events.level(slot), events.data(slot)
    return None


def test_what_is_wired_wrongly_is_named():
    for obeys, tells, meters, noise_w, verdict, why in SITES:
        site = Site(obeys, tells, meters, noise_w)
        found, seconds = site.commissioned()
        assert found == verdict, (why, found)
        assert 30 <= seconds <= 60, (why, seconds)
        manager = site.manager
        level = INFO if verdict == RIGHT else WARNING
        assert event(manager) == (level, 16 + verdict), why
        site.until(is_open, 10_000)
        assert manager.mode == MAINTENANCE and not latched(manager), why
        assert manager.test.sign is None and manager.test.kind == 0, why


def test_across_the_wrap():
    assert Site(start_ms=WRAP_MS).commissioned()[0] == RIGHT
    assert Site(1, 1, -1, start_ms=WRAP_MS).commissioned()[0] == METER_TURNED


def test_both_powers_last_15_s():
    site = Site()
    site.run(1000)
    site.manager.enter_maintenance()
    spent = {200: 0, -200: 0}
    while not site.manager.test.verdict:
        site.manager.test_sign()
        for _ in range(10):
            w = site.tick().command.battery_w
            if w in spent:
                spent[w] += 1
            assert -200 <= w <= 200
    assert 140 <= spent[200] <= 180 and 140 <= spent[-200] <= 180, spent


def test_it_ends_when_the_person_lets_go():
    site = Site()
    assert site.commissioned(20) == (0, 20)
    site.run(5100)
    assert site.manager.test.kind == 0 and site.manager.test.sign is None
    site.until(is_open, 10_000)
    site.run(1000)
    assert site.commissioned()[0] == RIGHT, "again, from the beginning"


def test_only_in_maintenance():
    site = Site()
    site.started()
    assert site.manager.test_sign() == REFUSED_MODE and site.manager.mode == IDLE
    assert site.manager.test.sign is None and site.manager.test.verdict == 0


def test_without_a_meter_it_is_unclear():
    sign = SignTest()
    for now_ms in range(0, 40_000, 1000):
        sign.look(sign.wish_w, sign.wish_w, None, now_ms)
        if sign.verdict:
            break
    assert sign.verdict == UNCLEAR and now_ms == 31_000


def test_the_limits_of_what_is_seen():
    for battery_w, grid_w, verdict, why in (
            (200, -200, RIGHT, "as asked"), (140, -260, RIGHT, "30 % to both sides"),
            (139, -200, UNCLEAR, "more"), (200, -139, UNCLEAR, "more"),
            (200, -60, METER_BLIND, "30 % of nothing"), (200, -61, UNCLEAR, "more")):
        sign = SignTest()
        now_ms = 0
        while not sign.verdict:
            sense = 1 if sign.wish_w > 0 else -1
            sign.look(sign.wish_w, sense * battery_w, HOUSE_W + sense * grid_w, now_ms)
            now_ms += 500
        assert sign.verdict == verdict, (why, sign.verdict)


def test_numbers_that_go_out():
    assert (RIGHT, METER_TURNED, PCS_TURNED, READING_TURNED, METER_BLIND, PCS_BLIND, UNCLEAR) == (
        1, 2, 3, 4, 5, 6, 7)
    assert sign_test.POWER_W == 200


def verdict_of(first, second):
    """Verdict of readings (ms since the power was reached, battery, grid) at +200 and -200 W."""
    sign, start_ms = SignTest(), 1000
    for readings, wish_w in ((first, 200), (second, -200)):
        assert sign.wish_w == wish_w and sign.verdict == 0
        sign.look(wish_w, None, None, start_ms)
        for ms, battery_w, grid_w in readings:
            assert sign.wish_w == wish_w, "the phase is not over yet"
            sign.look(wish_w, battery_w, grid_w, start_ms + ms)
        assert sign.wish_w == -wish_w, "now it is"
        start_ms += 20_000
    return sign.verdict


UP, DOWN = ((15_000, 200, -200),), ((15_000, -200, 200),)
READINGS = (
    # at +200 W, at -200 W, verdict, why
    (UP, DOWN, RIGHT, "one reading each"),
    (((9999, 9000, 9000), (10_000, 400, -400), (15_000, 0, 0)), DOWN, RIGHT,
     "from 10 s on each counts, and none before"),
    (((14_999, 200, -200), (15_000, 200, -200)), DOWN, RIGHT, "15 s"),
    (UP, ((12_000, -200, 200), (13_000, -200, 200), (15_000, -200, 200)), RIGHT,
     "more readings in one half"),
    (((12_000, 200, -200), (15_000, 200, -200)), DOWN, RIGHT, "or in the other"),
    (UP, ((15_000, None, 200),), UNCLEAR, "unknown in one half"),
    (((15_000, 200, None),), DOWN, UNCLEAR, "or in the other"),
    (((15_000, 260, -260),), ((15_000, -260, 260),), RIGHT, "30 % too much"),
    (((15_000, 140, -140),), ((15_000, -140, 140),), RIGHT, "30 % too little"),
    (((15_000, 260, -140),), ((15_000, -260, 140),), RIGHT, "one of each"),
    (((15_000, 140, -260),), ((15_000, -140, 260),), RIGHT, "one of each"),
    (((15_000, 200, -200),), ((15_000, -79, 200),), UNCLEAR, "a watt less"),
    (((15_000, 200, -200),), ((15_000, -321, 200),), UNCLEAR, "a watt more"),
    (((15_000, 200, -200),), ((15_000, -200, 79),), UNCLEAR, "a watt less at the meter"),
    (((15_000, 200, -200),), ((15_000, -200, 321),), UNCLEAR, "a watt more at the meter"),
    (((15_000, -200, 0),), ((15_000, 200, 0),), METER_BLIND, "whatever the inverter says"),
)


def test_what_is_made_of_the_readings():
    for first, second, verdict, why in READINGS:
        assert verdict_of(first, second) == verdict, why


def test_a_power_that_is_left_has_to_be_reached_again():
    sign = SignTest()
    sign.look(200, 200, -200, 0)
    sign.look(150, 9000, 9000, 12_000)
    for now_ms in (13_000, 15_000, 27_999):
        sign.look(200, 200, -200, now_ms)
        assert sign.wish_w == 200
    sign.look(200, 200, -200, 28_000)
    assert sign.wish_w == -200 and sign.verdict == 0
