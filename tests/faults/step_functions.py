"""Step Functions: each execution is the product's own engine with a strand of its own."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from functions.engine.engine import Engine
from functions.engine.execution import Execution
from functions.engine.machine import Machine, TaskFailed
from functions.handlers import close_run, run_step
from functions.journeys.step import Exit, Temporary, WebhookBusy, WebhookRefused
from functions.journeys.workflow import Execution as Described
from functions.journeys.workflow import Machines, Position, Workflow
from functions.storage.store import Unavailable
from tests.faults.chance import Chance
from tests.faults.lambdas import Invocation, Lambdas
from tests.faults.loop import Loop, Strand, us

CALLING = ("error", "lost answer", "crash before", "crash after", "delay", "hang")
LOOKING = ("error", "crash before", "delay")
LAG = 2.0  # seconds by which a list of executions may be behind
TRIES = 3  # of an asynchronous call


@dataclass
class Entered:
    """A state that called the handler: which one, when it was entered, by which payload."""

    step: str
    time: datetime
    wait: str = ""


@dataclass
class History:
    """What the console shows of an execution: its steps, the waits that ran out, its end."""

    name: str
    machine: str
    person: str
    started: int
    entered: list[Entered] = field(default_factory=list)
    timed_out: list[tuple[str, int]] = field(default_factory=list)
    answered: list[tuple[str, int]] = field(default_factory=list)
    status: str = "RUNNING"
    output: Any = None
    ended: int = 0
    run: str = ""


class StepFunctions:
    """Starts, stops and answers executions; `tell` is EventBridge's rule for their ends."""

    def __init__(
        self,
        lambdas: Lambdas,
        chance: Chance,
        machine: Callable[[str], Machine],
        put_off: Callable[[bytes], None],
    ) -> None:
        self.lambdas, self.chance, self.loop = lambdas, chance, lambdas.loop
        self.histories: dict[str, History] = {}
        self.failed_calls: list[str] = []
        self.coming = 0  # notices on their way
        self._machine, self._put_off = machine, put_off
        self._running: dict[str, _Running] = {}
        self.workflow = Workflow(self._start, self._stop, self._succeed, self._fail)
        self.machines = Machines(
            lambda journey, version, definition: f"{journey}@{version}",
            self._start_now,
            self._under_way,
            self._describe,
            self._position,
        )

    @property
    def running(self) -> list[str]:
        """The names of the executions that run."""
        return [name for name, history in self.histories.items() if history.status == "RUNNING"]

    # --- what Lambdas call

    def _start(self, journey: str, version: str, name: str, names: dict[str, Any]) -> None:
        """As the product's own workflow in AWS: what is too busy to start waits in a queue."""

        def put_off() -> None:
            body = {"journey": journey, "version": version, "run": names["run"]}
            body["person"] = names["person"]
            self.lambdas.disturb(
                "queue", "send start", lambda: self._put_off(json.dumps(body).encode()), CALLING
            )

        self._begin(journey, version, name, names, put_off)

    def _start_now(self, journey: str, version: str, name: str, names: dict[str, Any]) -> None:
        def busy() -> None:
            raise Unavailable("states: ThrottlingException")

        self._begin(journey, version, name, names, busy)

    def _begin(
        self,
        journey: str,
        version: str,
        name: str,
        names: dict[str, Any],
        busy: Callable[[], None],
    ) -> None:
        def begin() -> None:
            if name not in self.histories:
                machine = f"{journey}@{version}"
                history = History(name, machine, names["person"], self.loop.time)
                history.run = names["run"]
                self.histories[name] = history
                self._running[name] = _Running(self, history, dict(names))

        what = f"start {name}"
        self.lambdas.disturb("states", what, begin, (*CALLING, "too busy"), {"too busy": busy})

    def _stop(self, journey: str, name: str, outcome: str) -> None:
        def stop() -> None:
            if name in self._running:
                self._running[name].stop(outcome)

        self.lambdas.disturb("states", f"stop {name}", stop, CALLING)

    def _succeed(self, token: str, output: dict[str, Any]) -> bool:
        return self._answer(
            "succeed", token, lambda engine, now: engine.succeed(token, output, now)
        )

    def _fail(self, token: str, error: str, cause: str) -> bool:
        return self._answer(
            f"fail {error}", token, lambda engine, now: engine.fail(token, error, cause, now)
        )

    def _answer(self, what: str, token: str, answer: Callable[[Engine, datetime], bool]) -> bool:
        name = token.rpartition(":")[2]

        def act() -> bool:
            running = self._running.get(name)
            return running is not None and running.answer(what, answer)

        found: bool = self.lambdas.disturb("states", f"{what} {name}", act, CALLING)
        return found

    def _under_way(self, journey: str) -> list[str]:
        def listed() -> list[str]:
            return [name for name in self.running if self._journey(name) == journey]

        def stale() -> list[str]:
            known = self.loop.time - us(LAG)
            return [
                name
                for name, history in self.histories.items()
                if self._journey(name) == journey
                and history.started <= known
                and (history.status == "RUNNING" or history.ended > known)
            ]

        found: list[str] = self.lambdas.disturb(
            "states", f"list {journey}", listed, (*LOOKING, "stale"), {"stale": stale}
        )
        return found

    def _journey(self, name: str) -> str:
        return self.histories[name].machine.partition("@")[0]

    def _position(self, journey: str, name: str) -> Position | None:
        def look() -> Position | None:
            found = self._running.get(name)
            if found is None:
                return None
            execution = found.execution
            return Position(execution.state, execution.entered, execution.data)

        found: Position | None = self.lambdas.disturb("states", f"history {name}", look, LOOKING)
        return found

    def _describe(self, journey: str, name: str) -> Described | None:
        def describe() -> Described | None:
            found = self.histories.get(name)
            if found is None:
                return None
            return Described(found.status, found.person, found.output, found.run)

        found: Described | None = self.lambdas.disturb(
            "states", f"describe {name}", describe, LOOKING
        )
        return found

    # --- what executions do

    def machine(self, key: str) -> Machine:
        return self._machine(key)

    def ended(self, history: History, execution: Execution) -> None:
        """Tell of the end, as EventBridge does: nearly always, at least once, soon or late."""
        history.status, history.ended = execution.status, self.loop.time
        history.output = json.dumps(execution.output) if execution.status == "SUCCEEDED" else None
        self._running.pop(history.name, None)
        self.lambdas.note("states", f"{history.name} has {execution.status}")
        where = f"the end of {history.name}"
        if self.chance.fault(where, ["lost"]):
            return
        times = 2 if self.chance.fault(where, ["twice"]) else 1
        for number in range(times):
            label = f"{where} told {number}"
            part = self.chance.number(label)
            late = self.chance.fault(label, ["late"])
            self.coming += 1
            self.loop.after(7200 * part if late else part, lambda: self._tell(history, TRIES))

    def _tell(self, history: History, tries: int) -> None:
        detail = {
            "name": history.name,
            "status": history.status,
            "input": json.dumps({"run": history.run, "person": history.person}),
            "output": history.output,
        }

        def done(invocation: Invocation) -> None:
            self.coming -= 1
            if invocation.state == "done":
                return
            if tries == 1:
                self.failed_calls.append(history.name)
                return
            self.coming += 1
            self.loop.after(60, lambda: self._tell(history, tries - 1))

        self.lambdas.call(
            f"close_run [{history.name}]",
            lambda: close_run.handler({"detail": detail}, None),
            done,
            limit=30,
        )


