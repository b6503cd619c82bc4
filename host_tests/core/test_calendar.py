"""Civil time: dates, zone rules, days of 23 and 25 hours, and what is not a rule."""

import micropython

from bess.core.calendar import Zone, date, day_of, weekday_of, year_of

BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"
NEW_YORK = "EST5EDT,M3.2.0,M11.1.0"
SYDNEY = "AEST-10AEDT,M10.1.0,M4.1.0/3"
LORD_HOWE = "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"
H = 3600

DATES = (
    # year, month, day, day number, weekday, why
    (1970, 1, 1, 0, 4, "the first day, a Thursday"),
    (1969, 12, 31, -1, 3, "the day before"),
    (1971, 1, 1, 365, 5, "the first of the second year"),
    (2000, 2, 29, 11_016, 2, "a leap year by 400"),
    (2000, 3, 1, 11_017, 3, "and its March"),
    (2024, 2, 29, 19_782, 4, "an ordinary leap year"),
    (2024, 12, 31, 20_088, 2, "its last day"),
    (2025, 1, 1, 20_089, 3, "the next year"),
    (2026, 3, 29, 20_541, 0, "a Sunday"),
    (2072, 12, 31, 37_620, 6, "leap days pull the average year ahead"),
    (2100, 2, 28, 47_540, 0, "no leap year by 100"),
    (2100, 3, 1, 47_541, 1, "28 days"),
)

LOCAL = (
    # rule, UTC date, s, local date, s, why
    ("UTC0", (2026, 7, 1), 0, (2026, 7, 1), 0, "no offset, no change"),
    ("IST-5:30", (2026, 7, 1), 20 * H, (2026, 7, 2), 5400, "half an hour, over midnight"),
    ("<-0330>3:30:20", (2026, 1, 1), 0, (2025, 12, 31), 20 * H + 1780, "west, seconds, last year"),
    ("<+14>-14", (2026, 7, 1), 23 * H, (2026, 7, 2), 13 * H, "the first to see a day"),
    (BERLIN, (2026, 1, 15), 12 * H, (2026, 1, 15), 13 * H, "winter"),
    (BERLIN, (2026, 7, 15), 23 * H, (2026, 7, 16), 1 * H, "summer"),
    (BERLIN, (2026, 3, 29), 3599, (2026, 3, 29), 2 * H - 1, "last second of winter"),
    (BERLIN, (2026, 3, 29), 3600, (2026, 3, 29), 3 * H, "02:00 to 03:00 is skipped"),
    (BERLIN, (2026, 10, 25), 3599, (2026, 10, 25), 3 * H - 1, "02:59:59 for the first time"),
    (BERLIN, (2026, 10, 25), 3600, (2026, 10, 25), 2 * H, "02:00 for the second time"),
    (BERLIN, (2026, 12, 31), 23 * H, (2027, 1, 1), 0, "new year"),
    (NEW_YORK, (2026, 3, 8), 7 * H - 1, (2026, 3, 8), 2 * H - 1, "second Sunday of March"),
    (NEW_YORK, (2026, 3, 8), 7 * H, (2026, 3, 8), 3 * H, "its gap"),
    (NEW_YORK, (2026, 11, 1), 6 * H, (2026, 11, 1), 1 * H, "first Sunday: the first of the month"),
    (SYDNEY, (2026, 1, 1), 0, (2026, 1, 1), 11 * H, "summer over new year"),
    (SYDNEY, (2026, 7, 1), 0, (2026, 7, 1), 10 * H, "winter in July"),
    (SYDNEY, (2026, 10, 3), 16 * H, (2026, 10, 4), 3 * H, "the change is the day before in UTC"),
    (LORD_HOWE, (2026, 7, 1), 0, (2026, 7, 1), 10 * H + 1800, "standard"),
    (LORD_HOWE, (2026, 10, 3), 15 * H + 1800, (2026, 10, 4), 2 * H + 1800, "a gap of 30 min"),
    ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", (2026, 3, 29), H, (2026, 3, 29), 0, "time before the day"),
    ("EET-2EEST,M3.4.4/50,M10.4.4/50", (2026, 3, 28), 0, (2026, 3, 28), 3 * H, "50 hours later"),
    ("EET-2EEST,M3.4.4/50,M10.4.4/50", (2026, 3, 27), 86_399, (2026, 3, 28), 2 * H - 1, "before"),
    ("IST-1GMT0,M10.5.0,M3.5.0/1", (2026, 1, 15), 0, (2026, 1, 15), 0, "negative: winter's DST"),
    ("IST-1GMT0,M10.5.0,M3.5.0/1", (2026, 7, 15), 0, (2026, 7, 15), H, "and standard in summer"),
    ("AAA0BBB,J60/0,J300/0", (2024, 3, 1), 0, (2024, 3, 1), H, "J60 is 1 March in a leap year"),
    ("AAA0BBB,J60/0,J300/0", (2024, 2, 29), 86_399, (2024, 2, 29), 86_399, "not 29 February"),
    ("AAA0BBB,J60/0,J300/0", (2025, 3, 1), 0, (2025, 3, 1), H, "and in any other"),
    ("AAA0BBB,J59/0,J300/0", (2024, 2, 28), 0, (2024, 2, 28), H, "J59 is 28 February"),
    ("AAA0BBB,59/0,300/0", (2024, 2, 29), 0, (2024, 2, 29), H, "59 counts from 0, and the 29th"),
    ("AAA0BBB,59/0,300/0", (2025, 3, 1), 0, (2025, 3, 1), H, "1 March without one"),
    ("AAA0BBB,59/0,300/0", (2025, 2, 28), 86_399, (2025, 2, 28), 86_399, "not before"),
    ("AAA0BBB-1:30,M3.5.0,M10.5.0", (2026, 7, 1), 0, (2026, 7, 1), 5400, "a shift of its own"),
    ("AAA1BBB,M12.5.4/167,M6.1.0", (2027, 1, 6), 86_399, (2027, 1, 6), 23 * H - 1, "standard"),
    ("AAA1BBB,M12.5.4/167,M6.1.0", (2027, 1, 7), 0, (2027, 1, 7), 0, "167 h after 31 December"),
    ("AAA0BBB,M1.1.1/-167,M7.1.0", (2026, 12, 28), H, (2026, 12, 28), 2 * H, "next year's rule"),
    ("AAA0BBB,M1.1.1/-167,M7.1.0", (2026, 12, 28), H - 1, (2026, 12, 28), H - 1, "before it"),
)

