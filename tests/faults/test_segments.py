"""Segments under the simulator's faults: nobody is in the wrong one when all has come to rest."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

import msgspec
import pytest

from functions.folder import Folder
from functions.journeys.yaml_file import read
from functions.segments.keeping import facts_of, is_complete
from functions.segments.rules import SEGMENTS_FILE, rules_of
from functions.storage.people import permission_of
from functions.tracking.event import Event
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
plain = journeys.folder


def with_segments(version: int) -> Folder:
    live = {SEGMENTS_FILE: FIRST if version == 1 else SECOND}
    return msgspec.structs.replace(plain(version), live=live)


@pytest.fixture
def begun() -> Iterator[bytes]:
    """A database in which the first version is published, with its segments."""
    with patch.object(journeys, "folder", with_segments):
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
    simulation, facts = trial.simulation, Facts(trial)
    library = simulation.library()
    library.forget()
    rules = library.rules()
    for user, profile in facts.profiles.items():
        events = list(facts.events(user).values())

        def happened(names: object, since: object, events: list[Event] = events) -> list[Event]:
            return [event for event in events if event.name in names]  # type: ignore[operator]

        if not is_complete(profile, rules):
            yield f"{user} is not counted to the end"
        permission = permission_of(simulation.bare, profile.person)
        bare = msgspec.structs.replace(profile, tallies={}, tallied="")
        asked = facts_of(bare, rules, START + timedelta(days=20), permission)
        asked = replace(asked, tallied="", events=happened)
        wanted = {name for name, segment in rules.segments.items() if segment.holds(asked)}
        if wanted != profile.segments.keys():
            yield f"{user} is in {sorted(profile.segments)}, not {sorted(wanted)}"
        for name in rules.segments:
            told = [one.event for one in events if one.properties.get("segment") == name]
            more = told.count("Segment Entered") - told.count("Segment Left")
            # Who was two people may have entered twice before they were one.
            if (name in wanted) != (more > 0) or (more > 1 and not profile.merged):
                yield f"{user} was told of {name} {told}, and it is {name in wanted}"


@pytest.mark.parametrize("seed", range(2000, 2006))
def test_when_all_has_come_to_rest_everybody_is_in_the_right_segments(
    seed: int, begun: bytes
) -> None:
    trial = lived(seed, begun)
    assert trial.problems == []
    assert list(wrong(trial)) == []


def test_the_two_versions_differ_in_what_they_count() -> None:
    one, other = (rules_of({SEGMENTS_FILE: _read(text)}) for text in (FIRST, SECOND))
    assert one.tallied != other.tallied


def _read(text: str) -> object:
    return read(SEGMENTS_FILE, text).value
