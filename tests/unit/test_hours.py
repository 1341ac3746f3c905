"""Hours: how they are written, and when a message may go, in every time zone and at every change
of its clocks."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from functions.messages.hours import LONGEST_LOOK, Times
from functions.segments.hours import HOURS_PATTERN, Hours, hours
from functions.segments.moment import WEEKDAYS
from functions.segments.phrases import BadPhrase
from tests.support.time_zones import SECOND, ZONES, changes, wall

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WEEK = 7 * 1440  # minutes
OFFICE, NIGHT = "Monday to Friday 9:00 to 18:00", "21:00 to 8:00"


def times(only: str = "", quiet: str = "", *holidays: str) -> Times:
    return Times(
        hours(only) if only else None,
        hours(quiet) if quiet else None,
        frozenset(map(date.fromisoformat, holidays)),
    )


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


# --- when a message may go


@pytest.mark.parametrize(
    ("rules", "now", "when"),
    [  # 3 March 2027 is a Wednesday
        (times(), "2027-03-03 03:00", "2027-03-03 03:00"),
        (times(OFFICE), "2027-03-03 12:00", "2027-03-03 12:00"),
        (times(OFFICE), "2027-03-03 09:00", "2027-03-03 09:00"),
        (times(OFFICE), "2027-03-03 08:59", "2027-03-03 09:00"),
        (times(OFFICE), "2027-03-03 18:00", "2027-03-04 09:00"),
        (times(OFFICE), "2027-03-05 18:00", "2027-03-08 09:00"),
        (times("Saturday 10:00 to 14:00"), "2027-03-06 14:00", "2027-03-13 10:00"),
        (times("Saturday to Sunday 10:00 to 14:00"), "2027-03-06 14:00", "2027-03-07 10:00"),
        (times("Friday to Monday 9:00 to 10:00"), "2027-03-03 09:30", "2027-03-05 09:00"),
        # Over midnight the day that is named is the one on which they begin.
        (times("Friday 22:00 to 2:00"), "2027-03-06 01:59", "2027-03-06 01:59"),
        (times("Friday 22:00 to 2:00"), "2027-03-05 01:59", "2027-03-05 22:00"),
        (times("22:00 to 0:00"), "2027-03-06 00:00", "2027-03-06 22:00"),
        (times(quiet=NIGHT), "2027-03-03 21:00", "2027-03-04 08:00"),
        (times(quiet=NIGHT), "2027-03-03 20:59", "2027-03-03 20:59"),
        (times(quiet=NIGHT), "2027-03-04 07:59", "2027-03-04 08:00"),
        (times("7:00 to 18:00", NIGHT), "2027-03-04 07:30", "2027-03-04 08:00"),
        # Holidays are whole days where the person is.
        (times("", "", "2027-12-25"), "2027-12-25 00:00", "2027-12-26 00:00"),
        (times("", NIGHT, "2027-12-25", "2027-12-26"), "2027-12-24 22:00", "2027-12-27 08:00"),
        (times(OFFICE, NIGHT, "2027-03-26", "2027-03-29"), "2027-03-25 18:00", "2027-03-30 09:00"),
        # Berlin: 2:00 becomes 3:00 on 28 March 2027, 3:00 becomes 2:00 on 31 October.
        (times(quiet="21:00 to 2:30"), "2027-03-28 01:59", "2027-03-28 03:00"),
        (times(quiet="2:00 to 3:00"), "2027-03-28 01:59", "2027-03-28 01:59"),
        (times(quiet="21:00 to 2:30"), "2027-10-31 01:00", "2027-10-31 02:30"),
    ],
)
def test_a_message_goes_at_the_first_moment_that_all_rules_leave(
    rules: Times, now: str, when: str
) -> None:
    assert rules.next_allowed(berlin(now), BERLIN) == berlin(when)


def test_what_the_clocks_show_twice_counts_both_times() -> None:
    rules, first = times(quiet="2:30 to 5:00"), datetime(2027, 10, 31, 0, 40, tzinfo=UTC)
    assert wall(first, BERLIN).time() == time(2, 40)
    assert rules.next_allowed(first, BERLIN) == datetime(2027, 10, 31, 1, tzinfo=UTC)  # 2:00 again


@pytest.mark.parametrize(
    "rules",
    [
        times("22:00 to 23:00", "21:00 to 8:00"),
        times("Monday 9:00 to 10:00", "9:00 to 10:00"),
        Times(holidays=frozenset(date(2027, 1, 1) + DAY * n for n in range(800))),
    ],
)
def test_rules_that_leave_no_moment_say_so(rules: Times) -> None:
    assert rules.next_allowed(berlin("2027-03-03 12:00"), BERLIN) is None


def test_so_many_holidays_as_one_looks_ahead_are_waited_for() -> None:
    first = date(2027, 3, 3)
    closed = frozenset(first + DAY * number for number in range(LONGEST_LOOK.days - 1))
    found = Times(holidays=closed).next_allowed(berlin("2027-03-03 00:00"), BERLIN)
    assert found
    assert wall(found, BERLIN).date() == first + DAY * (LONGEST_LOOK.days - 1)


# --- the bound of the issue: every zone, every change of its clocks, whatever now is

RULES = [
    times(quiet=NIGHT),
    times(quiet="23:15 to 2:30"),
    times("Monday to Friday 9:00 to 18:00", NIGHT),
    times("Sunday 1:30 to 3:30"),
    times("22:00 to 2:30", "23:10 to 0:50"),
]


def nows(change: datetime) -> Iterator[datetime]:
    """A handful of moments before, at and after a change of clocks."""
    for before in (DAY, 3 * HOUR, HOUR, MINUTE, SECOND):
        yield change - before
    for after in (timedelta(0), 10 * MINUTE, HOUR, 5 * HOUR):
        yield change + after


def is_open(rules: Times, minute: int) -> bool:
    """Whether a message may go in this minute of a week: the rules said once more."""

    def is_on(part: Hours) -> bool:
        begin, end = (clock.hour * 60 + clock.minute for clock in part.clocks)
        length = (end - begin) % 1440
        return any((minute - day * 1440 - begin) % WEEK < length for day in part.weekdays)

    is_quiet = rules.quiet is not None and is_on(rules.quiet)
    return (rules.only is None or is_on(rules.only)) and not is_quiet


@cache
def week(rules: Times) -> tuple[bool, ...]:
    """The same for all its minutes."""
    return tuple(is_open(rules, minute) for minute in range(WEEK))


def minute_of(there: datetime) -> int:
    """Of the week."""
    return there.weekday() * 1440 + there.hour * 60 + there.minute


def test_around_every_change_of_clocks_the_answer_is_the_first_allowed_minute() -> None:
    """Allowed, not before now, and no minute between now and the answer is."""
    names, checked, alike = set(), 0, set()
    for name in ZONES:
        zone = ZoneInfo(name)
        for number, change in enumerate(changes(zone)):
            names.add(name)
            checked += 1
            walls = minute_of(wall(change - MINUTE, zone)) + 1, minute_of(wall(change, zone))
            # Most zones are at most changes what another is.
            if (change, *walls) not in alike:
                alike.add((change, *walls))
                first_allowed(RULES[number % len(RULES)], zone, change, walls)
    assert len(names) > 150
    assert checked > 5000


def first_allowed(rules: Times, zone: ZoneInfo, change: datetime, walls: tuple[int, int]) -> None:
    """Ask at a handful of moments; `walls` is what the clock shows at the change, before and
    after it is put."""
    allowed = week(rules)
    for now in nows(change):
        found = rules.next_allowed(now, zone)
        assert found is not None
        assert found >= now
        assert allowed[minute_of(wall(found, zone))], (zone, now)
        first, last = (-((change - moment) // MINUTE) for moment in (now, found))
        for minute in range(first, last):
            assert not allowed[(walls[minute >= 0] + minute) % WEEK], (zone, now, minute)


some_hours = st.builds(
    lambda day, begin, length: f"{day}{begin:%H:%M} to {_later(begin, length):%H:%M}",
    st.sampled_from(["", "Monday ", "Monday to Friday ", "Saturday to Tuesday "]),
    st.times().map(lambda clock: clock.replace(second=0, microsecond=0)),
    st.integers(1, 1439),
)


def _later(clock: time, minutes: int) -> time:
    return (datetime.combine(date(2027, 1, 1), clock) + MINUTE * minutes).time()


@settings(max_examples=100)
@given(
    st.sampled_from(ZONES).map(ZoneInfo),
    st.floats(1_577_836_800, 2_051_222_400).map(  # 2020 to 2034
        lambda second: datetime.fromtimestamp(second, UTC)
    ),
    some_hours | st.none(),
    some_hours | st.none(),
    st.sets(st.integers(0, 9), max_size=5),
)
def test_the_answer_is_allowed_and_no_earlier_quarter_of_an_hour_is(
    zone: ZoneInfo, now: datetime, only: str | None, quiet: str | None, closed: set[int]
) -> None:
    today = wall(now, zone).date()
    holidays = frozenset(today + DAY * number for number in closed)
    rules = replace(times(only or "", quiet or ""), holidays=holidays)
    found = rules.next_allowed(now, zone)
    if found:
        assert found >= now
        assert rules.allow(found, zone)
    between, last = now, min(found or now + 9 * DAY, now + 9 * DAY)
    while between < last:
        there = wall(between, zone)
        assert there.date() in holidays or not is_open(rules, minute_of(there)), between
        between += 15 * MINUTE
    if found:
        length = rules.open_for(found, HOUR, zone)
        assert timedelta(0) < length <= HOUR
        assert rules.allow(found + length - SECOND, zone)
        assert length == HOUR or not rules.allow(found + length, zone)


# --- how they are written

HINT = 'hours are written like "Monday to Friday 9:00 to 18:00"'


@pytest.mark.parametrize(
    "text",
    [
        *(5, None, [], {}, "", "9:00", "9 to 18", "9:00-18:00", "9:00 to 24:00", "9:60 to 10:00"),
        *("monday 9:00 to 18:00", "Mon to Fri 9:00 to 18:00", "Monday to Friday"),
        *("9:00 to 18:00 ", " 9:00 to 18:00", "9:00 to 18:00\n", "Monday, Friday 9:00 to 18:00"),
    ],
)
def test_what_are_no_hours_is_refused_with_some_that_are(text: Any) -> None:
    with pytest.raises(BadPhrase, match=re.escape(f"{text!r} are no hours; {HINT}")):
        hours(text)


def test_hours_that_begin_and_end_at_once_are_refused() -> None:
    with pytest.raises(BadPhrase, match="begin and end at the same time"):
        hours("9:00 to 9:00")


words = st.sampled_from(
    [*WEEKDAYS, "to", "9:00", "09:05", "23:59", "24:00", "18:00", "9", "", "and"]
)


@settings(max_examples=300)
@example("Friday to Monday 9:00 to 18:00")
@given(st.lists(words, max_size=6).map(" ".join) | some_hours)
def test_editors_take_what_the_reader_takes(text: str) -> None:
    try:
        hours(text)
        is_read = True
    except BadPhrase as error:
        is_read = "begin and end" in str(error)
    assert is_read is bool(re.search(HOURS_PATTERN, text))
