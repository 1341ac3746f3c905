"""A step's work for colleagues: tasks, leads, and the marketing that pauses meanwhile."""

from datetime import datetime

from functions.handlers.effects.at_step import AtStep
from functions.handlers.sales_desk import alter_task, give, who_takes
from functions.journeys.run import Task as TaskRecord
from functions.journeys.step import Step
from functions.journeys.steps.task import Task
from functions.sales.brief import known_of
from functions.sales.records import Lead
from functions.sales.routing import Routed
from functions.sales.work import HANDED_OVER, NOT_NEEDED, created, finish
from functions.segments.score import parts_at, score_at
from functions.storage.store import change
from functions.tracking.history import Change
from functions.tracking.permission import pause_marketing


class Tasks(AtStep):
    """Tasks, each given once whatever is retried."""

    def give_task(self, step: Task, due: datetime | None) -> None:
        now, run, task_id = self.parts.now(), self.run, self._once(step)
        routed = Routed(step.for_, "")
        if step.for_ == "owner":
            routed = who_takes(self.parts, self.profile, self.facts)
        task = TaskRecord(
            person=run.person,
            task_id=task_id,
            run_id=run.run_id,
            journey=run.journey,
            text=step.task,
            owner=routed.owner,
            created=now,
            due=due,
            reason=f"{self.journey.title}: {step.name}",
            context=known_of(self.profile, now),
            routed=routed.why,
            handed_over=step.hand_over,
            history=[created(now, routed.stays)],
        )
        lead = Lead(
            person=run.person,
            lead_id=task_id,
            journey=run.journey,
            run_id=run.run_id,
            text=step.task,
            owner=routed.owner,
            why=routed.why,
            score=score_at(self.profile, now),
            parts=parts_at(self.profile, now),
            handed=now,
            history=[Change(now, HANDED_OVER)],
        )
        give(self.parts, task, lead if step.hand_over else None)

    def finish_task(self, text: str) -> None:
        now, by = self.parts.now(), self.journey.title
        for task in list(self.parts.store.query(TaskRecord, self.run.person)):
            is_meant = (task.run_id, task.text) == (self.run.run_id, text)
            if is_meant and (task.status == "open" or task.outcome == NOT_NEEDED):
                alter_task(self.parts, task, lambda one: finish(one, NOT_NEEDED, by, "", now))

    def pause_marketing(self, step: Step, until: datetime | None) -> None:
        task_id = self._once(step)
        if self.parts.store.get(TaskRecord, self.run.person, task_id):
            return  # a retry of the step: the pause was set before the task was made
        change(
            self.parts.store,
            lambda: self.desk.permission(self.run.person),
            lambda permission: pause_marketing(permission, task_id, until, self.parts.now()),
        )
