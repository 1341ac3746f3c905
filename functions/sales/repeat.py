"""What leads from the first order to a second: pure, from the first orders of a sample.

Whose window is not over yet is left out, also where the second order is there already: else those
who come again soon would count for more. For each criterion by itself: the share that came again,
with Wilson's interval, and the lift over everybody. For all together: a regularised logistic
regression on dummy variables (see `regression`), each value against the most frequent one of its
criterion; the exponential of a coefficient is the factor by which the odds are greater.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from functions.sales.regression import fit
from functions.segments.cluster_records import FirstOrder
from functions.segments.share import Share, Z, share

DAY = 86_400  # seconds
FEWEST, FEWEST_EACH = 100, 20  # first orders to learn from; of both outcomes
FEWEST_OF = 20  # first orders with a value, to say something of it
MOST_VALUES = 8  # of a criterion
PENALTY = 1.0  # a coefficient of 1 is quite usual before any evidence
OTHER = "other"


@dataclass(frozen=True)
class Value:
    """One value of a criterion: how many came again, the lift, and the factor of the odds with its
    interval, all else being equal (None for the value that the others are compared with)."""

    criterion: str
    value: str
    came: Share
    lift: float
    odds: tuple[float, float, float] | None = None

    @property
    def is_certain(self) -> bool:
        """Whether it surely makes a difference, all else being equal."""
        return self.odds is not None and not self.odds[1] <= 1 <= self.odds[2]


@dataclass(frozen=True)
class Repeat:
    """`all` of those whose window is over; `left_out` because it is not; values by criterion."""

    within: int
    every: Share
    left_out: int
    values: list[Value]

    @property
    def is_enough(self) -> bool:
        """Whether there are enough of both outcomes to compare values."""
        return _is_enough(self.every)


def repeat(firsts: Sequence[FirstOrder], made: datetime, within: int) -> Repeat:
    """Who came again within so many days, of the first orders as of `made`."""
    known = [one for one in firsts if made.timestamp() - one.placed >= within * DAY]
    came = [one.again is not None and one.again <= within * DAY for one in known]
    every = share(sum(came), len(came))
    if not _is_enough(every):
        return Repeat(within, every, len(firsts) - len(known), [])
    columns = {name: _column(read(known)) for name, read in CRITERIA.items()}
    columns = {name: found for name, found in columns.items() if len(set(found)) > 1}
    odds = _odds(columns, came)
    values = [
        _value(name, value, columns[name], came, odds.get((name, value)))
        for name in columns
        for value, _ in Counter(columns[name]).most_common()
    ]
    return Repeat(within, every, len(firsts) - len(known), values)


def _is_enough(every: Share) -> bool:
    return every.of >= FEWEST and min(every.good, every.of - every.good) >= FEWEST_EACH


def _value(
    name: str,
    value: str,
    column: Sequence[str],
    came: Sequence[bool],
    odds: tuple[float, float, float] | None,
) -> Value:
    mine = [good for one, good in zip(column, came, strict=True) if one == value]
    found = share(sum(mine), len(mine))
    return Value(name, value, found, (found.rate or 0.0) / (sum(came) / len(came)), odds)


def _column(found: Sequence[str]) -> list[str]:
    """The values, those that are rare taken together; where even these are rare, with the most
    frequent one, for nothing could be said of them."""
    often = Counter(found).most_common(MOST_VALUES)
    kept = {value for value, count in often if count >= FEWEST_OF}
    joined = [one if one in kept else OTHER for one in found]
    if kept and joined.count(OTHER) < FEWEST_OF:
        joined = [often[0][0] if one == OTHER else one for one in joined]
    return joined


def _odds(
    columns: Mapping[str, Sequence[str]], came: Sequence[bool]
) -> dict[tuple[str, str], tuple[float, float, float]]:
    names = [
        (name, value)
        for name, column in columns.items()
        for value, _ in Counter(column).most_common()[1:]
    ]
    rows = [
        [float(columns[name][number] == value) for name, value in names]
        for number in range(len(came))
    ]
    if not names:
        return {}
    found = fit(rows, came, PENALTY)
    pairs = zip(names, found.coefficients[1:], found.errors[1:], strict=True)
    return {
        name: (math.exp(b), math.exp(b - Z * error), math.exp(b + Z * error))
        for name, b, error in pairs
    }


def _bands(known: Sequence[FirstOrder]) -> list[str]:
    """The amount by thirds, in the currency of most of them."""
    currency, _ = Counter(one.currency for one in known).most_common(1)[0]
    by_size = sorted(one.amount for one in known if one.currency == currency)
    low, high = (by_size[len(by_size) * third // 3] for third in (1, 2))

    def band(one: FirstOrder) -> str:
        if one.currency != currency or low == high:
            return OTHER
        ends = f"{low:.2f}", f"{high:.2f}"
        said = f"< {ends[0]}" if one.amount < low else f">= {ends[1]}"
        return f"{said if not low <= one.amount < high else ' - '.join(ends)} {currency}".strip()

    return [band(one) for one in known]


def _of(name: str) -> Callable[[Sequence[FirstOrder]], list[str]]:
    return lambda known: [getattr(one, name) or "unknown" for one in known]


WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
CRITERIA: dict[str, Callable[[Sequence[FirstOrder]], list[str]]] = {
    "channel": _of("channel"),
    "device": _of("device"),
    "amount": _bands,
    "coupon": lambda known: ["yes" if one.coupon else "no" for one in known],
    "category": _of("category"),
    "weekday": lambda known: [WEEKDAYS[one.weekday] for one in known],
}
