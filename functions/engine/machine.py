"""Compiles a definition once: each state becomes closures that the engine only has to call."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from msgspec import UNSET, Struct, UnsetType, ValidationError, convert

from functions.engine import definition as asl
from functions.engine.execution import Execution, ExecutionFailed
from functions.engine.paths import CONTEXT, TOKEN, moment, reference, seconds, template, writer

END = ""  # stands for the next state's name where there is none

Move = Callable[[Execution], str]
Matches = Callable[[str], bool]
Write = Callable[[dict[str, Any], Any], dict[str, Any]]


class Refused(ValueError):
    """The definition is not in the core; says which state and which field."""


class TaskFailed(Exception):
    """A handler failed: raised by the engine's `invoke` with the error's name and its cause."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(error, cause)
        self.error = error
        self.cause = cause


class Wait(Struct, frozen=True):
    """Rests until `until`."""

    until: Callable[[Execution], datetime]
    next: str


class Retrier(Struct, frozen=True):
    """`delay` takes the number of retries so far and a seed for the jitter."""

    matches: Matches
    most: int
    delay: Callable[[int, str], timedelta]


class Catcher(Struct, frozen=True):
    """`write` puts error and cause into the data."""

    matches: Matches
    write: Write
    next: str


class Task(Struct, frozen=True):
    """Calls `function` with `payload`; with `waits` its result is the answer to a token."""

    function: str
    payload: Callable[[Execution], dict[str, Any]]
    waits: bool
    timeout: Callable[[Execution], timedelta] | None
    write: Write
    retriers: list[Retrier]
    catchers: list[Catcher]
    next: str


# Pass, Choice, Succeed and Fail take no time and touch nothing outside: each is a Move.
State = Move | Wait | Task


class Machine(Struct, frozen=True):
    """A compiled state machine."""

    start: str
    states: dict[str, State]


def load(definition: dict[str, Any]) -> Machine:
    """Compile a definition; Refused when anything in it is outside the core."""
    try:
        whole = convert(definition, asl.Definition)
    except ValidationError as error:
        raise Refused(f"state machine: {error}") from None
    if whole.start_at not in whole.states:
        raise Refused(f'state machine: StartAt: there is no state "{whole.start_at}"')
    return Machine(whole.start_at, {name: _load_state(name, whole.states) for name in whole.states})


def _load_state(name: str, states: dict[str, Any]) -> State:
    try:
        state: asl.State = convert(states[name], type=asl.State)
        for target in _targets(state):
            if target is not UNSET and target not in states:
                raise ValueError(f'Next or Default: there is no state "{target}"')
        return _compile(state)
    except (ValidationError, ValueError) as error:
        raise Refused(f'state "{name}": {error}') from None


def _targets(state: asl.State) -> list[str | UnsetType]:
    ways = [*getattr(state, "choices", ()), *getattr(state, "catch", ()), state]
    return [getattr(way, name, UNSET) for way in ways for name in ("next", "default")]


def _compile(state: asl.State) -> State:
    match state:
        case asl.Task():
            return _task(state)
        case asl.Wait():
            return Wait(_until(state), state.next or END)
        case asl.Choice():
            return _choice(state)
        case asl.Pass():
            return _pass(state)
        case asl.Succeed():
            return lambda execution: END
        case asl.Fail():
            return _fail(state)


def _task(state: asl.Task) -> Task:
    waits = state.resource.endswith(".waitForTaskToken")
    context = CONTEXT | TOKEN if waits else CONTEXT
    return Task(
        function=state.parameters.function_name,
        payload=template(state.parameters.payload, "Payload", context),
        waits=waits,
        timeout=_timeout(state),
        write=writer(state.result_path),
        retriers=[_retrier(retry) for retry in state.retry],
        catchers=[
            Catcher(_matcher(catch.error_equals), writer(catch.result_path), catch.next)
            for catch in state.catch
        ],
        next=state.next or END,
    )


def _timeout(state: asl.Task) -> Callable[[Execution], timedelta] | None:
    if state.timeout_seconds_path is not UNSET:
        return seconds(state.timeout_seconds_path, "TimeoutSecondsPath")
    if state.timeout_seconds is UNSET:
        return None
    timeout = timedelta(seconds=state.timeout_seconds)
    return lambda execution: timeout


def _until(state: asl.Wait) -> Callable[[Execution], datetime]:
    if state.timestamp_path is not UNSET:
        return moment(state.timestamp_path, "TimestampPath")
    if state.seconds_path is not UNSET:
        pause = seconds(state.seconds_path, "SecondsPath")
        return lambda execution: execution.entered + pause(execution)
    fixed = timedelta(seconds=max(state.seconds or 0, 1))
    return lambda execution: execution.entered + fixed


def _choice(state: asl.Choice) -> Move:
    rules = [(_holds(rule), rule.next) for rule in state.choices]
    default = state.default

    def move(execution: Execution) -> str:
        for holds, following in rules:
            if holds(execution):
                return following
        if default is UNSET:
            raise ExecutionFailed("States.NoChoiceMatched", f'in state "{execution.state}"')
        return default

    return move


def _holds(rule: asl.Rule) -> Callable[[Execution], bool]:
    get = reference(rule.variable, "Variable")
    if rule.is_present is not UNSET:
        return lambda execution: _is_present(get, execution) is rule.is_present
    [wanted] = {rule.string_equals, rule.boolean_equals, rule.numeric_equals} - {UNSET}
    boolean = rule.boolean_equals is not UNSET

    def equals(execution: Execution) -> bool:
        value = get(execution)
        return bool(value == wanted and isinstance(value, bool) is boolean)

    return equals


def _is_present(get: Callable[[Execution], Any], execution: Execution) -> bool:
    try:
        get(execution)
    except ExecutionFailed:
        return False
    return True


def _pass(state: asl.Pass) -> Move:
    following = state.next or END
    if state.result_path is UNSET:
        return lambda execution: following
    write, result = writer(state.result_path), state.result

    def move(execution: Execution) -> str:
        execution.data = write(execution.data, result)
        return following

    return move


def _fail(state: asl.Fail) -> Move:
    def move(execution: Execution) -> str:
        raise ExecutionFailed(state.error, state.cause)

    return move


def _retrier(retry: asl.Retry) -> Retrier:
    rate, longest = retry.backoff_rate, float(retry.max_delay_seconds or asl.MOST_SECONDS)

    def delay(retries: int, seed: str) -> timedelta:
        try:
            pause = min(retry.interval_seconds * rate**retries, longest)
        except OverflowError:
            pause = longest
        if retry.jitter_strategy == "FULL":
            pause = Random(seed).uniform(0, pause)
        return timedelta(seconds=pause)

    return Retrier(_matcher(retry.error_equals), retry.max_attempts, delay)


def _matcher(names: list[str]) -> Matches:
    exact = frozenset(names)
    every, every_failure = "States.ALL" in exact, "States.TaskFailed" in exact

    def matches(error: str) -> bool:
        if every:
            return error != "States.Runtime"
        return error in exact or (every_failure and error != "States.Timeout")

    return matches
