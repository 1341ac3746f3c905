"""Wait until a moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from functions.journeys import schema
from functions.journeys.step import Answer, Step, Visit
from functions.segments.condition import Facts, event_values
from functions.segments.moment import Moment, moment
from functions.segments.operators import find
from functions.segments.person import fields

if TYPE_CHECKING:
    from functions.journeys.flow import Flow

FURTHEST = timedelta(days=364)  # from the entry; an execution lives a day longer
# Our clock and the one that ends a Wait state may differ by less than this; waiting once more
# for so little would be billed.
AT_ONCE = timedelta(seconds=1)
TOO_FAR = "too far away"


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
        after it. A moment that has passed costs the task alone."""
        otherwise = flow.arm(self, "otherwise", after)
        passed = [flow.catch("Passed", otherwise)] if self.otherwise else []
        again = ""
        if self.awaited.may_move:
            again = self._look_up(flow, f"look again: {self.name}", {"again": True}, [], after)
        until = {"Type": "Wait", "TimestampPath": "$.until.Cause"}
        flow.add(self.name, flow.then(until, again or after))
        noted = {"noted": True} if flow.is_start_needed(self) else {}
        return self._look_up(flow, f"look up the day: {self.name}", noted, passed, after)

    def _look_up(
        self,
        flow: Flow,
        name: str,
        said: dict[str, Any],
        passed: list[dict[str, Any]],
        after: str,
    ) -> str:
        """A task that ends at once: with an error that says where to go, or for what is below."""
        state = flow.token_task(self)
        state["Parameters"]["Payload"].update(said)
        far = {"Type": "Pass", "Result": TOO_FAR, "ResultPath": "$.outcome", "End": True}
        too_far = flow.catch("TooFar", flow.add(TOO_FAR, far))
        flow.finish(state, [flow.catch("Until", self.name, "$.until"), *passed, too_far], after)
        return flow.add(name, state)

    def visit(self, visit: Visit) -> Answer | None:
        """An error whose cause is the time for which to wait, or an answer: that has come."""
        # What counts is when the run came here, the same for each try of the step.
        here = datetime.fromisoformat(visit.payload["entered"])
        if visit.payload.get("noted"):
            visit.pass_over(self.name)
        until = self.awaited.resolve(here, visit.zone, _reader(visit.facts))
        if until is None or until < here:
            is_late = self.otherwise and not visit.payload.get("again")
            return Answer(error="Passed") if is_late else Answer()
        if until <= here + AT_ONCE:
            return Answer()
        if until > visit.run.entered + FURTHEST:
            return Answer(error="TooFar", cause=f"{until:%Y-%m-%d} is too long after the entry")
        return Answer(error="Until", until=until)

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
        return find(fields(facts.profile), path)

    return read
