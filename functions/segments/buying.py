"""How often customers order, and whether they still do: the BG/NBD model.

While active, a customer orders at a rate of their own, a Poisson process; after each order they
leave for good with a probability of their own. Rates are spread as a gamma distribution (r, alpha),
probabilities as a beta distribution (a, b). P. Fader, B. Hardie, K. L. Lee, "Counting Your
Customers" the Easy Way, Marketing Science 24 (2005) 275-284; "the paper" below.
"""

from collections import Counter
from collections.abc import Mapping
from itertools import count
from math import exp, expm1, lgamma, log, log1p

import msgspec

from functions.segments.maximum import Point, digamma, highest

# Orders after the first, days from the first order to the last, days from the first order to now.
History = tuple[int, float, float]
CLOSE = 1e-10  # a term that adds no more than this part ends a series
MOST_TERMS = 20_000
CLOSE_TO = 1e-7
PRIOR = 1e-3  # on logarithms, over all customers: next to none, but enough where all are alike


class Buying(msgspec.Struct, frozen=True):
    """The four parameters, fitted with time in days."""

    r: float
    alpha: float
    a: float
    b: float

    def alive(self, history: History) -> float:
        """The probability that the customer has not left, from 0 to 1: 1 before a second order,
        because the model lets nobody leave without one (P. Fader, B. Hardie, Computing P(alive)
        Using the BG/NBD Model, 2008)."""
        again, last, known = history
        if not again:
            return 1.0
        longer = log((self.alpha + known) / (self.alpha + last))
        odds = log(self.a / (self.b + again - 1)) + (self.r + again) * longer
        return 1 / (1 + exp(odds)) if odds < 700 else 0.0

    def expected(self, history: History, days: float) -> float:
        """How many orders are expected in the next days: the paper's equation (10), with its
        hypergeometric function turned by Euler's transformation (Abramowitz & Stegun, 15.3.3), so
        that the series stays short."""
        again, _, known = history
        # Where a is 1, or a + b + x, the formula is 0 / 0 and the limit lies beside it.
        a = self.a if abs(self.a - 1) > CLOSE_TO else 1 + CLOSE_TO
        b = self.b if abs(a + self.b + again - 1) > CLOSE_TO else self.b + 2 * CLOSE_TO
        whole = self.alpha + known + days
        series = _hypergeometric(a + b - 1 - self.r, a - 1, a + b + again - 1, days / whole)
        rest = ((self.alpha + known) / whole) ** (a - 1) * series
        return float(self.alive(history) * (a + b + again - 1) / (a - 1) * (1 - rest))

    def probability(self, history: History, days: float) -> float:
        """The probability of at least one order in the next days, from 0 to 1.

        Who is active orders next at their own rate, and leaves after that order only; of rates with
        the gamma distribution (r + x, alpha + T), which they are of who is active (the paper,
        section 3), exp(-rate * days) is ((alpha + T) / (alpha + T + days))^(r + x) on average.
        """
        again, _, known = history
        none = (self.r + again) * log1p(days / (self.alpha + known))
        return self.alive(history) * -expm1(-none)


def _hypergeometric(a: float, b: float, c: float, z: float) -> float:
    """2F1 for 0 <= z < 1 by its series (Abramowitz & Stegun, 15.1.1)."""
    total = term = 1.0
    for n in count():
        term *= (a + n) * (b + n) / ((c + n) * (n + 1)) * z
        total += term
        # What is left is no more than a geometric series from here.
        if abs(term) <= CLOSE * (1 - z) * abs(total) or n > MOST_TERMS:
            return total
    raise AssertionError


def fit(customers: Mapping[History, int], prior: float = PRIOR) -> tuple[Buying, float]:
    """The parameters that make the histories likeliest, each of so many customers, and the log
    likelihood. A greater `prior` keeps them from going far where the histories hardly tell, which
    also takes long. Raises ArithmeticError where none are the likeliest."""
    cells = sorted(customers.items())
    people = sum(customers.values())
    known = sum(one * days for (_, _, days), one in cells) / people
    by_orders: Counter[int] = Counter()
    for (again, _, _), number in cells:
        by_orders[again] += number

    def mean(point: Point) -> tuple[float, Point]:
        model = _of(point)
        value, slope = _by_orders(model, by_orders, people)
        more, further = _by_time(model, cells)
        found = [one + other for one, other in zip(slope, further, strict=True)]
        # Parameters are searched by their logarithms, which keeps them above 0.
        inner = zip(found, (model.r, model.alpha, model.a, model.b), strict=True)
        return (value + more) / people, [one * other / people for one, other in inner]

    point, value = highest(mean, [0.0, log(max(known, 1.0) / 5), 0.0, 0.5], prior / people)
    return _of(point), value * people


def _of(point: Point) -> Buying:
    return Buying(*(exp(one) for one in point))


def _by_orders(model: Buying, customers: Mapping[int, int], people: int) -> tuple[float, Point]:
    """The parts A1 and A2 of the log likelihood (the paper, section 4), which hang on the number
    of orders alone, with their slopes."""
    r, a, b = model.r, model.a, model.b
    value = people * (r * log(model.alpha) - lgamma(r) + lgamma(a + b) - lgamma(b))
    of_r, of_b = log(model.alpha) - digamma(r), digamma(a + b) - digamma(b)
    slope = [people * of_r, people * r / model.alpha, people * digamma(a + b), people * of_b]
    for again, number in customers.items():
        value += number * (lgamma(r + again) + lgamma(b + again) - lgamma(a + b + again))
        both = digamma(a + b + again)
        slope[0] += number * digamma(r + again)
        slope[2] -= number * both
        slope[3] += number * (digamma(b + again) - both)
    return value, slope


def _by_time(model: Buying, cells: list[tuple[History, int]]) -> tuple[float, Point]:
    """The parts A3 and A4: whoever ordered again is active still, or left after the last order."""
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    value = of_r = of_alpha = of_a = of_b = 0.0
    for (again, last, known), number in cells:
        power, until = r + again, log(alpha + known)
        if not again:
            value -= number * power * until
            of_r -= number * until
            of_alpha -= number * power / (alpha + known)
            continue
        then = log(alpha + last)
        odds = log(a / (b + again - 1)) + power * (until - then)
        left = 1 / (1 + exp(-odds)) if odds > -700 else 0.0
        more = odds + log1p(exp(-odds)) if odds > 0 else log1p(exp(odds))
        value += number * (more - power * until)
        of_r -= number * (until + left * (then - until))
        of_alpha -= number * power * ((1 - left) / (alpha + known) + left / (alpha + last))
        of_a += number * left / a
        of_b -= number * left / (b + again - 1)
    return value, [of_r, of_alpha, of_a, of_b]