UTC = (
    # rule, local date, s, UTC date, s, why
    ("UTC0", (2026, 7, 1), 5, (2026, 7, 1), 5, "the same"),
    ("<+1345>-13:45", (2026, 7, 1), 0, (2026, 6, 30), 36_900, "the day before"),
    (BERLIN, (2026, 3, 29), 2 * H - 60, (2026, 3, 29), 3540, "before the gap"),
    (BERLIN, (2026, 3, 29), 2 * H, (2026, 3, 29), 3600, "skipped: the end of the gap"),
    (BERLIN, (2026, 3, 29), 3 * H - 60, (2026, 3, 29), 3600, "the whole gap is one instant"),
    (BERLIN, (2026, 3, 29), 3 * H + 60, (2026, 3, 29), 3660, "after it"),
    (BERLIN, (2026, 10, 25), 2 * H - 60, (2026, 10, 24), 86_340, "before the doubled hour"),
    (BERLIN, (2026, 10, 25), 2 * H, (2026, 10, 25), 0, "doubled: the first"),
    (BERLIN, (2026, 10, 25), 3 * H - 60, (2026, 10, 25), 3540, "also its last minute"),
    (BERLIN, (2026, 10, 25), 3 * H, (2026, 10, 25), 7200, "after it an hour later"),
    (LORD_HOWE, (2026, 10, 4), 2 * H + 900, (2026, 10, 3), 15 * H + 1800, "a gap of 30 min"),
    (LORD_HOWE, (2026, 4, 5), H + 1800, (2026, 4, 4), 14 * H + 1800, "doubled from 01:30 on"),
    (LORD_HOWE, (2026, 4, 5), 2 * H, (2026, 4, 4), 15 * H + 1800, "to 02:00"),
    (SYDNEY, (2026, 4, 5), 3 * H - 60, (2026, 4, 4), 16 * H - 60, "the first"),
)

