"""Undoing a merge: both are as if they had never been one, whatever happened meanwhile."""

import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from functions.messages.address import addresses
from functions.storage import people
from functions.storage.people import People, permission_of, profile_of
from functions.storage.remember import remember, timeline
from functions.storage.store import Store, change
from functions.storage.unmerge import NotUndone, merges_of, undo_merge
from functions.tracking import orders
from functions.tracking.consent import hear
from functions.tracking.event import Event
from functions.tracking.identity import person_key
from functions.tracking.merge_record import Before, Merge
from functions.tracking.permission import Permission, refusal
from functions.tracking.profile import OrderRow, Profile, TimelineRow
from tests.support.stores import sqlite_store

NOON = datetime(2027, 3, 1, 9, tzinfo=UTC)
SECRET = b"secret"
EMAIL = "e@example.com"


def an_event(message_id: str, minute: float, name: str = "", **more: Any) -> Event:
    time = NOON + timedelta(minutes=minute)
    said = {"type": "track", "event": name, "client_time": time.isoformat(), "trusted": True}
    return Event(message_id=message_id, time=time, received_at=time, **{**said, **more})


def take(store: Store, *events: Event) -> None:
    """Each event in a batch of its own, as process_event does."""
    for event in events:
        finder = People(store, SECRET)
        profile, todo = remember(store, finder.person(event), [event], finder.leads_to)

        def permit(permission: Permission, todo: list[Event] = todo) -> bool:
            return any([hear(permission, event) for event in todo])

        change(store, lambda key=profile.person: permission_of(store, key), permit)


def key_of(kind: str, value: str) -> str:
    return person_key(SECRET, kind, value)


ADA, E = key_of("user_id", "ada"), key_of("email", EMAIL)


def by(store: Store, kind: str, value: str) -> Profile:
    found = People(store, SECRET).by(kind, value)
    assert found
    return found


def undo(store: Store, minute: float = 10_000, merge: Merge | None = None) -> None:
    merge = merge or merges_of(store, by(store, "user_id", "ada"))[0]
    undo_merge(store, SECRET, merge, addresses, NOON + timedelta(minutes=minute))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return sqlite_store(tmp_path)


# --- what may happen to the two

HER = {"user_id": "ada"}
WAYS: list[dict[str, Any]] = [
    {"name": "Visited", "anonymous_id": "tab"},
    {"name": "Visited", **HER},
    {"name": "Visited", "anonymous_id": "phone"},
    {"name": "Visited", "anonymous_id": "tab", **HER},
    {"type": "page", "anonymous_id": "tab", "properties": {"path": "/tab"}},
    {"type": "page", "anonymous_id": "phone", "context": {"locale": "de"}},
    {"type": "page", "properties": {"path": "/ada"}, **HER},
    {"type": "identify", "anonymous_id": "phone", **HER},
    {"type": "identify", "anonymous_id": "phone", "traits": {"email": EMAIL, "plan": "basic"}},
    {"type": "identify", "anonymous_id": "tab", "traits": {"email": EMAIL, "n": 1}},
    {"type": "identify", "traits": {"plan": "premium"}, **HER},
    {"type": "identify", "traits": {"phone": "0151 1234567"}, **HER},
    {"type": "identify", "traits": {"email": EMAIL, "phone": "0151 7654321"}},
    {"name": "Consent Given", "properties": {"purposes": ["tips"]}, **HER},
    {"name": "Consent Withdrawn", "properties": {"purposes": ["tips"]}, "anonymous_id": "tab"},
    {"name": "Consent Given", "properties": {"purposes": ["tips"]}, "anonymous_id": "tab"},
    *(
        {"name": name, "properties": {"order_id": f"o{n}", "revenue": 9, "currency": "EUR"}, **who}
        for who in (HER, {"anonymous_id": "tab"})
        for n in range(3)
        for name in ("Order Completed", "Order Refunded")
    ),
]
MANY = {"many": True}  # orders, so that older ones leave the profile
WAYS += [{**MANY, **HER}, {**MANY, "anonymous_id": "tab"}]
FIRST = an_event("first", 0, type="identify", anonymous_id="tab", traits={"email": EMAIL})
JOIN = an_event("join", 0.5, type="identify", traits={"email": EMAIL}, **HER)


