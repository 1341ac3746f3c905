"""Sums whose parts fade: each halves in a fixed time, and the order of adding never matters.

An event of age t counts 2^(-t/half-life): exponential decay, N(t) = N0 * 2^(-t/T) with the
half-life T (E. Rutherford 1900; any textbook of physics). A sum of such parts cannot be kept as
one float, because its rounding would hang on who came first. So time is cut into half-lives
counted from EPOCH; within each the parts are added as whole numbers, in units of 2^-40 of an
event as it counts at that half-life's beginning. Whole numbers add up alike in any order.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
Sums = dict[int, int]  # number of the half-life since EPOCH -> sum of its events
PLACES = 40  # binary
DEEP = 48  # half-lives behind the newest event, after which nothing is left of an older one


def add(sums: Sums, time: datetime, half_life: timedelta) -> Sums:
    """The sums with one more event at `time`."""
    number, rest = divmod(time - EPOCH, half_life)
    part = round(math.exp2(rest / half_life) * 2**PLACES)
    return combine(sums, {number: part})


def combine(one: Sums, other: Sums) -> Sums:
    """The sums of both, without what has faded altogether."""
    newest = max((*one, *other), default=0)
    return {
        number: one.get(number, 0) + other.get(number, 0)
        for number in sorted(one.keys() | other.keys())
        if number > newest - DEEP
    }


@dataclass(frozen=True, slots=True)
class Fading:
    """A sum, made ready to be asked for many moments, which are microseconds since EPOCH."""

    whole: float
    first: int
    half_life: int

    def left(self, moment: int) -> float:
        """How many events' worth is left then; not before its newest event."""
        number, rest = divmod(moment, self.half_life)
        grown = min(self.first - number, DEEP) - PLACES
        return math.ldexp(self.whole, grown) * math.exp2(-rest / self.half_life)


def fading(sums: Sums, half_life: timedelta) -> Fading:
    """The sum as a whole. More time never leaves more of it, to the last bit."""
    first = min(sums, default=0)
    whole = sum(part << (number - first) for number, part in sums.items())
    return Fading(float(whole), first, half_life // MICROSECOND)


def microseconds(moment: datetime) -> int:
    """Since EPOCH."""
    return (moment - EPOCH) // MICROSECOND


def left(sums: Sums, now: datetime, half_life: timedelta) -> float:
    """How many events' worth is left of the sum; `now` is not before its newest event."""
    return fading(sums, half_life).left(microseconds(now))
