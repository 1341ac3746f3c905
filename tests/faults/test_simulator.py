"""The simulator itself: a seed is a whole story, and the report and the shortening tell it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.chance import KINDS, Chance
from tests.faults.planted import BUGS
from tests.faults.report import summary
from tests.faults.scenarios import NO_FAULTS, operations_of, play
from tests.faults.shorten import fewer, replay, shorten
from tests.faults.trial import Trial, run

ROOT = Path(__file__).parents[2]
EVENTFUL = 14  # a seed in which much happens


@pytest.fixture(scope="module")
def eventful() -> Trial:
    return run(EVENTFUL)


def test_a_seed_replays_exactly(eventful: Trial) -> None:
    assert run(EVENTFUL).simulation.trace == eventful.simulation.trace
    assert run(EVENTFUL + 1).simulation.trace != eventful.simulation.trace


def test_a_seed_replays_exactly_in_another_process_whatever_its_hashes(eventful: Trial) -> None:
    told = (
        "from hashlib import sha256; from tests.faults.trial import run;"
        f"print(sha256(repr(run({EVENTFUL}).simulation.trace).encode()).hexdigest())"
    )
    prints = {
        subprocess.run(
            [sys.executable, "-c", told],
            cwd=ROOT,
            env={"PYTHONHASHSEED": hashes},
            capture_output=True,
            check=True,
            timeout=60,
        ).stdout
        for hashes in ("1", "2")
    }
    assert len(prints) == 1


def test_the_faults_that_struck_are_all_that_a_replay_needs(eventful: Trial) -> None:
    assert len(eventful.faults) > 50
    again = run(EVENTFUL, allowed=frozenset(eventful.faults))
    assert again.simulation.trace == eventful.simulation.trace


def test_without_faults_every_scenario_ends_well() -> None:
    for name in ("send, wait and event", "exit", "merge"):
        trial = play(operations_of(name))
        assert trial.problems == []
        assert trial.faults == []


def test_every_kind_of_fault_strikes_within_a_few_seeds() -> None:
    struck = {fault.partition(" @ ")[0] for seed in range(40) for fault in _struck_by_labels(seed)}
    assert struck == set(KINDS)


def _struck_by_labels(seed: int) -> list[str]:
    chance = Chance(seed)
    for number in range(300):
        for kind in KINDS:
            chance.fault(f"{kind} {number}", [kind])
    return chance.struck


def test_no_fault_strikes_when_none_is_allowed() -> None:
    trial = run(EVENTFUL, allowed=NO_FAULTS)
    assert trial.faults == []
    assert trial.problems == []


def test_delta_debugging_leaves_only_what_is_needed() -> None:
    assert fewer(range(100), lambda some: {7, 42, 93} <= set(some)) == [7, 42, 93]
    assert fewer(range(100), lambda some: True) == []


def test_a_failing_seed_is_shortened_to_what_still_fails_and_can_be_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.faults.shorten.FOLDER", tmp_path)
    with BUGS["events are not deduplicated"]():
        failing = next(trial for trial in map(run, range(20)) if trial.problems)
        shortest, found = shorten(failing)
        again = replay(shortest.save())
    assert len(shortest.operations) <= 3
    assert len(shortest.faults) <= 3
    assert again.problems == found.problems != []


def test_a_summary_counts_what_happened() -> None:
    found = summary(EVENTFUL)
    assert found.seeds == 1
    assert found.calls > 1000
    assert found.events > 5
    assert found.faults.total() > 50
    assert found.failed == []
