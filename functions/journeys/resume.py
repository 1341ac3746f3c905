"""A run goes on in a new execution."""

from datetime import datetime

from functions.journeys.desk import Desk
from functions.journeys.run import Run


def go_on(
    desk: Desk, run: Run, at: str, until: datetime | None, since: datetime | None, version: str
) -> None:
    """The run goes on in a new execution of `version` at step `at`."""
    raise NotImplementedError
