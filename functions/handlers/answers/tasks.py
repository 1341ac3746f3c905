"""Answers about tasks for colleagues."""

import msgspec
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from functions.handlers import views, wiring
from functions.handlers.answers.door import (
    LIMIT,
    LONGEST,
    NEXT,
    PERSON,
    operation,
    page_size,
    profile_of_id,
    query,
)
from functions.handlers.openapi import Parameter
from functions.journeys.run import Task
from functions.storage import people
from functions.storage.store import change


class TasksPage(msgspec.Struct):
    """Tasks, newest first."""

    tasks: list[views.TaskView]
    next: str = ""


@operation("/api/tasks", "Tasks for colleagues, newest first", TasksPage, LIMIT, NEXT)
def _tasks() -> TasksPage:
    tasks, after = wiring.parts().store.listing(Task, limit=page_size(), after=query("after"))
    return TasksPage([views.task(task) for task in tasks], after)


@operation(
    "/api/tasks/{person_id}/{task_id}/done",
    "Say that a task is done; what it kept back of marketing goes again",
    views.TaskView,
    PERSON,
    Parameter("task_id", "path", "the task's id"),
    method="post",
)
def _task_done(person_id: str, task_id: str) -> views.TaskView:
    store, profile = wiring.parts().store, profile_of_id(person_id)
    found = (store.get(Task, key, task_id) for key in profile.keys if len(task_id) <= LONGEST)
    task = next(filter(None, found), None)
    if task is None:
        raise NotFoundError(f'this person has no task with the id "{task_id[:50]}"')
    done = change(store, lambda: store.get(Task, task.person, task_id) or task, _finish)
    people.end_pause_of(store, profile.person, task_id)  # after it: a retry of the step looks
    return views.task(done)


def _finish(task: Task) -> bool:
    was_open, task.status = task.status == "open", "done"
    return was_open
