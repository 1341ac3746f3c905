"""Wait for a length of time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from functions.journeys import schema
from functions.journeys.run import LONGEST_QUIET, SHORT
from functions.journeys.step import Answer, Place, Step, Visit
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
        """A Wait alone, or one whose end a task tells: where it goes by the calendar, and where an
        execution would be without a call for too long."""
        if self._outlasts:
            return self._long(flow, after)
        rest = {"Type": "Wait", "TimestampPath": "$.resume.Payload.until"}
        flow.rest(self, flow.add(flow.rest_name(self), flow.then(rest, after)))
        exact = duration(self.wait).exact
        if exact is not None and not self._is_looked_up(flow.quiet_before(self)):
            seconds = flow.seconds(exact)
            return flow.add(self.name, flow.then({"Type": "Wait", "Seconds": seconds}, after))
        until = {"Type": "Wait", "TimestampPath": "$.last.Payload.until"}
        flow.add(self.name, flow.then(until, after))
        return self._look_up(flow)

    def _look_up(self, flow: Flow) -> str:
        state = flow.task(self)
        flow.finish(state, [], self.name)
        return flow.add(flow.ours(f"look up the day: {self.name}"), state)

    def _long(self, flow: Flow, after: str) -> str:
        """A wait that one execution may not live to see: it waits as long as it may, and then the
        run goes on in a new one, with what is left."""
        again = flow.task(self, "$.again")
        again["Parameters"]["Payload"].update({"again": True, "target.$": "$.last.Payload.target"})
        flow.finish(again, [], after)
        onwards = flow.add(flow.ours(f"look again: {self.name}"), again)
        until = {"Type": "Wait", "TimestampPath": "$.last.Payload.until", "Next": onwards}
        flow.add(self.name, until)
        rest = flow.task(self)
        rest["Parameters"]["Payload"]["target.$"] = "$.resume.Payload.target"
        flow.finish(rest, [], self.name)
        flow.rest(self, flow.add(flow.rest_name(self), rest))
        return self._look_up(flow)

    @property
    def _outlasts(self) -> bool:
        return duration(self.wait).at_most > LONGEST_QUIET

    def _is_looked_up(self, before: timedelta) -> bool:
        length = duration(self.wait)
        return length.exact is None or before + length.exact > LONGEST_QUIET + SHORT

    def quiet(self, before: timedelta) -> timedelta:
        if self._outlasts:
            return timedelta()  # there is a call at its end
        return duration(self.wait).at_most + (timedelta() if self._is_looked_up(before) else before)

    def visit(self, visit: Visit) -> Answer | None:
        if visit.payload.get("again"):
            return Answer()
        target = _target(visit) or duration(self.wait).after(visit.now, visit.zone)
        return Answer({"target": target.isoformat()}, until=min(target, visit.run.furthest))

    def place(self, visit: Visit) -> Place:
        return Place(_target(visit))

    def rest(self, visit: Visit, place: Place) -> Place | None:
        return place if place.until else None


def _target(visit: Visit) -> datetime | None:
    """When a wait ends that goes on, or may go on in another execution."""
    said = visit.payload.get("target")
    return datetime.fromisoformat(said) if said else None
