"""Runs a state machine in moto's interpreter and in ours, in virtual time, to compare the two.

moto's interpreter (LocalStack's, by descent) is driven directly: no API, no AWS client, each
definition parsed once. Its sleeping is replaced by adding to a clock, so a year takes no time.
One run at a time, because this replacing holds for the whole process.
"""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, NamedTuple, Protocol
from unittest import mock

from moto.stepfunctions.parser import utils as moto_utils
from moto.stepfunctions.parser.api import HistoryEventType, StateMachineType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import (
    CustomErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state import state as moto_state
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_lambda import (  # noqa: E501
    StateTaskServiceLambda,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function import timestamp
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
    WaitFunction,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackEndpoint,
    CallbackOutcome,
    CallbackOutcomeFailure,
    CallbackOutcomeSuccess,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.evaluation_details import AWSExecutionDetails
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

from functions.engine.engine import Engine
from functions.engine.machine import TaskFailed, load
from functions.engine.paths import timestamp as written

# It logs every failure at length, and here most failures are meant.
logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)

NOW = datetime(2027, 3, 1, 8, tzinfo=UTC)


class Tokens(Protocol):
    """What a handler answers tokens with: at once, or that many seconds later."""

    def succeed(self, token: str, output: Any, after: float = 0) -> None: ...

    def fail(self, token: str, error: str, cause: str = "", after: float = 0) -> None: ...


Handler = Callable[[str, dict[str, Any], Tokens], Any]  # raises TaskFailed


class Outcome(NamedTuple):
    """The names of the states entered, the output, and how it ended after how many seconds."""

    path: list[str]
    output: Any
    status: str
    error: str
    cause: str
    seconds: float


def run(
    definition: dict[str, Any], input: dict[str, Any], handler: Handler, name: str = "run"
) -> Outcome:
    """One execution in moto's interpreter."""
    moto_run = _Run(input, handler, name)
    program = _parse(json.dumps(definition))
    with _patched(moto_run):
        program.eval(moto_run.environment)
    moto_utils.TMP_THREADS.clear()  # moto keeps every thread it ever started
    return moto_run.outcome()


def run_ours(
    definition: dict[str, Any], input: dict[str, Any], handler: Handler, name: str = "run"
) -> Outcome:
    """The same execution in the project's engine."""
    machine = load(definition)
    later: list[tuple[datetime, Callable[..., bool], tuple[Any, ...]]] = []

    def answer(method: Callable[..., bool], after: float, *arguments: Any) -> None:
        if after:
            later.append((engine.now + timedelta(seconds=after), method, arguments))
        else:
            method(*arguments, engine.now)

    tokens = SimpleNamespace(
        succeed=lambda token, output, after=0: answer(engine.succeed, after, token, output),
        fail=lambda token, error, cause="", after=0: answer(
            engine.fail, after, token, error, cause
        ),
    )
    engine = _Traced(
        lambda function, payload: handler(function, payload, tokens), lambda _: machine
    )
    engine.start("machine", name, input, NOW)
    execution = engine.executions[name]
    while execution.status == "RUNNING":
        later.sort(key=lambda one: one[0])
        if later and later[0][0] < (engine.next_due() or datetime.max.replace(tzinfo=UTC)):
            due, method, arguments = later.pop(0)
            method(*arguments, due)
        else:
            engine.run_until(engine.next_due())
    seconds = (execution.ended - execution.started).total_seconds()
    ended = (execution.status, execution.error, execution.cause, seconds)
    return Outcome(engine.path, execution.output, *ended)


class _Traced(Engine):
    """Our engine, writing down the states it enters."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.path: list[str] = []

    def _enter(self, execution: Any, state: Any) -> str | None:
        self.path.append(execution.state)
        return super()._enter(execution, state)


class _Run:
    """One run in moto: its environment, its clock, and the answers still to come."""

    def __init__(self, input: dict[str, Any], handler: Handler, name: str) -> None:
        self.seconds = 0.0
        self.handler = handler
        self.later: dict[str, tuple[float, CallbackOutcome]] = {}
        execution = {"Id": "arn:run", "RoleArn": "arn:role", "Name": name, "Input": input}
        self.environment = Environment(
            aws_execution_details=AWSExecutionDetails("123456789012", "eu-central-1", "arn:role"),
            execution_type=StateMachineType.STANDARD,
            context={
                "Execution": {**execution, "StartTime": written(NOW)},
                "StateMachine": {"Id": "arn:machine", "Name": "machine"},
            },
            event_history_context=EventHistoryContext.of_program_start(),
            cloud_watch_logging_session=None,
            activity_store={},
        )

    def sleep(self, seconds: float) -> None:
        self.seconds += max(seconds, 0)

    def succeed(self, token: str, output: Any, after: float = 0) -> None:
        self._answer(CallbackOutcomeSuccess(token, json.dumps(output)), after)

    def fail(self, token: str, error: str, cause: str = "", after: float = 0) -> None:
        self._answer(CallbackOutcomeFailure(token, error, cause), after)

    def _answer(self, outcome: CallbackOutcome, after: float) -> None:
        if after:
            self.later[outcome.callback_id] = (after, outcome)
        else:
            self.environment.callback_pool_manager.notify(outcome.callback_id, outcome)

    def wait_for_answer(self, endpoint: CallbackEndpoint, timeout: float) -> CallbackOutcome | None:
        if endpoint.get_outcome() is None:
            after, outcome = self.later.pop(endpoint.callback_id, (timeout, None))
            self.sleep(min(after, timeout))
            if after < timeout and outcome is not None:
                endpoint.notify(outcome)
        return endpoint.get_outcome()

    def call(self, env: Environment, parameters: dict[str, Any]) -> None:
        # A retried task has a new token by AWS; moto's keeps its own, with the answer it was given.
        task = env.states.context_object.context_object_data.get("Task")
        if task:
            env.callback_pool_manager.get(task["Token"])._outcome = None
        try:
            payload = json.loads(parameters["Payload"])
            result = self.handler(parameters["FunctionName"], payload, self)
        except TaskFailed as failure:
            details = TaskFailedEventDetails(error=failure.error, cause=failure.cause)
            raise FailureEventException(
                FailureEvent(
                    env=env,
                    error_name=CustomErrorName(failure.error),
                    event_type=HistoryEventType.TaskFailed,
                    event_details=EventDetails(taskFailedEventDetails=details),
                )
            ) from None
        env.stack.append({"Payload": json.loads(json.dumps(result)), "StatusCode": 200})

    def outcome(self) -> Outcome:
        state, env = self.environment.program_state(), self.environment
        entered = (
            event["stateEnteredEventDetails"]["name"]
            for event in env.event_manager.get_event_history()
            if "stateEnteredEventDetails" in event
        )
        if isinstance(state, ProgramEnded):
            return Outcome(list(entered), env.states.get_input(), "SUCCEEDED", "", "", self.seconds)
        error, cause = state.error.get("error", ""), state.error.get("cause", "")
        return Outcome(list(entered), None, "FAILED", error, cause, self.seconds)


@lru_cache(maxsize=64)
def _parse(definition: str) -> Any:
    return AmazonStateLanguageParser.parse(definition)[0]


def _clock(run: _Run) -> SimpleNamespace:
    """In place of the module `datetime`: tells the run's time, and writes it as AWS does."""

    class Moment(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Moment":
            return cls(*NOW.timetuple()[:6], tzinfo=tz) + timedelta(seconds=run.seconds)

        def isoformat(self, *_: Any) -> str:
            return f"{self:%Y-%m-%dT%H:%M:%S}.{self.microsecond // 1000:03d}Z"

    return SimpleNamespace(datetime=Moment, timezone=timezone)


@contextmanager
def _patched(run: _Run) -> Iterator[None]:
    def wait(state: Any, env: Environment, wait_seconds: float) -> None:
        run.sleep(max(wait_seconds, 1))  # as ours does; by AWS a time in the past is no wait

    def wait_for_answer(endpoint: CallbackEndpoint, timeout: float) -> CallbackOutcome | None:
        return run.wait_for_answer(endpoint, timeout)

    def call(state: Any, env: Environment, *, normalised_parameters: Any, **_: Any) -> None:
        run.call(env, normalised_parameters)

    clock = _clock(run)
    with (
        mock.patch.object(WaitFunction, "_wait_interval", wait),
        mock.patch.object(CallbackEndpoint, "wait", wait_for_answer),
        mock.patch.object(StateTaskServiceLambda, "_eval_service_task", call),
        mock.patch.object(retrier_decl, "time", SimpleNamespace(sleep=run.sleep)),
        mock.patch.object(moto_state, "datetime", clock),
        mock.patch.object(timestamp, "datetime", clock),
    ):
        yield
