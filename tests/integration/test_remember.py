"""Events through the whole of process_event: once each, whatever fails, races or comes late."""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions.handlers import process_event, wiring
from functions.handlers.process_event import MOST_ATTEMPTS
from functions.journeys.run import Run
from functions.messages.address import addresses
from functions.storage import people
from functions.storage.people import MOST_REDIRECTS, People, find_profile, profile_of
from functions.storage.remember import MOST_READS, remember, timeline
from functions.storage.store import TRIES, Conflict, Contended, Store, Unavailable
from functions.tracking.event import MESSAGE_LIMIT, Event, EventBatch
from functions.tracking.fold import REMEMBERED, timeline_key
from functions.tracking.identity import person_key, short_hash
from functions.tracking.message import Message
from functions.tracking.orders import revenue
from functions.tracking.permission import Permission
from functions.tracking.profile import Profile, TimelineRow
from local.system import System
from tests.support.stores import sqlite_store
from tests.support.world import JOURNEYS, World

NOON = datetime(2027, 3, 1, 9, tzinfo=UTC)  # when every World starts

JOURNEY_FILES = {
    "greet": """
        title: One text message, then a question
        purpose: transactional
        enter when: {event: Signed Up}
        once per: person
        steps:
          - send: hello
          - wait for: {event: Survey Answered}
            at most: 7 days
            then: [{task: Call, for: sales}]
    """,
    "after-order": """
        title: Three days after each order
        purpose: transactional
        enter when: {event: Order Completed}
        once per: order_id
        leave when: [{event: Order Refunded, same: order_id, as: refunded}]
        steps:
          - wait: 3 days
          - send: thanks
    """,
    "visit": """
        title: A day after each visit
        purpose: transactional
        enter when: {event: Visited}
        once per: occasion
        leave when: [{event: Bye, as: gone}]
        steps:
          - wait: 1 day
          - send: again
    """,
    "weekly": """
        title: Once a week at most
        purpose: transactional
        enter when: {event: Looked}
        once per: 7 days
        steps: [{wait: 1 day}]
    """,
}
MESSAGES = {"greet": "hello", "after-order": "thanks", "visit": "again"}


@pytest.fixture(scope="module")
def journeys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("journeys")
    shutil.copy(JOURNEYS / "brand.yaml", folder)
    for name, text in JOURNEY_FILES.items():
        (folder / name).mkdir()
        (folder / name / "journey.yaml").write_text(text)
        for language in ("de", "en") if name in MESSAGES else ():
            (folder / name / f"{MESSAGES[name]}.{language}.sms").write_text("Hallo!")
    return folder


Make = Callable[[], World]  # all Worlds that it makes give the same keys to the same people


def copies(of: Path, journeys: Path, into: Path) -> Iterator[Make]:
    numbers = count()

    def make() -> World:
        data = into / f"world{next(numbers)}"
        shutil.copytree(of, data)
        with patch.object(System, "publish"):  # the copy has the journeys already
            return World(data, journeys)

    yield make
    wiring.use(None)


