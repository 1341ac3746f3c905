"""Where evidence of consent is kept: appended, never changed."""

from functions.storage.store import TRIES, Conflict, Contended, Store
from functions.tracking.evidence import Evidence, link
from functions.tracking.profile import Profile


def chains(store: Store, profile: Profile) -> list[list[Evidence]]:
    """The person's chains, its own first: a merge leaves each where it was begun."""
    found = (list(store.query(Evidence, key)) for key in profile.keys)
    return [chain for chain in found if chain]


def append(store: Store, record: Evidence) -> None:
    """Put a record at the end of the chain of its person, once for each message that tells of it.

    Two that come at the same time stand one behind the other: the number is the key and is taken
    once. Raises Contended.
    """
    for _ in range(TRIES):
        chain = list(store.query(Evidence, record.person))
        if any(_is_same(one, record) for one in chain):
            return
        try:
            store.put(link(record, chain[-1] if chain else None))
        except Conflict:
            continue
        return
    raise Contended("others kept adding evidence of this person's consent")


def _is_same(one: Evidence, other: Evidence) -> bool:
    return (one.message_id, one.said) == (other.message_id, other.said)
