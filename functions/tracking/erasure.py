"""Erasing a person: what is kept of it, which is keyed hashes, times and numbers alone.

The right to erasure is Art. 17 GDPR, telling recipients of it Art. 19, being able to prove what was
done Art. 5(2).
"""

import json
import re
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

import msgspec

from functions.tracking.event import Event
from functions.tracking.identity import KINDS, normal, person_key, phones
from functions.tracking.own_event import NO_SIGN_OF_LIFE
from functions.tracking.profile import Profile

KEPT_FOR = timedelta(days=3 * 365)  # as long as somebody may ask for proof (§ 195 BGB)
LOOK_AGAIN = 900  # seconds: by then whatever was at work on the person has ended
MOST_LETTERS = 500  # of an identifier


class Erasure(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The order to erase a person, and the proof of it.

    `person` is the key that they had when it was `asked` for. `keys` are all keys under which
    records of theirs stood, `links` those of identifiers that only led there: together the entry
    of the erasure list. `accounts` are companies that list them and `apart` the keys of people who
    were parted from them, until it is done. `found` counts
    what was deleted, by what it was; `found_again` what the second look found, which came while the
    first went on. `cleared` is when the first was through, `done` when the second was. `replayed`
    is when a restored table was last cleared of them.
    """

    person: str
    asked: datetime
    version: int = 0
    why: str = ""
    keys: list[str] = []
    links: list[str] = []
    accounts: list[str] = []
    apart: list[str] = []
    found: dict[str, int] = {}
    found_again: dict[str, int] = {}
    cleared: datetime | None = None
    done: datetime | None = None
    replayed: datetime | None = None

    @property
    def key(self) -> str:
        """Which of the person's erasures it is: somebody may come back and be erased again."""
        return self.asked.isoformat(timespec="microseconds")

    @property
    def expires(self) -> int:
        """Epoch seconds."""
        return int((self.asked + KEPT_FOR).timestamp())

    def count(self, what: str, number: int = 1) -> None:
        """Note that something was deleted."""
        found = self.found_again if self.cleared else self.found
        if number:
            found[what] = found.get(what, 0) + number


def erasure_key(person: str) -> str:
    """The partition of a person's erasures; no person's key has a space."""
    return f"erasure {person}"


def predates(event: Event, erased: datetime | None) -> bool:
    """Whether an event tells of a life that was erased: it happened or was received before."""
    return erased is not None and min(event.time, event.received_at) <= erased


def unheard(profile: Profile, since: datetime) -> bool:
    """Whether nothing that the person or a colleague did was heard of since then."""
    names = profile.events.keys() - NO_SIGN_OF_LIFE
    last = max((profile.events[name].last for name in names), default=profile.created)
    return last is not None and last < since


def tombstone(profile: Profile, asked: datetime) -> Profile:
    """What stays at the key of a person while they are erased: no word about them."""
    return Profile(person=profile.person, version=profile.version, erased=asked, erasing=True)


def identifiers_of(profile: Profile) -> Iterator[tuple[str, str]]:
    """Every identifier that a profile knows, as (kind, value)."""
    traits = {name: trait.value for name, trait in profile.traits.items()}
    yield from _normal([("user_id", profile.user_id), *_of_traits(traits)])
    yield from _normal([("anonymous_id", one) for one in profile.anonymous_ids])


def identifiers_in(event: Event) -> Iterator[tuple[str, str]]:
    """Every identifier that an event names of its person, as (kind, value)."""
    own = [("user_id", event.user_id), ("anonymous_id", event.anonymous_id)]
    alias = [("anonymous_id", event.previous_id), ("user_id", event.previous_id)]
    traits = event.traits if event.type == "identify" else {}
    yield from _normal([*own, *(alias if event.type == "alias" else ()), *_of_traits(traits)])


def _of_traits(traits: dict[str, object]) -> Iterator[tuple[str, str]]:
    yield "email", str(traits.get("email") or "")
    yield from (("phone", number) for number in phones(traits))


def _normal(found: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for kind, value in found:
        if value and (fine := normal(kind, value)):
            yield kind, fine


_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"')


def mentions(secret: bytes, keys: Collection[str], text: bytes) -> bool:
    """Whether a text in JSON, however broken, names a person by a key or any identifier."""
    for found in {match[0] for match in _TEXT.finditer(text)}:
        try:
            value = str(json.loads(found))
        except ValueError:
            value = found[1:-1].decode(errors="replace")
        if value in keys or _leads_to(secret, keys, value):
            return True
    return False


def _leads_to(secret: bytes, keys: Collection[str], value: str) -> bool:
    if not 0 < len(value) <= MOST_LETTERS:
        return False
    found = ((kind, normal(kind, value)) for kind in KINDS)
    return any(one and person_key(secret, kind, one) in keys for kind, one in found)