@pytest.fixture(scope="module")
def published(journeys: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a World in which nothing has happened yet."""
    data = tmp_path_factory.mktemp("published")
    World(data, journeys)
    return data


@pytest.fixture(scope="module")
def prepared(published: Path, journeys: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a World in which Ada is under way."""
    data = tmp_path_factory.mktemp("prepared") / "data"
    shutil.copytree(published, data)
    prepare(World(data, journeys))
    return data


@pytest.fixture
def new_world(published: Path, journeys: Path, tmp_path: Path) -> Iterator[Make]:
    yield from copies(published, journeys, tmp_path)


@pytest.fixture
def prepared_world(prepared: Path, journeys: Path, tmp_path: Path) -> Iterator[Make]:
    yield from copies(prepared, journeys, tmp_path)


@pytest.fixture
def world(new_world: Make) -> World:
    return new_world()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return sqlite_store(tmp_path)


def an_event(message_id: str, minute: float, name: str = "", **more: Any) -> Event:
    time = NOON + timedelta(minutes=minute)
    said = {"type": "track", "event": name, "client_time": time.isoformat(), "trusted": True}
    if not more.get("anonymous_id"):
        said["user_id"] = "ada"
    return Event(message_id=message_id, time=time, received_at=time, **{**said, **more})


def track(message_id: str, minute: float, name: str, **properties: Any) -> Event:
    return an_event(message_id, minute, name, properties=properties)


def identify(message_id: str, minute: float, **more: Any) -> Event:
    return an_event(message_id, minute, type="identify", **more)


def records(*batches: Iterable[Event]) -> list[dict[str, Any]]:
    """Queue messages, one for each batch of events."""
    return [
        {"messageId": str(number), "body": msgspec.json.encode(EventBatch(list(events))).decode()}
        for number, events in enumerate(batches)
    ]


def deliver(*batches: Iterable[Event]) -> list[str]:
    """Hand the batches to process_event as one delivery; the messages it gives back."""
    answer = process_event.handler({"Records": records(*batches)}, None)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


# --- stores and workflows that fail, or let others in, at a chosen call


class Crash(BaseException):
    """The process is gone: nobody catches this."""


class Broken(Exception):
    """A service did not answer."""


CALLS = ("get", "put", "put_together", "write", "delete", "query", "listing")
WRITES = ("put", "put_together", "write", "delete")
EFFECTS = ("start", "stop", "succeed", "fail")


class Watched:
    """Calls `before` and `after` with the name of every call, whatever it is a call of.

    What Step Functions does in turn (closing a run, by a Lambda of its own) is not watched.
    """

    def __init__(
        self, before: Callable[[str], None], after: Callable[[str], None] = lambda name: None
    ) -> None:
        self._before, self._after = before, after
        self._elsewhere = False

    def wrap(self, inner: Any, names: tuple[str, ...]) -> dict[str, Any]:
        return {name: self._watched(name, getattr(inner, name)) for name in names}

    def _watched(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **more: Any) -> Any:
            if self._elsewhere:
                return call(*args, **more)
            self._before(name)
            self._elsewhere = name in EFFECTS
            try:
                done = call(*args, **more)
            finally:
                self._elsewhere = False
            done = iter(list(done)) if name == "query" else done
            self._after(name)
            return done

        return watched

    def store(self, inner: Store) -> Any:
        made = type("WatchedStore", (), {})()
        for name, call in self.wrap(inner, CALLS).items():
            setattr(made, name, call)
        return made

    def parts(self, inner: wiring.Parts) -> wiring.Parts:
        workflow = replace(inner.workflow, **self.wrap(inner.workflow, EFFECTS))
        return replace(inner, store=self.store(inner.store), workflow=workflow)


class At:
    """Does something at the n-th call of these names, once."""

    def __init__(self, number: int, act: Callable[[], None], names: tuple[str, ...]) -> None:
        self.left, self._act, self._names = number, act, names

    def __call__(self, name: str) -> None:
        if name in self._names:
            self.left -= 1
            if self.left == 0:
                self._act()

    @property
    def came(self) -> bool:
        return self.left <= 0


def raising(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


def nothing(name: str) -> None:
    pass


# --- the state that must come out


HOW = {"version", "recent", "let_go", "pending"}  # how often and in which batches it was written


def known_of(profile: Profile) -> dict[str, Any]:
    found = msgspec.structs.asdict(profile)
    found["anonymous_ids"] = sorted(profile.anonymous_ids)
    return {name: value for name, value in found.items() if name not in HOW}


def outcome(world: World, user: str = "ada") -> dict[str, Any]:
    """All that anybody could see of a person, and what is still under way anywhere."""
    profile = world.person(user)
    permission = world.permission(user)
    runs = [run for key in profile.keys for run in world.store.query(Run, key)]
    rows = [row for key in profile.keys for row in world.store.query(TimelineRow, key)]
    running = [
        name for name, e in world.system.workflow.engine.executions.items() if e.status == "RUNNING"
    ]
    return {
        "profile": known_of(profile),
        "timeline": sorted(row.event.message_id for row in rows),
        "runs": sorted((r.journey, r.entry_key, r.status, r.outcome) for r in runs),
        "messages": sorted((m.journey, m.message, m.state) for m in world.messages(user)),
        "outbox": sorted(kept.send_id for kept in world.outbox()),
        "tasks": sorted(task["text"] for task in world.api("/api/tasks")["tasks"]),
        "consents": permission.consents,
        "addresses": permission.addresses,
        "live": sorted(permission.live),
        "running": sorted(running),
        "waiting": world.system.queue.size(),
        "dead": world.system.queue.dead(),
    }


def prepare(world: World) -> None:
    """Ada waits in two journeys, and as somebody unknown on her phone in a third."""
    world.customer("ada", language="de")
    world.track("ada", "Signed Up")
    world.order("ada", "o1", "ink")
    world.advance("5 minutes")
    deliver([an_event("a1", 2, "Visited", anonymous_id="phone")])
    deliver([an_event("a2", 3, type="page", anonymous_id="phone", properties={"path": "/"})])
    world.settle()
    world.advance("15 minutes")


def everything() -> list[list[Event]]:
    """A delivery in which all happens: merge, release, exit, entry, late and repeated events."""
    return [
        [
            identify("e1", 10, anonymous_id="phone", user_id="ada", traits={"plan": "premium"}),
            track("e2", 11, "Survey Answered", score=5),
        ],
        [
            track("e3", 12, "Order Refunded", order_id="o1"),
            track("e4", 13, "Order Completed", order_id="o2", revenue=7, currency="EUR"),
            track("e4", 13, "Order Completed", order_id="o2", revenue=7, currency="EUR"),
            an_event("a3", 14, type="page", anonymous_id="phone", properties={"path": "/x"}),
        ],
    ]


def undisturbed(world: World) -> dict[str, Any]:
    assert deliver(*everything()) == []
    world.settle()
    return outcome(world)


def test_undisturbed_everything_happens_once(prepared_world: Make) -> None:
    found = undisturbed(prepared_world())
    assert found["timeline"].count("e4") == 1
    assert found["profile"]["events"]["page"].count == 2
    assert [(run[0], run[2], run[3]) for run in found["runs"]] == [
        ("after-order", "ended", "refunded"),
        ("after-order", "open", ""),
        ("greet", "ended", "finished"),
        ("visit", "open", ""),
    ]
    assert found["messages"] == [("greet", "hello", "sent")]
    assert found["tasks"] == ["Call"]
    assert len(found["running"]) == len(found["live"]) == 2
    assert found["dead"] == []


# --- crashes and failures at every call


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_at_any_call_and_a_redelivery_leave_no_trace(
    prepared_world: Make, after: bool
) -> None:
    wanted = undisturbed(prepared_world())
    for number in range(1, 500):
        world = prepared_world()
        at = At(number, raising(Crash()), CALLS + EFFECTS)
        watched = Watched(nothing, at) if after else Watched(at)
        wiring.use(watched.parts(world.system.parts))
        try:
            deliver(*everything())
        except Crash:
            wiring.use(world.system.parts)
            assert deliver(*everything()) == []
        wiring.use(world.system.parts)
        world.settle()
        assert outcome(world) == wanted, f"crash at call {number}"
        if not at.came:
            assert number > 30
            return
    raise AssertionError("it never ends")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_service_that_fails_at_any_call_costs_one_more_try_and_nothing_else(
    prepared_world: Make, after: bool
) -> None:
    wanted = undisturbed(prepared_world())
    for number in range(1, 500):
        world = prepared_world()
        at = At(number, raising(Broken("no answer")), CALLS + EFFECTS)
        watched = Watched(nothing, at) if after else Watched(at)
        wiring.use(watched.parts(world.system.parts))
        assert deliver(*everything()) == []
        wiring.use(world.system.parts)
        world.settle()
        assert outcome(world) == wanted, f"failure at call {number}"
        if not at.came:
            return
    raise AssertionError("it never ends")


def test_a_write_whose_answer_was_lost_is_a_conflict_that_changes_nothing(
    prepared_world: Make,
) -> None:
    wanted = undisturbed(prepared_world())
    for number in range(1, 100):
        world = prepared_world()
        at = At(number, raising(Conflict("our own")), ("put", "put_together"))
        wiring.use(Watched(nothing, at).parts(world.system.parts))
        assert deliver(*everything()) == []
        wiring.use(world.system.parts)
        world.settle()
        assert outcome(world) == wanted, f"lost answer at write {number}"
        if not at.came:
            return
    raise AssertionError("it never ends")


# --- two at the same time


def interleaved(
    make: Make, first: list[list[Event]], second: list[list[Event]]
) -> Iterator[tuple[int, World]]:
    """Worlds in which the second delivery ran just before the n-th call of the first."""
    for number in range(1, 500):
        world = make()
        parts = world.system.parts

        def cut_in(parts: wiring.Parts = parts) -> None:
            inside = wiring.parts()
            wiring.use(parts)
            assert deliver(*second) == []
            wiring.use(inside)

        at = At(number, cut_in, CALLS + EFFECTS)
        wiring.use(Watched(at).parts(parts))
        assert deliver(*first) == []
        wiring.use(parts)
        world.settle()
        if not at.came:
            assert number > 5
            return
        yield number, world


def test_two_deliveries_of_the_same_events_at_the_same_time_count_once(
    prepared_world: Make,
) -> None:
    wanted = undisturbed(prepared_world())
    for number, world in interleaved(prepared_world, everything(), everything()):
        assert outcome(world) == wanted, f"before call {number}"


def test_two_deliveries_about_one_person_at_the_same_time_both_count(
    prepared_world: Make,
) -> None:
    second = [
        [
            identify("f1", 10.5, traits={"plan": "basic", "phone": "+4915199999999"}),
            track("f2", 11.5, "Order Completed", order_id="o3", revenue=2, currency="EUR"),
            an_event("f3", 12.5, type="page", anonymous_id="phone", properties={"path": "/y"}),
            track("f4", 13.5, "Consent Withdrawn", channel="sms"),
        ]
    ]
    world = prepared_world()
    deliver(*everything())
    deliver(*second)
    world.settle()
    wanted = outcome(world)
    for number, world in interleaved(prepared_world, everything(), second):
        assert outcome(world) == wanted, f"before call {number}"


def test_the_address_in_force_is_that_of_the_latest_word_whoever_writes_last(
    prepared_world: Make,
) -> None:
    first = [[identify("e1", 10, traits={"email": "old@example.com"})]]
    second = [[identify("e2", 11, traits={"email": "new@example.com"})]]
    for number, world in interleaved(prepared_world, first, second):
        profile = world.person("ada")
        assert profile.trait("email") == "new@example.com"
        assert world.permission("ada").addresses == addresses(profile), f"before call {number}"


def test_an_exit_at_the_same_time_as_the_entry_is_never_missed(
    prepared_world: Make,
) -> None:
    entry = [[track("e1", 10, "Order Completed", order_id="o9", revenue=1)]]
    exit_ = [[track("e2", 11, "Order Refunded", order_id="o9")]]
    for number, world in interleaved(prepared_world, entry, exit_):
        assert world.outcomes("after-order")[0] == "refunded", f"exit before call {number}"
    for number, world in interleaved(prepared_world, exit_, entry):
        assert world.outcomes("after-order")[0] == "refunded", f"entry before call {number}"


def test_two_first_meetings_at_the_same_time_make_one_person(
    new_world: Make,
) -> None:
    first = [[an_event("e1", 1, type="page", anonymous_id="tab"), track("e2", 2, "Signed Up")]]
    second = [[identify("f1", 3, anonymous_id="tab", user_id="ada", traits={"plan": "basic"})]]
    for number, world in interleaved(new_world, first, second):
        profile = world.person("ada")
        assert set(profile.events) == {"page", "Signed Up", "identify"}, f"before call {number}"
        found = timeline(world.store, profile)
        assert [event.message_id for event in found] == ["e1", "e2", "f1"]
        assert len(world.runs("greet")) == 1
        assert world.system.queue.dead() == []


class Stubborn:
    """A store in which somebody else is always faster with these kinds of records."""

    def __init__(self, inner: Store, kind: type, times: int) -> None:
        self._inner, self._kind, self.left = inner, kind, times

    def put(self, record: Any) -> None:
        if isinstance(record, self._kind) and self.left:
            self.left -= 1
            raise Conflict("busy")
        self._inner.put(record)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@pytest.mark.parametrize("kind", [Profile, Permission])
def test_a_person_who_is_too_busy_is_tried_again_later_and_nothing_is_lost(
    world: World, kind: type
) -> None:
    busy: Any = Stubborn(world.store, kind, MOST_READS if kind is Profile else TRIES)
    wiring.use(replace(world.system.parts, store=busy))
    events = [
        identify("e1", 1, traits={"phone": "+4915112345678", "language": "de"}),
        track("e2", 2, "Signed Up"),
    ]
    assert deliver(events) == []
    wiring.use(world.system.parts)
    world.settle()
    assert busy.left == 0
    assert world.sent("ada") == ["hello"]
    assert world.person("ada").events["Signed Up"].count == 1
    assert world.system.queue.dead() == []


def test_remembering_gives_up_after_a_few_conflicts(store: Store) -> None:
    busy: Any = Stubborn(store, Profile, 10**9)
    with pytest.raises(Contended):
        remember(busy, "p", [track("t1", 1, "Signed Up")])
    remember(store, "p", [track("t1", 1, "Signed Up")])
    assert profile_of(store, "p").events["Signed Up"].count == 1


# --- exactly once


def retried(event: Event) -> Event:
    """As a client sends it once more: accepted later, the corrected time a little off."""
    received = event.received_at + timedelta(hours=1)
    time = event.time + timedelta(milliseconds=7)
    return msgspec.structs.replace(event, received_at=received, time=time)


def test_what_a_client_sends_again_changes_nothing_and_has_no_consequences(store: Store) -> None:
    events = [track(f"m{n}", n, "Signed In") for n in range(5)]
    _, todo = remember(store, "p", events)
    assert [event.message_id for event in todo] == [f"m{n}" for n in range(5)]
    before = profile_of(store, "p")
    assert remember(store, "p", map(retried, events))[1] == []
    assert profile_of(store, "p") == before


def test_an_event_twice_in_one_batch_counts_once(store: Store) -> None:
    event = track("t1", 1, "Signed In")
    profile, todo = remember(store, "p", [event, event])
    assert len(todo) == 1
    assert profile.events["Signed In"].count == 1


def test_a_message_of_our_own_queue_that_comes_again_has_its_consequences_drawn_again(
    store: Store,
) -> None:
    """Nobody knows how far we came with it; all consequences are safe to repeat."""
    event = track("t1", 1, "Signed In")
    for _ in range(3):
        profile, todo = remember(store, "p", [event])
        assert [left.message_id for left in todo] == ["t1"]
    assert profile.events["Signed In"].count == 1


def test_an_event_that_a_batch_has_twice_is_taken_up_again_as_it_was_stored(store: Store) -> None:
    first = track("t1", 1, "Signed In")
    for batch in ([first, retried(first)], [retried(first), first]):
        _, todo = remember(store, "p", batch)
        assert todo == [first]


def test_after_a_crash_before_its_row_an_event_is_taken_up_by_whoever_brings_it(
    store: Store,
) -> None:
    first = track("t1", 1, "Signed In")
    remember(store, "p", [first])
    (row,) = store.query(TimelineRow, "p")
    store.delete(row)
    for other in range(2 * REMEMBERED):  # meanwhile its id must not be let go
        remember(store, "p", [track(f"x{other}", other + 2, "Signed In")])
    _, todo = remember(store, "p", [retried(first)])
    assert [event.message_id for event in todo] == ["t1"]
    assert remember(store, "p", [first])[1] == []
    profile = profile_of(store, "p")
    assert profile.events["Signed In"].count == 2 * REMEMBERED + 1
    assert len(list(timeline(store, profile))) == 2 * REMEMBERED + 1


@pytest.mark.parametrize("size", [1, 5, 40])
def test_what_was_written_together_is_let_go_with_the_next_write(store: Store, size: int) -> None:
    for batch in range(3):
        at = batch * size
        remember(store, "p", [track(f"m{at + n}", at + n, "Signed In") for n in range(size)])
        profile = profile_of(store, "p")
        assert len(profile.pending) == size
        assert len(profile.recent) <= REMEMBERED + size


def test_a_row_that_has_expired_is_not_waited_for(store: Store) -> None:
    first = track("t1", 1, "Signed In")
    remember(store, "p", [first])
    (row,) = store.query(TimelineRow, "p")
    store.delete(row)
    later = track("t2", 1, "Signed In")
    later.time = later.received_at = first.time + timedelta(days=500)
    remember(store, "p", [later])
    assert list(profile_of(store, "p").pending) == [short_hash("t2")]


@pytest.mark.parametrize("silent", [False, True], ids=["with timestamps", "without"])
def test_an_event_redelivered_when_its_id_was_long_let_go_is_found_by_its_row(
    store: Store, silent: bool
) -> None:
    history = [track(f"m{n}", n, "Signed In") for n in range(4 * REMEMBERED)]
    if silent:
        history = [msgspec.structs.replace(event, client_time="") for event in history]
    for event in history:
        remember(store, "p", [event])
    assert len(profile_of(store, "p").recent) <= REMEMBERED + 1  # the last one's row is not sure
    for event in map(retried, [*history, *history[::-1]]):
        assert remember(store, "p", [event])[1] == []
    profile = profile_of(store, "p")
    assert profile.events["Signed In"].count == len(history)
    assert len(list(timeline(store, profile))) == len(history)


def test_an_event_that_comes_weeks_late_for_the_first_time_counts(store: Store) -> None:
    for n in range(4 * REMEMBERED):
        remember(store, "p", [track(f"m{n}", n, "Signed In")])
    late = track("late", -30 * 24 * 60, "Signed In")
    remember(store, "p", [late])
    assert remember(store, "p", [retried(late)])[1] == []
    assert profile_of(store, "p").events["Signed In"].count == 4 * REMEMBERED + 1
    assert next(timeline(store, profile_of(store, "p"))).message_id == "late"


def test_a_retry_of_a_client_whose_corrected_time_differs_counts_once(store: Store) -> None:
    first = track("t1", 1, "Signed In")
    retry = msgspec.structs.replace(
        first, time=first.time + timedelta(seconds=2), received_at=NOON + timedelta(hours=1)
    )
    for n in range(3 * REMEMBERED):
        remember(store, "p", [track(f"x{n}", n + 2, "Signed In")])
    remember(store, "p", [first])
    assert remember(store, "p", [retry])[1] == []


def test_rows_live_at_least_35_days(store: Store) -> None:
    remember(store, "p", [track("t1", 1, "Signed In")])
    (row,) = store.query(TimelineRow, "p")
    assert row.expires >= (row.event.received_at + timedelta(days=35)).timestamp()


def test_the_timeline_shows_an_event_once_even_if_a_merge_left_it_under_two_keys(
    store: Store,
) -> None:
    event = track("t1", 1, "Signed In")
    store.write([TimelineRow(key, timeline_key(event), event, 2**31) for key in ("a", "u")])
    profile = Profile(person="u", merged=["a"])
    assert [found.message_id for found in timeline(store, profile)] == ["t1"]


def test_a_slow_writer_of_an_orders_row_does_not_undo_a_later_one(store: Store) -> None:
    orders = [
        track(f"m{n}", n, "Order Completed", order_id=f"o{n:02}", revenue=3) for n in range(21)
    ]
    slow, _ = remember(store, "p", orders)
    remember(store, "p", [track("r1", 99, "Order Refunded", order_id="o00", revenue=1)])
    more = [track(f"n{n}", n, "Order Completed", order_id=f"p{n:02}", revenue=3) for n in range(9)]
    remember(store, "p", more)  # o00 leaves again
    store.write(slow.leaving)
    remember(store, "p", [track("r2", 99, "Order Refunded", order_id="o00", revenue=1)])
    assert sum(revenue(profile_of(store, "p")).values()) == 30 * 3 - 2


# --- who it is about


SECRET = b"secret"


def key_of(kind: str, value: str) -> str:
    return person_key(SECRET, kind, value)


def take(store: Store, *events: Event) -> None:
    """Each event in a batch of its own."""
    for event in events:
        person = People(store, SECRET).person(event)
        remember(store, person, [event])


def user(store: Store, user_id: str) -> Profile:
    found = People(store, SECRET).by("user_id", user_id)
    assert found
    return found


def test_the_anonymous_becomes_known_on_identify_and_keeps_their_history(store: Store) -> None:
    take(
        store,
        an_event("t1", 1, type="page", anonymous_id="tab", properties={"path": "/a"}),
        an_event("t2", 2, "Signed Up", anonymous_id="tab"),
        identify("t3", 3, anonymous_id="tab", user_id="ada"),
    )
    profile = user(store, "ada")
    assert set(profile.events) == {"page", "Signed Up", "identify"}
    assert [visit.what for visit in profile.pages] == ["/a"]
    assert [event.message_id for event in timeline(store, profile)] == ["t1", "t2", "t3"]
    assert profile.created == NOON + timedelta(minutes=1)


def test_later_anonymous_events_of_a_known_device_land_on_the_known_person(store: Store) -> None:
    take(
        store,
        identify("t1", 1, anonymous_id="tab", user_id="ada"),
        an_event("t2", 2, "Visited", anonymous_id="tab"),
    )
    assert user(store, "ada").events["Visited"].count == 1


def test_events_of_before_the_merge_do_not_count_again_after_it(store: Store) -> None:
    before = [an_event(f"m{n}", n, "Visited", anonymous_id="tab") for n in range(3 * REMEMBERED)]
    take(store, *before, identify("i", 99, anonymous_id="tab", user_id="ada"))
    take(store, *before)
    assert user(store, "ada").events["Visited"].count == len(before)


def test_two_known_people_are_never_merged_by_a_shared_device(store: Store) -> None:
    take(
        store,
        identify("t1", 1, anonymous_id="kiosk", user_id="ada"),
        identify("t2", 2, anonymous_id="kiosk", user_id="bob"),
        an_event("t3", 3, "Visited", anonymous_id="kiosk", user_id="bob"),
        an_event("t4", 4, "Visited", anonymous_id="kiosk", user_id="ada"),
    )
    ada, bob = user(store, "ada"), user(store, "bob")
    assert ada.person != bob.person
    assert ada.merged == bob.merged == []
    assert ada.events["Visited"].count == bob.events["Visited"].count == 1


def test_two_known_people_are_never_merged_by_a_shared_address(store: Store) -> None:
    traits = {"email": "family@example.com"}
    take(
        store,
        identify("t1", 1, user_id="ada", traits=traits),
        identify("t2", 2, user_id="bob", traits=traits),
    )
    assert user(store, "ada").person != user(store, "bob").person


def test_somebody_known_by_address_becomes_known_by_user_id(store: Store) -> None:
    take(
        store,
        identify("t1", 1, anonymous_id="tab", traits={"email": " Ada@Example.com "}),
        an_event("t2", 2, "Visited", anonymous_id="tab"),
        identify("t3", 3, user_id="ada", traits={"email": "ada@example.com"}),
    )
    ada = user(store, "ada")
    assert ada.events["Visited"].count == 1
    assert People(store, SECRET).by("email", "ADA@example.com ") == ada
    assert People(store, SECRET).by("anonymous_id", "tab") == ada


def test_an_address_leads_to_the_person_and_nonsense_to_nobody(store: Store) -> None:
    take(store, identify("t1", 1, traits={"email": "ada@example.com"}))
    found = People(store, SECRET)
    assert found.by("email", "ada@example.com") == user(store, "ada")
    assert found.by("email", "no address") is None
    assert found.by("user_id", "") is None
    assert found.by("user_id", "nobody") is None


def test_an_alias_merges_who_was_known_as_the_previous_id(store: Store) -> None:
    take(
        store,
        an_event("t1", 1, "Visited", anonymous_id="old"),
        an_event("t2", 2, type="alias", previous_id="old"),
    )
    assert user(store, "ada").events["Visited"].count == 1


def test_a_redirect_to_somebody_not_written_yet_leads_to_that_person(store: Store) -> None:
    """A crash came after the device was linked and before the person was written."""
    People(store, SECRET).person(identify("t1", 1, anonymous_id="tab", user_id="ada"))
    take(store, an_event("t2", 2, "Visited", anonymous_id="tab"))
    assert user(store, "ada").person == key_of("user_id", "ada")
    assert user(store, "ada").events["Visited"].count == 1


def test_a_visitor_who_signs_up_in_the_first_batch_of_all_costs_no_second_try(
    world: World,
) -> None:
    page = an_event("t1", 1, type="page", anonymous_id="tab")
    sign_up = identify("t2", 2, anonymous_id="tab", user_id="ada")
    assert deliver([page, sign_up]) == []
    assert world.system.queue.size() == 0
    assert set(world.person("ada").events) == {"page", "identify"}


def test_a_ring_of_redirects_is_an_error_and_not_an_endless_loop(store: Store) -> None:
    for number in range(MOST_REDIRECTS + 1):
        store.put(Profile(person=f"p{number}", moved_to=f"p{number + 1}"))
        store.put(Permission(person=f"p{number}", moved_to=f"p{number + 1}"))
    with pytest.raises(Contended):
        find_profile(store, "p0")
    with pytest.raises(Contended):
        people.permission_of(store, "p0")


# --- a merge while a run is open


def test_a_run_that_began_anonymously_goes_on_after_the_merge_and_can_be_left(
    world: World,
) -> None:
    deliver([an_event("t1", 0, "Visited", anonymous_id="tab")])
    world.settle()
    world.customer("ada", language="de")
    deliver([identify("t2", 0, anonymous_id="tab", user_id="ada")])
    assert world.outcomes("visit") == ["open"]
    world.advance("2 days")
    assert world.outcomes("visit") == ["finished"]
    assert world.sent("ada") == ["again"]
    deliver([an_event("t3", 2 * 24 * 60, "Visited", anonymous_id="tab")])
    world.settle()
    world.track("ada", "Bye")
    assert world.outcomes("visit") == ["gone", "finished"]
    assert world.permission("ada").live == {}


def test_a_run_that_began_anonymously_can_be_left_and_released_by_the_known_person(
    world: World,
) -> None:
    deliver(
        [
            an_event("t1", 0, "Visited", anonymous_id="tab"),
            an_event("t2", 0, "Signed Up", anonymous_id="tab"),
        ]
    )
    world.settle()
    deliver([identify("t3", 1, anonymous_id="tab", user_id="ada")])
    world.advance("5 minutes")
    world.track("ada", "Bye")
    world.track("ada", "Survey Answered")
    assert world.outcomes("visit") == ["gone"]
    assert world.outcomes("greet") == ["finished"]
    assert [task["text"] for task in world.api("/api/tasks")["tasks"]] == ["Call"]


def test_an_entry_before_the_merge_and_the_same_one_after_it_are_one(world: World) -> None:
    order = {"order_id": "o1", "revenue": 1}
    deliver(
        [
            an_event("t1", 0, "Order Completed", anonymous_id="tab", properties=order),
            an_event("t2", 0, "Signed Up", anonymous_id="tab"),
        ]
    )
    world.settle()
    deliver([identify("t3", 1, anonymous_id="tab", user_id="ada")])
    deliver([track("t4", 2, "Order Completed", **order), track("t5", 2, "Signed Up")])
    world.settle()
    assert len(world.runs("after-order")) == 1
    assert len(world.runs("greet")) == 1
    deliver([an_event("t2", 0, "Signed Up", anonymous_id="tab")])
    assert len(world.runs("greet")) == 1


# --- entering and leaving


def test_once_per_person_is_once_in_a_lifetime(world: World) -> None:
    world.track("ada", "Signed Up")
    world.advance("8 days")
    done: list[str] = []
    wiring.use(Watched(done.append).parts(world.system.parts))
    world.track("ada", "Signed Up")
    assert "start" not in done
    assert world.outcomes("greet") == ["finished"]


def test_once_per_occasion_is_every_time_but_not_twice_at_a_time(world: World) -> None:
    world.track("ada", "Visited")
    world.track("ada", "Visited")
    assert world.outcomes("visit") == ["open"]
    world.advance("2 days")
    world.track("ada", "Visited")
    assert world.outcomes("visit") == ["open", "finished"]


def test_once_per_property_is_once_for_each_value_and_several_go_on_at_a_time(
    world: World,
) -> None:
    for order_id in ("o1", "o2", "o1"):
        world.order("ada", order_id, "ink")
    assert world.outcomes("after-order") == ["open", "open"]
    world.advance("4 days")
    world.order("ada", "o2", "ink")
    assert world.outcomes("after-order") == ["finished", "finished"]


def test_an_event_without_the_property_lets_nobody_in(world: World) -> None:
    world.track("ada", "Order Completed", revenue=1)
    world.track("ada", "Order Completed", revenue=1, order_id="")
    assert world.runs("after-order") == []


def test_once_per_length_is_again_after_that_time(world: World) -> None:
    world.track("ada", "Looked")
    world.advance("6 days")
    world.track("ada", "Looked")
    assert len(world.runs("weekly")) == 1
    world.advance("1 day")
    world.track("ada", "Looked")
    assert len(world.runs("weekly")) == 2


@pytest.mark.parametrize(("late", "runs"), [(timedelta(days=1), 1), (timedelta(days=1.01), 0)])
def test_an_event_older_than_a_day_starts_no_journey(
    world: World, late: timedelta, runs: int
) -> None:
    event = track("t1", 0, "Visited")
    deliver([msgspec.structs.replace(event, received_at=event.time + late)])
    assert len(world.runs("visit")) == runs
    assert world.person("ada").events["Visited"].count == 1


def test_time_that_an_event_spent_in_our_own_queue_does_not_make_it_too_old(world: World) -> None:
    world.advance("3 days")
    deliver([track("t1", 0, "Visited")])
    assert len(world.runs("visit")) == 1


def test_an_exit_event_older_than_the_entry_does_not_exit(world: World) -> None:
    deliver([track("t1", 10, "Order Completed", order_id="o1")])
    deliver([track("t2", 9, "Order Refunded", order_id="o1")])
    assert world.outcomes("after-order") == ["open"]
    deliver([track("t3", 10, "Order Refunded", order_id="o1")])
    assert world.outcomes("after-order") == ["refunded"]


def test_an_exit_event_that_overtakes_the_entry_ends_the_run_all_the_same(world: World) -> None:
    """Queues do not keep the order: what happened later may come first."""
    deliver([track("t2", 11, "Order Refunded", order_id="o1")])
    deliver([track("t1", 10, "Order Completed", order_id="o1")])
    world.settle()
    assert world.outcomes("after-order") == ["refunded"]
    world.advance("4 days")
    assert world.sent("ada") == []


def test_the_entering_event_redelivered_lets_nobody_in_again(world: World) -> None:
    event = track("t1", 0, "Visited")
    deliver([event])
    world.settle()
    deliver([event])
    world.advance("2 days")
    deliver([event])
    assert world.outcomes("visit") == ["finished"]
    assert world.permission("ada").live == {}


def test_an_exit_of_one_order_leaves_the_others_alone(world: World) -> None:
    for order_id in ("o1", "o2"):
        world.order("ada", order_id, "ink")
    world.advance("5 minutes")
    world.track("ada", "Order Refunded", order_id="o1")
    assert sorted(world.outcomes("after-order")) == ["open", "refunded"]


def test_after_an_exit_nothing_more_is_sent(world: World) -> None:
    world.customer("ada", language="de")
    world.order("ada", "o1", "ink")
    world.advance("1 day")
    world.track("ada", "Order Refunded", order_id="o1")
    world.advance("9 days")
    assert world.sent("ada") == []
    assert world.system.workflow.engine.next_due() is None


def test_by_one_event_people_leave_then_waits_are_released_then_people_enter(
    tmp_path: Path, journeys: Path
) -> None:
    folder = tmp_path / "journeys"
    shutil.copytree(journeys, folder)
    texts = {
        "a-enters": "enter when: {event: Now}\nonce per: occasion\nsteps: [{wait: 1 day}]",
        "m-leaves": "enter when: {event: First}\nonce per: occasion\n"
        "leave when: [{event: Now, as: now}]\n"
        "steps: [{wait for: {event: Now}, at most: 9 days, then: [{task: Never, for: sales}]}]",
        "z-waits": "enter when: {event: First}\nonce per: occasion\n"
        "steps: [{wait for: {event: Now}, at most: 9 days, then: [{task: Go, for: sales}]}]",
    }
    for name, text in texts.items():
        (folder / name).mkdir()
        (folder / name / "journey.yaml").write_text(f"title: x\npurpose: transactional\n{text}\n")
    world = World(tmp_path / "data", folder)
    world.track("ada", "First")
    world.advance("5 minutes")
    done: list[str] = []
    parts = world.system.parts
    wiring.use(Watched(done.append).parts(parts))
    deliver([track("now", 5, "Now")])
    wiring.use(parts)
    assert [name for name in done if name in EFFECTS] == ["stop", "succeed", "start"]
    world.settle()
    assert world.outcomes("m-leaves") == ["now"]
    assert world.outcomes("z-waits") == ["finished"]
    assert world.outcomes("a-enters") == ["open"]
    assert [task["text"] for task in world.api("/api/tasks")["tasks"]] == ["Go"]
    wiring.use(None)


def test_the_event_that_lets_in_neither_lets_out_nor_releases(
    tmp_path: Path, journeys: Path
) -> None:
    folder = tmp_path / "journeys"
    shutil.copytree(journeys, folder)
    (folder / "self").mkdir()
    (folder / "self" / "journey.yaml").write_text(
        "title: x\npurpose: transactional\nenter when: {event: Now}\nonce per: person\n"
        "leave when: [{event: Now, as: now}]\nsteps: [{wait for: {event: Now}, at most: 9 days}]\n"
    )
    world = World(tmp_path / "data", folder)
    event = track("t1", 0, "Now")
    parts = world.system.parts
    wiring.use(Watched(nothing, At(1, raising(Crash()), ("start",))).parts(parts))
    with pytest.raises(Crash):
        deliver([event])
    wiring.use(parts)
    world.settle()
    deliver([event])  # now the run is there, and waits
    world.settle()
    assert world.outcomes("self") == ["open"]
    assert world.runs("self")[0]["waits_for"] == "wait for Now"
    wiring.use(None)


# --- poison


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not JSON",
        "[]",
        '{"events": 1}',
        '{"events": [{"type": "track"}]}',
        '{"events": [',
        '{"Message": "[]"}',
        '{"Message": "{"}',
        json.dumps(
            {
                "eventType": "Open",
                "mail": {
                    "tags": {"person": ["p"], "run": ["r"], "send": ["s"]},
                    "timestamp": "now",
                },
            }
        ),
    ],
)
def test_an_unreadable_message_is_buried_with_its_reason_and_the_rest_is_done(
    world: World, body: str
) -> None:
    good = records([track("t1", 1, "Signed In")])[0]
    bad = {"messageId": "bad", "body": body}
    answer = process_event.handler({"Records": [bad, good]}, None)
    assert answer == {"batchItemFailures": []}
    ((_, reason, buried),) = world.system.queue.dead()
    assert buried == body.encode()
    assert reason.startswith("not an event batch: ")
    assert world.person("ada").events["Signed In"].count == 1


