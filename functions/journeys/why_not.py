"""Why not? Why a person who has no run of a journey has none, by what is known now."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from functions.journeys.decision import told
from functions.journeys.desk import Desk
from functions.journeys.enter import TOO_OLD_TO_ENTER, entry_key
from functions.journeys.entering import ALREADY, Looked
from functions.journeys.group import goes_before
from functions.journeys.happening import Happening
from functions.journeys.journey import Journey
from functions.journeys.run import Run, Told
from functions.journeys.standing import Standing
from functions.journeys.telling import way_in
from functions.journeys.why_words import said
from functions.segments.condition import Facts
from functions.segments.explain import explain
from functions.segments.operators import find
from functions.segments.person import fields
from functions.segments.spoken import Language, day, moment, quoted
from functions.tracking.event import Event
from functions.tracking.profile import Profile

Raw = dict[str, Any]


class Missing(msgspec.Struct, kw_only=True):
    """Why a person is not in a journey, the first reason first; empty when nothing is known.
    `asked` has the conditions that were asked, with the values used."""

    journey: str
    reasons: list[str]
    asked: list[Told] = []


@dataclass(frozen=True)
class _Asked:
    """A person who is not in a journey; `raw` is its file as plain values."""

    desk: Desk
    profile: Profile
    journey: Journey
    raw: Raw
    language: Language
    found: Missing

    def say(self, key: str, *values: str) -> str:
        return said(key, self.language, *values)

    def facts(self, entry: Event) -> Facts:
        """What conditions would look at, had this event let the person in."""
        run = Run(
            person=self.profile.person,
            run_id="",
            journey=self.journey.name,
            journey_version="",
            entered=entry.time,
            entry=entry,
        )
        permission = self.desk.permission(self.profile.person)
        return self.desk.facts(run, self.journey, self.profile, permission)

    def holds(self, raw: Raw, entry: Event) -> str:
        """The sentence of a condition when it does not hold, else "". It is shown in any case."""
        explained = explain(raw, self.facts(entry), self.language)
        self.found.asked.append(told(explained))
        return "" if explained.holds else explained.sentence


def why_not(
    desk: Desk, profile: Profile, journey: Journey, raw: Raw, language: Language
) -> Missing:
    """Why a person who has no run of a journey has none. `raw` is its file as plain values."""
    asked = _Asked(desk, profile, journey, raw, language, Missing(journey=journey.name, reasons=[]))
    entry = _newest_entry(asked)
    reasons = [*_closed(asked), *_way_in(asked, entry), *_kept_out(asked)]
    if "only if" in raw and entry:
        sentence = asked.holds(raw["only if"], entry)
        reasons += [asked.say("only if", sentence)] if sentence else []
    if entry and not reasons and journey.enter_when:
        name, on = quoted(entry.name, language), day(entry.time, language)
        reasons.append(asked.say("nothing against", name, on))
    asked.found.reasons += reasons
    return asked.found


def _newest_entry(asked: _Asked) -> Event | None:
    """The newest event of the person of a name that lets people in; one as it would be made,
    where they enter without an event."""
    now = asked.desk.now()
    blank = Event(type="track", message_id="", time=now, received_at=now)
    if asked.journey.enter_when is None:
        return blank if asked.journey.looked else None
    found = asked.facts(blank).events(asked.journey.enter_when.names, None)
    return max(found, key=lambda event: event.time, default=None)


def _closed(asked: _Asked) -> Iterator[str]:
    if asked.desk.is_closed(asked.journey.name):
        yield asked.say("closed")


def _way_in(asked: _Asked, entry: Event | None) -> Iterator[str]:
    """Why the way into the journey has not let the person in."""
    event, looked = asked.journey.enter_when, asked.journey.looked
    if event is None and looked is None:
        yield asked.say("not started")
    elif entry is None:
        yield asked.say("never", way_in(asked.raw["enter when"], asked.language))
    elif event:
        yield from _unfit(asked, event, entry)
    elif looked and looked.holds:
        yield _not_become_true(asked, entry)
    elif looked:
        yield _no_time(asked, looked)


def _unfit(asked: _Asked, event: Happening, entry: Event) -> Iterator[str]:
    """What is wrong with an event that did not let the person in."""
    language, journey = asked.language, asked.journey
    name, on = quoted(entry.name, language), day(entry.time, language)
    if not event.happened(entry, asked.facts(entry)):
        yield asked.say("unfit", name, on, way_in(asked.raw["enter when"], language))
    elif entry_key(journey, entry, entry.message_id) is None:
        yield asked.say("no key", name, on, quoted(journey.once_per, language))
    elif entry.received_at - entry.time > TOO_OLD_TO_ENTER:
        yield asked.say("came late", name, on)
    elif entry.is_quiet:
        yield asked.say("imported", name, on)


def _not_become_true(asked: _Asked, entry: Event) -> str:
    """People enter when the condition becomes true, and at no time after."""
    rule = asked.raw["enter when"]
    condition = {word: one for word, one in rule.items() if word != ALREADY}
    if sentence := asked.holds(condition, entry):
        return asked.say("not true", sentence)
    standing = asked.desk.store.get(Standing, asked.profile.person)
    was_true = standing is not None and standing.holds.get(asked.journey.name, False)
    return asked.say("true before" if was_true else "not looked", way_in(rule, asked.language))


def _no_time(asked: _Asked, looked: Looked) -> str:
    """When the date or the schedule lets the person in next, or that it does not."""
    now, zone = asked.desk.now(), asked.desk.zone(asked.profile)

    def read(of: str, path: str) -> list[Any]:
        return find(fields(asked.profile, now), path)

    said_so = way_in(asked.raw["enter when"], asked.language)
    if following := looked.next(now, zone, read):
        return asked.say("next time", moment(following.astimezone(zone), asked.language), said_so)
    passed = looked.date.resolve(now, zone, read) if looked.date else None
    if passed:
        return asked.say("time passed", moment(passed.astimezone(zone), asked.language), said_so)
    return asked.say("no time", said_so)


def _kept_out(asked: _Asked) -> Iterator[str]:
    """Whom the journey's other rules would not let in now."""
    journey, person = asked.journey, asked.profile.person
    if journey.limit and not journey.limit.has_a_place_for(person, journey.name):
        yield asked.say("no share")
    if rival := goes_before(asked.desk, asked.desk.permission(person), journey):
        yield asked.say("group", quoted(rival, asked.language))
