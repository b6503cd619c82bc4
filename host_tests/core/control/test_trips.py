"""Trips: raised, cleared, restarted, given up."""

import micropython

from bess.core.battery.sequence import (
    FAILED_CONTACTOR, FAILED_PCS, FAILED_PRECHARGE, FAILED_PRECHARGE_TRY, HOLD_ZERO, PCS_FAULT,
    PCS_RUNNING, REST, RUN, START_PCS, STOP_PCS, WAIT_PCS,
)
from bess.core.control.trips import Trips
from bess.core.image import Image
from bess.core.points import (
    BATTERY_W, GRID_W, PCS_STATE, PCS_UNCONFIRMED, TRIP_CONTACTOR, TRIP_METER_SILENT,
    TRIP_PCS_FAULT, TRIP_PCS_OVERPOWER, TRIP_PCS_SILENT, TRIP_PCS_START, TRIP_PCS_UNCONFIRMED,
    TRIP_PRECHARGE,
)
from bess.core.tick import TICK_MASK
from bess.core.window import Window
from host_tests.core.bench_pack import settings_of


class Rig:
    """Trips with a world set by hand; `step` and `failed` are the sequence's."""

    def __init__(self, **changes):
        self.image, self.window = Image(), Window()
        self.trips = Trips(settings_of(**changes), self.image)
        self.step, self.failed = RUN, 0
        self.self_use = False
        self.now_ms = 1000
        now = self.image.now
        now[PCS_STATE], now[PCS_UNCONFIRMED], now[BATTERY_W], now[GRID_W] = PCS_RUNNING, 0, 0, 0
        self.image.put(GRID_W, 0, 1000)
        self.window.open(5000, 5000, 6)

    def closed(self):
        return True

    def watches_feedback(self):
        return True

    def tick(self, span_ms=100):
        """Ticks; returns the present trips as a tuple."""
        for _ in range(span_ms // 100):
            micropython.heap_lock()
            try:
                self.trips.tick(self, self.window, self.self_use, self.now_ms)
            finally:
                micropython.heap_unlock()
            self.failed = 0
            self.now_ms = (self.now_ms + 100) & TICK_MASK
        return tuple([n for n in range(16) if self.trips.present >> n & 1])


PCS = (
    # point, value, trip, ms until it is raised, why
    (PCS_STATE, PCS_FAULT, TRIP_PCS_FAULT, 100, "the inverter reports a fault"),
    (PCS_STATE, None, TRIP_PCS_SILENT, 10_100, "silent for 10 s more than its age"),
    (PCS_UNCONFIRMED, 3, TRIP_PCS_UNCONFIRMED, 5100, "three commands, then 5 s"),
    (BATTERY_W, 7001, TRIP_PCS_OVERPOWER, 6100, "above the window by 10 %"),
    (BATTERY_W, -7001, TRIP_PCS_OVERPOWER, 6100, "below the window by 10 %"),
)


def test_inverter_trips():
    for point, value, trip, after_ms, why in PCS:
        rig = Rig()
        assert rig.tick(1000) == (), why
        good = rig.image.now[point]
        rig.image.now[point] = value
        if after_ms > 100:
            assert rig.tick(after_ms - 100) == (), (why, "too early")
        assert rig.tick() == (trip,), why
        assert rig.trips.raised == 1 << trip, why
        rig.step = REST
        rig.image.now[point] = good
        assert rig.tick() == () and rig.trips.raised == 0, (why, "cleared")


NOT_WATCHED = (
    # step, point, value, why
    (REST, PCS_STATE, PCS_FAULT, "at rest the inverter may be off"),
    (WAIT_PCS, PCS_STATE, None, "waiting for it has its own limit"),
    (REST, PCS_UNCONFIRMED, 9, "nothing was commanded"),
    (HOLD_ZERO, BATTERY_W, 9000, "the step judges power itself"),
    (RUN, BATTERY_W, 7000, "within the margin"),
    (RUN, BATTERY_W, -7000, "within the margin"),
    (RUN, BATTERY_W, -4999, "inside the window"),
    (RUN, BATTERY_W, None, "unknown is not too much"),
    (RUN, PCS_UNCONFIRMED, 2, "two are not three"),
    (RUN, PCS_UNCONFIRMED, None, "nothing was commanded yet"),
)


def test_what_is_no_trip():
    for step, point, value, why in NOT_WATCHED:
        rig = Rig()
        rig.step = step
        rig.image.now[point] = value
        assert rig.tick(20_000) == (), why


def test_watched_from_start_to_stop_of_the_inverter():
    for step in (START_PCS, HOLD_ZERO, RUN, STOP_PCS):
        rig = Rig()
        rig.step = step
        rig.image.now[PCS_STATE] = PCS_FAULT
        assert rig.tick() == (TRIP_PCS_FAULT,), step


def test_a_fault_that_turns_into_silence_is_not_gone():
    rig = Rig()
    rig.image.now[PCS_STATE] = PCS_FAULT
    rig.tick()
    rig.image.now[PCS_STATE] = None
    assert rig.tick(1000) == (TRIP_PCS_FAULT,)


def test_margin_of_a_small_inverter_is_200_w():
    for power_w, wanted in ((5200, ()), (5201, (TRIP_PCS_OVERPOWER,))):
        rig = Rig(w_rated=1000, charge_w_max=1000, discharge_w_max=1000)
        rig.image.now[BATTERY_W] = power_w
        assert rig.tick(6100) == wanted


def test_meter():
    rig = Rig()
    rig.self_use = True
    assert rig.tick(60_100) == ()
    rig.image.now[GRID_W] = None
    assert rig.tick() == (TRIP_METER_SILENT,), "60 s"
    assert rig.tick(1000) == (TRIP_METER_SILENT,)
    rig.self_use = False
    assert rig.tick() == (), "nobody in force reads it any more"


def test_meter_at_the_very_millisecond():
    for age_ms, wanted in ((60_000, ()), (60_001, (TRIP_METER_SILENT,))):
        rig = Rig()
        rig.self_use, rig.image.now[GRID_W] = True, None
        rig.now_ms = 1000 + age_ms
        assert rig.tick() == wanted, age_ms


def test_a_meter_that_was_never_heard():
    rig = Rig()
    rig.self_use, rig.image = True, Image()
    rig.trips = Trips(settings_of(), rig.image)
    rig.image.now[PCS_STATE] = PCS_RUNNING
    assert not rig.trips.may_restart(0), "nothing is known yet"
    assert rig.tick() == (TRIP_METER_SILENT,)


def test_meter_is_nobodys_business_without_self_use():
    rig = Rig()
    assert rig.tick(70_000) == ()


FAILURES = (
    # failure of the sequence, trip, goes by itself, why
    (FAILED_CONTACTOR, TRIP_CONTACTOR, False, "needs a person"),
    (FAILED_PRECHARGE, TRIP_PRECHARGE, False, "needs a person"),
    (FAILED_PCS, TRIP_PCS_START, True, "the inverter answers well"),
    (FAILED_PRECHARGE_TRY, None, True, "another try follows"),
)


def test_failures_of_the_start():
    for failure, trip, by_itself, why in FAILURES:
        rig = Rig()
        rig.step, rig.failed = REST, failure
        rig.image.now[PCS_STATE] = None
        present = () if trip is None else (trip,)
        assert rig.tick() == present, why
        assert rig.tick(100_000) == present, why
        rig.image.now[PCS_STATE] = 0
        assert rig.tick() == (() if by_itself else present), why
        rig.trips.forgive()
        assert rig.tick() == (), why


def test_a_restart_needs_60_s_without_a_trip():
    rig = Rig()
    rig.image.now[PCS_STATE] = PCS_FAULT
    rig.tick()
    rig.image.now[PCS_STATE], rig.step = 0, REST
    for _ in range(600):
        rig.tick()
        assert not rig.trips.may_restart(rig.now_ms)
    rig.tick()
    assert rig.trips.may_restart(rig.now_ms)


def test_three_restarts_in_a_sliding_hour():
    rig = Rig()
    rig.tick(61_000)
    times_ms = (0, 600_000, 1_200_000)
    for at_ms in times_ms:
        assert rig.trips.may_restart(at_ms), at_ms
    assert rig.trips.may_restart(3_600_000), "the first is an hour old"
    assert not rig.trips.restarts_used_up
    assert not rig.trips.may_restart(4_199_999)
    assert rig.trips.restarts_used_up
    assert not rig.trips.may_restart(9_000_000), "given up: until somebody starts"
    rig.trips.forgive()
    assert rig.trips.may_restart(9_000_000)


def test_no_restart_where_it_is_not_wanted():
    rig = Rig(auto_restart=0)
    rig.tick(100_000)
    assert not rig.trips.may_restart(rig.now_ms)


def test_a_minute_without_a_trip_to_the_millisecond():
    for span_ms, wanted in ((59_999, False), (60_000, True)):
        rig = Rig()
        rig.image.now[PCS_STATE] = PCS_FAULT
        rig.tick()
        rig.image.now[PCS_STATE], rig.step = 0, REST
        rig.tick()
        rig.now_ms += span_ms - 100
        rig.tick()
        assert rig.trips.may_restart(rig.now_ms) == wanted, span_ms


def test_who_starts_gets_all_restarts_again():
    rig = Rig()
    rig.tick(61_000)
    for _ in range(2):
        for _ in range(3):
            assert rig.trips.may_restart(rig.now_ms)
        assert not rig.trips.may_restart(rig.now_ms)
        rig.trips.forgive()


def test_who_starts_forgives_what_failed_at_the_start():
    for failure, trip in ((FAILED_PCS, TRIP_PCS_START), (FAILED_PRECHARGE, TRIP_PRECHARGE),
                          (FAILED_CONTACTOR, TRIP_CONTACTOR)):
        rig = Rig()
        rig.step, rig.failed = REST, failure
        rig.image.now[PCS_STATE] = None
        assert rig.tick() == (trip,) and rig.trips.raised == 1 << trip
        rig.trips.forgive()
        assert rig.trips.present == 0, trip
        assert rig.tick() == () and rig.trips.raised == 0, (trip, "nothing is new")


def test_too_much_power_is_judged_while_the_inverter_may_move_any():
    rig = Rig()
    rig.image.now[BATTERY_W] = 9000
    assert rig.tick(6100) == (TRIP_PCS_OVERPOWER,)
    rig.step = HOLD_ZERO
    assert rig.tick() == (), "on its way down the sequence and DISOBEYS_ZERO judge it"


GRID_UNEXPECTED, DOOR, AUX_SUPPLY, CONFIG = 9, 10, 11, 8
HANDED = (
    # trip, step, ticks until it is raised (None: never), why
    (CONFIG, REST, 1, "a configuration is wrong at rest, too"),
    (GRID_UNEXPECTED, RUN, 1, "judged elsewhere, with its time"),
    (GRID_UNEXPECTED, REST, None, "nothing runs"),
    (DOOR, REST, 2, "an input: the second tick"),
    (DOOR, RUN, 2, "an input: the second tick"),
    (AUX_SUPPLY, RUN, 2, "an input: the second tick"),
)


def test_trips_that_others_judge():
    for trip, step, ticks, why in HANDED:
        rig = Rig()
        rig.step = step
        rig.tick(1000)
        rig.trips.flags = 1 << trip
        for _ in range((ticks or 50) - 1):
            assert rig.tick() == (), why
        assert rig.tick() == (() if ticks is None else (trip,)), why
        rig.trips.flags = 0
        stays = (CONFIG,) if trip == CONFIG else ()
        assert rig.tick() == stays, (why, "clears by itself")


def test_in_an_island_power_follows_the_load():
    for point, value, trip, after_ms, why in PCS:
        rig = Rig()
        rig.trips.island = True
        rig.image.now[point] = value
        rests = trip in (TRIP_PCS_UNCONFIRMED, TRIP_PCS_OVERPOWER)
        assert rig.tick(after_ms + 5000) == (() if rests else (trip,)), why
    rig = Rig()
    rig.self_use, rig.trips.island = True, True
    rig.image.now[GRID_W] = None
    assert rig.tick(70_000) == (), "a lost meter is an event only"


def test_an_island_ends_the_trips_that_rest_there():
    rig = Rig()
    rig.image.now[PCS_UNCONFIRMED] = 3
    assert rig.tick(6000) == (TRIP_PCS_UNCONFIRMED,)
    rig.trips.island = True
    assert rig.tick() == ()


def test_an_old_restart_does_not_look_young_after_a_wrap():
    rig = Rig()
    rig.tick(61_000)
    for _ in range(3):
        assert rig.trips.may_restart(rig.now_ms)
    rig.now_ms += 3_599_000
    rig.tick(500)
    assert not rig.trips.may_restart(rig.now_ms), "within the hour"
    rig.trips.restarts_used_up = False
    rig.now_ms += 3_600_000
    rig.tick(300)
    rig.now_ms = (rig.now_ms - 3_900_000) & TICK_MASK       # 12 days later
    for _ in range(3):
        assert rig.trips.may_restart(rig.now_ms), "all three of them"


def test_raised_is_of_this_tick():
    rig = Rig()
    rig.tick()
    assert rig.trips.raised == 0, "nothing is wrong"
    rig.image.now[PCS_STATE] = PCS_FAULT
    rig.tick()
    assert rig.trips.raised == 1 << TRIP_PCS_FAULT
    rig.tick()
    assert rig.trips.raised == 0 and rig.trips.present == 1 << TRIP_PCS_FAULT
    rig.image.now[PCS_STATE] = 0
    rig.tick()
    rig.image.now[PCS_STATE] = PCS_FAULT
    rig.tick()
    assert rig.trips.raised == 1 << TRIP_PCS_FAULT, "again"
