"""Erasing a person from every table: marked at once, cleared in parts, looked at again."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

from functions.journeys.run import Run
from functions.segments.census_records import Figures, ReferralFigures
from functions.segments.cluster_records import ClusterReport
from functions.storage import referrals
from functions.storage.kinds import KINDS
from functions.storage.people import profile_of
from functions.storage.store import TRIES, Conflict, Contended, Store, change
from functions.tracking.account import Member, account_key
from functions.tracking.erasure import (
    Erasure,
    erasure_key,
    identifiers_in,
    identifiers_of,
    tombstone,
)
from functions.tracking.identity import person_key
from functions.tracking.merge_record import Before, Merge
from functions.tracking.message import Kept
from functions.tracking.permission import Permission
from functions.tracking.profile import Profile, TimelineRow

LONGEST_COUNT = timedelta(days=3)  # of everybody, interruptions included
# What ended longer ago has no execution any more: the daily comparison stops what is left.
UNCOMPARED = timedelta(days=3)
MOST_AT_ONCE = 2_000  # records that one invocation deletes, about ten seconds of DynamoDB
NOTED_AT_ONCE = 200  # rows whose identifiers are noted with one write, before the rows go
# The tombstone and the mark that forbids messages stay until somebody new comes.
STAY = (Profile, Permission)
CLEARED = tuple(kind for kind, where in KINDS.items() if where.is_of_person and kind not in STAY)
Stop = Callable[[Run], None]
Identifier = tuple[str, str]


def erasures_of(store: Store, person: str) -> list[Erasure]:
    """The erasures of the person with this key, newest first."""
    return list(store.query(Erasure, erasure_key(person), newest_first=True))


def is_in_force(store: Store, erasure: Erasure) -> bool:
    """Whether every key is marked; not after a table was restored from before the erasure."""
    keys = (*erasure.keys, *erasure.links)
    return all(_is_erased(store.get(Profile, key), erasure.asked) for key in keys)


def replay(store: Store, erasure: Erasure, now: datetime) -> bool:
    """Begin again, on tables that were restored; False: there is no need. Raises Conflict."""
    if erasure.done is None or is_in_force(store, erasure):
        return False
    erasure.cleared = erasure.done = None
    erasure.replayed = now
    store.put(erasure)
    return True


def ask(store: Store, profile: Profile, now: datetime, why: str) -> Erasure:
    """The order to erase the person: the one under way, if there is one. Raises Contended."""
    for one in erasures_of(store, profile.person):
        if one.done is None:
            return one
    made = Erasure(person=profile.person, asked=now, why=why, keys=list(profile.keys))
    try:
        store.put(made)
    except Conflict:
        raise Contended("somebody else asks for the same") from None
    return made


class Eraser:
    """Carries one erasure out. Everything may be repeated after a crash at any point: a key is
    noted before the record goes that told of it."""

    def __init__(self, store: Store, secret: bytes, erasure: Erasure, stop: Stop) -> None:
        self._store, self._secret, self._stop = store, secret, stop
        self.erasure = erasure
        self._left = MOST_AT_ONCE

    # --- at once, before the order is acknowledged

    def mark(self) -> None:
        """From here on nothing is claimed for the person, and no event is taken into a profile of
        theirs. Raises Contended."""
        for key in _growing(self.erasure.keys):
            self._mark(key)
        for key in _growing(self.erasure.links):
            self._mark_link(key)
        self.save()

    def _mark(self, key: str) -> None:
        """Profile and permission in one transaction, so that no claim slips in between."""
        for _ in range(TRIES):
            profile = self._store.get(Profile, key) or Profile(person=key)
            if _is_erased(profile, self.erasure.asked):
                return
            self._note_profile(profile)
            permission = self._store.get(Permission, key) or Permission(person=key)
            bare = Permission(person=key, version=permission.version, erased=True)
            try:
                self._store.put_together([tombstone(profile, self.erasure.asked), bare])
            except Conflict:
                continue
            self.erasure.count("profile", 1 if profile.version else 0)
            return
        raise Contended("others kept changing the person")

    def _mark_link(self, key: str) -> None:
        for _ in range(TRIES):
            link = self._store.get(Profile, key) or Profile(person=key)
            if _is_erased(link, self.erasure.asked):
                return
            if link.created is not None:
                # After a restore: not yet part of the person then.
                self.erasure.keys.append(key)
                return self._mark(key)
            try:
                self._store.put(tombstone(link, self.erasure.asked))
            except Conflict:
                continue
            self.erasure.count("identifier", 1 if link.version else 0)
            return
        raise Contended("others kept changing the person")

    def _note_profile(self, profile: Profile) -> None:
        """Whatever else is known by this profile alone, before it goes."""
        erasure = self.erasure
        own = _take_in(erasure.keys, profile.merged)
        own |= _take_in(erasure.accounts, [*profile.groups, *profile.companies])
        own |= _take_in(erasure.apart, profile.apart)
        if self._note(identifiers_of(profile)) or own:
            self.save()

    def _note(self, found: Iterable[Identifier]) -> bool:
        """Take in the keys of identifiers that lead to the person, or to nobody."""
        erasure, new = self.erasure, []
        known = {*erasure.keys, *erasure.links}
        for kind, value in dict.fromkeys(found):
            key = person_key(self._secret, kind, value)
            if key not in known and self._is_theirs(key):
                known.add(key)
                new.append(key)
        erasure.links += new
        return bool(new)

    def _is_theirs(self, key: str) -> bool:
        """A shared device, or an address that somebody else had first, is not."""
        end = profile_of(self._store, key)
        return end.person in (*self.erasure.keys, *self.erasure.links) or not end.version

    def save(self) -> None:
        """Write down how far it is. Raises Contended."""
        try:
            self._store.put(self.erasure)
        except Conflict:
            raise Contended("somebody else is erasing the same person") from None

    # --- in parts

    def clear(self) -> bool:
        """Delete what is left of the person, as much as one invocation can; whether that was all.

        Raises Contended.
        """
        self.mark()
        is_all = all(self._clear_key(key) for key in _growing(self.erasure.keys))
        if is_all:
            self.mark()  # what was found on the way
            self._clear_beside()
        self.save()
        return is_all

    def _clear_key(self, key: str) -> bool:
        profile = self._store.get(Profile, key)
        if profile and profile.created:
            return True  # after a restore: somebody new, who came since
        for run in self._store.query(Run, key):
            if run.ended is None or run.ended > self.erasure.asked - UNCOMPARED:
                self._stop(run)
        return all(self._clear_kind(kind, key) for kind in CLEARED)

    def _clear_kind(self, kind: type[Any], key: str) -> bool:
        rows = iter(self._store.query(kind, key))
        while page := list(islice(rows, min(NOTED_AT_ONCE, self._left))):
            if self._note(_identifiers(page)):
                self.save()
            for row in page:
                self._store.delete(row)
            self.erasure.count(KINDS[kind].prefix, len(page))
            self._left -= len(page)
        return self._left > 0 or next(rows, None) is None

    def _clear_beside(self) -> None:
        """What stands elsewhere and tells of the person."""
        erasure, store = self.erasure, self._store
        for account_id in erasure.accounts:
            for key in erasure.keys:
                self._delete(store.get(Member, account_key(account_id), key), "member")
        erasure.count("referral", referrals.forget(store, self._secret, erasure.keys))
        for parted in _parted_from(store, erasure):
            self._delete(parted, "merge")
        for kept in list(_kept_for(store, erasure.keys)):
            self._delete(kept, "kept")
        self._forget_samples()

    def _delete(self, record: Any, what: str) -> None:
        if record is not None:
            self._store.delete(record)
            self.erasure.count(what)

    def _forget_samples(self) -> None:
        """Reports name some people by their keys, as examples."""
        for kind, lists in _SAMPLES.items():
            for report in list(self._store.query(kind, KINDS[kind].prefix)):
                named = [one for one in lists(report) if not set(one).isdisjoint(self.erasure.keys)]
                for one in named:
                    one[:] = [key for key in one if key not in self.erasure.keys]
                if named:
                    self._store.write([report])
                    self.erasure.count("example", len(named))

    # --- at the end

    def open(self, now: datetime) -> None:
        """Let whoever comes anew under one of these keys be somebody new. Raises Contended."""
        for key in (*self.erasure.keys, *self.erasure.links):
            change(self._store, partial(self._store.get, Profile, key), _reopen)
        self.erasure.accounts, self.erasure.apart = [], []
        self.erasure.done = self.erasure.done or now
        self.save()


def forbids(store: Store, profile: Profile, permission: Permission) -> bool:
    """Whether the permission item is still that of somebody who was erased. Not if a new person
    has come under the same key; read again, for they may be erased just now."""
    if not permission.erased:
        return False
    fresh = profile_of(store, profile.person)
    return fresh.is_gone or fresh.erasing or fresh.erased is None


def leave_out_erased(store: Store, report: Any, now: datetime) -> None:
    """Take out of a report's examples those who were erased while it was made. Whoever is erased
    between this and its writing is taken out by their erasure's second look."""
    erased = {key for one in _erased_since(store, now - LONGEST_COUNT) for key in one.keys}
    for one in _SAMPLES[type(report)](report):
        one[:] = [key for key in one if key not in erased]


