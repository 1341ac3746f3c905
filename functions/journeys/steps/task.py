"""Ask a colleague to do something."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from functions.journeys import schema
from functions.journeys.step import Answer, Step, Visit
from functions.segments.phrases import duration

if TYPE_CHECKING:
    from functions.journeys.flow import Flow


WRITTEN = {"for_": "for", "pause_marketing": "pause marketing", "hand_over": "hand over"}


class Task(Step, rename=WRITTEN):
    """Makes a task for the person's own contact (`owner`) or a team, with a date and a reason.

    While `pause marketing` lasts, the person gets no message that needs consent, from no journey.
    With `hand over` the person is a lead of sales from then on.
    """

    task: schema.Text
    for_: schema.Text
    due: schema.Duration = ""
    pause_marketing: schema.MarketingPause = ""
    hand_over: bool = False

    verb: ClassVar[str] = "task"

    def label(self, before: Step | None) -> str:
        return f"task {self.task}"[:60].rstrip()

    def states(self, flow: Flow, after: str, before: Step | None) -> str:
        state = flow.task(self)
        flow.finish(state, [], after)
        return flow.add(self.name, state)

    def visit(self, visit: Visit) -> Answer | None:
        due = duration(self.due).after(visit.now, visit.zone) if self.due else None
        if self.pause_marketing:  # first: there is no moment at which the task is there alone
            visit.pause_marketing(self, self._paused_until(visit))
        visit.give_task(self, due)
        return Answer()

    def _paused_until(self, visit: Visit) -> datetime | None:
        """None: until the task is done."""
        if self.pause_marketing == schema.UNTIL_DONE:
            return None
        return duration(self.pause_marketing).after(visit.now, visit.zone)
