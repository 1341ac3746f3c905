"""Logistic regression: published values, closed forms, and what a penalty is for."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.sales.regression import chance, fit

# Hours of study and whether the exam was passed: the example of Wikipedia's "Logistic regression"
# (with the published coefficients, errors and chances).
HOURS = [
    *(0.50, 0.75, 1.00, 1.25, 1.50, 1.75, 1.75, 2.00, 2.25, 2.50),
    *(2.75, 3.00, 3.25, 3.50, 4.00, 4.25, 4.50, 4.75, 5.00, 5.50),
]
PASSED = [bool(int(one)) for one in "00000010101010111111"]


def test_the_published_example_comes_out_as_published() -> None:
    found = fit([[one] for one in HOURS], PASSED)
    assert [round(one, 4) for one in found.coefficients] == [-4.0777, 1.5046]
    assert [round(one, 3) for one in found.errors] == [1.761, 0.629]
    assert round(chance(found.coefficients, [2]), 2) == 0.26
    assert round(chance(found.coefficients, [4]), 2) == 0.87


@given(*(st.integers(1, 60) for _ in range(4)))
@settings(max_examples=30)
def test_one_yes_or_no_feature_gives_the_log_odds_ratio(a: int, b: int, c: int, d: int) -> None:
    rows = [[1.0]] * (a + b) + [[0.0]] * (c + d)
    outcomes = [True] * a + [False] * b + [True] * c + [False] * d
    found = fit(rows, outcomes)
    assert math.isclose(found.coefficients[1], math.log(a * d / (b * c)), abs_tol=1e-7)
    assert math.isclose(found.errors[1], math.sqrt(1 / a + 1 / b + 1 / c + 1 / d), rel_tol=1e-6)


def test_where_the_gradient_of_the_penalised_likelihood_is_zero_there_it_ends() -> None:
    random.seed(1)
    rows = [[random.gauss(0, 1), random.gauss(2, 3)] for _ in range(80)]
    outcomes = [random.random() < 0.4 for _ in rows]
    found = fit(rows, outcomes, penalty=2.5)
    missed = [o - chance(found.coefficients, r) for r, o in zip(rows, outcomes, strict=True)]
    assert abs(sum(missed)) < 1e-8
    for n in range(2):
        slope = sum(m * row[n] for m, row in zip(missed, rows, strict=True))
        assert math.isclose(slope, 2.5 * found.coefficients[n + 1], abs_tol=1e-7)


@pytest.mark.parametrize("penalty", [0.1, 1, 10])
def test_a_penalty_keeps_features_that_tell_all_apart_finite(penalty: float) -> None:
    rows, outcomes = [[float(n)] for n in range(10)], [n > 4 for n in range(10)]
    found = fit(rows, outcomes, penalty)
    assert 0 < found.coefficients[1] < 10
    with pytest.raises(ArithmeticError):
        fit(rows, outcomes)


def test_features_that_hang_on_one_another_share_what_they_say() -> None:
    rows = [[one, one] for one in HOURS]
    with pytest.raises(ArithmeticError):
        fit(rows, PASSED)
    found = fit(rows, PASSED, 0.01).coefficients
    assert math.isclose(found[1], found[2])


def test_a_larger_penalty_makes_smaller_coefficients() -> None:
    sizes = [abs(fit([[h] for h in HOURS], PASSED, p).coefficients[1]) for p in (0, 1, 10, 1000)]
    assert sizes == sorted(sizes, reverse=True)
