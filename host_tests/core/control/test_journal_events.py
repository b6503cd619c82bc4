"""An event for each thing that changes, once, with its level and its number."""

from bess.core.battery.sequence import (
    FAILED_CONTACTOR, FAILED_NONE, FAILED_PCS, FAILED_PRECHARGE, FAILED_PRECHARGE_TRY, WELDED,
)
from bess.core.control.journal import Journal
from bess.core.events import INFO, WARNING, Events
from bess.core.points import (
    EVENT_CLOCK_LOST, EVENT_CLOCK_SET, EVENT_CONTACTOR_CLOSED, EVENT_CONTACTOR_OPENED,
    EVENT_LIMIT_REASON, EVENT_METER_BACK, EVENT_METER_STALE, EVENT_MODULE_BACK, EVENT_MODULE_LOST,
    EVENT_OPENED_UNDER_LOAD, EVENT_PCS_STARTED, EVENT_PCS_STOPPED, EVENT_PCS_UNCONFIRMED,
    EVENT_PRECHARGE_FAILED, EVENT_REQUEST_ENDED, EVENT_REQUEST_WON, EVENT_TRIP_CLEARED,
    PCS_UNCONFIRMED, UTC_DAY,
)
from bess.core.image import Image
from bess.core.request import RANKS, SLOTS
from bess.core.tick import TICK_MASK


class World:
    """All that the journal looks at, as attributes of one object that plays every part."""

    def __init__(self, start_ms=5000):
        self.events, self.image = Events(), Image()
        self.pack = self.sequence = self.trips = self.requests = self.window = self
        self.lost = self.back = 0
        self.count, self.current_ma = 3, None
        self.opened_ma, self.failed, self.coils, self.run, self.on_bus = None, 0, 0, 0, False
        self.openings = self.meter_step = self.present = self.ended = self.rank = 0
        self.lo_why = self.hi_why = 0
        self.journal = Journal(self)
        self.now_ms = start_ms

    def closed(self):
        return self.on_bus

    def set(self, changes):
        for k in range(0, len(changes), 2):
            name, value = changes[k], changes[k + 1]
            if isinstance(name, int):
                self.image.now[name] = value
            else:
                setattr(self, name, value)

    def tick(self, span_ms=100):
        """A tick; the new events as (number, level, data), oldest first."""
        self.now_ms = (self.now_ms + span_ms) & TICK_MASK
        before = self.events.count
        self.journal.tick(self.now_ms)
        found = []
        for back in range(self.events.count - before - 1, -1, -1):
            slot = self.events.slot(back)
            assert self.events.at_ms(slot) == self.now_ms
            found.append((self.events.event(slot), self.events.level(slot),
                          self.events.data(slot)))
        return found


