"""An execution: one run of one machine, and everything that must survive a restart."""

from datetime import datetime
from typing import Any, Literal

import msgspec

Status = Literal["RUNNING", "SUCCEEDED", "FAILED", "ABORTED"]
Then = Literal["enter", "repeat", "leave", "time out", "answer"]


class Answer(msgspec.Struct, frozen=True):
    """What a task token was answered with: an output or, when `error` is set, a failure."""

    output: Any = None
    error: str | None = None
    cause: str = ""


class Execution(msgspec.Struct, omit_defaults=True, kw_only=True, eq=False, gc=False):
    """Where one execution stands. `data` is never changed in place, only replaced.

    At `due` (None: never by itself) the engine does what `then` says: enter `state`, repeat its
    task, leave it, let its token time out, or take the `answer` that its token was given.
    `transitions` are those AWS bills: the start, each state entered, each retry. `seq` orders
    what is due at the same time; `unsaved` tells that a task has run since the last save.
    """

    name: str
    machine: str
    state: str
    data: dict[str, Any]
    started: datetime
    entered: datetime
    status: Status = "RUNNING"
    then: Then = "enter"
    due: datetime | None = None
    seq: int = 0
    token: str = ""
    answer: Answer | None = None
    attempts: list[int] = []
    transitions: int = 1
    unsaved: bool = False
    ended: datetime | None = None
    output: Any = None
    error: str = ""
    cause: str = ""


class ExecutionFailed(Exception):
    """The execution cannot go on, and no Retry or Catch applies."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(error, cause)
        self.error = error
        self.cause = cause
