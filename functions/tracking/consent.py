"""Consent and suppression, read from the events that tell of them."""

from functions.tracking.event import Event
from functions.tracking.own_event import PREFERENCES_CHANGED
from functions.tracking.permission import Consent, Permission
from functions.tracking.suppressed import bounced, complained, delivered
from functions.tracking.wishes import wishes_of

CHANNELS = ("email", "sms")


class BadConsent(ValueError):
    """The event speaks of consent in a way that cannot be used; the text says what is right."""


def hear(permission: Permission, event: Event) -> bool:
    """Take what an event says about permission; True when it changed something.

    `Consent Given {channel, purposes: [...], text}` counts from trusted sources only;
    `Consent Withdrawn {channel, purposes}` and Segment's `Unsubscribed` from all (without
    purposes: the whole channel); complaints and bounces suppress (see `suppressed`), when a
    provider's receipt says so (a public write key must not silence anybody); `Preferences
    Changed {how_often, paused_until}` counts from trusted sources only. The last word by event
    time wins.
    """
    reader = _READERS.get(event.event)
    return reader(permission, event) if reader else False


def _given(permission: Permission, event: Event) -> bool:
    if not event.trusted:
        raise BadConsent(
            f'Consent Given came from the source "{event.source}", which is not trusted to speak '
            "for consent; send it from a trusted source"
        )
    purposes = _purposes(event)
    if not purposes or "*" in purposes:
        raise BadConsent('Consent Given needs "purposes": a list of names of purposes')
    return _say(permission, event, purposes, given=True)


def _withdrawn(permission: Permission, event: Event) -> bool:
    return _say(permission, event, _purposes(event) or ["*"], given=False)


def _say(permission: Permission, event: Event, purposes: list[str], given: bool) -> bool:
    channel = _channel(event)
    text = str(event.properties.get("text") or "")[:64]
    changed = False
    for purpose in purposes:
        key = f"{channel}/{purpose}"
        before = permission.consents.get(key)
        # At the same moment a withdrawal wins.
        if before and (before.time, not before.given) >= (event.time, not given):
            continue
        permission.consents[key] = Consent(given, event.time, event.source[:64], text)
        changed = True
    return changed


def _wished(permission: Permission, event: Event) -> bool:
    before = permission.wishes
    if not event.trusted or (before and before.time >= event.time):
        return False
    try:
        permission.wishes = wishes_of(event.properties, event.time)
    except ValueError as error:
        raise BadConsent(f"{event.event}: {error}") from None
    return True


def _channel(event: Event) -> str:
    channel = event.properties.get("channel", "email")
    if channel not in CHANNELS:
        raise BadConsent(f'{event.event}: "channel" is one of {", ".join(CHANNELS)}')
    return str(channel)


def _purposes(event: Event) -> list[str]:
    found = event.properties.get("purposes", [])
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise BadConsent(f'{event.event}: "purposes" is a list of names of purposes')
    return [item[:64] for item in found[:20]]


_READERS = {
    "Consent Given": _given,
    "Consent Withdrawn": _withdrawn,
    "Unsubscribed": _withdrawn,
    PREFERENCES_CHANGED: _wished,
    "Email Marked as Spam": complained,
    "Email Bounced": bounced,
    "SMS Bounced": bounced,
    "Email Delivered": delivered,
    "SMS Delivered": delivered,
}
