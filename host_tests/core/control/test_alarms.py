"""The active list: rows come, count, are acknowledged and leave; their events."""

import micropython

from bess.core.control.alarms import (
    A_ACKNOWLEDGED, A_ACTIVE, A_COUNT, A_DATA, A_FIRST_S, A_ID, A_LAST_S, A_LEVEL, A_POINTS,
    SIZE, Alarms,
)
from bess.core.control.checks import (
    AUX_LOST, BLOCK, CALIBRATION_DUE, CELL_HIGH, CELL_SPREAD, DOOR_OPEN, EMERGENCIES, EMERGENCY,
    INFO, MODULE_CHECKS, MODULE_ROWS, R_ID, R_STRIDE, S_ID, S_STRIDE, SITE_CHECKS, TRIP, WARNING,
)
from bess.core.events import INFO as NEWS, WARNING as WARN, Events
from bess.core.points import (
    CAUSE_CELL_HIGH, CAUSE_INPUT, EVENT_BLOCK, EVENT_BLOCK_CLEARED, EVENT_WARNING,
    EVENT_WARNING_CLEARED, TRIP_PCS_FAULT, TRIP_PRECHARGE,
)


class Rig:
    """Alarms that follow a diagnosis set by hand; `trips` and `causes` are bits."""

    def __init__(self):
        self.events = Events()
        self.alarms = Alarms(self.events)
        self.modules = [0] * MODULE_ROWS
        self.present = self.changes = 0
        self.trips = self.causes = 0
        self.now_s = 100

    def tick(self, number=None, data=0, span_s=1):
        """Diagnosis `number` now holds for the modules `data` (or 1); its row as a dict."""
        if number is not None:
            self.changes += 1
            self._put(number, data)
        micropython.heap_lock()
        self.alarms.follow(self, self.trips, self.causes, self.now_s * 1000, self.now_s)
        micropython.heap_unlock()
        self.now_s += span_s
        return self.row(number)

    def _put(self, number, data):
        for r in range(MODULE_ROWS):
            if MODULE_CHECKS[r * R_STRIDE + R_ID] == number:
                self.modules[r] = data
                return
        for k in range(0, len(SITE_CHECKS), S_STRIDE):
            if SITE_CHECKS[k + S_ID] == number:
                bit = 1 << k // S_STRIDE
                self.present = self.present | bit if data else self.present & ~bit

    def row(self, number):
        out = [None] * A_POINTS
        for i in range(SIZE):
            if self.alarms.read(i, out) and out[A_ID] == number:
                return tuple(out)
        return None

    def noted(self):
        """(event, level, number) of all events, oldest first."""
        found = []
        for back in range(self.events.count - 1, -1, -1):
            slot = self.events.slot(back)
            found.append((self.events.event(slot), self.events.level(slot),
                          self.events.data(slot)))
        return found


def test_a_row_comes_and_goes():
    rig = Rig()
    row = rig.tick(CELL_HIGH, 4)
    assert row == (CELL_HIGH, BLOCK, 1, 0, 100, 100, 1, 4)
    rig.tick(span_s=9)
    assert rig.tick(CELL_HIGH, 0) == (CELL_HIGH, BLOCK, 0, 0, 100, 110, 1, 4), "over, unseen"
    assert rig.tick(CELL_HIGH, 2) == (CELL_HIGH, BLOCK, 1, 0, 100, 111, 2, 2), "a second time"
    assert rig.alarms.acknowledge(CELL_HIGH) == 1
    assert rig.row(CELL_HIGH)[A_ACKNOWLEDGED] == 1 and rig.row(CELL_HIGH)[A_ACTIVE] == 1
    assert rig.tick(CELL_HIGH, 0) is None, "seen and over"
    assert rig.tick(CELL_HIGH, 1)[A_COUNT] == 1, "a new row"


