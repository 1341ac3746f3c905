"""How values are said in English and German: texts, numbers, dates, durations, lists."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

from functions.segments.operators import is_number
from functions.segments.phrases import Duration

Language = Literal["en", "de"]
LANGUAGES: tuple[Language, ...] = ("en", "de")

_QUOTES = {"en": ("“", "”"), "de": ("„", "“")}
_OR = {"en": "or", "de": "oder"}
_TRUTH = {"en": ("false", "true"), "de": ("falsch", "wahr")}
_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
}
# unit -> one, several, "of the last one" in German
_UNITS = {
    "minute": ("Minute", "Minuten", "der {} Minute"),
    "hour": ("Stunde", "Stunden", "der {} Stunde"),
    "day": ("Tag", "Tage", "des {} Tages"),
    "week": ("Woche", "Wochen", "der {} Woche"),
    "month": ("Monat", "Monate", "des {} Monats"),
    "year": ("Jahr", "Jahre", "des {} Jahres"),
    "working day": ("Arbeitstag", "Arbeitstage", "des {} Arbeitstages"),
}
_SIDE = {"last": "letzten", "next": "nächsten"}


def quoted(text: str, language: Language) -> str:
    """A text between the language's quotation marks; what would end it early is escaped."""
    begin, end = _QUOTES[language]
    safe = text.replace("\\", "\\\\").replace(end, f"\\{end}").replace("\n", "\\n")
    return f"{begin}{safe}{end}"


def number(value: Any, language: Language) -> str:
    """1234.5 is "1,234.5" in English and "1.234,5" in German; 2.0 is 2."""
    said = f"{Decimal(str(value)):,f}"
    if "." in said:
        said = said.rstrip("0").rstrip(".")
    if said == "-0":
        said = "0"
    return said if language == "en" else said.translate(str.maketrans(",.", ".,"))


def value(found: Any, language: Language) -> str:
    """Any value of a field: texts in quotation marks, so that a number is never taken for one."""
    if isinstance(found, bool):
        return _TRUTH[language][found]
    if is_number(found):
        return number(found, language)
    if isinstance(found, datetime):
        return moment(found, language)
    if isinstance(found, list | tuple):
        return ", ".join(value(item, language) for item in found)
    return quoted(str(found), language)


def either(said: Sequence[str], language: Language) -> str:
    """ "a", "a or b", "a, b or c"."""
    if len(said) < 2:
        return "".join(said)
    return f"{', '.join(said[:-1])} {_OR[language]} {said[-1]}"


def day(time: datetime, language: Language) -> str:
    """ "31 January 2027", "31. Januar 2027"."""
    month = _MONTHS[language].split()[time.month - 1]
    return f"{time.day}{'.' if language == 'de' else ''} {month} {time.year}"


def moment(time: datetime, language: Language) -> str:
    """Day and clock time with the zone, which is UTC where none is said."""
    between = {"en": "at", "de": "um"}[language]
    return f"{day(time, language)} {between} {_clock(time)}"


def _clock(time: datetime) -> str:
    offset = time.strftime("%z") if time.utcoffset() else ""
    zone = f"UTC{offset[:3]}:{offset[3:]}" if offset else "UTC"
    exactness = "%H:%M:%S.%f" if time.microsecond else "%H:%M:%S" if time.second else "%H:%M"
    return f"{time.strftime(exactness)} {zone}"


def written_date(time: datetime, language: Language) -> str:
    """A date as someone wrote it: the day alone where it is a midnight in UTC."""
    is_day = time == time.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC)
    return day(time, language) if is_day else moment(time, language)


def length(duration: Duration, language: Language) -> str:
    """ "5 days", "5 Tage"."""
    one = duration.amount == 1
    if language == "en":
        return f"{duration.amount} {duration.unit}{'' if one else 's'}"
    return f"{duration.amount} {_UNITS[duration.unit][0 if one else 1]}"


def within(side: Literal["last", "next"], duration: Duration, language: Language) -> str:
    """ "the last 5 days", "der letzten 5 Tage", "des letzten Tages"."""
    one = duration.amount == 1
    if language == "en":
        return f"the {side} {duration.unit if one else length(duration, 'en')}"
    if one:
        return _UNITS[duration.unit][2].format(_SIDE[side])
    return f"der {_SIDE[side]} {length(duration, 'de')}"
