"""The schedule's entries: written, read, refused, stored and taken back."""

from bess.core.control.modes import CHARGE, DISCHARGE, EMERGENCY, ENTRIES, IDLE, STANDBY
from bess.core.control.schedule import Schedule
from host_tests.core.control.bench_schedule import (
    ALL, E, EVE, MON, S, SAT, SUN, TUE, WED, Desk, entry,
)


def refused(call, *arguments):
    """The text of the ValueError."""
    try:
        call(*arguments)
    except ValueError as error:
        return str(error)
    raise AssertionError(arguments)


def test_entries_disabled_removed_and_rewritten():
    desk = Desk(entry(ALL, 1000, 60), entry(ALL, 1000, 60, enabled=0))
    schedule = desk.schedule
    desk.at(EVE, 1000)
    assert schedule.enable(0, False) and desk.at(EVE, 1000) == -1
    assert schedule.enable(0, True) and desk.at(EVE, 1000) == 0
    schedule.set(0, entry(ALL, 1000, 60, DISCHARGE, 0))
    assert desk.at(EVE, 1000) == 0
    assert (schedule.mode, schedule.power_w) == (DISCHARGE, 0), "at the next tick"
    changes = schedule.changes
    assert schedule.remove(0) and desk.at(EVE, 1000) == -1
    assert schedule.changes == changes + 1
    assert schedule.get(0) is None
    assert not schedule.remove(0) and not schedule.enable(0, True)
    assert schedule.changes == changes + 1
    assert desk.noted() == [(S, 0), (E, 0), (S, 0), (E, 0)]


def test_what_was_written_is_read():
    for fields in (entry(ALL, 0, 1, IDLE, 0, 0, 0), entry(SAT, 2359, 1440, CHARGE, -1_000_000),
                   entry(SUN, 1234, 77, DISCHARGE, 1_000_000), entry(MON, 2300, 60),
                   entry(WED, 5, 5, CHARGE, 0)):
        schedule = Schedule()
        schedule.set(15, fields)
        assert schedule.get(15) == fields and schedule.changes == 1
        assert schedule.get(14) is None
        assert schedule.enable(15, 0) and schedule.get(15)[0] is False
        assert schedule.remove(15) and schedule.get(15) is None


def test_sixteen_entries():
    schedule = Schedule()
    for number in range(ENTRIES):
        assert schedule.add(entry(ALL, 1000, 60)) == number
    assert schedule.add(entry(ALL, 1000, 60)) == -1, "full"
    schedule.remove(3)
    assert schedule.add(entry(TUE, 1000, 60)) == 3, "the lowest free one"
    assert schedule.get(3)[1] == TUE


def test_the_count_of_changes_wraps():
    schedule = Schedule()
    schedule.changes = 0xFFFF
    schedule.switch(False)
    assert schedule.changes == 0


WRONG = (
    # fields, words of the refusal
    ((1, 7, 0, 0, CHARGE, 0, 60), "7 fields, allowed: enabled day hour minute mode power_w"),
    ((2, 7, 0, 0, CHARGE, 0, 60, 1), "enabled is 2, allowed: a whole number 0..1"),
    ((1, 8, 0, 0, CHARGE, 0, 60, 1), "day is 8, allowed: a whole number 0..7"),
    ((1, -1, 0, 0, CHARGE, 0, 60, 1), "day is -1"),
    ((1, 7, 24, 0, CHARGE, 0, 60, 1), "hour is 24, allowed: a whole number 0..23"),
    ((1, 7, "1", 0, CHARGE, 0, 60, 1), "hour is '1'"),
    ((1, 7, None, 0, CHARGE, 0, 60, 1), "hour is None"),
    ((1, 7, 0, 60, CHARGE, 0, 60, 1), "minute is 60, allowed: a whole number 0..59"),
    ((1, 7, 0, 0, STANDBY, 0, 60, 1), "mode is 0, allowed: a whole number 1..3"),
    ((1, 7, 0, 0, EMERGENCY, 0, 60, 1), "mode is 4"),
    ((1, 7, 0, 0, CHARGE, 1, 60, 1), "power_w is 1, allowed: <= 0 with CHARGE"),
    ((1, 7, 0, 0, DISCHARGE, -1, 60, 1), "power_w is -1, allowed"),
    ((1, 7, 0, 0, IDLE, -1, 60, 1), "power_w is -1, allowed"),
    ((1, 7, 0, 0, IDLE, 1, 60, 1), "power_w is 1, allowed"),
    ((1, 7, 0, 0, CHARGE, -1_000_001, 60, 1), "power_w is -1000001"),
    ((1, 7, 0, 0, DISCHARGE, 1_000_001, 60, 1), "-1000000..1000000"),
    ((1, 7, 0, 0, CHARGE, 0, 0, 1), "minutes is 0, allowed: a whole number 1..1440"),
    ((1, 7, 0, 0, CHARGE, 0, 1441, 1), "minutes is 1441"),
    ((1, 7, 0, 0, CHARGE, 0, 60, -1), "repeat is -1, allowed: a whole number 0..1"),
)


