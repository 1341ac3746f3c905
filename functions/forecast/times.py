"""Lengths of time in few fixed buckets, so that medians of any number of people can be added up.

The buckets are those of DDSketch (Masson, Rim and Lee 2019, "DDSketch: a fast and fully-mergeable
quantile sketch", PVLDB 12): bucket i holds what is longer than GAMMA^(i-1) and at most GAMMA^i
seconds. They are the same for everybody, so two sketches are added by adding their buckets, in any
order. A bucket keeps its sum as well: what is read is the mean of those in it, at most 4 % from
each of them, and exact where they are alike, as at a wait of 5 days.
"""

from collections.abc import Mapping
from datetime import timedelta
from math import ceil, log

import msgspec

_GAMMA = 1.04
_PER = 1 / log(_GAMMA)
AT_ONCE = -1  # the bucket of what took less than a second


class Bucket(msgspec.Struct):
    """How many lengths of about the same, and their seconds together."""

    count: int = 0
    seconds: int = 0


def note(buckets: dict[int, Bucket], length: timedelta) -> None:
    """Count a length; fractions of a second are cut off."""
    seconds = int(length.total_seconds())
    index = ceil(log(seconds) * _PER) if seconds >= 1 else AT_ONCE
    found = buckets.get(index)
    if found is None:
        found = buckets[index] = Bucket()
    found.count += 1
    found.seconds += max(seconds, 0)


def quantile(buckets: Mapping[int, Bucket], share: float) -> timedelta | None:
    """The length that this share (0 to 1) does not exceed; None where there is none."""
    total = sum(found.count for found in buckets.values())
    rank, passed = share * (total - 1), 0
    for index in sorted(buckets):
        found = buckets[index]
        passed += found.count
        if passed > rank:
            return timedelta(seconds=found.seconds // found.count)
    return None
