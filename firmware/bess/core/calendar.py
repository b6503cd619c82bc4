"""Civil time in integers: days, dates and the zone a wall clock hangs in.

A date is a day number (days since 1970-01-01); an instant is a UTC day number and a second of that
day, since seconds since 1970 leave the small integers of the chip. A zone is a POSIX TZ rule
(IEEE 1003.1, section 8.3, with the hours of -167..167 that RFC 8536 adds): it says all about the
years to come and needs no table of cities.

Changes of offset are months apart, so one of them, the nearest, decides everything within three
days: before it one offset holds, after it the other. Seconds are counted from there.
"""

from micropython import const

_DAY_S = const(86_400)

_MARCH_0000 = const(719_468)        # days from 0000-03-01 to 1970-01-01
_YEARS_400 = const(146_097)         # days in 400 years
_JULIAN = const(0)                  # in place of a month: day 1..365, 29 February has no number
_ZERO_BASED = const(-1)             # in place of a month: day 0..365, 29 February counts
_FAR = const(10_000_000)            # days, beyond any year here
_APART = const(14)                  # days; a week of a month moves by up to six of them
_SHIFT_S_MAX = const(43_200)
_RULE_MAX = const(63)
_SAMPLE_YEAR = const(2024)
_DIGITS = "0123456789"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_QUOTED = _LETTERS + _DIGITS + "+-"


def day_of(year, month, day):
    """Day number of a date of the Gregorian calendar; the month is 1..12."""
    month -= 3                      # a year that begins in March ends with its odd day
    if month < 0:
        month += 12
        year -= 1
    return (365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5
            + day - 1 - _MARCH_0000)


def year_of(day):
    """Year in which a day number lies."""
    year = 1970 + day * 400 // _YEARS_400
    if day < day_of(year, 1, 1):
        return year - 1
    return year + 1 if day >= day_of(year + 1, 1, 1) else year


def date(day):
    """(year, month 1..12, day of the month 1..31) of a day number."""
    year, month = year_of(day), 12
    while day_of(year, month, 1) > day:
        month -= 1
    return year, month, day - day_of(year, month, 1) + 1


def weekday_of(day):
    """0 Sunday .. 6 Saturday of a day number; 1970-01-01 was a Thursday."""
    return (day + 4) % 7


