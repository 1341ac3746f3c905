"""Stop another journey."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from functions.journeys import schema
from functions.journeys.step import Answer, Step, Visit
from functions.tracking.merge import taken

if TYPE_CHECKING:
    from functions.journeys.flow import Flow


class StopJourney(Step, rename={"stop_journey": "stop journey", "as_": "as"}):
    """Ends the person's runs of another journey at once, with that outcome; this one goes on."""

    stop_journey: schema.Name
    as_: schema.Text

    verb: ClassVar[str] = "stop journey"

    def label(self, before: Step | None) -> str:
        return f"stop journey {self.stop_journey}"

    def states(self, flow: Flow, after: str, before: Step | None) -> str:
        state = flow.task(self)
        flow.finish(state, [], after)
        return flow.add(self.name, state)

    def visit(self, visit: Visit) -> Answer | None:
        visit.stop(self.stop_journey, self.as_)
        return Answer()

    def check(self) -> Iterator[tuple[str, str]]:
        if taken(self.as_):
            yield "as", f"{taken(self.as_)}; choose another"