class _Running:
    """One execution: an engine that has only this one, so that each can be suspended by itself."""

    def __init__(self, states: StepFunctions, history: History, names: dict[str, Any]) -> None:
        self.states, self.history = states, history
        self.engine = Engine(self._invoke, states.machine, ended=self._ended, seed="t")
        self._busy = False
        self._loop: Loop = states.loop
        self._calls = 0
        self.engine.start(history.machine, history.name, names, self._loop.now)
        self._wake_later()

    @property
    def execution(self) -> Execution:
        return self.engine.executions[self.history.name]

    def stop(self, outcome: str) -> None:
        self.engine.stop(self.history.name, self._loop.now, "Exit", outcome)

    def answer(self, what: str, answer: Callable[[Engine, datetime], bool]) -> bool:
        state = self.execution.state
        accepted = answer(self.engine, self._loop.now)
        if accepted:
            self.history.answered.append((f"{state}: {what}", self._loop.time))
            self._wake_later()
        return accepted

    def _wake_later(self) -> None:
        due = self.engine.next_due()
        if due is not None and not self._busy:
            waits = us(due - self._loop.now)
            self._loop.at(self._loop.time + max(0, waits), self._wake)

    def _wake(self) -> None:
        due = self.engine.next_due()
        if self._busy or due is None or due > self._loop.now:
            return
        execution = self.execution
        if execution.then == "time out" and execution.token:
            self.history.timed_out.append((execution.state, self._loop.time))
        self._busy = True
        Strand(self._loop, self._carry_on).resume()

    def _carry_on(self) -> None:
        self.engine.run_until(self._loop.now)
        self._busy = False
        self._loop.at(self._loop.time, self._wake_later)

    def _ended(self, execution: Execution) -> None:
        self.states.ended(self.history, execution)

    def _invoke(self, function: str, payload: dict[str, Any]) -> Any:
        """Call run_step and rest until it answers, or until Step Functions thinks it will not."""
        self._calls += 1
        entered = datetime.fromisoformat(payload["entered"])
        self.history.entered.append(Entered(payload["step"], entered, payload.get("wait", "")))
        name = f"run_step [{self.history.name} {payload['step']} {self._calls}]"
        kind = self.states.chance.fault(name, ("not invoked", "answer lost", "twice"))
        if kind:
            self.states.lambdas.note("states", f"{name}: {kind}")
        if kind == "not invoked":
            raise TaskFailed("Lambda.TooManyRequestsException")
        answer = self._call(name, payload, kind)
        if answer is None:
            raise TaskFailed("Lambda.Unknown", "the answer was lost")
        return _result_of(answer)

    def _call(self, name: str, payload: dict[str, Any], kind: str) -> Invocation | None:
        me = self._loop.current
        answers: list[Invocation | None] = []

        def done(invocation: Invocation | None) -> None:
            answers.append(invocation)
            if len(answers) == 1:
                me.resume()

        lambdas = self.states.lambdas
        for number in range(2 if kind == "twice" else 1):
            part = self.states.chance.number(f"{name} starts {number}")
            self._loop.after(
                part * (0.02 if number == 0 else 1.0),
                lambda: lambdas.call(name, lambda: run_step.handler(dict(payload), None), done),
            )
        if kind == "answer lost":
            self._loop.after(2 * self.states.chance.number(f"{name} is lost"), lambda: done(None))
        self._loop.park()
        self.engine.now = self._loop.now  # a call takes time, which the engine does not know
        return answers[0]


ERRORS = {"crashed": "Lambda.Unknown", "timed out": "Sandbox.Timedout"}


def _result_of(invocation: Invocation) -> Any:
    """The handler's result; what it raised becomes a named error."""
    if invocation.state == "done":
        return msgspec.json.decode(msgspec.json.encode(invocation.result))
    if invocation.state == "failed":
        error = invocation.result
        known = isinstance(error, Exit | Temporary | WebhookBusy | WebhookRefused)
        raise TaskFailed(type(error).__name__, str(error) if known else repr(error))
    raise TaskFailed(ERRORS[invocation.state])
