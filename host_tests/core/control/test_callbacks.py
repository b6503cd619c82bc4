"""Callbacks: who is told, who is not, and what becomes of one that raises."""

from bess.core.control.callbacks import ALL, CALLBACKS_MAX, Callbacks
from bess.core.events import INFO, SIZE, WARNING, Events
from bess.core.points import EVENT_CALLBACK_REMOVED, EVENT_MODE_CHANGE, EVENT_TRIP

FULL = 9


class Rig:
    """Heard: (event, data, user data) of every call."""

    def __init__(self):
        self.events = Events()
        self.callbacks = Callbacks(self.events)
        self.heard = []

    def hear(self, event, data, user_data):
        self.heard.append((event, data, user_data))

    def raises(self, event, data, user_data):
        self.heard.append((event, data, user_data))
        raise ValueError("a bug of somebody else")

    def note(self, *numbers):
        for number in numbers:
            self.events.note(number, INFO, 100 + number, 0)

    def run(self):
        """What was heard in one run."""
        self.heard = []
        self.callbacks.run(5000)
        return self.heard


def test_one_event_or_all():
    rig = Rig()
    assert rig.callbacks.register(EVENT_TRIP, rig.hear, "trip") == 0
    assert rig.callbacks.register(ALL, rig.hear) == 0
    assert rig.run() == []
    rig.note(EVENT_MODE_CHANGE, EVENT_TRIP)
    assert rig.heard == [], "not where the event is noted"
    assert rig.run() == [(0, 100, None), (EVENT_TRIP, 112, "trip"), (EVENT_TRIP, 112, None)]
    assert rig.run() == [], "told once"


def test_what_happened_before_is_not_told():
    rig = Rig()
    rig.note(1, 2)
    late = Callbacks(rig.events)
    late.register(ALL, rig.hear)
    late.run(0)
    assert rig.heard == []


WRONG = (
    # event, function, words of the message
    (-2, len, "event is -2, allowed: -1 for all, or 0..255"),
    (256, len, "event is 256"),
    ("TRIP", len, "event is 'TRIP'"),
    (None, len, "event is None"),
    (1, 7, "function is 7, wanted: one that can be called"),
    (1, (1, 2), "function is (1, 2)"),
)


def test_wrong_arguments():
    for event, function, words in WRONG:
        rig = Rig()
        try:
            rig.callbacks.register(event, function)
            message = "nothing was raised"
        except ValueError as fault:
            message = str(fault)
        assert words in message, message
    for event in (0, 255, ALL):
        assert Rig().callbacks.register(event, len) == 0


def test_sixteen():
    rig = Rig()
    for n in range(CALLBACKS_MAX):
        assert rig.callbacks.register(ALL, rig.hear, n) == 0
    assert CALLBACKS_MAX == 16 and rig.callbacks.register(ALL, rig.hear) == FULL
    rig.note(3)
    assert [heard[2] for heard in rig.run()] == list(range(16))
    assert rig.callbacks.unregister(ALL, rig.hear) == 16
    assert rig.callbacks.register(ALL, rig.hear) == 0


def test_unregister():
    rig = Rig()
    rig.callbacks.register(1, rig.hear, "one")
    rig.callbacks.register(2, rig.hear, "two")
    rig.callbacks.register(1, rig.raises)
    assert rig.callbacks.unregister(1, rig.hear) == 1
    assert rig.callbacks.unregister(1, rig.hear) == 0
    rig.note(2)
    assert rig.run() == [(2, 102, "two")]
    rig.note(1)
    assert rig.run() == [(1, 101, None)] and rig.callbacks.faults == 1


def test_one_that_raises_is_removed_after_three():
    rig = Rig()
    rig.callbacks.register(7, rig.raises, "bad")
    rig.callbacks.register(ALL, rig.hear, "good")
    for times in (1, 2, 3):
        rig.note(7)
        assert [heard[2] for heard in rig.run()] == ["bad", "good"], "the others hear it too"
        assert rig.callbacks.faults == times
    assert isinstance(rig.callbacks.fault, ValueError)
    slot = rig.events.slot(0)
    assert rig.events.event(slot) == EVENT_CALLBACK_REMOVED
    assert rig.events.level(slot) == WARNING
    assert (rig.events.data(slot), rig.events.at_ms(slot)) == (7, 5000)
    rig.note(7)
    assert rig.run() == [(EVENT_CALLBACK_REMOVED, 7, "good"), (7, 107, "good")]
    assert rig.callbacks.faults == 3


def test_three_in_all_not_in_a_row():
    rig = Rig()
    rig.callbacks.register(ALL, lambda event, data, _: 1 // data)
    for data in (0, 5, 0, 5, 0, 5):
        rig.events.note(1, INFO, data, 0)
    rig.run()
    assert rig.callbacks.faults == 3
    assert rig.events.event(rig.events.slot(0)) == EVENT_CALLBACK_REMOVED


def test_what_a_callback_causes_waits_for_the_next_run():
    rig = Rig()

    def echo(event, data, user_data):
        rig.heard.append(event)
        rig.note(event + 1)

    rig.callbacks.register(ALL, echo)
    rig.note(1)
    assert rig.run() == [1]
    assert rig.run() == [2]


def test_a_callback_may_unregister_itself_and_others():
    rig = Rig()

    def once(event, data, user_data):
        rig.heard.append("once")
        rig.callbacks.unregister(ALL, once)
        rig.callbacks.unregister(ALL, rig.hear)

    rig.callbacks.register(ALL, once)
    rig.callbacks.register(ALL, rig.hear)
    rig.note(1, 2)
    assert rig.run() == ["once"]


OVERRUNS = (
    # events between two runs, heard, missed, why
    (SIZE, SIZE, 0, "the ring is just full"),
    (SIZE + 1, SIZE, 1, "one is gone"),
    (3 * SIZE, SIZE, 2 * SIZE, "many are gone"),
)


def test_overrun_is_counted():
    for start in (0, 65_530):
        for number, heard, missed, why in OVERRUNS:
            rig = Rig()
            rig.events.count = start
            rig.callbacks = Callbacks(rig.events)
            rig.callbacks.register(ALL, rig.hear)
            for n in range(number):
                rig.events.note(n, INFO, n, 0)
            last = [n for n in range(number)][-heard:]
            assert [row[1] for row in rig.run()] == last, why
            assert rig.callbacks.missed == missed, why
            rig.note(1)
            assert rig.run() == [(1, 101, None)], (why, "and goes on")


def test_a_callback_that_floods_the_ring():
    rig = Rig()

    def flood(event, data, user_data):
        rig.heard.append(data)
        for _ in range(SIZE + 5):
            rig.note(9)

    rig.callbacks.register(1, flood)
    rig.note(1, 2, 3)
    assert rig.run() == [101]
    assert rig.callbacks.missed == 2, "2 and 3 were overwritten; its own wait"
    rig.run()
    assert rig.callbacks.missed == 2 + 5
