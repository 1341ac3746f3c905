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
from functions.storage.people import People, permission_of
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
        profile, todo = remember(store, finder.person(event), [event], leads_to=finder.leads_to)

        def permit(permission: Permission, todo: list[Event] = todo) -> bool:
            return sum(hear(permission, event) for event in todo) > 0

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


def a_store(folder: Path) -> Store:
    folder.mkdir()
    return sqlite_store(folder)


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
VISIT = {"name": "Visited", "anonymous_id": "phone"}
WITH_HER_PHONE, WITH_HIS_PHONE = WAYS[7], WAYS[8]
AGAIN = {"type": "identify", "traits": {"email": EMAIL}, **HER}
WAYS.append(AGAIN)
ORDERS_OF_BOTH = [WAYS[-3], WAYS[-2]]
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
    found["orders"] = orders.count(profile), orders.revenue(profile)
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


def steps(*ways: dict[str, Any]) -> list[tuple[dict[str, Any], int]]:
    return [(way, minute) for minute, way in enumerate(ways, 1)]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_steps, _steps, _steps)
@example(steps(*ORDERS_OF_BOTH), steps(*ORDERS_OF_BOTH[::-1], WAYS[16]), [])
@example([], steps(WITH_HIS_PHONE), steps(VISIT, WITH_HER_PHONE))
@example([], steps(WITH_HER_PHONE), steps(VISIT, WITH_HIS_PHONE))
@example(steps(VISIT), steps(WITH_HIS_PHONE, VISIT), steps(VISIT, WITH_HER_PHONE))
@example(steps(VISIT), steps(WITH_HER_PHONE, VISIT), steps(VISIT, WITH_HIS_PHONE))
@example([], [], steps(AGAIN, VISIT, WITH_HER_PHONE))
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


def test_of_two_merges_into_one_person_each_can_be_undone_whatever_the_other(
    tmp_path: Path,
) -> None:
    """Undoing the first takes what was his out of what is kept for undoing the second."""
    his = an_event("e2", 5, "Visited", anonymous_id="tab")
    events = [
        an_event("e1", 1, "Visited", anonymous_id="phone"),
        FIRST,
        JOIN,
        his,
        an_event("e3", 6, "Visited", **HER),
        an_event("e4", 7, type="identify", anonymous_id="phone", **HER),
        an_event("e5", 8, "Visited", anonymous_id="phone"),
        an_event("e6", 9, "Visited", anonymous_id="tab"),
        an_event("e7", 10, type="page", properties={"path": "/"}, **HER),
    ]
    wanted = a_store(tmp_path / "wanted")
    with patch.object(people, "_are_apart", lambda one, other: True):
        take(wanted, *events)
    for order in ([0, 1], [1, 0]):
        store = a_store(tmp_path / str(order))
        take(store, *events)
        merges = merges_of(store, by(store, "user_id", "ada"))[::-1]
        assert [merge.kind for merge in merges] == ["email", "anonymous_id"]
        for number in order:
            undo(store, merge=merges[number])
        for name in NAMES:
            assert told(store, *name) == told(wanted, *name), name


def test_what_was_withdrawn_while_they_were_one_is_withdrawn_for_both(store: Store) -> None:
    yes, no = {"name": "Consent Given"}, {"name": "Consent Withdrawn"}
    tips = {"properties": {"purposes": ["tips"]}}
    take(store, FIRST, an_event("e1", 1, anonymous_id="tab", **yes, **tips))
    take(store, an_event("e2", 2, **HER, **yes, **tips), JOIN)
    assert may(store, "user_id", "ada")
    take(store, an_event("e3", 3, **HER, **no, **tips))
    undo(store)
    assert not may(store, "user_id", "ada")
    assert not may(store, "email", EMAIL)
    take(store, an_event("e4", 4, anonymous_id="tab", **yes, **tips))
    assert not may(store, "user_id", "ada")
    assert may(store, "email", EMAIL)


def test_a_consent_given_while_they_were_one_is_that_of_who_gave_it(store: Store) -> None:
    take(store, FIRST, JOIN)
    said = {"properties": {"purposes": ["tips"]}}
    take(store, an_event("e1", 1, "Consent Given", **HER, **said))
    undo(store)
    assert may(store, "user_id", "ada")
    assert not may(store, "email", EMAIL)


