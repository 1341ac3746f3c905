"""Segments, stages and score under the simulator's faults: when all has come to rest, they are what
the timeline says, and each change was told once."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from unittest.mock import patch

import msgspec
import pytest

from functions.folder import Folder
from functions.journeys.yaml_file import read
from functions.segments.condition import Facts as Asked
from functions.segments.keeping import facts_of, is_complete
from functions.segments.rules import LIFECYCLE_FILE, SCORING_FILE, SEGMENTS_FILE, Rules, rules_of
from functions.segments.score import score_at
from functions.storage.people import permission_of
from functions.tracking.event import SCORE_ADDED, Event
from functions.tracking.own_event import SCORE_FELL, SCORE_REACHED, STAGE_CHANGED
from functions.tracking.profile import Profile, Score, Stay
from local.sqlite_store import SqliteStore
from tests.faults import journeys
from tests.faults.loop import START
from tests.faults.oracle import Facts
from tests.faults.simulation import publish_first
from tests.faults.trial import Trial, quiet, run

FIRST = """
buyers: {title: Bought, who: {did: Order Completed}}
open: {title: May get tips, who: {may get: sms, purpose: tips}}
busy:
  title: Did three things within a year
  who: {did: [Visited, Order Completed, Answered], in the last: 365 days, times: {at least: 3}}
gone: {title: Only in the first version, who: {did: Visited}}
"""
SECOND = """
buyers: {title: Bought, who: {did: Order Completed}}
open: {title: May get tips, who: {may get: sms, purpose: tips}}
busy:
  title: Did two things within a year
  who: {did: [Visited, Order Completed, Answered], in the last: 365 days, times: {at least: 2}}
back: {title: Sent something back, who: {did: Order Refunded}}
both: {title: Bought and came, who: {all of: [{in segment: buyers}, {did: Visited}]}}
"""
# What holds once holds for ever, and everybody goes forward: so the present stage is the last in
# the file whose condition holds, whatever came when.
STAGES_FIRST = """
way:
  title: How far
  stages:
    came: {title: Came, phase: recruitment, when: {did: [Visited, Looked]}}
    known: {title: Only in the first version, when: {did: Signed Up}}
    buyer: {title: Bought, phase: retention, when: {in segment: buyers}}
    keen:
      title: Bought and scored
      when: {all of: [{in segment: buyers}, {person: {score: {at least: 25}}}]}
"""
STAGES_SECOND = """
way:
  title: How far
  stages:
    came: {title: Came, phase: recruitment, when: {did: [Visited, Looked]}}
    back: {title: Sent something back, when: {did: Order Refunded}}
    buyer: {title: Bought, phase: retention, when: {in segment: buyers}}
    keen:
      title: Bought and scored
      when: {all of: [{in segment: buyers}, {person: {score: {at least: 25}}}]}
bond:
  title: Only in the second version
  stages:
    reader: {title: Signed up, when: {did: Signed Up}}
"""
VISIT, ANSWER = 10, 15  # points, which do not fade
SCORE = f"""
title: Score
behaviour:
  - {{points: {VISIT}, for: {{did: Visited}}, because: Came}}
  - {{points: {ANSWER}, for: {{did: Answered}}, because: Answered}}
