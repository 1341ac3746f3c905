"""Remembering events: each changes its person's profile exactly once."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import groupby, islice, takewhile
from operator import attrgetter

from functions.settings import ROWS_LIVE
from functions.storage.people import BeingErased, order_rows, profile_of
from functions.storage.store import Conflict, Contended, Store
from functions.tracking import orders
from functions.tracking.erasure import predates
from functions.tracking.event import Event
from functions.tracking.fold import fold, forget_ids, known, pending_keys, timeline_key
from functions.tracking.message import Message, ledger_key
from functions.tracking.own_event import told
from functions.tracking.profile import Fact, OrderRow, Profile, TimelineRow

MOST_READS = 3  # where many write about one person, it is cheaper to come again later
FEW = 8  # rows that are read one by one
APART = 4  # rows that may be read for each that is wanted
_in_order = attrgetter("time", "message_id")
Take = Callable[[Profile, list[Event]], None]  # what else the one write of new events is to bring


def remember(
    store: Store,
    person: str,
    events: Iterable[Event],
    take: Take = lambda profile, fresh: None,
    leads_to: Callable[[Event], str] | None = None,
) -> tuple[Profile, list[Event]]:
    """Fold events into the person's profile and write their rows. `take` may change the profile,
    which has folded the new events, before it is written; it is asked again when that fails.

    Returns the profile as written and those events whose consequences are to be drawn: the new
    ones, and known ones that come again by our own queues, for nobody knows how far we came with
    them. (Those that a client sends again have done all they can do.) `leads_to` gives the person
    of an event as of now: it is asked where somebody was parted, perhaps just now. Raises
    Contended.
    """
    in_order = sorted(events, key=_in_order)
    rows: dict[str, TimelineRow] = {}
    for _ in range(MOST_READS):
        profile = profile_of(store, person)
        if profile.apart and leads_to and {*map(leads_to, in_order)} != {profile.person}:
            raise Contended("the person was parted from another just now")
        if profile.erased:
            in_order = _of_this_life(store, profile, in_order)
        fresh, again, rowless = _sort_out(store, profile, in_order, rows)
        try:
            if fresh:
                _take_in(store, profile, fresh, take)
        except Conflict:
            continue
        new = [_row(profile, event) for event in fresh + rowless]
        store.write([*new, *profile.leaving])
        return profile, sorted(fresh + again, key=_in_order)
    raise Contended("the profile is busy")


def _of_this_life(store: Store, profile: Profile, events: list[Event]) -> list[Event]:
    """The events that are about somebody who came after an erasure. Raises Contended."""
    own = [event for event in events if not predates(event, profile.erased)]
    if profile.is_gone:  # what we tell or hear of a person never begins anew
        own = [event for event in own if not event.person]
    if own and profile.erasing:
        raise BeingErased
    return [event for event in own if not _is_of_old_message(store, profile, event)]


def _is_of_old_message(store: Store, profile: Profile, event: Event) -> bool:
    """Whether it tells of a message that was sent before: there is none in the ledger."""
    said = event.properties
    send_id = said.get("email_id") or said.get("sms_id")
    if not (event.person and send_id):
        return False
    key = ledger_key(str(said.get("run_id")), str(send_id))
    return all(store.get(Message, person, key) is None for person in profile.keys)


def timeline(store: Store, profile: Profile, since: datetime | None = None) -> Iterator[Event]:
    """The person's events by their own time, oldest first, from every key they were known by."""
    rows = (row for key in profile.keys for row in store.query(TimelineRow, key))
    # A slow writer may have left an event under the key from before a merge as well.
    events = {row.event.message_id: row.event for row in rows}.values()
    found = [event for event in events if since is None or event.time >= since]
    yield from sorted(found, key=_in_order)


def _take_in(store: Store, profile: Profile, fresh: list[Event], take: Take) -> None:
    """Fold new events and write the profile, once for all of them. Raises Conflict."""
    if profile.pending or profile.leaving:
        _settle(store, profile, int(fresh[0].received_at.timestamp()))
    for event in fresh:
        bring_back_order(store, profile, event)
        fold(profile, event)
    if profile.outbox:
        profile.outbox = list(_on_their_way(store, profile))
    take(profile, fresh)
    forget_ids(profile)
    store.put(profile)


def _on_their_way(store: Store, profile: Profile) -> Iterator[Fact]:
    """The changes whose events are neither in the profile nor in the timeline yet."""
    facts = {timeline_key(told(fact)): fact for fact in profile.outbox}
    away = {key for key in facts if key.rpartition("#")[2] not in profile.recent}
    there = {row.key for row in rows_of(store, profile, away)}
    yield from (fact for key, fact in facts.items() if key in away - there)


