"""Suppression: what rules an address out, for how long, and the record that says so."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from functions.tracking.event import Event
from functions.tracking.permission import Consent, Permission

HARD_BOUNCE, COMPLAINT = "hard bounce", "marked as spam"
SOFT_BOUNCES, UNREACHABLE = "repeated soft bounces", "unreachable number"
INVALID_NUMBER = "invalid number"
STOP, START = "STOP by text message", "START by text message"
TEXT_MESSAGE = "text message"  # the source of what people write to our number
ALL_TEXTS = "sms/*"  # what STOP withdraws
BY_HAND, IMPORTED = "by hand", "from a list"  # may be followed by ": " and words
# With a new address these are over; what a person or a colleague has said is not.
OF_ADDRESS = frozenset({HARD_BOUNCE, SOFT_BOUNCES, INVALID_NUMBER, UNREACHABLE})
MOST_REASON = 100  # letters
ADDRESS = "address"  # the tag of a message, and the property of its receipts: a hash


class Patience(NamedTuple):
    """How many failures in a row, over how long a time at least, rule an address out."""

    failures: int
    over: timedelta
    reason: str


PATIENCE = {
    "email": Patience(5, timedelta(days=3), SOFT_BOUNCES),
    "sms": Patience(3, timedelta(days=1), UNREACHABLE),
}
# Failures for a while that say nothing of the address: our message was refused for what it is.
# https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html#bounce-types
OF_THE_MESSAGE = frozenset({"MessageTooLarge", "ContentRejected", "AttachmentRejected"})
# The receipts that may rule an address out.
RULING_OUT = frozenset({"Email Marked as Spam", "Email Bounced", "SMS Bounced"})
NOT_REACHED = frozenset({"unreachable", "carrier_unreachable", "ttl_expired"})


class Suppressed(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An address to which nothing may go. `key` is a keyed hash, so that it tells nobody the
    address and may outlive the person's erasure. `source` is who said so; a suppression that was
    `lifted` is kept, with the reason, as the proof of who did that and why."""

    key: str
    channel: str
    reason: str
    since: datetime
    source: str = ""
    lifted: datetime | None = None
    lifted_because: str = ""
    version: int = 0

    @property
    def in_force(self) -> bool:
        """Whether nothing may go there now."""
        return self.lifted is None


def suppressed_key(secret: bytes, address: str) -> str:
    """The key of an address, which is given by its hash (`messages.address.address_hash`, which
    knows the channel): 128 bits of BLAKE2b in hexadecimal, keyed with at most 64 bytes."""
    text = f"suppressed\0{address}".encode()
    return hashlib.blake2b(text, digest_size=16, key=secret).hexdigest()


def partition_of(key: str) -> str:
    """Where the record of an address stands."""
    return f"suppressed {key}"


class Verdict(NamedTuple):
    """What a receipt says of an address (its hash) on a channel."""

    channel: str
    address: str
    reason: str


def bounced(
    permission: Permission, event: Event, patience: Mapping[str, Patience] = PATIENCE
) -> bool:
    """Take a receipt of a message that did not arrive; True when it changed something."""
    channel = "sms" if event.name.startswith("SMS") else "email"
    if not event.trusted or not _is_in_force(permission, channel, event):
        return False
    if _is_for_good(event):
        return suppress(permission, channel, _hard(channel))
    return _is_of_address(event) and _failed(permission, channel, event.time, patience[channel])


def delivered(permission: Permission, event: Event) -> bool:
    """Take a receipt of a message that arrived: the failures before it are forgotten."""
    channel = "sms" if event.name.startswith("SMS") else "email"
    before = permission.failed.get(channel)
    if not before or not event.trusted or not _is_in_force(permission, channel, event):
        return False
    after = [time for time in before if time > event.time]
    permission.failed = {**permission.failed, channel: after}
    if not after:
        del permission.failed[channel]
    return after != before


def complained(permission: Permission, event: Event) -> bool:
    """Take a complaint, which is the person's, whatever address it came from."""
    return event.trusted and suppress(permission, "email", COMPLAINT)


def suppress(permission: Permission, channel: str, reason: str) -> bool:
    """Let nothing go on a channel any more. False: it was so before."""
    if channel in permission.suppressed:
        return False
    permission.suppressed[channel] = reason
    return True


def take_address(permission: Permission, channel: str, reason: str) -> None:
    """An address has come into force; `reason` is why nothing may go there, "" when it may."""
    permission.failed.pop(channel, None)
    if permission.suppressed.get(channel) in OF_ADDRESS:
        del permission.suppressed[channel]
    if reason:
        suppress(permission, channel, reason)


def take_stop(permission: Permission, said: datetime) -> None:
    """Somebody wrote STOP from the number that is in force: as if the person had said it, so a
    consent of later counts, and START gives back."""
    before = permission.consents.get(ALL_TEXTS)
    if before is None or before.time < said:
        permission.consents[ALL_TEXTS] = Consent(False, said, TEXT_MESSAGE)


def verdict(permission: Permission, event: Event) -> Verdict | None:
    """The address that a receipt rules out, once `permission` has heard of it; None if none."""
    if event.event not in RULING_OUT or not event.trusted:
        return None
    if event.event == "Email Marked as Spam":
        return _of(permission, "email", event, COMPLAINT)
    channel = "sms" if event.name.startswith("SMS") else "email"
    if _is_for_good(event):
        return _of(permission, channel, event, _hard(channel))
    tired = permission.suppressed.get(channel) == PATIENCE[channel].reason
    if tired and _is_of_address(event) and _is_in_force(permission, channel, event):
        return _of(permission, channel, event, PATIENCE[channel].reason)
    return None


def _of(permission: Permission, channel: str, event: Event, reason: str) -> Verdict | None:
    address = _meant(event) or permission.addresses.get(channel, "")
    return Verdict(channel, address, reason) if address else None


def _meant(event: Event) -> str:
    said = event.properties.get(ADDRESS)
    return said if isinstance(said, str) else ""


def _is_in_force(permission: Permission, channel: str, event: Event) -> bool:
    """Whether the message went to the address of now (messages of old tell no address)."""
    meant = _meant(event)
    return not meant or meant == permission.addresses.get(channel)


def _is_for_good(event: Event) -> bool:
    return event.properties.get("bounce_type") == "Permanent"


def _hard(channel: str) -> str:
    return INVALID_NUMBER if channel == "sms" else HARD_BOUNCE


def _is_of_address(event: Event) -> bool:
    said = event.properties
    if event.name.startswith("SMS"):
        return said.get("bounce_reason") in NOT_REACHED
    return said.get("bounce_subtype") not in OF_THE_MESSAGE


def _failed(permission: Permission, channel: str, time: datetime, patience: Patience) -> bool:
    """Note a failure, each once by its time: the earliest is kept, and the latest of the others."""
    before = permission.failed.get(channel, [])
    times = sorted({*before, time})
    times = [*times[:1], *times[1:][-(patience.failures - 1) :]]
    permission.failed[channel] = times
    if len(times) >= patience.failures and times[-1] - times[0] >= patience.over:
        suppress(permission, channel, patience.reason)
    return times != before