thresholds: {{warm: 15, hot: 30}}
"""
LIVE = {
    1: {SEGMENTS_FILE: FIRST, LIFECYCLE_FILE: STAGES_FIRST, SCORING_FILE: SCORE},
    2: {SEGMENTS_FILE: SECOND, LIFECYCLE_FILE: STAGES_SECOND, SCORING_FILE: SCORE},
}
plain = journeys.folder
LATER = START + timedelta(days=20)


def with_rules(version: int) -> Folder:
    return msgspec.structs.replace(plain(version), live=LIVE[version])


@pytest.fixture
def begun() -> Iterator[bytes]:
    """A database in which the first version is published, with its rules."""
    with patch.object(journeys, "folder", with_rules):
        store = SqliteStore(":memory:")
        with quiet():
            publish_first(store)
        yield store.connection.serialize()


def lived(seed: int, begun: bytes) -> Trial:
    store = SqliteStore(":memory:")
    store.connection.deserialize(begun)
    return run(seed, store=store)


def wrong(trial: Trial) -> Iterator[str]:
    """Whose segments are not those that their timeline says."""
    simulation, facts, rules = trial.simulation, Facts(trial), _rules(trial)
    for user, profile in facts.profiles.items():
        events = list(facts.events(user).values())

        def happened(names: object, since: object, events: list[Event] = events) -> list[Event]:
            return [event for event in events if event.name in names]  # type: ignore[operator]

        if not is_complete(profile, rules):
            yield f"{user} is not counted to the end"
        permission = permission_of(simulation.bare, profile.person)
        bare = msgspec.structs.replace(profile, tallies={}, tallied="")
        asked = facts_of(bare, rules, LATER, permission)
        asked = asked.but(tallied="", events=happened)
        wanted = {name for name, segment in rules.segments.items() if segment.holds(asked)}
        if wanted != profile.segments.keys():
            yield f"{user} is in {sorted(profile.segments)}, not {sorted(wanted)}"
        for name in rules.segments:
            told = [
                one.event for one in _in_order(facts, user) if one.properties.get("segment") == name
            ]
            more = told.count("Segment Entered") - told.count("Segment Left")
            # Who was two people may have entered twice before they were one.
            if (name in wanted) != (more > 0) or (more > 1 and not profile.merged):
                yield f"{user} was told of {name} {told}, and it is {name in wanted}"
            if not profile.merged and not _alternate(told):
                yield f"{user} was told of {name} {told}"


def _alternate(told: list[str]) -> bool:
    return all(one != other for one, other in pairwise(told))


def strays(trial: Trial) -> Iterator[str]:
    """Whose stages are not those that their timeline says, or were told otherwise."""
    facts, rules = Facts(trial), _rules(trial)
    for user, profile in facts.profiles.items():
        events = _in_order(facts, user)
        asked = _anew(profile, rules, events)
        for model in rules.lifecycle.models.values():
            holding = [stage.name for stage in model.stages.values() if stage.holds(asked)]
            wanted = holding[-1] if holding else ""
            stay = profile.stages.get(model.name, Stay())
            if stay.stage != wanted:
                yield f"{user} is in {stay.stage!r} of {model.name}, not {wanted!r}"
            said = [one.properties for one in events if one.event == STAGE_CHANGED]
            changes = [(one["before"], one["stage"]) for one in said if one["model"] == model.name]
            if not _leads_to(wanted, changes, len(profile.merged)):
                yield f"{user} is in {wanted!r} of {model.name} and was told {changes}"


def _leads_to(wanted: str, changes: list[tuple[str, str]], merged: int) -> bool:
    """Whether each change goes on from another one, to the stage that is wanted. By their number,
    for the clocks of Lambdas that tell two of them differ by seconds."""
    came, went = Counter(to for _, to in changes), Counter(before for before, _ in changes)
    if merged:  # they were two or more, each with a way of their own
        times = Counter(changes).values()
        return came[wanted] >= bool(wanted) and max(times, default=0) <= merged + 1
    return came + Counter([""]) == went + Counter([wanted])


def misjudged(trial: Trial) -> Iterator[str]:
    """Whose score is not that of their timeline, or passed a threshold without being told once."""
    facts, rules = Facts(trial), _rules(trial)
    for user, profile in facts.profiles.items():
        events = _in_order(facts, user)
        did = Counter(event.name for event in events)
        given = sum(one.properties["points"] for one in events if one.event == SCORE_ADDED)
        wanted = given + VISIT * did["Visited"] + ANSWER * did["Answered"]
        score = score_at(profile, LATER)
        if score != wanted:
            yield f"{user} has {score} points, the timeline says {wanted}"
        for name, at in rules.scoring.thresholds.items() if rules.scoring else ():
            told = [one.event for one in events if one.properties.get("threshold") == name]
            more = told.count(SCORE_REACHED) - told.count(SCORE_FELL)
            if (wanted >= at) != (name in profile.score.reached) or (wanted >= at) != (more > 0):
                yield f"{user} has {wanted} points and was told of {name} {told}"
            if not profile.merged and not _alternate(told):
                yield f"{user} was told of {name} {told}"


def _rules(trial: Trial) -> Rules:
    library = trial.simulation.library()
    library.forget()
    return library.rules()


def _in_order(facts: Facts, user: str) -> list[Event]:
    found = facts.events(user).values()
    return sorted(found, key=lambda event: (event.time, event.message_id))


def _anew(profile: Profile, rules: Rules, events: list[Event]) -> Asked:
    """What conditions look at when nothing was counted: the events themselves."""
    bare = msgspec.structs.replace(profile, tallies={}, tallied="")
    points = sum(one.properties["points"] for one in events if one.event == SCORE_ADDED)
    did = Counter(event.name for event in events)
    bare.points = points + VISIT * did["Visited"] + ANSWER * did["Answered"]
    bare.score = Score()
    asked = facts_of(bare, rules, LATER)
    return asked.but(
        tallied="",
        events=lambda names, since: [event for event in events if event.name in names],
    )


@pytest.mark.parametrize("seed", range(2000, 2006))
def test_when_all_has_come_to_rest_everybody_stands_where_their_timeline_says(
    seed: int, begun: bytes
) -> None:
    trial = lived(seed, begun)
    assert trial.problems == []
    assert [*wrong(trial), *strays(trial), *misjudged(trial)] == []


def test_the_two_versions_differ_in_what_they_count() -> None:
    one, other = (rules_of({SEGMENTS_FILE: _read(text)}) for text in (FIRST, SECOND))
    assert one.tallied != other.tallied


def _read(text: str) -> object:
    return read(SEGMENTS_FILE, text).value
