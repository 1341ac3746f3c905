"""Consent and suppression, read from the events that tell of them."""

from collections.abc import Collection
from datetime import timedelta

from functions.tracking.event import Event
from functions.tracking.own_event import (
    CONSENT_GIVEN,
    CONSENT_REQUESTED,
    CONSENT_WITHDRAWN,
    PREFERENCES_CHANGED,
    SIGN_UP_EXPIRED,
)
from functions.tracking.permission import MOST_ASKED, Asked, Consent, Permission
from functions.tracking.suppressed import bounced, complained, delivered
from functions.tracking.wishes import wishes_of

CHANNELS = ("email", "sms")
TRACKING = "tracking"  # the purpose by which a person lets us count opens and clicks
LINK_LASTS = timedelta(days=7)  # in which a sign-up can be confirmed
SIGN_UP_LASTS = timedelta(days=14)  # then nothing is left of one that was not confirmed


class BadConsent(ValueError):
    """The event speaks of consent in a way that cannot be used; the text says what is right."""


def hear(permission: Permission, event: Event, known: Collection[str] = ()) -> bool:
    """Take what an event says about permission; True when it changed something.

    `Consent Requested {request, channel, purposes, text}` notes a sign-up, which permits nothing;
    `Consent Given {channel, purposes: [...], text}` counts from trusted sources only, and with the
    name of a `request` only while that one can be confirmed;
    `Consent Withdrawn {channel, purposes}` and Segment's `Unsubscribed` from all (without
    purposes: the whole channel); complaints and bounces suppress (see `suppressed`), when a
    provider's receipt says so (a public write key must not silence anybody); `Preferences
    Changed {how_often, paused_until}` counts from trusted sources only. The last word by event
    time wins. `known` are the purposes of brand.yaml; without any all are taken. Raises BadConsent.
    """
    reader = _READERS.get(event.event)
    if reader and known and event.event in (CONSENT_GIVEN, CONSENT_REQUESTED):
        _check_purposes(event, known)
    return reader(permission, event) if reader else False


def _check_purposes(event: Event, known: Collection[str]) -> None:
    """What is agreed to must have a name that we know, or it would never count and nobody would
    notice."""
    unknown = [one for one in _purposes(event) if one not in known and one != TRACKING]
    if unknown:
        there = ", ".join([*known, TRACKING])
        raise BadConsent(f'{event.event}: there is no purpose "{unknown[0]}"; there are: {there}')


def _requested(permission: Permission, event: Event) -> bool:
    channel, purposes = _channel(event), _wanted(event)
    request = event.properties.get("request")
    if not isinstance(request, str) or not 0 < len(request) <= 64:
        raise BadConsent('Consent Requested needs "request": a name for this one sign-up')
    if request in permission.asked:
        return False
    left = permission.consents.get(f"{channel}/*")
    words = [left, *(permission.consents.get(f"{channel}/{purpose}") for purpose in purposes)]
    if any(word and not word.given and word.time >= event.time for word in words):
        return False  # they left after they had signed up
    lasting = {name: one for name, one in permission.asked.items() if one.until > event.time}
    address = permission.addresses.get(channel, "")
    until = event.time + SIGN_UP_LASTS
    asked = Asked(channel, purposes, event.time, until, address)
    permission.asked = dict([*lasting.items(), (request, asked)][-MOST_ASKED:])
    return True


def _given(permission: Permission, event: Event) -> bool:
    purposes = _wanted(event)
    request = event.properties.get("request")
    if request is None:
        return _say(permission, event, purposes, given=True)
    asked = permission.asked.get(str(request))
    # Withdrawn or over meanwhile, or confirmed already.
    if asked is None or asked.confirmed or asked.until <= event.time:
        return False
    if permission.addresses.get(asked.channel, "") != asked.address:
        return False  # whoever confirms has the address that was entered, and no other
    asked.confirmed = event.time
    _say(permission, event, asked.purposes, given=True)
    return True


def _expired(permission: Permission, event: Event) -> bool:
    if not event.trusted:
        return False
    return permission.asked.pop(str(event.properties.get("request")), None) is not None


def _wanted(event: Event) -> list[str]:
    """The purposes that a trusted source says somebody wants to hear of."""
    if not event.trusted:
        raise BadConsent(
            f'{event.event} came from the source "{event.source}", which is not trusted to speak '
            "for consent; send it from a trusted source"
        )
    purposes = _purposes(event)
    if not purposes or "*" in purposes:
        raise BadConsent(f'{event.event} needs "purposes": a list of names of purposes')
    return purposes


def _withdrawn(permission: Permission, event: Event) -> bool:
    purposes = _purposes(event)
    channel = _channel(event)
    gone = [
        name
        for name, one in permission.asked.items()
        if one.channel == channel
        and one.time <= event.time
        and (not purposes or not {*purposes}.isdisjoint(one.purposes))
    ]
    for name in gone:  # an old mail must not bring back what they left
        del permission.asked[name]
    return _say(permission, event, purposes or ["*"], given=False) or bool(gone)


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
    CONSENT_REQUESTED: _requested,
    CONSENT_GIVEN: _given,
    CONSENT_WITHDRAWN: _withdrawn,
    SIGN_UP_EXPIRED: _expired,
    "Unsubscribed": _withdrawn,
    PREFERENCES_CHANGED: _wished,
    "Email Marked as Spam": complained,
    "Email Bounced": bounced,
    "SMS Bounced": bounced,
    "Email Delivered": delivered,
    "SMS Delivered": delivered,
}
WORDS = frozenset(_READERS)  # the events that say something of permission