def test_acknowledge_what_is_over():
    rig = Rig()
    rig.tick(CELL_HIGH, 4)
    rig.tick(CELL_HIGH, 0)
    assert rig.alarms.acknowledge(CELL_SPREAD) == 0, "that one is not there"
    assert rig.row(CELL_HIGH) is not None
    assert rig.alarms.acknowledge(CELL_HIGH) == 1 and rig.row(CELL_HIGH) is None
    assert rig.alarms.acknowledge(CELL_HIGH) == 0


def test_acknowledge_all():
    rig = Rig()
    rig.tick(CELL_HIGH, 4)
    rig.tick(CELL_SPREAD, 1)
    assert rig.alarms.acknowledge(-1) == 2 and rig.alarms.acknowledge(-1) == 0
    assert rig.alarms.active == 2


def test_another_module_makes_it_new_again():
    rig = Rig()
    rig.tick(CELL_SPREAD, 1)
    rig.alarms.acknowledge(CELL_SPREAD)
    row = rig.tick(CELL_SPREAD, 3)
    assert (row[A_COUNT], row[A_DATA], row[A_ACKNOWLEDGED]) == (2, 3, 0)
    rig.alarms.acknowledge(CELL_SPREAD)
    row = rig.tick(CELL_SPREAD, 2)
    assert (row[A_COUNT], row[A_DATA], row[A_ACKNOWLEDGED]) == (2, 2, 1), "one less is no news"
    assert len(rig.noted()) == 1, "one event for all modules"


LEVELS = (
    # number, level, events when it comes and goes
    (CELL_HIGH, BLOCK, ((EVENT_BLOCK, WARN), (EVENT_BLOCK_CLEARED, NEWS))),
    (CELL_SPREAD, WARNING, ((EVENT_WARNING, WARN), (EVENT_WARNING_CLEARED, NEWS))),
    (DOOR_OPEN, WARNING, ((EVENT_WARNING, WARN), (EVENT_WARNING_CLEARED, NEWS))),
    (AUX_LOST, WARNING, ((EVENT_WARNING, WARN), (EVENT_WARNING_CLEARED, NEWS))),
    (CALIBRATION_DUE, INFO, ()),
    (EMERGENCIES + CAUSE_CELL_HIGH, None, ()),
)


def test_levels_and_events():
    for number, level, wanted in LEVELS:
        rig = Rig()
        row = rig.tick(number, 1)
        assert (None if row is None else row[A_LEVEL]) == level, number
        rig.tick()
        rig.tick(number, 0)
        assert rig.noted() == [(event, grade, number) for event, grade in wanted], number


def test_trips_and_emergencies_follow_their_bits():
    rig = Rig()
    rig.trips, rig.causes = 1 << TRIP_PCS_FAULT | 1 << TRIP_PRECHARGE, 1 << CAUSE_INPUT
    rig.tick()
    for number, level in ((TRIP_PCS_FAULT, TRIP), (TRIP_PRECHARGE, TRIP),
                          (EMERGENCIES + CAUSE_INPUT, EMERGENCY)):
        row = rig.row(number)
        assert (row[A_LEVEL], row[A_ACTIVE], row[A_DATA]) == (level, 1, 1), number
    assert (rig.alarms.active, rig.alarms.level) == (3, EMERGENCY)
    rig.causes = 0
    rig.tick()
    assert rig.row(EMERGENCIES + CAUSE_INPUT)[A_ACTIVE] == 0
    assert (rig.alarms.active, rig.alarms.level) == (2, TRIP)
    rig.trips = 1 << TRIP_PCS_FAULT
    rig.tick()
    assert rig.row(TRIP_PRECHARGE)[A_ACTIVE] == 0 and rig.row(TRIP_PCS_FAULT)[A_ACTIVE] == 1
    rig.trips = 0
    rig.tick()
    assert (rig.alarms.active, rig.alarms.level) == (0, -1)
    assert rig.noted() == [], "the latch and the trips write their own"


