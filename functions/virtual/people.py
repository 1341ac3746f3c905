"""The people of a store as a forecast takes them: as they are today, or with all they ever did."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from functions.journeys.journey import Journey
from functions.journeys.run import Decision, Run, Waits
from functions.journeys.standing import Standing
from functions.journeys.steps.start_journey import StartJourney
from functions.storage.kinds import KINDS
from functions.storage.people import find_profile, order_rows, permission_of
from functions.storage.remember import timeline
from functions.storage.store import Store
from functions.tracking import fold
from functions.tracking.event import JOURNEYS, Event
from functions.tracking.evidence import Evidence
from functions.tracking.history import SALES
from functions.tracking.identity import short_hash
from functions.tracking.merge_record import Before, Merge
from functions.tracking.message import RECEIPTS
from functions.tracking.orders import moved
from functions.tracking.own_event import (
    CODES,
    LIFECYCLE,
    MESSAGE_SENT,
    OURS,
    SCORE_FELL,
    SCORE_REACHED,
    SEGMENTS,
)
from functions.tracking.permission import Permission
from functions.tracking.profile import Profile
from functions.tracking.short_link import ShortLink
from functions.tracking.suppressed import Suppressed, partition_of, suppressed_key
from functions.virtual.plan import SHARDS, Someone, shard_of

# What the rules tell is found anew, by the rules as they are now.
_BY_RULES = frozenset({SEGMENTS, LIFECYCLE})
_OF_RULES = frozenset({SCORE_REACHED, SCORE_FELL})
# What steps tell is told anew by the steps of the forecast, and so is what became of a message;
# but an address that takes none would take none of another journey's either.
_BY_STEPS = frozenset({JOURNEYS, CODES})
_OF_STEPS = frozenset({MESSAGE_SENT, "Task Created", "Lead Handed Over"})
_OF_ADDRESSES = frozenset({"Email Bounced", "SMS Bounced", "Email Marked as Spam"})
# No journey and no condition reads these.
_NOT_TAKEN = (Decision, Evidence, Before, Merge, ShortLink, Waits)
UNDER_WAY = "under way before"  # the outcome of runs that a forecast does not go on with


def everybody(store: Store) -> Iterator[tuple[str, datetime]]:
    """The key of each person and when they came; merged and erased ones are left out."""
    after, is_first = "", True
    while after or is_first:
        page, after = store.listing(Profile, limit=500, after=after)
        yield from ((one.person, one.created) for one in page if one.created)
        is_first = False


def chosen(keys: Iterable[str], sample: int | None, seed: str) -> list[str]:
    """So many of these people (None: all) by seed, sorted."""
    there = sorted(keys)
    if sample is None or sample >= len(there):
        return there
    return sorted(sorted(there, key=lambda key: short_hash(key, "sample", seed))[:sample])


def by_shard(keys: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """The keys of each virtual shard."""
    shards: list[list[str]] = [[] for _ in range(SHARDS)]
    for key in keys:
        shards[shard_of(key)].append(key)
    return tuple(map(tuple, shards))


def opened_by(journey: Journey, others: Collection[Journey]) -> tuple[str, ...]:
    """The events of which a person must have one to enter the journey; () where other things may
    let them in: a condition, a date, another journey, or an event that Tante itself tells."""
    starts = (
        step.start_journey
        for other in others
        for step in other.every_step()
        if isinstance(step, StartJourney)
    )
    names = journey.enter_when.names if journey.enter_when else ()
    return () if journey.name in starts or not OURS.isdisjoint(names) else names


@dataclass(frozen=True)
class Window:
    """What a replay is about: a stretch of the past, and who may enter at all (`opened_by`).

    `looked` are the other journeys that people enter by a condition: whoever meets it when the
    replay begins is taken to have done so before.
    """

    since: datetime
    until: datetime
    opened_by: tuple[str, ...] = ()
    looked: tuple[str, ...] = ()
    identity_key: bytes = b"forecast"


def replayed(store: Store, person: str, window: Window) -> Someone | None:
    """The person with everything they did until the window's end, from its own beginning; None
    for whoever cannot enter in the window, was merged, or is erased.

    What Tante itself told in the window is left out where the forecast tells it anew. What the
    timeline has forgotten by its age is taken from the profile as it is today.
    """
    profile = find_profile(store, person)
    if profile is None or profile.person != person or not _may_enter(profile, window):
        return None
    own = [event for event in timeline(store, profile) if event.time < window.until]
    events = [_about(person, event) for event in own if not _is_made_anew(event, window.since)]
    if not any(_lets_in(event, window) for event in events):
        return None
    first = min((event.time for event in events), default=window.until)
    records = [
        *_rest(store, profile, first),
        *_words(store, profile, window),
        *([_stands(person, window.looked)] if window.looked else []),
    ]
    return Someone(person, records, events)


def _may_enter(profile: Profile, window: Window) -> bool:
    """Whether the profile's counters do not rule it out: they cost no read of the timeline."""
    if not window.opened_by or len(profile.events) >= fold.MOST_NAMES:
        return True
    seen = (profile.events.get(name) for name in window.opened_by)
    return any(one and one.last >= window.since and one.first < window.until for one in seen)


