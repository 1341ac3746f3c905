"""Why a message waits under a limit, in words: kept in English by the ledger, told in German."""

import re
from collections.abc import Iterable
from datetime import datetime

from functions.segments.phrases import duration
from functions.segments.spoken import length

FULL = "limit reached"
ASLEEP = "asleep: no sign of life for a long time"
_NUMBERS = re.compile(rf"{FULL}: ([0-9]+) of ([0-9]+) in ([^,;]+)")
_GERMAN = (
    (re.compile(", as the person wished"), ", wie die Person es wünscht"),
    (re.compile(r", ([0-9]+) of a higher rank waiting"), r", \1 mit höherem Rang warten"),
    (re.compile("; next (?=[0-9-]{10} [0-9:]{5}$)"), "; wieder "),
)


def full(gone: int, at_most: int, within: str, about: Iterable[str], wished: bool) -> str:
    """ "limit reached: 3 of 3 in 7 days, sms"."""
    words = [f"{FULL}: {gone} of {at_most} in {within}", *filter(None, about)]
    return ", ".join([*words, "as the person wished"] if wished else words)


def behind(reason: str, ahead: int) -> str:
    """The same, where those that wait will take what is left."""
    return f"{reason}, {ahead} of a higher rank waiting"


def until(reason: str, there: datetime) -> str:
    """The same, and when it is tried again by the clock where the person is."""
    return f"{reason}; next {there:%Y-%m-%d %H:%M}"


def in_german(reason: str) -> str:
    """What the ledger says of a limit, in German."""
    for pattern, words in _GERMAN:
        reason = pattern.sub(words, reason)
    return _NUMBERS.sub(_numbers, reason)


def _numbers(match: re.Match[str]) -> str:
    gone, at_most, within = match.groups()
    return f"Grenze erreicht: {gone} von {at_most} je {length(duration(within), 'de')}"
