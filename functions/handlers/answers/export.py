"""The answer to "what do you know about me?": all of it, page by page."""

from typing import Any

import msgspec
from aws_lambda_powertools.event_handler.exceptions import BadRequestError

from functions.handlers import wiring
from functions.handlers.answers.door import NEXT, PERSON, operation, profile_of_id, query
from functions.storage import exporting
from functions.storage.kinds import KINDS
from functions.storage.retention import REGISTER


class ExportPage(msgspec.Struct):
    """Who the person is (on the first page only), a part of what is kept of them, by what it is
    (`orders`, `messages`, ...; the first page names all), of their events, oldest first under each
    key that they were known by, and the cursor of the next page ("" on the last)."""

    person: dict[str, Any] | None
    records: dict[str, list[dict[str, Any]]]
    events: list[dict[str, Any]]
    next: str = ""


class Processing(msgspec.Struct, kw_only=True):
    """A line of the register of processing activities: what is kept, what is in it and what for,
    for how many days (None: until the person is erased), and in which table."""

    what: str
    holds: str
    purpose: str
    days: int | None
    table: str
    of_person: bool


class Register(msgspec.Struct, kw_only=True):
    """The register of processing activities (Art. 30 GDPR), as far as the system knows it.

    `recipients` are all to whom something about people goes."""

    region: str
    recipients: list[str]
    processing: list[Processing]


@operation(
    "/api/people/{person_id}/export", "All that is known of a person", ExportPage, PERSON, NEXT
)
def _export(person_id: str) -> ExportPage:
    store, profile, after = wiring.parts().store, profile_of_id(person_id), query("after")
    try:
        records, found, following = exporting.page(store, profile, after)
    except ValueError:
        raise BadRequestError('"after" is the "next" of the page before') from None
    if after:
        return ExportPage(None, records, found, following)
    every = {name: records.get(name, []) for name in exporting.names()}
    return ExportPage(exporting.about(store, profile), every, found, following)


@operation("/api/register", "What is kept of people, why, for how long, and who gets it", Register)
def _register() -> Register:
    parts = wiring.parts()
    brand = parts.library.brand()
    webhooks = [f"the webhook {name} ({one.url})" for name, one in brand.webhooks.items()]
    sms = "AWS End User Messaging" if parts.settings.sms_origination else "Amazon SNS"
    return Register(
        region=parts.settings.region,
        recipients=["Amazon SES: e-mail", f"{sms}: text messages", *webhooks],
        processing=[
            Processing(
                what=row.title,
                holds=row.holds,
                purpose=row.purpose,
                days=row.kept.days if row.kept else None,
                table=KINDS[kind].table,
                of_person=KINDS[kind].is_of_person,
            )
            for kind, row in REGISTER.items()
        ],
    )