def test_an_event_whose_row_came_after_the_merge_counts_where_it_counted_before(
    store: Store,
) -> None:
    """A crash came between his profile and the row; the row is written when they are one."""
    visit = an_event("e1", 1, "Visited", anonymous_id="tab")
    take(store, FIRST, visit)
    for row in list(store.query(TimelineRow, E)):
        if row.event == visit:
            store.delete(row)
    take(store, JOIN, visit)
    assert [row.event.message_id for row in store.query(TimelineRow, ADA)] == ["join", "e1"]
    undo(store)
    assert by(store, "email", EMAIL).events["Visited"].count == 1
    assert "Visited" not in by(store, "user_id", "ada").events
    take(store, visit)
    assert by(store, "email", EMAIL).events["Visited"].count == 1


# --- when it cannot be


def why_not(store: Store, **more: Any) -> str:
    with pytest.raises(NotUndone) as refused:
        undo(store, **more)
    return refused.value.why


def test_an_event_that_is_just_being_written_is_waited_for(store: Store) -> None:
    take(store, FIRST, JOIN)
    visit = an_event("e1", 1, "Visited", anonymous_id="tab")
    take(store, visit)
    for row in list(store.query(TimelineRow, ADA)):
        if row.event == visit:
            store.delete(row)
    assert why_not(store, minute=2) == "busy"
    take(store, visit)
    undo(store, minute=3)
    assert by(store, "email", EMAIL).events["Visited"].count == 1


def test_an_event_that_never_got_its_row_holds_it_up_for_a_day_and_no_longer(
    store: Store,
) -> None:
    take(store, FIRST, JOIN, an_event("e1", 1, "Visited", anonymous_id="tab"))
    for row in list(store.query(TimelineRow, ADA)):
        store.delete(row)
    assert why_not(store, minute=24 * 60) == "busy"
    undo(store, minute=24 * 60 + 2)
    assert by(store, "email", EMAIL).person == E


def test_a_merge_can_be_undone_as_long_as_the_rows_since_are_there(store: Store) -> None:
    take(store, FIRST, an_event("e1", 0.2, "Visited", **HER), JOIN)
    days = 400 * 24 * 60
    assert why_not(store, minute=days + 1) == "expired"
    undo(store, minute=days - 1)


def test_what_became_part_of_another_person_since_is_parted_from_there_first(
    store: Store,
) -> None:
    take(store, FIRST, JOIN)
    take(store, an_event("e1", 1, type="alias", user_id="eva", previous_id="ada"))
    (last, first) = merges_of(store, by(store, "user_id", "eva"))
    assert why_not(store, merge=first) == "part of another"
    undo(store, merge=last)
    undo(store, merge=first)
    assert by(store, "email", EMAIL).person == E
    assert by(store, "user_id", "ada").person == ADA
    assert by(store, "user_id", "eva").person == key_of("user_id", "eva")


def test_who_joined_the_parted_one_goes_with_them_for_good(store: Store) -> None:
    phone = an_event("e1", 1, "Visited", anonymous_id="phone")
    take(store, FIRST, phone, JOIN)
    take(store, an_event("e2", 2, type="identify", anonymous_id="phone", traits={"email": EMAIL}))
    (_, first) = merges_of(store, by(store, "user_id", "ada"))
    undo(store, merge=first)
    his = by(store, "email", EMAIL)
    assert by(store, "anonymous_id", "phone") == his
    assert permission_of(store, key_of("anonymous_id", "phone")).person == E
    (merge,) = (one for one in merges_of(store, his) if not one.undone)
    assert why_not(store, merge=merge) == "parted"


# --- what is left behind


def test_undoing_it_twice_is_undoing_it_once(store: Store) -> None:
    take(store, FIRST, JOIN, an_event("e1", 1, "Visited", anonymous_id="tab"))
    (merge,) = merges_of(store, by(store, "user_id", "ada"))
    undo(store, merge=merge)
    found = [told(store, *name) for name in NAMES]
    undo(store, merge=merge)
    assert [told(store, *name) for name in NAMES] == found


def test_nothing_of_the_one_is_left_with_the_other(store: Store) -> None:
    many = [event for n, way in enumerate(ORDERS_OF_BOTH, 1) for event in events_of(n, n, way)]
    take(store, FIRST, an_event("e0", 0.2, "Visited", **HER), JOIN, *many)
    assert list(store.query(OrderRow, ADA))
    undo(store)
    rows = {row.event.message_id for row in store.query(TimelineRow, ADA)}
    assert rows == {"e0", "join"} | {e.message_id for e in many if e.user_id}
    his = {row.event.message_id for row in store.query(TimelineRow, E)}
    assert his == {"first"} | {e.message_id for e in many if not e.user_id}
    assert list(store.query(Before, E)) == []


