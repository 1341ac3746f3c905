"""Answers about tasks for colleagues."""

from collections.abc import Callable
from typing import Annotated

import msgspec
from aws_lambda_powertools.event_handler.exceptions import BadRequestError

from functions.handlers import views, wiring
from functions.handlers.answers.door import (
    LIMIT,
    LONGEST,
    NEXT,
    PERSON,
    operation,
    own_record,
    page_size,
    profile_of_id,
    query,
    read_as,
)
from functions.handlers.openapi import Parameter
from functions.handlers.sales_desk import alter_task, owner_event, tell
from functions.journeys.run import Task
from functions.sales.records import Lead
from functions.sales.work import (
    REASSIGNED,
    NotSo,
    Outcome,
    finish,
    hand_on,
    reassign,
    reopen,
)
from functions.storage.kinds import listed_under
from functions.storage.store import change
from functions.tracking.event import Event
from functions.tracking.history import TooMany

Text = Annotated[str, msgspec.Meta(max_length=LONGEST)]


class Done(msgspec.Struct, forbid_unknown_fields=True):
    """What came of it, in a word and in words of your own, and who did it."""

    outcome: Outcome = "done"
    note: Text = ""
    by: Text = ""


class Again(msgspec.Struct, forbid_unknown_fields=True):
    """Why it is not done after all, and who says so."""

    note: Text = ""
    by: Text = ""


class HandOn(msgspec.Struct, forbid_unknown_fields=True):
    """Who is to do it, who says so and why; `owner_too`: and has the person from now on."""

    to: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    note: Text = ""
    by: Text = ""
    owner_too: bool = False


class TasksPage(msgspec.Struct):
    """Tasks: the open ones first, of those the one that is due soonest."""

    tasks: list[views.TaskView]
    next: str = ""


TASK = Parameter("task_id", "path", "the task's id")
PATH = "/api/tasks/{person_id}/{task_id}"
STATUSES = ("open", "done")


@operation(
    "/api/tasks",
    "Tasks for colleagues: the open ones first, of those the one that is due soonest",
    TasksPage,
    Parameter("owner", "query", "only those of this colleague or team"),
    Parameter("status", "query", "only those that are open, or done; a page may then be short"),
    LIMIT,
    NEXT,
)
def _tasks() -> TasksPage:
    owner, status = query("owner"), query("status")
    if status and status not in STATUSES:
        raise BadRequestError('"status" is open or done')
    name = listed_under(owner) if owner else ""
    tasks, after = wiring.parts().store.listing(Task, name, limit=page_size(), after=query("after"))
    return TasksPage([views.task(one) for one in tasks if status in ("", one.status)], after)


@operation("/api/tasks/{person_id}", "A person's tasks, newest first", TasksPage, PERSON)
def _tasks_of_one(person_id: str) -> TasksPage:
    store, keys = wiring.parts().store, profile_of_id(person_id).keys
    found = [task for key in keys for task in store.query(Task, key)]
    found.sort(key=lambda task: task.created, reverse=True)
    return TasksPage([views.task(one) for one in found])


@operation(
    f"{PATH}/done",
    "Say that a task is done; what it kept back of marketing goes again",
    views.TaskView,
    PERSON,
    TASK,
    method="post",
    body=Done,
)
def _task_done(person_id: str, task_id: str) -> views.TaskView:
    said, now = read_as(Done), wiring.parts().now()
    return _change(
        person_id, task_id, lambda task: finish(task, said.outcome, said.by, said.note, now)
    )


@operation(
    f"{PATH}/reopen",
    "Open a task that is done again; marketing that it kept back stays free",
    views.TaskView,
    PERSON,
    TASK,
    method="post",
    body=Again,
)
def _task_reopened(person_id: str, task_id: str) -> views.TaskView:
    said, now = read_as(Again), wiring.parts().now()
    return _change(person_id, task_id, lambda task: reopen(task, said.by, said.note, now))


@operation(
    f"{PATH}/reassign",
    "Give a task to somebody else; nobody gets back what they have handed on",
    views.TaskView,
    PERSON,
    TASK,
    method="post",
    body=HandOn,
)
def _task_reassigned(person_id: str, task_id: str) -> views.TaskView:
    said, now = read_as(HandOn), wiring.parts().now()
    _refuse_strangers(said.to)

    def further(task: Task) -> list[Event]:
        last = task.history[-1] if task.history else None
        if not said.owner_too or last is None or last.event != REASSIGNED:
            return []
        occasion = f"{task.task_id}/{len(task.history) - 1}"
        return [owner_event(task.person, task.owner, occasion, last.time)]

    def alter(task: Task) -> bool:
        return reassign(task, said.to, said.by, said.note, now)

    found = _change(person_id, task_id, alter, further)
    if found.handed_over:
        _hand_on_lead(found.person, task_id, said.to)
    return found


def _hand_on_lead(person: str, lead_id: str, to: str) -> None:
    store = wiring.parts().store
    lead = store.get(Lead, person, lead_id)
    if lead:
        change(
            store, lambda: store.get(Lead, person, lead_id) or lead, lambda one: hand_on(one, to)
        )


def _refuse_strangers(name: str) -> None:
    """Raises BadRequestError for who is neither a colleague nor a team."""
    library = wiring.parts().library
    sales = library.sales()
    known = [*(sales.people if sales else ()), *library.brand().teams]
    if name not in known:
        raise BadRequestError(f'"{name}" is nobody here; there are: {", ".join(known)}')


def _change(
    person_id: str,
    task_id: str,
    alter: Callable[[Task], bool],
    further: Callable[[Task], list[Event]] = lambda task: [],
) -> views.TaskView:
    """Alter the task and tell of it; a repetition finds it altered, and tells the same."""
    parts, task = wiring.parts(), own_record(Task, profile_of_id(person_id), task_id)
    try:
        done = alter_task(parts, task, alter)
    except (NotSo, TooMany) as error:
        raise BadRequestError(str(error)) from None
    tell(parts, further(done))
    return views.task(done)
