"""Whether the model foretells what came: fitted to what was known before a day, asked for the days
after it, and compared with what customers did in them.

The hold-out of the paper on BG/NBD (see `buying`, its section 5), by a sample of the customers.
Their keys are hashes, so those below a bound are a fair sample.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from math import sqrt

from functions.segments import buying
from functions.segments.buying import Buying, History
from functions.segments.census_records import Band, Calibration
from functions.segments.share import share
from functions.segments.value_learning import ENOUGH, day, packed, unpacked
from functions.tracking.identity import short_hash
from functions.tracking.orders import moved
from functions.tracking.profile import OrderRow, Profile

HELD_OUT = 90  # days that the model does not see
SAMPLE = 5_000  # customers
BANDS = 10  # of probabilities
_KEYS = 1 << 32
_COUNT = 15  # bits

Case = tuple[History, int]  # what was known before the day, and how many orders came after it
Rows = Callable[[Profile], list[OrderRow]]  # of orders that left the profile


class Trial:
    """The sample of a pass that began at a moment: `take` each person, then `compared`.

    `people` is about how many customers there are. An order that has left the profile is looked up
    in its `rows`, of the few in the sample of whom it is not clear when it was.
    """

    def __init__(self, began: datetime, people: int, before: bytes, rows: Rows) -> None:
        self.split = began - timedelta(days=HELD_OUT)
        self.began, self._rows = began, rows
        self._bound = _KEYS if people <= SAMPLE else _KEYS * SAMPLE // people
        self._packed = array("q", before)

    def take(self, profile: Profile) -> None:
        """Count one person, if they are in the sample and ordered before the day."""
        if int(short_hash("trial", profile.person)[:8], 16) >= self._bound:
            return
        placed = self._placed(profile)
        before = [time for time in placed if time < self.split]
        if before:
            after = sum(self.split <= time <= self.began for time in placed)
            most = (1 << _COUNT) - 1
            number = packed(min(len(before), most), day(min(before)), day(max(before)))
            self._packed.append(number << _COUNT | min(after, most))

    def _placed(self, profile: Profile) -> list[datetime]:
        """When each order was placed. Of those that have left and are all from before the day, the
        first and the last stand for as many."""
        older, known = profile.older_orders, list(profile.orders.values())
        left: list[datetime] = []
        if older.count and older.first and older.last:
            if older.last >= self.split:
                known += moved(profile, self._rows(profile)).values()
            else:
                left = [*[older.first] * (older.count - 1), older.last]
        return [*left, *(one.placed for one in known if one.counts and one.placed)]

    def packed(self) -> bytes:
        """The sample so far, to go on from later."""
        return self._packed.tobytes()

    def compared(self) -> Calibration:
        """How well the model did."""
        split = day(self.split)
        cases: list[Case] = []
        for number in self._packed:
            count, first, last = unpacked(number >> _COUNT)
            history = count - 1, float(last - first), float(max(split - first, last - first))
            cases.append((history, number & ((1 << _COUNT) - 1)))
        return calibrate(cases, self.split, HELD_OUT)


def calibrate(cases: Iterable[Case], split: datetime, days: int) -> Calibration:
    """The model fitted to what was known at the `split`, against the so many `days` after it."""
    known = sorted(cases)
    found = Calibration(split=split, days=days, customers=len(known))
    again = sum(more > 0 for (more, _, _), _ in known)
    if again < ENOUGH:
        found.why = f"{again} customers had ordered more than once by then; {ENOUGH} are needed"
        return found
    try:
        model, _ = buying.fit(Counter(history for history, _ in known))
    except ArithmeticError:
        found.why = "no model fits when customers had ordered by then"
        return found
    expected = [model.expected(history, days) for history, _ in known]
    as_before = [_as_before(history, days) for history, _ in known]
    came = [float(after) for _, after in known]
    found.expected, found.came = round(sum(expected), 1), int(sum(came))
    found.error, found.error_as_before = _error(expected, came), _error(as_before, came)
    found.correlation = _correlation(expected, came)
    found.correlation_as_before = _correlation(as_before, came)
    found.bands = _bands(model, known, days)
    return found


def _as_before(history: History, days: int) -> float:
    """The floor: they go on ordering as often as they did."""
    again, _, since = history
    return again / since * days if since else 0.0


def _bands(model: Buying, cases: list[Case], days: int) -> list[Band]:
    """Those to whom the model gave about the same probability, and how many of them ordered."""
    inside: list[list[tuple[float, bool]]] = [[] for _ in range(BANDS)]
    for history, after in cases:
        foretold = model.probability(history, days)
        inside[min(int(foretold * BANDS), BANDS - 1)].append((foretold, after > 0))
    bands = []
    for number, people in enumerate(inside):
        if people:
            ordered = share(sum(did for _, did in people), len(people))
            bands.append(
                Band(
                    least=number / BANDS,
                    most=(number + 1) / BANDS,
                    customers=len(people),
                    foretold=round(sum(one for one, _ in people) / len(people), 4),
                    ordered=round(ordered.rate or 0.0, 4),
                    low=round(ordered.low, 4),
                    high=round(ordered.high, 4),
                )
            )
    return bands


def _error(foretold: list[float], came: list[float]) -> float:
    """The mean absolute error."""
    both = zip(foretold, came, strict=True)
    return round(sum(abs(one - other) for one, other in both) / len(came), 4)


def _correlation(one: list[float], other: list[float]) -> float | None:
    """Pearson's; None where nothing varies."""
    mean, mean_other = sum(one) / len(one), sum(other) / len(other)
    away = [(a - mean, b - mean_other) for a, b in zip(one, other, strict=True)]
    spread = sqrt(sum(a * a for a, _ in away) * sum(b * b for _, b in away))
    return round(sum(a * b for a, b in away) / spread, 4) if spread else None
