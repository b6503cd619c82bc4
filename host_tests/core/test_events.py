"""The ring of events."""

from bess.core.events import SIZE, TRIP, WARNING, Events


def newest(events, back=0):
    slot = events.slot(back)
    return (events.event(slot), events.level(slot), events.data(slot), events.at_ms(slot))


def test_newest_first():
    events = Events()
    assert events.slot(0) == -1, "empty"
    events.note(12, TRIP, -5, 100)
    events.note(40, WARNING, 3, 200)
    assert newest(events) == (40, WARNING, 3, 200)
    assert newest(events, 1) == (12, TRIP, -5, 100)
    assert events.slot(2) == -1


def test_the_ring_never_grows():
    events = Events()
    for i in range(SIZE + 5):
        events.note(i, 0, 1000 * i, i)
    assert events.count == SIZE + 5
    assert newest(events)[0] == SIZE + 4
    assert newest(events, SIZE - 1)[0] == 5
    assert events.slot(SIZE) == -1


def test_the_count_wraps_without_a_gap():
    events = Events()
    for i in range(65_536 + 3):
        events.note(i & 0x7F, 0, i, 0)
    assert events.count == 3
    for back in range(SIZE):
        assert newest(events, back)[2] == 65_538 - back
