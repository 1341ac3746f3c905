"""Where a smooth function of a few parameters is highest, without its second derivatives.

By the method of Broyden, Fletcher, Goldfarb and Shanno: J. Nocedal, S. Wright, Numerical
Optimization, 2nd ed. 2006, section 6.1.
"""

from collections.abc import Callable
from math import log

Point = list[float]
# A point -> the value there, and its slope along each parameter.
Smooth = Callable[[Point], tuple[float, Point]]

MOST_STEPS = 300
FLAT = 1e-7  # a slope that is none
RISE = 1e-4  # of what the slope promises: so much a step must bring (Armijo)
LEAST_SHARE = 1e-12  # of a step
FAR = 3.0  # no step moves a parameter further


def highest(smooth: Smooth, start: Point, pull: float) -> tuple[Point, float]:
    """The point and the value there. Raises ArithmeticError where none is found.

    Where a parameter tells next to nothing any more, it would go on for ever: it is pulled back to
    where it started, by pull/2 * distance^2 (a normal prior of variance 1/pull on a likelihood).
    """

    def of(at: Point) -> tuple[float, Point]:
        value, slope = smooth(at)
        away = [one - begun for one, begun in zip(at, start, strict=True)]
        pulled = [one - pull * far for one, far in zip(slope, away, strict=True)]
        return value - pull / 2 * _dot(away, away), pulled

    at, (value, slope) = start, of(start)
    bend = _even(len(start))  # the inverse of the curvature, as far as it is known
    for _ in range(MOST_STEPS):
        if max(map(abs, slope)) < FLAT:
            return at, smooth(at)[0]
        step = [_dot(row, slope) for row in bend]
        if _dot(step, slope) <= 0:
            bend = _even(len(start))
            step = slope
        widest = max(map(abs, step))
        step = [one * min(1.0, FAR / widest) for one in step]
        moved = _moved(of, at, value, slope, step)
        if moved is None:
            if bend == _even(len(start)):
                break
            bend = _even(len(start))
            continue
        after, value, new = moved
        if after == at:  # so would every further step
            break
        way = [b - a for a, b in zip(at, after, strict=True)]
        bend = _bent(bend, way, [a - b for a, b in zip(slope, new, strict=True)])
        at, slope = after, new
    raise ArithmeticError("no highest point was found")


def _moved(
    of: Smooth, at: Point, value: float, slope: Point, step: Point
) -> tuple[Point, float, Point] | None:
    """Where the step leads, or as great a part of it as brings enough; None where no part does."""
    share, promised = 1.0, _dot(step, slope)
    while share > LEAST_SHARE:
        tried = [one + share * more for one, more in zip(at, step, strict=True)]
        try:
            found, slope_there = of(tried)
        except (ArithmeticError, ValueError):
            found, slope_there = float("-inf"), slope
        # Near the top only rounding goes down.
        if found >= value + RISE * share * promised - 1e-15 * abs(value):
            return tried, found, slope_there
        share /= 2
    return None


def _bent(bend: list[Point], way: Point, change: Point) -> list[Point]:
    """The inverse of the curvature, corrected by what a step showed (Nocedal & Wright, 6.17)."""
    turned = _dot(way, change)
    if turned <= 1e-14:
        return bend
    by = [_dot(row, change) for row in bend]
    scale = (1 + _dot(by, change) / turned) / turned
    size = range(len(way))
    return [
        [
            bend[i][j] + scale * way[i] * way[j] - (by[i] * way[j] + way[i] * by[j]) / turned
            for j in size
        ]
        for i in size
    ]


def _even(size: int) -> list[Point]:
    return [[float(i == j) for j in range(size)] for i in range(size)]


def _dot(one: Point, other: Point) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def digamma(x: float) -> float:
    """The slope of log gamma, for x > 0 (Abramowitz & Stegun, Handbook of Mathematical Functions,
    1964: 6.3.5 and 6.3.18)."""
    found = 0.0
    while x < 10:
        found -= 1 / x
        x += 1
    w = 1 / (x * x)
    series = w * (1 / 12 - w * (1 / 120 - w * (1 / 252 - w * (1 / 240 - w / 132))))
    return found + log(x) - 0.5 / x - series
