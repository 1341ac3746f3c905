"""What was asked of the admin API about a forecast: how far it is, and in the end its report."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec

from functions.forecast.asked import Asked

KEPT_FOR = timedelta(days=30)  # beyond the days that it is about
LONGEST = timedelta(minutes=16)  # a Lambda runs for 15
MOST_REASON = 2_000  # letters

State = Literal["waiting", "running", "done", "failed"]
# Of what it makes: a Report, a Compared with an earlier version, or the Score of a forecast.
Kind = Literal["forecast", "comparison", "score"]


def partition_of(forecast_id: str) -> str:
    """Where the record of a forecast stands."""
    return f"forecast {forecast_id}"


class Before(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """The version of the journey with which to compare: a published one ("live": the newest), else
    as `files` have it by name; without either there was no such journey. `name`: what to call it.
    """

    version: Annotated[str, msgspec.Meta(max_length=60)] = ""
    files: dict[str, str] = {}
    name: Annotated[str, msgspec.Meta(max_length=200)] = ""


class Forecast(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One forecast. `files` are the journey's by name where it is not published as it is meant,
    else `journey_version` may name a published one that is not the newest. `before`: compare with
    that; `of`: tell how far off the forecast of this id was.

    It is through with `done` of `parts`, and looked at so many `people` by then. `since` is when it
    was begun, `told` when it was last written. `report` is its JSON, packed; `why` tells why there
    is none.
    """

    forecast_id: str
    asked: Asked
    made: datetime
    version: int = 0
    files: dict[str, str] = {}
    journey_version: str = ""
    before: Before | None = None
    of: str = ""
    state: State = "waiting"
    since: datetime | None = None
    told: datetime | None = None
    done: int = 0
    parts: int = 0
    people: int = 0
    report: bytes = b""
    why: str = ""

    @property
    def expires(self) -> int:
        """Epoch seconds."""
        return int((self.made + timedelta(days=self.asked.days) + KEPT_FOR).timestamp())

    @property
    def kind(self) -> Kind:
        """What is made."""
        return "score" if self.of else "comparison" if self.before else "forecast"

    def is_lost(self, now: datetime) -> bool:
        """Whether nobody works on it any more, though it has not come to its end."""
        last = self.told or self.made
        return self.state in ("waiting", "running") and now - last > LONGEST

    def fail(self, why: str) -> None:
        """It comes to nothing."""
        self.state, self.why, self.report = "failed", why[:MOST_REASON], b""

    def finish(self, report: Any) -> None:
        """It is done, with this report (anything that msgspec can write as JSON)."""
        self.state, self.report = "done", msgspec.json.encode(report)

    @property
    def a_second(self) -> float:
        """How many people it looked at in a second, each draw counted; 0 before it is known."""
        passed = (self.told - self.since).total_seconds() if self.told and self.since else 0.0
        return round(self.people / passed, 1) if passed > 0 else 0.0
