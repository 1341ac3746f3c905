"""Answers about messages: those of which nobody knows yet whether they went."""

from datetime import datetime

import msgspec

from functions.handlers import wiring
from functions.handlers.answers.door import LIMIT, NEXT, operation, page_size, query
from functions.tracking.message import WAITS_FOR_RECEIPT, Message


class UnknownMessage(msgspec.Struct, kw_only=True):
    """A message of which nobody knows whether it went, and until when a receipt is waited for;
    then it is taken for one that did not. It is never sent again."""

    person: str
    run_id: str
    journey: str
    message: str
    channel: str
    reason: str
    claimed: datetime | None
    waits_until: datetime | None


class UnknownMessages(msgspec.Struct):
    """A page of them, the latest first; `next` continues it."""

    messages: list[UnknownMessage]
    next: str


@operation(
    "/api/messages/unknown",
    "Messages of which nobody knows yet whether they went",
    UnknownMessages,
    LIMIT,
    NEXT,
)
def _unknown_messages() -> UnknownMessages:
    store = wiring.parts().store
    page, after = store.listing(Message, limit=page_size(), after=query("after"))
    return UnknownMessages([_view(one) for one in page if one.state == "unknown"], after)


def _view(one: Message) -> UnknownMessage:
    return UnknownMessage(
        person=one.person,
        run_id=one.run_id,
        journey=one.journey,
        message=one.message,
        channel=one.channel,
        reason=one.reason,
        claimed=one.claimed,
        waits_until=one.claimed + WAITS_FOR_RECEIPT if one.claimed else None,
    )
