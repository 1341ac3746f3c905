"""The claim: one conditional update of the permission item lets a message go, or takes it back."""

from datetime import datetime

from functions.messages import room, sunset
from functions.messages.address import address_hash
from functions.messages.allowed import why_not
from functions.messages.room import Wanted
from functions.messages.wish import Desk, Wish
from functions.segments import limit_words
from functions.storage.store import Contended, change
from functions.tracking import permission as permissions
from functions.tracking.message import Message
from functions.tracking.permission import Claim, Permission, Refused


def claim(wish: Wish, row: Message, desk: Desk, address: str, moment: datetime) -> None:
    """One conditional update of the permission item. Raises Refused, NoRoom, Contended."""

    def take(permission: Permission) -> bool:
        if is_stopped(permission, row.channel, row.purpose, address, desk):
            raise Refused(permissions.WITHDRAWN)
        if permissions.claimed(permission, row.send_id):
            raise Contended("another try of this step is sending")
        wanted = Claim(row.send_id, moment, wish.channel, wish.purpose)
        reason = why_not(permission, row.channel, row.purpose, desk.brand, moment)
        hashed = address_hash(wish.channel, address)
        permissions.claim(permission, wish.run_id, wanted, hashed, reason)
        if is_limited(row, desk):
            refuse_if_asleep(wish, row, desk, permission, moment)
            room.take(permission, wanted_of(wish, row), desk.limits, moment)
            sunset.count(permission, wish.last_sign, desk.limits)
        return True

    change(desk.store, lambda: desk.permission(wish.person), take)


def is_stopped(
    permission: Permission, channel: str, purpose: str, address: str, desk: Desk
) -> bool:
    """Whether the number said STOP after the person had agreed; only of texts a read."""
    if channel != "sms" or not desk.brand.must_be_allowed(purpose):
        return False
    stopped = desk.stopped(address_hash(channel, address))
    return permissions.is_silenced(permission, channel, purpose, stopped)


def unclaim(wish: Wish, row: Message, desk: Desk) -> None:
    """Give a claim back: the provider surely did not take the message."""

    def give_back(permission: Permission) -> bool:
        permission.claims = [made for made in permission.claims if made.send_id != row.send_id]
        if row.claimed and is_limited(row, desk):
            room.give_back(permission, wanted_of(wish, row), row.claimed)
            sunset.give_back(permission)
        return True

    change(desk.store, lambda: desk.permission(wish.person), give_back)


def keep_place(
    wish: Wish, row: Message, desk: Desk, permission: Permission, until: datetime
) -> None:
    """What has a rank and waits keeps a place free. A write, where there are ranks only."""
    wanted, now = wanted_of(wish, row), desk.now()
    if wish.held_out or not is_limited(row, desk):
        return
    if room.has_rank(wanted, desk.limits, permission):
        keep = lambda found: room.wait(found, wanted, until, now)  # noqa: E731
        change(desk.store, lambda: desk.permission(wish.person), keep)


def refuse_if_asleep(
    wish: Wish, row: Message, desk: Desk, permission: Permission, now: datetime
) -> None:
    """Raises Refused."""
    asleep = sunset.is_asleep(permission, wish.last_sign, wish.journey, desk.limits, now)
    if asleep and is_limited(row, desk):
        raise Refused(limit_words.ASLEEP)


def is_limited(row: Message, desk: Desk) -> bool:
    """Whether limits count it: what is part of a contract goes whatever else went."""
    return desk.brand.must_be_allowed(row.purpose)


def wanted_of(wish: Wish, row: Message) -> Wanted:
    """The message as limits see it."""
    return Wanted(
        send_id=row.send_id,
        run_id=wish.run_id,
        journey=wish.journey,
        message=wish.message,
        channel=row.channel,
        purpose=row.purpose,
        kind=wish.kind,
        is_calm=wish.is_calm,
    )
