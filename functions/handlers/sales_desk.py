"""What sales needs of the parts: who takes a person on, tasks and leads given once, and told."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from functions.handlers.wiring import Parts
from functions.journeys.run import Task
from functions.sales.records import Lead
from functions.sales.routing import Routed, customer, route
from functions.sales.rules import Sales
from functions.sales.work import gives_owner, lead_event, task_event
from functions.segments.condition import Facts
from functions.storage import people
from functions.storage.kinds import listed_under
from functions.storage.store import Conflict, Store, change
from functions.tracking.event import Event, EventBatch, bodies
from functions.tracking.history import SALES
from functions.tracking.profile import Profile

T = TypeVar("T", Task, Lead)
MOST_COUNTED = 100  # open tasks of a colleague: more make no difference to whom a person goes


def who_takes(parts: Parts, profile: Profile, facts: Facts) -> Routed:
    """Who the person's owner is, or is to be."""
    brand, sales = parts.library.brand(), parts.library.sales()
    own = str(profile.trait("owner") or "")
    if sales is None:
        return Routed(own or brand.owner, "")
    return route(
        sales,
        customer(profile, facts.entry, facts.now),
        facts,
        own or _given_to(parts.store, sales, profile),
        facts.now.astimezone(ZoneInfo(brand.time_zone)).date(),
        lambda name: open_tasks(parts.store, name),
        brand.owner,
    )


def _given_to(store: Store, sales: Sales, profile: Profile) -> str:
    """Whom the person was given to a moment ago, before the profile knows."""
    tasks = [task for key in profile.keys for task in store.query(Task, key)]
    theirs = [task for task in tasks if task.routed and task.owner in sales.people]
    return max(theirs, key=lambda task: task.created).owner if theirs else ""


def open_tasks(store: Store, owner: str) -> int:
    """How many tasks are open, as far as the listing knows; at most MOST_COUNTED."""
    found, _ = store.listing(Task, listed_under(owner), limit=MOST_COUNTED)
    return sum(task.status == "open" for task in found)


def give(parts: Parts, task: Task, lead: Lead | None) -> None:
    """Keep the task (and the lead) and tell of it; a repetition finds it there, as it was given
    then, and tells the same."""
    there = _put_once(parts.store, task, task.task_id)
    if there.status == "done":
        people.end_pause_of(parts.store, there.person, there.task_id)
    events = [task_event(there, 0)]
    if lead:
        events.append(lead_event(_put_once(parts.store, lead, lead.lead_id), 0))
    if owner := gives_owner(there):
        events.append(owner_event(there.person, owner, there.task_id, there.created))
    tell(parts, events)


def _put_once(store: Store, record: T, record_id: str) -> T:
    try:
        store.put(record)
    except Conflict:
        return store.get(type(record), record.person, record_id) or record
    return record


def alter_task(parts: Parts, task: Task, alter: Callable[[Task], bool]) -> Task:
    """Change a task, end its pause if it is done now, and tell; a repetition finds it changed, and
    tells the same. Raises NotSo, TooMany."""
    store = parts.store
    now = change(store, lambda: store.get(Task, task.person, task.task_id) or task, alter)
    if now.status == "done":  # after it: a retry of the step looks
        people.end_pause_of(store, now.person, now.task_id)
    tell(parts, [task_event(now, -1)])
    return now


def owner_event(person: str, owner: str, occasion: str, now: datetime) -> Event:
    """The person has this owner from now on."""
    return Event(
        type="identify",
        message_id=f"owner-{occasion}",
        time=now,
        received_at=now,
        client_time=now.isoformat(),
        traits={"owner": owner},
        source=SALES,
        trusted=True,
        person=person,
    )


def tell(parts: Parts, events: Iterable[Event | None]) -> None:
    """Put the events on the queue, to be processed like any other."""
    found = [event for event in events if event]
    if found:
        parts.send_events(bodies(EventBatch(found)), 0)
