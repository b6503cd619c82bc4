"""The schedule: which occurrence is alive, one-shot entries, stops, clocks that come and go."""

import micropython

from bess.core.calendar import day_of
from bess.core.control.modes import CHARGE, DISCHARGE, ENTRIES, IDLE
from host_tests.core.control.bench_schedule import (
    ALL, E, EVE, M, MON, S, SAT, SUN, Desk, entry,
)

BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"
LORD_HOWE = "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"
MIDNIGHT_BACK = "<-02>2<-01>,M3.5.0/-1,M10.5.0/0"       # Sunday 00:00 becomes Saturday 23:00
SPRING, AUTUMN = (2026, 3, 29), (2026, 10, 25)
DAY_MINUTES = 1440

ALIVE = (
    # rule, day, start, minutes, date, time, second, left_s, why
    ("UTC0", ALL, 1000, 60, EVE, 959, 59, 0, "before"),
    ("UTC0", ALL, 1000, 60, EVE, 1000, 0, 3600, "from the first second"),
    ("UTC0", ALL, 1000, 60, EVE, 1059, 59, 1, "to the last"),
    ("UTC0", ALL, 1000, 60, EVE, 1100, 0, 0, "half-open"),
    ("UTC0", ALL, 1000, 1, EVE, 1000, 59, 1, "the shortest"),
    ("UTC0", ALL, 1000, 1, EVE, 1001, 0, 0, "the shortest is over"),
    ("UTC0", SUN, 1000, 60, EVE, 1030, 0, 1800, "its day"),
    ("UTC0", MON, 1000, 60, EVE, 1030, 0, 0, "the day after"),
    ("UTC0", SAT, 1000, 60, EVE, 1030, 0, 0, "the day before"),
    ("UTC0", SAT, 2300, 120, EVE, 30, 0, 1800, "over midnight and the end of the week"),
    ("UTC0", SAT, 2300, 120, EVE, 100, 0, 0, "until two hours later"),
    ("UTC0", SUN, 2300, 120, (2026, 3, 2), 59, 0, 60, "over midnight into Monday"),
    ("UTC0", SUN, 2300, 120, EVE, 30, 0, 0, "not the night before"),
    ("UTC0", SUN, 0, DAY_MINUTES, EVE, 2359, 59, 1, "a whole day"),
    ("UTC0", SUN, 0, DAY_MINUTES, (2026, 3, 2), 0, 0, 0, "and no more"),
    ("UTC0", ALL, 2359, DAY_MINUTES, EVE, 2358, 59, 1, "the last second of yesterday's"),
    ("UTC0", ALL, 2359, DAY_MINUTES, EVE, 2359, 0, 86_400, "today's follows"),
    (BERLIN, ALL, 1000, 60, EVE, 1030, 0, 1800, "by the wall clock"),
    (BERLIN, ALL, 1000, 60, (2026, 7, 1), 1030, 0, 1800, "in summer too"),
    (BERLIN, ALL, 130, 60, SPRING, 300, 0, 1800, "elapsed: 01:30 + 60 min is 03:30"),
    (BERLIN, ALL, 130, 60, SPRING, 330, 0, 0, "over then"),
    (BERLIN, ALL, 230, 60, SPRING, 159, 59, 0, "a start that is skipped"),
    (BERLIN, ALL, 230, 60, SPRING, 300, 0, 3600, "is the end of the gap"),
    (BERLIN, SUN, 230, 60, SPRING, 359, 59, 1, "with its full length"),
    (BERLIN, ALL, 230, 60, SPRING, 400, 0, 0, "over"),
    (BERLIN, SAT, 30, DAY_MINUTES, SPRING, 29, 59, 1, "24 hours before the short day"),
    (BERLIN, SUN, 30, DAY_MINUTES, (2026, 3, 30), 129, 59, 1, "24 h over a day of 23"),
    (BERLIN, SUN, 30, DAY_MINUTES, (2026, 3, 30), 130, 0, 0, "over"),
    (BERLIN, SAT, 2330, DAY_MINUTES, (2026, 3, 30), 29, 59, 1, "begun two dates ago"),
    (BERLIN, SAT, 2330, DAY_MINUTES, (2026, 3, 30), 30, 0, 0, "over"),
    (BERLIN, ALL, 30, DAY_MINUTES, (2026, 3, 30), 45, 0, 85_500, "the next day's replaces it"),
    (BERLIN, SUN, 100, DAY_MINUTES, AUTUMN, 2359, 59, 1, "24 h on a day of 25 end at midnight"),
    (BERLIN, SUN, 100, DAY_MINUTES, (2026, 10, 26), 0, 0, 0, "over"),
    (BERLIN, ALL, 230, 30, AUTUMN, 230, 0, 1800, "a start that comes twice: the first"),
    (LORD_HOWE, ALL, 210, 60, (2026, 10, 4), 230, 0, 3600, "a gap of half an hour"),
    (LORD_HOWE, ALL, 145, 60, (2026, 4, 5), 200, 0, 900, "01:45 comes twice"),
    ("<+1345>-13:45", MON, 1000, 60, (2026, 3, 2), 1059, 59, 1, "Sunday evening in UTC"),
    ("<-11>11", SUN, 2300, 60, EVE, 2330, 0, 1800, "Monday morning in UTC"),
)


