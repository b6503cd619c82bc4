"""A schedule on the bench: entries in one line, a clock that is set to local times."""

from bess.core.calendar import Zone, day_of
from bess.core.control.modes import CHARGE
from bess.core.control.schedule import Schedule
from bess.core.events import INFO, WARNING, Events
from bess.core.points import EVENT_SCHEDULE_ENDED, EVENT_SCHEDULE_SKIPPED, EVENT_SCHEDULE_STARTED

SUN, MON, TUE, WED, SAT, ALL = 0, 1, 2, 3, 6, 7
EVE = (2026, 3, 1)                      # a Sunday; its next change is weeks away
S, E, M = EVENT_SCHEDULE_STARTED, EVENT_SCHEDULE_ENDED, EVENT_SCHEDULE_SKIPPED


def entry(day, at, minutes, mode=CHARGE, power_w=-5000, repeat=1, enabled=1):
    return (enabled, day, at // 100, at % 100, mode, power_w, minutes, repeat)


class Desk:
    """A schedule, a zone and a clock that is set to local times (the first of two)."""

    def __init__(self, *entries, rule="UTC0"):
        self.zone = Zone(rule)
        self.events = Events()
        self.schedule = Schedule()
        self.seen = 0
        for fields in entries:
            self.schedule.add(fields)

    def at(self, when, at, second=0):
        """Tick at a local date and hhmm; the number of the living entry."""
        self.zone.utc(day_of(*when), at // 100 * 3600 + at % 100 * 60 + second)
        return self.utc(self.zone.utc_day, self.zone.utc_s)

    def utc(self, day, second):
        self.schedule.tick(day, second, self.zone, self.events, 7)
        return self.schedule.entry

    def lost(self):
        """Tick without a clock."""
        self.schedule.tick(None, None, self.zone, self.events, 7)
        return self.schedule.entry

    def noted(self):
        """(event, entry) of what was noted since the last question, oldest first."""
        new, found = self.events.count - self.seen, []
        for back in range(new - 1, -1, -1):
            slot = self.events.slot(back)
            found.append((self.events.event(slot), self.events.data(slot)))
            level = WARNING if self.events.event(slot) == M else INFO
            assert self.events.level(slot) == level and self.events.at_ms(slot) == 7
        self.seen = self.events.count
        return found

    def restarted(self):
        """The same desk after a restart of the controller."""
        after = Desk(rule=self.zone.rule)
        after.schedule.restore(self.schedule.dump())
        return after
