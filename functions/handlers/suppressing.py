"""Suppression at work: receipts put addresses on the list, colleagues put them on and lift them."""

from collections.abc import Iterable
from datetime import datetime

from functions.handlers.discreet import Logger
from functions.handlers.wiring import Parts
from functions.messages.address import address_hash, addresses
from functions.storage import people
from functions.storage.store import change
from functions.storage.suppressions import Suppressions
from functions.tracking.event import Event, EventBatch, bodies
from functions.tracking.message import RECEIPTS
from functions.tracking.own_event import (
    ADDRESS_SUPPRESSED,
    SUPPRESSION_LIFTED,
    SUPPRESSIONS,
    own_event,
)
from functions.tracking.permission import Permission
from functions.tracking.profile import Profile
from functions.tracking.suppressed import RULING_OUT, Verdict, suppress, verdict

logger = Logger(service="suppressing")
IDENTIFIED_BY = {"email": "email", "sms": "phone"}


def suppressions(parts: Parts) -> Suppressions:
    """The list of suppressed addresses."""
    return Suppressions(parts.store, parts.settings.identity_key)


def note(parts: Parts, profile: Profile, permission: Permission, events: Iterable[Event]) -> None:
    """Put the addresses on the list that these receipts rule out, and tell of it. `permission` has
    heard of them. Safe to repeat. Raises Busy, Contended."""
    for event in events:
        found = verdict(permission, event) if event.event in RULING_OUT else None
        if found is None:
            continue
        suppressions(parts).add(found.address, found.channel, found.reason, event.time, RECEIPTS)
        if permission.addresses.get(found.channel) == found.address:
            told = {"channel": found.channel, "reason": found.reason}
            _tell(parts, profile, ADDRESS_SUPPRESSED, event.message_id, event.time, **told)


def note_of_past(parts: Parts, person: str, events: Iterable[Event]) -> None:
    """Receipts of messages to somebody who was erased since: nothing is noted of them, but their
    address is ruled out for whoever has it now or later. Safe to repeat. Raises Contended."""
    nobody = Permission(person=person)
    for found, event in ((verdict(nobody, one), one) for one in events):
        if found is None:
            continue
        suppressions(parts).add(found.address, found.channel, found.reason, event.time, RECEIPTS)

        def take(permission: Permission, found: Verdict = found) -> bool:
            is_theirs = permission.addresses.get(found.channel) == found.address
            return is_theirs and suppress(permission, found.channel, found.reason)

        change(parts.store, lambda: people.permission_of(parts.store, person), take)


def suppress_address(parts: Parts, channel: str, address: str, reason: str, source: str) -> bool:
    """Put an address (in its normal form) on the list, in force for whoever has it when this
    returns. False: it was there. Raises Busy, Contended."""
    now, hashed = parts.now(), address_hash(channel, address)
    added = suppressions(parts).add(hashed, channel, reason, now, source)
    profile = _who_has(parts, channel, address)
    if profile is None:
        return added

    def take(permission: Permission) -> bool:
        return suppress(permission, channel, reason)

    change(parts.store, lambda: people.permission_of(parts.store, profile.person), take)
    if added:
        told = {"channel": channel, "reason": reason}
        _tell(parts, profile, ADDRESS_SUPPRESSED, now.isoformat(), now, **told)
    return added


def lift(parts: Parts, channel: str, address: str, because: str) -> str | None:
    """Let messages go to an address again (in its normal form): the reason for which none went,
    None if some did. Raises Busy, Contended."""
    now, hashed = parts.now(), address_hash(channel, address)
    lifted = suppressions(parts).lift(hashed, because, now)
    reason = lifted.reason if lifted else None
    profile = _who_has(parts, channel, address)
    if profile is None:
        return reason
    ended: list[str] = []

    def end(permission: Permission) -> bool:
        ended[:] = [permission.suppressed.pop(channel)] if channel in permission.suppressed else []
        failed = permission.failed.pop(channel, None)
        return bool(ended) or failed is not None

    change(parts.store, lambda: people.permission_of(parts.store, profile.person), end)
    reason = reason or next(iter(ended), None)
    if reason:
        logger.info("a suppression was lifted", extra={"person": profile.person})
        told = {"channel": channel, "reason": reason, "because": because}
        _tell(parts, profile, SUPPRESSION_LIFTED, now.isoformat(), now, **told)
    return reason


def _who_has(parts: Parts, channel: str, address: str) -> Profile | None:
    """The person whose address it is now; the profile is written before what depends on it."""
    finder = people.People(parts.store, parts.settings.identity_key)
    found = finder.by(IDENTIFIED_BY[channel], address)
    in_force = addresses(found).get(channel) if found else None
    return found if in_force == address_hash(channel, address) else None


def _tell(
    parts: Parts, profile: Profile, name: str, occasion: str, time: datetime, **said: str
) -> None:
    told = own_event(SUPPRESSIONS, profile.person, name, occasion, time, **said)
    parts.send_events(bodies(EventBatch([told])), 0)
