"""The engine: executions on one heap of due times, in virtual time."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from heapq import heappop, heappush
from itertools import count
from sys import maxsize
from typing import Any

from msgspec import convert, to_builtins

from functions.engine.execution import Answer, Execution, ExecutionFailed, Status, Then
from functions.engine.machine import END, Machine, State, Task, TaskFailed, Wait

Invoke = Callable[[str, dict[str, Any]], Any]


def _nothing(execution: Execution) -> None:
    pass


class Engine:
    """Runs executions, in one thread at a time; `now` is its time as of the last run_until.

    `invoke` is given a function's name and its payload, and raises TaskFailed; any other
    exception passes through run_until, and the state that it came from runs again next time.
    `machine` finds a machine by its key. `saved` is told an execution whenever it comes to rest
    or ends, and before it goes on from one task to the next, so that after a crash only the state
    that it was in runs again. `ended` is told after the last save, `seen` when it
    enters a state. `seed` goes into jitter and
    tokens: who restores gives each life of the process another, so that no token comes twice.
    `executions` are those known by name, the ended ones too until they are forgotten.
    """

    def __init__(
        self,
        invoke: Invoke,
        machine: Callable[[str], Machine],
        *,
        saved: Callable[[Execution], None] = _nothing,
        ended: Callable[[Execution], None] = _nothing,
        seen: Callable[[Execution], None] = _nothing,
        seed: str = "",
    ) -> None:
        self.executions: dict[str, Execution] = {}
        self.now = datetime.min.replace(tzinfo=UTC)
        self._invoke = invoke
        self._machine = machine
        self._saved = saved
        self._ended = ended
        self._seen = seen
        self._seed = seed
        self._seq = count(1)
        # An entry is alive while its execution still has its seq; others are skipped.
        self._heap: list[tuple[datetime, int, Execution]] = []

    def start(self, machine: str, name: str, input: dict[str, Any], now: datetime) -> bool:
        """Make an execution, due now; False when its name is known already."""
        if name in self.executions:
            return False
        first = self._machine(machine).start
        execution = Execution(
            name=name, machine=machine, state=first, data=input, started=now, entered=now
        )
        self.executions[name] = execution
        self._rest(execution, "enter", now)
        return True

    def succeed(self, token: str, output: Any, now: datetime) -> bool:
        """Answer a token with a result; False when it is dead (TaskTimedOut)."""
        return self._answer(token, Answer(output=output), now)

    def fail(self, token: str, error: str, cause: str, now: datetime) -> bool:
        """Answer a token with an error; False when it is dead (TaskTimedOut)."""
        return self._answer(token, Answer(error=error, cause=cause), now)

    def stop(self, name: str, now: datetime, error: str = "", cause: str = "") -> bool:
        """Abort a running execution; False when there is none."""
        execution = self.executions.get(name)
        if execution is None or execution.status != "RUNNING":
            return False
        self._end(execution, "ABORTED", now, error, cause)
        return True

    def forget(self, name: str) -> None:
        """Free the name of an execution that has ended."""
        if name in self.executions and self.executions[name].status != "RUNNING":
            del self.executions[name]

    def next_due(self) -> datetime | None:
        """When there is something to do next."""
        heap = self._heap
        while heap:
            due, seq, execution = heap[0]
            if execution.seq == seq:
                return due
            heappop(heap)
        return None

    def run_until(self, now: datetime, limit: int | None = None) -> int:
        """Do what is due up to now, in the order of due times; the number of transitions.

        After `limit` transitions it stops, and the next call goes on as if it had not.
        """
        done, most = 0, maxsize if limit is None else limit
        while done < most:
            due = self.next_due()
            if due is None or due > now:
                self.now = max(self.now, now)
                break
            self.now = max(self.now, due)
            # The entry stays on the heap until it is stale: what is cut short keeps its place.
            done += self._run(self._heap[0][2], most - done)
        return done

    @staticmethod
    def dump(execution: Execution) -> dict[str, Any]:
        """All of an execution, as JSON can hold it."""
        dumped: dict[str, Any] = to_builtins(execution)
        return dumped

    def restore(self, saved: Iterable[dict[str, Any]]) -> None:
        """Take back what was dumped; executions that are known already stay as they are."""
        executions = (convert(dumped, Execution) for dumped in saved)
        for execution in sorted(executions, key=lambda execution: execution.seq):
            if self.executions.setdefault(execution.name, execution) is execution:
                self._put(execution)

    def _run(self, execution: Execution, most: int) -> int:
        """Carry on until it rests, ends or has made so many transitions; their number."""
        before = execution.transitions
        states = self._machine(execution.machine).states
        try:
            following = self._wake(execution, states[execution.state])
            while following is not None:
                if following == END:
                    self._end(execution, "SUCCEEDED", self.now)
                    break
                execution.state, execution.then = following, "enter"
                if execution.transitions - before >= most:
                    break
                following = self._enter(execution, states[following])
        except ExecutionFailed as failure:
            self._end(execution, "FAILED", self.now, failure.error, failure.cause)
        return execution.transitions - before

    # From here to _failed: they return the next state's name, or None where the execution rests.

    def _wake(self, execution: Execution, state: State) -> str | None:
        if execution.then == "leave" and isinstance(state, Wait):
            return state.next
        if execution.then == "enter" or not isinstance(state, Task):
            return self._enter(execution, state)
        if execution.then == "repeat":
            execution.transitions += 1  # Amazon bills a retry as a transition
            return self._call(execution, state)
        execution.token = ""
        if execution.then == "time out":
            return self._failed(execution, state, "States.Timeout", "")
        return self._take_answer(execution, state)

    def _enter(self, execution: Execution, state: State) -> str | None:
        if execution.unsaved and isinstance(state, Task):
            execution.unsaved = False
            self._saved(execution)
        execution.transitions += 1
        execution.entered = self.now
        execution.attempts = []
        self._seen(execution)
        if isinstance(state, Task):
            return self._call(execution, state)
        if isinstance(state, Wait):
            self._rest(execution, "leave", state.until(execution))
            return None
        return state(execution)

    def _call(self, execution: Execution, task: Task) -> str | None:
        timeout = task.timeout(execution) if task.timeout else None
        token = f"{self._seed}:{execution.transitions}:{execution.name}" if task.waits else ""
        execution.token = token
        execution.unsaved = True
        try:
            result = self._invoke(task.function, task.payload(execution))
        except TaskFailed as failure:
            if _settled(execution, token):
                return None
            execution.token = ""
            return self._failed(execution, task, failure.error, failure.cause)
        if _settled(execution, token):
            return None
        if task.waits:
            self._rest(execution, "time out", self.now + timeout if timeout else None)
            return None
        execution.data = task.write(execution.data, {"Payload": result, "StatusCode": 200})
        return task.next

    def _take_answer(self, execution: Execution, task: Task) -> str | None:
        answer, execution.answer = execution.answer or Answer(), None
        if answer.error is not None:
            return self._failed(execution, task, answer.error, answer.cause)
        execution.data = task.write(execution.data, answer.output)
        return task.next

    def _failed(self, execution: Execution, task: Task, error: str, cause: str) -> str | None:
        for place, retrier in enumerate(task.retriers):
            if retrier.matches(error):
                if self._retry(execution, task, place):
                    return None
                break
        for catcher in task.catchers:
            if catcher.matches(error):
                execution.data = catcher.write(execution.data, {"Error": error, "Cause": cause})
                return catcher.next
        raise ExecutionFailed(error, cause)

    def _retry(self, execution: Execution, task: Task, place: int) -> bool:
        """Have the task repeated later, unless this retrier has no attempt left."""
        execution.attempts = execution.attempts or [0] * len(task.retriers)
        retrier, retries = task.retriers[place], execution.attempts[place]
        if retries >= retrier.most:
            return False
        execution.attempts[place] += 1
        seed = f"{self._seed}:{execution.transitions}:{execution.name}"
        self._rest(execution, "repeat", self.now + retrier.delay(retries, seed))
        return True

    def _answer(self, token: str, answer: Answer, now: datetime) -> bool:
        execution = self.executions.get(token.rpartition(":")[2])
        if execution is None or execution.token != token:
            return False
        if execution.then == "time out" and execution.due is not None and now >= execution.due:
            return False  # whether or not its time-out has been run already
        execution.token, execution.answer = "", answer
        self._rest(execution, "answer", now)
        return True

    def _rest(self, execution: Execution, then: Then, due: datetime | None) -> None:
        execution.then, execution.due, execution.unsaved = then, due, False
        self._put(execution)
        self._saved(execution)

    def _put(self, execution: Execution) -> None:
        if execution.status == "RUNNING":
            execution.seq = next(self._seq)
            if execution.due is not None:
                heappush(self._heap, (execution.due, execution.seq, execution))

    def _end(
        self, execution: Execution, status: Status, now: datetime, error: str = "", cause: str = ""
    ) -> None:
        execution.status, execution.ended = status, now
        execution.error, execution.cause = error, cause
        execution.output = execution.data if status == "SUCCEEDED" else None
        execution.seq, execution.due, execution.token, execution.answer = 0, None, "", None
        execution.unsaved = False
        self._saved(execution)
        self._ended(execution)


def _settled(execution: Execution, token: str) -> bool:
    """The handler itself has answered its token or stopped its execution."""
    return execution.token != token or execution.status != "RUNNING"
