"""How a person stands with the journeys into which no event alone lets them."""

from datetime import datetime, timedelta
from zlib import crc32

import msgspec

from functions.storage.store import Store, change

SHARDS = tuple(f"{number:02}" for number in range(16))


class Standing(msgspec.Struct, omit_defaults=True, kw_only=True):
    """One for each person whom such a journey concerns, or whose segments may change by the
    passing of time; the others have none.

    `due` is the earliest moment at which a journey may let in without an event, `kept` the one at
    which the person's segments may change. `holds` has the journeys with which the person was
    looked at, and whether the condition was true then; `looked` is when, `looks` how often.
    `overdue`: a look that was due has failed, and `due` is only put off.
    """

    person: str
    version: int = 0
    due: datetime | None = None
    holds: dict[str, bool] = {}
    looked: datetime | None = None
    overdue: bool = False
    kept: datetime | None = None
    looks: int = 0

    @property
    def next(self) -> datetime | None:
        """When to look at the person."""
        return min(filter(None, (self.due, self.kept)), default=None)

    def is_due(self, now: datetime) -> bool:
        """Whether that has come."""
        return self.next is not None and self.next <= now


def shard(person: str) -> str:
    """In which of the listings by due time a person stands: one alone would be a hot spot."""
    return SHARDS[crc32(person.encode()) % len(SHARDS)]


def arm(store: Store, person: str, due: datetime | None, now: datetime) -> None:
    """Have the person looked at when this time comes, if not before. What was due by `now` is
    done with: whoever calls read the profile after it. So it can be told in any order."""

    def move(standing: Standing) -> bool:
        ahead = standing.kept if standing.kept and standing.kept > now else None
        kept = min(filter(None, (ahead, due)), default=None)
        changed, standing.kept = kept != standing.kept, kept
        return changed

    change(store, lambda: store.get(Standing, person) or Standing(person=person), move)


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

    `first` are the journeys with which they are looked at because those were just published;
    `keep`: what the rules say of them may have changed, though nobody is due; `sweeps`: because
    rules were just published.
    `attempt`, `reason` and `put_off` are as in an EventBatch.
    """

    look: list[str]
    first: list[str] = []
    keep: bool = False
    sweeps: bool = False
    attempt: int = 0
    reason: str = ""
    put_off: int = 0


class Everybody(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The body of a queue message: a page of all people (its cursor) is to be looked at, because
    journeys were published (each with the hash of its way in), or rules (with their hash).

    `done` people were on the pages before; `again`: it is the second round through all, for those
    whom somebody with the rules from before has written meanwhile.
    """

    everybody: str
    journeys: dict[str, str] = {}
    rules: str | None = None
    done: int = 0
    again: bool = False
    put_off: int = 0


class Backfill(msgspec.Struct, omit_defaults=True, kw_only=True):
    """How far everybody is brought up to date with the rules of this hash. `done` people so far,
    `people` is how many there were when it was last done for all."""

    name: str = "rules"
    version: int = 0
    hash: str = ""
    begun: datetime | None = None
    ended: datetime | None = None
    done: int = 0
    people: int = 0
