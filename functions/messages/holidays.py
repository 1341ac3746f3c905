"""Holidays of a country: days by date, days of every year, days counted from Easter, Sundays."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from functions.segments.phrases import BadPhrase

FROM_EASTER = {
    "Maundy Thursday": -3,
    "Good Friday": -2,
    "Easter Sunday": 0,
    "Easter Monday": 1,
    "Ascension Day": 39,
    "Whit Sunday": 49,
    "Whit Monday": 50,
    "Corpus Christi": 60,
}
EXAMPLE = f'a holiday is written like "12-25", "2027-12-25" or {", ".join(FROM_EASTER)}'
_ONE_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_EVERY_YEAR = re.compile(r"[0-9]{2}-[0-9]{2}\Z")
_LEAP_YEAR = 2000
SUNDAY = 6


@dataclass(frozen=True)
class Holidays:
    """Days on which nothing goes that needs consent: single `days`, (month, day) of `every_year`,
    numbers of days `from_easter`; `sundays` count too."""

    days: frozenset[date] = frozenset()
    every_year: frozenset[tuple[int, int]] = frozenset()
    from_easter: frozenset[int] = frozenset()
    sundays: bool = False

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and (
            day in self.days
            or (day.month, day.day) in self.every_year
            or (self.sundays and day.weekday() == SUNDAY)
            or (bool(self.from_easter) and (day - easter(day.year)).days in self.from_easter)
        )


def holidays(said: Iterable[object], sundays: bool = False) -> Holidays:
    """Read days in words. Raises BadPhrase."""
    days, every_year, from_easter = set(), set(), set()
    for one in said:
        if isinstance(one, str) and one in FROM_EASTER:
            from_easter.add(FROM_EASTER[one])
        elif isinstance(one, str) and _ONE_DAY.match(one):
            days.add(_date(one, one))
        elif isinstance(one, str) and _EVERY_YEAR.match(one):
            day = _date(f"{_LEAP_YEAR}-{one}", one)
            every_year.add((day.month, day.day))
        else:
            raise BadPhrase(f"{one!r} is no day; {EXAMPLE}")
    return Holidays(frozenset(days), frozenset(every_year), frozenset(from_easter), sundays)


def _date(text: str, said: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadPhrase(f'"{said}" is no day; {EXAMPLE}') from None


@cache
def easter(year: int) -> date:
    """Easter Sunday of the western churches, by the rule of Meeus, Jones and Butcher (J. Meeus,
    Astronomical Algorithms, chapter 8)."""
    century, rest = divmod(year, 100)
    leap, beyond = divmod(century, 4)
    moon = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * (year % 19) + century - leap - moon + 15) % 30
    quarter, left = divmod(rest, 4)
    weekday = (32 + 2 * beyond + 2 * quarter - epact - left) % 7
    late = (year % 19 + 11 * epact + 22 * weekday) // 451
    return date(year, 3, 22) + timedelta(days=epact + weekday - 7 * late)
