"""Ask a colleague to do something."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from functions.journeys import schema
from functions.journeys.step import Answer, Step, Visit
from functions.segments.phrases import duration

if TYPE_CHECKING:
    from functions.journeys.flow import Flow


class Task(Step, rename={"for_": "for"}):
    """Makes a task for the person's own contact (`owner`) or a team, with a date and a reason."""

    task: schema.Text
    for_: schema.Text
    due: schema.Duration = ""

    verb: ClassVar[str] = "task"

    def label(self, before: Step | None) -> str:
        return f"task {self.task}"[:60].rstrip()

    def states(self, flow: Flow, after: str, before: Step | None) -> str:
        state = flow.task(self)
        flow.finish(state, [], after)
        return flow.add(self.name, state)

    def visit(self, visit: Visit) -> Answer | None:
        due = duration(self.due).after(visit.now, visit.zone) if self.due else None
        visit.give_task(self.task, self.for_, due)
        return Answer()
