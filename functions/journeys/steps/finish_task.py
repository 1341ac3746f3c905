"""Take a task of this run back."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from functions.journeys import schema
from functions.journeys.step import Answer, Step, Visit

if TYPE_CHECKING:
    from functions.journeys.flow import Flow


class FinishTask(Step, rename={"finish_task": "finish task"}):
    """Says that the run's open tasks of this text are no longer needed; others stay."""

    finish_task: schema.Text

    verb: ClassVar[str] = "finish task"

    def label(self, before: Step | None) -> str:
        return f"finish task {self.finish_task}"[:60].rstrip()

    def states(self, flow: Flow, after: str, before: Step | None) -> str:
        state = flow.task(self)
        flow.finish(state, [], after)
        return flow.add(self.name, state)

    def visit(self, visit: Visit) -> Answer | None:
        visit.finish_task(self.finish_task)
        return Answer()
