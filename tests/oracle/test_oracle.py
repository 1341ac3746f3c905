"""The oracle, small enough for every run of the tests; `make oracle` is the whole."""

import pytest

from tests.oracle.compare import Asked, compare
from tests.oracle.population import Size


def test_segments_kept_event_by_event_are_those_that_sql_finds_in_the_whole_history() -> None:
    found = compare(Size(people=50), Asked(conditions=40, moments=4), 1, lambda words: None)
    assert found.segments >= 50
    assert found.memberships > 1000
    assert found.looks > 0
    assert not found.differences


def test_the_oracle_sees_whom_nobody_looked_at_when_they_were_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("functions.segments.keeping._arm", lambda *when: None)
    found = compare(Size(people=15), Asked(conditions=20, moments=3), 1, lambda words: None)
    assert not found.looks
    assert found.differences


def test_the_oracle_sees_what_nobody_asked_because_an_input_was_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("functions.segments.inputs.ORDER_EVENTS", ())
    found = compare(Size(people=15), Asked(conditions=10, moments=2), 1, lambda words: None)
    assert found.differences
