"""Finding a person: redirects followed, identifiers linked, the anonymous merged into the known."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple, TypeVar

import msgspec

from functions.settings import ROWS_LIVE
from functions.storage.store import TRIES, Conflict, Contended, Store, change
from functions.storage.twins import end_twins
from functions.tracking.erasure import predates
from functions.tracking.event import Event
from functions.tracking.fold import note
from functions.tracking.identity import (
    identifiers,
    key_of,
    normal,
    normal_email,
    person_key,
    phones,
    short_hash,
)
from functions.tracking.merge import merge_permissions, merge_profiles
from functions.tracking.merge_record import Before, Merge
from functions.tracking.permission import Permission, end_pause
from functions.tracking.profile import OrderRow, Profile

MOST_REDIRECTS = 10
Moving = TypeVar("Moving", Profile, Permission)  # a merge moves it to another key


class BeingErased(Contended):
    """The person is being erased, which takes a quarter of an hour at least."""

    def __init__(self) -> None:
        super().__init__("the person is being erased")


def find_profile(store: Store, person: str) -> Profile | None:
    """The profile at a key, redirects followed."""
    profile = profile_of(store, person)
    return profile if profile.version and not profile.is_gone else None


def profile_of(store: Store, person: str) -> Profile:
    """The profile at a key, redirects followed, or a new empty one where they end.

    A device is linked before its person is written, so a redirect may lead to nobody yet.
    """
    return _where_it_is(store, Profile, person)


def _where_it_is(store: Store, kind: type[Moving], person: str) -> Moving:
    for _ in range(MOST_REDIRECTS):
        found = store.get(kind, person) or kind(person=person)
        if not found.moved_to:
            return found
        person = found.moved_to
    raise Contended(f"more than {MOST_REDIRECTS} redirects from one person")


def _follow(store: Store, person: str) -> tuple[Profile, datetime | None]:
    """`profile_of`, and up to when whatever is on the way there was erased."""
    erased: list[datetime] = []
    for _ in range(MOST_REDIRECTS):
        profile = store.get(Profile, person) or Profile(person=person)
        erased += [profile.erased] if profile.erased else []
        if not profile.moved_to:
            return profile, max(erased, default=None)
        person = profile.moved_to
    raise Contended(f"more than {MOST_REDIRECTS} redirects from one person")


def order_rows(store: Store, profile: Profile) -> list[OrderRow]:
    """The rows of orders that left the profile, its own first, the newest first; none are read of
    a person of whom no order has left."""
    keys = profile.keys if profile.older_orders.moved else ()
    return [row for key in keys for row in store.query(OrderRow, key, newest_first=True)]


def permission_of(store: Store, person: str) -> Permission:
    """The permission item, redirects followed, or a new empty one."""
    return _where_it_is(store, Permission, person)


def say(store: Store, person: str, word: str) -> bool:
    """Say a word to a person's permission item (see `Store.say`), redirects followed. False:
    there is none. The light door does the same by `storage.say`."""
    for _ in range(MOST_REDIRECTS):
        moved = store.say(Permission, person, word)
        if not moved:
            return moved is not None
        person = moved
    raise Contended(f"more than {MOST_REDIRECTS} redirects from one person")


def end_pause_of(store: Store, person: str, task_id: str) -> None:
    """The person's task is done: it keeps no messages back any more. Safe to repeat. Raises
    Contended."""
    change(
        store,
        lambda: permission_of(store, person),
        lambda permission: end_pause(permission, task_id),
    )


class _Met(NamedTuple):
    """An identifier that an event names beside its strongest one, `by`, whose key is `via`.

    `asked`: a source that may do so asks for two people to become one, also if both are known.
    """

    kind: str
    value: str
    key: str
    by: tuple[str, str]
    via: str
    event: Event
    asked: bool


class People:
    """Says whom events are about; remembers what it found for the length of one batch."""

    def __init__(self, store: Store, secret: bytes) -> None:
        self._store, self._secret = store, secret
        self._found: dict[tuple[bool, tuple[tuple[str, str], ...]], str] = {}
        self._erased: dict[str, datetime | None] = {}

    def person(self, event: Event) -> str:
        """The key of the person; "" when the event tells of a life that was erased since. Links
        new identifiers to them and merges whom they were known as anonymously, or whom a trusted
        source's alias names. Raises Contended."""
        if event.person:
            return event.person
        asked = event.type == "alias" and event.trusted
        known_as = tuple(_with_alias(event))
        via = person_key(self._secret, *known_as[0])
        if (asked, known_as) in self._found:
            return "" if predates(event, self._erased[via]) else self._found[asked, known_as]
        profile, self._erased[via] = _follow(self._store, via)
        if predates(event, self._erased[via]):
            return ""
        found = self._resolve(profile, known_as, via, event, asked)
        self._found[asked, known_as] = found
        return found

    def leads_to(self, event: Event) -> str:
        """The key of the person now, however it was found before; nothing is linked."""
        return profile_of(self._store, key_of(self._secret, event)).person

    def by(self, kind: str, value: str) -> Profile | None:
        """The person with this user_id, email, phone or anonymous_id."""
        value = normal(kind, value)
        return find_profile(self._store, person_key(self._secret, kind, value)) if value else None

    def _resolve(
        self,
        profile: Profile,
        known_as: tuple[tuple[str, str], ...],
        via: str,
        event: Event,
        asked: bool,
    ) -> str:
        if profile.erasing:
            raise BeingErased
        strongest, *weaker = known_as
        for kind, value in weaker:
            key = person_key(self._secret, kind, value)
            if key != via and not _is_linked(profile, kind, value):
                self._link(profile, _Met(kind, value, key, strongest, via, event, asked))
        return profile.person

    def _link(self, profile: Profile, met: _Met) -> None:
        """Make a weaker identifier lead to the person; a real profile there is merged."""
        for _ in range(TRIES):
            other = self._store.get(Profile, met.key)
            try:
                if other is None or other.is_gone:
                    if other and other.erasing:
                        raise BeingErased
                    if met.kind != "user_id" or met.asked:
                        # By way of the identifier that it came with, so that it stays with that
                        # one if an admin parts the person.
                        link = other or Profile(person=met.key)
                        link.moved_to = met.via
                        self._store.put(link)
                    return
                return self._join(profile, other, met)
            except Conflict:
                continue
        raise Contended("somebody else is linking this identifier")

    def _join(self, profile: Profile, other: Profile, met: _Met) -> None:
        """Merge whom the identifier led to until now, unless they are known to be somebody else:
        a shared device or address never merges two known people. Raises Conflict."""
        is_known = bool(other.moved_to or other.user_id)
        if is_known and met.kind == "anonymous_id":
            return
        if other.moved_to:
            other = profile_of(self._store, other.moved_to)
        if other.person == profile.person or not other.version or other.is_gone:
            return
        if is_known and not (met.asked and met.kind == "user_id"):
            self._note_other(other, met)
        elif not _are_apart(profile, other):
            self._merge(other, profile.person, met)

    def _note_other(self, other: Profile, met: _Met) -> None:
        """Tell whoever looks at a person that somebody else uses what leads to them."""
        words = _NOTES[met.kind].format(value=met.value, source=met.event.source)
        change(
            self._store,
            lambda: profile_of(self._store, other.person),
            lambda profile: note(profile, words),
        )

    def _merge(self, source: Profile, person: str, met: _Met) -> None:
        """One transaction over both people's profiles and permissions, with the record of the
        merge and of what the target was. Raises Conflict."""
        target = profile_of(self._store, person)
        if target.erasing or source.erasing:
            raise BeingErased
        if target.person == source.person:
            return
        source_permission = self._store.get(Permission, source.person) or Permission(
            person=source.person
        )
        target_permission = permission_of(self._store, target.person)
        rows = [order_rows(self._store, profile) for profile in (source, target)]
        merge, before = _records(source, target, target_permission, met)
        merge_profiles(source, target, *rows)
        merge_permissions(source_permission, target_permission)
        end_twins(self._store, target_permission, target)
        people = [source, target, source_permission, target_permission]
        self._store.put_together([*people, merge, *before])