LENGTHS = (
    # rule, date, hours * 2, why
    (BERLIN, (2026, 3, 29), 46, "spring"),
    (BERLIN, (2026, 3, 30), 48, "the day after"),
    (BERLIN, (2026, 10, 25), 50, "autumn"),
    (NEW_YORK, (2026, 3, 8), 46, "spring"),
    (NEW_YORK, (2026, 11, 1), 50, "autumn"),
    (SYDNEY, (2026, 10, 4), 46, "spring is in October"),
    (SYDNEY, (2026, 4, 5), 50, "autumn is in April"),
    (LORD_HOWE, (2026, 10, 4), 47, "half an hour"),
    (LORD_HOWE, (2026, 4, 5), 49, "half an hour"),
    ("UTC0", (2026, 3, 29), 48, "never"),
)

REFUSED = (
    # rule, words of the refusal
    ("", "a name of 3 letters"),
    ("CE-1", "a name of 3 letters"),
    ("1", "a name of 3 letters"),
    ("Europe/Berlin", "'', allowed: 0..24"),
    ("CET", "'', allowed: 0..24"),
    ("<+1>-1", "a name of 3 letters"),
    ("<+01-1", "<letters, digits, + and ->"),
    ("<+0_1>-1", "<letters, digits, + and ->"),
    ("CET-25", "'25', allowed: 0..24"),
    ("CET-1:60", "'60', allowed: 0..59"),
    ("CET-1:00:00:00", "[+-]hours[:minutes[:seconds]]"),
    ("CET--1", "'-1', allowed: 0..24"),
    ("CET-1:", "'', allowed: 0..59"),
    ("CET-1CEST", "STDoffset or STDoffsetDST[offset],start,end"),
    ("CET-1CEST,M3.5.0", "STDoffset or STDoffsetDST[offset],start,end"),
    ("CET-1,M3.5.0", "STDoffset or STDoffsetDST[offset],start,end"),
    ("CET-1,M3.5.0,M10.5.0", "STDoffset or STDoffsetDST[offset],start,end"),
    ("CET-1CEST,M3.5.0,M10.5.0,M11.1.0", "STDoffset or STDoffsetDST[offset],start,end"),
    ("CET-1CE,M3.5.0,M10.5.0", "a name of 3 letters"),
    ("CET-1CEST-2x,M3.5.0,M10.5.0", "'x', allowed: nothing after the second offset"),
    ("CET-1CEST12,M3.5.0,M10.5.0", "a shift of at most 12 hours"),
    ("CET-1CEST11:00:01,M3.5.0,M10.5.0", "a shift of at most 12 hours"),
    ("CET-13CEST-25,M3.5.0,M10.5.0", "'25', allowed: 0..24"),
    ("CET-1CEST,M3.5,M10.5.0", "'M3.5', allowed: Mmonth.week.weekday"),
    ("CET-1CEST,,M10.5.0", "'', allowed: Mmonth.week.weekday"),
    ("CET-1CEST,M0.5.0,M10.5.0", "'0', allowed: 1..12"),
    ("CET-1CEST,M13.5.0,M10.5.0", "'13', allowed: 1..12"),
    ("CET-1CEST,M3.0.0,M10.5.0", "'0', allowed: 1..5"),
    ("CET-1CEST,M3.6.0,M10.5.0", "'6', allowed: 1..5"),
    ("CET-1CEST,M3.5.7,M10.5.0", "'7', allowed: 0..6"),
    ("CET-1CEST,M3.5.0/168,M10.5.0", "'168', allowed: 0..167"),
    ("CET-1CEST,M3.5.0/-168,M10.5.0", "'168', allowed: 0..167"),
    ("CET-1CEST,M3.5.0/,M10.5.0", "'', allowed: 0..167"),
    ("CET-1CEST,J0,J300", "'0', allowed: 1..365"),
    ("CET-1CEST,J366,J300", "'366', allowed: 1..365"),
    ("CET-1CEST,366,300", "'366', allowed: 0..365"),
    ("CET-1CEST,K3.5.0,M10.5.0", "'K3.5.0', allowed: 0..365"),
    ("CET-1CEST,J100,J113", "at least 14 days of either time"),
    ("CET-1CEST,J14,J365", "at least 14 days of either time"),
    ("CET-1CEST,0/-167,365/167", "at least 14 days of either time"),
    ("CET-1CEST,0/0,J365/23", "at least 14 days of either time"),
    ("<" + 61 * "A" + ">0", "at most 63 characters"),
)

