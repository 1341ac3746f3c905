"""What really happened to the people of a store, in the form in which a forecast is counted."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from functions.forecast.log import Log
from functions.forecast.report import Report
from functions.forecast.score import NotScored, Score, score
from functions.forecast.shape import Shape
from functions.forecast.tally import StepTally, Tally, add, tally
from functions.journeys.run import Run, Task, Waits, run_key
from functions.storage.people import find_profile
from functions.storage.remember import timeline
from functions.storage.store import Store
from functions.tracking.message import Message
from functions.tracking.profile import Profile
from functions.virtual.people import everybody

T = TypeVar("T")


@dataclass(frozen=True)
class Stretch:
    """Some days of a system's past."""

    begin: datetime
    until: datetime

    def has(self, time: datetime | None) -> bool:
        """Whether the moment lies in it."""
        return time is not None and self.begin <= time < self.until

    def known(self, time: datetime | None) -> datetime | None:
        """The moment, as far as it had come by the end."""
        return time if time and time < self.until else None


def scored(store: Store, forecast: Report, now: datetime) -> Score:
    """How far off a forecast was, by what the store has of its days up to now. Raises NotScored."""
    about = forecast.about
    if about.mode == "generated":
        raise NotScored("the forecast was made of people who were made up: nobody can compare it")
    if now <= about.begin:
        raise NotScored(f"the forecast begins only on {about.begin:%Y-%m-%d}")
    stretch = Stretch(about.begin, min(about.until, now))
    # A replay knows whoever came in its days; what is expected may be of those there were alone.
    is_of_all = about.mode == "replay" or about.newcomers_of
    limit = stretch.until if is_of_all else stretch.begin
    came, newcomers, shape = Tally(), 0, Shape(journeys={}, zone=forecast.zone)
    for person, since in everybody(store):
        log = log_of(store, person, stretch)
        if log is None:
            continue
        if since < limit:
            one = tally(log, shape)
            _steps(store, one, log, stretch)
            came = add(came, one)
        else:
            newcomers += sum(run.journey in about.journeys for run in log.runs)
    return score(forecast, came, now, newcomers)


def log_of(store: Store, person: str, stretch: Stretch) -> Log | None:
    """What happened to one person in these days; None where the person is no longer there.

    Runs are those that began in them, and all is told as it stood at their end. The machines'
    states are not known: no store keeps them.
    """
    profile = find_profile(store, person)
    if profile is None or profile.person != person:
        return None
    runs = [_run(run, stretch) for run in _all(store, Run, profile) if stretch.has(run.entered)]
    ids = {run.run_id for run in runs}
    messages = [
        _message(row, person, stretch)
        for row in _all(store, Message, profile)
        if row.run_id in ids and (row.claimed is None or row.claimed < stretch.until)
    ]
    tasks = [one for one in _all(store, Task, profile) if stretch.has(one.created)]
    events = [
        msgspec.structs.replace(event, person=person)
        for event in timeline(store, profile, stretch.begin)
        if event.time < stretch.until
    ]
    return Log(people=1, runs=runs, messages=messages, tasks=tasks, events=events)


def _all(store: Store, kind: type[T], profile: Profile) -> Iterable[T]:
    """The person's records of a kind, from every key that they were known by."""
    for key in profile.keys:
        yield from store.query(kind, key)


def _run(run: Run, stretch: Stretch) -> Run:
    changes: dict[str, Any] = {"goal": stretch.known(run.goal)}
    if run.ended and run.ended >= stretch.until:
        changes |= {"status": "open", "outcome": "", "ended": None}
    return msgspec.structs.replace(run, **changes)


def _message(row: Message, person: str, stretch: Stretch) -> Message:
    return msgspec.structs.replace(
        row,
        person=person,
        opened=stretch.known(row.opened),
        clicked={link: time for link, time in row.clicked.items() if time < stretch.until},
    )


def _steps(store: Store, found: Tally, log: Log, stretch: Stretch) -> None:
    """How often runs came to the steps that leave a record: messages, and waits for an event (once,
    also in a loop)."""
    came: dict[tuple[str, str], int] = {}
    for row in log.messages:
        came[row.journey, row.step] = came.get((row.journey, row.step), 0) + 1
    for run in log.runs:
        waits = store.get(Waits, run.person, run_key(run.journey, run.run_id))
        for step, began in waits.began.items() if waits else ():
            if began < stretch.until:
                came[run.journey, step] = came.get((run.journey, step), 0) + 1
    for (journey, step), number in came.items():
        found.journeys[journey].steps[step] = StepTally(came=number)
