"""Fitting the day's model of what customers are worth, from what a pass over everybody has packed.

A customer takes eight bytes for their orders and eight for each currency that they paid in, and
the fit goes by counted cells, so it hangs neither on the order in which people come nor on where a
pass was interrupted.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from functions.segments import buying, spending
from functions.segments.buying import History
from functions.segments.census_records import ValueModel
from functions.segments.spending import Spent
from functions.segments.value import DAY, ordered, spent
from functions.tracking import orders
from functions.tracking.profile import Profile

ENOUGH = 50  # customers who ordered more than once; below, the parameters mean nothing
MOST_CELLS = 20_000  # of different histories: beyond, time is told in weeks
WEEK = 7
SPENT = "spent "  # before a currency
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS, _MONEY = 16, 40  # bits: days until 2149, and ten milliards to a hundredth


class Customers:
    """Those of a pass under way: `take` each person, then ask for the `model`."""

    def __init__(self, before: Mapping[str, bytes]) -> None:
        self._packed = {name: array("q", found) for name, found in before.items()}

    def take(self, profile: Profile) -> None:
        """Count one person, if they have ordered."""
        found = ordered(profile)
        if found is None:
            return
        count, first, last = found
        self._put("ordered", packed(min(count, 2**31 - 1), day(first), day(last)))
        for currency in orders.revenue(profile):
            paid = spent(profile, currency)
            cents = round(paid[1] * 100) if paid else 0
            if paid and 0 < cents < 1 << _MONEY:
                self._put(SPENT + currency, min(paid[0], 2**20) << _MONEY | cents)

    def _put(self, name: str, number: int) -> None:
        self._packed.setdefault(name, array("q")).append(number)

    def packed(self) -> dict[str, bytes]:
        """All of it, to go on from later."""
        return {name: found.tobytes() for name, found in self._packed.items()}

    def model(self, made: datetime) -> ValueModel:
        """The model as of a moment, and why there is none where there is none."""
        found = self._packed.get("ordered", array("q"))
        histories = _histories(Counter(found), day(made))
        again = sum(number for (more, _, _), number in histories.items() if more)
        model = ValueModel(customers=len(found), again=again)
        if again < ENOUGH:
            model.why = f"{again} customers have ordered more than once; {ENOUGH} are needed"
            return model
        try:
            model.buying, _ = buying.fit(histories)
        except ArithmeticError:
            model.why = "no model fits when customers order"
            return model
        model.spending = self._spending()
        if not model.spending:
            model.why = "no model fits what their orders come to"
        return model

    def _spending(self) -> dict[str, spending.Spending]:
        """By currency, of those in which enough have paid."""
        models = {}
        for name in sorted(self._packed):
            if not name.startswith(SPENT) or len(self._packed[name]) < ENOUGH:
                continue
            try:
                models[name.removeprefix(SPENT)], _ = spending.fit(_amounts(self._packed[name]))
            except ArithmeticError:
                continue
        return models


def day(time: datetime) -> int:
    """The number of a day, from 1970 on."""
    return min(max((time - _EPOCH) // DAY, 0), (1 << _DAYS) - 1)


def packed(count: int, first: int, last: int) -> int:
    """A count and two days as one number."""
    return (count << _DAYS | first) << _DAYS | last


def unpacked(number: int) -> tuple[int, int, int]:
    """The count and the two days of a number."""
    mask = (1 << _DAYS) - 1
    return number >> 2 * _DAYS, number >> _DAYS & mask, number & mask


def _histories(customers: Mapping[int, int], until: int) -> Mapping[History, int]:
    """How many customers have the same history, in days, or in weeks where too many differ."""
    for step in (1, WEEK):
        found: Counter[History] = Counter()
        for number, people in customers.items():
            count, first, last = unpacked(number)
            known = max(until, last) - first
            span, whole = (round(one / step) * step for one in (last - first, known))
            found[count - 1, float(span), float(whole)] += people
        if len(found) <= MOST_CELLS:
            break
    return found


def _amounts(numbers: Iterable[int]) -> Mapping[Spent, int]:
    """How many customers paid the same, to three places."""
    found: Counter[Spent] = Counter()
    for number in numbers:
        cents = number & ((1 << _MONEY) - 1)
        found[number >> _MONEY, float(f"{cents / 100:.3g}")] += 1
    return found
