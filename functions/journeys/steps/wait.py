"""Wait for a length of time, or until nothing of a kind has happened for so long."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from functions.journeys import schema
from functions.journeys.happening import Happening, brief, happening
from functions.journeys.step import Answer, Step, Visit
from functions.journeys.steps.wait_until import AT_ONCE
from functions.segments.phrases import duration

if TYPE_CHECKING:
    from functions.journeys.flow import Flow

MOST = 30  # times its length: so long `after the last` waits at most


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
        if self.after_the_last:
            return self._debounced(flow, after)
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

    def visit(self, visit: Visit) -> Answer | None:
        if self.last is None:
            return Answer(until=duration(self.wait).after(visit.now, visit.zone))
        return self._look(visit, self.last)

    def _look(self, visit: Visit, last: Happening) -> Answer:
        """An error whose cause is the time for which to wait, or an answer: it is over."""
        here = datetime.fromisoformat(visit.payload["entered"])
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
            until = min(until, first + length.at_most * (MOST - 1))
        return Answer() if until <= here + AT_ONCE else Answer(error="Until", until=until)