def test_alive():
    for rule, day, start, minutes, when, at, second, left_s, why in ALIVE:
        desk = Desk(entry(day, start, minutes), rule=rule)
        assert desk.at(when, at, second) == (0 if left_s else -1), why
        assert desk.schedule.left_s == left_s, (why, desk.schedule.left_s)


def test_a_doubled_hour_starts_once():
    """Second by second in UTC: 02:30 is at 00:30 and again at 01:30."""
    desk = Desk(entry(ALL, 230, 30), rule=BERLIN)
    day = day_of(*AUTUMN)
    for second, wanted in ((1799, -1), (1800, 0), (3599, 0), (3600, -1), (5399, -1), (5400, -1),
                           (7199, -1), (7200, -1)):
        assert desk.utc(day, second) == wanted, second
    assert desk.noted() == [(S, 0), (E, 0)]


def test_a_doubled_hour_before_midnight():
    """Saturday shows 23:00 again after it: what starts on Sunday at 00:00 waits for the second."""
    desk = Desk(entry(SAT, 2330, 60), entry(SUN, 0, 60), rule=MIDNIGHT_BACK)
    day = day_of(*AUTUMN)
    wanted = ((0, 29, -1), (0, 30, 0), (1, 0, 0), (1, 29, 0), (1, 30, -1), (1, 59, -1), (2, 0, 1),
              (2, 59, 1), (3, 0, -1))
    for hour, minute, alive in wanted:
        assert desk.utc(day, 3600 * hour + 60 * minute) == alive, (hour, minute)


def test_a_doubled_hour_across_midnight():
    """00:30 becomes 23:30 of the day before: what began at 00:15 goes on, and only once."""
    desk = Desk(entry(ALL, 15, 90), rule="AAA0BBB,M3.5.0,M10.5.0/0:30")
    day = day_of(2026, 10, 24)
    wanted = ((23, 14, -1), (23, 15, 0), (23, 30, 0), (23, 59, 0))
    for hour, minute, alive in wanted:
        assert desk.utc(day, 3600 * hour + 60 * minute) == alive, (hour, minute)
    for minute, alive in ((0, 0), (15, 0), (44, 0), (45, -1)):
        assert desk.utc(day + 1, 60 * minute) == alive, minute
    assert desk.noted() == [(S, 0), (E, 0)]


def test_the_lowest_living_entry_wins():
    """Each end hands over to the next living entry, for the rest of its time."""
    desk = Desk(entry(ALL, 1000, 180, CHARGE, -1000), entry(ALL, 900, 120, DISCHARGE, 2000),
                entry(ALL, 800, 600, IDLE, 0))
    schedule = desk.schedule
    course = (
        # time, entry, mode, power_w, left_s
        (800, 2, IDLE, 0, 36_000), (900, 1, DISCHARGE, 2000, 7200),
        (1000, 0, CHARGE, -1000, 10_800), (1100, 0, CHARGE, -1000, 7200),
        (1300, 2, IDLE, 0, 18_000), (1800, -1, IDLE, 0, 0),
    )
    for at, number, mode, power_w, left_s in course:
        desk.at(EVE, at)
        found = (schedule.entry, schedule.mode, schedule.power_w, schedule.left_s)
        assert found == (number, mode, power_w, left_s), at
    assert desk.noted() == [(S, 2), (E, 2), (S, 1), (E, 1), (S, 0), (E, 0), (S, 2), (E, 2)]


