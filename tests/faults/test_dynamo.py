"""The same under DynamoDB's semantics as moto imitates them: SQLite hides nothing."""

from collections.abc import Iterator

import pytest

from functions.storage.dynamo import DynamoStore
from tests.faults.scenarios import Crashes, Point, calls_of, has_effect, operations_of, play
from tests.faults.simulation import publish_first
from tests.faults.trial import quiet
from tests.support.stores import dynamo_store

# The one with a merge's transaction; more in `make faults`.
NAMES = ("merge", "send, wait and event")


@pytest.fixture
def store() -> Iterator[DynamoStore]:
    with dynamo_store() as made:
        with quiet():
            publish_first(made)
        yield made


@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_makes_the_same_calls_on_dynamodb_and_ends_well(
    name: str, store: DynamoStore
) -> None:
    operations = operations_of(name)
    crashes = Crashes()
    trial = play(operations, crashes.plant, store)
    assert trial.problems == []
    assert crashes.calls == calls_of(operations)


@pytest.mark.parametrize("part", [0.3, 0.5, 0.7])
def test_a_crash_is_mended_on_dynamodb_too(part: float, store: DynamoStore) -> None:
    operations = operations_of("merge")
    effects = [n for n, call in enumerate(calls_of(operations), 1) if has_effect(call)]
    crashes = Crashes(Point(effects[int(part * len(effects))], "crash after"))
    assert play(operations, crashes.plant, store).problems == []
