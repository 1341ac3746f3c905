"""Start another journey."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from functions.journeys import schema
from functions.journeys.step import Answer, Step, Visit

if TYPE_CHECKING:
    from functions.journeys.flow import Flow


class StartJourney(Step, rename={"start_journey": "start journey"}):
    """Lets the person into another journey, which inherits this run's entry; this one goes on."""

    start_journey: schema.Name

    verb: ClassVar[str] = "start journey"

    def label(self, before: Step | None) -> str:
        return f"start journey {self.start_journey}"

    def states(self, flow: Flow, after: str, before: Step | None) -> str:
        state = flow.task(self)
        flow.finish(state, [], after)
        return flow.add(self.name, state)

    def visit(self, visit: Visit) -> Answer | None:
        visit.enter(self.start_journey)
        return Answer()