@given(st.text() | st.recursive(st.none() | st.text(), lambda v: st.lists(v) | st.dictionaries(
    st.sampled_from(["events", "Message", "eventType", "mail", "tags", "open", "timestamp"]), v
)).map(json.dumps))  # fmt: skip
@example("[" * 100_000)
def test_a_message_is_read_or_refused_and_never_anything_else(body: str) -> None:
    try:
        process_event.read(body)
    except msgspec.DecodeError:
        return


class Poisoned:
    """A store that cannot keep anything of one person."""

    def __init__(self, inner: Store, person: str) -> None:
        self._inner, self._person = inner, person

    def put(self, record: Any) -> None:
        if getattr(record, "person", "") == self._person:
            raise ValueError("this cannot be kept")
        self._inner.put(record)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def test_an_event_that_always_fails_is_sent_on_and_buried_after_the_fifth_attempt(
    world: World,
) -> None:
    parts = world.system.parts
    bad_key = person_key(parts.settings.identity_key, "user_id", "bad")
    sent: list[bytes] = []
    store: Any = Poisoned(world.store, bad_key)
    wiring.use(replace(parts, store=store, send_events=lambda bodies, delay: sent.extend(bodies)))
    bad = an_event("b1", 1, "Signed In", user_id="bad")
    assert deliver([track("t1", 1, "Signed In"), bad], [track("t2", 1, "Signed In")]) == []
    assert world.person("ada").events["Signed In"].count == 2
    for attempt in range(1, MOST_ATTEMPTS):
        (body,) = sent
        sent.clear()
        batch = msgspec.json.decode(body, type=EventBatch)
        assert [event.message_id for event in batch.events] == ["b1"]
        assert batch.attempt == attempt
        assert batch.reason == "ValueError: this cannot be kept"
        assert world.system.queue.dead() == []
        process_event.handler({"Records": [{"messageId": "1", "body": body.decode()}]}, None)
    assert sent == []
    ((_, reason, body),) = world.system.queue.dead()
    assert reason == "ValueError: this cannot be kept"
    batch = msgspec.json.decode(body, type=EventBatch)
    assert (batch.attempt, batch.events) == (MOST_ATTEMPTS, [bad])


