"""Wait for a length of time."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from functions.journeys import schema
from functions.journeys.step import Answer, Step, Visit
from functions.segments.phrases import duration

if TYPE_CHECKING:
    from functions.journeys.flow import Flow


class Wait(Step):
    """Waits: minutes, hours, days and weeks are exact; months, years and working days go by
    the calendar where the person is."""

    wait: schema.Duration

    verb: ClassVar[str] = "wait"

    def label(self, before: Step | None) -> str:
        return f"wait {self.wait}" + (f" after {before.name}" if before else "")

    def states(self, flow: Flow, after: str, before: Step | None) -> str:
        exact = duration(self.wait).exact
        if exact is not None:
            seconds = flow.seconds(exact)
            return flow.add(self.name, flow.then({"Type": "Wait", "Seconds": seconds}, after))
        until = {"Type": "Wait", "TimestampPath": "$.last.Payload.until"}
        flow.add(self.name, flow.then(until, after))
        state = flow.task(self)
        flow.finish(state, [], self.name)
        return flow.add(f"look up the day: {self.name}", state)

    def takes_time(self) -> bool:
        return True

    def visit(self, visit: Visit) -> Answer | None:
        return Answer(until=duration(self.wait).after(visit.now, visit.zone))
