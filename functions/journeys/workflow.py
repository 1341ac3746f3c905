"""What Step Functions does for a run, as functions, so that journeys stay free of I/O."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


class NoMachine(Exception):
    """The journey has no state machine yet, and only a deployment makes one."""


class Start(msgspec.Struct):
    """A message of the start queue: a run that is to begin, ids only."""

    journey: str
    version: str
    run: str
    person: str


class Move(msgspec.Struct, tag="move"):
    """A message of the start queue: a run is to go on in another version, or to leave.

    Without a version it leaves as "ejected"; `mapping` is what the marketer said of steps.
    """

    journey: str
    run: str
    person: str
    version: str = ""
    mapping: dict[str, str] = {}


class MoveAll(msgspec.Struct, tag="move all"):
    """A message of the start queue: a Move for every run under way, a page at a time."""

    journey: str
    version: str = ""
    mapping: dict[str, str] = {}
    after: str = ""


@dataclass(frozen=True)
class Workflow:
    """Effects handed to the journeys; each is safe to repeat.

    start(journey, journey_version, name, input): same name again changes nothing.
    stop(journey, name, outcome): a run that has ended already is no error.
    succeed(token, output) and fail(token, error, cause): True when the token was still open.
    """

    start: Callable[[str, str, str, dict[str, Any]], None]
    stop: Callable[[str, str, str], None]
    succeed: Callable[[str, dict[str, Any]], bool]
    fail: Callable[[str, str, str], bool]


@dataclass(frozen=True)
class Execution:
    """What Step Functions knows of an execution: its status, its person, its output at the end,
    and the id of its run."""

    status: str
    person: str
    output: str | None = None
    run: str = ""


@dataclass(frozen=True)
class Position:
    """The state in which an execution is, since when, and the data with which it came there.

    `entered` goes by the stage's clock; times in the data that a Wait reads are Step Functions'.
    """

    state: str
    entered: datetime
    data: dict[str, Any] = field(default_factory=dict)


def _nowhere(journey: str, name: str) -> Position | None:
    return None


@dataclass(frozen=True)
class Machines:
    """What only the publisher, the paced starter and the daily comparison ask.

    publish(journey, version, definition): brings the journey's machine up to this definition
    (JSON, `${RunStep}` in it), freezes it and returns its name, under which runs of the version
    start. Raises NoMachine when the journey has none yet.
    start_now(...): like Workflow.start, but raises when Step Functions is too busy.
    under_way(journey): the names of all executions that run (a run's last one is `execution`).
    describe(journey, name): None when there is no such execution.
    position(journey, name): where an execution is; None when it does not run.
    """

    publish: Callable[[str, str, str], str]
    start_now: Callable[[str, str, str, dict[str, Any]], None]
    under_way: Callable[[str], Iterable[str]]
    describe: Callable[[str, str], Execution | None]
    position: Callable[[str, str], Position | None] = _nowhere
