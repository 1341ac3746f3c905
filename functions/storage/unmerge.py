"""Undoing a merge: two people are parted again, each as if they had never become one."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from functions.journeys.run import Task
from functions.journeys.standing import Standing
from functions.settings import ROWS_LIVE
from functions.storage.people import MOST_REDIRECTS, permission_of
from functions.storage.remember import bring_back_order, rows_of
from functions.storage.store import TRIES, Conflict, Contended, Store
from functions.tracking.fold import fold, pending_keys
from functions.tracking.identity import key_of, short_hash
from functions.tracking.merge import keep_withdrawals
from functions.tracking.merge_record import Before, Merge
from functions.tracking.parting import Half, keep_anew, keep_apart
from functions.tracking.permission import Permission
from functions.tracking.profile import OrderRow, Profile, TimelineRow

MOST_LATER = 20  # merges into the same person since, all rebuilt in one transaction
WRITTEN_BY_THEN = timedelta(days=1)  # our queues put an event off for about so long
Addresses = Callable[[Profile], dict[str, str]]


class NotUndone(Exception):
    """The merge cannot be undone; `why` is one of the words that `segments.merge_words` says."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def merges_of(store: Store, profile: Profile) -> list[Merge]:
    """How the person came to be, newest first, with the merges that were undone since."""
    keys = dict.fromkeys([*profile.keys, *profile.apart])
    found = [merge for key in keys for merge in store.query(Merge, key)]
    own = [one for one in found if {one.person, one.into} & {*profile.keys}]
    return sorted(own, key=lambda one: (one.at, one.merge_id), reverse=True)


def why_not(store: Store, merge: Merge, now: datetime) -> str:
    """Why a merge cannot be undone, in a word; "" when it can (unless it is too busy)."""
    if merge.undone:
        return "undone"
    if merge.final:
        return merge.final
    source = store.get(Profile, merge.person)
    target = store.get(Profile, merge.into)
    if source is None or target is None or target.moved_to or source.moved_to != merge.into:
        return "part of another"
    if _before(store, merge, target, now) is None:
        return "expired"
    if permission_of(store, merge.into).erased:
        return "erased"
    return "many" if len(_later(store, merge, target)) > MOST_LATER else ""


def undo_merge(
    store: Store, secret: bytes, merge: Merge, addresses: Addresses, now: datetime
) -> None:
    """Part the two again. Safe to repeat: what a crash left to be done is done then.

    `addresses` gives the hashes of a profile's addresses in force. Raises NotUndone, Contended.
    """
    for _ in range(TRIES):
        merge = store.get(Merge, merge.person, merge.merge_id) or merge
        if not merge.undone:
            if reason := why_not(store, merge, now):
                raise NotUndone(reason)
            try:
                _Parting(store, secret, merge, now).part(addresses)
            except Conflict:
                continue
        return _clear(store, merge)
    raise Contended("the person is busy")


def _before(store: Store, merge: Merge, target: Profile, now: datetime) -> Before | None:
    """What the target was; nothing when the rows of since then may have expired."""
    found = store.get(Before, merge.person, merge.merge_id)
    if found is None and not merge.target_version:
        expires = int((merge.at + ROWS_LIVE).timestamp())
        found = Before(
            person=merge.person,
            merge_id=merge.merge_id,
            target=Profile(person=target.person),
            expires=expires,
        )
    return found if found and found.expires > now.timestamp() else None


def _later(store: Store, merge: Merge, target: Profile) -> list[Merge]:
    """Who else became part of the same person since, in that order."""
    found = (one for key in target.merged for one in store.query(Merge, key))
    later = [
        one
        for one in found
        if one.into == merge.into and not one.undone and one.target_version > merge.target_version
    ]
    return sorted(later, key=lambda one: one.target_version)


class _Joined(NamedTuple):
    """A later merge, with what is known of it."""

    merge: Merge
    profile: Profile
    permission: Permission | None
    before: Before | None


