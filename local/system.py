"""The whole system on one machine: the same handlers on embedded parts."""

import fcntl
import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import monotonic
from typing import IO, Any

from functions.channels.outbox import Outbox
from functions.folder import read_folder
from functions.handlers import (
    count_people,
    find_due,
    learn_products,
    process_event,
    publish_journey,
    publisher,
    start_run,
    tell_webhooks,
    wiring,
)
from functions.handlers.aws_channels import kept
from functions.settings import Settings
from functions.storage.library import Library
from functions.storage.read_source import find_source
from local.clock import Clock, in_real_time
from local.due import next_look
from local.forecast_process import begin
from local.keys import FIRST_SOURCE, Keys, add_source, open_keys
from local.queue import Queue
from local.scrub import scrub
from local.sqlite_store import SqliteStore
from local.workflow import LocalWorkflow

logger = logging.getLogger("tante")
MESSAGES_AT_A_TIME = 10
TRANSITIONS_AT_A_TIME = 200
LONGEST_NAP = 0.5
FIRST_COUNT = timedelta(hours=1)  # of everybody
COUNT_SHARE = 20  # times as long as a census takes it is let be, on days that fly


class InUse(Exception):
    """Another process works on this data folder."""


@dataclass
class Jump:
    """An order to move the clock on; `moment` is set when it is its turn."""

    length: timedelta
    done: threading.Event
    moment: datetime | None = None


