"""Schedules: what comes again, in the zone of the person, whatever the clocks do."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.segments.phrases import BadPhrase
from functions.segments.schedule import schedule

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ["Europe/Berlin", "America/New_York", "Pacific/Apia", "Asia/Kathmandu", "UTC"]
some_zone = st.sampled_from(ZONES).map(ZoneInfo)
some_time = st.integers(0, 16 * 365 * 24 * 60).map(
    lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
SCHEDULES = [
    *("day 9:00", "day", "day 2:30", "day 0:00", "day 23:59", "Monday 9:00", "working day 18:30"),
    *("1st of the month 9:00", "31st of the month 9:00", "last day of the month 0:00"),
    *("24 December 9:00", "29 February", "3 days before person.birthday 9:00"),
    *("person.birthday", "1 month after person.birthday 2:30", "2027-05-01 9:00"),
    *(
        "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
        "RRULE:FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=2;BYMINUTE=30",
    ),
]
some_schedule = st.sampled_from(SCHEDULES)
some_birthday = st.builds(
    lambda day, time: [f"{day}{time}"],
    st.dates(date(1900, 1, 1), date(2035, 1, 1)),
    st.sampled_from(["", "T05:00:00Z"]),
)


def after(text: str, now: datetime, zone: ZoneInfo = BERLIN, *values: Any) -> datetime | None:
    return schedule(text).next_after(now, zone, lambda of, path: list(values))


def local(text: str, now: str, *values: Any) -> str:
    found = after(text, datetime.fromisoformat(now).replace(tzinfo=BERLIN), BERLIN, *values)
    return f"{found.astimezone(BERLIN):%Y-%m-%d %H:%M}" if found else "never"


@given(some_schedule, some_time, some_zone, some_birthday)
def test_the_next_is_later_and_nothing_lies_between(
    text: str, now: datetime, zone: ZoneInfo, values: list[str]
) -> None:
    found = after(text, now, zone, *values)
    if found is None:
        assert text.startswith("2027")
        return
    assert found > now
    # Asked at any moment in between, it is the same one.
    for part in (0.001, 0.3, 0.7, 0.999):
        between = now + (found - now) * part
        if between < found and (found - between) > timedelta(seconds=1):
            assert after(text, between, zone, *values) == found


@given(some_schedule, some_time, some_zone, some_birthday)
def test_it_comes_again_and_again_and_never_twice_on_a_day(
    text: str, now: datetime, zone: ZoneInfo, values: list[str]
) -> None:
    found: datetime | None = now
    days: list[date] = []
    for _ in range(5):
        found = after(text, found, zone, *values) if found else None
        days += [found.astimezone(zone).date()] if found else []
    assert len(days) == len(set(days)) == (5 if not text.startswith("2027") else len(days))
    assert days == sorted(days)


@pytest.mark.parametrize(
    ("text", "now", "expected"),
    [
        ("day 9:00", "2027-03-01 09:00", "2027-03-02 09:00"),
        ("day 9:00", "2027-03-27 10:00", "2027-03-28 09:00"),
        ("day 2:30", "2027-03-27 10:00", "2027-03-28 03:00"),
        ("day 2:30", "2027-10-31 01:00", "2027-10-31 02:30"),
        ("Monday", "2027-03-01 09:00", "2027-03-08 09:00"),
        ("working day 8:00", "2027-03-05 09:00", "2027-03-08 08:00"),
        ("1st of the month 9:00", "2027-03-01 08:00", "2027-03-01 09:00"),
        ("31st of the month", "2027-04-01 08:00", "2027-04-30 09:00"),
        ("last day of the month", "2028-02-01 08:00", "2028-02-29 09:00"),
        ("24 December 18:00", "2027-12-24 18:00", "2028-12-24 18:00"),
        ("29 February", "2027-01-01 08:00", "2027-02-28 09:00"),
        ("2027-05-01 9:00", "2027-05-01 08:59", "2027-05-01 09:00"),
        ("2027-05-01 9:00", "2027-05-01 09:00", "never"),
        ("RRULE:FREQ=WEEKLY;BYDAY=TU", "2027-03-01 08:00", "2027-03-02 09:00"),
        ("RRULE:FREQ=DAILY;UNTIL=20270301", "2027-03-01 08:00", "never"),
    ],
)
def test_a_schedule_goes_by_the_clock_of_the_person(text: str, now: str, expected: str) -> None:
    assert local(text, now) == expected


@pytest.mark.parametrize(
    ("text", "value", "now", "expected"),
    [
        ("person.birthday", "1980-06-15", "2027-03-01 08:00", "2027-06-15 09:00"),
        (
            "3 days before person.birthday 8:00",
            "1980-01-02",
            "2027-03-01 08:00",
            "2027-12-30 08:00",
        ),
        ("person.birthday", "1980-02-29", "2027-02-01 08:00", "2027-02-28 09:00"),
        ("person.renewal", "2027-03-01", "2027-03-01 08:00", "2027-03-01 09:00"),
        ("person.first_order", "2027-03-01T05:00:00Z", "2027-03-01 08:00", "2028-03-01 09:00"),
        (
            "1 week after person.first_order",
            "2027-03-01T05:00:00Z",
            "2027-03-01 08:00",
            "2028-03-08 09:00",
        ),
        ("person.renewal", "2035-06-15", "2027-03-01 08:00", "2035-06-15 09:00"),
        ("person.birthday", "soon", "2027-03-01 08:00", "never"),
    ],
)
def test_a_date_of_the_person_comes_each_year(
    text: str, value: str, now: str, expected: str
) -> None:
    assert local(text, now, value) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("every day 9:00", 'leave "every" away'),
        ("24 Dec 9:00", 'did you mean "24 December"?'),
        ("31 April 9:00", "there is no 31 April"),
        ("day 25:00", "to 23:59"),
        ("32nd of the month", "is not a schedule"),
        ("400 days before person.birthday", "at most a year before or after"),
        ("entry.date", "nobody has an entry"),
        ("RRULE:FREQ=HOURLY", "DAILY is the most often"),
        ("RRULE:FREQ=DAILY;COUNT=3", "COUNT would count from"),
        ("RRULE:FREQ=DAILY;BYHOUR=9,18", "one clock time a day"),
        ("RRULE:nonsense", "is not a rule"),
        ("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "never comes"),
        (" day", "is not a schedule"),
        (9, "is not a schedule"),
        (["day"], "is not a schedule"),
    ],
)
def test_what_is_no_schedule_is_refused_with_what_is_right(text: Any, said: str) -> None:
    with pytest.raises(BadPhrase) as refused:
        schedule(text)
    assert said in str(refused.value)
