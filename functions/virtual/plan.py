"""What is forecast, on whom, and in which of the virtual shards."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from functions.channels.channel import Outgoing
from functions.tracking.event import Event
from functions.tracking.identity import short_hash
from functions.virtual.programme import Catalogue, Programme

SHARDS = 64

# What a person does upon a message: events about them, at their times.
Answers = Callable[[Outgoing, datetime], Iterable[Event]]


def shard_of(person: str) -> int:
    """In which virtual shard a person is forecast."""
    return int(short_hash(person, "forecast")[:4], 16) % SHARDS


@dataclass(frozen=True)
class Someone:
    """A person whom a forecast is about: what the store has of them when it begins, and what they
    do from then on (or ever did: what is older than the beginning lets nobody in). `is_new` is
    whoever nobody knows yet when it begins.

    Records and events become the stage's own: for the next forecast they are read anew.
    """

    person: str
    records: Sequence[Any] = ()
    events: Sequence[Event] = ()
    is_new: bool = False


def nobody_answers(message: Outgoing, at: datetime) -> Iterable[Event]:
    """People who do nothing upon a message."""
    return ()


@dataclass(frozen=True)
class Plan:
    """What is forecast: the catalogue (`catalogue`), from when until when, and by which seed.

    `first` are the journeys that are published just when it begins, so that everybody is looked at
    for them. `answers` draws what people do upon a message. `together`: all go through one stage,
    for what becomes of one hangs on the others.
    """

    catalogue: Sequence[Any]
    begin: datetime
    until: datetime
    seed: str = ""
    first: Sequence[str] = ()
    answers: Answers = nobody_answers
    identity_key: bytes = b"forecast"
    together: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.catalogue, Catalogue):
            object.__setattr__(self, "catalogue", Catalogue(self.catalogue))

    @property
    def programme(self) -> Programme:
        """What the catalogue has published."""
        return cast(Catalogue, self.catalogue).programme