def test_an_empty_row_reads_as_nothing():
    out = [7] * A_POINTS
    assert not Rig().alarms.read(0, out) and out == [7] * A_POINTS


def test_two_of_the_site_at_once():
    rig = Rig()
    rig._put(DOOR_OPEN, 1)
    rig.tick(AUX_LOST, 1)
    rig._put(DOOR_OPEN, 0)
    rig.tick(AUX_LOST, 0)
    assert rig.noted() == [(EVENT_WARNING, WARN, DOOR_OPEN), (EVENT_WARNING, WARN, AUX_LOST),
                           (EVENT_WARNING_CLEARED, NEWS, DOOR_OPEN),
                           (EVENT_WARNING_CLEARED, NEWS, AUX_LOST)]


def full():
    """A list of 32 unseen rows: all 12 trips, 14 causes, 6 warnings and blocks."""
    rig = Rig()
    rig.trips = (1 << 12) - 1
    rig.tick()
    rig.causes = (1 << 15) - 2
    rig.tick()
    for number in (CELL_HIGH, 33, 34, CELL_SPREAD, 49, 50):
        rig.tick(number, 1)
    assert rig.alarms.active == SIZE
    return rig


def test_a_full_list_loses_what_is_new():
    rig = full()
    assert rig.tick(DOOR_OPEN, 1) is None and rig.alarms.lost == 1
    assert rig.noted()[-1] == (EVENT_WARNING, WARN, DOOR_OPEN), "the event stands in the ring"
    rig.tick(DOOR_OPEN, 0)
    assert rig.noted()[-1] == (EVENT_WARNING_CLEARED, NEWS, DOOR_OPEN)
    assert rig.alarms.active == SIZE


GIVES_WAY = (
    # acknowledged, over, who gives way, why
    ((CELL_HIGH, 33), (), CELL_HIGH, "of one level the oldest"),
    ((33, CELL_HIGH), (), CELL_HIGH, "in whatever order they were seen"),
    ((CELL_HIGH, 50), (), 50, "the lowest level"),
    ((0, 16 + CAUSE_INPUT), (), 0, "a trip rather than an emergency"),
    ((0,), (50,), 0, "one that was seen rather than one that is over"),
    ((), (CELL_HIGH, 50), 50, "over, the lowest level"),
)


def test_who_gives_way():
    for seen, over, wanted, why in GIVES_WAY:
        rig = full()
        for number in over:
            rig.tick(number, 0)
        for number in seen:
            rig.alarms.acknowledge(number)
        before = [number for number in range(64) if rig.row(number)]
        row = rig.tick(DOOR_OPEN, 1)
        after = [number for number in range(64) if rig.row(number)]
        assert set(before) - set(after) == {wanted}, (why, set(before) - set(after))
        assert (row[A_FIRST_S], row[A_COUNT], row[A_ACKNOWLEDGED]) == (rig.now_s - 1, 1, 0), why
        assert rig.alarms.lost == 0, why


def test_one_that_gave_way_ends_without_a_row():
    rig = full()
    rig.alarms.acknowledge(50)
    rig.tick(DOOR_OPEN, 1)
    rig.tick(50, 0)
    assert rig.noted()[-1] == (EVENT_WARNING_CLEARED, NEWS, 50) and rig.row(50) is None
    assert rig.row(DOOR_OPEN)[A_ACTIVE] == 1


def test_the_last_time_is_that_of_the_last_change():
    rig = Rig()
    rig.tick(CELL_SPREAD, 1, span_s=50)
    rig.tick(CELL_SPREAD, 3, span_s=50)
    assert rig.row(CELL_SPREAD)[A_LAST_S] == 150 and rig.row(CELL_SPREAD)[A_FIRST_S] == 100


def test_before_anything_happened():
    alarms = Alarms(Events())
    assert (alarms.active, alarms.level, alarms.lost) == (0, -1, 0), "no level is below info"
