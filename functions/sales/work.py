"""What colleagues may do with their tasks and leads; each change is one of the record's history."""

from datetime import datetime
from typing import Literal

from functions.journeys.run import Task
from functions.sales.records import Lead, LeadStatus
from functions.tracking.event import Event
from functions.tracking.history import Change, as_event, changed

Outcome = Literal["done", "reached", "not reached", "no longer needed"]
NOT_NEEDED: Outcome = "no longer needed"
CREATED, COMPLETED = "Task Created", "Task Completed"
REOPENED, REASSIGNED = "Task Reopened", "Task Reassigned"
HANDED_OVER = "Lead Handed Over"
LEAD_EVENTS: dict[LeadStatus, str] = {
    "accepted": "Lead Accepted",
    "rejected": "Lead Rejected",
    "won": "Lead Won",
    "lost": "Lead Lost",
}
NEED_A_REASON = ("rejected", "lost")


class NotSo(Exception):
    """That cannot be done with the record as it stands; the text says why, in plain words."""


def created(now: datetime, is_new_owner: bool) -> Change:
    """The beginning of a task's history; whether its owner is the person's from now on."""
    return Change(now, CREATED, said={"new_owner": True} if is_new_owner else {})


def gives_owner(task: Task) -> str:
    """Who became the person's owner with the task, "" for nobody."""
    is_new = bool(task.history) and "new_owner" in task.history[0].said
    return owner_then(task, 0) if is_new else ""


def owner_then(task: Task, index: int) -> str:
    """Who had the task after that change."""
    later = task.history[range(len(task.history))[index] + 1 :]
    return next((one.said["from"] for one in later if one.event == REASSIGNED), task.owner)


def finish(task: Task, outcome: str, by: str, note: str, now: datetime) -> bool:
    """The task is done. False: it was already, and that counts. Raises TooMany."""
    if task.status == "done":
        return False
    change = Change(now, COMPLETED, by, note, {"outcome": outcome})
    task.history = changed(task.history, change)
    task.status, task.outcome = "done", outcome
    return True


def reopen(task: Task, by: str, note: str, now: datetime) -> bool:
    """It is not done after all. False: it is open already. Raises TooMany."""
    if task.status == "open":
        return False
    task.history = changed(task.history, Change(now, REOPENED, by, note))
    task.status, task.outcome = "open", ""
    return True


def reassign(task: Task, to: str, by: str, note: str, now: datetime) -> bool:
    """Somebody else does it. False: they do already. Nobody gets back what they have handed on:
    a person is not sent round. Raises NotSo, TooMany."""
    if task.owner == to:
        return False
    if task.status == "done":
        raise NotSo("the task is done; open it again first")
    had = [change.said["from"] for change in task.history if change.event == REASSIGNED]
    if to in had:
        raise NotSo(f"{to} had this task before and handed it on; choose somebody else")
    said = {"from": task.owner, "to": to}
    task.history = changed(task.history, Change(now, REASSIGNED, by, note, said))
    task.owner = to
    return True


def task_event(task: Task, index: int) -> Event | None:
    """One change of the task (-1: the last) as an event about the person; None of a task from
    before there was a history."""
    if not task.history:
        return None
    about = {"task": task.task_id, "text": task.text, "journey": task.journey}
    # The owner of that time: the event must stay the same when it is told again later.
    about["owner"] = owner_then(task, index)
    return as_event(task.person, task.task_id, task.history, index, **about)


def decide(lead: Lead, status: LeadStatus, by: str, reason: str, now: datetime) -> bool:
    """Sales says what becomes of a lead. False: that is what it is already. Raises NotSo,
    TooMany."""
    if lead.status == status:
        return False
    if status == "open":
        raise NotSo("a lead that was decided on is not open again; say accepted")
    if status in NEED_A_REASON and not reason.strip():
        raise NotSo(f'say why it is {status}, in "reason": marketing learns from it')
    said = {"reason": reason} if reason else {}
    change = Change(now, LEAD_EVENTS[status], by, "", said)
    lead.history = changed(lead.history, change)
    lead.status, lead.reason = status, reason
    return True


def hand_on(lead: Lead, to: str) -> bool:
    """The lead goes where its task went. False: it is there."""
    if lead.owner == to:
        return False
    lead.owner, lead.forwarded = to, lead.forwarded + 1
    return True


def lead_event(lead: Lead, index: int) -> Event:
    """One change of the lead (-1: the last) as an event about the person."""
    about = {
        "lead": lead.lead_id,
        "journey": lead.journey,
        "owner": lead.owner,
        "score": lead.score,
    }
    return as_event(lead.person, lead.lead_id, lead.history, index, **about)