def _lets_in(event: Event, window: Window) -> bool:
    return not window.opened_by or (
        event.name in window.opened_by and window.since <= event.time < window.until
    )


def _is_made_anew(event: Event, since: datetime) -> bool:
    if event.source in _BY_RULES or event.name in _OF_RULES:
        return True
    if event.time < since:
        return False
    if event.source == RECEIPTS:
        return event.name not in _OF_ADDRESSES
    return event.source in _BY_STEPS or (event.source == SALES and event.name in _OF_STEPS)


def _about(person: str, event: Event) -> Event:
    """The event under the key that its person has now."""
    return msgspec.structs.replace(event, person=person) if event.person else event


def _rest(store: Store, profile: Profile, first: datetime) -> Iterator[Profile]:
    """What the profile still has from before the oldest event that is left."""
    if profile.created is None or profile.created >= first:
        return
    orders = moved(profile, order_rows(store, profile)) | profile.orders
    yield Profile(
        person=profile.person,
        version=1,
        user_id=profile.user_id,
        anonymous_ids=profile.anonymous_ids,
        created=profile.created,
        traits={name: one for name, one in profile.traits.items() if one.time < first},
        habits={name: one for name, one in profile.habits.items() if one.time < first},
        orders={name: one for name, one in orders.items() if one.placed and one.placed < first},
        first_touch=profile.first_touch,
        referral=profile.referral,
    )


def _words(store: Store, profile: Profile, window: Window) -> Iterator[Any]:
    """What the person had said about messages before the window, also where it was no event, and
    which of their addresses took none then."""
    now = permission_of(store, profile.person)
    before = {key: word for key, word in now.consents.items() if word.time < window.since}
    wishes = now.wishes if now.wishes and now.wishes.time < window.since else None
    if before or wishes:
        yield Permission(person=profile.person, version=1, consents=before, wishes=wishes)
    for address in now.addresses.values():
        key = suppressed_key(window.identity_key, address)
        found = store.get(Suppressed, partition_of(key))
        if found and found.since < window.since:
            yield found


def _stands(person: str, looked: Collection[str]) -> Standing:
    return Standing(person=person, version=1, holds=dict.fromkeys(looked, True))


def as_they_are(store: Store, person: str) -> Someone | None:
    """The person with all that the store has of them; None for whoever was merged or erased.

    Runs that are under way are ended: a forecast begins with nobody inside.
    """
    profile = find_profile(store, person)
    if profile is None or profile.person != person or profile.erasing:
        return None
    records: list[Any] = []
    for kind, where in KINDS.items():
        if where.is_of_person and kind not in _NOT_TAKEN:
            for key in profile.keys:
                records += store.query(kind, key) if where.sort else _one(store, kind, key)
    return Someone(person, [_at_rest(record) for record in records])


def _one(store: Store, kind: type[Any], person: str) -> list[Any]:
    found = store.get(kind, person)
    return [found] if found else []


def _at_rest(record: Any) -> Any:
    if isinstance(record, Run) and record.status == "open":
        record.status, record.outcome = "ended", UNDER_WAY
    if isinstance(record, Permission):
        record.live, record.waiting = {}, {}
    return record
