"""Readings with an age: what the tick may still believe."""

from bess.core.image import History, Image
from bess.core.points import BATTERY_W, GRID_W, INPUTS, PCS_STATE, PCS_UNCONFIRMED
from bess.core.tick import TICK_MASK

AGES = (
    # point, age in ms, is known, why
    (BATTERY_W, 2000, True, "inverter within 2 s"),
    (BATTERY_W, 2001, False, "inverter silent"),
    (PCS_STATE, 2001, False, "inverter silent"),
    (GRID_W, 15_000, True, "slow meter"),
    (GRID_W, 15_001, False, "meter stale"),
    (INPUTS, 501, False, "the board's inputs are read each tick"),
    (BATTERY_W, TICK_MASK, False, "a sample from the future"),
)


def test_ages():
    for start_ms in (0, TICK_MASK - 300):
        for point, age_ms, known, why in AGES:
            image = Image()
            image.put(point, -7, start_ms)
            image.latch((start_ms + age_ms) & TICK_MASK)
            assert image.now[point] == (-7 if known else None), (why, start_ms)


def test_nothing_is_known_at_first():
    for now_ms in (0, 1, TICK_MASK):
        image = Image()
        image.latch(now_ms)
        assert image.now[BATTERY_W] is None and image.age_ms(BATTERY_W, now_ms) is None


def test_unknown_is_unknown_at_once_and_keeps_its_age():
    image = Image()
    image.put(GRID_W, 300, 1000)
    image.put(GRID_W, None, 3000)
    image.latch(3000)
    assert image.now[GRID_W] is None
    assert image.age_ms(GRID_W, 4000) == 3000, "age of the last value"


def test_the_image_stands_still_between_latches():
    image = Image()
    image.put(BATTERY_W, 100, 0)
    image.latch(0)
    image.put(BATTERY_W, 200, 50)
    assert image.now[BATTERY_W] == 100
    image.latch(100)
    assert image.now[BATTERY_W] == 200


def test_meter_is_fresh_for_one_tick():
    image = Image()
    image.put(BATTERY_W, 1, 0)
    image.latch(0)
    assert not image.meter_fresh
    image.put(GRID_W, None, 0)
    image.latch(0)
    assert not image.meter_fresh, "unknown is no sample"
    image.put(GRID_W, 5, 0)
    image.latch(0)
    assert image.meter_fresh
    image.latch(100)
    assert not image.meter_fresh


def test_points_without_an_age_are_left_to_the_tick():
    image = Image()
    image.put(PCS_UNCONFIRMED, 3, 0)
    image.latch(0)
    assert image.now[PCS_UNCONFIRMED] is None and image.raw[PCS_UNCONFIRMED] == 3


def test_a_dead_reading_is_not_reborn_when_the_counter_has_gone_round():
    image = Image()
    image.put(BATTERY_W, 4000, 5000)
    day_ms = 86_400_000
    for day in range(1, 14):                # 12.4 days make a round
        image.latch((5000 + day * day_ms) & TICK_MASK)
        assert image.now[BATTERY_W] is None
    for after_ms in range(0, 4000, 100):
        image.latch((5000 + after_ms) & TICK_MASK)
        assert image.now[BATTERY_W] is None, after_ms
        assert image.age_ms(BATTERY_W, 5000 + after_ms) > day_ms


def test_history():
    rows = (
        # asked for, value, why
        (900, None, "before the first"),
        (1000, 10, "at the first"),
        (1999, 10, "between"),
        (2000, 20, "at the second"),
        (9000, 40, "after the last: it is in force"),
    )
    for start_ms in (0, TICK_MASK - 1500):
        history = History(4)
        for i in range(4):
            history.add(10 * (i + 1), (start_ms + 1000 * (i + 1)) & TICK_MASK)
        for then_ms, wanted, why in rows:
            assert history.at((start_ms + then_ms) & TICK_MASK) == wanted, (why, start_ms)


def test_history_forgets_the_oldest():
    history = History(3)
    assert history.at(0) is None
    for i in range(5):
        history.add(i, 100 * i)
    assert history.at(199) is None
    assert history.at(200) == 2 and history.at(1000) == 4
