"""Wait until a moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from functions.journeys import schema
from functions.journeys.run import LONGEST_QUIET
from functions.journeys.step import Answer, Place, Step, Visit
from functions.segments.condition import Facts, event_values
from functions.segments.moment import Moment, moment
from functions.segments.operators import find
from functions.segments.person import fields

if TYPE_CHECKING:
    from functions.journeys.flow import Flow

# Our clock and the one that ends a Wait state may differ by less than this; waiting once more
# for so little would be billed.
AT_ONCE = timedelta(seconds=1)


class WaitUntil(Step, dict=True, rename={"wait_until": "wait until"}):
    """Waits until a moment where the person is.

    `otherwise` holds the steps for a moment that has passed already (or is not known); then, as
    without it, the run goes on. A date of the person is read again when its time comes: moved
    later, the wait goes on.
    """

    wait_until: schema.Moment
    otherwise: schema.Steps = msgspec.field(default_factory=list)

    verb: ClassVar[str] = "wait until"
    arms: ClassVar[tuple[str, ...]] = ("otherwise",)

    @cached_property
    def awaited(self) -> Moment:
        """The moment, read once."""
        return moment(self.wait_until)

    def label(self, before: Step | None) -> str:
        return f"wait until {self.wait_until}"

    def takes_time(self) -> bool:
        """Only a moment that comes again cannot have passed already."""
        return self.awaited.comes_again

    def states(self, flow: Flow, after: str, before: Step | None) -> str:
        """A task that tells the time, then a wait; a date of the person is looked up once more
        after it. A moment that has passed costs the task alone. One that the execution may not
        live to see is looked up again as late as may be, and then the run goes on in a new one."""
        otherwise = flow.arm(self, "otherwise", after)
        passed = [flow.catch("Passed", otherwise)] if self.otherwise else []
        first = flow.ours(f"look up the day: {self.name}")
        later = [] if self.awaited.comes_again else [self._later(flow, first)]
        again = ""
        if self.awaited.may_move:
            name = flow.ours(f"look again: {self.name}")
            again = self._look_up(flow, name, {"again": True}, later, after)
        self._go_on(flow, again or first, after)
        until = {"Type": "Wait", "TimestampPath": "$.until.Cause"}
        flow.add(self.name, flow.then(until, again or after))
        noted = {"noted": True} if flow.is_start_needed(self) else {}
        return self._look_up(flow, first, noted, [*passed, *later], after)

    def _later(self, flow: Flow, first: str) -> dict[str, Any]:
        """Where `Later` leads: a wait as long as may be, and then another look."""
        look = flow.ours(f"look again: {self.name}") if self.awaited.may_move else first
        state = {"Type": "Wait", "TimestampPath": "$.until.Cause", "Next": look}
        return flow.catch("Later", flow.add(flow.ours(f"still far: {self.name}"), state), "$.until")

    def _go_on(self, flow: Flow, look: str, after: str) -> None:
        """In a new execution the day is looked up anew, but for one that comes again."""
        if self.awaited.comes_again:
            rest = {"Type": "Wait", "TimestampPath": "$.resume.Payload.until"}
            look = flow.add(flow.rest_name(self), flow.then(rest, after))
        flow.rest(self, look)

    def _look_up(
        self,
        flow: Flow,
        name: str,
        said: dict[str, Any],
        elsewhere: list[dict[str, Any]],
        after: str,
    ) -> str:
        """A task that ends at once: with an error that says where to go, or for what is below."""
        state = flow.token_task(self)
        state["Parameters"]["Payload"].update(said)
        flow.finish(state, [flow.catch("Until", self.name, "$.until"), *elsewhere], after)
        return flow.add(name, state)

    def visit(self, visit: Visit) -> Answer | None:
        """An error whose cause is the time for which to wait, or an answer: that has come."""
        here = visit.entered
        if visit.payload.get("noted"):
            visit.pass_over(self.name)
        until = self.awaited.resolve(here, visit.zone, _reader(visit.facts))
        if until is None or until < here:
            is_late = self.otherwise and not visit.payload.get("again")
            return Answer(error="Passed") if is_late else Answer()
        if until <= here + AT_ONCE:
            return Answer()
        if until > visit.run.furthest and not self.awaited.comes_again:
            return Answer(error="Later", until=visit.run.furthest)
        return Answer(error="Until", until=until)

    def turns(self) -> dict[str, int]:
        # Whoever comes back from "still far" goes on in a new execution.
        return {f"look again: {self.name}": 0} if self.awaited.may_move else {}

    def place(self, visit: Visit) -> Place:
        return Place(visit.now if visit.payload.get("again") else None)

    def rest(self, visit: Visit, place: Place) -> Place | None:
        return place if place.until else None

    def quiet(self, before: timedelta) -> timedelta:
        if self.awaited.may_move:
            return timedelta()  # there is a call at its end
        return self.awaited.at_most if self.awaited.comes_again else LONGEST_QUIET

    def check(self) -> Iterator[tuple[str, str]]:
        if self.otherwise and self.awaited.comes_again:
            yield (
                "otherwise",
                f'is never taken: there is always a next "{self.wait_until}"; '
                "put these steps below the wait",
            )


def _reader(facts: Facts) -> Callable[[str, str], list[Any]]:
    def read(of: str, path: str) -> list[Any]:
        if of == "entry":
            return event_values(facts.entry, path)
        return find(fields(facts.profile, facts.now), path)

    return read
