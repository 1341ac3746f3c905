"""All that is kept of a person, in words instead of positions (Articles 15 and 20 GDPR)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from functions.journeys.run import Waits
from functions.journeys.standing import Standing
from functions.storage.kinds import KINDS
from functions.storage.people import order_rows, permission_of
from functions.storage.retention import REGISTER
from functions.storage.store import Store
from functions.tracking.event import Event
from functions.tracking.merge_record import Before
from functions.tracking.orders import moved
from functions.tracking.permission import Permission
from functions.tracking.profile import OrderRow, Profile, TimelineRow

MOST_BYTES = 2 * 1024 * 1024  # of a page's events: a Lambda answers with 6 MB at most
MOST_EVENTS = 1_000
# Told in another way, or only how far the system is with what is told already.
_APART = (Profile, Permission, TimelineRow, OrderRow, Before, Waits, Standing)
_INNER = {
    *("version", "person", "moved_to", "recent", "let_go", "pending", "leaving", "orders"),
    *("tallies", "tallied", "ruled", "due", "cut", "outbox", "older_orders", "erasing", "live"),
}
_encode = msgspec.json.Encoder(decimal_format="number").encode


def about(store: Store, profile: Profile) -> dict[str, Any]:
    """Everything but the events: profile, permission, orders, and the records of every kind."""
    found: dict[str, Any] = {
        "id": profile.person,
        "profile": _without(profile),
        "permission": _without(permission_of(store, profile.person)),
        "orders": [in_words(order) for order in _orders(store, profile)],
    }
    for kind, where in KINDS.items():
        if where.is_of_person and kind not in _APART:
            rows = [row for key in profile.keys for row in store.query(kind, key)]
            found[f"{REGISTER[kind].title}s"] = [in_words(row) for row in rows]
    return found


def events(store: Store, profile: Profile, after: str) -> tuple[list[dict[str, Any]], str]:
    """A page of the person's events under one key, oldest first, and the cursor of the next page
    ("" at the end). Raises ValueError for a cursor that is none."""
    number, _, last = after.partition("/")
    page: list[dict[str, Any]] = []
    size, start = 0, int(number or 0)
    for index, key in enumerate(profile.keys[start:], start):
        for row in store.query(TimelineRow, key, after=last):
            page.append(_event(row.event))
            size += len(_encode(page[-1]))
            if size > MOST_BYTES or len(page) >= MOST_EVENTS:
                return page, f"{index}/{row.key}"
        last = ""
    return page, ""


def _event(event: Event) -> dict[str, Any]:
    return {"name": event.name, **in_words(event)}


def _orders(store: Store, profile: Profile) -> Iterator[Any]:
    """Those in the profile, and those that left it, each as it is now."""
    rows = order_rows(store, profile)
    yield from (moved(profile, rows) | profile.orders).values()


def _without(record: msgspec.Struct) -> dict[str, Any]:
    told: dict[str, Any] = in_words(record)
    return {name: value for name, value in told.items() if name not in _INNER}


def in_words(value: Any) -> Any:
    """Any of our values as JSON has them, every field by its name; empty ones left out."""
    if isinstance(value, msgspec.Struct):
        fields = ((name, getattr(value, name)) for name in value.__struct_fields__)
        return {name: in_words(one) for name, one in fields if one not in (None, "", [], {})}
    if isinstance(value, dict):
        return {name: in_words(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [in_words(one) for one in value]
    return value.isoformat() if isinstance(value, datetime) else value
