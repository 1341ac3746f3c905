"""Answers about suppressed addresses: the list of keyed hashes, what puts one on it and off it."""

from datetime import datetime
from typing import Literal

import msgspec
from aws_lambda_powertools.event_handler.exceptions import BadRequestError, NotFoundError

from functions.handlers import suppressing, wiring
from functions.handlers.answers.door import LIMIT, NEXT, operation, page_size, query, read_as
from functions.messages.address import NORMAL, address_hash
from functions.tracking.suppressed import BY_HAND, IMPORTED, MOST_REASON, Suppressed

MOST = 200  # addresses at once: each is a few writes, and an answer has 29 seconds
ChannelName = Literal["email", "sms"]
KEY_LETTERS = 32


class SuppressedView(msgspec.Struct, kw_only=True):
    """An address on the list: a keyed hash of it, from which nobody learns the address."""

    key: str
    channel: str
    reason: str
    since: datetime
    source: str
    lifted: datetime | None = None
    lifted_because: str = ""


class SuppressedList(msgspec.Struct):
    """A page of the list, the latest first; `next` continues it."""

    suppressions: list[SuppressedView]
    next: str


class ToSuppress(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An address, or the key of one from an export of the same system, and why."""

    address: str = ""
    key: str = ""
    channel: ChannelName = "email"
    reason: str = ""


class SuppressBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Up to 200 addresses. `imported`: they come from a list, such as another product's."""

    addresses: list[ToSuppress]
    imported: bool = False


class SuppressTaken(msgspec.Struct):
    """How many are new, how many were on the list, and the places of those that are none."""

    added: int
    known: int
    wrong: list[int]


class AddressBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An address. It stands in the body, so that no log of addresses asked for keeps it."""

    address: str
    channel: ChannelName = "email"


class LiftBody(AddressBody, kw_only=True, forbid_unknown_fields=True):
    """An address to which messages may go again, and why: this is kept."""

    because: str


class Lifted(msgspec.Struct):
    """Why nothing went to the address until now."""

    reason: str


@operation(
    "/api/suppressions",
    "Suppressed addresses, as keyed hashes, the latest first",
    SuppressedList,
    LIMIT,
    NEXT,
)
def _list_suppressions() -> SuppressedList:
    store = wiring.parts().store
    page, after = store.listing(Suppressed, limit=page_size(), after=query("after"))
    return SuppressedList([_view(one) for one in page if one.in_force], after)


@operation(
    "/api/suppressions",
    "Send nothing to up to 200 addresses any more",
    SuppressTaken,
    method="post",
    body=SuppressBody,
)
def _suppress() -> SuppressTaken:
    sent = read_as(SuppressBody)
    if len(sent.addresses) > MOST:
        raise BadRequestError(f'"addresses" are at most {MOST}; send the others after them')
    taken = SuppressTaken(0, 0, [])
    for place, one in enumerate(sent.addresses):
        added = _take(one, IMPORTED if sent.imported else BY_HAND)
        if added is None:
            taken.wrong.append(place)
        elif added:
            taken.added += 1
        else:
            taken.known += 1
    return taken


@operation(
    "/api/suppressions/find",
    "Whether an address is suppressed, and why",
    SuppressedView,
    method="post",
    body=AddressBody,
)
def _find_suppression() -> SuppressedView:
    sent = read_as(AddressBody)
    parts = wiring.parts()
    hashed = address_hash(sent.channel, _normal(sent.channel, sent.address))
    found = suppressing.suppressions(parts).find(hashed)
    if found is None:
        raise NotFoundError("this address is not on the list and never was")
    return _view(found)


@operation(
    "/api/suppressions/lift",
    "Let messages go to an address again; the reason is kept",
    Lifted,
    method="post",
    body=LiftBody,
)
def _lift_suppression() -> Lifted:
    sent = read_as(LiftBody)
    because = sent.because.strip()
    if not 0 < len(because) <= MOST_REASON:
        raise BadRequestError(f'"because" says why, in 1 to {MOST_REASON} letters')
    address = _normal(sent.channel, sent.address)
    reason = suppressing.lift(wiring.parts(), sent.channel, address, because)
    if reason is None:
        raise NotFoundError("this address is not on the list: nothing is to be lifted")
    return Lifted(reason)


def _take(one: ToSuppress, source: str) -> bool | None:
    """Whether it is new; None if it is no address."""
    parts, said = wiring.parts(), one.reason.strip()[:MOST_REASON]
    reason = said if said and source == IMPORTED else ": ".join(filter(None, (source, said)))
    if one.key:
        if len(one.key) != KEY_LETTERS or one.key.strip("0123456789abcdef"):
            return None
        listed = suppressing.suppressions(parts)
        return listed.add_key(one.key, one.channel, reason, parts.now(), source)
    address = NORMAL[one.channel](one.address)
    if not address:
        return None
    return suppressing.suppress_address(parts, one.channel, address, reason, source)


def _normal(channel: str, address: str) -> str:
    """The address in its normal form. Raises BadRequestError."""
    normal = NORMAL[channel](address)
    if not normal:
        what = {"email": "e-mail address", "sms": "phone number"}[channel]
        raise BadRequestError(f'"address" is no {what}')
    return normal


def _view(one: Suppressed) -> SuppressedView:
    return SuppressedView(
        key=one.key,
        channel=one.channel,
        reason=one.reason,
        since=one.since,
        source=one.source,
        lifted=one.lifted,
        lifted_because=one.lifted_because,
    )
