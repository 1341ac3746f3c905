"""Figures of a forecast in words: ranges, shares, lengths of time, days."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from functions.forecast.report import Number, Range
from functions.segments.spoken import day as said_day
from functions.segments.spoken import number

CHANNELS = {"email": ("e-mail", "e-mails"), "sms": ("text message", "text messages")}
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_UNITS = ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute"))


def amount(figure: Number) -> str:
    """ "1,234", "0.5"."""
    return number(figure, "en")


def money(figure: Number) -> str:
    """ "1,234.50"; from a thousand on without cents."""
    return f"{figure:,.0f}" if figure >= 1000 else f"{figure:,.2f}"


def between(found: Range) -> str:
    """ "860 (820 to 910)"; the figure alone where the draws agree."""
    if found.low == found.high:
        return amount(found.likely)
    return f"{amount(found.likely)} ({amount(found.low)} to {amount(found.high)})"


def money_between(found: Range) -> str:
    """ "860.00 (820.00 to 910.00)"."""
    low, likely, high = map(money, (found.low, found.likely, found.high))
    return likely if low == high else f"{likely} ({low} to {high})"


def many(found: Range, one: str, more: str) -> str:
    """ "1 person", "860 people (820 to 910)"."""
    said = f"{amount(found.likely)} {one if found.likely == 1 else more}"
    if found.low == found.high:
        return said
    return f"{said} ({amount(found.low)} to {amount(found.high)})"


def in_channel(channel: str, found: Range) -> str:
    """ "1 e-mail", "860 text messages (820 to 910)"."""
    one, more = CHANNELS.get(channel, (f"message by {channel}", f"messages by {channel}"))
    return many(found, one, more)


def share(part: Number, whole: Number) -> str:
    """ "12 %"; "under 1 %" for what is more than nothing."""
    if not whole:
        return "0 %"
    percent = 100 * part / whole
    if 0 < percent < 1:
        return "under 1 %"
    return f"{min(round(percent), 99) if part < whole else round(percent)} %"


def time(seconds: Number | None) -> str:
    """ "2 days", "5.5 hours", "at once"; "" where nothing is known."""
    if seconds is None:
        return ""
    for length, unit in _UNITS:
        if seconds >= 0.95 * length:
            said = f"{seconds / length:.1f}".removesuffix(".0")
            return f"{said} {unit}{'' if said == '1' else 's'}"
    return "at once" if seconds < 1 else f"{seconds:.0f} s"


def on_day(day: str) -> str:
    """ "24 November 2026" of a day as ISO writes it."""
    return said_day(datetime.combine(date.fromisoformat(day), datetime.min.time()), "en")


def at(moment: datetime, zone: str) -> str:
    """ "24 November 2026, 09:00" by the clock of the zone."""
    there = moment.astimezone(ZoneInfo(zone))
    return f"{said_day(there, 'en')}, {there:%H:%M}"
