"""The schedule against a model that knows no arithmetic: a list of all minutes of three weeks.

The model asks zoneinfo what the wall clock shows in every minute, lists the occurrences of each
entry by looking for them, and remembers what happened to each. The schedule must agree in every
minute of random days around changes of offset, with stops, restarts, lost clocks and switches.
"""

from datetime import datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from hypothesis import given, settings, strategies as st

from bess.core.calendar import Zone, day_of
from bess.core.control.modes import CHARGE, IDLE
from bess.core.control.schedule import EVERY_DAY, Schedule
from bess.core.events import Events
from bess.core.points import EVENT_SCHEDULE_SKIPPED

RULES = {
    "Europe/Berlin": "CET-1CEST,M3.5.0,M10.5.0/3",
    "America/New_York": "EST5EDT,M3.2.0,M11.1.0",
    "Australia/Sydney": "AEST-10AEDT,M10.1.0,M4.1.0/3",
    "Australia/Lord_Howe": "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
    "America/Nuuk": "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
}
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
CHANGES = (
    # zone, day of the change
    ("Europe/Berlin", day_of(2026, 3, 29)), ("Europe/Berlin", day_of(2026, 10, 25)),
    ("America/New_York", day_of(2026, 3, 8)), ("America/New_York", day_of(2026, 11, 1)),
    ("Australia/Sydney", day_of(2026, 4, 5)), ("Australia/Sydney", day_of(2026, 10, 4)),
    ("Australia/Lord_Howe", day_of(2026, 4, 5)), ("Australia/Lord_Howe", day_of(2026, 10, 4)),
    ("America/Nuuk", day_of(2026, 3, 29)), ("America/Nuuk", day_of(2026, 10, 25)),
)
BEFORE, AFTER = 6, 15               # days of the list around the change
DAY_MINUTES = 1440


@lru_cache(maxsize=None)
def minutes_of(name, change):
    """[(UTC minute, local day, minute of the local day)] of the whole list."""
    zone, shown = ZoneInfo(name), []
    for minute in range((change - BEFORE) * DAY_MINUTES, (change + AFTER) * DAY_MINUTES):
        at = (EPOCH + timedelta(minutes=minute)).astimezone(zone)
        shown.append((minute, day_of(at.year, at.month, at.day), at.hour * 60 + at.minute))
    return shown


@lru_cache(maxsize=None)
def first_minutes(name, change):
    """{(local day, minute of it): UTC minute}: the first of two, the end of the gap for none."""
    first, before = {}, None
    for utc_minute, day, minute in minutes_of(name, change):
        now = day * DAY_MINUTES + minute
        if before is not None and now > before + 1:
            for skipped in range(before + 1, now):
                first.setdefault(divmod(skipped, DAY_MINUTES), utc_minute)
        first.setdefault((day, minute), utc_minute)
        before = now
    return first


class Model:
    """One entry: all its occurrences as (begin, end, local day), and what became of them."""

    def __init__(self, name, change, fields):
        self.enabled, day, hour, minute, _, _, self.minutes, self.repeat = fields
        found = [(at, local) for (local, shown), at in first_minutes(name, change).items()
                 if shown == hour * 60 + minute and day in (EVERY_DAY, (local + 4) % 7)]
        found.sort()
        ends = [at for at, _ in found[1:]] + [found[-1][0] + 9999]
        self.occurrences = [(at, min(at + self.minutes, following), local)
                            for (at, local), following in zip(found, ends)]
        self.stopped = None
        self.own = None
        self.was_alive = False
        self.missed = 0

    def left(self, now):
        """Minutes left of what is alive, 0 when nothing is."""
        if not self.enabled:
            return 0
        if not self.repeat:
            if self.own is None:
                self.own = next(one for one in self.occurrences if one[0] >= now)
            if now >= self.own[1]:
                self.enabled = False
                self.missed += not self.was_alive
                return 0
        for begin, end, day in self.occurrences:
            if begin <= now < end and day != self.stopped:
                if self.repeat or (begin, end, day) == self.own:
                    return begin + self.minutes - now
        return 0

    def stop(self, now):
        if not self.repeat:
            self.enabled = False
            return
        for begin, end, day in self.occurrences:
            if begin <= now < end:
                self.stopped = day


