"""End the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from functions.journeys import schema
from functions.journeys.step import Answer, Step, Visit

if TYPE_CHECKING:
    from functions.journeys.flow import Flow


class End(Step):
    """Ends this run with an outcome; the end of the file is `end: finished`."""

    end: schema.Text

    verb: ClassVar[str] = "end"

    def label(self, before: Step | None) -> str:
        return f"end {self.end}"

    def states(self, flow: Flow, after: str, before: Step | None) -> str:
        state = {"Type": "Pass", "Result": self.end, "ResultPath": "$.outcome", "End": True}
        return flow.add(self.name, state)

    def visit(self, visit: Visit) -> Answer | None:
        return Answer()  # never reached: it has no task
