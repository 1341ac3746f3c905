"""SCHEDULE: what comes again by the calendar, at a clock time where the person is."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import count, islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

from functions.segments.moment import (
    BY_THE_CLOCK,
    DAYS,
    NINE,
    ReadField,
    at_clock,
    moment,
    read_date,
    split_clock,
)
from functions.segments.phrases import BadPhrase

MONTHS = tuple(calendar.month_name)[1:]
SCHEDULE_EXAMPLE = (
    'a schedule is written like "day 9:00", "Monday 9:00", "1st of the month 9:00", "last day of '
    'the month 9:00", "24 December 9:00", "3 days before person.birthday 9:00", "2027-05-01 9:00" '
    'or "RRULE:FREQ=WEEKLY;BYDAY=TU"'
)
RULE = "RRULE:"
NO_RULES = ("SECONDLY", "MINUTELY", "HOURLY")
ANCHOR = datetime.combine(date(2024, 1, 1), NINE)  # a Monday: from here others are counted
LONGEST_SHIFT = timedelta(days=366)
MOST_RULE_YEARS = timedelta(days=366 * 30)
_OF_MONTH = re.compile(r"(?P<day>[1-9]|[12][0-9]|3[01])(st|nd|rd|th) of the month\Z")
_OF_YEAR = re.compile(rf"(?P<day>[1-9]|[12][0-9]|3[01]) (?P<month>{'|'.join(MONTHS)})\Z")
_WRONG_MONTHS = {month[:3].lower(): month for month in MONTHS}
_DATES = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")

Days = Callable[[date], Iterator[date]]  # from this day on, in their order
# (from this day on, zone, read) -> local clock times, in their order
Times = Callable[[date, ZoneInfo, ReadField], Iterator[datetime]]


@dataclass(frozen=True)
class Schedule:
    """What comes again: the clock times that it shows, wherever somebody is."""

    times: Times

    def next_after(self, now: datetime, zone: ZoneInfo, read: ReadField) -> datetime | None:
        """The first moment (UTC) after `now` for somebody in `zone`; None when there is none.

        `read` gives the values of a person's field. A clock time that the clocks leave out or
        show twice is read as in `at_clock`.
        """
        # A day earlier, because a change of clocks may move a time past midnight.
        try:
            start = now.astimezone(zone).date() - timedelta(days=1)
            for local in self.times(start, zone, read):
                found = at_clock(local.date(), local.time(), zone)
                if found > now:
                    return found
        except (OverflowError, ValueError):  # before the year 1 or after 9999
            return None
        return None


def schedule(text: object) -> Schedule:
    """Read "Monday 9:00". Raises BadPhrase."""
    if not isinstance(text, str) or text != text.strip():
        raise BadPhrase(f"{text!r} is not a schedule; {SCHEDULE_EXAMPLE}")
    if text.upper().startswith(RULE):
        return Schedule(_by_rule(text))
    what, clock = split_clock(text)
    days = _days(what)
    if days:
        return Schedule(_on(clock or NINE, days))
    if "person." in what or "entry." in what or _DATES.match(what):
        return Schedule(_by_moment(text))
    raise BadPhrase(_no_schedule(text, what))


def _days(what: str) -> Days | None:
    """The days that a schedule without its clock time means; None when it means none."""
    if what == "day":
        return _every_day
    if what in DAYS:
        return _weekdays(DAYS[what])
    if what == "last day of the month":
        return _days_of_month(31)
    if match := _OF_MONTH.match(what):
        return _days_of_month(int(match["day"]))
    if match := _OF_YEAR.match(what):
        return _day_of_year(MONTHS.index(match["month"]) + 1, int(match["day"]))
    return None


def _no_schedule(text: str, what: str) -> str:
    words = what.split()
    if len(words) == 2 and words[0].isdigit() and words[1][:3].lower() in _WRONG_MONTHS:
        right = f"{int(words[0])} {_WRONG_MONTHS[words[1][:3].lower()]}"
        return f'{text!r} is not a schedule; did you mean "{right}"?'
    if words and words[0].lower() in ("every", "each", "daily"):
        return f'{text!r} is not a schedule: leave "{words[0]}" away; {SCHEDULE_EXAMPLE}'
    return f"{text!r} is not a schedule; {SCHEDULE_EXAMPLE}"


def _on(clock: time, days: Days) -> Times:
    return lambda start, zone, read: (datetime.combine(day, clock) for day in days(start))


def _every_day(start: date) -> Iterator[date]:
    return (start + timedelta(days=number) for number in count())


def _weekdays(wanted: frozenset[int]) -> Days:
    return lambda start: (day for day in _every_day(start) if day.weekday() in wanted)


def _days_of_month(number: int) -> Days:
    """That day of each month, the last one of a month that is shorter."""

    def days(start: date) -> Iterator[date]:
        for month in count(start.year * 12 + start.month - 1):
            day = _day(month // 12, month % 12 + 1, number)
            if day >= start:
                yield day

    return days


def _day_of_year(month: int, number: int) -> Days:
    """That day of each year; 29 February is the 28th where there is none."""
    if number > calendar.monthrange(2024, month)[1]:
        raise BadPhrase(f"there is no {number} {MONTHS[month - 1]}")

    def days(start: date) -> Iterator[date]:
        found = (_day(year, month, number) for year in count(start.year))
        return (day for day in found if day >= start)

    return days


def _day(year: int, month: int, number: int) -> date:
    """The day of that number, or the last of a month that is shorter."""
    return date(year, month, min(number, calendar.monthrange(year, month)[1]))


def _by_moment(text: str) -> Times:
    """A day of the calendar, which comes once, or a date of the person, which comes each year."""
    found = moment(text)
    if found.of == "entry":
        raise BadPhrase(f"{text!r}: nobody has an entry before they enter; write a person's date")
    clock = found.clock or NINE
    if found.day:
        day = found.day
        return lambda start, zone, read: iter([datetime.combine(day, clock)])
    shift = found.shift
    if shift and shift.unit in BY_THE_CLOCK:
        raise BadPhrase(f'{text!r}: what comes each year counts in days; say "1 day" or more')
    if shift and shift.at_most > LONGEST_SHIFT:
        raise BadPhrase(f"{text!r}: what comes each year is at most a year before or after")
    sign = -1 if found.is_before else 1

    def times(start: date, zone: ZoneInfo, read: ReadField) -> Iterator[datetime]:
        dates = (read_date(value, zone) for value in read(found.of, found.path))
        days = {
            shift.days_from(day, sign) if shift else day
            for one, moment in dates
            if one
            for day in _each_year(one, start, moment is None)
        }
        return (datetime.combine(day, clock) for day in sorted(days) if day >= start)

    return times


def _each_year(day: date, start: date, is_plain: bool) -> Iterator[date]:
    """The anniversaries of a day: those around `start`, or the first ones.

    The day itself is one where a date was given without a time (a renewal in May); with a time it
    is when something happened, such as the first order, whose anniversary comes a year later.
    """
    first = max(start.year, day.year)
    for year in range(first - 2, first + 4):
        anniversary = _day(year, day.month, day.day)
        if anniversary > day or (anniversary == day and is_plain):
            yield anniversary


def _by_rule(text: str) -> Times:
    """An RRULE of RFC 5545 in the person's own clock time, at nine unless it says BYHOUR.

    "Every other" (INTERVAL) is counted from Monday, 1 January 2024.
    """
    from dateutil.rrule import rrulestr  # half a cold start; few journeys have a rule

    said = text[len(RULE) :].upper()
    if any(f"FREQ={often}" in said for often in NO_RULES):
        raise BadPhrase(f'{text!r}: DAILY is the most often that "every" can be')
    if "COUNT=" in said:
        raise BadPhrase(f'{text!r}: COUNT would count from {ANCHOR.date()}; write "UNTIL=20271231"')
    if re.search(r"BY(HOUR|MINUTE|SECOND)=[0-9]+,", said) or "BYSECOND" in said:
        raise BadPhrase(f"{text!r}: one clock time a day, like BYHOUR=18;BYMINUTE=30")
    if "\n" in text:
        raise BadPhrase(f"{text!r}: write the rule alone, in one line")
    try:
        rule: Any = rrulestr(said, dtstart=ANCHOR)
        # A rule that never comes would be looked for until the year 9999, each time.
        near = takewhile(lambda one: one < ANCHOR + MOST_RULE_YEARS, islice(rule, 1))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadPhrase(f"{text!r} is not a rule: {error}") from None
    if not list(near):
        raise BadPhrase(f"{text!r} never comes")

    def times(start: date, zone: ZoneInfo, read: ReadField) -> Iterator[datetime]:
        found: Iterator[datetime] = rule.xafter(datetime.combine(start, time()), inc=True)
        return found

    return times
