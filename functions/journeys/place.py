"""Where a run stands."""

from datetime import datetime
from typing import Any

from functions.journeys.journey import Journey


def place_of(journey: Journey, position: Any) -> tuple[str, datetime | None, datetime | None]:
    """The step, the end of its wait, and from when on events count for it."""
    raise NotImplementedError
