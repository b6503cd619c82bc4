"""The schedule as the power manager follows it: a new occurrence begins anew, and why it ended."""

from bess.core.battery.rounds import DURATION, STOPPED
from bess.core.calendar import day_of
from bess.core.control.modes import CHARGE, DISCHARGE
from bess.core.points import EVENT_CHARGE_COMPLETE, EVENT_DISCHARGE_COMPLETE, UTC_DAY, UTC_S
from host_tests.core.bench_pack import Bench

MONDAY = day_of(2026, 6, 15)
AT_ONE = (1, 7, 1, 0, CHARGE, -1000, 60, 1)
BEFORE_NOON = (1, 7, 11, 0, DISCHARGE, 1000, 60, 1)


class Hours(Bench):
    """A bench whose clock runs."""

    def clock(self, day, hhmm, second, span_s):
        """Ticks for span_s seconds from a local time on."""
        image = self.manager.image
        at_s = hhmm // 100 * 3600 + hhmm % 100 * 60 + second
        for tick in range(10 * span_s):
            now_s = at_s + tick // 10
            image.now[UTC_DAY], image.now[UTC_S] = day + now_s // 86_400, now_s % 86_400
            self.tick()
        return self.manager.command.battery_w


def hours(entry):
    bench = Hours().started()
    assert bench.manager.add_schedule(entry) == 0
    return bench


def completed(bench, event):
    """Data of the last of these events, None without one."""
    events = bench.manager.events
    for back in range(32):
        slot = events.slot(back)
        if slot >= 0 and events.event(slot) == event:
            return events.data(slot)
    return None


def test_what_runs_follows_when_its_entry_is_written_anew():
    bench = hours(AT_ONE)
    assert bench.clock(MONDAY, 100, 0, 3) == -1000
    assert bench.manager.update_schedule(0, AT_ONE[:5] + (-2500, 60, 1)) == 0
    assert bench.clock(MONDAY, 100, 3, 4) == -2500, "another power"
    assert bench.manager.update_schedule(0, AT_ONE[:4] + (DISCHARGE, 1500, 60, 1)) == 0
    assert bench.clock(MONDAY, 100, 7, 8) == 1500, "another direction"
    assert bench.manager.update_schedule(0, AT_ONE[:4] + (DISCHARGE, 0, 60, 1)) == 0
    assert bench.clock(MONDAY, 100, 15, 20) == 20_000, "the power of the parameters"
    assert bench.manager.update_schedule(1, BEFORE_NOON) == 0
    assert bench.clock(MONDAY, 100, 35, 1) == 20_000, "another entry is no concern of it"


def test_a_charge_of_24_hours_begins_anew_each_day():
    bench = hours((1, 7, 1, 0, CHARGE, -1000, 1440, 1))
    assert bench.clock(MONDAY, 100, 0, 3) == -1000
    assert bench.manager.wishes.operations.charge.done == 0
    bench.manager.wishes.operations.charge.end(STOPPED)
    assert bench.clock(MONDAY, 2359, 58, 4) == 0, "over for this occurrence"
    assert bench.clock(MONDAY + 1, 59, 59, 1) == 0
    assert bench.clock(MONDAY + 1, 100, 0, 3) == -1000


ENDS = (
    # entry, event, hhmm, what is done, code, why
    (AT_ONE, EVENT_CHARGE_COMPLETE, 130, "stop_operation", STOPPED, "a person stopped it"),
    (AT_ONE, EVENT_CHARGE_COMPLETE, 159, "", DURATION, "it had its hour"),
    (AT_ONE, EVENT_CHARGE_COMPLETE, 130, "remove_schedule", STOPPED, "there is no entry"),
    (AT_ONE, EVENT_CHARGE_COMPLETE, 130, "no clock", STOPPED, "nobody knows the time"),
    (AT_ONE, EVENT_CHARGE_COMPLETE, 130, "yesterday", STOPPED, "the clock was set back"),
    (AT_ONE, EVENT_CHARGE_COMPLETE, 130, "next year", DURATION, "the clock was set ahead"),
    (BEFORE_NOON, EVENT_DISCHARGE_COMPLETE, 1130, "stop_operation", STOPPED, "a person"),
    (BEFORE_NOON, EVENT_DISCHARGE_COMPLETE, 1159, "", DURATION, "it had its hour"),
)


def test_why_an_occurrence_ended():
    for entry, event, hhmm, done, code, why in ENDS:
        bench = hours(entry)
        manager = bench.manager
        assert bench.clock(MONDAY, hhmm, 56, 3) in (-1000, 1000), why
        assert completed(bench, event) is None, why
        day = MONDAY
        if done == "stop_operation":
            assert manager.stop_operation() == 0
        elif done == "remove_schedule":
            assert manager.remove_schedule(0) == 0
        elif done == "yesterday":
            day, hhmm = MONDAY - 1, hhmm - 100
        elif done == "next year":
            day, hhmm = MONDAY + 365, hhmm - 100
        if done == "no clock":
            manager.image.now[UTC_DAY] = None
            bench.tick()
        else:
            bench.clock(day, hhmm, 59, 2)
        assert completed(bench, event) == code, (why, completed(bench, event))