def test_back_to_back_is_a_new_start():
    desk = Desk(entry(ALL, 1000, DAY_MINUTES))
    desk.at(EVE, 1200)
    desk.at((2026, 3, 2), 959, 59)
    assert desk.noted() == [(S, 0)]
    desk.at((2026, 3, 2), 1000)
    assert desk.noted() == [(E, 0), (S, 0)]


def test_a_one_shot_runs_once():
    desk = Desk(entry(ALL, 1000, 60, repeat=0))
    assert desk.at(EVE, 900) == -1
    changes = desk.schedule.changes
    assert desk.at(EVE, 1000) == 0 and desk.at(EVE, 1059, 59) == 0
    assert desk.schedule.changes == changes, "nothing to store while it runs"
    assert desk.at(EVE, 1100) == -1
    assert desk.schedule.changes == changes + 1
    assert desk.schedule.get(0)[0] is False, "disarmed"
    assert desk.at((2026, 3, 2), 1030) == -1
    assert desk.noted() == [(S, 0), (E, 0)]


ARMED = (
    # day, armed at, second, alive from date, why
    (ALL, 959, 59, (2026, 3, 1), "today"),
    (ALL, 1000, 0, (2026, 3, 1), "at its very start"),
    (ALL, 1000, 1, (2026, 3, 2), "inside: that occurrence began before it was armed"),
    (ALL, 1200, 0, (2026, 3, 2), "after: tomorrow"),
    (SUN, 959, 0, (2026, 3, 1), "its day"),
    (SUN, 1030, 0, (2026, 3, 8), "its day, begun: a week"),
    (SAT, 959, 0, (2026, 3, 7), "yesterday's day: six days"),
    (MON, 1030, 0, (2026, 3, 2), "tomorrow's day"),
)


def test_a_one_shot_belongs_to_the_first_occurrence_after_it_was_armed():
    for day, at, second, first, why in ARMED:
        desk = Desk(entry(day, 1000, 60, repeat=0))
        start = day_of(*first)
        desk.at(EVE, at, second)
        for number in range(day_of(*EVE) + 1, start):
            assert desk.utc(number, 37_000) == -1, why
        assert desk.utc(start, 36_000) == 0, why
        assert desk.noted() == [(S, 0)], why


def test_a_one_shot_is_armed_for_the_end_of_a_gap():
    desk = Desk(entry(ALL, 230, 60, repeat=0), rule=BERLIN)
    assert desk.at(SPRING, 100) == -1 and desk.at(SPRING, 300) == 0
    desk = Desk(entry(ALL, 230, 60, repeat=0), rule=BERLIN)
    assert desk.at(SPRING, 300) == 0, "armed in the first second after the gap"


def test_enabling_arms_again():
    desk = Desk(entry(ALL, 1000, 60, repeat=0))
    desk.at(EVE, 900)
    desk.at(EVE, 1000)
    desk.at(EVE, 1100)
    schedule = desk.schedule
    assert schedule.enable(0, True)
    assert desk.at(EVE, 1101) == -1
    assert desk.at((2026, 3, 2), 1000) == 0
    assert schedule.enable(0, True)
    assert desk.at((2026, 3, 2), 1001) == 0, "it was enabled: nothing changes"
    assert schedule.enable(0, False) and desk.at((2026, 3, 2), 1002) == -1
    assert schedule.enable(0, True) and desk.at((2026, 3, 2), 1003) == -1, "for tomorrow"
    assert desk.at((2026, 3, 3), 1003) == 0


def test_a_missed_one_shot_is_an_event():
    """Off, without a clock, with the schedule switched off: 24, and disarmed."""
    for how in ("restart", "restart, days later", "lost", "lost inside", "switch"):
        desk = Desk(entry(SUN, 1000, 60, repeat=0))
        desk.at(EVE, 900)
        later = (2026, 3, 1)
        if how == "lost inside":
            desk.at(EVE, 1030)
            desk.noted()
        if how == "switch":
            desk.schedule.switch(False)
            assert desk.at(EVE, 1030) == -1
        elif how[0] == "l":
            desk.lost()
        else:
            desk = desk.restarted()
            if "days" in how:
                later = (2026, 3, 7)
        assert desk.at(later, 1100) == -1, how
        ended = [(E, 0)] if how == "lost inside" else []
        assert desk.noted() == ended + [(M, 0)], how
        assert desk.schedule.get(0)[0] is False, how
        desk.schedule.switch(True)
        assert desk.at((2026, 3, 8), 1030) == -1, how


