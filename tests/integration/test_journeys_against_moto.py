"""Compiled journeys take the same way through moto's interpreter and through our engine."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.journeys.journey import Journey
from tests.support.journeys import (
    INPUT,
    compiled,
    decided,
    going_on,
    handler,
    input_of,
    journeys,
    shipped,
)
from tests.support.moto_interpreter import Outcome, run, run_ours

SHIPPED = shipped()


def both(journey: Journey, decisions: dict[str, int]) -> tuple[Outcome, list[str]]:
    """What both do, each with a handler of its own, and the steps that were done."""
    definition = compiled(journey)
    their_log: list[str] = []
    our_log: list[str] = []
    told = input_of(journey, decisions)
    theirs = run(definition, told, handler(journey, decisions, their_log))
    ours = run_ours(definition, told, handler(journey, decisions, our_log))
    assert ours == theirs
    assert our_log == their_log
    return ours, our_log


# 0: sent, happened; 1: held once, ran out; 2: not sent, nothing to wait for
THREE = ["send welcome", "send guide", "send hacks", "wait for clicked guide or hacks"]
CALL = "task Call and ask whether everything works"
FIVE = ["send five-reasons", "wait for clicked five-reasons"]
WAYS: list[tuple[str, dict[str, int], list[str], float]] = [
    (
        "onboarding",
        {},
        [*THREE, "start journey upsell"],
        14,
    ),
    (
        "onboarding",
        {"wait for clicked guide or hacks": 1},
        [*THREE, CALL],
        21,
    ),
    (
        "onboarding",
        {"send guide": 2, "send hacks": 2, "wait for clicked guide or hacks": 2},
        [*THREE, CALL],
        14,
    ),
    (
        "onboarding",
        {"send welcome": 1, "send hacks": 1},
        ["send welcome", *THREE[:3], *THREE[2:], "start journey upsell"],
        14 + 14 / 24,
    ),
    (
        "upsell",
        {},
        [*FIVE, "task High interest in premium, please close the deal"],
        0,
    ),
    (
        "upsell",
        {"wait for clicked five-reasons": 1},
        FIVE,
        10,
    ),
    ("recovery", {}, ["send win-back", "wait for opened win-back"], 90),
    (
        "recovery",
        {"wait for opened win-back": 1, "if may get sms": 1},
        ["send win-back", "wait for opened win-back", "if may get sms", "send come-back by sms"],
        95,
    ),
    (
        "recovery",
        {"wait for opened win-back": 1},
        ["send win-back", "wait for opened win-back", "if may get sms"],
        95,
    ),
]


@pytest.mark.parametrize(("name", "decisions", "steps", "days"), WAYS)
def test_a_shipped_journey_goes_the_same_way_in_both(
    name: str, decisions: dict[str, int], steps: list[str], days: float
) -> None:
    journey = SHIPPED[name]
    all_decisions = {step.name: decisions.get(step.name, 0) for step in journey.every_step()}
    outcome, log = both(journey, all_decisions)
    assert (outcome.status, log) == ("SUCCEEDED", steps)
    assert outcome.seconds == pytest.approx(days * 86_400)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_run_that_is_leaving_ends_quietly_in_both(name: str) -> None:
    """run_step fails its own token with Exit, or raises it."""
    from functions.engine.machine import TaskFailed

    def leaving(function: str, payload: dict[str, Any], tokens: Any) -> Any:
        if "token" not in payload:
            raise TaskFailed("Exit", "the run has ended")
        tokens.fail(payload["token"], "Exit", "the run has ended")
        return {}

    definition = compiled(SHIPPED[name])
    theirs, ours = run(definition, INPUT, leaving), run_ours(definition, INPUT, leaving)
    assert ours == theirs
    assert (ours.status, ours.path[-1]) == ("SUCCEEDED", "left")


@settings(max_examples=20, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_an_execution_that_goes_on_at_any_step_goes_the_same_way_in_both(
    data: st.DataObject,
) -> None:
    journey = data.draw(journeys)
    decisions = data.draw(decided(journey))
    definition = compiled(journey)
    places = [choice["StringEquals"] for choice in definition["States"]["go on at"]["Choices"]]
    at, number = data.draw(st.sampled_from(places)), data.draw(st.integers(0, 2))
    said = {"Payload": {"at": "2027-03-01T08:00:00+00:00"}}
    branches = {f"if{number}": said for number in range(1, 30)}
    loop = {"Payload": {**said["Payload"], "began": said["Payload"]["at"], "pass": number}}
    told = {**input_of(journey, decisions), **branches, "last": said, "loop": loop}
    told["resume"] = {"new": True}
    logs: tuple[list[str], list[str]] = ([], [])
    theirs, ours = (
        interpret(definition, told, going_on(journey, at, handler(journey, decisions, log)))
        for interpret, log in zip((run, run_ours), logs, strict=True)
    )
    assert ours == theirs
    assert logs[0] == logs[1]
    assert ours.status == "SUCCEEDED"
    assert "nowhere to go on" not in ours.path
    assert ours.path[: ours.path.index("go on at")][-1] == "go on"
