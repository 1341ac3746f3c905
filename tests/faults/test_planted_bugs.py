"""The oracle finds bugs: each of these is planted, and found within so many seeds or by a race."""

from inspect import signature

import pytest

from tests.faults.planted import BUGS
from tests.faults.races import RACES, lengths, meetings
from tests.faults.scenarios import operations_of, play
from tests.faults.trial import run

FIRST = 1040  # not the seeds that CI runs anyway

# Within how many seeds, from FIRST on; a race where chance would need too many.
FOUND = {
    "events are not deduplicated": 5,
    "a wait does not look back": 10,
    "nobody remembers a claim": 25,
    "an unknown message is sent again": 30,
    "consequences are drawn once": 5,
    "what fails is dropped": 15,
    "a merge forgets events": 55,
    "a run follows the newest version": 10,
    "unknown messages are never settled": 15,
    "receipts are not heard": 10,
    "marks of ended runs stay": 5,
    "a claim does not ask for suppression": 5,
    "erasing forgets a kind of record": 5,
    "erasing does not stop runs": 5,
    "erasing overlooks identifiers": 5,
    "erasing is acknowledged too early": 5,
    "who comes anew has the runs of before": 10,
}
FOUND_BY_RACE = {
    "a wait looks back before it registers": "event against registering its wait",
    "a claim does not ask for consent": "one click against a send",
    "unsubscribing is acknowledged too early": "one click against a send",
    "an exit does not mark the run": "exit against a send",
    "an exit that overtakes its entry is missed": "exit against its entry",
    "a merge forgets runs": "merge against a send",
    "a profile is written without a condition": "merge against an exit",
    "erasing does not look again": "erasing against an entry",
}
FOUND_BY_SCENARIO = {
    "runs of before a merge are not found": "again after a merge",
    "twins go on after a merge": "twice before a merge",
    "the end of an old execution closes the run": "go on",
    "a move forgets the pass of a loop": "go on in a loop",
    "STOP of a stranger is forgotten": "STOP of a stranger",
}


@pytest.mark.parametrize("bug", FOUND)
def test_a_planted_bug_is_found_within_so_many_seeds(bug: str) -> None:
    with BUGS[bug]():
        assert any(run(seed).problems for seed in range(FIRST, FIRST + FOUND[bug]))


@pytest.mark.parametrize("bug", FOUND_BY_RACE)
def test_a_planted_bug_is_found_by_a_race(bug: str) -> None:
    race = RACES[FOUND_BY_RACE[bug]]
    length = lengths(race)
    with BUGS[bug]():
        found = meetings(race, both_stop=False, length=length)
        assert any(trial.problems for _, trial in found)


@pytest.mark.parametrize("bug", FOUND_BY_SCENARIO)
def test_a_planted_bug_is_found_without_any_fault(bug: str) -> None:
    operations = operations_of(FOUND_BY_SCENARIO[bug])
    assert play(operations).problems == []
    with BUGS[bug]():
        assert play(operations).problems != []


def test_every_bug_is_sought() -> None:
    assert {*FOUND, *FOUND_BY_RACE, *FOUND_BY_SCENARIO} == set(BUGS)


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_asked_as_the_product_asks(bug: str) -> None:
    """One that takes other arguments would fail, and be found, for that alone."""
    plant = BUGS[bug]()
    for one in (plant, *plant.additional_patchers):
        asked = signature(getattr(one.getter(), one.attribute)).parameters.values()
        signature(one.new).bind(*(each.name for each in asked))


def test_the_same_seeds_are_fine_without_the_bugs() -> None:
    """Those of the races are in test_races."""
    assert [seed for seed in range(FIRST, FIRST + 10) if run(seed).problems] == []
