"""Answers about leads: who was handed over to sales, and what became of it."""

from typing import Annotated, Literal

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
from functions.handlers.sales_desk import alter_task, tell
from functions.journeys.run import Task
from functions.sales.records import Lead
from functions.sales.report import LeadReport, lead_report
from functions.sales.work import LEAD_EVENTS, NotSo, decide, finish, lead_event
from functions.storage.store import change
from functions.storage.whole import every
from functions.tracking.history import TooMany

STATUSES = ("open", *LEAD_EVENTS)


class Decided(msgspec.Struct, forbid_unknown_fields=True):
    """What becomes of the lead; why, which a rejected or lost one needs; and who says so."""

    status: Literal["accepted", "rejected", "won", "lost"]
    reason: Annotated[str, msgspec.Meta(max_length=LONGEST)] = ""
    by: Annotated[str, msgspec.Meta(max_length=LONGEST)] = ""


class LeadsPage(msgspec.Struct):
    """Leads, the one that was handed over last first."""

    leads: list[views.LeadView]
    next: str = ""


@operation(
    "/api/leads",
    "People who were handed over to sales, newest first",
    LeadsPage,
    Parameter("status", "query", f"only those that are: {', '.join(STATUSES)}"),
    LIMIT,
    NEXT,
)
def _leads() -> LeadsPage:
    status = query("status")
    if status and status not in STATUSES:
        raise BadRequestError(f'"status" is one of: {", ".join(STATUSES)}')
    store = wiring.parts().store
    leads, after = store.listing(Lead, status, limit=page_size(), after=query("after"))
    return LeadsPage([views.lead(one) for one in leads], after)


@operation("/api/leads/report", "Time to owner, and what became of leads", LeadReport)
def _report() -> LeadReport:
    parts = wiring.parts()
    return lead_report(every(parts.store, Lead), parts.now())


@operation(
    "/api/people/{person_id}/leads/{lead_id}",
    "Say what becomes of a lead; who rejects, wins or loses it has done its task",
    views.LeadView,
    PERSON,
    Parameter("lead_id", "path", "the lead's id, which is its task's"),
    method="post",
    body=Decided,
)
def _decided(person_id: str, lead_id: str) -> views.LeadView:
    parts, said, profile = wiring.parts(), read_as(Decided), profile_of_id(person_id)
    lead, now = own_record(Lead, profile, lead_id), parts.now()
    try:
        lead = change(
            parts.store,
            lambda: parts.store.get(Lead, lead.person, lead_id) or lead,
            lambda one: decide(one, said.status, said.by, said.reason, now),
        )
    except (NotSo, TooMany) as error:
        raise BadRequestError(str(error)) from None
    tell(parts, [lead_event(lead, -1)])
    task = parts.store.get(Task, lead.person, lead_id)
    if task and said.status != "accepted":
        alter_task(parts, task, lambda one: finish(one, said.status, said.by, said.reason, now))
    return views.lead(lead)