def test_an_event_that_always_fails_does_not_take_the_persons_other_events_with_it(
    world: World,
) -> None:
    class NoRow:
        """A store that cannot keep the row of one event."""

        def write(self, rows: Any) -> None:
            if any(getattr(row, "event", None) == bad for row in rows):
                raise ValueError("this cannot be kept")
            world.store.write(rows)

        def __getattr__(self, name: str) -> Any:
            return getattr(world.store, name)

    bad = track("t1", 1, "Odd")
    store: Any = NoRow()
    wiring.use(replace(world.system.parts, store=store))
    assert deliver([bad, track("t2", 2, "Signed Up"), track("t3", 3, "Visited")]) == []
    world.settle()
    assert [event.event for event in timeline(world.store, world.person("ada"))] == [
        "Signed Up",
        "Visited",
    ]
    assert len(world.runs("greet")) == len(world.runs("visit")) == 1
    ((_, _, body),) = world.system.queue.dead()
    assert msgspec.json.decode(body, type=EventBatch).events == [bad]


def test_when_failing_events_cannot_even_be_sent_on_the_messages_are_left_to_the_queue(
    world: World,
) -> None:
    parts = world.system.parts
    bad_key = person_key(parts.settings.identity_key, "user_id", "bad")

    def no_queue(bodies: list[bytes], delay: int) -> None:
        raise wiring.Busy

    store: Any = Poisoned(world.store, bad_key)
    wiring.use(replace(parts, store=store, send_events=no_queue))
    bad = an_event("b1", 1, "Signed In", user_id="bad")
    assert deliver([bad], [track("t1", 1, "Signed In")]) == ["0", "1"]
    wiring.use(parts)
    assert deliver([bad], [track("t1", 1, "Signed In")]) == []
    for name in ("ada", "bad"):
        assert world.person(name).events["Signed In"].count == 1


