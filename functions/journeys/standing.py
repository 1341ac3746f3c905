"""How a person stands with the journeys into which no event alone lets them."""

from datetime import datetime, timedelta
from zlib import crc32

import msgspec

SHARDS = tuple(f"{number:02}" for number in range(16))


class Standing(msgspec.Struct, omit_defaults=True, kw_only=True):
    """One for each person whom such a journey concerns; the others have none.

    `due` is the earliest moment at which something may happen without an event. `holds` has the
    journeys with which the person was looked at, and whether the condition was true then;
    `looked` is when. `overdue`: a look that was due has failed, and `due` is only put off.
    """

    person: str
    version: int = 0
    due: datetime | None = None
    holds: dict[str, bool] = {}
    looked: datetime | None = None
    overdue: bool = False


def shard(person: str) -> str:
    """In which of the listings by due time a person stands: one alone would be a hot spot."""
    return SHARDS[crc32(person.encode()) % len(SHARDS)]


class Sweep(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Whether everybody was looked at with the way into a journey, as `hash` has it."""

    journey: str
    version: int = 0
    hash: str = ""


class Taken(msgspec.Struct, omit_defaults=True, kw_only=True):
    """How many a journey let in within an hour of the stage's clock."""

    journey: str
    hour: datetime
    version: int = 0
    count: int = 0

    @property
    def expires(self) -> int:
        """Epoch seconds."""
        return int((self.hour + timedelta(days=2)).timestamp())


class Look(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The body of a queue message: people (their keys) to be looked at.

    `first` are the journeys with which they are looked at because those were just published.
    `attempt`, `reason` and `put_off` are as in an EventBatch.
    """

    look: list[str]
    first: list[str] = []
    attempt: int = 0
    reason: str = ""
    put_off: int = 0


class Everybody(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The body of a queue message: a page of all people (its cursor) is to be looked at, because
    journeys were published (each with the hash of its way in)."""

    everybody: str
    journeys: dict[str, str]
    put_off: int = 0