COURSES = (
    # changes tick by tick, the events of each, why
    (("lost", 1), [(EVENT_MODULE_LOST, WARNING, 0)], ("lost", 6),
     [(EVENT_MODULE_LOST, WARNING, 1), (EVENT_MODULE_LOST, WARNING, 2)], ("lost", 0), [],
     "modules that fall silent in this tick"),
    (("back", 2), [(EVENT_MODULE_BACK, INFO, 1)], ("back", 5, "lost", 2),
     [(EVENT_MODULE_BACK, INFO, 0), (EVENT_MODULE_LOST, WARNING, 1),
      (EVENT_MODULE_BACK, INFO, 2)], ("back", 0, "lost", 0), [], "and those that return"),
    (("opened_ma", -7000), [(EVENT_OPENED_UNDER_LOAD, WARNING, -7000)], (), [],
     ("opened_ma", 0), [(EVENT_OPENED_UNDER_LOAD, WARNING, 0)], "taken once, unknown is None"),
    (("failed", FAILED_PRECHARGE_TRY), [(EVENT_PRECHARGE_FAILED, WARNING, 0)],
     ("failed", FAILED_PRECHARGE), [(EVENT_PRECHARGE_FAILED, WARNING, 0)],
     ("failed", FAILED_NONE), [], "a try and the last one"),
    (("failed", FAILED_CONTACTOR), [], ("failed", FAILED_PCS), [], ("failed", WELDED), [],
     "the other failures are trips and causes"),
    (("on_bus", True), [], ("coils", 5, "current_ma", -300),
     [(EVENT_CONTACTOR_CLOSED, INFO, -300)], ("coils", 4), [], "on the bus by our own coils"),
    (("on_bus", True, "coils", 5), [(EVENT_CONTACTOR_CLOSED, INFO, 0)], ("on_bus", False),
     [(EVENT_CONTACTOR_OPENED, INFO, 0)], (), [], "and off"),
    (("run", 1), [(EVENT_PCS_STARTED, INFO, 0)], (), [], ("run", 0),
     [(EVENT_PCS_STOPPED, INFO, 0)], "the inverter"),
    ((PCS_UNCONFIRMED, 2), [], (PCS_UNCONFIRMED, 3), [(EVENT_PCS_UNCONFIRMED, WARNING, 3)],
     (PCS_UNCONFIRMED, 4), [], "three commands in a row, said once"),
    ((PCS_UNCONFIRMED, 5), [(EVENT_PCS_UNCONFIRMED, WARNING, 5)], (PCS_UNCONFIRMED, 0), [],
     (PCS_UNCONFIRMED, 3), [(EVENT_PCS_UNCONFIRMED, WARNING, 3)], "and again after it obeyed"),
    ((PCS_UNCONFIRMED, 3), [(EVENT_PCS_UNCONFIRMED, WARNING, 3)], (PCS_UNCONFIRMED, None), [],
     (PCS_UNCONFIRMED, 3), [(EVENT_PCS_UNCONFIRMED, WARNING, 3)], "unknown is not unconfirmed"),
    (("meter_step", 1), [(EVENT_METER_STALE, WARNING, 1)], ("meter_step", 2),
     [(EVENT_METER_STALE, WARNING, 2)], ("meter_step", 0), [(EVENT_METER_BACK, INFO, 0)],
     "step by step, back at once"),
    (("meter_step", 3), [(EVENT_METER_STALE, WARNING, 3)], ("meter_step", 2), [],
     ("meter_step", 3), [(EVENT_METER_STALE, WARNING, 3)], "less stale is not back"),
    ((UTC_DAY, 0), [(EVENT_CLOCK_SET, INFO, 0)], (UTC_DAY, 20_000), [], (UTC_DAY, None),
     [(EVENT_CLOCK_LOST, INFO, 0)], "a wall clock that is known"),
    (("present", 5), [], ("present", 4), [(EVENT_TRIP_CLEARED, INFO, 1)], ("present", 2),
     [(EVENT_TRIP_CLEARED, INFO, 4)], "the trips that are gone, as bits"),
    (("ended", 1), [(EVENT_REQUEST_ENDED, INFO, 90)], (), [], ("ended", 6),
     [(EVENT_REQUEST_ENDED, INFO, 80), (EVENT_REQUEST_ENDED, INFO, 70)],
     "requests that ended, by their ranks"),
    (("rank", 50), [(EVENT_REQUEST_WON, INFO, 50)], (), [], ("rank", 0),
     [(EVENT_REQUEST_WON, INFO, 0)], "who wins, and that nobody does"),
)


def test_courses():
    for course in COURSES:
        for start_ms in (5000, TICK_MASK - 150):
            world, why = World(start_ms), course[-1]
            assert world.tick() == [], (why, "nothing has happened yet")
            for k in range(0, len(course) - 1, 2):
                world.set(course[k])
                found = world.tick()
                assert found == course[k + 1], (why, k // 2, found)
            assert world.openings == (2 if "unknown is None" in why else 0), why


def test_every_request_has_its_bit():
    for slot in range(SLOTS):
        world = World()
        world.ended = 1 << slot
        assert world.tick() == [(EVENT_REQUEST_ENDED, INFO, RANKS[slot])]
        assert world.ended == 0, "taken"


def test_reasons_of_the_window_at_most_once_a_second():
    for start_ms in (5000, TICK_MASK - 1000):
        world = World(start_ms)
        world.set(("lo_why", 6, "hi_why", 2))
        assert world.tick() == [(EVENT_LIMIT_REASON, INFO, 6 * 256 + 2)]
        assert world.tick(2000) == [], "as before"
        world.set(("lo_why", 7))
        assert world.tick() == [(EVENT_LIMIT_REASON, INFO, 7 * 256 + 2)]
        world.set(("hi_why", 3))
        assert world.tick(999) == [], "too early"
        assert world.tick(1) == [(EVENT_LIMIT_REASON, INFO, 7 * 256 + 3)], "a second after"
        world.set(("hi_why", 4))
        assert world.tick() == []
        world.set(("hi_why", 3))
        assert world.tick(2000) == [], "it came and went within the second"
