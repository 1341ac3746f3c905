"""What every compiled journey keeps to, proved on the States Language itself, not on the file."""

from collections.abc import Iterator
from typing import Any

from functions.journeys.bound import States, targets
from functions.journeys.flow import LONGEST_NAME, RUN_STEP
from functions.journeys.journey import Journey

INVOKE = "arn:aws:states:::lambda:invoke"
WITH_TOKEN = f"{INVOKE}.waitForTaskToken"
TOKEN = "$$.Task.Token"
# The core that Amazon's engine, ours and the test doubles all read alike (design.md); whatever
# is not named here is refused.
_FLOW = frozenset({"Type", "Comment", "Next", "End"})
CORE = {
    "Task": _FLOW
    | {"Resource", "Parameters", "ResultPath", "TimeoutSeconds", "TimeoutSecondsPath"}
    | {"Retry", "Catch"},
    "Wait": _FLOW | {"Seconds", "SecondsPath", "TimestampPath"},
    "Pass": _FLOW | {"Result", "ResultPath"},
    "Choice": frozenset({"Type", "Comment", "Choices", "Default"}),
    "Succeed": frozenset({"Type", "Comment"}),
    "Fail": frozenset({"Type", "Comment", "Error", "Cause"}),
}
RULE = {"Variable", "Next", "StringEquals", "BooleanEquals", "NumericEquals", "IsPresent"}
NOT_RETRIED = {"States.ALL", "States.Timeout", "States.TaskFailed"}


def unsound(journey: Journey, definition: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What a compiled journey does not keep to, as (the step that it is about, in words); ""
    where it is about the whole machine. Nothing comes of a compiler without mistakes."""
    states: States = definition["States"]
    yield from _ways(definition["StartAt"], states)
    for name, state in states.items():
        step = _step(state)
        yield from ((step, f'the state "{name}" {words}') for words in _state(name, state))
        if state.get("Type") == "Task":
            yield from ((step, f'the state "{name}" {words}') for words in _task(journey, state))
    done = {_step(state) for state in states.values()}
    for one in journey.every_step():
        if one.verb == "send" and one.name not in done:
            yield one.name, "no state sends this message"


def _step(state: dict[str, Any]) -> str:
    parameters = state.get("Parameters", {})
    return str(parameters.get("Payload", {}).get("step", ""))


def _ways(start: str, states: States) -> Iterator[tuple[str, str]]:
    """Every state is reached, and from each there is a way to an end."""
    into: dict[str, list[str]] = {name: [] for name in states}
    for name, state in states.items():
        for target in targets(state):
            if target not in states:
                yield _step(state), f'the state "{name}" leads to "{target}", which does not exist'
            else:
                into[target].append(name)
    if start not in states:
        yield "", f'the first state "{start}" does not exist'
        return
    out = {name: [one for one in targets(state) if one in states] for name, state in states.items()}
    ends = [name for name, following in out.items() if not following]
    for name in sorted(states.keys() - _reached([start], out)):
        yield _step(states[name]), f'the state "{name}" is never reached'
    for name in sorted(states.keys() - _reached(ends, into)):
        yield _step(states[name]), f'from the state "{name}" no way leads to an end'


def _reached(begin: list[str], ways: dict[str, list[str]]) -> set[str]:
    found: set[str] = set()
    todo = list(begin)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += ways[name]
    return found


def _state(name: str, state: dict[str, Any]) -> Iterator[str]:
    if not 1 <= len(name) <= LONGEST_NAME:
        yield f"has a name of {len(name)} characters; Step Functions takes {LONGEST_NAME}"
    kind = state.get("Type")
    if kind not in CORE:
        yield f"is of the type {kind}, which not every engine has"
        return
    beyond = set(state) - CORE[kind]
    beyond |= {word for rule in state.get("Choices", ()) for word in set(rule) - RULE}
    if beyond:
        yield f"says {', '.join(sorted(beyond))}, which not every engine reads"
    for word in ("Seconds", "TimeoutSeconds"):
        length = state.get(word, 1)
        if type(length) is not int or length < 1:
            yield f"has {word} {length!r}, which is no whole number from 1 on"


def _task(journey: Journey, state: dict[str, Any]) -> Iterator[str]:
    parameters = state.get("Parameters", {})
    payload = parameters.get("Payload", {})
    verbs = {step.name: step.verb for step in journey.every_step()}
    if state.get("Resource") not in (INVOKE, WITH_TOKEN):
        yield f"calls {state.get('Resource')}; only run_step may act"
    elif parameters.get("FunctionName") != RUN_STEP:
        yield f"calls {parameters.get('FunctionName')}; only run_step may act"
    asks_where = payload.get("resume") is True and payload.get("step") == ""
    if payload.get("journey") != journey.name or not (asks_where or payload.get("step") in verbs):
        yield "runs no step of this journey"
    elif verbs.get(payload["step"]) == "send" and state.get("Resource") != WITH_TOKEN:
        yield "sends without a token, so it cannot be held"
    has_token = payload.get("token.$") == TOKEN
    if has_token is not (state.get("Resource") == WITH_TOKEN):
        yield "has a token, which nothing answers" if has_token else "waits without a token"
    if {"run.$", "person.$", "entered.$"} - set(payload):
        yield "does not say for whom it runs"
    retried = {error for retry in state.get("Retry", ()) for error in retry["ErrorEquals"]}
    caught = {error for catch in state.get("Catch", ()) for error in catch["ErrorEquals"]}
    # What answers a token ends the wait for it; a plain task may be caught when no try was enough.
    told = caught if state.get("Resource") == WITH_TOKEN else set()
    for error in sorted(retried & (NOT_RETRIED | told)):
        yield f"tries again after {error}, which would do the step twice"
