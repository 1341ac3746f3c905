"""Finding a person: redirects followed, identifiers linked, the anonymous merged into the known."""

from collections.abc import Iterator

from functions.storage.store import TRIES, Conflict, Contended, Store, change
from functions.storage.twins import end_twins
from functions.tracking.event import Event
from functions.tracking.identity import identifiers, normal_email, person_key
from functions.tracking.merge import merge_permissions, merge_profiles
from functions.tracking.permission import Permission, end_pause
from functions.tracking.profile import OrderRow, Profile

MOST_REDIRECTS = 10


def find_profile(store: Store, person: str) -> Profile | None:
    """The profile at a key, redirects followed."""
    profile = profile_of(store, person)
    return profile if profile.version else None


def profile_of(store: Store, person: str) -> Profile:
    """The profile at a key, redirects followed, or a new empty one where they end.

    A device is linked before its person is written, so a redirect may lead to nobody yet.
    """
    for _ in range(MOST_REDIRECTS):
        profile = store.get(Profile, person) or Profile(person=person)
        if not profile.moved_to:
            return profile
        person = profile.moved_to
    raise Contended(f"more than {MOST_REDIRECTS} redirects from one person")


def order_rows(store: Store, profile: Profile) -> list[OrderRow]:
    """The rows of orders that left the profile, its own first, the newest first; none are read of
    a person of whom no order has left."""
    keys = profile.keys if profile.older_orders.moved else ()
    return [row for key in keys for row in store.query(OrderRow, key, newest_first=True)]


def permission_of(store: Store, person: str) -> Permission:
    """The permission item, redirects followed, or a new empty one."""
    for _ in range(MOST_REDIRECTS):
        permission = store.get(Permission, person) or Permission(person=person)
        if not permission.moved_to:
            return permission
        person = permission.moved_to
    raise Contended(f"more than {MOST_REDIRECTS} redirects from one person")


def end_pause_of(store: Store, person: str, task_id: str) -> None:
    """The person's task is done: it keeps no messages back any more. Safe to repeat. Raises
    Contended."""
    change(
        store,
        lambda: permission_of(store, person),
        lambda permission: end_pause(permission, task_id),
    )


class People:
    """Says whom events are about; remembers what it found for the length of one batch."""

    def __init__(self, store: Store, secret: bytes) -> None:
        self._store, self._secret = store, secret
        self._found: dict[tuple[tuple[str, str], ...], str] = {}

    def person(self, event: Event) -> str:
        """The key of the person. Links new identifiers to them and merges whom they were
        known as anonymously. Raises Contended."""
        if event.person:
            return event.person
        known_as = tuple(_with_alias(event))
        if known_as not in self._found:
            self._found[known_as] = self._resolve(known_as)
        return self._found[known_as]

    def by(self, kind: str, value: str) -> Profile | None:
        """The person with this user_id, email, phone or anonymous_id."""
        value = normal_email(value) if kind == "email" else value
        return find_profile(self._store, person_key(self._secret, kind, value)) if value else None

    def _resolve(self, known_as: tuple[tuple[str, str], ...]) -> str:
        strongest, *weaker = known_as
        profile = profile_of(self._store, person_key(self._secret, *strongest))
        for kind, value in weaker:
            if not _is_linked(profile, kind, value):
                self._link(profile.person, person_key(self._secret, kind, value))
        return profile.person

    def _link(self, person: str, key: str) -> None:
        """Make a weaker identifier lead to the person; a real profile there is merged."""
        for _ in range(TRIES):
            other = self._store.get(Profile, key)
            # A redirect to somebody else stays: a shared device never merges two known people.
            if other and (other.moved_to or other.user_id or other.person == person):
                return
            try:
                if other is None:
                    return self._store.put(Profile(person=key, moved_to=person))
                return self._merge(other, person)
            except Conflict:
                continue
        raise Contended("somebody else is linking this identifier")

    def _merge(self, source: Profile, person: str) -> None:
        """One transaction over both people's profiles and permissions. Raises Conflict."""
        target = profile_of(self._store, person)
        if target.person == source.person:
            return
        source_permission = self._store.get(Permission, source.person) or Permission(
            person=source.person
        )
        target_permission = permission_of(self._store, target.person)
        rows = [order_rows(self._store, profile) for profile in (source, target)]
        merge_profiles(source, target, *rows)
        merge_permissions(source_permission, target_permission)
        end_twins(self._store, target_permission, target.keys)
        self._store.put_together([source, target, source_permission, target_permission])


def _with_alias(event: Event) -> Iterator[tuple[str, str]]:
    yield from identifiers(event)
    if event.type == "alias" and event.previous_id:
        yield "anonymous_id", event.previous_id


def _is_linked(profile: Profile, kind: str, value: str) -> bool:
    """Whether the profile was met under this identifier before, so that nothing is to be done."""
    if kind == "anonymous_id":
        return value in profile.anonymous_ids
    return kind == "email" and normal_email(profile.trait("email")) == value
