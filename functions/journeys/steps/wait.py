"""Wait for a length of time, or until nothing of a kind has happened for so long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from functions.journeys import schema
from functions.journeys.happening import Happening, brief, happening
from functions.journeys.run import LONGEST_QUIET, SHORT
from functions.journeys.step import Answer, Place, Step, Visit
from functions.journeys.steps.wait_until import AT_ONCE
from functions.segments.phrases import duration

if TYPE_CHECKING:
    from functions.journeys.flow import Flow

MOST = 30  # times its length, and LONGEST_QUIET: so long `after the last` waits at most


class Wait(Step, dict=True, rename={"after_the_last": "after the last"}):
    """Waits: minutes, hours, days and weeks are exact; months, years and working days go by
    the calendar where the person is.

    With `after the last` it waits until no such event has come for so long; the entering event
    counts, too. When there was none for so long already it goes on at once, and after 30 times
    its length it goes on whatever comes.
    """

    wait: schema.Duration
    after_the_last: schema.Event | None = None

    verb: ClassVar[str] = "wait"

    @cached_property
    def last(self) -> Happening | None:
        """The events after the last of which it waits, read once."""
        return happening(self.after_the_last) if self.after_the_last else None

    def label(self, before: Step | None) -> str:
        if self.after_the_last:
            return f"wait {self.wait} after the last {brief(self.after_the_last)}"[:60].rstrip()
        return f"wait {self.wait}" + (f" after {before.name}" if before else "")

    def states(self, flow: Flow, after: str, before: Step | None) -> str:
        """A Wait alone, or one whose end a task tells: where it goes by the calendar, and where an
        execution would be without a call for too long."""
        if self.after_the_last:
            return self._debounced(flow, after)
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
        if self._outlasts or self.last:
            return timedelta()  # there is a call at its end
        return duration(self.wait).at_most + (timedelta() if self._is_looked_up(before) else before)

    def takes_time(self) -> bool:
        return self.last is None  # without such an event the run goes on at once

    def turns(self) -> dict[str, int]:
        # Two looks are a length apart at least, for each is made by an event after the one before.
        return {self._again: 2 * MOST} if self.last else {}

    @property
    def _again(self) -> str:
        return f"look again: {self.name}"

    def _debounced(self, flow: Flow, after: str) -> str:
        """A task that looks for the last event and tells the time, a wait, and the same task
        again, which leads to a second wait; what the first one said bounds them all."""
        again = self._again
        longer = f"still wait: {self.name}"
        for name, path in ((self.name, "$.until"), (longer, "$.later")):
            flow.add(name, {"Type": "Wait", "TimestampPath": f"{path}.Cause", "Next": again})
        noted = {"noted": True} if flow.is_start_needed(self) else {}
        first = f"look for the last: {self.name}"
        for name, said, target, path in (
            (again, {"first.$": "$.until.Cause"}, longer, "$.later"),
            (first, noted, self.name, "$.until"),
        ):
            state = flow.token_task(self)
            state["Parameters"]["Payload"].update(said)
            flow.finish(state, [flow.catch("Until", target, path)], after)
            flow.add(name, state)
        return first

    def check(self) -> Iterator[tuple[str, str]]:
        if self.after_the_last and duration(self.wait).at_most > LONGEST_QUIET:
            longest = f"longer than {LONGEST_QUIET.days} days, the longest time without an event"
            yield "wait", f'{self.wait!r} is {longest} that "after the last" can wait for'

    def visit(self, visit: Visit) -> Answer | None:
        if self.last:
            return self._look(visit, self.last)
        if visit.payload.get("again"):
            return Answer()
        target = _target(visit) or duration(self.wait).after(visit.now, visit.zone)
        return Answer({"target": target.isoformat()}, until=min(target, visit.run.furthest))

    def _look(self, visit: Visit, last: Happening) -> Answer:
        """An error whose cause is the time for which to wait, or an answer: it is over."""
        here = visit.entered
        if visit.payload.get("noted"):
            visit.pass_over(self.name)
        length, facts = duration(self.wait), visit.facts
        found = facts.events(last.names, here - length.at_most)
        times = [event.time for event in found if last.happened(event, facts)]
        if not times:
            return Answer()
        until = length.after(max(times), visit.zone)
        if "first" in visit.payload:
            # The first look waited once its length at most.
            first = datetime.fromisoformat(visit.payload["first"])
            until = min(until, first + min(length.at_most * (MOST - 1), LONGEST_QUIET))
        return Answer() if until <= here + AT_ONCE else Answer(error="Until", until=until)

    def place(self, visit: Visit) -> Place:
        return Place(_target(visit))

    def rest(self, visit: Visit, place: Place) -> Place | None:
        return place if place.until and self.last is None else None


def _target(visit: Visit) -> datetime | None:
    """When a wait ends that goes on, or may go on in another execution."""
    said = visit.payload.get("target")
    return datetime.fromisoformat(said) if said else None
