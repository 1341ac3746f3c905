"""Lengths of time in few fixed buckets, so that medians of any number of people can be added up.

The buckets are those of DDSketch (Masson, Rim and Lee 2019, "DDSketch: a fast and fully-mergeable
quantile sketch", PVLDB 12): bucket i holds what is longer than GAMMA^(i-1) and at most GAMMA^i
seconds, so that a value read from it is at most 1 % off. They are the same for everybody, so two
sketches are added by adding their counts, in any order.
"""

from collections.abc import Mapping
from datetime import timedelta
from math import ceil, log

ACCURACY = 0.01  # how far off a quantile may be, relatively
_GAMMA = (1 + ACCURACY) / (1 - ACCURACY)
_PER = 1 / log(_GAMMA)
AT_ONCE = -1  # the bucket of what took less than a second
Buckets = Mapping[int, int]


def bucket(length: timedelta) -> int:
    """In which bucket a length is; AT_ONCE below a second."""
    seconds = length.total_seconds()
    return ceil(log(seconds) * _PER) if seconds >= 1 else AT_ONCE


def quantile(buckets: Buckets, share: float) -> timedelta | None:
    """The length that this share (0 to 1) does not exceed, to 1 %; None where there is none."""
    total = sum(buckets.values())
    rank, passed = share * (total - 1), 0
    for index in sorted(buckets):
        passed += buckets[index]
        if passed > rank:
            return _length(index)
    return None


def _length(index: int) -> timedelta:
    if index == AT_ONCE:
        return timedelta()
    return timedelta(seconds=round(2 * _GAMMA**index / (_GAMMA + 1)))