def test_a_consent_that_cannot_be_used_is_buried_with_its_reason_and_its_event_counts(
    world: World,
) -> None:
    event = msgspec.structs.replace(track("t1", 1, "Consent Given", purposes=["offers"]))
    event.trusted = False
    deliver([event, track("t2", 2, "Signed Up")])
    ((_, reason, body),) = world.system.queue.dead()
    assert "not trusted to speak" in reason
    assert msgspec.json.decode(body, type=EventBatch).reason == reason
    assert world.permission("ada").consents == {}
    assert set(world.person("ada").events) == {"Consent Given", "Signed Up"}
    assert len(world.runs("greet")) == 1


def test_no_message_is_sent_twice_whatever_is_delivered_again(world: World) -> None:
    world.customer("ada", language="de")
    event = track("t1", 0, "Signed Up")
    for _ in range(3):
        deliver([event])
        world.settle()
    assert len(world.outbox()) == 1
    (message,) = world.store.query(Message, world.person("ada").person)
    assert message.state == "sent"


# --- somebody is too busy for us


class Throttled:
    """A store that is too busy after so many calls, and counts those it got."""

    def __init__(self, inner: Store, after: int) -> None:
        self._inner, self._left, self.calls = inner, after, 0

    def __getattr__(self, name: str) -> Any:
        def call(*of: Any, **more: Any) -> Any:
            self.calls += 1
            self._left -= 1
            if self._left < 0:
                raise Unavailable("DynamoDB: ThrottlingException")
            return getattr(self._inner, name)(*of, **more)

        return call


