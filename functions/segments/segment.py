"""segments.yaml: groups of people by name, each with a title and a condition."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from functions.segments import tally
from functions.segments.condition import (
    OUTCOMES,
    Path,
    Segment,
    condition,
    did_you_mean,
    mentioned_segments,
    names,
    parts_of,
)
from functions.segments.inputs import looks_at
from functions.segments.phrases import BadPhrase
from functions.segments.stage_words import NO_STAGES, StageNames, unknown_stages
from functions.segments.tallying import asks, tally_rules
from functions.segments.turning import turning

NAME = re.compile(r"^(?=.{1,60}\Z)[a-z0-9]+(-[a-z0-9]+)*\Z")
LONGEST_TITLE = 200
_WORDS = ("title", "who")
_OF_RUNS = ("in journey", "left journey")
Mistake = tuple[Path, str]  # the place in the file, and what would be right


def build(raw: Mapping[str, Any] | None) -> dict[str, Segment]:
    """The segments of a file that has no mistakes; None, an empty file, has none."""
    wanted = {name: one["who"] for name, one in (raw or {}).items()}
    return {
        name: Segment(
            title=one["title"],
            who=one["who"],
            holds=condition(one["who"]),
            turns=turning(one["who"]),
            needs=frozenset(rule.clause.key for rule in tally_rules(one["who"], wanted)),
            asks=asks(one["who"], wanted, ("may get", "unconfirmed", *_OF_RUNS)),
            asks_runs=asks(one["who"], wanted, _OF_RUNS),
            looks_at=looks_at(one["who"], wanted),
        )
        for name, one in (raw or {}).items()
    }


def mistakes(
    raw: Any,
    purposes: Collection[str],
    journeys: Mapping[str, Collection[str]],
    stages: StageNames = NO_STAGES,
) -> Iterator[Mistake]:
    """What is wrong in the file. `journeys` are those of the folder with their messages, `stages`
    those of lifecycle.yaml."""
    if not isinstance(raw, dict):
        if raw is not None:
            yield (), 'segments stand one below the other, like "customers: {title: ..., who: ...}"'
        return
    uses: dict[str, list[str]] = {}
    for name, one in raw.items():
        wrong = list(_of_form(name, one))
        yield from (((name, *path), text) for path, text in wrong)
        if wrong:
            continue
        for path, text in mistakes_of_condition(one["who"], purposes, journeys, raw, stages):
            yield (name, "who", *path), text
        uses[name] = mentioned_segments(one["who"])
    for circle in _circles(uses):
        words = " -> ".join(circle)
        yield (circle[0], "who"), f"it goes in a circle: {words}; one of them has to do without"


def _of_form(name: str, one: Any) -> Iterator[Mistake]:
    if not NAME.match(name):
        yield (
            (),
            f'"{name}" cannot be the name of a segment; it is written in at most 60 small letters, '
            'digits and hyphens, like "new-customers"',
        )
    if not isinstance(one, dict):
        yield (), f'"{name}" takes a title and who is in it: {{title: ..., who: ...}}'
        return
    for word in one:
        if word not in _WORDS:
            yield (word,), f'"{word}" is unknown here; {did_you_mean(word, _WORDS)}'
    title = one.get("title")
    if not isinstance(title, str) or not 0 < len(title) <= LONGEST_TITLE:
        yield ("title",), f'"title" is missing: a text of at most {LONGEST_TITLE} characters'
    if "who" not in one:
        yield (), '"who" is missing: the condition that is true for those in it'
        return
    try:
        condition(one["who"])
    except BadPhrase as error:
        yield ("who",), str(error)


def mistakes_of_condition(
    who: Any,
    purposes: Collection[str],
    journeys: Mapping[str, Collection[str]],
    segments: Collection[str],
    stages: StageNames = NO_STAGES,
    what: str = "segment",
) -> Iterator[Mistake]:
    """What only stands in a journey, and names that are not there; `what` the condition is of."""
    for path, one in parts_of(who):
        for word, text in (*_of_a_run(one, what), *_of_its_messages(one, journeys)):
            yield (*path, word), text
        purpose = one.get("purpose")
        if {"may get", "unconfirmed"} & one.keys() and purpose and purpose not in purposes:
            words = f'"{purpose}" is not a purpose in brand.yaml; {did_you_mean(purpose, purposes)}'
            yield (*path, "purpose"), words
    yield from unknown(who, segments, journeys, stages)


def _of_a_run(one: Mapping[str, Any], what: str) -> Iterator[tuple[str, str]]:
    """The words of a condition that speak of a run, which nobody is in here."""
    for word in ("entry", "cart"):
        if word in one:
            yield word, f'"{word}" speaks of a run, and a {what} of the person; write "person"'
    if "since" in one:
        yield "since", '"since: entry" speaks of a run; write "in the last", like "30 days"'
    if "same" in one:
        yield "same", '"same" compares with the event that began a run; write "where"'
    if "did" in one and (why_not := tally.refusal(dict(one))):
        yield "did", why_not
    if "may get" in one and "purpose" not in one:
        yield "may get", "say for which purpose, like {may get: email, purpose: offers}"


def _of_its_messages(
    one: Mapping[str, Any], journeys: Mapping[str, Collection[str]]
) -> Iterator[tuple[str, str]]:
    for word in OUTCOMES:
        for message in names(one[word]) if word in one else ():
            if "/" not in message:
                yield word, f'"{message}" is a message of a run; {_of_which(message, journeys)}'


def _of_which(message: str, journeys: Mapping[str, Collection[str]]) -> str:
    there = [f"{journey}/{message}" for journey, known in journeys.items() if message in known]
    if there:
        return f'did you mean "{there[0]}"?'
    return f'name its journey too, like "onboarding/{message}"'


def unknown(
    raw: Any,
    segments: Collection[str],
    journeys: Mapping[str, Collection[str]],
    stages: StageNames = NO_STAGES,
) -> Iterator[Mistake]:
    """The segments, journeys and stages that a condition names and that are not there, and
    messages of other journeys."""
    for path, one in parts_of(raw):
        for below, text in unknown_stages(one, stages):
            yield (*path, *below), text
        name = one.get("in segment")
        if name is not None and name not in segments:
            hint = did_you_mean(name, segments)
            yield (*path, "in segment"), f'there is no segment "{name}" in segments.yaml; {hint}'
        for word in ("in journey", "left journey"):
            if word in one and one[word] not in journeys:
                hint = did_you_mean(one[word], journeys)
                yield (*path, word), f'"{word}: {one[word]}": there is no such folder; {hint}'
        yield from _unknown_messages(path, one, journeys)


def _unknown_messages(
    path: Path, one: Mapping[str, Any], journeys: Mapping[str, Collection[str]]
) -> Iterator[Mistake]:
    for word in OUTCOMES:
        for message in names(one[word]) if word in one else ():
            journey, slash, _ = message.partition("/")
            if slash:
                yield from _unknown_message((*path, word), message, journey, journeys)


def _unknown_message(
    path: Path, message: str, journey: str, journeys: Mapping[str, Collection[str]]
) -> Iterator[Mistake]:
    known = [f"{journey}/{name}" for name in journeys.get(journey, ())]
    if message not in known:
        hint = did_you_mean(message, known or (f"{a}/{b}" for a in journeys for b in journeys[a]))
        yield path, f'there is no message "{message}"; {hint}'


def _circles(uses: Mapping[str, list[str]]) -> Iterator[list[str]]:
    """Each way from a segment through others back to it, told once: by the first in the file."""
    order = list(uses)
    for name in order:
        way = _way_back(name, uses)
        if way and order.index(name) == min(order.index(other) for other in way):
            yield way


def _way_back(name: str, uses: Mapping[str, list[str]]) -> list[str]:
    """The shortest such way, empty where there is none."""
    ways, seen = [[name]], {name}
    for way in ways:  # it grows as we go
        for used in uses.get(way[-1], ()):
            if used == name:
                return [*way, name]
            if used not in seen:
                seen.add(used)
                ways.append([*way, used])
    return []
