"""When somebody orders for the first time, after they were first heard of.

Everybody has a rate of their own, and rates are spread as a gamma distribution: so the waiting
time has the Pareto distribution of the second kind (K. S. Lomax, Business Failures, 1954), and who
has long been known without ordering is expected to go on like that.
"""

from collections.abc import Sequence
from math import exp, log

from functions.forecast.rates import Pace
from functions.segments.maximum import Point, highest

ENOUGH = 30  # first orders, below which nobody can say how people differ
PRIOR = 1e-2  # on logarithms, over all people
Waited = tuple[int, float, bool]  # of so many people, so many days, and whether they ordered then


def fit(people: Sequence[Waited]) -> Pace | None:
    """The spread of rates that makes these waits likeliest; None where nobody ordered."""
    known = [one for one in people if one[0] and one[1] > 0]
    ordered = sum(weight for weight, _, did in known if did)
    days = sum(weight * waited for weight, waited, _ in known)
    number = sum(weight for weight, _, _ in known)
    if not ordered:
        return None
    plain = Pace(1.0, days / ordered)
    if ordered < ENOUGH:
        return plain

    def mean(point: Point) -> tuple[float, Point]:
        shape, scale = exp(point[0]), exp(point[1])
        value = of_shape = of_scale = 0.0
        for weight, waited, did in known:
            longer = log(scale + waited) - log(scale)
            value += weight * (-shape * longer)
            of_shape -= weight * longer
            of_scale += weight * (shape / scale - (shape + did) / (scale + waited))
            if did:
                value += weight * (log(shape) - log(scale + waited))
                of_shape += weight / shape
        return value / number, [of_shape * shape / number, of_scale * scale / number]

    try:
        point, _ = highest(mean, [0.0, log(plain.days)], PRIOR / number)
    except ArithmeticError:
        return plain
    return Pace(exp(point[0]), exp(point[1]))