def test_wrong_fields():
    schedule = Schedule()
    for fields, words in WRONG:
        for call in (schedule.add, lambda wrong: schedule.set(0, wrong)):
            text = refused(call, fields)
            assert words in text, (text, words)
    assert schedule.changes == 0 and schedule.get(0) is None


def test_wrong_entries():
    schedule = Schedule()
    for number in (-1, 16, "0", None):
        assert "entry is %r, allowed: a whole number 0..15" % number in refused(
            schedule.get, number)
        refused(schedule.remove, number)
        refused(schedule.enable, number, True)
        refused(schedule.set, number, entry(ALL, 0, 1))


def test_stored_and_taken_back():
    schedule = Schedule()
    schedule.set(2, entry(MON, 1234, 77, DISCHARGE, 1_000_000, 0))
    schedule.set(9, entry(ALL, 2359, 1440, CHARGE, -70_000, 1, 0))
    schedule.switch(False)
    kept = schedule.dump()
    assert len(kept) == 1 + 2 * 14
    other = Schedule()
    other.set(0, entry(ALL, 0, 1))
    other.restore(kept)
    assert other.changes == 1, "nothing that is not stored"
    assert not other.enabled and other.get(0) is None
    for number in range(ENTRIES):
        assert other.get(number) == schedule.get(number)
    assert other.dump() == kept
    other.restore(Schedule().dump())
    assert other.enabled and other.get(2) is None


def test_what_is_not_a_store_is_refused_and_changes_nothing():
    desk = Desk(entry(ALL, 1000, 60), entry(SUN, 1100, 60))
    good = desk.schedule.dump()
    assert len(good) == 29
    damages = (
        # at, byte, why
        (0, 0x12, "another version"), (0, 0x01, "another version"), (1, 16, "no such entry"),
        (1, 1, "entry 1 twice"), (15, 0, "entry 0 twice"), (15, 16, "no such entry"),
        (2, 6, "not in use"), (2, 15, "an unknown flag"), (3, 8, "day 8"), (4, 4, "EMERGENCY"),
        (5, 6, "hour 25"), (8, 0, "no minutes"), (9, 1, "too much power"),
    )
    for at, value, why in damages:
        bad = bytearray(good)
        bad[at] = value
        if why == "no minutes":
            bad[7] = 0
        refused(desk.schedule.restore, bytes(bad))
        assert desk.schedule.dump() == good, why
    for bad in (b"", good[:-1], good + b"\0", good[1:]):
        refused(desk.schedule.restore, bad)
        assert desk.schedule.dump() == good
    desk.schedule.restore(good)


def test_restored_is_looked_at_in_the_same_second():
    desk = Desk(entry(ALL, 1000, 60))
    kept = desk.schedule.dump()
    assert desk.at(EVE, 1000) == 0
    desk.schedule.restore(Schedule().dump())
    assert desk.at(EVE, 1000) == -1
    desk.schedule.restore(kept)
    assert desk.at(EVE, 1000) == 0


def test_an_entry_that_does_not_exist_is_named():
    schedule = Schedule()
    for number in (-1, ENTRIES, None):
        for call, arguments in ((schedule.set, (number, entry(ALL, 0, 1))),
                                (schedule.get, (number,)), (schedule.remove, (number,)),
                                (schedule.enable, (number, True))):
            text = refused(call, *arguments)
            assert text.startswith("entry is ") and "0..15" in text, text


def test_a_full_schedule_still_says_what_is_wrong():
    schedule = Schedule()
    for _ in range(ENTRIES):
        schedule.add(entry(ALL, 0, 1))
    assert schedule.add(entry(ALL, 0, 1)) == -1
    assert "minutes" in refused(schedule.add, entry(ALL, 0, 0))


def test_a_rewritten_entry_forgets_that_it_was_skipped():
    desk = Desk(entry(ALL, 1000, 60))
    schedule = desk.schedule
    assert desk.at(EVE, 1000) == 0
    assert schedule.skip() == 0 and desk.at(EVE, 1010) == -1
    schedule.set(0, entry(ALL, 1000, 60))
    assert desk.at(EVE, 1020) == 0, "this one nobody has stopped"


def test_a_schedule_without_entries_wants_nothing():
    schedule = Schedule()
    assert (schedule.entry, schedule.mode, schedule.power_w, schedule.left_s) == (-1, IDLE, 0, 0)
    assert schedule.skip() == -1 and schedule.changes == 0