Sent = list[tuple[EventBatch, int]]


def throttled(world: World, after: int) -> tuple[Throttled, Sent]:
    store, sent = Throttled(world.store, after), Sent()

    def send(bodies: list[bytes], delay: int) -> None:
        sent.extend((msgspec.json.decode(body, type=EventBatch), delay) for body in bodies)

    parts: Any = world.system.parts
    wiring.use(replace(parts, store=store, send_events=send))
    return store, sent


def test_when_the_store_is_too_busy_all_that_is_left_comes_again_together_and_later(
    world: World,
) -> None:
    people = [an_event(f"m{n}", n, "Signed In", user_id=f"u{n}") for n in range(30)]
    store, sent = throttled(world, after=60)
    assert deliver(people) == []
    done = [n for n in range(30) if world.store.get(Profile, person_key_of(world, f"u{n}"))]
    assert 0 < len(done) < 30
    [(batch, delay)] = sent
    left = {event.message_id for event in batch.events}
    assert left | {f"m{n}" for n in done} == {f"m{n}" for n in range(30)}
    assert (batch.attempt, batch.put_off) == (0, 1)
    assert 10 <= delay <= 30
    assert store.calls == 61, "it did not go on hammering"


def person_key_of(world: World, user: str) -> str:
    return person_key(world.system.parts.settings.identity_key, "user_id", user)


