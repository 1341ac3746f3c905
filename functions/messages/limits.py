"""limits.yaml: how often people hear from us, when not in their country, and when no more."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from functions.messages.brand import Brand
from functions.messages.holidays import Holidays, holidays
from functions.messages.hours import Times
from functions.segments.hours import Hours, hours
from functions.segments.phrases import BadPhrase, duration
from functions.tracking.permission import COUNTED_FOR, MOST_COUNTED
from functions.tracking.wishes import Wishes

HOLD, DROP = "hold", "drop"
AT_MOST_EXAMPLE = (
    f'a limit is written like "3 in 7 days": up to {MOST_COUNTED} messages in up to '
    f"{COUNTED_FOR.days} days"
)
BY_WISH = {"weekly": "7 days", "monthly": "30 days"}  # of the preference page


@dataclass(frozen=True)
class Cap:
    """At most so many messages in any time of this length; "" of channel, purpose or kind: all.
    `said` is the length in the file's words, `by_wish`: the person asked for it."""

    at_most: int
    within: timedelta
    said: str
    channel: str = ""
    purpose: str = ""
    kind: str = ""
    by_wish: bool = False

    def counts(self, channel: str, kind: str, purpose: str) -> bool:
        """Whether such a message is one of those that are limited."""
        return (
            self.channel in ("", channel)
            and self.purpose in ("", purpose)
            and self.kind in ("", kind)
        )


@dataclass(frozen=True)
class Country:
    """When people there get nothing that needs consent; `quiet` None: in the brand's hours."""

    quiet: Hours | None
    holidays: Holidays


@dataclass(frozen=True)
class Sunset:
    """Who got `messages` since their last sign of life, which is `after` ago, gets no more but
    those of the journey `ask`, which asks whether they want to stay ("" for none)."""

    after: timedelta
    messages: int
    ask: str = ""


@dataclass(frozen=True)
class Calm:
    """People of a segment hear from us less often, and in shorter mails where there are any."""

    segment: str
    cap: Cap | None
    short: bool


@dataclass(frozen=True)
class Limits:
    """limits.yaml, ready to use. `priority` names journeys and messages, the first goes before the
    others; `country` is that of people of whom none is known."""

    caps: tuple[Cap, ...] = ()
    when_full: Literal["hold", "drop"] = "hold"
    hold_at_most: timedelta = timedelta(days=3)
    priority: tuple[str, ...] = ()
    country: str = ""
    countries: Mapping[str, Country] = field(default_factory=dict)
    sunset: Sunset | None = None
    calm: Calm | None = None

    def rank(self, journey: str, message: str) -> int:
        """The place in the priority: a smaller one goes before; of what is not named the last."""
        places = [self.priority.index(one) for one in (journey, message) if one in self.priority]
        return min(places, default=len(self.priority))

    def caps_for(self, is_calm: bool, wishes: Wishes | None) -> tuple[Cap, ...]:
        """All that limit a person: those of everybody, of a calm one, and what they wished."""
        found = self.caps
        if is_calm and self.calm and self.calm.cap:
            found = (*found, self.calm.cap)
        often = BY_WISH.get(wishes.how_often) if wishes else None
        return (*found, _cap(1, often, by_wish=True)) if often else found

    def times(self, brand: Brand, purpose: str, only: Hours | None, country: str) -> Times:
        """When messages of a purpose may go in a country: its quiet hours stand for the brand's,
        its holidays are added."""
        usual, there = brand.times(purpose, only), self.countries.get(country)
        if there is None or not brand.must_be_allowed(purpose):
            return usual
        free = Holidays(
            brand.days_off | there.holidays.days,
            there.holidays.every_year,
            there.holidays.from_easter,
            there.holidays.sundays,
        )
        return Times(only, there.quiet or usual.quiet, free)


NO_LIMITS = Limits()


def at_most(text: object) -> tuple[int, str]:
    """Read "3 in 7 days": how many, and the length in words. Raises BadPhrase."""
    number, _, length = text.partition(" in ") if isinstance(text, str) else ("", "", "")
    try:
        exact = duration(length).exact
    except BadPhrase:
        exact = None
    if not number.isascii() or not number.isdigit() or exact is None:
        raise BadPhrase(f"{text!r} is no limit; {AT_MOST_EXAMPLE}")
    if not 1 <= int(number) <= MOST_COUNTED or exact > COUNTED_FOR:
        raise BadPhrase(f'"{text}" is more than we count; {AT_MOST_EXAMPLE}')
    return int(number), length


def _cap(number: int, length: str, **about: Any) -> Cap:
    return Cap(number, duration(length).at_most, length, **about)


def cap(raw: Mapping[str, Any]) -> Cap:
    """An item of `caps`. Raises BadPhrase."""
    number, length = at_most(raw.get("at most"))
    about = {"channel": raw.get("channel", ""), "purpose": raw.get("purpose", "")}
    return _cap(number, length, **about, kind=raw.get("class", ""))


def build(raw: Mapping[str, Any] | None) -> Limits:
    """What a file without mistakes says; without a file nothing is limited."""
    raw = raw or {}
    return Limits(
        caps=tuple(cap(one) for one in raw.get("caps", ())),
        when_full=raw.get("when full", HOLD),
        hold_at_most=duration(raw.get("hold at most", "3 days")).at_most,
        priority=tuple(raw.get("priority", ())),
        country=raw.get("country", ""),
        countries={name: _country(one) for name, one in raw.get("countries", {}).items()},
        sunset=_sunset(raw["sunset"]) if "sunset" in raw else None,
        calm=_calm(raw["calm"]) if "calm" in raw else None,
    )


def _country(raw: Mapping[str, Any]) -> Country:
    quiet = hours(raw["quiet hours"]) if "quiet hours" in raw else None
    return Country(quiet, holidays(raw.get("holidays", ()), raw.get("sundays") == "quiet"))


def _sunset(raw: Mapping[str, Any]) -> Sunset:
    return Sunset(duration(raw["after"]).at_most, raw["messages"], raw.get("ask", ""))


def _calm(raw: Mapping[str, Any]) -> Calm:
    less = cap({"at most": raw["at most"]}) if "at most" in raw else None
    return Calm(raw["segment"], less, raw.get("short", False))
