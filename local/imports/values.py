"""What the text of a cell means: numbers and dates as they are written in Germany and elsewhere."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import phonenumbers

from functions.tracking.client_time import moment_of
from functions.tracking.identity import normal_email

YES = {"1", "true", "yes", "y", "x", "ja", "j", "wahr", "on", "subscribed", "opted in", "opt-in"}
NO = {"0", "false", "no", "n", "nein", "falsch", "off", "unsubscribed", "opted out", "opt-out"}
_MONEY = re.compile(r"[€$£]|\b(?:EUR|USD|GBP|CHF)\b|[\s'\u00a0\u202f]")
_SIMPLE = re.compile(r"(-?[0-9]+)(?:[.,]([0-9]{1,2}))?")  # most numbers
_NUMBER = re.compile(r"[+-]?[0-9][0-9.,]*")
_GERMAN = re.compile(
    r"(\d{1,2})\.(\d{1,2})\.(\d{2,4})(?:,?\s+(\d{1,2}:\d{2}(?::\d{2})?)(?: Uhr)?)?"
)
_SLASHES = re.compile(
    r"(\d{1,2})/(\d{1,2})/(\d{2,4})(?:,?\s+(\d{1,2}:\d{2}(?::\d{2})?)\s*([AaPp][Mm])?)?"
)
_ZONE = re.compile(r" (UTC|GMT|[+-]\d{2}:?\d{2})$")
_INSIDE = re.compile(r".*[<(]([^<>()]+@[^<>()]+)[)>].*")  # Ada Arndt (ada@example.com)


class BadCell(ValueError):
    """The cell cannot be what it should be; the text says what would be right."""


@dataclass(frozen=True)
class Ways:
    """How a file writes: its decimal sign ("," or "."), whether the day or the month comes first
    in 1/2/2026 ("dmy", "mdy", "" where nothing tells), the time zone of times without one, and
    the country of phone numbers without one."""

    decimal: str = "."
    order: str = ""
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    country: str = "DE"


def text(cell: str, ways: Ways) -> str:
    """The text as it stands."""
    return cell


def email(cell: str, ways: Ways) -> str:
    """The address in small letters, also out of `Ada Arndt (ada@example.com)`."""
    inside = _INSIDE.fullmatch(cell)
    found = normal_email(inside[1] if inside else cell)
    if not found:
        raise BadCell("is not an e-mail address")
    return found


def phone(cell: str, ways: Ways) -> str:
    """The number as +4915112345678."""
    try:
        found = phonenumbers.parse(cell, ways.country)
    except phonenumbers.NumberParseException:
        raise BadCell("is not a phone number; write it like +49 151 12345678") from None
    if not phonenumbers.is_possible_number(found):
        raise BadCell("is not a phone number; write it like +49 151 12345678")
    return phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)


def yes_or_no(cell: str, ways: Ways) -> bool:
    """True or False."""
    word = cell.lower()
    if word not in YES | NO:
        raise BadCell('is neither "yes" nor "no"')
    return word in YES


def items(cell: str, ways: Ways) -> list[str]:
    """A list, cut at semicolons, or at commas where there is none."""
    parts = cell.split(";" if ";" in cell else ",")
    bare = (part.strip().strip('"') for part in parts)
    return [part for part in bare if part]


def _bare(cell: str) -> str:
    return _MONEY.sub("", cell).replace("−", "-")


def number(cell: str, ways: Ways) -> float | int:
    """1.234,56 or 1,234.56, with or without a currency: whole where it is whole."""
    if simple := _SIMPLE.fullmatch(cell):
        whole, rest = simple.groups()
        return float(f"{whole}.{rest}") if rest and rest.strip("0") else int(whole)
    plain = _bare(cell)
    if not _NUMBER.fullmatch(plain):
        raise BadCell("is not a number; write it like 1234.56 or 1.234,56")
    decimal = _decimal_sign(plain) or ways.decimal
    thousands = "," if decimal == "." else "."
    whole, _, rest = plain.partition(decimal)
    if thousands in rest or decimal in rest:
        raise BadCell("is not a number; write it like 1234.56 or 1.234,56")
    found = Decimal(f"{whole.replace(thousands, '')}.{rest or 0}")
    return int(found) if found == found.to_integral_value() else float(found)


def _decimal_sign(plain: str) -> str:
    """The decimal sign, if the number itself tells: "1.234" and "1,234" do not."""
    dots, commas = plain.count("."), plain.count(",")
    if dots and commas:
        return max(".,", key=plain.rfind)
    if dots > 1 or commas > 1:
        return "," if dots else "."
    if dots + commas == 1:
        sign = "." if dots else ","
        return "" if len(plain.rpartition(sign)[2]) == 3 else sign
    return ""


def moment(cell: str, ways: Ways) -> datetime:
    """A date, or a date and a time, in UTC: 2026-12-31, 31.12.2026 14:30, 12/31/2026 2:30 PM."""
    try:
        found = _moment(cell, ways)
    except (ValueError, OverflowError) as error:
        if isinstance(error, BadCell):
            raise
        raise BadCell("is not a date; write it like 2026-12-31 or 31.12.2026") from None
    return (found if found.tzinfo else found.replace(tzinfo=ways.zone)).astimezone(UTC)


def _moment(cell: str, ways: Ways) -> datetime:
    if german := _GERMAN.fullmatch(cell):
        day, month, year, clock = german.groups()
        return _date(year, month, day, clock or "")
    if slashes := _SLASHES.fullmatch(cell):
        first, second, year, clock, half = slashes.groups()
        if not ways.order:
            raise BadCell("may be day/month or month/day; say which with --dates dmy or mdy")
        day, month = (first, second) if ways.order == "dmy" else (second, first)
        return _date(year, month, day, clock or "", half or "")
    if cell.isdecimal() and len(cell) >= 10:
        return moment_of(int(cell))
    if zone := _ZONE.search(cell):
        name = "Z" if zone[1] in ("UTC", "GMT") else zone[1]
        cell = cell[: zone.start()] + name
    return datetime.fromisoformat(cell)


def _date(year: str, month: str, day: str, clock: str, half: str = "") -> datetime:
    if len(year) != 4:
        raise BadCell("has a year of less than four digits")
    hour, minute, *rest = (int(part) for part in (clock or "0:0").split(":"))
    if half:
        hour = hour % 12 + (12 if half.lower() == "pm" else 0)
    second = rest[0] if rest else 0
    # Without a zone: `moment` adds the file's.
    return datetime(int(year), int(month), int(day), hour, minute, second)  # noqa: DTZ001


def day(cell: str, ways: Ways) -> str:
    """A date as 2026-12-31; one that says its time is that day where it is said."""
    try:
        return _moment(cell, ways).date().isoformat()
    except (ValueError, OverflowError) as error:
        if isinstance(error, BadCell):
            raise
        raise BadCell("is not a date; write it like 2026-12-31 or 31.12.2026") from None


def decimal_signs(cells: Iterable[str]) -> set[str]:
    """The decimal signs that these numbers show."""
    return {sign for cell in cells if cell and (sign := _decimal_sign(_bare(cell)))}


def date_orders(cells: Iterable[str]) -> set[str]:
    """Whether dates with slashes show that the day comes first, or the month."""
    found = (match for cell in cells if (match := _SLASHES.fullmatch(cell)))
    return {
        "dmy" if int(match[1]) > 12 else "mdy"
        for match in found
        if max(int(match[1]), int(match[2])) > 12
    }
