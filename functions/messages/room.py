"""Room for one more message: limits counted on the permission item alone, within the claim.

A message may go while fewer than the limit went in the time before it, and there is a place left
besides those that waiting messages of a higher rank will take. See decision 45.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from functions.messages.limits import Cap, Limits
from functions.segments import limit_words
from functions.tracking.permission import COUNTED_FOR, MOST_COUNTED, Permission, Waiting

TURN = timedelta(hours=1)  # how long after its time a waiting message still keeps its place


class Wanted(msgspec.Struct, frozen=True):
    """A message that needs consent and wants to go. `kind` is its journey's class, `is_calm`: the
    person is of those who are to hear less from us."""

    send_id: str
    run_id: str
    journey: str
    message: str
    channel: str
    purpose: str
    kind: str
    is_calm: bool = False

    @property
    def key(self) -> str:
        """What is counted together; a purpose may have any sign in it."""
        return f"{self.channel}/{self.kind}/{self.purpose}"


@dataclass(frozen=True)
class Full:
    """Why there is no room, in words, and when it is worth while to ask again."""

    reason: str
    until: datetime


class NoRoom(Exception):
    """There is no room at the moment of the claim."""

    def __init__(self, full: Full) -> None:
        super().__init__(full.reason)
        self.full = full


def full(permission: Permission, wanted: Wanted, limits: Limits, now: datetime) -> Full | None:
    """Why the message may not go `now`: of all limits that are reached the one that lasts longest;
    None when there is room under each."""
    caps = limits.caps_for(wanted.is_calm, permission.wishes)
    if not caps:
        return None
    found = (
        _full(permission, wanted, limits, cap, now)
        for cap in caps
        if cap.counts(wanted.channel, wanted.kind, wanted.purpose)
    )
    return max((one for one in found if one), key=lambda one: one.until, default=None)


def _full(
    permission: Permission, wanted: Wanted, limits: Limits, cap: Cap, now: datetime
) -> Full | None:
    gone = _gone(permission, cap, now)
    before_us = [one.until for one in _ahead(permission, wanted, limits, cap, now)]
    if len(gone) + len(before_us) < cap.at_most:
        return None
    about = (cap.channel, cap.kind, cap.purpose)
    reason = limit_words.full(len(gone), cap.at_most, cap.said, about, cap.by_wish)
    if len(gone) >= cap.at_most:
        first = datetime.fromtimestamp(gone[-cap.at_most], UTC)
        return Full(reason, first + cap.within)
    return Full(limit_words.behind(reason, len(before_us)), max(before_us))


def _gone(permission: Permission, cap: Cap, now: datetime) -> list[int]:
    """When messages of this limit went in the time that it looks back on (epoch seconds), in
    order."""
    since = (now - cap.within).timestamp()
    return sorted(
        second
        for key, times in permission.sent.items()
        if _counts(cap, key)
        for second in times
        if second > since
    )


def _ahead(
    permission: Permission, wanted: Wanted, limits: Limits, cap: Cap, now: datetime
) -> Iterator[Waiting]:
    """The messages of this limit that wait, and have a higher rank."""
    if not permission.waiting:
        return
    mine = limits.rank(wanted.journey, wanted.message)
    for send_id, waiting in permission.waiting.items():
        live = permission.live.get(waiting.run_id)
        if send_id == wanted.send_id or live is None or live.leaving or waiting.until <= now:
            continue
        if limits.rank(live.journey, waiting.message) < mine and _counts(cap, waiting.key):
            yield waiting


def _counts(cap: Cap, key: str) -> bool:
    channel, kind, purpose = key.split("/", 2)
    return cap.counts(channel, kind, purpose)


def check(permission: Permission, wanted: Wanted, limits: Limits, now: datetime) -> None:
    """Raises NoRoom."""
    reached = full(permission, wanted, limits, now)
    if reached:
        raise NoRoom(reached)


def take(permission: Permission, wanted: Wanted, limits: Limits, now: datetime) -> None:
    """Count the message as gone. Raises NoRoom; to be called within the claim's own write."""
    check(permission, wanted, limits, now)
    permission.waiting.pop(wanted.send_id, None)
    if not limits.caps_for(wanted.is_calm, permission.wishes):
        return
    oldest = (now - COUNTED_FOR).timestamp()
    kept = {key: [one for one in times if one > oldest] for key, times in permission.sent.items()}
    # One key may drop its oldest: what is left is as many as any limit allows.
    kept[wanted.key] = [*kept.get(wanted.key, ()), second_of(now)][-MOST_COUNTED:]
    permission.sent = {key: times for key, times in kept.items() if times}


def second_of(moment: datetime) -> int:
    """The epoch second in which it is over, so that no limit ends too early."""
    return math.ceil(moment.timestamp())


def give_back(permission: Permission, wanted: Wanted, moment: datetime) -> None:
    """The provider surely did not take what was counted at that moment."""
    times = list(permission.sent.get(wanted.key, ()))
    if second_of(moment) in times:
        times.remove(second_of(moment))
        permission.sent = {**permission.sent, wanted.key: times}


def has_rank(wanted: Wanted, limits: Limits, permission: Permission) -> bool:
    """Whether the message keeps a place free while it waits: others may come to want it."""
    is_named = limits.rank(wanted.journey, wanted.message) < len(limits.priority)
    return is_named and bool(limits.caps_for(wanted.is_calm, permission.wishes))


def wait(permission: Permission, wanted: Wanted, until: datetime, now: datetime) -> bool:
    """Keep a place for the message, which is tried again at `until`. False: it is kept already."""
    mine = Waiting(wanted.run_id, wanted.message, wanted.key, until + TURN)
    if permission.waiting.get(wanted.send_id) == mine:
        return False
    others = {key: one for key, one in permission.waiting.items() if one.until > now}
    permission.waiting = {**others, wanted.send_id: mine}
    return True
