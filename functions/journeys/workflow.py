"""What Step Functions does for a run, as four functions, so that journeys stay free of I/O."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


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