ACCEPTED = (
    # rule, second of the local day at 2026-01-15 00:00 UTC, why
    ("CET-24", 0, "the largest offset"),
    ("CET24", 0, "to the west"),
    ("<A+0>-1", H, "quoted, 3 characters"),
    ("CET-0:59:59", 3599, "minutes and seconds"),
    ("CET-1CEST11,M3.5.0,M10.5.0", H, "12 hours"),
    ("CET-1CEST,J100,J114", H, "14 days"),
    ("CET-1CEST,J15,J365", H, "15 days: J365 is the 366th day of a leap year"),
    ("<" + 60 * "A" + ">0", 0, "63 characters"),
)


def utc(rule, when, second):
    zone = Zone(rule)
    zone.utc(day_of(*when), second)
    return zone.utc_day, zone.utc_s


def test_dates():
    for year, month, day, number, weekday, why in DATES:
        assert day_of(year, month, day) == number, why
        assert date(number) == (year, month, day), why
        assert year_of(number) == year, why
        assert weekday_of(number) == weekday, why


def test_every_day_of_a_span_is_a_date():
    for first in (day_of(1999, 12, 1), day_of(2099, 12, 1), day_of(2399, 12, 1)):
        for number in range(first, first + 460):
            assert day_of(*date(number)) == number


def test_local_time():
    for rule, when, second, local, local_s, why in LOCAL:
        zone = Zone(rule)
        zone.local(day_of(*when), second)
        found = (date(zone.day), zone.second, zone.weekday)
        assert found == (local, local_s, weekday_of(day_of(*local))), (rule, why, found)


def test_the_instant_of_a_local_time():
    for rule, when, second, wanted, wanted_s, why in UTC:
        day, found_s = utc(rule, when, second)
        assert (date(day), found_s) == (wanted, wanted_s), (rule, why, date(day), found_s)


def test_days_of_23_24_and_25_hours():
    for rule, when, halves, why in LENGTHS:
        day, second = utc(rule, when, 0)
        zone = Zone(rule)
        zone.utc(day_of(*when) + 1, 0)
        length_s = (zone.utc_day - day) * 86_400 + zone.utc_s - second
        assert length_s == halves * 1800, (rule, when, why)


def test_wrong_rules_say_what_is_wrong():
    for rule, words in REFUSED:
        try:
            Zone(rule)
        except ValueError as refusal:
            assert words in str(refusal) and repr(rule) in str(refusal), (rule, str(refusal))
        else:
            raise AssertionError(rule)


def test_rules_at_the_edge_of_what_is_allowed():
    for rule, local_s, why in ACCEPTED:
        zone = Zone(rule)
        zone.local(day_of(2026, 1, 15), 0)
        assert zone.second == local_s, (rule, why, zone.second)


def test_order_of_questions_does_not_matter():
    """What is remembered of one day answers no other."""
    zone = Zone(BERLIN)
    days = [day_of(2026, 1, 1) + 37 * i % 2000 for i in range(200)]
    for day in days:
        fresh = Zone(BERLIN)
        for one in (zone, fresh):
            one.local(day, 12 * H)
        assert (zone.day, zone.second) == (fresh.day, fresh.second), date(day)
        assert (zone.turn_day, zone.turn_s) == (fresh.turn_day, fresh.turn_s), date(day)


def test_the_nearest_change():
    zone = Zone(BERLIN)
    zone.local(day_of(2026, 3, 30), H)
    assert (zone.before_s, zone.after_s, zone.since_s) == (H, 2 * H, 86_400)
    assert (date(zone.turn_day), zone.turn_s) == ((2026, 3, 29), H)
    assert zone.since(day_of(2026, 3, 29), 0) == -2 * H
    assert zone.since(day_of(2026, 3, 29), 4 * H) == H
    assert zone.since(day_of(2026, 3, 29), 2 * H + 5) == 0
    zone.local(day_of(2026, 7, 11), 0)
    assert date(zone.turn_day) == (2026, 3, 29), "104 days after, 106 before"
    zone.local(day_of(2026, 7, 13), 0)
    assert date(zone.turn_day) == (2026, 10, 25)


def test_asking_allocates_nothing():
    for rule in (BERLIN, LORD_HOWE, "UTC0", "AAA0BBB,J60,300"):
        zone = Zone(rule)
        first = day_of(2026, 1, 1)
        micropython.heap_lock()
        try:
            for i in range(60):
                zone.local(first + 11 * i, 80_000)
                zone.utc(first + 11 * i, 10_000)
        finally:
            micropython.heap_unlock()
