"""The phrases of the journey language: durations, shares, budgets, read from plain words."""

import calendar
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

EXACT = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
DURATION_PATTERN = r"^[1-9][0-9]{0,4} (minute|hour|day|week|month|year|working day)s?(?!\n)$"
DURATION_EXAMPLE = 'a duration is written like "30 minutes", "5 days", "1 month", "2 working days"'
_DURATION = re.compile(DURATION_PATTERN)
WITHIN_PATTERN = r"^within ([2-9]|[1-9][0-9]) hours(?!\n)$|^within [1-7] days?(?!\n)$"
WITHIN_EXAMPLE = 'a best time is written like "within 24 hours", of 2 to 99 hours or 1 to 7 days'
_WITHIN = re.compile(WITHIN_PATTERN)
SHARE_PATTERN = r"^(?!0+(\.0+)? )(100|[1-9]?[0-9](\.[0-9]{1,2})?) percent(?!\n)$"
SHARE_EXAMPLE = 'a share is written like "45 percent" or "33.33 percent", more than 0, at most 100'
_SHARE = re.compile(SHARE_PATTERN)
BUDGET_PATTERN = r"^(?!0+(\.0+)? )[0-9]{1,9}(\.[0-9]{2})? USD a month(?!\n)$"
BUDGET_EXAMPLE = 'a budget is written like "50 USD a month", in dollars because AWS bills dollars'
_BUDGET = re.compile(BUDGET_PATTERN)
WHOLE = 10_000  # all of them, in hundredths of a percent


class BadPhrase(ValueError):
    """A phrase that cannot be read; the text shows a right one."""


@dataclass(frozen=True)
class Duration:
    """A number of units: exact ones (a day is 24 hours) or by the calendar of a place."""

    amount: int
    unit: str

    @property
    def exact(self) -> timedelta | None:
        """The length, None where it hangs on the calendar."""
        unit = EXACT.get(self.unit)
        return unit * self.amount if unit else None

    @property
    def at_most(self) -> timedelta:
        """An upper bound of the length."""
        longest = {"month": 31, "year": 366, "working day": 4}
        return self.exact or timedelta(days=longest[self.unit] * self.amount)

    def after(self, start: datetime, zone: ZoneInfo) -> datetime:
        """The moment this long after `start`; months, years, working days by the wall clock in
        `zone` (31 January and 1 month is the last of February)."""
        exact = self.exact
        if exact is not None:
            return start + exact
        local = start.astimezone(zone)
        if self.unit == "working day":
            moved = _working_days(local, self.amount)
        else:
            moved = _months(local, self.amount * (12 if self.unit == "year" else 1))
        return moved.astimezone(start.tzinfo)

    def days_from(self, day: date, sign: int) -> date:
        """The day this long after a day (`sign` 1) or before it (-1), by the calendar. Raises
        ValueError or OverflowError outside the years 1 to 9999."""
        if self.exact is not None:
            return day + self.exact * sign
        start = datetime.combine(day, time())
        if self.unit == "working day":
            return _working_days(start, self.amount, sign).date()
        return _months(start, self.amount * (12 if self.unit == "year" else 1) * sign).date()


def _months(local: datetime, months: int) -> datetime:
    years, month = divmod(local.month - 1 + months, 12)
    year = local.year + years
    day = min(local.day, calendar.monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day)


def _working_days(local: datetime, amount: int, sign: int = 1) -> datetime:
    while amount:
        local += timedelta(days=sign)
        amount -= local.weekday() < 5
    return local


def duration(text: object) -> Duration:
    """Read "5 days". Raises BadPhrase."""
    if not isinstance(text, str) or not _DURATION.match(text):
        raise BadPhrase(f"{text!r} is not a duration; {DURATION_EXAMPLE}")
    amount, unit = text.split(" ", 1)
    found = Duration(int(amount), unit.removesuffix("s"))
    if found.at_most > timedelta(days=366 * 30):
        raise BadPhrase(f"{text!r} is longer than 30 years")
    return found


def within(text: object) -> timedelta:
    """Read "within 24 hours", 2 hours to 7 days. Raises BadPhrase."""
    if not isinstance(text, str) or not _WITHIN.match(text):
        raise BadPhrase(f"{text!r} is no best time; {WITHIN_EXAMPLE}")
    _, amount, unit = text.split(" ")
    return EXACT[unit.removesuffix("s")] * int(amount)


def share(text: object) -> int:
    """Read "45 percent", in hundredths of a percent. Raises BadPhrase."""
    if not isinstance(text, str) or not _SHARE.match(text):
        raise BadPhrase(f"{text!r} is not a share; {SHARE_EXAMPLE}")
    whole, _, rest = text.removesuffix(" percent").partition(".")
    return int(whole) * 100 + int(rest.ljust(2, "0"))


def budget(text: object) -> Decimal:
    """Read "50 USD a month", in dollars. Raises BadPhrase."""
    if not isinstance(text, str) or not _BUDGET.match(text):
        raise BadPhrase(f"{text!r} is no budget; {BUDGET_EXAMPLE}")
    return Decimal(text.split(" ")[0])
