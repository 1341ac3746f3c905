"""The engine and moto's interpreter take the same way through the same machines.

Left out, because moto is known to be wrong there: a missing path in a Choice (moto: no match;
AWS: States.Runtime), a Choice in which nothing matches (moto: States.Runtime; AWS:
States.NoChoiceMatched), States.Runtime caught by States.ALL, a handler that fails after it has
answered its own token (moto: the failure counts; here the answer), a Catch whose Next is its own
state (moto goes to the Task's Next). Causes of States.* errors are worded by each in its own way.
"""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from functions.engine.machine import TaskFailed
from tests.support.moto_interpreter import Outcome, run, run_ours
from tests.support.state_machines import (
    INPUT,
    choice,
    flow,
    machine,
    machines,
    obedient,
    succeed,
    task,
)


def both(definition: dict[str, Any], handler: Callable[[], Any]) -> Outcome:
    """What both do (each with a handler of its own)."""
    theirs, ours = run(definition, INPUT, handler()), run_ours(definition, INPUT, handler())
    if ours.error.startswith("States."):
        theirs, ours = theirs._replace(cause=""), ours._replace(cause="")
    assert ours == theirs
    return ours


def does(*what: tuple[str, str]) -> dict[str, Any]:
    return {"does": [list(one) for one in what]}


FINE = ("return", "")
TEMPORARY = ("raise", "Temporary")


def test_a_payload_is_built_alike() -> None:
    payload = {
        "does": [list(FINE)],
        "literal": {"deep": [1, 2.5, None, True, "$.x"]},
        "nested": {"x.$": "$.x", "list": [{"s.$": "$.s"}, 3]},
        "all.$": "$",
        "run.$": "$$.Execution.Name",
        "started.$": "$$.Execution.StartTime",
        "entered.$": "$$.State.EnteredTime",
    }
    seen: list[Any] = []

    def echo() -> Any:
        return lambda function, payload, tokens: seen.append((function, payload)) or payload

    both(machine(Wait=flow("Wait", "Task", Seconds=3700), Task=task(payload=payload)), echo)
    assert seen[0] == seen[1]
    assert seen[0][1]["entered"] == "2027-03-01T09:01:40.000Z"


def test_retries_come_after_the_same_time_and_then_the_catch() -> None:
    retry = [
        {"ErrorEquals": ["Other"], "MaxAttempts": 5},
        {"ErrorEquals": ["Temporary"], "IntervalSeconds": 2, "BackoffRate": 3.0, "MaxAttempts": 3},
    ]
    catch = [
        {"ErrorEquals": ["Broken"], "Next": "Done", "ResultPath": None},
        {"ErrorEquals": ["States.ALL"], "Next": "Done", "ResultPath": "$.caught"},
    ]

    def definition(*what: tuple[str, str]) -> dict[str, Any]:
        payload = does(*what)
        return machine(Try=task("Done", payload=payload, Retry=retry, Catch=catch), Done=succeed())

    fine_at_last = both(definition(TEMPORARY, TEMPORARY, FINE), obedient)
    assert fine_at_last.seconds == 2 + 6
    given_up = both(definition(TEMPORARY), obedient)
    assert given_up.output["caught"] == {"Error": "Temporary", "Cause": "cause of Temporary"}
    assert given_up.seconds == 2 + 6 + 18
    assert "caught" not in both(definition(("raise", "Broken")), obedient).output


def test_an_error_that_nothing_catches_ends_the_execution() -> None:
    catch = [{"ErrorEquals": ["Other"], "Next": "Done", "ResultPath": None}]
    try_it = task("Done", payload=does(("raise", "Broken")), Catch=catch)
    outcome = both(machine(Try=try_it, Done=succeed()), obedient)
    assert (outcome.status, outcome.error, outcome.cause) == ("FAILED", "Broken", "cause of Broken")
    both(machine(Fail={"Type": "Fail", "Error": "Sorry", "Cause": "it is so"}), obedient)


WAITS = {"TimeoutSeconds": 60}
CATCH = [
    {"ErrorEquals": ["Broken"], "Next": "Broken", "ResultPath": "$.caught"},
    {"ErrorEquals": ["States.Timeout"], "Next": "Late", "ResultPath": "$.caught"},
]


@pytest.mark.parametrize(
    ("what", "path", "seconds"),
    [
        (("succeed", ""), ["Ask", "Answered"], 0),
        (("succeed later", ""), ["Ask", "Answered"], 40),
        (("fail", "Broken"), ["Ask", "Broken"], 0),
        (("fail later", "Broken"), ["Ask", "Broken"], 40),
        (("return", ""), ["Ask", "Late"], 60),
        (("raise", "Broken"), ["Ask", "Broken"], 0),
    ],
)
def test_a_token_is_answered_fails_or_times_out(
    what: tuple[str, str], path: list[str], seconds: int
) -> None:
    ask = task("Answered", token=True, payload=does(what), Catch=CATCH, **WAITS)
    definition = machine(Ask=ask, Answered=succeed(), Broken=succeed(), Late=succeed())
    outcome = both(definition, obedient)
    assert (outcome.path, outcome.seconds) == (path, seconds)


def test_a_held_message_goes_out_when_its_time_has_come() -> None:
    def holding() -> Any:
        calls: list[str] = []

        def handle(function: str, payload: dict[str, Any], tokens: Any) -> None:
            calls.append(payload["token"])
            if len(calls) == 1:
                tokens.fail(payload["token"], "Hold", "2027-03-02T07:00:00Z")
            else:
                tokens.succeed(payload["token"], {"clicked": len(set(calls)) == 2}, after=3600)

        return handle

    catch = [{"ErrorEquals": ["Hold"], "Next": "Hold", "ResultPath": "$.hold"}]
    clicked = {"Variable": "$.result.clicked", "BooleanEquals": True, "Next": "Done"}
    definition = machine(
        Send=task("Clicked", token=True, Catch=catch, TimeoutSecondsPath="$.patience"),
        Hold=flow("Wait", "Send", TimestampPath="$.hold.Cause"),
        Clicked=choice(clicked),
        Done=succeed(),
    )
    outcome = both(definition, holding)
    assert outcome.path == ["Send", "Hold", "Send", "Clicked", "Done"]
    assert outcome.seconds == 23 * 3600 + 3600


def test_what_is_missing_is_a_runtime_error() -> None:
    outcome = both(machine(Ask=task(payload={"a.$": "$.no.such", "does": []})), obedient)
    assert (outcome.status, outcome.error) == ("FAILED", "States.Runtime")
    both(machine(Wait=flow("Wait", "", SecondsPath="$.s")), obedient)
    both(machine(Wait=flow("Wait", "", TimestampPath="$.s")), obedient)


@settings(max_examples=40, derandomize=True, suppress_health_check=list(HealthCheck))
@given(machines())
def test_any_machine_takes_the_same_way(definition: dict[str, Any]) -> None:
    both(definition, obedient)


def test_a_task_fails_by_the_name_that_its_handler_gives() -> None:
    def failing() -> Any:
        def handle(function: str, payload: dict[str, Any], tokens: Any) -> None:
            raise TaskFailed("Lambda.TooManyRequestsException", "slow down")

        return handle

    catch = [{"ErrorEquals": ["States.TaskFailed"], "Next": "Done", "ResultPath": "$.caught"}]
    outcome = both(machine(Try=task("Done", Catch=catch), Done=succeed()), failing)
    assert outcome.output["caught"]["Error"] == "Lambda.TooManyRequestsException"
