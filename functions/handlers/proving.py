"""Proving consent: what was said of it is added to the person's chain of evidence."""

from datetime import datetime, timedelta
from typing import Any

from functions.handlers import erasing, pumping, wiring
from functions.messages.address import TRAITS, address_of
from functions.storage import evidence
from functions.tracking.consent import SIGN_UP_LASTS
from functions.tracking.event import Event
from functions.tracking.evidence import Evidence, Said
from functions.tracking.own_event import (
    CONSENT_GIVEN,
    CONSENT_REQUESTED,
    CONSENT_WITHDRAWN,
    SIGN_UP_EXPIRED,
)
from functions.tracking.permission import Permission
from functions.tracking.profile import Profile
from functions.tracking.sign_up import SignUp

SAID: dict[str, Said] = {
    CONSENT_REQUESTED: "asked",
    CONSENT_GIVEN: "given",
    CONSENT_WITHDRAWN: "withdrawn",
    "Unsubscribed": "withdrawn",
    SIGN_UP_EXPIRED: "expired",
}
A_WHILE = timedelta(minutes=5)  # in which a first event may be worked on
MOST_WORDING, MOST_TEXT = 4000, 300  # letters


def note(
    parts: wiring.Parts, profile: Profile, permission: Permission, events: list[Event]
) -> None:
    """Evidence of those of the events that speak of consent; most do not, and cost nothing here.

    Safe to repeat: a message is told of once. Raises Contended.
    """
    for event in events:
        said = SAID.get(event.event)
        if said is None or (said == "expired" and not event.trusted):
            continue
        request = str(event.properties.get("request") or "")
        asked = permission.asked.get(request)
        if event.event == CONSENT_GIVEN and request:
            if asked is None or asked.confirmed is None:
                continue  # too late: it gave no permission
            said = "confirmed"
        if parts.explains:
            evidence.append(parts.store, _record(profile, event, said))
        if said == "confirmed" and _channel(event) == "sms":
            number = _address(profile, "sms")
            if number:
                pumping.confirmed(parts.store, number, parts.now())
        _follow(parts, profile, permission, event)


def _record(profile: Profile, event: Event, said: Said) -> Evidence:
    told, context = event.properties, event.context
    channel = _channel(event)
    purposes = told.get("purposes")
    fields = told.get("fields")
    return Evidence(
        person=profile.person,
        number=0,
        said=said,
        channel=channel,
        purposes=[str(one)[:64] for one in purposes[:20]] if isinstance(purposes, list) else [],
        time=_moment(told.get("confirmed")) or event.time if said == "given" else event.time,
        received=event.received_at,
        source=event.source[:64],
        message_id=event.message_id,
        address=_address(profile, channel),
        request=_text(told.get("request")),
        text=_text(told.get("text")),
        wording=_text(told.get("wording"), MOST_WORDING),
        form=_text(told.get("form")),
        page=_text(told.get("page") or _page(context)),
        ip=_text(told.get("ip") or context.get("ip")),
        agent=_text(told.get("user_agent") or context.get("userAgent")),
        language=_text(told.get("language")),
        fields=fields if said == "asked" and isinstance(fields, dict) else {},
    )


def _follow(parts: wiring.Parts, profile: Profile, permission: Permission, event: Event) -> None:
    """Remember when an open sign-up is over, and forget those that are open no more."""
    request = str(event.properties.get("request") or "")
    asked = permission.asked.get(request)
    if event.event == CONSENT_REQUESTED and asked and not asked.confirmed:
        row = SignUp(
            person=profile.person, request=request, channel=asked.channel, until=asked.until
        )
        if parts.store.get(SignUp, row.person, row.request) is None:
            parts.store.put(row)
    elif request:
        for key in profile.keys:
            row_there = parts.store.get(SignUp, key, request)
            if row_there:
                if event.event == SIGN_UP_EXPIRED and _is_all_we_know(profile, row_there):
                    erasing.forget_sign_up(parts, profile.person)
                parts.store.delete(row_there)


def _is_all_we_know(profile: Profile, row: SignUp) -> bool:
    """Whether nobody had heard of the person before this sign-up."""
    begun = row.until - SIGN_UP_LASTS - A_WHILE
    return profile.created is not None and profile.created >= begun


def _channel(event: Event) -> str:
    return _text(event.properties.get("channel")) or "email"


def _address(profile: Profile, channel: str) -> str:
    return address_of(profile, channel) if channel in TRAITS else ""


def _page(context: dict[str, Any]) -> Any:
    page = context.get("page")
    return page.get("url") if isinstance(page, dict) else None


def _text(value: Any, most: int = MOST_TEXT) -> str:
    return value[:most] if isinstance(value, str) else ""


def _moment(value: Any) -> datetime | None:
    """When an import says that it was confirmed; None where that is no time with a zone."""
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else None