class Pair:
    """The schedule and the model, minute by minute."""

    def __init__(self, change, entries, start):
        name, self.change_day = change
        self.zone = Zone(RULES[name])
        self.events = Events()
        self.schedule = Schedule()
        self.models = []
        self.switched_on = True
        for fields in entries:
            self.schedule.add(fields)
            self.models.append(Model(name, self.change_day, fields))
        self.now = self.change_day * DAY_MINUTES - 3 * DAY_MINUTES + start

    def minute(self):
        """One minute on, and both must say the same."""
        self.now += 1
        day, minute = divmod(self.now, DAY_MINUTES)
        before = self.events.count
        self.schedule.tick(day, 60 * minute, self.zone, self.events, 0)
        lefts = [model.left(self.now) for model in self.models]
        missed = 0
        for model, left in zip(self.models, lefts):
            model.was_alive = left > 0 and self.switched_on
            missed += model.missed
            model.missed = 0
        alive = [number for number, left in enumerate(lefts) if left and self.switched_on]
        wanted = (alive[0], lefts[alive[0]] * 60) if alive else (-1, 0)
        assert (self.schedule.entry, self.schedule.left_s) == wanted, (day, minute)
        skipped = sum(self.events.event(self.events.slot(back)) == EVENT_SCHEDULE_SKIPPED
                      for back in range(self.events.count - before))
        assert skipped == missed, (day, minute)
        for number, model in enumerate(self.models):
            assert self.schedule.get(number)[0] == bool(model.enabled), (number, day, minute)

    def act(self, action, minutes):
        if action == "run":
            for _ in range(minutes):
                self.minute()
        elif action == "stop":
            entry = self.schedule.skip()
            if entry >= 0:
                self.models[entry].stop(self.now)
        elif action == "restart":
            kept = self.schedule.dump()
            self.schedule = Schedule()
            self.schedule.restore(kept)
            self._unseen(minutes)
        elif action == "lost":
            self.schedule.tick(None, None, self.zone, self.events, 0)
            assert self.schedule.entry == -1
            self._unseen(minutes)
        elif action == "step":
            self.now += minutes
        elif action == "switch":
            self.switched_on = not self.switched_on
            self.schedule.switch(self.switched_on)
        self.minute()

    def _unseen(self, minutes):
        self.now += minutes
        for model in self.models:
            model.was_alive = False


ENTRIES = st.lists(
    st.tuples(st.just(1), st.sampled_from((0, 1, 5, 6, 7, 7, 7)), st.integers(0, 3)
              | st.integers(0, 23), st.sampled_from((0, 15, 30, 59)), st.just(CHARGE),
              st.just(-1000), st.sampled_from((1, 60, 90, 1380, 1439, 1440))
              | st.integers(1, 1440), st.booleans()),
    min_size=1, max_size=4)
ACTIONS = st.lists(
    st.tuples(st.sampled_from(("run", "run", "run", "stop", "restart", "lost", "step", "switch")),
              st.integers(0, 90) | st.integers(0, 700)),
    min_size=4, max_size=30)


@settings(max_examples=150)
@given(st.sampled_from(CHANGES), ENTRIES, st.integers(0, 3 * DAY_MINUTES), ACTIONS)
def test_the_schedule_is_what_the_list_of_minutes_says(change, entries, start, actions):
    pair = Pair(change, entries, start)
    for action, minutes in actions:
        if pair.now < (pair.change_day + 4) * DAY_MINUTES:
            pair.act(action, minutes)


@settings(max_examples=30)
@given(st.sampled_from(CHANGES), ENTRIES)
def test_four_days_around_a_change_without_a_break(change, entries):
    pair = Pair(change, entries, 2 * DAY_MINUTES)
    for _ in range(3 * DAY_MINUTES):
        pair.minute()


def test_the_model_knows_short_and_long_days():
    """The judge is judged: 23 and 25 hours, a skipped and a doubled half hour."""
    first = first_minutes("Europe/Berlin", day_of(2026, 3, 29))
    day = day_of(2026, 3, 29)
    assert first[day + 1, 0] - first[day, 0] == 23 * 60
    assert first[day, 150] == first[day, 180]
    day = day_of(2026, 4, 5)
    first = first_minutes("Australia/Lord_Howe", day)
    assert first[day + 1, 0] - first[day, 0] == 24 * 60 + 30
    assert first[day, 105] + 45 == first[day, 120]


BYTES = st.binary(max_size=60) | st.binary(min_size=29, max_size=29).map(
    lambda data: bytes((0x11,)) + data[1:])


@given(BYTES)
def test_any_bytes_are_a_store_or_a_value_error(data):
    schedule = Schedule()
    schedule.add((1, 7, 1, 0, IDLE, 0, 60, 1))
    good = schedule.dump()
    try:
        schedule.restore(data)
    except ValueError:
        assert schedule.dump() == good
    else:
        assert schedule.dump() == data
        schedule.tick(20_000, 0, Zone("UTC0"), Events(), 0)