class Zone:
    """Local time by a POSIX rule such as "CET-1CEST,M3.5.0,M10.5.0/3".

    ValueError says which part of the rule is wrong and what is allowed there.

    `local` and `utc` allocate nothing; what they found stands in the attributes.

    day, second, weekday: local day number, second of that day, 0 = Sunday, after `local`.
    since_s: the instant `local` was asked for, in seconds since the nearest change of offset.
    utc_day, utc_s: the instant that `utc` found.
    turn_day, turn_s: UTC instant of the nearest change (of the day asked for, when there is none).
    before_s, after_s: local time minus UTC before and after it, positive in the east.
    """

    def __init__(self, rule):
        self.rule = rule
        self.day = self.second = self.weekday = self.since_s = 0
        self.utc_day = self.utc_s = 0
        self.turn_day = self.turn_s = 0
        self._low, self._high = 1, 0        # days for which the nearest change is known
        self._dates = None
        parts = rule.split(",")
        self._parse_offsets(parts)
        self.before_s = self.after_s = self._std_s
        if len(parts) > 1:
            self._parse_dates(parts)

    def local(self, day, second):
        """The wall clock at a UTC instant: day, second and weekday."""
        self._find(day)
        since_s = (day - self.turn_day) * _DAY_S + second - self.turn_s
        self.since_s = since_s
        second += self.after_s if since_s >= 0 else self.before_s
        days = second // _DAY_S
        day += days
        self.day = day
        self.second = second - days * _DAY_S
        self.weekday = (day + 4) % 7

    def utc(self, day, second):
        """The instant at which the wall clock shows a local time.

        A time that is skipped means the end of the gap, one that comes twice the first of the two.
        """
        self._find(day)
        second = self.turn_s + self.since(day, second)
        days = second // _DAY_S
        self.utc_day = self.turn_day + days
        self.utc_s = second - days * _DAY_S

    def since(self, day, second):
        """The same in seconds since the nearest change; +-3 days around the last day asked for."""
        wall_s = (day - self.turn_day) * _DAY_S + second - self.turn_s
        if wall_s < self.before_s:
            return wall_s - self.before_s
        wall_s -= self.after_s
        return wall_s if wall_s > 0 else 0

    def _find(self, day):
        """Find the change nearest to a day, and the days for which it stays the nearest."""
        if self._low <= day <= self._high:
            return
        if self._dates is None:
            self.turn_day = self._low = self._high = day
            return
        last, following, kind = -_FAR, _FAR, 0
        year = year_of(day)
        for i in range(6):
            turn = self._turn(year - 1 + (i >> 1), i & 1)
            if last < turn <= day:
                last = turn
                kind = i & 1
            elif day < turn < following:
                following = turn
        middle = (last + following) >> 1
        if day <= middle:
            self._low, self._high, self.turn_day = last, middle, last
        else:
            self._low, self._high, self.turn_day = middle + 1, following, following
            kind = 1 - kind
        self.before_s = self._dst_s if kind else self._std_s
        self.after_s = self._std_s if kind else self._dst_s
        self.turn_s = (self._dates[4 * kind + 3] - self.before_s) % _DAY_S

    def _turn(self, year, kind):
        """UTC day of a year's change to (0) or from (1) daylight saving time."""
        dates, i = self._dates, 4 * kind
        month, number = dates[i], dates[i + 1]
        if month > 0:
            day = day_of(year, month, 1)
            day += (dates[i + 2] - day - 4) % 7 + 7 * number - 7
            if number == 5 and day >= day_of(year, month + 1, 1):
                day -= 7
        else:
            day = day_of(year, 1, 1) + number
            if month == _JULIAN and (number < 60 or day_of(year, 3, 1) - day_of(year, 2, 1) == 28):
                day -= 1
        return day + (dates[i + 3] - (self._dst_s if kind else self._std_s)) // _DAY_S

    def _parse_offsets(self, parts):
        if len(self.rule) > _RULE_MAX:
            self._refuse("rule", "at most %d characters" % _RULE_MAX)
        names = parts[0]
        at = self._name_end(names, 0)
        end = _span(names, at, "+-:" + _DIGITS)
        self._std_s = self._dst_s = -self._time(names[at:end], 24)
        if (end < len(names)) != (len(parts) == 3) or len(parts) == 2:
            self._refuse("rule", "STDoffset or STDoffsetDST[offset],start,end")
        if len(parts) == 1:
            return
        at = self._name_end(names, end)
        end = _span(names, at, "+-:" + _DIGITS)
        self._dst_s += 3600
        if at < len(names):
            self._dst_s = -self._time(names[at:end], 24)
        if end < len(names):
            self._refuse(names[end:], "nothing after the second offset")
        if abs(self._dst_s - self._std_s) > _SHIFT_S_MAX:
            self._refuse(names, "a shift of at most 12 hours")

    def _parse_dates(self, parts):
        self._dates = self._date(parts[1]) + self._date(parts[2])
        apart = abs(self._turn(_SAMPLE_YEAR, 1) - self._turn(_SAMPLE_YEAR, 0))
        if not _APART <= apart <= 365 - _APART:
            self._refuse("dates", "at least %d days of either time" % _APART)

    def _name_end(self, names, at):
        quoted = names[at:at + 1] == "<"
        end = _span(names, at + quoted, _QUOTED if quoted else _LETTERS)
        if end - at - quoted < 3 or quoted and names[end:end + 1] != ">":
            self._refuse(names[at:], "a name of 3 letters or more, or <letters, digits, + and ->")
        return end + quoted

    def _date(self, text):
        day, _, time = text.partition("/")
        time_s = self._time(time, 167) if "/" in text else 7200
        if day[:1] == "M":
            fields = day[1:].split(".")
            if len(fields) == 3:
                return (self._number(fields[0], 1, 12), self._number(fields[1], 1, 5),
                        self._number(fields[2], 0, 6), time_s)
        elif day[:1] == "J":
            return _JULIAN, self._number(day[1:], 1, 365), 0, time_s
        elif day:
            return _ZERO_BASED, self._number(day, 0, 365), 0, time_s
        return self._refuse(text, "Mmonth.week.weekday, Jn or n, each with /time or not")

    def _time(self, text, hours_max):
        """Seconds of [+-]h[:mm[:ss]]."""
        sign = -1 if text[:1] == "-" else 1
        fields = text[text[:1] in ("-", "+"):].split(":")
        if len(fields) > 3:
            self._refuse(text, "[+-]hours[:minutes[:seconds]]")
        seconds, unit_s = self._number(fields[0], 0, hours_max) * 3600, 60
        for field in fields[1:]:
            seconds += self._number(field, 0, 59) * unit_s
            unit_s = 1
        return sign * seconds

    def _number(self, text, low, high):
        if text and not text.strip(_DIGITS) and low <= int(text) <= high:
            return int(text)
        return self._refuse(text, "%d..%d" % (low, high))

    def _refuse(self, part, allowed):
        raise ValueError("zone %r: %r, allowed: %s" % (self.rule, part, allowed))


def _span(text, at, allowed):
    """Where the characters that are allowed end."""
    while at < len(text) and text[at] in allowed:
        at += 1
    return at
