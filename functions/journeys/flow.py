"""The compiler: a journey becomes Amazon States Language, with as few states as it can."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from functions.journeys.journey import Journey
from functions.journeys.step import Step
from functions.journeys.steps.awaiting import Awaiting
from functions.journeys.steps.repeat import Repeat
from functions.journeys.steps.send import Send

LONGEST_NAME = 80  # of a state, by Step Functions
LOOP = "$.loop"  # where the pass of the loop stands that the run is in
FINISHED, LEFT = "finished", "left"
GO_ON, GO_ON_AT, NOWHERE = "go on", "go on at", "nowhere to go on"
# Named errors only: States.ALL or States.Timeout would match a wait's own timeout and run the
# step again. Provider throttling is not among them (a billed retry that runs out): it holds.
RETRY = {
    "ErrorEquals": [
        "Temporary",
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.ClientExecutionTimeoutException",
        "Lambda.TooManyRequestsException",
        "Lambda.Unknown",
        "Sandbox.Timedout",
    ],
    "IntervalSeconds": 2,
    "MaxAttempts": 10,
    "BackoffRate": 2.0,
    "MaxDelaySeconds": 900,
    "JitterStrategy": "FULL",
}
# For about a day, as long as events are put off: a step must not fail because others are many.
RETRY_WHEN_BUSY = {
    "ErrorEquals": ["Busy"],
    "IntervalSeconds": 20,
    "MaxAttempts": 100,
    "BackoffRate": 2.0,
    "MaxDelaySeconds": 900,
    "JitterStrategy": "FULL",
}
RUN_STEP = "${RunStep}"


class BadName(ValueError):
    """A state's name is longer than Step Functions allows, or taken."""


def compile_journey(journey: Journey, version: str, pace: float = 1.0) -> dict[str, Any]:
    """The States Language definition of a journey. Raises BadName.

    `version` goes into every task, so that a run keeps the definition that it started with.
    `${RunStep}` stands for the Lambda's ARN. `pace` is the speed of the stage's clock, by which
    waits are shorter.
    """
    flow = flow_of(journey, version, pace)
    states = dict(reversed(flow.states.items()))
    return {"Comment": journey.title, "StartAt": flow.start, "States": states}


def flow_of(journey: Journey, version: str, pace: float = 1.0) -> "Flow":
    """All states of a journey, and which of them belongs to which step. Raises BadName."""
    flow = Flow(journey.name, version, pace)
    flow.measure(journey.steps, timedelta())
    flow.begin(flow.chain(journey.steps, "", None))
    return flow