def test_a_one_shot_below_another_is_not_missed():
    desk = Desk(entry(ALL, 900, 300), entry(ALL, 1000, 60, repeat=0))
    for at in (930, 1000, 1100):
        assert desk.at(EVE, at) == 0
    assert desk.schedule.get(1)[0] is False
    assert desk.noted() == [(S, 0)]


def test_a_one_shot_resumes_after_a_restart_and_a_gap_of_the_clock():
    desk = Desk(entry(ALL, 1000, 60, repeat=0))
    desk.at(EVE, 900)
    desk.at(EVE, 1000)
    desk = desk.restarted()
    assert desk.at(EVE, 1030) == 0 and desk.schedule.left_s == 1800
    assert desk.lost() == -1
    assert (desk.schedule.mode, desk.schedule.power_w, desk.schedule.left_s) == (IDLE, 0, 0)
    assert desk.at(EVE, 1030) == 0, "at once on a new clock, also in the same second"
    assert desk.at(EVE, 1059) == 0
    assert desk.at(EVE, 1100) == -1
    assert desk.noted() == [(S, 0), (E, 0), (S, 0), (E, 0)]


def test_armed_without_a_clock_is_armed_when_it_comes():
    desk = Desk(entry(ALL, 1000, 60, repeat=0))
    changes = desk.schedule.changes
    desk.lost()
    assert desk.schedule.changes == changes
    assert desk.at(EVE, 1001) == -1
    assert desk.schedule.changes == changes + 1, "its occurrence is to be stored"
    assert desk.at((2026, 3, 2), 1001) == 0


def test_steps_of_the_clock():
    desk = Desk(entry(ALL, 1000, 60), entry(ALL, 2000, 60, repeat=0))
    assert desk.at(EVE, 900) == -1
    assert desk.at(EVE, 1030) == 0, "into the window"
    assert desk.at(EVE, 930) == -1, "back out"
    assert desk.at(EVE, 1000) == 0, "and in again"
    assert desk.at((2026, 3, 2), 1030) == 0, "a day ahead: another occurrence"
    assert desk.noted() == [(S, 0), (E, 0), (S, 0), (M, 1), (E, 0), (S, 0)]


def test_a_one_shot_armed_by_a_clock_far_ahead_is_armed_again():
    desk = Desk(entry(ALL, 1000, 60, repeat=0))
    desk.at((2040, 1, 1), 1200)
    assert desk.at(EVE, 900) == -1
    assert desk.at(EVE, 1000) == 0
    desk = Desk(entry(SUN, 1000, 60, repeat=0))
    desk.at((2026, 3, 8), 930)              # 8 days ahead: it may be right
    assert desk.at((2026, 2, 28), 900) == -1
    assert desk.at(EVE, 1030) == -1
    assert desk.at((2026, 3, 8), 1000) == 0
    desk = Desk(entry(SUN, 1000, 60, repeat=0))
    desk.at((2026, 3, 8), 930)              # 9 days ahead: impossible
    desk.at((2026, 2, 27), 900)
    assert desk.at(EVE, 1030) == 0


def test_a_stop_skips_the_running_occurrence_only():
    desk = Desk(entry(ALL, 1000, 60), entry(ALL, 1000, 120, IDLE, 0))
    schedule = desk.schedule
    assert schedule.skip() == -1, "nothing runs"
    changes = schedule.changes
    desk.at(EVE, 1030)
    assert schedule.skip() == 0
    assert desk.at(EVE, 1030) == 1, "in the same second; the next living entry takes over"
    assert schedule.changes == changes + 1
    desk = desk.restarted()
    assert desk.at(EVE, 1031) == 1, "also after a restart"
    desk.schedule.enable(0, False)
    desk.schedule.enable(0, True)
    assert desk.at(EVE, 1032) == 1, "and when switched off and on"
    changes = desk.schedule.changes
    assert desk.at(EVE, 1100) == 1
    assert desk.schedule.changes == changes + 1, "the mark is gone with its end"
    assert desk.at((2026, 3, 2), 1000) == 0, "the next one runs"
    assert desk.noted() == [(S, 1), (E, 1), (S, 0)]


