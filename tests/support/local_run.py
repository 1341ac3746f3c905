"""A run of the whole system on SQLite by the same plan as a forecast, told in the same log."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from typing import Any

from functions.channels.channel import Outgoing
from functions.folder import Folder
from functions.forecast.log import Log
from functions.handlers import publish_journey, wiring
from functions.journeys.run import Decision, Run, Task
from functions.storage.kinds import KINDS
from functions.tracking.event import Event, EventBatch, bodies
from functions.tracking.message import Message
from functions.virtual.plan import Answers, Someone
from local.system import System

NEVER = datetime.max.replace(tzinfo=UTC)


class LocalRun:
    """The system on one machine, to which people send events at their times."""

    def __init__(self, data: Path, folder: Folder, begin: datetime, answers: Answers) -> None:
        self.system = System(data, data, "https://forecast.invalid", begin)
        self._answers = answers
        self._numbers = count()
        self._due: list[tuple[datetime, int, Event]] = []
        parts = self.system.parts
        self.system.parts = replace(
            parts, channels={name: _Heard(self._hear, box) for name, box in parts.channels.items()}
        )
        wiring.use(self.system.parts)
        self.system._next_count = NEVER  # no census
        publish_journey.publish(self.system.parts, folder)

    @property
    def identity_key(self) -> bytes:
        return self.system.parts.settings.identity_key

    def run(self, people: Iterable[Someone], until: datetime) -> Log:
        """Let time pass for these people; the log."""
        for one in people:
            for event in one.events:
                self._later(event)
        while (moment := self._next()) <= until:
            if self._due and self._due[0][0] == moment:
                _, _, event = heappop(self._due)
                self.system.clock.move_to(moment, keep=False)
                self.system.queue.send(bodies(EventBatch([event])), 0)
            self._pass(moment)
        return Log(
            runs=list(self.every(Run)),
            messages=list(self.every(Message)),
            tasks=list(self.every(Task)),
        )

    def every(self, kind: type[Any]) -> Iterable[Any]:
        """All records of a kind."""
        where = KINDS[kind]
        found = self.system.store.connection.execute(
            f"SELECT DISTINCT pk FROM {where.table} WHERE sk LIKE ?", (f"{where.head}%",)
        )
        for (partition,) in found.fetchall():
            yield from self.system.store.query(kind, partition)

    def _later(self, event: Event) -> None:
        heappush(self._due, (event.time, next(self._numbers), event))

    def _next(self) -> datetime:
        """When something happens next: what is done then may bring answers."""
        due = self.system._next_due()
        return min([time for time, _, _ in self._due[:1]] + ([due] if due else []), default=NEVER)

    def _pass(self, moment: datetime) -> None:
        self.system.catch_up(moment)
        self.system.clock.move_to(moment, keep=False)

    def _hear(self, message: Outgoing) -> None:
        for event in self._answers(message, self.system.now()):
            self._later(event)


class _Heard:
    """A channel into the outbox whose messages people answer."""

    def __init__(self, hear: Any, box: Any) -> None:
        self._hear, self._box = hear, box

    def send(self, message: Outgoing) -> str:
        self._hear(message)
        return str(self._box.send(message))


def told(log: Log) -> dict[str, list[Any]]:
    """What a log says of messages, runs and tasks, in an order of its own."""
    return {
        "messages": sorted(
            (
                m.person,
                m.run_id,
                m.step,
                m.iteration,
                m.message,
                m.channel,
                m.state,
                m.reason,
                str(m.claimed),
                m.subject,
                str(m.opened),
                str(sorted(m.clicked.items())),
            )
            for m in log.messages
        ),
        "runs": sorted(
            (r.person, r.run_id, str(r.entered), r.status, r.outcome, str(r.ended), str(r.goal))
            for r in log.runs
        ),
        "tasks": sorted(
            (t.person, t.text, t.owner, t.status, str(t.created), str(t.due)) for t in log.tasks
        ),
    }


def decided(decisions: Iterable[Decision]) -> list[Any]:
    """Which way each run went at each step that asked."""
    return sorted((d.run_id, d.step, d.iteration, str(d.at), d.arm) for d in decisions)
