"""Remembering events: each changes its person's profile exactly once."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from functions.settings import RETENTION
from functions.storage.people import profile_of
from functions.storage.store import TRIES, Conflict, Contended, Store, change
from functions.tracking import orders
from functions.tracking.event import Event
from functions.tracking.fold import fold, known, settle, timeline_key
from functions.tracking.profile import OrderRow, Profile, TimelineRow


def remember(store: Store, person: str, events: Iterable[Event]) -> tuple[Profile, list[Event]]:
    """Fold events into the person's profile and write their rows.

    Returns the profile as written and those events whose consequences are still to be drawn:
    the new ones and, after a crash, those that were left pending. Raises Contended.
    """
    in_order = sorted(events, key=lambda event: (event.time, event.message_id))
    for _ in range(TRIES):
        profile = profile_of(store, person)
        fresh, left = _sort_out(store, profile, in_order)
        for event in fresh:
            _bring_back_order(store, profile, event)
            fold(profile, event)
        try:
            if fresh:
                store.put(profile)
        except Conflict:
            continue
        _write_rows(store, profile, fresh, left)
        return profile, sorted(fresh + left, key=lambda event: (event.time, event.message_id))
    raise Contended("the profile is busy")


def finish(store: Store, profile: Profile, events: Iterable[Event]) -> None:
    """All consequences of these events are drawn: clear them from the profile's outbox."""
    keys = {timeline_key(event) for event in events}
    written = list(profile.leaving_orders)

    def settled(found: Profile) -> bool:
        settle(found, keys, written)
        return True

    known = iter([profile])  # as it was just written: read again only if somebody was faster
    change(store, lambda: next(known, None) or profile_of(store, profile.person), settled)


def timeline(store: Store, profile: Profile, since: datetime | None = None) -> Iterator[Event]:
    """The person's events by their own time, oldest first, from every key they were known by."""
    rows = (row for key in profile.keys for row in store.query(TimelineRow, key))
    # A slow writer may have left an event under the key from before a merge as well.
    events = {row.event.message_id: row.event for row in rows}.values()
    found = [event for event in events if since is None or event.time >= since]
    yield from sorted(found, key=lambda event: (event.time, event.message_id))


def _sort_out(
    store: Store, profile: Profile, events: list[Event]
) -> tuple[list[Event], list[Event]]:
    """The new events, and those that are known but left pending."""
    fresh: list[Event] = []
    left: list[Event] = []
    met: set[str] = set()
    for event in events:
        if event.message_id in met:
            continue
        met.add(event.message_id)
        state = known(profile, event)
        if state and timeline_key(event) in profile.pending:
            left.append(event)
        elif state is False or (state is None and not _has_row(store, profile, event)):
            fresh.append(event)
    return fresh, left


def _has_row(store: Store, profile: Profile, event: Event) -> bool:
    key = timeline_key(event)
    return any(store.get(TimelineRow, person, key) for person in profile.keys)


def _write_rows(store: Store, profile: Profile, fresh: list[Event], left: list[Event]) -> None:
    # A pending event's row may stand under the key that the person had before a merge.
    missing = [event for event in left if not _has_row(store, profile, event)]
    store.write([_row(profile.person, event) for event in fresh + missing])
    for order in profile.leaving_orders:
        _write_order(store, OrderRow(profile.person, order, profile.version))


def _row(person: str, event: Event) -> TimelineRow:
    expires = event.received_at + max(RETENTION, timedelta(days=35))
    return TimelineRow(person, timeline_key(event), event, int(expires.timestamp()))


def _write_order(store: Store, row: OrderRow) -> None:
    """Write an order's row unless a later state of it is there: a slow writer must not undo."""

    def there() -> OrderRow:
        blank = OrderRow(row.person, row.order, left_at_version=-1)
        return store.get(OrderRow, row.person, row.order.order_id) or blank

    def replace(found: OrderRow) -> bool:
        is_newer = found.left_at_version < row.left_at_version
        found.order, found.left_at_version = row.order, row.left_at_version
        return is_newer

    change(store, there, replace)


def _bring_back_order(store: Store, profile: Profile, event: Event) -> None:
    """An event about an order that left the profile brings it back first."""
    if event.event not in orders.ORDER_EVENTS or not profile.older_orders.rows:
        return
    order_id = orders.order_id_of(event)
    if order_id in profile.orders:
        return
    leaving = next((o for o in profile.leaving_orders if o.order_id == order_id), None)
    rows = (store.get(OrderRow, person, order_id) for person in profile.keys)
    row = None if leaving else next((row for row in rows if row), None)
    if leaving or row:
        orders.take_back(profile, leaving or row.order)  # type: ignore[union-attr]
