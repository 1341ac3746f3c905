"""What Step Functions does for a run, as functions, so that journeys stay free of I/O."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


class Start(msgspec.Struct):
    """A message of the start queue: a run that is to begin, ids only."""

    journey: str
    version: str
    run: str
    person: str


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
    """What Step Functions knows of a run: its status, its person, and its output at the end."""

    status: str
    person: str
    output: str | None = None


@dataclass(frozen=True)
class Machines:
    """What only the publisher, the paced starter and the daily comparison ask.

    publish(journey, version): freezes the machine of this version and returns its name, under
    which runs of the version start. Raises ValueError when the machine is another version's.
    start_now(...): like Workflow.start, but raises when Step Functions is too busy.
    under_way(journey): the names of all executions that run.
    describe(journey, name): None when there is no such execution.
    """

    publish: Callable[[str, str], str]
    start_now: Callable[[str, str, str, dict[str, Any]], None]
    under_way: Callable[[str], Iterable[str]]
    describe: Callable[[str, str], Execution | None]
