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

MOST_BYTES = 2 * 1024 * 1024  # of a page: a Lambda answers with 6 MB at most, one thing has 400 KB
MOST_TOLD = 1_000  # records and events of a page
ORDERS, EVENTS = "orders", "events"
# Told in another way, or only how far the system is with what is told already.
_APART = (Profile, Permission, TimelineRow, OrderRow, Before, Waits, Standing)
_RECORDS = [kind for kind, where in KINDS.items() if where.is_of_person and kind not in _APART]
_INNER = {
    *("version", "person", "moved_to", "recent", "let_go", "pending", "leaving", "orders"),
    *("tallies", "tallied", "ruled", "due", "cut", "outbox", "older_orders", "erasing", "live"),
}
_encode = msgspec.json.Encoder(decimal_format="number").encode


def about(store: Store, profile: Profile) -> dict[str, Any]:
    """Who it is: profile and permission."""
    return {
        "id": profile.person,
        "profile": _without(profile),
        "permission": _without(permission_of(store, profile.person)),
    }


def names() -> list[str]:
    """What there is beside, in the order in which it is told."""
    return [ORDERS, *(_name(kind) for kind in _RECORDS)]


def page(
    store: Store, profile: Profile, after: str
) -> tuple[dict[str, list[dict[str, Any]]], list[dict[str, Any]], str]:
    """A page of the person's records by name, of their events, oldest first under each key that
    they were known by, and the cursor of the next page ("" at the end): `<name>/<number of the
    key>/<sort text of the last>`. Raises ValueError for a cursor that is none."""
    records: dict[str, list[dict[str, Any]]] = {}
    events: list[dict[str, Any]] = []
    size = 0
    for number, (name, told, cursor) in enumerate(_told(store, profile, after), 1):
        (events if name == EVENTS else records.setdefault(name, [])).append(told)
        size += len(_encode(told))
        if size > MOST_BYTES or number >= MOST_TOLD:
            return records, events, cursor
    return records, events, ""


def _told(store: Store, profile: Profile, after: str) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Each thing that is behind a cursor: its name, in words, and the cursor behind it."""
    every = [*names(), EVENTS]
    begun, number, last = (after or f"{ORDERS}/0/").split("/", 2)
    start, key = every.index(begun), int(number)
    if begun == ORDERS:
        orders = sorted(_orders(store, profile), key=lambda order: order.order_id)
        for order in orders:
            if order.order_id > last:
                yield ORDERS, in_words(order), f"{ORDERS}/0/{order.order_id}"
        start, key, last = 1, 0, ""
    kinds: list[type[Any]] = [*_RECORDS, TimelineRow]
    for name, kind in zip(every[start:], kinds[start - 1 :], strict=True):
        sort = KINDS[kind].sort
        for index, one in enumerate(profile.keys[key:], key):
            for row in store.query(kind, one, after=last):
                told = _event(row.event) if isinstance(row, TimelineRow) else in_words(row)
                behind = f"{index}/{sort(row)}" if sort else f"{index + 1}/"
                yield name, told, f"{name}/{behind}"
            last = ""
        key = 0


def _name(kind: type) -> str:
    return f"{REGISTER[kind].title}s"


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