def test_what_is_put_off_waits_longer_each_time_and_is_given_up_after_about_a_day(
    world: World,
) -> None:
    _, sent = throttled(world, after=0)
    event, waited, rounds = an_event("m1", 1, "Signed In", user_id="u1"), 0, 0
    batch = EventBatch([event])
    while True:
        body = msgspec.json.encode(batch).decode()
        process_event.handler({"Records": [{"messageId": "1", "body": body}]}, None)
        if not sent:
            break
        batch, delay = sent.pop()
        assert delay >= min(900, waited and 1)
        waited, rounds = waited + delay, rounds + 1
        assert delay <= 900
    assert 12 * 3600 < waited < 36 * 3600
    assert rounds < 110
    ((_, reason, _),) = world.system.queue.dead()
    assert reason == "Unavailable: DynamoDB: ThrottlingException"


def test_being_put_off_is_no_failed_attempt(world: World) -> None:
    _, sent = throttled(world, after=0)
    batch = EventBatch([an_event("m1", 1, "Signed In", user_id="u1")], attempt=3, reason="was bad")
    body = msgspec.json.encode(batch).decode()
    process_event.handler({"Records": [{"messageId": "1", "body": body}]}, None)
    [(again, _)] = sent
    assert (again.attempt, again.put_off) == (3, 1)