class _Parting:
    """One try: everything is read, worked out, and written in one transaction."""

    def __init__(self, store: Store, secret: bytes, merge: Merge, now: datetime) -> None:
        self.store, self.secret, self.merge, self.now = store, secret, merge, now
        source, target = store.get(Profile, merge.person), store.get(Profile, merge.into)
        together = store.get(Permission, merge.into)
        before = _before(store, merge, target, now) if target else None
        if source is None or target is None or together is None or before is None:
            raise Conflict("somebody else was faster")
        self.target, self.together = target, together
        own = store.get(Permission, merge.person) or Permission(person=merge.person)
        self.own_version = own.version
        self.parted = Half(source, own.consents, source.version)
        self.kept = Half(before.target, before.consents, target.version)
        self.later = [self._joined(one) for one in _later(store, merge, target)]
        self.ways = {one.merge.person: one.merge.via for one in self.later}
        self.rowless = self._rowless()

    def _joined(self, merge: Merge) -> _Joined:
        profile = self.store.get(Profile, merge.person)
        if profile is None:
            raise Conflict("somebody else was faster")
        permission = self.store.get(Permission, merge.person)
        before = self.store.get(Before, merge.person, merge.merge_id)
        return _Joined(merge, profile, permission, before)

    def _rowless(self) -> set[str]:
        """The hashes of events that count and have no row. One of today may be on its way, and
        without it nobody knows whose it is."""
        keys = pending_keys(self.target)
        there = {row.key for row in rows_of(self.store, self.target, keys.values())}
        found = {digest for digest, key in keys.items() if key not in there}
        young = (self.now - WRITTEN_BY_THEN).timestamp()
        if any(self.target.pending[digest] > young for digest in found):
            raise NotUndone("busy")
        return found

    def part(self, addresses: Addresses) -> None:
        """Write the two. Raises Conflict, NotUndone, Contended."""
        rows, changed = self._rebuild()
        parted, kept = self.parted.settled(self.rowless), self.kept.settled(self.rowless)
        keep_apart(parted, kept)
        for profile in (parted, kept):
            keep_anew(profile, self.target)
        next_version = parted.version + 1
        self.store.write([replace(row, person=parted.person, taken=next_version) for row in rows])
        merge = self.merge
        merge.undone, merge.undone_version = self.now, self.target.version
        self.store.put_together(
            [
                parted,
                kept,
                *self._permissions(parted, kept, addresses),
                *self._standings(),
                merge,
                *changed,
            ]
        )
        self.store.write([*parted.leaving, *kept.leaving])

    # --- who did what since

    def _rebuild(self) -> tuple[list[TimelineRow], list[object]]:
        """Both halves take in what is theirs; the rows that go with the parted one, and the
        records of later merges as they are from now on."""
        counted = self._counted()
        stages: list[list[TimelineRow]] = [[] for _ in range(len(self.later) + 1)]
        for row in self.store.query(TimelineRow, self.target.person):
            if row.taken > self.merge.target_version:
                stages[self._stage(row)].append(row)
        moved: list[TimelineRow] = []
        changed: list[object] = []
        for number, rows in enumerate(stages):
            for row in sorted(rows, key=lambda row: (row.event.time, row.event.message_id)):
                half = counted.get(short_hash(row.event.message_id))
                if half is None:
                    half = self._half(key_of(self.secret, row.event))
                    self._take(half, row)
                moved += [row] if half is self.parted else []
            if number < len(self.later):
                changed += self._join(self.later[number])
        return moved, changed

    def _counted(self) -> dict[str, Half]:
        """Events whose rows came after the merge, and which counted in one of them before."""
        later = [(self._half(one.merge.person), one.profile) for one in self.later]
        states = [(self.kept, self.kept.profile), (self.parted, self.parted.profile), *later]
        return {digest: half for half, profile in states for digest in profile.recent}

    def _stage(self, row: TimelineRow) -> int:
        """Between which of the later merges an event counted first."""
        digest = short_hash(row.event.message_id)
        for number, one in enumerate(self.later):
            known = one.before.target.recent if one.before else {}
            if row.taken <= one.merge.target_version or digest in known:
                return number
        return len(self.later)

    def _half(self, key: str) -> Half:
        """To whom a key would lead, had the two never become one."""
        for _ in range(2 * MOST_REDIRECTS):
            if key == self.merge.person:
                return self.parted
            if key == self.target.person:
                return self.kept
            if key in self.ways:
                key = self.ways[key]
                continue
            record = self.store.get(Profile, key)
            if record is None or not record.moved_to:
                return self.kept
            key = record.moved_to
        raise Contended("too many redirects from one person")

    def _take(self, half: Half, row: TimelineRow) -> None:
        """As `remember` does; what an order was since the merge is no longer so."""
        stale = range(self.merge.target_version + 1, self.target.version + 1)
        bring_back_order(
            self.store,
            half.profile,
            row.event,
            lambda row: row.person != self.target.person or row.left_at not in stale,
        )
        fold(half.profile, row.event)
        half.hear(row.event)

    def _join(self, one: _Joined) -> Iterator[object]:
        """A later merge into one of the halves, and its records as they are from now on."""
        half = self._half(one.merge.person)
        if half is self.kept and one.before:
            one.before.target = half.settled(self.rowless)
            one.before.target.version = one.merge.target_version
            one.before.consents = dict(half.permission.consents)
            yield one.before
        half.join(one.profile, one.permission)
        if half is self.parted:
            yield from self._turned(one)

    def _turned(self, one: _Joined) -> Iterator[object]:
        """It was the parted one with whom they became one, from now on for good."""
        one.profile.moved_to = one.merge.into = self.merge.person
        one.merge.final = "parted"
        yield one.profile
        yield one.merge
        if one.permission:
            one.permission.moved_to = self.merge.person
            yield one.permission

    # --- what they may get, and what goes on

    def _permissions(
        self, parted: Profile, kept: Profile, addresses: Addresses
    ) -> Iterator[Permission]:
        """A withdrawal and a suppression hold for both, and so do the claims and what limits count;
        a run goes on with the person under whose key it began."""
        versions = ((self.parted, parted, self.own_version), (self.kept, kept, 0))
        for half, profile, version in versions:
            mine = {
                run_id: live
                for run_id, live in self.together.live.items()
                if self._half(live.person) is half
            }
            paused = {
                task_id: until
                for task_id, until in self.together.paused.items()
                if self._half(self._whose_task(task_id)) is half
            }
            yield Permission(
                person=profile.person,
                version=version or self.together.version,
                consents=keep_withdrawals(half.permission, self.together),
                suppressed=dict(self.together.suppressed),
                addresses=addresses(profile),
                live=mine,
                claims=self.together.claims,
                paused=paused,
                wishes=self.together.wishes,
                sent=self.together.sent,
                waiting=self.together.waiting,
                unanswered=self.together.unanswered,
                sign=self.together.sign,
            )

    def _whose_task(self, task_id: str) -> str:
        found = (key for key in self.target.keys if self.store.get(Task, key, task_id))
        return next(found, self.target.person)

    def _standings(self) -> Iterable[Standing]:
        """Both are looked at soon. What held for them as one is no news for either."""
        keys = (self.target.person, self.merge.person)
        both = [self.store.get(Standing, key) or Standing(person=key) for key in keys]
        names = {name for one in both for name in one.holds}
        holds = {name: any(one.holds.get(name) for one in both) for name in names}
        looked = next((one.looked for one in both if one.looked), None)
        looks = max(one.looks for one in both)
        news = {"holds": holds, "looked": looked, "looks": looks}
        return [replace(one, due=self.now, kept=self.now, **news) for one in both]


def _clear(store: Store, merge: Merge) -> None:
    """Take away from the one what went with the other, and what nobody needs any more."""
    for row in list(store.query(TimelineRow, merge.into)):
        since = merge.target_version < row.taken <= merge.undone_version
        if since and store.get(TimelineRow, merge.person, row.key) is not None:
            store.delete(row)
    for order_row in list(store.query(OrderRow, merge.into, after=f"{merge.target_version:010}")):
        if order_row.left_at <= merge.undone_version:
            store.delete(order_row)
    for one in (merge, *_turned_with(store, merge)):
        before = store.get(Before, one.person, one.merge_id)
        if before:
            store.delete(before)


def _turned_with(store: Store, merge: Merge) -> Iterator[Merge]:
    """The later merges that turned out to be the parted one's."""
    profile = store.get(Profile, merge.person)
    found = (one for key in (profile.merged if profile else ()) for one in store.query(Merge, key))
    return (one for one in found if one.final)
