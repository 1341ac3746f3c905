"""Which tallies a condition needs, and taking new events into those of a profile."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from functions.segments import tally
from functions.segments.condition import OUTCOMES, event_test, mentioned_segments, parts_of
from functions.segments.tally import Clause, TallyRule
from functions.tracking.event import Event
from functions.tracking.fold import MOST_NAMES
from functions.tracking.profile import Profile
from functions.tracking.tally import Tally, counted

Segments = Mapping[str, Any]  # name -> the condition of its members


def tally_rules(raw: Any, segments: Segments) -> Iterator[TallyRule]:
    """The rules that a condition needs, also by way of segments."""
    for whole in with_segments(raw, segments):
        for _, one in parts_of(whole):
            for clause in _clauses(one):
                yield rule_of(clause)


def asks(raw: Any, segments: Segments, words: Iterable[str]) -> bool:
    """Whether one of these words stands in a condition, also by way of segments."""
    every = (one for whole in with_segments(raw, segments) for _, one in parts_of(whole))
    return any(word in one for one in every for word in words)


def rule_of(clause: Clause) -> TallyRule:
    """The clause as a test of events."""
    where = {"where": clause.where} if clause.where else {}
    _, matches = event_test({"event": list(clause.names), **where})
    return TallyRule(clause, lambda event: matches(event, None, event.time))


def take(profile: Profile, event: Event, rules: Iterable[TallyRule]) -> None:
    """Count a new event, which the profile has folded. A tally that is not complete stays away."""
    for rule in rules:
        key = rule.clause.key
        before = profile.tallies.get(key) or (Tally() if profile.tallied else None)
        if before is not None and rule.matches(event):
            after = counted(before, event.time, rule.clause.most, rule.clause.half_life)
            profile.tallies = {**profile.tallies, key: after}


def recount(rule: TallyRule, events: Iterable[Event]) -> Tally:
    """The tally of all these events."""
    found = Tally()
    for event in filter(rule.matches, events):
        found = counted(found, event.time, rule.clause.most, rule.clause.half_life)
    return found


def is_nothing(profile: Profile, rule: TallyRule) -> bool:
    """Whether the profile's counters say that no such event ever happened."""
    all_are_kept = len(profile.events) < MOST_NAMES
    return all_are_kept and not any(name in profile.events for name in rule.clause.names)


def _clauses(one: Mapping[str, Any]) -> Iterator[Clause]:
    if "did" in one:
        found = tally.of_did(dict(one))
        if found:
            yield found
    for word in OUTCOMES:
        if word in one:
            yield from tally.of_messages(word, dict(one))


def with_segments(raw: Any, segments: Segments) -> Iterator[Any]:
    """A condition and those of all segments that it speaks of."""
    seen: set[str] = set()
    left = [raw]
    while left:
        one = left.pop()
        yield one
        for name in mentioned_segments(one):
            if name in segments and name not in seen:
                seen.add(name)
                left.append(segments[name])
