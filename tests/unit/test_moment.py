"""Moments: how they are written, and when they are, in every time zone and at every change of
its clocks."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from functions.segments.moment import MOMENT_PATTERN, WEEKDAYS, at_clock, moment
from functions.segments.phrases import BadPhrase
from tests.support.time_zones import SECOND, ZONES, changes, wall

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
NOW = datetime(2027, 3, 3, 12, tzinfo=UTC)  # a Wednesday, 13:00 in Berlin
some_zone = st.sampled_from(ZONES).map(ZoneInfo)
some_time = st.integers(1_577_836_800, 2_082_758_400).map(  # 2020 to 2035
    lambda second: datetime.fromtimestamp(second, UTC)
)
some_clock = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))


def resolved(
    text: str, *values: Any, now: datetime = NOW, zone: ZoneInfo = BERLIN
) -> datetime | None:
    """The moment for somebody whose fields all hold these values."""
    return moment(text).resolve(now, zone, lambda of, path: list(values))


def local(text: str, *values: Any, now: datetime = NOW, zone: ZoneInfo = BERLIN) -> str:
    found = resolved(text, *values, now=now, zone=zone)
    return f"{found.astimezone(zone):%a %Y-%m-%d %H:%M}" if found else "never"


# --- when it is


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("18:00", "Wed 2027-03-03 18:00"),
        ("9:00", "Thu 2027-03-04 09:00"),
        ("13:00", "Thu 2027-03-04 13:00"),  # now is not the next one
        ("Wednesday 13:01", "Wed 2027-03-03 13:01"),
        ("Wednesday", "Wed 2027-03-10 09:00"),
        ("Monday 9:00", "Mon 2027-03-08 09:00"),
        ("working day 9:00", "Thu 2027-03-04 09:00"),
        ("working day 18:30", "Wed 2027-03-03 18:30"),
        ("2027-01-31", "Sun 2027-01-31 09:00"),
        ("2028-02-29 00:00", "Tue 2028-02-29 00:00"),
    ],
)
def test_a_weekday_is_the_next_one_and_a_date_is_that_date(text: str, when: str) -> None:
    assert local(text) == when


def test_after_friday_comes_monday_for_a_working_day() -> None:
    friday = datetime(2027, 3, 5, 17, tzinfo=UTC)
    assert local("working day 9:00", now=friday) == "Mon 2027-03-08 09:00"


@pytest.mark.parametrize(
    ("text", "value", "when"),
    [
        ("person.birthday", "2027-05-01", "Sat 2027-05-01 09:00"),
        ("entry.licence.ends 8:15", "2027-05-01", "Sat 2027-05-01 08:15"),
        ("30 days before entry.ends 9:00", "2027-05-01", "Thu 2027-04-01 09:00"),
        ("1 week after entry.ends", "2027-05-01", "Sat 2027-05-08 09:00"),
        ("1 month before entry.ends", "2027-03-31", "Sun 2027-02-28 09:00"),
        ("1 year after entry.ends", "2028-02-29", "Wed 2029-02-28 09:00"),
        ("2 working days before entry.ends", "2027-03-08", "Thu 2027-03-04 09:00"),
        ("1 working day after entry.ends", "2027-03-05", "Mon 2027-03-08 09:00"),
        # 23:30 in UTC is the next day in Berlin.
        ("person.meets", "2027-05-01T23:30:00Z", "Sun 2027-05-02 09:00"),
        ("person.meets", "2027-05-01T23:30:00", "Sun 2027-05-02 09:00"),
        ("person.meets", datetime(2027, 5, 1, 23, 30, tzinfo=UTC), "Sun 2027-05-02 09:00"),
        # Hours and minutes count from the field's own time, from 9:00 where it has none.
        ("2 hours before person.meets", "2027-05-01T14:30:00+02:00", "Sat 2027-05-01 12:30"),
        ("90 minutes after person.meets", "2027-05-01", "Sat 2027-05-01 10:30"),
    ],
)
def test_a_date_in_a_field_counts_as_the_day_where_the_person_is(
    text: str, value: Any, when: str
) -> None:
    assert local(text, value) == when


def test_a_date_without_a_time_is_that_day_everywhere() -> None:
    for zone in (NEW_YORK, ZoneInfo("Pacific/Kiritimati"), ZoneInfo("Pacific/Pago_Pago")):
        assert local("person.birthday", "2027-05-01", zone=zone) == "Sat 2027-05-01 09:00"


@pytest.mark.parametrize("value", ["", "soon", "2027-02-30", 5, True, None, {}, "9999-12-31"])
def test_what_is_no_date_is_no_moment(value: Any) -> None:
    assert resolved("30 years after person.x 9:00", value) is None


def test_a_field_that_is_missing_is_no_moment_and_of_several_dates_it_is_the_first() -> None:
    assert resolved("person.x") is None
    assert local("person.x", "2027-05-02", "?", "2027-05-01") == "Sat 2027-05-01 09:00"


@settings(max_examples=300)
@given(some_time, some_zone, st.sampled_from([*WEEKDAYS, "working day", ""]), some_clock)
def test_the_next_one_is_ahead_at_that_clock_time_and_nothing_comes_between(
    now: datetime, zone: ZoneInfo, day: str, clock: time
) -> None:
    written = moment(f"{day} {clock:%H:%M}".strip())
    found = written.resolve(now, zone, lambda of, path: [])
    assert found is not None
    assert timedelta(0) < found - now <= written.at_most
    there = found.astimezone(zone)
    if there.time() == clock:  # not moved by a change of clocks
        assert there.weekday() in written.weekdays
    before = {now.astimezone(zone).date() + timedelta(days=number) for number in range(9)}
    for other in before:
        if other.weekday() in written.weekdays:
            assert not now < at_clock(other, clock, zone) < found


@settings(max_examples=200)
@given(some_zone, st.dates(date(2020, 1, 1), date(2035, 1, 1)), st.integers(1, 99))
def test_working_days_are_counted_alike_in_both_directions(
    zone: ZoneInfo, day: date, amount: int
) -> None:
    for side, sign in (("before", -1), ("after", 1)):
        found = resolved(f"{amount} working days {side} entry.x 12:00", f"{day}", zone=zone)
        assert found
        there = found.astimezone(zone).date()
        between = (day + timedelta(days=n) * sign for n in range(1, (there - day).days * sign + 1))
        assert sum(one.weekday() < 5 for one in between) == amount
        assert there.weekday() < 5


# --- the bound of the issue: every zone, every change of its clocks


def around(change: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Clock times before, at, within and after what the change leaves out or repeats."""
    shown = sorted((wall(change - SECOND, zone) + SECOND, wall(change, zone)))
    for place in shown:
        for minutes in (-60, -1, 0, 1, 60):
            yield (place + timedelta(minutes=minutes)).replace(second=0)
    yield shown[0] + (shown[1] - shown[0]) / 2


