"""Civil time against Python's zoneinfo: every rule in its database, every kind of change."""

from datetime import datetime, timedelta, timezone
from importlib import resources
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, strategies as st

from bess.core.calendar import Zone, date, day_of, weekday_of

RULES = {
    "Europe/Berlin": "CET-1CEST,M3.5.0,M10.5.0/3",
    "America/New_York": "EST5EDT,M3.2.0,M11.1.0",
    "Australia/Sydney": "AEST-10AEDT,M10.1.0,M4.1.0/3",
    "Australia/Lord_Howe": "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
}
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
# From here on the database has rules only, no dates of single years (Gaza's Ramadan, to 2086).
FIRST, LAST = day_of(2087, 1, 1), day_of(2140, 12, 31)
DAYS = st.integers(FIRST, LAST)
SECONDS = st.integers(0, 86_399)


def database():
    """{name: (rule, zone)}, one name for each rule: a zone's file ends with its rule."""
    root = resources.files("tzdata")
    found = {}
    for name in root.joinpath("zones").read_text().split():
        data = root.joinpath("zoneinfo", *name.split("/")).read_bytes()
        rule = data.rsplit(b"\n", 2)[1].decode()
        if rule not in found or name in RULES:
            found[rule] = (name, ZoneInfo.from_file(BytesIO(data), name))
    return {name: (rule, zone) for rule, (name, zone) in found.items()}


DATABASE = database()
CHANGING = sorted(name for name, (rule, _) in DATABASE.items() if "," in rule)


def wall(name, day, second):
    """(day, second, weekday) that zoneinfo shows at an instant."""
    shown = (EPOCH + timedelta(days=day, seconds=second)).astimezone(DATABASE[name][1])
    midnight = datetime(shown.year, shown.month, shown.day, tzinfo=timezone.utc)
    return ((midnight - EPOCH).days, shown.hour * 3600 + shown.minute * 60 + shown.second,
            shown.isoweekday() % 7)


def ours(zone, day, second):
    zone.local(day, second)
    return zone.day, zone.second, zone.weekday


def instant(name, day, second):
    """Day and second at which zoneinfo first shows a wall time, or the end of the gap over it."""
    year, month, number = date(day)
    asked = datetime(year, month, number) + timedelta(seconds=second)
    zone = DATABASE[name][1]
    at = asked.replace(tzinfo=zone, fold=0).astimezone(timezone.utc)
    if at.astimezone(zone).replace(tzinfo=None) != asked:
        # skipped: the offset before the gap puts it after the gap by as much as it is inside
        inside = asked.replace(tzinfo=zone, fold=1).astimezone(timezone.utc)
        while (at - timedelta(seconds=1)).astimezone(zone).utcoffset() == at.astimezone(
                zone).utcoffset() and at > inside:
            at -= timedelta(seconds=1)
    since = at - EPOCH
    return since.days, since.seconds


def test_the_stated_rules_are_those_of_the_database():
    for name, rule in RULES.items():
        assert DATABASE[name][0] == rule


@pytest.mark.parametrize("name", sorted(DATABASE))
def test_every_rule_there_is(name):
    """Each rule through 3 years: a day a month, and around its changes."""
    rule = DATABASE[name][0]
    zone = Zone(rule)
    for month in range(36):
        day = day_of(2090 + month // 12, 1 + month % 12, 15)
        assert ours(zone, day, 40_000) == wall(name, day, 40_000)
        if "," in rule:
            turn_day, turn_s = zone.turn_day, zone.turn_s
            for off_s in (-7201, -3601, -1, 0, 1, 3599, 7200):
                days, second = divmod(turn_s + off_s, 86_400)
                found = ours(zone, turn_day + days, second)
                assert found == wall(name, turn_day + days, second), (date(turn_day), off_s)


@given(st.sampled_from(CHANGING), DAYS, SECONDS)
def test_any_instant(name, day, second):
    assert ours(Zone(DATABASE[name][0]), day, second) == wall(name, day, second)


@given(st.sampled_from(CHANGING), DAYS, st.integers(-90_000, 90_000))
def test_instants_around_a_change(name, day, off_s):
    zone = Zone(DATABASE[name][0])
    zone.local(day, 0)
    days, second = divmod(zone.turn_s + off_s, 86_400)
    day = zone.turn_day + days
    assert ours(zone, day, second) == wall(name, day, second)


@given(st.sampled_from(sorted(RULES)), DAYS, st.integers(-300, 300))
@example("Europe/Berlin", day_of(2090, 3, 27), 30)
@example("Australia/Lord_Howe", day_of(2090, 10, 2), 10)
def test_the_instant_of_a_wall_time_around_a_change(name, day, off_minutes):
    """Also of skipped and doubled ones: zoneinfo's first reading of it, or the end of the gap."""
    zone = Zone(RULES[name])
    zone.local(day, 0)
    zone.local(zone.turn_day, zone.turn_s - 1)
    days, second = divmod(zone.second + 1 + 60 * off_minutes, 86_400)
    day = zone.day + days
    zone.utc(day, second)
    assert (zone.utc_day, zone.utc_s) == instant(name, day, second), (date(day), second)


@given(st.sampled_from(sorted(RULES)), st.integers(2087, 2140))
def test_a_year_has_one_short_and_one_long_day(name, year):
    zone, lengths = Zone(RULES[name]), []
    for day in range(day_of(year, 1, 1), day_of(year + 1, 1, 1)):
        zone.utc(day, 0)
        start = (zone.utc_day - day, zone.utc_s)
        zone.utc(day + 1, 0)
        length_s = (zone.utc_day - day - start[0]) * 86_400 + zone.utc_s - start[1]
        if length_s != 86_400:
            lengths.append(length_s)
            assert weekday_of(day) == 0, "all four change on a Sunday"
    shift_s = 1800 if name == "Australia/Lord_Howe" else 3600
    assert sorted(lengths) == [86_400 - shift_s, 86_400 + shift_s]


@given(st.integers(-100_000, 1_000_000))
def test_dates_are_those_of_datetime(number):
    when = EPOCH + timedelta(days=number)
    assert date(number) == (when.year, when.month, when.day)
    assert day_of(when.year, when.month, when.day) == number
    assert weekday_of(number) == when.isoweekday() % 7


@given(st.text(max_size=40) | st.text("CET-1<>+,M3.50/J9:", max_size=30))
def test_any_text_is_a_zone_or_a_value_error(text):
    try:
        zone = Zone(text)
    except ValueError as refusal:
        assert "allowed: " in str(refusal)
    else:
        zone.local(20_000, 0)
        assert 0 <= zone.second < 86_400 and 19_997 < zone.day < 20_003
