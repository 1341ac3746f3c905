"""What is wrong in limits.yaml: the place in the file, and what would be right."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from functions.messages import breaker_rules, patience_rules
from functions.messages.brand import Brand
from functions.messages.holidays import holidays
from functions.messages.limits import DROP, HOLD, at_most
from functions.segments.condition import did_you_mean
from functions.segments.hours import hours
from functions.segments.phrases import BadPhrase, duration
from functions.segments.segment import Mistake
from functions.tracking.message import KINDS

COUNTRY = re.compile(r"[A-Z]{2}\Z")
MOST_MESSAGES = 1000
_CHANNELS = ("email", "sms")
_COUNTRY_RULE = 'a country is written as two capital letters, like "DE" (ISO 3166-1)'


@dataclass(frozen=True)
class Named:
    """What the file may name: the brand's purposes, segments, and journeys with their messages."""

    brand: Brand
    segments: Collection[str]
    journeys: Mapping[str, Collection[str]]


def mistakes(raw: Any, named: Named) -> Iterator[Mistake]:
    """All that is wrong in the file; a missing file limits nothing."""
    if raw is None:
        return
    if not isinstance(raw, dict):
        yield (), 'limits are named, like "caps: [{at most: 3 in 7 days}]"'
        return
    for word, value in raw.items():
        part = _PARTS.get(word)
        if part is None:
            yield (word,), f'"{word}" is unknown here; {did_you_mean(str(word), list(_PARTS))}'
        else:
            yield from (((word, *path), words) for path, words in part(value, named))
    if "priority" in raw and "caps" not in raw and "calm" not in raw:
        yield ("priority",), '"priority" says who goes first under "caps", of which there are none'


def _phrase(read: Callable[[Any], object], value: Any) -> Iterator[Mistake]:
    try:
        read(value)
    except BadPhrase as error:
        yield (), str(error)


def _below(word: str | int, found: Iterator[Mistake]) -> Iterator[Mistake]:
    return (((word, *path), words) for path, words in found)


def _words(value: Any, known: Collection[str], needed: Collection[str], like: str) -> list[Mistake]:
    """What is wrong with the words of a mapping, whatever stands behind them."""
    if not isinstance(value, dict):
        return [((), f"is written like {like}")]
    unknown = [word for word in value if word not in known]
    found: list[Mistake] = [
        ((word,), f'"{word}" is unknown here; {did_you_mean(str(word), list(known))}')
        for word in unknown
    ]
    return found + [
        ((), f'"{word}" is missing, like in {like}') for word in needed if word not in value
    ]


def _one_of(value: Any, known: Collection[str], what: str) -> Iterator[Mistake]:
    if not isinstance(value, str) or value not in known:
        yield (), f"{value!r} is no {what}; {did_you_mean(str(value), list(known))}"


def _caps(value: Any, named: Named) -> Iterator[Mistake]:
    if not isinstance(value, list):
        yield (), 'is a list; begin each item with a hyphen, like "- at most: 3 in 7 days"'
        return
    for index, one in enumerate(value):
        yield from _below(index, _cap(one, named))


def _cap(one: Any, named: Named) -> Iterator[Mistake]:
    like = '"at most: 1 in 1 day, channel: sms"'
    wrong = _words(one, ("at most", "channel", "purpose", "class"), ("at most",), like)
    yield from wrong
    if wrong:
        return
    yield from _below("at most", _phrase(at_most, one["at most"]))
    if "channel" in one:
        yield from _below("channel", _one_of(one["channel"], _CHANNELS, "channel"))
    if "class" in one:
        yield from _below("class", _one_of(one["class"], KINDS, "class"))
    if "purpose" not in one:
        return
    purpose, needs = one["purpose"], named.brand.needs_consent
    yield from _below("purpose", _one_of(purpose, needs, "purpose of brand.yaml"))
    if not needs.get(purpose, True):
        words = "needs no consent, and is never limited; limits are for what does"
        yield ("purpose",), f'"{purpose}" {words}'