def test_every_clock_time_around_every_change_of_clocks_is_when_it_is_first_reached() -> None:
    """A local time is the first moment at which the clocks there show it or, where they leave it
    out, a later one."""
    checked = set()
    for name in ZONES:
        zone = ZoneInfo(name)
        for change in changes(zone):
            checked.add((name, change))
            last = wall(change - SECOND, zone)
            for wanted in around(change, zone):
                found = at_clock(wanted.date(), wanted.time(), zone)
                shown = wall(found, zone)
                is_left_out = last < wanted < wall(change, zone)
                assert shown == wanted or (is_left_out and found == change), (name, wanted)
                assert wall(found - SECOND, zone) < wanted, (name, wanted)
                assert found <= change or last < wanted, (name, wanted)
    assert len({name for name, _ in checked}) > 150
    assert len(checked) > 5000


def test_a_daily_time_comes_every_day_whatever_the_clocks_do() -> None:
    for name in ZONES:
        zone = ZoneInfo(name)
        for change in changes(zone)[:6]:
            clock = wall(change, zone).time().replace(second=0)
            daily = moment(f"{clock:%H:%M}")
            now = change - timedelta(days=2, minutes=1)
            for _ in range(4):
                following = daily.resolve(now, zone, lambda of, path: [])
                assert following
                assert timedelta(0) < following - now <= daily.at_most, name
                now = following
            assert now > change, name


def test_around_every_change_the_next_one_is_the_first_that_the_clocks_show_after_now() -> None:
    """Whatever now is: between it and the answer no clock shows the time for the first time."""
    alike = set()
    for name in ZONES:
        zone = ZoneInfo(name)
        for number, change in enumerate(changes(zone)):
            before, after = wall(change - SECOND, zone) + SECOND, wall(change, zone)
            if (change, before, after) in alike:
                continue
            alike.add((change, before, after))
            middle = min(before, after) + abs(after - before) / 2
            clock = (middle.time(), before.time(), after.time(), time(9))[number % 4]
            written = moment(f"{clock:%H:%M}")
            for now in (change + timedelta(minutes=m) for m in (-1440, -61, -1, 0, 29, 61, 600)):
                found = written.resolve(now, zone, lambda of, path: [])
                assert found
                assert found > now
                is_left_out = before < wall(found, zone).replace(second=0) and found == change
                assert wall(found, zone).time() == clock or is_left_out, (name, now)
                earlier = {wall(now, zone).date() + timedelta(days=n) for n in (-1, 0, 1)}
                firsts = (_first_shown(day, clock, zone, change) for day in earlier)
                assert not [first for first in firsts if first and now < first < found], name


