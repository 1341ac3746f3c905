"""Answers about acts: who did what through the admin API, and who looked at whom."""

import re
from datetime import datetime

import msgspec
from aws_lambda_powertools.event_handler.exceptions import BadRequestError

from functions.doors.records import Act, month_of
from functions.handlers import wiring
from functions.handlers.answers.door import LIMIT, NEXT, operation, page_size, query
from functions.handlers.openapi import Parameter

_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
LOOKED_AT = 5000  # rows for one page, so that a rare name does not read the whole month


class ActView(msgspec.Struct, kw_only=True):
    """One request: who (a key's name), what, about which ids, from where, and how it ended."""

    time: datetime
    who: str
    what: str
    ids: dict[str, str]
    where: str
    status: int


class ActsPage(msgspec.Struct):
    """Acts of a month, newest first, and the cursor of the next page ("" on the last)."""

    month: str
    acts: list[ActView]
    next: str = ""


@operation(
    "/api/acts",
    "The audit log: who did what, and who looked at whom",
    ActsPage,
    Parameter("month", "query", "such as 2027-03; this month by default"),
    Parameter("who", "query", "the name of a key"),
    Parameter("person", "query", "the id of a person"),
    LIMIT,
    NEXT,
)
def _acts() -> ActsPage:
    parts = wiring.parts()
    month, who, person = query("month") or month_of(parts.now()), query("who"), query("person")
    if not _MONTH.fullmatch(month):
        raise BadRequestError('"month" is written like 2027-03')
    limit, found, last = page_size(), list[ActView](), ""
    rows = parts.store.query(Act, f"acts-{month}", after=query("after"), newest_first=True)
    for seen, act in enumerate(rows, 1):
        if _is_asked_for(act, who, person):
            found.append(_view(act))
        last = act.place
        if len(found) >= limit or seen >= LOOKED_AT:
            return ActsPage(month, found, last)
    return ActsPage(month, found)


def _is_asked_for(act: Act, who: str, person: str) -> bool:
    ids = (act.ids.get("person_id"), act.ids.get("person"))
    return (not who or act.who == who) and (not person or person in ids)


def _view(act: Act) -> ActView:
    return ActView(
        time=act.time,
        who=act.who,
        what=act.what,
        ids=act.ids,
        where=act.where,
        status=act.status,
    )
