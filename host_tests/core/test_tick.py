"""Time across the wrap of the counter, and conditions that must hold for a while."""

from bess.core.tick import TICK_MASK, Dwell, elapsed_ms

SPANS = (
    # now, then, elapsed, why
    (1000, 400, 600, "ordinary"),
    (1000, 1000, 0, "same tick"),
    (50, TICK_MASK - 49, 100, "the counter wrapped between"),
    (0, TICK_MASK, 1, "last and first tick of the counter"),
    (400, 1000, TICK_MASK + 1 - 600, "a stamp from the future reads as very old"),
)


def test_elapsed():
    for now_ms, then_ms, wanted_ms, why in SPANS:
        assert elapsed_ms(now_ms, then_ms) == wanted_ms, why


def test_dwell_needs_the_whole_span():
    for start_ms in (0, TICK_MASK - 250):
        dwell = Dwell(500)
        for i in range(5):
            assert not dwell.held(True, (start_ms + 100 * i) & TICK_MASK), (start_ms, i)
        assert dwell.held(True, (start_ms + 500) & TICK_MASK), start_ms


def test_dwell_starts_anew_after_a_gap():
    dwell = Dwell(500)
    dwell.held(True, 0)
    assert not dwell.held(False, 400)
    assert not dwell.held(True, 500)
    assert not dwell.held(True, 999)
    assert dwell.held(True, 1000)


def test_dwell_of_no_time_holds_at_once():
    assert Dwell(0).held(True, 7)


def test_dwell_still_holds_when_the_counter_has_gone_round():
    dwell = Dwell(500)
    for now_ms in (0, 500, 1 << 29, TICK_MASK, 100):
        held = dwell.held(1, now_ms)
    assert held, "12.4 days later the span reads as 100 ms"
    assert not dwell.held(0, 200)
    assert not dwell.held(1, 300)