class Flow:
    """The states of one journey, added from the end to the start."""

    def __init__(self, journey: str, version: str, pace: float = 1.0) -> None:
        self.states: dict[str, dict[str, Any]] = {}
        self.start = ""
        self.owners: dict[str, str] = {}  # state -> step
        self._firsts: dict[str, str] = {}  # step -> the state in which it begins
        self._rests: dict[str, str] = {}  # step -> the state in which its wait goes on
        self._quiet: dict[int, timedelta] = {}
        self._journey, self._version, self._pace = journey, version, pace
        self._branches: dict[int, int] = {}
        self._noted: set[int] = set()
        self._loop: Repeat | None = None

    def add(self, name: str, state: dict[str, Any]) -> str:
        """Add a state; adding the same one again changes nothing."""
        if len(name) > LONGEST_NAME:
            raise BadName(
                f'"{name}" is longer than {LONGEST_NAME} characters; give the steps a shorter name:'
            )
        if self.states.setdefault(name, state) != state:
            raise BadName(
                f'a state called "{name}" is made already; give the step of that name another name:'
            )
        return name

    def chain(self, steps: list[Step], after: str, before: Step | None) -> str:
        """The first state of steps that follow one another and then go on to `after`."""
        wait: Awaiting | None = None
        for index in reversed(range(len(steps))):
            step = steps[index]
            earlier = steps[index - 1] if index else before
            if isinstance(step, Awaiting) and index and isinstance(earlier, Send):
                wait = step
                continue
            if isinstance(step, Send):
                after, wait = step.states_with(self, after, wait), None
            else:
                after = step.states(self, after, earlier)
            self._firsts[step.name] = after
            for state in self.states:
                self.owners.setdefault(state, step.name)
        return after

    def measure(self, steps: list[Step], quiet: timedelta) -> timedelta:
        """Note before the compiling how long nothing may have called run_step when a run comes to
        each of the steps; returns the same for what comes after them."""
        for step in steps:
            self._quiet[id(step)] = quiet
            quiet = step.quiet(quiet)
            quiet = max([quiet, *(self.measure(arm, quiet) for _, arm in step.ways())])
        return quiet

    def quiet_before(self, step: Step) -> timedelta:
        """For how long, at most, nothing has called run_step when a run comes to the step."""
        return self._quiet.get(id(step), timedelta())

    def rest(self, step: Step, state: str) -> None:
        """Say in which state the step's wait goes on in a new execution."""
        self._rests[step.name] = state
        self.owners.setdefault(state, step.name)

    def rest_name(self, step: Step) -> str:
        """The name of the state in which the step's wait goes on."""
        return self.ours(rest_of(step.name))

    def ours(self, name: str) -> str:
        """A state's name with words of ours in it, cut where Step Functions needs that."""
        if len(name) <= LONGEST_NAME:
            return name
        mark = hashlib.sha256(name.encode()).hexdigest()[:8]
        return f"{name[: LONGEST_NAME - len(mark) - 1]} {mark}"

    def begin(self, first: str) -> None:
        """Set where an execution starts: in the first state, which one that goes on where its run
        stood leaves at once. Where it has nobody to ask and nothing to choose, a Choice comes
        before it."""
        go_on, self.start = self._go_on(), first
        resumed = {"Variable": "$.resume.new", "IsPresent": True, "Next": go_on}
        state = self.states[first]
        if state["Type"] == "Task":
            state["Catch"].insert(0, self.catch("Resume", go_on))
        elif state["Type"] == "Choice":
            state["Choices"].insert(0, resumed)
        else:
            choice = {"Type": "Choice", "Choices": [resumed], "Default": first}
            self.start = self.add("begin or go on", choice)

    def _go_on(self) -> str:
        """A task that says where, and a Choice that leads there."""
        places = self._firsts | {rest_of(step): state for step, state in self._rests.items()}
        choice = {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.resume.Payload.at", "StringEquals": place, "Next": state}
                for place, state in reversed(places.items())
            ],
            "Default": self.add(NOWHERE, {"Type": "Fail", "Error": "NoSuchStep"}),
        }
        state = self._task("", "arn:aws:states:::lambda:invoke", "$.resume", {"resume": True})
        self.finish(state, [], self.add(GO_ON_AT, choice))
        return self.add(GO_ON, state)

    def arm(self, step: Step, arm: str, after: str) -> str:
        """The first state of an arm; without steps, where it goes on anyway."""
        return self.chain(getattr(step, arm), after, step)

    def task(self, step: Step, result: str = "$.last") -> dict[str, Any]:
        """A task that runs the step and goes on with what it returns."""
        return self._task(step.name, "arn:aws:states:::lambda:invoke", result, {})

    def token_task(self, step: Step, result: str = "$.last") -> dict[str, Any]:
        """A task that ends when its token is answered."""
        resource = "arn:aws:states:::lambda:invoke.waitForTaskToken"
        return self._task(step.name, resource, result, {"token.$": "$$.Task.Token"})

    def _task(self, step: str, resource: str, result: str, extra: dict[str, Any]) -> dict[str, Any]:
        payload = {
            "journey": self._journey,
            "version": self._version,
            "step": step,
            "run.$": "$.run",
            "person.$": "$.person",
            "execution.$": "$$.Execution.Name",
            "entered.$": "$$.State.EnteredTime",
            **({"pass.$": f"{LOOP}.Payload.pass"} if self._loop else {}),
            **extra,
        }
        return {
            "Type": "Task",
            "Resource": resource,
            "Parameters": {"FunctionName": RUN_STEP, "Payload": payload},
            "ResultPath": result,
            "Retry": [RETRY, RETRY_WHEN_BUSY],
        }

    def finish(self, state: dict[str, Any], catch: list[dict[str, Any]], after: str) -> None:
        """Give a task its catches (a run that is leaving ends quietly) and where it goes on."""
        state["Catch"] = [*catch, self.catch("Exit", self.add(LEFT, {"Type": "Succeed"}))]
        self.then(state, after)

    def then(self, state: dict[str, Any], after: str) -> dict[str, Any]:
        """Set where a state goes on."""
        state.update({"Next": after} if after else {"End": True})
        return state

    def catch(self, error: str, target: str, path: str = "$.caught") -> dict[str, Any]:
        """A catch of one named error."""
        return {"ErrorEquals": [error], "Next": target or self.end(), "ResultPath": path}

    def end(self) -> str:
        """A state to end in, for those that cannot end themselves."""
        return self.add(FINISHED, {"Type": "Succeed"})

    def seconds(self, length: timedelta) -> int:
        """A length in whole seconds of Step Functions' own clock, at least one."""
        return max(1, int(length.total_seconds() / self._pace))

    def result_path(self, step: Step) -> str:
        """Where a step's result stands: what has arms has a place of its own, because its moment
        is needed after its arms have run."""
        if isinstance(step, Repeat):
            return LOOP
        if step.verb not in ("if", "choose", "split"):
            return "$.last"
        return f"$.if{self._branches.setdefault(id(step), len(self._branches) + 1)}"

    @contextmanager
    def inside(self, loop: Repeat) -> Iterator[None]:
        """What is added meanwhile belongs to the loop: its tasks are told which pass it is."""
        self._loop = loop
        yield
        self._loop = None

    def began_at(self, loop: Repeat) -> str:
        """Where it stands when the loop began; inside the loop, when this pass did."""
        return f"{LOOP}.Payload.{'at' if self._loop is loop else 'began'}"

    def need_start(self, step: Step) -> None:
        """Ask for a record of when the step began; the steps behind it are compiled first."""
        self._noted.add(id(step))

    def is_start_needed(self, step: Step) -> bool:
        """Whether a step behind it looks back to when it began."""
        return id(step) in self._noted


def rest_of(step: str) -> str:
    """The place in a step's wait, after its beginning, as `go on at` knows it."""
    return f"rest of: {step}"
