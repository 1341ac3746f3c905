"""The whole of Tante in the cloud, simulated: real handlers, disturbed parts, one seed."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import msgspec

from functions.channels import received_text
from functions.handlers import (
    compare_runs,
    erasing,
    process_event,
    publish_journey,
    settle_messages,
    start_run,
    undoing,
    wiring,
)
from functions.handlers.desk import journey_desk
from functions.handlers.standing import order_moves
from functions.journeys.moving import find
from functions.journeys.resume import go_on
from functions.journeys.run import Run
from functions.journeys.workflow import MoveAll
from functions.settings import Settings
from functions.storage.erasing import erasures_of
from functions.storage.library import Library
from functions.storage.people import People
from functions.storage.store import Store
from functions.storage.unmerge import merges_of
from functions.tracking.erasure import Erasure
from functions.tracking.event import Event, EventBatch
from functions.tracking.identity import person_key
from functions.tracking.message import Message
from functions.tracking.permission import Permission
from functions.tracking.profile import TimelineRow
from functions.tracking.source import Source
from local.sqlite_store import SqliteStore
from tests.faults import journeys
from tests.faults.chance import Chance
from tests.faults.disturbed_store import DisturbedStore
from tests.faults.lambdas import Invocation, Lambdas
from tests.faults.loop import START, Loop, us
from tests.faults.provider import Provider
from tests.faults.sqs import Letter, Queue
from tests.faults.step_functions import TRIES, StepFunctions

SETTINGS = Settings(
    stage="prod",
    public_url="https://tante.example",
    identity_key=b"identity",
    link_keys={"1": b"link"},
)
WRITE_KEY = "write-key"
SOURCE = Source(key_hash="", name="shop", trusted=True)
SENDING = ("error", "lost answer", "crash before", "crash after", "delay")
HOUR, DAY = 3600, 86_400


@cache
def published() -> bytes:
    """A database in which the first versions are published and nothing else has happened."""
    store = SqliteStore(":memory:")
    publish_first(store)
    return store.connection.serialize()


def publish_first(store: Store) -> None:
    """Publish the first versions, with nothing in the way."""
    one = Simulation("publish", store)
    one.chance.off = True
    one.publish(1)
    one.loop.run(us(60))
    assert one.seen.published, "publishing failed"


def new_store() -> SqliteStore:
    """A store of its own with the first versions."""
    store = SqliteStore(":memory:")
    store.connection.deserialize(published())
    return store


class Seen:
    """What can be seen from outside, in its order: answers, messages, what queues have done."""

    def __init__(self) -> None:
        self.count = 0
        self.accepted: dict[str, int] = {}  # event -> when it was answered with 200
        self.stored: dict[str, set[datetime]] = {}  # event -> acceptances that its row was made of
        self.done: dict[str, int] = {}  # event -> when a Lambda said for the first time it is done
        self.done_time: dict[str, int] = {}
        self.claims: dict[str, list[tuple[int, int]]] = {}  # message -> when let go: count, time
        self.unknown: set[str] = set()  # messages of which it was not known whether they went
        self.claimed_in: dict[str, str] = {}  # message -> the permission item that knows it
        self.published: dict[int, tuple[int, int]] = {}  # version -> time from, until
        self.moved: dict[str, dict[int, int]] = {}  # run -> when each generation began
        self.withdrawn: list[tuple[int, float, str]] = []  # when: count, seconds; address
        self.stopped: list[tuple[str, float, str]] = []  # text, when it was sent, number
        self.runs: dict[str, str] = {}  # run -> the event that let in
        self.sends: dict[str, str] = {}  # message -> its run
        self.erasing: dict[str, int] = {}  # user -> when an admin asked for the first time
        self.erased: dict[str, tuple[int, float]] = {}  # user -> acknowledged when: count, seconds
        self.survivors: list[str] = []  # executions of people of whom all ought to be erased

    def next(self) -> int:
        """The number of the next thing seen."""
        self.count += 1
        return self.count

    def watch(self, record: Any, time: int) -> None:
        """Note what a written record shows for the first time."""
        match record:
            case TimelineRow(event=event):
                self.stored.setdefault(event.message_id, set()).add(event.received_at)
            case Message():
                self.sends[record.send_id] = record.run_id
                if record.state == "unknown":
                    self.unknown.add(record.send_id)
            case Run():
                self.runs[record.run_id] = record.entry.message_id
                if record.generation:
                    began = self.moved.setdefault(record.run_id, {})
                    began.setdefault(record.generation, time)
            case Permission():
                self._watch_claims(record, time)

    def _watch_claims(self, record: Permission, time: int) -> None:
        here = {claim.send_id for claim in record.claims}
        for send_id, where in list(self.claimed_in.items()):
            if where == record.person and send_id not in here and not record.moved_to:
                del self.claimed_in[send_id]
        for send_id in sorted(here):
            if send_id not in self.claimed_in:
                self.claims.setdefault(send_id, []).append((self.next(), time))
            if not record.moved_to:
                self.claimed_in[send_id] = record.person


class _LibraryAtHand:
    """The library of the Lambda that is at work: each warm environment has its own."""

    def __init__(self, simulation: "Simulation") -> None:
        self._simulation = simulation

    def __getattr__(self, name: str) -> Any:
        return getattr(self._simulation.library(), name)


class Simulation:
    """One world. `store` keeps the records; the rest is made of seed and allowed faults."""

    def __init__(
        self,
        seed: int | str,
        store: Store | None = None,
        allowed: Collection[str] | None = None,
    ) -> None:
        self.loop = Loop()
        self.chance = Chance(seed, allowed)
        self.trace: list[tuple[int, str, str]] = []
        self.seen = Seen()
        self.lambdas = Lambdas(self.loop, self.chance, self.trace)
        self.bare = store or new_store()
        self.store = DisturbedStore(self.bare, self.lambdas, self._watch)
        self._idle: dict[str, list[Library]] = {}
        self._at_work: dict[Invocation, Library] = {}
        self._plain = self._new_library()
        self.events = Queue(
            self.lambdas,
            self.chance,
            "process_event",
            lambda event, context: process_event.handler(event, context),
            5,
            self._done,
        )
        self.starts = Queue(
            self.lambdas,
            self.chance,
            "start_run",
            _start_run,
            20,
            lambda letters, invocation: None,
            at_once=2,
        )
        self.states = StepFunctions(self.lambdas, self.chance, journeys.machine, self.starts.send)
        self.provider = Provider(self.lambdas, self.chance, self.seen.next, self.events.send)
        self.migrated = False
        self.last_body = b""  # of the event queue
        self._named: dict[str, int] = {}
        self.passed_on: dict[str, set[str]] = {}  # invocation -> events that it did not do
        self.parts = self._parts()
        wiring.use(self.parts)

    def _parts(self) -> wiring.Parts:
        return wiring.Parts(
            settings=SETTINGS,
            store=self.store,  # type: ignore[arg-type]
            library=_LibraryAtHand(self),  # type: ignore[arg-type]
            workflow=self.states.workflow,
            machines=self.states.machines,
            channels={"email": self.provider.channel("email"), "sms": self.provider.channel("sms")},
            now=self.lambdas.now,
            send_events=self._send_events,
            send_starts=self._send_starts,
            send_tells=_no_admin,
            publisher=_no_admin,
            bury=self._bury,
            search_dead=self._search_dead,
            source=lambda write_key: SOURCE if write_key == WRITE_KEY else None,
        )

    def _watch(self, record: Any) -> None:
        self.seen.watch(record, self.loop.time)
        if isinstance(record, Erasure) and record.done:
            self.seen.survivors += [
                history.name
                for history in self.states.histories.values()
                if history.status == "RUNNING"
                and history.person in record.keys
                and START + timedelta(microseconds=history.started) <= record.asked
            ]

    # --- what Lambdas are given

    def library(self) -> Library:
        working = self.loop.current
        if not isinstance(working, Invocation):
            return self._plain
        if working not in self._at_work:
            idle = self._idle.setdefault(working.function, [])
            self._at_work[working] = idle.pop() if idle else self._new_library()
            working.at_end.append(self._give_back)
        return self._at_work[working]

    def _give_back(self, invocation: Invocation) -> None:
        """A Lambda that did not die is used again, with what it remembers."""
        library = self._at_work.pop(invocation)
        if invocation.state in ("done", "failed"):
            self._idle[invocation.function].append(library)

    def _new_library(self) -> Library:
        made = Library(self.store, lambda: self.loop.time / us(1))  # type: ignore[arg-type]
        made._versions = journeys.versions()
        return made

    def _send_events(self, bodies: list[bytes], delay: int = 0) -> None:
        working = self.loop.current

        def send(some: list[bytes]) -> Callable[[], None]:
            def act() -> None:
                for body in some:
                    self.last_body = body
                    self._pass_on(working, body)
                    self.events.send(body, self._name(body), delay)

            return act

        def half() -> None:
            send(bodies[: len(bodies) // 2])()
            raise wiring.Busy

        kinds = (*SENDING, "half") if len(bodies) > 1 else SENDING
        self.lambdas.disturb("queue", f"send {len(bodies)}", send(bodies), kinds, {"half": half})

    def _name(self, body: bytes) -> str:
        """A name for a message by which people find its events in a trace."""
        name = " ".join(event_ids(body)[:3]) or "order"
        number = self._named[name] = self._named.get(name, 0) + 1
        return f"{name}~{number}" if number > 1 else name

    def _send_starts(self, bodies: list[bytes], delay: int = 0) -> None:
        def act() -> None:
            for body in bodies:
                self.starts.send(body, delay=delay)

        self.lambdas.disturb("queue", f"send {len(bodies)} starts", act, SENDING)

    def _bury(self, body: bytes, reason: str) -> None:
        working = self.loop.current

        def act() -> None:
            if "Consent" not in reason:
                self._pass_on(working, body)
            self.events.bury(body, reason)

        self.lambdas.disturb("queue", "bury", act, SENDING)

    def _search_dead(self, less: wiring.Less) -> int:
        found: int = self.lambdas.disturb(
            "queue", "search the dead letters", lambda: self.events.search(less), SENDING
        )
        return found

    def _pass_on(self, working: Any, body: bytes) -> None:
        if isinstance(working, Invocation) and working.function == "process_event":
            self.passed_on.setdefault(working.name, set()).update(event_ids(body))

    def _done(self, letters: list[Letter], invocation: Invocation) -> None:
        """A Lambda says of these messages that they are done, but for what it passed on.

        What a client sent again has nothing to do: done is what was stored as it was accepted.
        """
        not_done = self.passed_on.get(invocation.name, set())
        for letter in letters:
            events = events_of(letter.body)
            stored = [
                event.message_id
                for event in events
                if event.received_at in self.seen.stored.get(event.message_id, ())
            ]
            if not events and not_done.isdisjoint(ids_of(letter.body)):
                stored = [letter.name]
            for event_id in stored:
                if event_id not in not_done and event_id not in self.seen.done:
                    self.seen.done[event_id] = self.seen.next()
                    self.seen.done_time[event_id] = self.loop.time

    # --- what happens by itself

    def keep_clocks(self, until: int) -> None:
        """The rules that call Lambdas: hourly settling (here every six hours), daily comparing."""
        self._every(6 * HOUR, until, "settle_messages", lambda: settle_messages.handler({}, None))
        self._every(DAY, until, "compare_runs", lambda: compare_runs.handler({}, None))

    def _every(self, period: int, until: int, name: str, work: Callable[[], Any]) -> None:
        def call() -> None:
            self._call(name, work)
            if self.loop.time + us(period) <= until:
                self.loop.after(period, call)

        self.loop.after(period, call)

    def _call(self, name: str, work: Callable[[], Any], tries: int = TRIES) -> None:
        """As a rule calls a Lambda: one that fails is called again a minute later, twice."""

        def done(invocation: Invocation) -> None:
            if invocation.state != "done" and tries > 1:
                self.loop.after(60, lambda: self._call(name, work, tries - 1))

        self.lambdas.call(name, work, done, limit=300)

    def publish(self, version: int, tries: int = 20, migrate: bool = False) -> None:
        """Deploy this version of the folder; who deploys tries again until it works. With
        `migrate` those under way go on in it, at the steps that stand where theirs stood."""
        began = self.loop.time
        self.migrated |= migrate

        def work() -> None:
            done = publish_journey.publish(self.parts, journeys.folder(version))
            for name, new, _ in done if migrate else ():
                order_moves(self.parts, MoveAll(name, new, journeys.same_places(name, version)))

        def done(invocation: Invocation) -> None:
            if invocation.state == "done":
                self.seen.published[version] = (began, self.loop.time)
            elif tries:
                self.loop.after(30, lambda: self.publish(version, tries - 1, migrate))

        self.lambdas.call(
            f"publish_journey [{version}]",
            work,
            done,
            limit=240,
        )

    def move(self) -> None:
        """Let every run that is open go on in a new execution where it stands."""
        self._call("move_runs", self._move)

    def _move(self) -> None:
        desk = journey_desk(self.parts)
        for name in journeys.EXPECTED:
            for run in self.store.listing(Run, name)[0]:
                journey = desk.version(name, run.journey_version)
                place = find(self.states.machines, journey, run)
                if run.status == "open" and place:
                    at, until, since, number = place
                    go_on(
                        desk,
                        run,
                        at=at,
                        until=until,
                        since=since,
                        version=run.journey_version,
                        now=self.parts.now(),
                        number=number,
                    )

    def undo(self, device: str) -> None:
        """An admin parts a device from the person whom it became, if it has by then."""
        self._call("undo_merge", lambda: self._undo(device))

    def _undo(self, device: str) -> None:
        profile = People(self.store, SETTINGS.identity_key).by("anonymous_id", device)  # type: ignore[arg-type]
        for merge in merges_of(self.store, profile) if profile else ():  # type: ignore[arg-type]
            if merge.value == device:
                undoing.ask(self.parts, merge)

    def erase(self, user: str) -> Erasure | None:
        """What an admin's order comes to; None: nobody is known as this user yet."""
        key = person_key(SETTINGS.identity_key, "user_id", user)
        return erasing.order(self.parts, key, "")

    def erasures(self, user: str) -> list[Erasure]:
        """Those of a user, newest first, as they stand."""
        return erasures_of(self.bare, person_key(SETTINGS.identity_key, "user_id", user))

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is under way but what waits in executions."""
        return not (
            self.events.letters or self.starts.letters or self.provider.coming or self.states.coming
        )


def _no_admin(order: dict[str, Any]) -> dict[str, Any]:
    raise AssertionError("nobody asks the admin API here")


def _start_run(event: dict[str, Any], context: Any) -> Any:
    # Each Lambda has a processor of its own; here two of them share a process.
    start_run.processor = start_run.BatchProcessor(
        event_type=start_run.EventType.SQS, raise_on_entire_batch_failure=False
    )
    return start_run.handler(event, context)


_batches = msgspec.json.Decoder(EventBatch)


def events_of(body: bytes) -> list[Event]:
    """The events of a message of ours; none of a receipt or of nonsense."""
    if not body.startswith(b'{"events"'):
        return []
    try:
        return _batches.decode(body).events
    except msgspec.DecodeError:
        return []


def ids_of(body: bytes) -> list[str]:
    """Those of what a receipt or a text becomes, if it is one."""
    text = body.decode()
    try:
        received = received_text.read(text)
        if received:
            return [f"text-{word}-{received.id}" for word in ("received", "withdrawn", "given")]
        return [event.message_id for event in process_event.read(text).events]
    except (msgspec.DecodeError, received_text.NotAText):
        return []


def event_ids(body: bytes) -> list[str]:
    """Their ids."""
    return [event.message_id for event in events_of(body)]
