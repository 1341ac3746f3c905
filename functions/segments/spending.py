"""What an order of a customer comes to: the Gamma-Gamma model.

Amounts of one customer vary by a gamma distribution around a mean of their own, and the means are
spread so that few spend much (p, q, gamma); how often somebody orders tells nothing of it. P.
Fader, B. Hardie, The Gamma-Gamma Model of Monetary Value, note 025, 2013; "the note" below.
"""

from collections.abc import Mapping
from math import exp, lgamma, log

import msgspec

from functions.segments.maximum import Point, digamma, highest

Spent = tuple[int, float]  # orders, and what one of them came to on average: more than 0
PRIOR = 1e-3  # on logarithms, over all customers: next to none
EVEN = 1e6  # of p and q: beyond, all orders come to the same


class Spending(msgspec.Struct, frozen=True):
    """The three parameters; gamma is in the currency's unit."""

    p: float
    q: float
    gamma: float

    def expected(self, spent: Spent) -> float:
        """What an order of the customer comes to on average, in the long run: the note's equation
        (5), a mean of the customer's own average and everybody's, weighted by their orders."""
        orders, average = spent
        return self.p * (self.gamma + orders * average) / (self.p * orders + self.q - 1)


def fit(customers: Mapping[Spent, int]) -> tuple[Spending, float]:
    """The parameters that make these averages likeliest, each of so many customers, and the log
    likelihood: the note's equation (1a). Raises ArithmeticError where none are the likeliest, and
    where they leave nothing to expect of a customer."""
    cells = sorted(customers.items())
    people = sum(customers.values())
    middle = exp(sum(log(average) * number for (_, average), number in cells) / people)

    def mean(point: Point) -> tuple[float, Point]:
        if max(point[:2]) > log(EVEN):
            raise ArithmeticError("all orders come to the same")
        p, q, gamma = map(exp, point)
        value, slope = _likelihood(cells, p, q, gamma)
        by_logarithm = zip(slope, (p, q, gamma), strict=True)
        return value / people, [one * other / people for one, other in by_logarithm]

    point, value = highest(mean, [0.7, 0.7, log(middle)], PRIOR / people)
    found = Spending(*map(exp, point))
    if found.p + found.q <= 1:
        raise ArithmeticError("amounts differ so much that they have no mean")
    return found, value * people


def _likelihood(
    cells: list[tuple[Spent, int]], p: float, q: float, gamma: float
) -> tuple[float, Point]:
    """The log likelihood and its slopes along p, q and gamma."""
    value = of_p = of_q = of_gamma = 0.0
    of_orders: dict[int, tuple[float, float, float]] = {}
    for (orders, average), number in cells:
        if orders not in of_orders:
            whole, both = p * orders, digamma(p * orders + q)
            found = lgamma(whole + q) - lgamma(whole) + whole * log(orders)
            of_orders[orders] = found, orders * (both - digamma(whole) + log(orders)), both
        known, slope_p, slope_q = of_orders[orders]
        each, sum_ = log(average), log(gamma + orders * average)
        power = p * orders + q
        value += number * (known + (p * orders - 1) * each - power * sum_)
        of_p += number * (slope_p + orders * (each - sum_))
        of_q += number * (slope_q - sum_)
        of_gamma -= number * power / (gamma + orders * average)
    people = sum(number for _, number in cells)
    value += people * (q * log(gamma) - lgamma(q))
    of_q += people * (log(gamma) - digamma(q))
    of_gamma += people * q / gamma
    return value, [of_p, of_q, of_gamma]