def test_a_person_whom_others_keep_changing_holds_nobody_else_up(world: World) -> None:
    bad_key = person_key_of(world, "bad")

    class Busy(Poisoned):
        def put(self, record: Any) -> None:
            if getattr(record, "person", "") == bad_key:
                raise Conflict("somebody was faster")
            self._inner.put(record)

    store: Any = Busy(world.store, bad_key)
    sent: Sent = []

    def send(bodies: list[bytes], delay: int) -> None:
        sent.extend((msgspec.json.decode(body, type=EventBatch), delay) for body in bodies)

    wiring.use(replace(world.system.parts, store=store, send_events=send))
    bad = an_event("b1", 1, "Signed In", user_id="bad")
    assert deliver([bad, track("t1", 1, "Signed In")]) == []
    assert world.person("ada").events["Signed In"].count == 1
    [(batch, _)] = sent
    assert ([event.message_id for event in batch.events], batch.put_off) == (["b1"], 1)


def test_many_events_that_are_put_off_fit_into_as_many_messages_as_they_need(
    world: World,
) -> None:
    _, sent = throttled(world, after=0)
    note = {"note": "x" * 30_000}
    large = [an_event(f"m{n}", n, "Signed In", user_id=f"u{n}", properties=note) for n in range(20)]
    assert deliver(large) == []
    assert len(sent) > 1
    assert sum(len(batch.events) for batch, _ in sent) == 20
    assert all(len(msgspec.json.encode(batch)) <= MESSAGE_LIMIT for batch, _ in sent)
