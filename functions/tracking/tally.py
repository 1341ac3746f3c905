"""A tally: what a profile keeps of the events that a rule counts, whatever order they came in."""

from datetime import datetime, timedelta

import msgspec

from functions.tracking import decay


class Tally(msgspec.Struct, array_like=True):
    """How often, and the times of the latest, oldest first: as many as the rule needs; and of a
    rule whose events fade, what they add up to (see `decay`)."""

    count: int = 0
    latest: list[datetime] = []
    sums: dict[int, int] = {}


def counted(tally: Tally, time: datetime, most: int, half_life: timedelta | None = None) -> Tally:
    """The tally with one event more; `most` of the latest times are kept."""
    sums = decay.add(tally.sums, time, half_life) if half_life else tally.sums
    return Tally(tally.count + 1, sorted([*tally.latest, time])[-most:], sums)


def joined(one: Tally, other: Tally) -> Tally:
    """Two tallies of the same rule as one. It may keep more times than the rule needs."""
    latest = sorted([*one.latest, *other.latest])
    return Tally(one.count + other.count, latest, decay.combine(one.sums, other.sums))


def since(tally: Tally, moment: datetime | None) -> int:
    """How many of the events were not before the moment (None: ever). From the times that are
    kept, so never more than a rule needs to decide."""
    if moment is None:
        return tally.count
    return sum(time >= moment for time in tally.latest)
