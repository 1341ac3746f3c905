"""MOMENT: a weekday, a date or a date of somebody, at a clock time where the person is."""

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from functions.segments.operators import as_moment
from functions.segments.phrases import BadPhrase, Duration, duration

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAYS = {
    **{name: frozenset({number}) for number, name in enumerate(WEEKDAYS)},
    "working day": frozenset(range(5)),
}
ANY_DAY = frozenset(range(7))
BY_THE_CLOCK = ("minute", "hour")  # units that say a clock time themselves
NINE = time(9)
CLOCK = r"([01]?[0-9]|2[0-3]):[0-5][0-9]"
_LENGTH = r"[1-9][0-9]{0,4} (minute|hour|day|week|month|year|working day)s? (before|after) "
MOMENT_PATTERN = (
    rf"^({CLOCK}|({'|'.join(DAYS)}|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}"
    rf"|({_LENGTH})?(person|entry)(\.[^\s.]+)+)( {CLOCK})?)(?!\n)$"
)
MOMENT_EXAMPLE = (
    'a moment is written like "Monday 9:00", "working day 9:00", "2027-01-31 9:00", "18:30" or '
    '"30 days before entry.licence_ends 9:00"'
)
_CLOCK_TIME = re.compile(rf"{CLOCK}\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_OF_SOMEBODY = re.compile(r"((?P<length>.*) (?P<side>before|after) )?(?P<of>\S+)\Z")

ReadField = Callable[[str, str], list[Any]]  # ("person" or "entry", path) -> the values there


@dataclass(frozen=True)
class Moment:
    """A moment as it was written: one of `weekdays`, `day`, or the date in the field `path` of
    `of` ("person", "entry"), `shift` before or after it.

    `clock` is the time of day; None: the field's own, because `shift` is in hours or minutes.
    """

    clock: time | None
    weekdays: frozenset[int] = frozenset()
    day: date | None = None
    of: str = ""
    path: str = ""
    shift: Duration | None = None
    is_before: bool = False

    @property
    def comes_again(self) -> bool:
        """Whether there is always a next one, so that it can never have passed."""
        return bool(self.weekdays)

    @property
    def may_move(self) -> bool:
        """Whether it may become another one while somebody waits for it."""
        return self.of == "person"

    @property
    def at_most(self) -> timedelta:
        """An upper bound of the wait for a moment that comes again; of the others nothing is
        known, and it is zero."""
        longest = {5: 4, 7: 2}.get(len(self.weekdays), 8) if self.weekdays else 0
        return timedelta(days=longest)

    def resolve(self, now: datetime, zone: ZoneInfo, read: ReadField) -> datetime | None:
        """The moment (UTC) for somebody in `zone`; None when the field holds no date.

        A weekday is the next one after `now`, which may be later today.
        """
        try:
            if self.weekdays:
                return self._next(now, zone)
            if self.day:
                return at_clock(self.day, self.clock or NINE, zone)
            return self._of_field(zone, read(self.of, self.path))
        except (OverflowError, ValueError):  # before the year 1 or after 9999
            return None

    def _next(self, now: datetime, zone: ZoneInfo) -> datetime:
        today = now.astimezone(zone).date()
        candidates = (today + timedelta(days=number) for number in range(9))
        return next(
            moment
            for day in candidates
            if day.weekday() in self.weekdays
            and (moment := at_clock(day, self.clock or NINE, zone)) > now
        )

    def _of_field(self, zone: ZoneInfo, values: list[Any]) -> datetime | None:
        found = [moment for value in values if (moment := self._of_value(zone, value))]
        return min(found, default=None)

    def _of_value(self, zone: ZoneInfo, value: Any) -> datetime | None:
        day, moment = read_date(value, zone)
        if day is None:
            return None
        sign = -1 if self.is_before else 1
        if self.clock is None and self.shift:
            start = moment or at_clock(day, NINE, zone)
            return start + (self.shift.exact or timedelta()) * sign
        moved = self.shift.days_from(day, sign) if self.shift else day
        return at_clock(moved, self.clock or NINE, zone)


def read_date(value: Any, zone: ZoneInfo) -> tuple[date | None, datetime | None]:
    """The day in `zone` that a field's value means, and its time (UTC) where it has one. A date
    without a time is that day wherever somebody is."""
    if isinstance(value, str) and _DATE.match(value):
        return date.fromisoformat(value), None
    moment = as_moment(value)
    if moment is None:
        return None, None
    return moment.astimezone(zone).date(), moment.astimezone(UTC)


def at_clock(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """The moment (UTC) of a clock time in a zone. One that the clocks leave out is moved to the
    first that they show after it; of one that they show twice it is the first."""
    local = datetime.combine(day, clock, zone)
    first, second = local.astimezone(UTC), local.replace(fold=1).astimezone(UTC)
    # The two readings differ where clocks change; where they are put forward the second is earlier.
    return first if second >= first else change_of_clocks(second, first, zone)


def change_of_clocks(early: datetime, late: datetime, zone: ZoneInfo) -> datetime:
    """The moment (UTC, whole seconds) after `early`, at `late` the latest, at which the zone's
    clocks are changed."""
    before = early.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + timedelta(seconds=(late - early) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late


def moment(text: object) -> Moment:
    """Read "Monday 9:00". Raises BadPhrase."""
    if not isinstance(text, str) or text != text.strip():
        raise BadPhrase(f"{text!r} is not a moment; {MOMENT_EXAMPLE}")
    what, clock = split_clock(text)
    if what in DAYS or (clock and not what):
        return Moment(clock or NINE, weekdays=DAYS.get(what, ANY_DAY))
    if _DATE.match(what):
        return Moment(clock or NINE, day=_day(what))
    return _of_somebody(text, what, clock)


def split_clock(text: str) -> tuple[str, time | None]:
    """What is said before the clock time, and the clock time."""
    what, _, last = text.rpartition(" ")
    if not re.match(r"[0-9]+[:.h]?[0-9]*\Z", last):
        return text, None
    if not _CLOCK_TIME.match(last):
        raise BadPhrase(f'{text!r}: a clock time is written like "9:00" or "18:30", to 23:59')
    hour, minute = last.split(":")
    return what, time(int(hour), int(minute))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadPhrase(f"there is no day {text}") from None


def _of_somebody(text: str, what: str, clock: time | None) -> Moment:
    match = _OF_SOMEBODY.match(what)
    if match is None:
        raise BadPhrase(_no_moment(text, what))
    of, _, path = match["of"].partition(".")
    if of not in ("person", "entry") or not all(path.split(".")):
        raise BadPhrase(_no_moment(text, what) if not match["side"] else _no_field(text, match))
    if match["length"] is None:
        return Moment(clock or NINE, of=of, path=path)
    shift = duration(match["length"])
    by_the_clock = shift.unit in BY_THE_CLOCK
    if by_the_clock and clock:
        raise BadPhrase(
            f"{text!r}: hours and minutes count from the field's own time; leave the clock time "
            "away, or say days"
        )
    return Moment(
        None if by_the_clock else clock or NINE,
        of=of,
        path=path,
        shift=shift,
        is_before=match["side"] == "before",
    )


def _no_field(text: str, match: re.Match[str]) -> str:
    return (
        f'{text!r}: after "{match["side"]}" goes a date of the person or of the entering event, '
        'like "person.birthday" or "entry.licence_ends"'
    )


def _no_moment(text: str, what: str) -> str:
    close = difflib.get_close_matches(what.lower(), [day.lower() for day in DAYS], 1, 0.7)
    if close:
        [right] = [day for day in DAYS if day.lower() == close[0]]
        return f'{text!r} is not a moment; did you mean "{right}"?'
    return f"{text!r} is not a moment; {MOMENT_EXAMPLE}"