def _records(
    source: Profile, target: Profile, permission: Permission, met: _Met
) -> tuple[Merge, list[Before]]:
    """What is kept of a merge that is about to be made (nothing of a target that is new)."""
    event = met.event
    merge = Merge(
        person=source.person,
        merge_id=short_hash(source.person, str(source.version)),
        into=target.person,
        via=met.via,
        kind=met.kind,
        value=met.value,
        by_kind=met.by[0],
        by_value=met.by[1],
        at=event.received_at,
        event=event.name,
        time=event.time,
        message_id=event.message_id,
        source=event.source,
        target_version=target.version,
    )
    if not target.version:
        return merge, []
    before = Before(
        person=source.person,
        merge_id=merge.merge_id,
        # Frozen as it is now: what follows changes the target in place.
        target=msgspec.msgpack.decode(msgspec.msgpack.encode(target), type=Profile),
        consents=dict(permission.consents),
        expires=int((event.received_at + ROWS_LIVE).timestamp()),
    )
    return merge, [before]


_SHARED = "another known person has the same: whoever is looked up by it is this one"
_NOTES = {
    "email": 'email: "{value}": ' + _SHARED,
    "phone": 'phone: "{value}": ' + _SHARED,
    "user_id": 'alias: the source "{source}" asked to make this person ("{value}") one with '
    "another known one; only a trusted source may",
}


def _are_apart(one: Profile, other: Profile) -> bool:
    """Whether an admin has parted these two."""
    return not {*one.keys}.isdisjoint(other.apart) or not {*other.keys}.isdisjoint(one.apart)


def _with_alias(event: Event) -> Iterator[tuple[str, str]]:
    yield from identifiers(event)
    if event.type == "alias" and event.previous_id:
        yield "anonymous_id", event.previous_id
        if event.previous_id != event.anonymous_id:
            yield "user_id", event.previous_id


def _is_linked(profile: Profile, kind: str, value: str) -> bool:
    """Whether the profile was met under this identifier before, so that nothing is to be done."""
    if kind == "anonymous_id":
        return value in profile.anonymous_ids
    if kind == "phone":
        return value in phones({name: profile.trait(name) for name in ("phone", "mobile")})
    return kind == "email" and normal_email(profile.trait("email")) == value
