"""A run: one person's way through one journey."""

from datetime import datetime
from typing import Literal

import msgspec

from functions.tracking.event import Event
from functions.tracking.identity import short_hash


class Wait(msgspec.Struct, omit_defaults=True):
    """What the run waits for: the step, its token, and from when on events count."""

    step: str
    token: str
    since: datetime
    registered: datetime


class Run(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The run record, which guards entry: one for each person, journey and entry key.

    `run_id` is also the execution's name. `entry` is the event that let the person in.
    `entry_key` is what `once per` counts by. `wait` is the last registered wait (`waiting`
    while it is open), `waits` when each one began. `goal` is when the journey's goal was reached.
    """

    person: str
    run_id: str
    journey: str
    journey_version: str
    entered: datetime
    entry: Event
    entry_key: str = ""
    version: int = 0
    status: Literal["open", "ended"] = "open"
    outcome: str = ""
    ended: datetime | None = None
    wait: Wait | None = None
    waiting: bool = False
    waits: dict[str, datetime] = {}
    goal: datetime | None = None


def run_key(journey: str, run_id: str) -> str:
    """Where a run's record stands below its person."""
    return f"{journey}/{run_id}"


def run_id_of(person: str, journey: str, key: str) -> str:
    """The run's id and its execution's name: the same whenever the same entry is seen."""
    return f"{journey}-{short_hash(person, journey, key)}"


def counts_for(run: Run, event: Event) -> bool:
    """Whether an event may move a run: not its own entry, nor what happened before it."""
    return event.message_id != run.entry.message_id and event.time >= run.entered


class Task(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A request to a colleague: who does what by when, why, and what they should know."""

    person: str
    task_id: str
    version: int = 0
    run_id: str
    journey: str
    text: str
    owner: str
    created: datetime
    due: datetime | None = None
    reason: str = ""
    context: dict[str, str] = {}
    status: Literal["open", "done"] = "open"


class JourneyVersion(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A published journey, frozen: its files by name, and the hash of them as `journey_version`.

    `machine` is Step Functions' name of it. The row with `journey_version` "newest" says which
    one new runs take (in `points_to`), which door publishes it (`owner`), and since when nobody
    enters any more (`retired`).
    """

    journey: str
    journey_version: str
    version: int = 0
    points_to: str = ""
    owner: str = ""
    retired: datetime | None = None
    machine: str = ""
    published: datetime | None = None
    files: dict[str, str] = {}
