"""Signing somebody up: the request goes to the event queue, as often as an address may be asked."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from functions.handlers import pumping, throttle, wiring
from functions.messages.address import is_in
from functions.tracking.event import Event, EventBatch, bodies
from functions.tracking.own_event import CONSENT_REQUESTED

OF_ADDRESS = throttle.Rate(3, timedelta(days=1))
FROM_PLACE = throttle.Rate(20, timedelta(hours=1))
SAME_FOR = timedelta(minutes=10)  # a form that is sent twice is one sign-up
AT_A_FORM = "form"  # the source of such events begins so


@dataclass(frozen=True)
class Request:
    """Somebody wants to hear of `purposes` on a channel and has read `wording` (version `text`).

    `address` is what they entered, or its hash where only that is known; `person` the key of who
    asks anew; `fields` what else they entered, which counts from when they confirm.
    """

    form: str
    channel: str
    purposes: Sequence[str]
    text: str
    wording: str
    address: str
    language: str
    incentive: str = ""
    person: str = ""
    traits: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)


def from_here(parts: wiring.Parts, ip: str) -> bool:
    """Count a request from this place on the internet; False: it was one too many."""
    key = _hash(parts, "place", ip)
    return throttle.take(parts.store, "place of a sign-up", key, parts.now(), FROM_PLACE)


def ask(parts: wiring.Parts, request: Request) -> None:
    """Have the person asked to confirm, unless they were asked too often today: nobody's mailbox
    is to be filled by others, and whoever sends the form learns nothing from the answer. Raises
    Contended."""
    now = parts.now()
    begun = datetime.fromtimestamp(
        now.timestamp() // SAME_FOR.total_seconds() * SAME_FOR.total_seconds(), UTC
    )
    key = _hash(parts, "address", request.channel, request.address)
    name = _hash(parts, key, request.form, *request.purposes, begun.isoformat())
    # Counted in any case, so that a form which comes again costs what the first did.
    if not throttle.take(parts.store, "address of a sign-up", key, now, OF_ADDRESS):
        return
    if request.channel == "sms" and not _may_text(parts, request.address):
        return
    event = Event(
        type="track",
        event=CONSENT_REQUESTED,
        message_id=f"sign-up-{name}",
        time=now,
        received_at=now,
        client_time=begun.isoformat(),
        properties={
            "request": name,
            "channel": request.channel,
            "purposes": list(request.purposes),
            "text": request.text,
            "wording": request.wording,
            "form": request.form,
            "language": request.language,
            "incentive": request.incentive,
            "fields": dict(request.fields),
        },
        traits=dict(request.traits),
        context=dict(request.context),
        source=f"{AT_A_FORM} {request.form}",
        trusted=True,
        person=request.person,
    )
    parts.send_events(bodies(EventBatch([event])), 0)


def _may_text(parts: wiring.Parts, number: str) -> bool:
    """Whether a number may be asked by text message: not one that fraudsters earn with. A hash of
    one, where somebody asks anew, was asked before."""
    if not number.startswith("+"):
        return True
    countries = parts.library.brand().sms_countries
    return is_in(number, countries) and pumping.may_ask(parts.store, number, parts.now())


def _hash(parts: wiring.Parts, *said: str) -> str:
    """A keyed hash: no address and no place can be read or tried out from it."""
    key = list(parts.settings.link_keys.values())[-1]
    return hmac.digest(key, "\0".join(("sign-up", *said)).encode(), "sha256").hex()[:24]