def lacks_rows(store: Store, profile: Profile) -> bool:
    """Whether events that the profile knows are not in the timeline yet."""
    keys = set(pending_keys(profile).values())
    return bool(keys - {row.key for row in rows_of(store, profile, keys)})


def _settle(store: Store, profile: Profile, now: int) -> None:
    """Let go of what the last write left to be done, as far as its rows are there.

    So nothing is written just to say that something is done; a crash before the rows leaves them
    pending until the events come again. Rows that would have expired are waited for no longer.
    """
    oldest = now - ROWS_LIVE.total_seconds()
    keys = {d: key for d, key in pending_keys(profile).items() if profile.pending[d] > oldest}
    there = {row.key for row in rows_of(store, profile, keys.values())}
    profile.pending = {d: profile.pending[d] for d, key in keys.items() if key not in there}
    profile.leaving = [
        row
        for row in profile.leaving
        if store.get(OrderRow, row.person, f"{row.left_at:010}") is None
    ]


def rows_of(store: Store, profile: Profile, keys: Iterable[str]) -> Iterator[TimelineRow]:
    """The rows of these timeline keys, under whatever key the person had then."""
    wanted = sorted(keys)
    return (
        _one_by_one(store, profile, wanted)
        if len(wanted) <= FEW
        else _by_day(store, profile, wanted)
    )


def _by_day(store: Store, profile: Profile, keys: list[str]) -> Iterator[TimelineRow]:
    for _, day in groupby(keys, key=lambda key: key[:10]):
        of_a_day = list(day)
        read = _one_by_one if len(of_a_day) <= FEW else _by_query
        yield from read(store, profile, of_a_day)


def _one_by_one(store: Store, profile: Profile, keys: list[str]) -> Iterator[TimelineRow]:
    for key in keys:
        for person in profile.keys:
            row = store.get(TimelineRow, person, key)
            if row:
                yield row
                break


def _by_query(store: Store, profile: Profile, keys: list[str]) -> Iterator[TimelineRow]:
    """What stands together is dearer to read one by one; what stands far apart is not."""
    found = set()
    for person in reversed(profile.keys):  # its own last, so that it holds
        rows = store.query(TimelineRow, person, after=keys[0][:-1])
        near = islice(rows, APART * len(keys))
        for row in takewhile(lambda row: row.key <= keys[-1], near):
            if row.key in keys:
                found.add(row.key)
                yield row
    yield from _one_by_one(store, profile, [key for key in keys if key not in found])


def _sort_out(
    store: Store, profile: Profile, events: list[Event], rows: dict[str, TimelineRow]
) -> tuple[list[Event], list[Event], list[Event]]:
    """The new events; the known ones that come again; and those of them that have no row.

    `rows` takes those that were found, which stay.
    """
    told = [(event, known(profile, event)) for event in events]
    asked = {timeline_key(event) for event, state in told if state is not False}
    if asked:
        rows.update((row.key, row) for row in rows_of(store, profile, asked - rows.keys()))
    pending = pending_keys(profile).values() if asked else ()
    fresh: dict[str, Event] = {}
    again: dict[str, Event] = {}
    rowless: dict[str, Event] = {}
    # One batch may have an event as it was accepted first, and once more.
    for event, state in told:
        name = event.message_id
        if state is False:
            fresh.setdefault(name, event)
            continue
        key = timeline_key(event)
        row = rows.get(key)
        if state is None and row is None:
            fresh.setdefault(name, event)
        elif row is None and key in pending:
            again[name] = rowless[name] = event
        elif row and row.event.received_at == event.received_at:
            again[name] = event
    return list(fresh.values()), list(again.values()), list(rowless.values())


def _row(profile: Profile, event: Event) -> TimelineRow:
    expires = int((event.received_at + ROWS_LIVE).timestamp())
    return TimelineRow(profile.person, timeline_key(event), event, expires, profile.version)


def bring_back_order(
    store: Store,
    profile: Profile,
    event: Event,
    counts: Callable[[OrderRow], bool] = lambda row: True,
) -> None:
    """An event about an order that left the profile brings it back first (from rows that count)."""
    if not profile.older_orders.moved or event.event not in orders.ORDER_EVENTS:
        return
    order_id = orders.order_id_of(event)
    if order_id not in profile.orders:
        left = orders.moved(profile, filter(counts, order_rows(store, profile)))
        if order_id in left:
            orders.take_back(profile, left.pop(order_id), left.values())