def _when_full(value: Any, named: Named) -> Iterator[Mistake]:
    return _one_of(value, (HOLD, DROP), "way of going on")


def _hold_at_most(value: Any, named: Named) -> Iterator[Mistake]:
    return _phrase(duration, value)


def _priority(value: Any, named: Named) -> Iterator[Mistake]:
    if not isinstance(value, list):
        yield (), 'is a list of journeys and messages, like "[winback, upsell]"'
        return
    known = {*named.journeys, *(one for there in named.journeys.values() for one in there)}
    for index, one in enumerate(value):
        yield from _below(index, _one_of(one, sorted(known), "journey or message"))
        if one in value[:index]:
            yield (index,), f'"{one}" stands there twice'


def _country_name(value: Any, named: Named) -> Iterator[Mistake]:
    if not isinstance(value, str) or not COUNTRY.match(value):
        yield (), f"{value!r}: {_COUNTRY_RULE}"


def _countries(value: Any, named: Named) -> Iterator[Mistake]:
    if not isinstance(value, dict):
        yield (), 'countries stand one below the other, like "DE: {sundays: quiet}"'
        return
    for name, one in value.items():
        yield from _below(name, _country_name(name, named))
        yield from _below(name, _country(one, named))


def _country(one: Any, named: Named) -> Iterator[Mistake]:
    like = '"{quiet hours: 20:00 to 8:00, holidays: [Good Friday, 12-25], sundays: quiet}"'
    wrong = _words(one, ("quiet hours", "holidays", "sundays"), (), like)
    yield from wrong
    if wrong:
        return
    if "quiet hours" in one:
        yield from _below("quiet hours", _phrase(hours, one["quiet hours"]))
    if "sundays" in one and one["sundays"] != "quiet":
        yield ("sundays",), 'write "sundays: quiet", or nothing'
    days = one.get("holidays", [])
    if not isinstance(days, list):
        yield ("holidays",), f"is a list of days, like in {like}"
        return
    for index, day in enumerate(days):
        yield from _below("holidays", _below(index, _phrase(_day, day)))


def _day(day: object) -> object:
    return holidays([day])


def _sunset(value: Any, named: Named) -> Iterator[Mistake]:
    like = '"{after: 180 days, messages: 20}"'
    wrong = _words(value, ("after", "messages", "ask"), ("after", "messages"), like)
    yield from wrong
    if wrong:
        return
    yield from _below("after", _phrase(duration, value["after"]))
    number = value["messages"]
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= MOST_MESSAGES:
        yield ("messages",), f'"messages" is a number from 1 to {MOST_MESSAGES}'
    if "ask" in value:
        yield from _below("ask", _one_of(value["ask"], named.journeys, "journey"))


def _calm(value: Any, named: Named) -> Iterator[Mistake]:
    like = '"{segment: occasional-buyers, at most: 1 in 14 days, short: true}"'
    wrong = _words(value, ("segment", "at most", "short"), ("segment",), like)
    yield from wrong
    if wrong:
        return
    yield from _below("segment", _one_of(value["segment"], named.segments, "segment"))
    if "at most" in value:
        yield from _below("at most", _phrase(at_most, value["at most"]))
    if not isinstance(value.get("short", False), bool):
        yield ("short",), '"short" is true or false'
    if "at most" not in value and not value.get("short"):
        yield (), 'says nothing without "at most" or "short: true"'


_PARTS: dict[str, Callable[[Any, Named], Iterator[Mistake]]] = {
    "caps": _caps,
    "when full": _when_full,
    "hold at most": _hold_at_most,
    "priority": _priority,
    "country": _country_name,
    "countries": _countries,
    "sunset": _sunset,
    "calm": _calm,
    breaker_rules.WORD: lambda value, named: breaker_rules.mistakes(value),
    patience_rules.WORD: lambda value, named: patience_rules.mistakes(value),
}
