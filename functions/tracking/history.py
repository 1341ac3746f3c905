"""History: what colleagues did with a task, a lead or a deal, one change after the other."""

from datetime import datetime
from typing import Any

import msgspec

from functions.tracking.event import Event
from functions.tracking.own_event import own_event

SALES = "sales"  # the source of the events that colleagues cause
MOST_CHANGES = 200  # of one record: nobody hands a task on so often


class Change(msgspec.Struct, array_like=True, omit_defaults=True):
    """One change: its time, its name as an event ("Task Completed"), who made it, their words,
    and the event's further properties."""

    time: datetime
    event: str
    by: str = ""
    note: str = ""
    said: dict[str, Any] = {}


class TooMany(Exception):
    """The record was changed so often that something must be wrong; the text says how often."""


def changed(history: list[Change], change: Change) -> list[Change]:
    """The history with one more change. Raises TooMany."""
    if len(history) >= MOST_CHANGES:
        raise TooMany(f"it was changed {MOST_CHANGES} times already; make a new one")
    return [*history, change]


def as_event(person: str, record_id: str, history: list[Change], index: int, **about: Any) -> Event:
    """A change as an event about the person: the same one, however often it is told. The words
    of the note stay in the record."""
    number = range(len(history))[index]
    change = history[number]
    said = {**about, **change.said, **({"by": change.by} if change.by else {})}
    return own_event(SALES, person, change.event, f"{record_id}/{number}", change.time, **said)
