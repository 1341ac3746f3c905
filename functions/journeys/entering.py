"""Ways into a journey: an event, or what has to be looked for, such as the coming of a date."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from functions.journeys.happening import Happening, happening
from functions.segments.condition import READERS, Condition, Facts, condition, event_test
from functions.segments.moment import Moment, ReadField, moment
from functions.segments.phrases import WHOLE, BadPhrase, share
from functions.segments.schedule import Schedule, schedule
from functions.segments.turning import refuse_of_a_run, turning
from functions.tracking.identity import short_hash

ALREADY = "including those already"
PLACE = "enter when"
MOST_AN_HOUR = 10_000_000
POINTS = 2**64  # as many values as short_hash has


@dataclass(frozen=True)
class Looked:
    """A way in that no event opens by itself, so that people are looked at: one of a condition
    that becomes true, a date of the person, a schedule.

    `already` lets those in for whom the condition is true at the first publish; `hash` tells
    whether two versions of a journey have the same way in.
    """

    hash: str
    holds: Condition | None = None
    turns: Callable[[Facts], datetime | None] = lambda facts: None
    date: Moment | None = None
    every: Schedule | None = None
    already: bool = False

    def next(self, after: datetime, zone: ZoneInfo, read: ReadField) -> datetime | None:
        """The first moment after `after` at which the date or the schedule lets in."""
        if self.every:
            return self.every.next_after(after, zone, read)
        found = self.date.resolve(after, zone, read) if self.date else None
        return found if found and found > after else None


def entering(raw: Any) -> Happening | Looked:
    """`enter when`. Raises BadPhrase."""
    if not isinstance(raw, dict):
        raise BadPhrase(f"{raw!r} is not a way in, which is written like {{event: Signed Up}}")
    if "event" in raw:
        if ALREADY in raw:
            raise BadPhrase(f'"{ALREADY}" goes beside a condition; an event is never already true')
        event_test(raw)
        return happening(raw)
    way = short_hash(json.dumps(raw, sort_keys=True))
    if "date" in raw or "every" in raw:
        return _by_the_calendar(raw, way)
    return _by_condition(raw, way)


def _by_the_calendar(raw: dict[str, Any], way: str) -> Looked:
    word = "date" if "date" in raw else "every"
    more = [other for other in raw if other != word]
    if ALREADY in more:
        raise BadPhrase(f'"{ALREADY}" goes beside a condition, not beside "{word}"')
    if more and more[0] in READERS:
        raise BadPhrase(f'"{more[0]}" does not go beside "{word}"; write it under "only if"')
    if more:
        raise BadPhrase(f'"{more[0]}" does not go beside "{word}"')
    if word == "every":
        return Looked(way, every=schedule(raw[word]))
    date = moment(raw[word])
    if date.of != "person":
        hint = (
            "nobody has an entry before they enter"
            if date.of
            else f'that is a day of the calendar; write "every: {raw[word]}"'
        )
        raise BadPhrase(f'"date" takes a date of the person, like "person.trial_ends": {hint}')
    return Looked(way, date=date)


def _by_condition(raw: dict[str, Any], way: str) -> Looked:
    already = raw.get(ALREADY, False)
    if not isinstance(already, bool):
        raise BadPhrase(f'"{ALREADY}" is true or false')
    rest = {word: value for word, value in raw.items() if word != ALREADY}
    holds = condition(rest)
    refuse_of_a_run(rest, PLACE)
    return Looked(way, holds=holds, turns=turning(rest), already=already)


@dataclass(frozen=True)
class Limit:
    """How many may come in: a lasting part of all people, and so many in an hour (0: any)."""

    share: int = WHOLE  # in hundredths of a percent
    per_hour: int = 0

    def has_a_place_for(self, person: str, journey: str) -> bool:
        """Whether the person (their key) belongs to the part. A larger share keeps those of the
        smaller one."""
        return int(short_hash(person, f"limit {journey}"), 16) * WHOLE // POINTS < self.share


def limit(raw: Any) -> Limit:
    """`limit`. Raises BadPhrase."""
    if not isinstance(raw, dict) or not raw:
        raise BadPhrase(
            '"limit" is written like {share: 45 percent, per hour: 200}, or one of both'
        )
    for word in raw:
        if word not in ("share", "per hour"):
            raise BadPhrase(f'"{word}" is unknown beside "limit"; here go: share, per hour')
    number = raw.get("per hour", 0)
    if "per hour" in raw and (isinstance(number, bool) or not isinstance(number, int)):
        raise BadPhrase(f'"per hour" takes a whole number, not {number!r}')
    if "per hour" in raw and not 1 <= number <= MOST_AN_HOUR:
        raise BadPhrase(f'"per hour" is a number from 1 to {MOST_AN_HOUR}')
    return Limit(share(raw["share"]) if "share" in raw else WHOLE, number)
