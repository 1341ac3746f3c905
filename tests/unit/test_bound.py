"""The bound of transitions: no run takes more, and it is known which cycles it counts."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.journeys import journey as journey_files
from functions.journeys.bound import dollars, most_states, transitions
from functions.journeys.journey import Journey
from functions.journeys.yaml_file import read
from tests.support.journeys import compiled, decided, handler, input_of, journeys, shipped
from tests.support.moto_interpreter import run_ours
from tests.support.reference_journey import JOURNEY


def journey(steps: str) -> Journey:
    head = "title: A\npurpose: offers\nonce per: person\nsteps:\n"
    return journey_files.build("cart", read("j", head + steps).value)


def test_the_reference_journey_takes_fourteen_at_most_when_nothing_is_held() -> None:
    reference = journey_files.build("reference", read("j", JOURNEY).value)
    assert transitions(reference, again=0) == 14
    assert transitions(reference) == 14 + 4 * 2  # each of the four messages held once


def test_a_thousand_runs_of_twelve_transitions_cost_thirty_cents() -> None:
    assert dollars(12) == pytest.approx(0.30)
    assert dollars(1, runs=1_000_000) == pytest.approx(25)


@pytest.mark.parametrize(
    ("steps", "straight", "again"),
    [
        ("  - wait: 5 days\n", 3, 3),  # the start, "begin or go on", the wait
        ("  - end: done\n", 3, 3),
        ("  - task: Call\n    for: owner\n", 3, 3),  # the start, the task, "left"
        ("  - send: a\n", 3, 5),  # and the hold, and the task again
        ("  - wait until: entry.x\n", 3, 3 + 2),  # so far away that it is looked up twice
        ("  - wait until: person.x\n", 5, 5 + 2),
        ("  - wait until: Monday\n", 3, 3),
        ("  - if: {did: X}\n    then: [{wait: 1 day}, {wait: 2 days}]\n", 5, 5),
        ("  - wait: 1 month\n", 3, 3),
        ("  - wait: 300 days\n", 5, 5),  # two looks around the wait, and "left"
        ("  - wait: 120 days\n    name: a\n  - wait: 120 days\n    name: b\n", 5, 5),
        ("  - wait for: {event: A}\n    at most: 150 days\n", 3, 3),
        (
            "  - wait for: {event: A}\n    at most: 400 days\n",
            9,
            9,
        ),  # three pieces, a look after each
        ("  - wait for first of: [{event: A}, {event: B}]\n    at most: 1 day\n", 4, 4),
        ("  - call webhook: crm\n", 3, 3),
        ("  - call webhook: crm\n    if it fails: [{task: Call, for: owner}]\n", 4, 4),
        ("  - update: {add to score: 2}\n", 3, 3),
        # A look, a wait and a look; sixty times another wait and look; the start and "left".
        ("  - wait: 4 hours\n    after the last: {event: A}\n", 5 + 120, 5 + 120),
        # The head, each of the passes, and one that the graph adds behind the last.
        ("  - repeat: [{update: {add tag: a}}]\n    times: 3\n", 3 + 3 * 3 + 3, 3 + 3 * 3 + 3),
        ("  - repeat: [{send: a}]\n    times: 3\n", 15, 15 + 4 * 2),
    ],
)
def test_what_each_step_adds(steps: str, straight: int, again: int) -> None:
    found = journey(steps)
    assert transitions(found, again=0) == straight
    assert transitions(found) == again


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_no_run_takes_more_than_the_bound(data: st.DataObject) -> None:
    found = data.draw(journeys)
    decisions = data.draw(decided(found))
    outcome = run_ours(compiled(found), input_of(found, decisions), handler(found, decisions, []))
    assert 1 + len(outcome.path) <= transitions(found)


@pytest.mark.parametrize("name", shipped())
def test_a_run_that_leaves_at_its_last_task_is_within_the_bound(name: str) -> None:
    found = shipped()[name]
    done: list[str] = []
    decisions = {step.name: 1 for step in found.every_step()}
    answer = handler(found, decisions, done)

    def leaves_at_the_last(function: str, payload: dict[str, Any], tokens: Any) -> Any:
        if payload["step"] == last:
            tokens.fail(payload["token"], "Exit", "the run has ended") if "token" in payload else 0
        return answer(function, payload, tokens)

    last = list(found.every_step())[-1].name
    outcome = run_ours(compiled(found), input_of(found, decisions), leaves_at_the_last)
    assert 1 + len(outcome.path) <= transitions(found)


def test_what_goes_on_in_a_new_execution_is_not_counted_in_the_old_one() -> None:
    found = journey("  - wait: 5 days\n")
    machine = compiled(found)
    assert most_states(machine["StartAt"], machine["States"], {}, again=0) == 2
    assert machine["States"]["begin or go on"]["Choices"][0]["Next"] == "go on"


@pytest.mark.parametrize("times", [1, 2, 7])
def test_a_loop_in_which_each_message_is_held_is_within_the_bound(times: int) -> None:
    found = journey(f"  - repeat: [{{send: a}}, {{wait: 1 day}}]\n    times: {times}\n  - end: b\n")
    decisions = {step.name: int(step.verb == "send") for step in found.every_step()}
    outcome = run_ours(compiled(found), input_of(found, decisions), handler(found, decisions, []))
    assert (outcome.status, outcome.output["outcome"]) == ("SUCCEEDED", "b")
    assert 1 + len(outcome.path) <= transitions(found)
    assert 1 + len(outcome.path) > transitions(found, again=0) - 4 - times


def states(**ways: str) -> dict[str, dict[str, Any]]:
    """`a="b c"` leads from a to b or c."""
    return {
        name: {"Type": "Choice", "Choices": [{"Next": one} for one in to.split()]}
        for name, to in ways.items()
    }


def test_a_loop_counts_as_often_as_is_said() -> None:
    loop = states(head="body after", body="head", after="")
    assert most_states("head", loop, {}, again=0) == 2 + 0
    assert most_states("head", loop, {"head": 20}, again=1) == 20 * 2 + 2


def test_a_loop_within_a_loop_counts_in_every_turn_of_the_outer_one() -> None:
    """A message in a `repeat` may be held in every pass; the order of the file does not matter."""
    for ways in ("send after", "after send"):
        looped = states(head=ways, send="hold wait", hold="send", wait="head", after="")
        # Ten turns of head, send (once held: the hold and once more) and wait; head and after.
        assert most_states("head", looped, {"head": 10}, again=1) == 10 * (1 + 3 + 1) + 2
        assert most_states("head", looped, {"head": 10}, again=0) == 10 * (1 + 1 + 1) + 2
