"""Flow direction: the table, the band of rest, the hold, and what is unknown."""

import micropython

from bess.core.flow import direction as flows
from bess.core.flow.direction import Direction
from bess.core.tick import TICK_MASK


class Settings:
    w_rated = 20_000                # so the band of rest is 200 W


STATES = (
    # battery, grid, need, state, why
    (-3000, 4000, 1000, flows.MIXED, "the grid serves the loads too"),
    (-3000, 3100, 100, flows.GRID_TO_BATTERY, "next to nothing else draws"),
    (-3000, 3200, 200, flows.GRID_TO_BATTERY, "need inside the band"),
    (-3000, 3201, 201, flows.MIXED, "need outside the band"),
    (-3000, 200, -2800, flows.SURPLUS_TO_BATTERY, "the grid rests"),
    (-3000, -500, -3500, flows.SURPLUS_TO_BATTERY, "enough for both"),
    (-201, 201, 0, flows.GRID_TO_BATTERY, "just outside both bands"),
    (3000, -3000, 0, flows.BATTERY_TO_GRID, "sold"),
    (3000, -2800, 200, flows.BATTERY_TO_GRID, "need inside the band"),
    (3000, -1000, 2000, flows.MIXED, "the loads take their part"),
    (3000, 200, 3200, flows.BATTERY_TO_LOAD, "the grid rests"),
    (3000, -200, 2800, flows.BATTERY_TO_LOAD, "the grid rests"),
    (3000, 201, 3201, flows.MIXED, "both serve the loads"),
    (200, 201, 401, flows.GRID_TO_LOAD, "the battery rests"),
    (-200, 5000, 4800, flows.GRID_TO_LOAD, "the battery rests"),
    (0, -201, -201, flows.SURPLUS_TO_GRID, "the battery rests"),
    (200, 200, 400, flows.NONE, "all inside the band"),
    (-200, -200, -400, flows.NONE, "all inside the band"),
    (None, 1000, 1000, None, "battery unknown"),
    (1000, None, 1000, None, "grid unknown"),
    (-3000, 4000, None, None, "the loads would decide"),
    (3000, -1000, None, None, "the loads would decide"),
    (3000, 1000, None, flows.MIXED, "the loads do not decide"),
    (-3000, 0, None, flows.SURPLUS_TO_BATTERY, "the loads do not decide"),
    (0, 1000, None, flows.GRID_TO_LOAD, "the loads do not decide"),
)


def test_the_numbers_are_those_of_the_interfaces():
    assert (flows.NONE, flows.GRID_TO_BATTERY, flows.BATTERY_TO_GRID, flows.GRID_TO_LOAD) == (
        0, 1, 2, 3)
    assert (flows.BATTERY_TO_LOAD, flows.MIXED, flows.SURPLUS_TO_BATTERY,
            flows.SURPLUS_TO_GRID) == (4, 5, 6, 7)


def test_states():
    for battery_w, grid_w, need_w, state, why in STATES:
        direction = Direction(Settings)
        direction.update(0, battery_w, grid_w, need_w)
        direction.update(3000, battery_w, grid_w, need_w)
        assert direction.state == state, (why, direction.state)


def test_a_small_site_rests_within_100_w():
    class Small:
        w_rated = 3000

    for grid_w, state in ((100, flows.NONE), (101, flows.GRID_TO_LOAD)):
        direction = Direction(Small)
        direction.update(0, 0, grid_w, 0)
        direction.update(3000, 0, grid_w, 0)
        assert direction.state == state


def test_a_new_state_must_hold_for_3_s():
    for start_ms in (0, TICK_MASK - 4000):
        direction, now_ms = Direction(Settings), start_ms
        assert not direction.update(now_ms, 0, 1000, 1000)
        assert direction.state is None, "nothing is known before it has held"
        assert not direction.update((now_ms + 2999) & TICK_MASK, 0, 1000, 1000)
        now_ms = (now_ms + 3000) & TICK_MASK
        assert direction.update(now_ms, 0, 1000, 1000), "it says that it changed"
        assert direction.state == flows.GRID_TO_LOAD
        assert not direction.update(now_ms, 0, 1000, 1000), "once"
        for later_ms, grid_w in ((100, -1000), (2000, -1000), (2100, 1000), (2200, -1000),
                                 (5100, -1000)):
            assert not direction.update((now_ms + later_ms) & TICK_MASK, 0, grid_w, 0), later_ms
            assert direction.state == flows.GRID_TO_LOAD, "the other state was interrupted"
        assert direction.update((now_ms + 5200) & TICK_MASK, 0, -1000, 0)
        assert direction.state == flows.SURPLUS_TO_GRID


def test_unknown_is_unknown_at_once_and_known_again_after_the_hold():
    direction = Direction(Settings)
    direction.update(0, 0, 1000, 1000)
    direction.update(3000, 0, 1000, 1000)
    assert direction.update(3100, 0, None, 1000) and direction.state is None
    assert not direction.update(9000, 0, None, 1000)
    assert not direction.update(9100, 0, 1000, 1000) and direction.state is None
    assert not direction.update(12_000, 0, 1000, 1000)
    assert direction.update(12_100, 0, 1000, 1000) and direction.state == flows.GRID_TO_LOAD


def test_allocates_nothing():
    direction = Direction(Settings)
    micropython.heap_lock()
    try:
        for i in range(8):
            direction.update(i * 2000, 3000, -1000 if i < 4 else None, 2000)
    finally:
        micropython.heap_unlock()
    assert direction.state is None