def _erased_since(store: Store, since: datetime) -> Iterator[Erasure]:
    """Newest first: one small read where there are few."""
    after, is_first = "", True
    while after or is_first:
        found, after = store.listing(Erasure, after=after)
        recent = [one for one in found if one.asked >= since]
        yield from recent
        after, is_first = after if len(recent) == len(found) else "", False


def _is_erased(profile: Profile | None, asked: datetime) -> bool:
    """By this erasure, or a later one; also if somebody has come anew since."""
    return profile is not None and profile.erased is not None and profile.erased >= asked


def _growing(keys: list[str]) -> Iterator[str]:
    """Each once, also those that are added meanwhile."""
    number = 0
    while number < len(keys):
        yield keys[number]
        number += 1


def _take_in(known: list[str], found: Iterable[str]) -> bool:
    """Add what is not there yet; whether there was any."""
    new = [one for one in dict.fromkeys(found) if one not in known]
    known += new
    return bool(new)


def _reopen(profile: Profile | None) -> bool:
    if profile is None or not profile.erasing:
        return False
    profile.erasing = False
    return True


def _identifiers(page: Iterable[Any]) -> Iterator[Identifier]:
    for row in page:
        if isinstance(row, TimelineRow):
            yield from identifiers_in(row.event)
        elif isinstance(row, Before):
            yield from identifiers_of(row.target)


def _parted_from(store: Store, erasure: Erasure) -> Iterator[Merge | Before]:
    """Records of those whom an admin has parted from this person: they name both's identifiers."""
    for key in erasure.apart:
        for merge in list(store.query(Merge, key)):
            if merge.into in erasure.keys:
                before = store.get(Before, key, merge.merge_id)
                yield from (one for one in (before, merge) if one)


def _kept_for(store: Store, keys: list[str]) -> Iterator[Kept]:
    """Messages kept instead of sent (outside production)."""
    after = ""
    while True:
        page, after = store.listing(Kept, limit=500, after=after)
        yield from (kept for kept in page if kept.person in keys)
        if not after:
            return


_SAMPLES: dict[type[Any], Callable[[Any], list[list[str]]]] = {
    Figures: lambda report: [one.sample for one in report.segments],
    ClusterReport: lambda report: [one.sample for one in report.clusters],
    ReferralFigures: lambda report: [report.top],
}