def _first_shown(day: date, clock: time, zone: ZoneInfo, change: datetime) -> datetime | None:
    """When the clocks show it first, found from what they show before and after the change."""
    wanted = datetime.combine(day, clock)
    for known in (change - SECOND, change):
        shown = known + (wanted - wall(known, zone))
        if wall(shown, zone) == wanted:
            return shown
    return None


@pytest.mark.parametrize(
    ("zone", "wanted", "when"),
    [
        # Berlin: 2:00 becomes 3:00 on 28 March 2027, 3:00 becomes 2:00 on 31 October.
        ("Europe/Berlin", "2027-03-28 2:30", "2027-03-28T01:00:00+00:00"),
        ("Europe/Berlin", "2027-03-28 3:00", "2027-03-28T01:00:00+00:00"),
        ("Europe/Berlin", "2027-10-31 2:30", "2027-10-31T00:30:00+00:00"),
        # Lord Howe's clocks move by half an hour.
        ("Australia/Lord_Howe", "2027-10-03 2:10", "2027-10-02T15:30:00+00:00"),
        # Samoa had no 30 December 2011: the first that there was is the 31st, 0:00.
        ("Pacific/Apia", "2011-12-30 9:00", "2011-12-30T10:00:00+00:00"),
    ],
)
def test_known_changes_of_clocks(zone: str, wanted: str, when: str) -> None:
    found = resolved(wanted, zone=ZoneInfo(zone))
    assert found
    assert found.isoformat() == when


# --- how it is written

HINT = "a moment is written like"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (5, f"5 is not a moment; {HINT}"),
        ("", f"'' is not a moment; {HINT}"),
        ("soon", f"'soon' is not a moment; {HINT}"),
        ("monday 9:00", "'monday 9:00' is not a moment; did you mean \"Monday\"?"),
        ("Mondays", "'Mondays' is not a moment; did you mean \"Monday\"?"),
        ("workday 9:00", "'workday 9:00' is not a moment; did you mean \"working day\"?"),
        ("Monday 9", '\'Monday 9\': a clock time is written like "9:00" or "18:30", to 23:59'),
        ("24:00", '\'24:00\': a clock time is written like "9:00" or "18:30", to 23:59'),
        ("2027-02-30", "there is no day 2027-02-30"),
        ("31.1.2027", f"'31.1.2027' is not a moment; {HINT}"),
        ("5 dayz before entry.x", "'5 dayz' is not a duration; a duration is written like"),
        ("40 years after entry.x", "'40 years' is longer than 30 years"),
        ("30 days entry.x", f"'30 days entry.x' is not a moment; {HINT}"),
        (
            "3 days before Monday",
            "'3 days before Monday': after \"before\" goes a date of the person or of the entering "
            'event, like "person.birthday" or "entry.licence_ends"',
        ),
        ("3 days after customer.x", "'3 days after customer.x': after \"after\" goes a date of"),
        ("customer.x", f"'customer.x' is not a moment; {HINT}"),
        ("person.", f"'person.' is not a moment; {HINT}"),
        ("entry.x at 9:00", f"'entry.x at 9:00' is not a moment; {HINT}"),
        (
            "2 hours before entry.x 9:00",
            "'2 hours before entry.x 9:00': hours and minutes count from the field's own time; "
            "leave the clock time away, or say days",
        ),
    ],
)
def test_a_moment_that_cannot_be_read_says_what_would_be_right(text: Any, says: str) -> None:
    with pytest.raises(BadPhrase, match=f"^{re.escape(says)}"):
        moment(text)


words = st.sampled_from(
    [
        *(*WEEKDAYS, "working day", "2027-01-31", "9:00", "23:59", "24:00", "9", "", "soon", "."),
        *("person.birthday", "entry.a.b", "entry.", "30 days", "1 month", "2 working days"),
        *("before", "after"),
    ]
)


@settings(max_examples=500)
@example(" 9:00")
@given(st.lists(words, max_size=5).map(" ".join) | st.text(max_size=20))
def test_editors_take_what_the_checker_takes(text: str) -> None:
    """The schema's pattern and the reader agree; only the reader knows the calendar."""
    try:
        moment(text)
        is_read = True
    except BadPhrase:
        is_read = False
    assert is_read is bool(re.search(MOMENT_PATTERN, text))