def test_both_know_that_they_were_parted_and_when_they_were_one(store: Store) -> None:
    take(store, FIRST, JOIN)
    undo(store)
    hers, his = by(store, "user_id", "ada"), by(store, "email", EMAIL)
    assert (hers.apart, his.apart) == ([E], [ADA])
    assert merges_of(store, hers) == merges_of(store, his)
    assert [merge.undone for merge in merges_of(store, hers)] == [NOON + timedelta(minutes=10_000)]


def test_an_event_that_was_found_to_be_of_the_other_before_they_were_parted_is_not_counted(
    store: Store,
) -> None:
    """Whoever it is about was found out, then they are parted, then it is to count."""
    take(store, FIRST, JOIN)
    visit = an_event("e1", 1, "Visited", anonymous_id="tab")
    finder = People(store, SECRET)
    person = finder.person(visit)
    undo(store)
    with pytest.raises(people.Contended):
        remember(store, person, [visit], leads_to=finder.leads_to)
    take(store, visit)
    assert by(store, "email", EMAIL).events["Visited"].count == 1
    assert "Visited" not in by(store, "user_id", "ada").events


# --- whatever fails


class Crash(BaseException):
    """The process is gone."""


class Failing:
    """A store that fails before or after the n-th call."""

    def __init__(self, inner: Store, left: int, after: bool) -> None:
        self._inner, self.left, self._after = inner, left, after

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*of: Any, **more: Any) -> Any:
            self.left -= 1
            if self.left == 0 and not self._after:
                raise Crash
            done = getattr(self._inner, name)(*of, **more)
            if self.left == 0:
                raise Crash
            return iter(list(done)) if name == "query" else done

        return call


STORY = [
    FIRST,
    an_event("e1", 0.1, "Visited", **HER),
    an_event("e2", 0.2, "Visited", anonymous_id="phone"),
    JOIN,
    an_event("e3", 1, "Visited", anonymous_id="tab"),
    an_event("e4", 2, type="identify", anonymous_id="phone", **HER),
    an_event("e5", 3, "Visited", **HER),
]


def stories(tmp_path: Path) -> Iterator[Store]:
    number = 0
    while True:
        number += 1
        store = a_store(tmp_path / str(number))
        take(store, *STORY)
        yield store


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_at_any_call_is_mended_by_asking_again(tmp_path: Path, after: bool) -> None:
    made = stories(tmp_path)
    plain = next(made)
    (merge,) = plain.query(Merge, E)
    undo(plain, merge=merge)
    wanted = [told(plain, *name) for name in NAMES]
    for number in range(1, 200):
        store = next(made)
        (merge,) = store.query(Merge, E)
        failing: Any = Failing(store, number, after)
        try:
            undo(failing, merge=merge)
        except Crash:
            take(store, *STORY)  # what the queue brings again in between changes nothing
            undo(store, merge=merge)
        assert [told(store, *name) for name in NAMES] == wanted, f"crash at call {number}"
        if failing.left > 0:
            assert number > 15
            return
    raise AssertionError("it never ends")


def test_an_event_that_comes_at_any_moment_of_it_counts_once_and_where_it_belongs(
    tmp_path: Path,
) -> None:
    made = stories(tmp_path)
    late = [
        an_event("l1", 4, "Visited", anonymous_id="tab"),
        an_event("l2", 5, "Visited", anonymous_id="phone"),
    ]
    for number in range(1, 200):
        store = next(made)
        (merge,) = store.query(Merge, E)
        meanwhile: Any = Meanwhile(store, number, lambda store=store: take(store, *late))
        undo(meanwhile, merge=merge)
        if meanwhile.left > 0:
            return
        visits = {kind: by(store, kind, who).events["Visited"].count for kind, who in NAMES[:2]}
        assert visits == {"user_id": 4, "email": 2}, f"before call {number}"
    raise AssertionError("it never ends")


class Meanwhile(Failing):
    """A store at whose n-th call others do something first."""

    def __init__(self, inner: Store, left: int, act: Callable[[], None]) -> None:
        super().__init__(inner, left, after=False)
        self._act = act

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*of: Any, **more: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                self._act()
            return getattr(self._inner, name)(*of, **more)

        return call