def events_of(number: int, minute: int, way: dict[str, Any]) -> list[Event]:
    if "many" in way:
        who = {name: value for name, value in way.items() if name != "many"}
        bought = {"revenue": 1, "currency": "EUR"}
        return [
            an_event(
                f"m{number}-{n}",
                minute + n / 100,
                "Order Completed",
                properties={**bought, "order_id": f"{number}-{n}"},
                **who,
            )
            for n in range(15)
        ]
    return [an_event(f"m{number}", minute, **way)]


HOW = {"version", "recent", "let_go", "pending", "merged", "apart", "refused", "leaving"}
WHERE = {"orders", "older_orders"}  # which of the orders stand in the profile and which in rows


def told(store: Store, kind: str, value: str) -> dict[str, Any] | None:
    """All that we know of whoever is found by this, less how it came to be known."""
    profile = People(store, SECRET).by(kind, value)
    if profile is None:
        return None
    found = {k: v for k, v in msgspec.structs.asdict(profile).items() if k not in HOW | WHERE}
    found["anonymous_ids"] = sorted(profile.anonymous_ids)
    found["orders"] = orders.count(profile), orders.revenue(profile), profile.older_orders.moved
    found["orders"] = found["orders"][:2]
    found["timeline"] = [event.message_id for event in timeline(store, profile)]
    return found


NAMES = [
    ("user_id", "ada"),
    ("email", EMAIL),
    ("anonymous_id", "tab"),
    ("anonymous_id", "phone"),
    ("phone", "+491511234567"),
    ("phone", "+491517654321"),
]
_steps = st.lists(st.tuples(st.sampled_from(WAYS), st.integers(1, 60)), max_size=7)


def never_one(store: Store, events: list[Event]) -> None:
    """The same events, where the two may never become one."""
    before = people._are_apart

    def apart(one: Profile, other: Profile) -> bool:
        return {one.person, other.person} == {ADA, E} or before(one, other)

    with patch.object(people, "_are_apart", apart):
        take(store, *events)


def may(store: Store, kind: str, value: str) -> bool:
    permission = permission_of(store, by(store, kind, value).person)
    return not refusal(permission, "email", "tips", needs_consent=True)


def spread(parts: list[list[tuple[dict[str, Any], int]]]) -> list[list[Event]]:
    found, number = [], 0
    for steps in parts:
        events: list[Event] = []
        for way, minute in steps:
            events += events_of(number, minute, way)
            number += 1
        found.append(events)
    return found


HIS_ORDER = WAYS[22]


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(_steps, _steps, _steps)
@example([(WAYS[-2], 1), (WAYS[-1], 2)], [(WAYS[-1], 3), (WAYS[-2], 4), (WAYS[16], 5)], [])
def test_who_was_parted_is_as_if_they_had_never_been_one(
    before: list[tuple[dict[str, Any], int]],
    meanwhile: list[tuple[dict[str, Any], int]],
    after: list[tuple[dict[str, Any], int]],
) -> None:
    first, second, third = spread([before, meanwhile, after])
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        store, wanted = sqlite_store(Path(one)), sqlite_store(Path(other))
        take(store, FIRST, *first, JOIN, *second)
        merge = store.query(Merge, E)
        undo(store, merge=next(iter(merge)))
        take(store, *third)
        never_one(wanted, [FIRST, *first, JOIN, *second, *third])
        for name in NAMES:
            assert told(store, *name) == told(wanted, *name), name
        for name in NAMES[:2]:
            assert may(wanted, *name) or not may(store, *name)
        again = [
            msgspec.structs.replace(event, received_at=event.received_at + timedelta(hours=1))
            for event in [FIRST, *first, JOIN, *second, *third]
        ]
        take(store, *again)
        for name in NAMES:
            assert told(store, *name) == told(wanted, *name), f"{name} after a retry"
