"""Logistic regression for a few hundred cases and some dozen features, by Newton's method.

The chance p of a case with the features x is told by log(p / (1 - p)) = a + b.x (D. R. Cox, The
Regression Analysis of Binary Sequences, 1958). The log likelihood less penalty/2 * |b|^2 is
greatest where its gradient is zero; Newton's steps lead there (iteratively reweighted least
squares: McCullagh & Nelder, Generalized Linear Models, 1989, ch. 4). The penalty (ridge: le Cessie
& van Houwelingen, 1992) keeps b finite where few cases tell the features apart; it is the logarithm
of a normal prior with variance 1/penalty. Errors come from the inverse of the Hessian there.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

Row = Sequence[float]
Matrix = list[list[float]]
MOST_STEPS = 100
CLOSE = 1e-10


@dataclass(frozen=True)
class Fitted:
    """The intercept first, then a coefficient for each feature; with their standard errors."""

    coefficients: list[float]
    errors: list[float]


def fit(rows: Sequence[Row], outcomes: Sequence[bool], penalty: float = 0.0) -> Fitted:
    """Coefficients for these cases. The intercept is not penalised.

    Raises ArithmeticError where no coefficients are the best: without a penalty, when the features
    tell all outcomes apart or hang on one another.
    """
    cases = [[1.0, *row] for row in rows]
    size = len(cases[0])
    found = [0.0] * size
    best = _objective(cases, outcomes, found, penalty)
    for _ in range(MOST_STEPS):
        gradient, hessian = _slopes(cases, outcomes, found, penalty)
        step = _solve(_cholesky(hessian), gradient)
        if max(map(abs, step)) < CLOSE:
            factor = _cholesky(hessian)
            errors = [math.sqrt(_solve(factor, _unit(size, n))[n]) for n in range(size)]
            return Fitted(found, errors)
        found, best = _step(cases, outcomes, penalty, found, step, best)
    raise ArithmeticError("the features tell the outcomes apart altogether")


def _step(
    cases: Sequence[Row],
    outcomes: Sequence[bool],
    penalty: float,
    found: list[float],
    step: list[float],
    best: float,
) -> tuple[list[float], float]:
    """The step, or as small a part of it as makes things better."""
    share = 1.0
    while share > CLOSE:
        tried = [one + share * more for one, more in zip(found, step, strict=True)]
        value = _objective(cases, outcomes, tried, penalty)
        if value >= best - CLOSE * abs(best):  # near the top only rounding goes down
            return tried, value
        share /= 2
    return found, best


def chance(coefficients: Sequence[float], row: Row) -> float:
    """The chance of a case with these features."""
    return _logistic(_dot(coefficients, [1.0, *row]))


def _logistic(value: float) -> float:
    if value < 0:
        grown = math.exp(max(value, -700.0))
        return grown / (1 + grown)
    return 1 / (1 + math.exp(-value))


def _dot(one: Row, other: Row) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _objective(cases: Sequence[Row], outcomes: Sequence[bool], found: Row, penalty: float) -> float:
    total = -penalty / 2 * sum(one * one for one in found[1:])
    for case, outcome in zip(cases, outcomes, strict=True):
        value = _dot(found, case) if outcome else -_dot(found, case)
        total -= math.log1p(math.exp(-value)) if value > -30 else -value
    return total


def _slopes(
    cases: Sequence[Row], outcomes: Sequence[bool], found: Row, penalty: float
) -> tuple[list[float], Matrix]:
    """The gradient, and the Hessian with its sign turned (its lower half)."""
    size = len(found)
    gradient = [0.0, *(-penalty * one for one in found[1:])]
    hessian = [[0.0] * size for _ in range(size)]
    for n in range(1, size):
        hessian[n][n] = penalty
    for case, outcome in zip(cases, outcomes, strict=True):
        expected = _logistic(_dot(found, case))
        weight = expected * (1 - expected)
        there = [(n, value) for n, value in enumerate(case) if value]  # most features are zero
        for n, value in there:
            gradient[n] += (outcome - expected) * value
            row = hessian[n]
            for m, other in there:
                if m > n:
                    break
                row[m] += weight * value * other
    return gradient, hessian


def _cholesky(matrix: Matrix) -> Matrix:
    """The lower triangle L with L L' = matrix. Raises ArithmeticError if it is not positive."""
    size = len(matrix)
    factor = [[0.0] * size for _ in range(size)]
    for i in range(size):
        for j in range(i + 1):
            rest = matrix[i][j] - _dot(factor[i][:j], factor[j][:j])
            if i == j and rest <= CLOSE * max(1.0, matrix[i][i]) * 1e-3:
                raise ArithmeticError("the features hang on one another")
            factor[i][j] = math.sqrt(rest) if i == j else rest / factor[j][j]
    return factor


def _solve(factor: Matrix, right: Row) -> list[float]:
    """x with L L' x = right."""
    size = len(factor)
    middle: list[float] = []
    for i in range(size):
        middle.append((right[i] - _dot(factor[i][:i], middle)) / factor[i][i])
    found = [0.0] * size
    for i in reversed(range(size)):
        rest = sum(factor[k][i] * found[k] for k in range(i + 1, size))
        found[i] = (middle[i] - rest) / factor[i][i]
    return found


def _unit(size: int, position: int) -> list[float]:
    return [float(n == position) for n in range(size)]