class System:
    """One worker thread does what Lambda and Step Functions do in the cloud.

    Everything that a round of work changes in records and executions is committed at once;
    only then are its messages deleted, so a crash at any moment repeats the round.
    """

    def __init__(self, data: Path, journeys: Path, url: str, start: datetime | None = None) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self.data, self._journeys = data, journeys
        self.keys, self.keys_are_new = open_keys(data / "keys.json")
        self.clock = Clock(data / "clock.json", start)
        self.queue = Queue(data / "queue.db")
        self.starts = Queue(data / "starts.db", self.queue.arrived)
        self.tells = Queue(data / "tells.db", self.queue.arrived)
        self.store = SqliteStore(data / "tante.db")
        self._at: datetime | None = None  # virtual now of what is being done
        self._next_count = self.clock.now() + FIRST_COUNT
        self._rest_until = 0.0  # real time, of `monotonic`: no census before
        self._working_thread = 0
        self._worker = threading.Thread(target=self._work, name="worker", daemon=True)
        self._orders: list[Jump] = []
        self._stopping = threading.Event()
        self._scrubs: set[Queue | SqliteStore] = set()  # are to forget what was deleted
        library = Library(self.store, monotonic)
        self.workflow = LocalWorkflow(self.store, library, self.now, secrets.token_hex(4))
        self.parts = self._parts(url, library, self.keys)
        wiring.use(self.parts)
        add_source(self.store, self.keys.write_key, FIRST_SOURCE, True, self.now())

    def _parts(self, url: str, library: Library, keys: Keys) -> wiring.Parts:
        settings = Settings(
            stage="local",
            public_url=url,
            identity_key=bytes.fromhex(keys.identity_key),
            link_keys={"1": bytes.fromhex(keys.link_key)},
            admin_key_hash=keys.admin_key_hash,
        )

        def keep(channel: str) -> Outbox:
            return Outbox(lambda message: self.store.write([kept(channel, message, self.now())]))

        return wiring.Parts(
            settings=settings,
            store=self.store,
            library=library,
            workflow=self.workflow.functions,
            machines=self.workflow.machines,
            channels={name: keep(name) for name in ("email", "sms", "webhook")},
            now=self.now,
            send_events=self.queue.send,
            send_starts=self.starts.send,
            send_tells=self.tells.send,
            publisher=lambda order: publisher.answer(self.parts, order),
            bury=self._bury,
            source=lambda write_key: find_source(self.store, write_key),
            forecast=lambda forecast_id: begin(self.data, forecast_id),
            search_dead=self.queue.search_dead,
            scrub=self._scrub_soon,
        )

    def _scrub_soon(self, records: bool) -> None:
        self._scrubs |= {self.queue, self.starts, self.tells, *([self.store] if records else ())}

    def _bury(self, body: bytes, reason: str) -> None:
        logger.warning("set aside: %s", reason)
        self.queue.bury(body, reason)

    def now(self) -> datetime:
        """The clock's time; for the worker, the moment at which what it does is due."""
        if self._at is not None and threading.get_ident() == self._working_thread:
            return self._at
        return self.clock.now()

    def publish(self) -> list[tuple[str, str, bool]]:
        """Publish the journeys of the folder. Raises Problems."""
        folder = read_folder(self._journeys)
        with self.store.together():
            return publish_journey.publish(self.parts, folder)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Work until the block ends. Raises InUse."""
        held = _lock(self.data)
        self._worker.start()
        try:
            yield
        finally:
            self._stopping.set()
            self.queue.arrived.set()
            self._worker.join()
            held.close()

    def advance(self, length: timedelta) -> datetime:
        """Move the clock on and do all that falls due on the way, in its order; then return."""
        done = threading.Event()
        self._orders.append(Jump(length, done))
        self.queue.arrived.set()
        while not done.wait(1):
            if not self._worker.is_alive():
                raise RuntimeError("the worker has stopped; the log says why")
        return self.clock.now()

    def status(self) -> dict[str, Any]:
        """What the page shows of the clock."""
        due = self._next_due()
        return {
            "now": self.clock.now().isoformat(),
            "speed": self.clock.speed,
            "waiting": self.queue.size() + self.starts.size() + self.tells.size(),
            "set_aside": len(self.queue.dead()),
            "next_due": due.isoformat() if due else None,
        }

    # --- the worker

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                self.catch_up(self.clock.now())
                if self._orders:
                    self._jump(self._orders[0])
                    self._orders.pop(0)
                    continue
            except Exception:
                logger.exception("a round of work failed and will be repeated")
                self._stopping.wait(1)
            self._nap()

    def _jump(self, jump: "Jump") -> None:
        jump.moment = jump.moment or self.clock.now() + jump.length
        self.catch_up(jump.moment)
        self.clock.move_to(jump.moment)
        jump.done.set()

    def _nap(self) -> None:
        """Sleep until something arrives or falls due."""
        due = self._next_due()
        nap = LONGEST_NAP
        if due:
            nap = min(nap, in_real_time(due - self.clock.now(), self.clock.speed))
        self.queue.arrived.wait(max(0.002, nap))
        self.queue.arrived.clear()

    def catch_up(self, moment: datetime) -> None:
        """Do what is due up to a moment: events first, then what the engine has for its time.

        By one thread only: the worker, or a test that has none.
        """
        self._working_thread = threading.get_ident()
        while not self._stopping.is_set():
            if self._round(self._events, self.queue) or self._round(self._moves, self.starts):
                continue
            if self._round(self._tells, self.tells):
                continue
            due = self._next_due()
            if self._counts(min(due, moment) if due else moment):
                continue
            if due is None or due > moment:
                return
            self._follow(due)
            if due == next_look(self.store):
                self._round(partial(self._looks, due))
            else:
                self._round(partial(self._transitions, due))

    def _next_due(self) -> datetime | None:
        """When the engine or a person has something to do without an event."""
        dues = (self.workflow.engine.next_due(), next_look(self.store))
        return min((due for due in dues if due), default=None)

    def _follow(self, due: datetime) -> None:
        """A clock that was jumped forward follows what is done on the way."""
        if self._orders or self.clock.speed == 0:
            self.clock.move_to(due, keep=False)  # kept when the jump is done

    def _round(self, work: Callable[[], list[str] | int], queue: Queue | None = None) -> bool:
        """One round, committed at once; its messages of the queue are deleted after that."""
        try:
            with self.store.together():
                done = work()
                self.workflow.save()
        except BaseException:
            self.workflow.reload()  # the engine must not know more than the records
            raise
        finally:
            self._at = None
        if queue and isinstance(done, list) and done:
            queue.delete(done)
        while self._scrubs:
            scrub(self._scrubs.pop().connection)
        return bool(done)

    def _events(self) -> list[str]:
        """Deliver messages; returns those that are done."""
        records = self.queue.receive(MESSAGES_AT_A_TIME)
        if not records:
            return []
        self._at = self.clock.now()
        failed = process_event.handler({"Records": records}, None)["batchItemFailures"]
        repeat = {item["itemIdentifier"] for item in failed}
        if repeat:
            self._stopping.wait(0.2)
        return [r["messageId"] for r in records if r["messageId"] not in repeat]

    def _moves(self) -> list[str]:
        """Deliver what is asked of the paced starter; what fails is set aside."""
        records = self.starts.receive(MESSAGES_AT_A_TIME)
        if not records:
            return []
        self._at = self.clock.now()
        failed = start_run.handler({"Records": records}, None)["batchItemFailures"]
        wrong = {item["itemIdentifier"] for item in failed}
        for record in records:
            if record["messageId"] in wrong:
                logger.warning("a run could not be moved: %s", record["body"])
        return [record["messageId"] for record in records]

    def _tells(self) -> list[str]:
        """Tell webhooks, which on one machine means: the outbox."""
        records = self.tells.receive(MESSAGES_AT_A_TIME)
        if not records:
            return []
        self._at = self.clock.now()
        failed = tell_webhooks.handler({"Records": records}, None)["batchItemFailures"]
        repeat = {item["itemIdentifier"] for item in failed}
        return [r["messageId"] for r in records if r["messageId"] not in repeat]

    def _looks(self, due: datetime) -> int:
        self._at = due
        return find_due.handler({}, None)["due"]

    def count_soon(self) -> None:
        """Have everybody counted with the next thing that is done, if there is a reason."""
        self._next_count = self.clock.now()

    def _counts(self, moment: datetime) -> bool:
        """Have everybody counted, with the first that happens on a day; days on which nothing
        does are passed over. As in the cloud, the first time is an hour after the start."""
        if moment < self._next_count or monotonic() < self._rest_until:
            return False
        midnight = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self._next_count = midnight + timedelta(days=1)
        began = monotonic()
        done = self._round(partial(self._count, moment))
        if self._worker.is_alive():  # a clock that runs fast has many days in a minute
            self._rest_until = monotonic() + COUNT_SHARE * (monotonic() - began)
        return done

    def _count(self, moment: datetime) -> int:
        self._at = moment
        done = (count_people.handler({}, None), learn_products.handler({}, None))
        return sum(number for one in done for number in one.values())

    def _transitions(self, due: datetime) -> int:
        self._at = due
        return self.workflow.engine.run_until(due, TRANSITIONS_AT_A_TIME)


def _lock(data: Path) -> IO[bytes]:
    """Hold the folder for this process: two workers on one folder would not see each other.

    Raises InUse.
    """
    held = (data / "lock").open("wb")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        held.close()
        raise InUse(
            f'"{data}" is in use by another tante; stop it, or choose another --data'
        ) from None
    return held
