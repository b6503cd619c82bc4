"""Conditions of the site: when each is watched, how long it must hold, when it is gone."""

from bess.core.battery.sequence import (
    CHECK, CLOSE_MINUS, CLOSE_PLUS, COOL, EMPTY, FILL, HOLD, HOLD_ZERO, KEEP, OPEN, OPEN_PLUS,
    REST, RUN, SETTLE, START_PCS, STOP_PCS, WAIT_PCS,
)
from bess.core.control.checks import (
    ALWAYS, CLOSED, PCS_ON, POWER, SITE_CHECKS, STILL, TRIP_CHECKS, Watch,
)
from bess.core.tick import TICK_MASK
from host_tests.core.bench_pack import settings_of


class Site(Watch):
    """A table whose conditions are handed in; the sequence is this object, too."""

    def __init__(self, table):
        Watch.__init__(self, table, settings_of())
        self.step, self.on_bus, self.still = RUN, True, True

    def closed(self):
        return self.on_bus

    def watches_feedback(self):
        return self.still

    def tick(self, on, now_ms, off=None):
        """What holds after a tick; off: what may clear, else all that is not on."""
        on &= self._watched_now(self)
        self._settle(on, ~on if off is None else off, now_ms & TICK_MASK)
        return self.present


PHASES = (7, 0, 0, 0, ALWAYS, 7, 0, 0, 0, CLOSED, 7, 0, 0, 0, STILL, 7, 0, 0, 0, PCS_ON,
          7, 0, 0, 0, POWER)
IN_ALWAYS, IN_CLOSED, IN_STILL, IN_PCS_ON, IN_POWER = 1, 2, 4, 8, 16

WATCHED = (
    # steps, on the bus, contactors at rest, rows that are watched, why
    ((REST, CHECK, COOL, HOLD), False, True, IN_ALWAYS | IN_STILL, "open, and they do not move"),
    ((CLOSE_MINUS, FILL, CLOSE_PLUS), False, False, IN_ALWAYS, "they move"),
    ((SETTLE, WAIT_PCS, KEEP), True, True, IN_ALWAYS | IN_CLOSED | IN_STILL, "no inverter yet"),
    ((START_PCS, HOLD_ZERO, EMPTY, STOP_PCS), True, True,
     IN_ALWAYS | IN_CLOSED | IN_STILL | IN_PCS_ON, "the inverter must obey, at zero, too"),
    ((RUN,), True, True, IN_ALWAYS | IN_CLOSED | IN_STILL | IN_PCS_ON | IN_POWER, "all of them"),
    ((OPEN_PLUS, OPEN), False, False, IN_ALWAYS, "the inverter may be gone"),
)


def test_when_each_row_is_watched():
    for steps, on_bus, still, rows, why in WATCHED:
        for step in steps:
            site = Site(PHASES)
            site.step, site.on_bus, site.still = step, on_bus, still
            assert site.tick(31, 1000) == rows, (step, why)
            assert site.raised == rows, (step, why)
            site.step, site.on_bus, site.still = REST, False, False
            assert site.tick(31, 1100) == IN_ALWAYS, (step, "not watched any more: gone")
            assert site.raised == 0, step


SITE_MS = (20, 500, 0, 5000, 10_000, 20, 20, 20, 20, 0, 0, 0, 0)
TRIP_MS = (5000, 0, 10_000, 6000, 0, 0, 0, 0, 0, 0, 20, 20)
# 0 ms: said once or judged elsewhere; 20 ms: an input, in the second tick, however early


def test_how_long_each_must_hold():
    for table, spans_ms in ((SITE_CHECKS, SITE_MS), (TRIP_CHECKS, TRIP_MS)):
        for row in range(len(spans_ms)):
            bit, span_ms = 1 << row, spans_ms[row]
            site = Site(table)
            start_ms = TICK_MASK - span_ms // 2         # the counter wraps on the way
            assert site.tick(bit, start_ms) == (0 if span_ms else bit), row
            if span_ms:
                assert site.tick(bit, start_ms + span_ms - 1) == 0, (row, "a moment too early")
                assert site.tick(bit, start_ms + span_ms) == bit and site.raised == bit, row
            assert site.tick(bit, start_ms + 90_000) == bit and site.raised == 0, (row, "once")
            assert site.tick(0, start_ms + 90_100) == 0 and site.raised == 0, row


THREE = (7, 0, 0, 1000, ALWAYS, 7, 0, 0, 0, ALWAYS, 7, 0, 0, 1000, ALWAYS)

COURSES = (
    # (ms, what is on, what may clear, what holds, what is new), why
    (((0, 1, -1, 0, 0), (900, 1, -1, 0, 0), (901, 0, -1, 0, 0), (1000, 1, -1, 0, 0),
      (1999, 1, -1, 0, 0), (2000, 1, -1, 1, 1)), "a tick without it begins anew"),
    (((0, 1, -1, 0, 0), (500, 5, -2, 0, 0), (1000, 5, -2, 1, 1), (1499, 5, -2, 1, 0),
      (1500, 5, -2, 5, 4)), "each has its own time"),
    (((0, 2, -1, 2, 2), (100, 0, 0, 2, 0), (200, 0, 5, 2, 0), (300, 0, 2, 0, 0)),
     "not on, but not gone: it holds until its clear condition is seen"),
    (((0, 2, -1, 2, 2), (100, 0, -1, 0, 0), (200, 2, -1, 2, 2)), "again is new again"),
    (((0, 3, -1, 2, 2), (1000, 3, -1, 3, 1), (1100, 1, 2, 1, 0), (1200, 3, 0, 3, 2)),
     "one comes and goes beside another that holds"),
    (((0, 4, -1, 0, 0), (400, 0, 0, 0, 0), (1000, 4, -1, 0, 0), (2000, 4, -1, 4, 4)),
     "one that waited is forgotten though nothing may clear"),
    (((0, 2, -1, 2, 2), (100, 2, 2, 2, 0), (200, 0, 2, 0, 0)), "on is never gone"),
    (((0, 0, -1, 0, 0), (100, 0, 0, 0, 0)), "nothing is nothing"),
)


def test_courses():
    for course, why in COURSES:
        for start_ms in (0, TICK_MASK - 700):
            site = Site(THREE)
            before = 0
            for at_ms, on, off, present, raised in course:
                changed = site._settle(on, off, (start_ms + at_ms) & TICK_MASK)
                assert (site.present, site.raised) == (present, raised), (why, at_ms)
                assert changed is (present != before), (why, at_ms)
                before = present
