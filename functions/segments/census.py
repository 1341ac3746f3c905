"""The census: everybody is passed once a day, for cut points and for the figures of segments.

Sums are of whole millionths, so that nothing hangs on the order in which people come. A number
takes eight bytes: the seven of a million people fit into 56 MB, and into a few hundred rows where a
pass is interrupted.
"""

from array import array
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any

import msgspec

from functions.segments import person, shopping
from functions.segments.census_records import Cuts, Measure
from functions.segments.figures import Tallied
from functions.segments.population import AVERAGED
from functions.segments.referral_figures import Counted
from functions.segments.responding import ResponseSums
from functions.segments.sample import Sample
from functions.segments.value_learning import Customers
from functions.tracking import orders
from functions.tracking.profile import Profile

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT = timedelta(microseconds=1)
RECENCY = "last_order"
ABC = ("revenue", "margin")
ABC_SHARES = (80, 95)  # per cent of the sum, cumulated from the greatest down: to A, to A and B
FIFTHS = (1, 2, 3, 4)


class Census(msgspec.Struct, kw_only=True):
    """What was counted so far. `numbers` has, packed, a whole number for each person of whom there
    is one: a field in millionths, the last order in microseconds; `customers` what they bought;
    `trial` the sample of those by whom the model is judged, as of when the pass `began`. A `sample`
    is drawn where clusters are to be learned, and `responding` counted where a journey asks for it.
    """

    people: int = 0
    numbers: dict[str, bytes] = {}
    customers: dict[str, bytes] = {}
    began: datetime | None = None
    trial: bytes = b""
    tallied: Tallied = msgspec.field(default_factory=Tallied)
    referrals: Counted = msgspec.field(default_factory=Counted)
    sample: Sample | None = None
    responding: ResponseSums | None = None


class Progress(msgspec.Struct, kw_only=True):
    """Where an interrupted pass goes on: after whom (the cursor of the listing), and with what.

    While people are counted there is a `census`; once the cut points are `made`, those people are
    looked for whom they change something, compared with the cut points `before`.
    """

    after: str = ""
    census: Census | None = None
    made: datetime | None = None
    before: Cuts | None = None


class Counting:
    """A pass under way: `take` each person, then ask for the `cuts`."""

    def __init__(self, before: Census | None = None) -> None:
        found = before or Census()
        self.people, self.tallied, self.sample = found.people, found.tallied, found.sample
        self._customers = Customers(found.customers)
        self.referrals, self.responding = found.referrals, found.responding
        self._numbers = {
            name: array("q", found.numbers.get(name, b"")) for name in (*AVERAGED, RECENCY)
        }

    def take(self, profile: Profile, now: datetime) -> None:
        """Count one person as they are `now`."""
        self.people += 1
        known = measured(profile, now)
        for name, amount in known.items():
            self._numbers[name].append(amount)
        last = max(shopping.order_times(profile), default=None)
        if last:
            self._numbers[RECENCY].append((last - _EPOCH) // _MOMENT)
        self.tallied.take(profile, known)
        self._customers.take(profile)
        self.referrals.take(profile, now)
        if self.sample is not None:
            self.sample.take(profile, now)

    def packed(self) -> Census:
        """All of it, to go on from later."""
        numbers = {name: found.tobytes() for name, found in self._numbers.items()}
        return Census(
            people=self.people,
            numbers=numbers,
            customers=self._customers.packed(),
            tallied=self.tallied,
            referrals=self.referrals,
            sample=self.sample,
            responding=self.responding,
        )

    def cuts(self, made: datetime, shares: tuple[int, int] = ABC_SHARES) -> Cuts:
        """The cut points of those who were counted; `shares` in per cent, see ABC_SHARES."""
        by_size = {name: sorted(found) for name, found in self._numbers.items()}
        measures = {name: _measure(by_size[name]) for name in AVERAGED if by_size[name]}
        recent = by_size[RECENCY]
        return Cuts(
            made=made,
            people=self.people,
            measures=measures,
            abc={name: found for name in ABC if (found := _abc(by_size[name], shares))},
            recency=[_EPOCH + one * _MOMENT for one in _quintiles(recent)],
            value=self._customers.model(made),
            responding=self.responding.found() if self.responding else None,
        )


def _of_customers(name: str) -> Callable[[Profile, datetime], Any]:
    def ask(profile: Profile, now: datetime) -> Any:
        return person.COMPUTED[name](profile, now) if orders.count(profile) else None

    return ask


_ASKED: dict[str, Callable[[Profile, datetime], Any]] = {
    "score": lambda profile, now: person.COMPUTED["score"](profile, now) or None,
    "visits": lambda profile, now: person.COMPUTED["visits"](profile, now) or None,
    "orders": lambda profile, now: orders.count(profile) or None,
    "revenue": _of_customers("revenue"),
    "basket": _of_customers("basket"),
    "margin": _of_customers("margin"),
}


def measured(profile: Profile, now: datetime) -> dict[str, int]:
    """The fields that have an average, in millionths, as far as there is anything to tell: a score
    and visits that are not 0, and of customers what they bought."""
    found = {name: ask(profile, now) for name, ask in _ASKED.items()}
    return {
        name: int(Decimal(str(value)).scaleb(6).to_integral_value())
        for name, value in found.items()
        if value is not None
    }


def amount(millionths: int | float) -> Decimal:
    """A number of millionths as what it stands for."""
    return Decimal(round(millionths)).scaleb(-6)


def _measure(by_size: list[int]) -> Measure:
    mean = Decimal(sum(by_size)) / len(by_size)
    return Measure(
        people=len(by_size),
        mean=round(mean.scaleb(-6), 6),
        quintiles=[amount(one) for one in _quintiles(by_size)],
    )


def _quintiles(by_size: list[int]) -> list[int]:
    """The values that 20, 40, 60 and 80 % do not exceed: nearest rank, as SQL's quantile_disc."""
    count = len(by_size)
    return [by_size[-(-count * fifth // 5) - 1] for fifth in FIFTHS] if count else []


def _abc(by_size: list[int], shares: tuple[int, int]) -> tuple[Decimal, Decimal] | None:
    """The least amounts of an A and of a B; None where there is nothing to share.

    Who has as much as the last A is an A as well, so the class hangs on the amount alone.
    """
    down = [one for one in reversed(by_size) if one > 0]
    if not down:
        return None
    sums, whole = list(accumulate(down)), sum(down)
    a, b = (_reached(down, sums, whole, share) for share in shares)
    return amount(a), amount(b)


def _reached(down: list[int], sums: Iterable[int], whole: int, share: int) -> int:
    return next(one for one, sum_ in zip(down, sums, strict=True) if sum_ * 100 >= whole * share)