def test_a_stop_disarms_a_one_shot():
    desk = Desk(entry(ALL, 1000, 60, repeat=0))
    desk.at(EVE, 900)
    desk.at(EVE, 1000)
    changes = desk.schedule.changes
    assert desk.schedule.skip() == 0
    assert desk.schedule.changes == changes + 1
    assert desk.schedule.get(0)[0] is False
    assert desk.at(EVE, 1001) == -1
    desk.schedule.enable(0, True)
    assert desk.at(EVE, 1002) == -1 and desk.at((2026, 3, 2), 1000) == 0
    assert desk.noted() == [(S, 0), (E, 0), (S, 0)]


def test_a_stop_where_occurrences_meet():
    """24 hours on a day of 23: stopping the newer one does not bring the older one back."""
    desk = Desk(entry(ALL, 30, DAY_MINUTES), rule=BERLIN)
    desk.at(SPRING, 1200)
    desk.schedule.skip()
    assert desk.at(SPRING, 2359) == -1
    assert desk.at((2026, 3, 30), 29) == -1
    assert desk.at((2026, 3, 30), 45) == 0, "the next occurrence, although 24 h are not over"
    desk.schedule.skip()
    assert desk.at((2026, 3, 30), 46) == -1
    assert desk.at((2026, 3, 31), 30) == 0


def test_switched_off_as_a_whole():
    desk = Desk(entry(ALL, 1000, 60))
    schedule = desk.schedule
    desk.at(EVE, 1000)
    changes = schedule.changes
    schedule.switch(False)
    schedule.switch(False)
    assert not schedule.enabled and schedule.changes == changes + 1
    assert desk.at(EVE, 1000) == -1
    schedule.switch(True)
    assert schedule.enabled and schedule.changes == changes + 2
    assert desk.at(EVE, 1001) == 0
    assert desk.noted() == [(S, 0), (E, 0), (S, 0)]


CLOCKLESS = (
    # UTC day, second, zone, why
    (None, 36_100, True, "no day"),
    (20_513, None, True, "no second"),
    (20_513, 36_100, False, "no zone"),
    (0, 36_100, True, "1970 is no date"),
    (-5, 36_100, True, "before it"),
    (65_000, 36_100, True, "more than 16 bits hold"),
)


def test_no_clock_no_schedule():
    for day, second, zoned, why in CLOCKLESS:
        desk = Desk(entry(ALL, 1000, 60))
        assert desk.utc(20_513, 36_050) == 0
        zone = desk.zone if zoned else None
        desk.schedule.tick(day, second, zone, desk.events, 7)
        assert desk.schedule.entry == -1, why
        assert desk.noted() == [(S, 0), (E, 0)], why
        assert desk.utc(20_513, 36_051) == 0, why
    desk = Desk(entry(ALL, 1000, 60))
    assert desk.utc(1, 36_050) == 0 and desk.utc(64_999, 36_050) == 0


def test_one_look_a_second():
    """The same second is not looked at twice, the same second of another day is."""
    desk = Desk(entry(MON, 1000, 60))
    day = day_of(2026, 3, 2)
    assert desk.utc(day, 36_000) == 0
    desk.schedule._minute[0] = 0            # behind its back
    assert desk.utc(day, 36_000) == 0
    assert desk.utc(day, 36_001) == -1
    desk.schedule._minute[0] = 600
    assert desk.utc(day + 1, 36_001) == -1
    assert desk.utc(day, 36_001) == 0


def test_the_tick_allocates_nothing():
    """Starts, ends, handovers, marks, missed ones, a lost clock, days with a change."""
    entries = [entry(day % 8, 100 * day + 30, 600, IDLE, 0, day & 1) for day in range(ENTRIES)]
    for rule in ("UTC0", BERLIN, LORD_HOWE):
        desk = Desk(*entries, rule=rule)
        schedule, zone, events = desk.schedule, desk.zone, desk.events
        first = day_of(*AUTUMN) - 2
        micropython.heap_lock()
        try:
            for day in range(first, first + 9):
                for second in range(7, 86_400, 900):
                    schedule.tick(day, second, zone, events, 7)
                schedule.skip()
                schedule.tick(None, None, zone, events, 7)
        finally:
            micropython.heap_unlock()
        assert events.count > 60, events.count
