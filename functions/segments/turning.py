"""When a condition may next change its answer although no event comes: by the passing of time."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from functions.segments import tally
from functions.segments.condition import Facts, event_values, names, of_segment
from functions.segments.operators import as_moment, find
from functions.segments.person import fields
from functions.segments.phrases import BadPhrase, duration

Raw = dict[str, Any]
JUST_AFTER = timedelta(microseconds=1)  # the last moment of a span still belongs to it
UNKNOWN = timedelta(days=1)  # between looks at a condition of which nothing better is known
COMBINED = ("all of", "any of", "none of")
TIMELESS = ("may get", "sent", "opened", "clicked", "bounced", "in journey", "left journey")


def turns_at(raw: Raw, facts: Facts) -> datetime | None:
    """The first moment after `facts.now` at which the condition may become true or false while
    no event comes; None: never. It may be too early, never too late.

    Takes the YAML of a condition that passed the checks. Each of its tests is true or false
    between the moments at which it changes, so the whole is, too.
    """
    return min((moment for moment in _moments(raw, facts) if moment > facts.now), default=None)


def of_a_run(raw: Any) -> str:
    """The first word in a condition that only makes sense for a run under way, "" when there is
    none. Nobody is in a run before they enter."""
    if isinstance(raw, list):
        return next(filter(None, map(of_a_run, raw)), "")
    if not isinstance(raw, dict):
        return ""
    for word in ("entry", "cart", "same"):
        if word in raw:
            return word
    if raw.get("since") == "entry":
        return "since: entry"
    for word in ("sent", "opened", "clicked", "bounced"):
        own = [name for name in names(raw[word]) if "/" not in name] if word in raw else []
        if own:
            return f"{word}: {own[0]}"
    return next(filter(None, (of_a_run(raw.get(word)) for word in COMBINED)), "")


def _moments(raw: Raw, facts: Facts) -> Iterator[datetime]:
    """Moments at which a test in the condition changes; some may have passed."""
    for word in COMBINED:
        for part in raw.get(word, ()):
            yield from _moments(part, facts)
    if "person" in raw:
        known = fields(facts.profile)
        yield from _of_fields(raw["person"], lambda path: find(known, path))
    elif "did" in raw:
        yield from _of_events(raw, facts)
    elif "in segment" in raw and raw["in segment"] in facts.segments:
        yield from _moments(dict(facts.segments[raw["in segment"]].who), of_segment(facts))
    elif not any(word in raw for word in (*COMBINED, *TIMELESS)):
        yield facts.now + UNKNOWN  # what nobody knows better is looked at each day


def _of_fields(tests: Raw, values: Callable[[str], list[Any]]) -> Iterator[datetime]:
    for path, test in tests.items():
        if isinstance(test, dict):
            for value in values(path):
                for one in value if isinstance(value, list) else [value]:
                    yield from _of_test(test, as_moment(one))


def _of_test(test: Raw, moment: datetime | None) -> Iterator[datetime]:
    """When "in the last" and "in the next" begin and cease to hold for a date."""
    if moment is None:
        return
    try:
        if "in the last" in test:
            yield moment
            yield moment + duration(test["in the last"]).at_most + JUST_AFTER
        if "in the next" in test:
            yield moment - duration(test["in the next"]).at_most
            yield moment + JUST_AFTER
    except OverflowError:
        return  # before the year 1 or after 9999


def _of_events(raw: Raw, facts: Facts) -> Iterator[datetime]:
    """When events leave the span of `in the last`, and when a test in `where` changes."""
    span = duration(raw["in the last"]).at_most if "in the last" in raw else None
    timely = isinstance(raw.get("where"), dict) and any(
        isinstance(test, dict) and ("in the last" in test or "in the next" in test)
        for test in raw["where"].values()
    )
    if span is None and not timely:
        return
    clause = tally.of_did(raw)
    kept = facts.tally(clause) if clause else None
    if kept is not None and span:
        yield from (time + span + JUST_AFTER for time in kept.latest)
        return
    since = facts.now - span if span else None
    for event in facts.events(names(raw["did"]), since):
        if span:
            yield event.time + span + JUST_AFTER
        if timely:
            yield from _of_fields(raw["where"], partial(event_values, event))


def refuse_of_a_run(raw: Any, place: str) -> None:
    """Raises BadPhrase where a condition speaks of a run although there is none yet."""
    word = of_a_run(raw)
    if not word:
        return
    if word == "same":
        raise BadPhrase(f'"same" in "{place}" compares with an entering event, and there is none')
    hint = ""
    if ": " in word and not word.startswith("since"):
        first, _, message = word.partition(": ")
        hint = f'; name the journey as well, like "{first}: onboarding/{message}"'
    raise BadPhrase(
        f'"{word}" speaks of a run, and nobody is in one before they enter; '
        f'"{place}" takes what is true of the person{hint}'
    )
