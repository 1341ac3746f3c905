"""A tally: what a profile keeps of the events that a rule counts, whatever order they came in."""

from datetime import datetime

import msgspec


class Tally(msgspec.Struct, array_like=True):
    """How often, and the times of the latest, oldest first: as many as the rule needs."""

    count: int = 0
    latest: list[datetime] = []


def counted(tally: Tally, time: datetime, most: int) -> Tally:
    """The tally with one event more; `most` of the latest times are kept."""
    return Tally(tally.count + 1, sorted([*tally.latest, time])[-most:])


def joined(one: Tally, other: Tally) -> Tally:
    """Two tallies of the same rule as one. It may keep more times than the rule needs."""
    return Tally(one.count + other.count, sorted([*one.latest, *other.latest]))


def since(tally: Tally, moment: datetime | None) -> int:
    """How many of the events were not before the moment (None: ever). From the times that are
    kept, so never more than a rule needs to decide."""
    if moment is None:
        return tally.count
    return sum(time >= moment for time in tally.latest)
