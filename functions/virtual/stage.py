"""A stage in this process's memory, on which the real handlers run for some people in virtual time.

What couples people (places in an hour, codes, routing by load) is settled within one of 64 virtual
shards: each is a stage of its own, so what comes of it hangs on no number of cores.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Any

import msgspec

from functions.channels.channel import Outgoing
from functions.engine.engine import Engine
from functions.engine.execution import Execution
from functions.engine.machine import TaskFailed
from functions.folder import Folder
from functions.forecast.log import KNOWN_FOR, KeptOut, Log, Seen
from functions.handlers import close_run, process_event, publish_journey, run_step, wiring
from functions.handlers.desk import journey_desk
from functions.journeys.counted import Counted
from functions.journeys.run import JourneyVersion, Run, Task
from functions.journeys.standing import Look, Standing
from functions.journeys.step import Exit, Resume, Temporary, WebhookBusy, WebhookRefused
from functions.journeys.workflow import Machines, Workflow
from functions.messages.wording import subject_only
from functions.segments.census_records import Cuts
from functions.settings import Settings
from functions.storage.library import Published
from functions.tracking.event import Event
from functions.tracking.message import Message
from functions.tracking.profile import Profile
from functions.virtual.live_store import LiveStore
from functions.virtual.plan import Plan, Someone
from functions.virtual.programme import Programme

JUST_AFTER = timedelta(microseconds=1)
_encode = msgspec.json.Encoder().encode


def _time(happening: tuple[Event, str]) -> datetime:
    return happening[0].time


def catalogue_of(folder: Folder, begin: datetime, cuts: Cuts | None = None) -> list[Any]:
    """What publishing a folder writes. Raises Problems."""
    stage = Stage(Plan([cuts] if cuts else [], begin, begin))
    publish_journey.publish(stage.parts, folder)
    return [*stage.store.every(JourneyVersion), *stage.store.every(Cuts)]


@dataclass
class _Mailbox:
    """Takes every message for the people, who may answer."""

    deliver: Callable[[Outgoing], None]
    numbers: Any = field(default_factory=lambda: count(1))

    def send(self, message: Outgoing) -> str:
        self.deliver(message)
        return f"forecast-{next(self.numbers)}"


class _Store(LiveStore):
    """Tells when somebody is to be looked at."""

    def __init__(self, due: Callable[[datetime, str], None]) -> None:
        super().__init__()
        self._due = due

    def put(self, record: Any) -> None:
        super().put(record)
        if isinstance(record, Standing) and record.next:
            self._due(record.next, record.person)


@contextmanager
def _in_force(parts: wiring.Parts) -> Iterator[None]:
    before = wiring._parts
    wiring.use(parts)
    try:
        yield
    finally:
        wiring.use(before)


class _Closed(Programme):
    """Lets nobody in before the forecast begins."""

    def __init__(self, store: LiveStore, is_open: Callable[[], bool]) -> None:
        super().__init__(store)
        self._is_open = is_open

    def journeys(self) -> list[Published]:
        return super().journeys() if self._is_open() else []

    def know(self, programme: Programme) -> None:
        """Take over what another library has read of the same catalogue."""
        own = {"store": self.store, "_store": self.store, "shelf": self.shelf}
        self.__dict__.update(programme.__dict__ | own)


class Stage:
    """One virtual shard. `log` is what happened on it so far."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._now = plan, plan.begin
        self.log = Log()
        self._numbers = count()
        # (when, which first, number) and what is to be done: an event, a look, a queue's message.
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self.store = _Store(lambda due, person: self._later(due, partial(self._look, [person])))
        self._library = _Closed(self.store, lambda: self._now >= plan.begin)
        self._engine = Engine(
            self._invoke, self._library.machine, ended=self._close, seed=plan.seed, seen=self._see
        )
        mailbox = _Mailbox(self._arrive)
        self.parts = wiring.Parts(
            settings=Settings(
                stage="forecast",
                public_url="https://forecast.invalid",
                identity_key=plan.identity_key,
                link_keys={"1": plan.identity_key},
            ),
            store=self.store,
            library=self._library,
            workflow=Workflow(self._start, self._stop, self._succeed, self._fail),
            machines=Machines(
                lambda journey, version, definition: f"{journey}@{version}",
                self._start,
                lambda journey: (),
                lambda journey, name: None,
            ),
            channels={"email": mailbox, "sms": mailbox, "webhook": mailbox},
            now=lambda: self._now,
            send_events=self._queue,
            send_starts=lambda bodies, delay: None,
            send_tells=lambda bodies, delay: None,
            publisher=_nothing_to_publish,
            kept_out=self._keep_out,
            bury=lambda body, reason: None,
            source=lambda write_key: None,
            words=subject_only,
            explains=False,
        )
        self._heard: frozenset[str] = frozenset()  # of what is taken in, the ids of what counts now
        self._desk = replace(
            journey_desk(self.parts),
            runs_changed=lambda key: None,
            hears=lambda event: event.message_id in self._heard,
        )
        self.store.begin_with(plan.programme.store)
        self._listening, self._asking = plan.programme.listening, plan.programme.asking
        self._waiting: dict[str, list[Event]] = {}  # events to which nobody listens, by person

    def run(self, people: Iterable[Someone]) -> Log:
        """Let the plan's time pass for these people; the log."""
        everybody = sorted(people, key=lambda one: one.person)
        self.log.people = len(everybody)
        self.log.newcomers = frozenset(one.person for one in everybody if one.is_new)
        if not everybody:
            return self.log
        self._library.know(self._plan.programme)
        with _in_force(self.parts):
            return self._run(everybody)

    def _run(self, everybody: list[Someone]) -> Log:
        # What is older than the beginning happens at its own time, and lets nobody in.
        first = (event.time for one in everybody for event in one.events)
        self._now = min(self._plan.begin, min(first, default=self._plan.begin))
        for one in everybody:
            for record in one.records:
                self.store.keep(record)
                if isinstance(record, Standing) and record.next:
                    self._later(record.next, partial(self._look, [one.person]))
        if self._plan.first:
            for one in everybody:
                self._later(self._plan.begin, partial(self._look, [one.person], first=True))
        until = self._plan.until
        found = ((event, one.person) for one in everybody for event in one.events)
        for event, person in sorted(found, key=_time):
            if event.time > until:
                break
            self._pass(event.time)
            self._now = max(self._now, event.time)
            self._happens(person, event)
        self._pass(until + JUST_AFTER)
        return self._told()

    def _pass(self, until: datetime) -> None:
        """Do what falls due before, and not what does at that very moment."""
        agenda, next_due = self._agenda, self._engine.next_due
        while True:
            due = next_due()
            first = agenda[0][0] if agenda else None
            if first and first < until and (due is None or first <= due):
                moment, _, act = heappop(agenda)
                self._now = max(self._now, moment)
                act()
            elif due and due < until:
                self._now = max(self._now, due)
                self._engine.run_until(self._now)
            else:
                return

    def _told(self) -> Log:
        begin = self._plan.begin
        runs = list(self.store.every(Run))
        self.log.runs = [run for run in runs if run.entered >= begin]
        before = (run.journey for run in runs if begin - KNOWN_FOR <= run.entered < begin)
        self.log.before = dict(Counter(before))
        ids = {run.run_id for run in self.log.runs}
        self.log.messages = [row for row in self.store.every(Message) if row.run_id in ids]
        self.log.tasks = [task for task in self.store.every(Task) if task.created >= begin]
        for row in self.store.every(Counted):
            of_journey = self.log.texts.setdefault(row.journey, {})
            for country, parts in row.texts.items():
                of_journey[country] = of_journey.get(country, 0) + parts
        return self.log

    def _later(self, moment: datetime, act: Callable[[], None]) -> None:
        heappush(self._agenda, (moment, next(self._numbers), act))

    def _happens(self, person: str, event: Event) -> None:
        if event.time >= self._plan.begin:
            self.log.events.append(msgspec.structs.replace(event, person=person))
        waiting = self._waiting.get(person)
        is_news = event.type == "identify" and bool(waiting or self.store.get(Profile, person))
        if not is_news and not self._listening.hears(self.store, person, event):
            return self._waiting.setdefault(person, []).append(event)
        if is_news:  # their address may change: what came before is about the old one
            self._take_in(person)
        self._take_in(person, event)

    def _take_in(self, person: str, *events: Event) -> None:
        """Have the person's events processed, with those that could wait until now."""
        found = [*self._waiting.pop(person, ()), *events]
        if found:
            self._heard = frozenset(event.message_id for event in events)
            process_event.process_person(self.parts, self._desk, person, found)

    def _look(self, people: list[str], first: bool = False) -> None:
        # As a publish has everybody looked at: what it finds was so before.
        look = Look(look=people, first=list(self._plan.first) if first else [], sweeps=first)
        self._handle(_encode(look), people)

    def _queue(self, bodies: list[bytes], delay: int) -> None:
        for body in bodies:
            self._later(self._now + timedelta(seconds=delay), partial(self._handle, body))

    def _handle(self, body: bytes, about: Iterable[str] | None = None) -> None:
        for person in list(self._waiting) if about is None else about:
            self._take_in(person)
        process_event.handler({"Records": [{"messageId": "1", "body": body.decode()}]}, None)

    def _arrive(self, message: Outgoing) -> None:
        for event in self._plan.answers(message, self._now):
            self._later(event.time, partial(self._happens, message.person, event))

    # --- Step Functions

    def _invoke(self, function: str, payload: dict[str, Any]) -> Any:
        self.log.calls += 1
        waiting = self._waiting.get(payload["person"])
        if waiting and not self._asking.can_wait(payload, waiting):
            self._take_in(payload["person"])
        try:
            return run_step.handler(payload, None)
        except (Exit, Resume, Temporary, WebhookBusy, WebhookRefused) as error:
            raise TaskFailed(type(error).__name__, str(error)) from None

    def _see(self, execution: Execution) -> None:
        journey = execution.machine.rpartition("@")[0]
        self.log.seen.append(Seen(self._now, journey, execution.data["run"], execution.state))

    def _keep_out(self, run: Run, why: str) -> None:
        self.log.kept_out.append(KeptOut(self._now, run.journey, run.person, why))

    def _close(self, execution: Execution) -> None:
        self.log.transitions += execution.transitions
        person, run_id = execution.data["person"], execution.data["run"]
        output = execution.output or {}
        close_run.close(person, run_id, execution.name, execution.status, output)
        self._engine.forget(execution.name)

    def _start(self, journey: str, version: str, name: str, names: dict[str, Any]) -> None:
        self._engine.start(f"{journey}@{version}", name, names, self._now)

    def _stop(self, journey: str, name: str, outcome: str) -> None:
        self._engine.stop(name, self._now, "Exit", outcome)

    def _succeed(self, token: str, output: dict[str, Any]) -> bool:
        return self._engine.succeed(token, output, self._now)

    def _fail(self, token: str, error: str, cause: str) -> bool:
        return self._engine.fail(token, error, cause, self._now)


def _nothing_to_publish(order: dict[str, Any]) -> dict[str, Any]:
    raise RuntimeError("a forecast publishes nothing")
