"""The feedback of sales: hit rates with honest intervals, and weights that outcomes bear out."""

import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.sales.feedback import (
    FEWEST,
    FEWEST_EACH,
    MOST_LEADS,
    bands,
    latest,
    propose,
    rounded,
)
from functions.sales.records import Lead
from functions.segments.scoring import Rule
from functions.segments.share import share

NOW = datetime(2027, 3, 1, tzinfo=UTC)
RULES = [Rule(f"r{n}", points, {"did": f"E{n}"}) for n, points in enumerate((10, 10, 10, 10))]
PLANTED = (30.0, 10.0, 2.0, -15.0)  # what truly matters
CHANCES = (0.4, 0.6, 0.5, 0.3)


def lead(hours: int, score: float, parts: dict[str, float], status: Any = "open") -> Lead:
    """Handed over so many hours later."""
    return Lead(
        person="p",
        lead_id=str(hours),
        owner="anna",
        handed=NOW + timedelta(hours=hours),
        score=score,
        parts=parts,
        status=status,
    )


def leads(number: int, seed: int = 1, weight: float = 10, steep: float = 0.06) -> list[Lead]:
    """Leads whose outcome hangs on the planted weights, handed over by the present ones."""
    chance = random.Random(seed)
    found = []
    for n in range(number):
        times = [float(chance.random() < one) * chance.choice((1, 1, 2)) for one in CHANCES]
        worth = sum(w * t for w, t in zip(PLANTED, times, strict=True))
        good = chance.random() < 1 / (1 + math.exp(-steep * (worth - 12)))
        parts = {f"r{n}*{weight:g}": weight * one for n, one in enumerate(times) if one}
        score = sum(parts.values())
        found.append(lead(n, score, parts, "won" if good else "lost"))
    return found


def planted(found: list[Lead]) -> list[float]:
    """The planted weights, scaled so that the scores spread as by the present ones."""
    times = [[one.parts.get(f"r{n}*10", 0) / 10 for n in range(4)] for one in found]
    now = [sum(10 * t for t in row) for row in times]
    then = [sum(w * t for w, t in zip(PLANTED, row, strict=True)) for row in times]
    return [w * _sd(now) / _sd(then) for w in PLANTED]


def _sd(found: list[float]) -> float:
    middle = sum(found) / len(found)
    return math.sqrt(sum((one - middle) ** 2 for one in found) / len(found))


# Values of the Wilson interval as R's prop.test(..., correct = FALSE) gives them.
@pytest.mark.parametrize(
    ("good", "of", "low", "high"),
    [
        (5, 10, 0.2366, 0.7634),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (81, 263, 0.2553, 0.3662),
    ],
)
def test_a_share_has_the_interval_of_wilson(good: int, of: int, low: float, high: float) -> None:
    found = share(good, of)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_of_none_nothing_is_known() -> None:
    assert (share(0, 0).rate, share(0, 0).low, share(0, 0).high) == (None, 0, 1)


def test_a_lead_stands_in_the_band_that_its_score_has_begun() -> None:
    scores = [(-5.0, False), (0.0, True), (39.99, False), (40.0, True), (500.0, True)]
    known = [(lead(0, score, {}), good) for score, good in scores]
    found = [(low, high, one.good, one.of) for low, high, one in bands(known, [0, 40, 80])]
    assert found == [(None, 0, 0, 1), (0, 40, 1, 2), (40, 80, 1, 1), (80, None, 1, 1)]


@pytest.mark.parametrize(("by", "counted"), [("accepted", [1, 1, 1, 0]), ("won", [1, 0, 0])])
def test_what_counts_as_good_is_said_and_what_is_open_counts_as_nothing(
    by: str, counted: list[int]
) -> None:
    results = ("won", "lost", "accepted", "open", "rejected")
    found = [lead(n, 0, {}, one) for n, one in enumerate(results)]
    assert [good for _, good in latest(found, by)] == counted  # type: ignore[arg-type]


def test_the_latest_leads_count() -> None:
    found = latest(leads(MOST_LEADS + 5)[::-1], "won")
    assert len(found) == MOST_LEADS
    assert found[0][0].handed == NOW + timedelta(hours=5)


@pytest.mark.parametrize("seed", range(3))
def test_planted_weights_are_found_within_their_intervals(seed: int) -> None:
    found = leads(1500, seed)
    for proposal, true in zip(propose(latest(found, "won"), RULES), planted(found), strict=True):
        assert proposal.proposed is not None
        # 12 intervals of 95 %, widened to those that all twelve keep.
        side = (proposal.high - proposal.low) / 2 * 1.5
        assert abs(proposal.proposed - true) < side + 0.5


def test_intervals_hold_the_planted_weights_about_as_often_as_they_promise() -> None:
    held = []
    for seed in range(40):
        found = leads(300, seed)
        for one, true in zip(propose(latest(found, "won"), RULES), planted(found), strict=True):
            held.append(one.low <= true <= one.high)
    assert 0.9 <= sum(held) / len(held) <= 1


def test_a_change_of_weights_in_between_does_not_mislead() -> None:
    before, after = leads(700, 1, weight=10), leads(700, 2, weight=5)
    mixed = propose(latest([*before, *after], "won"), RULES)
    same = propose(latest([*before, *leads(700, 2)], "won"), RULES)
    assert [one.proposed for one in mixed] == [one.proposed for one in same]


def test_only_what_the_outcomes_bear_out_is_certain() -> None:
    found = leads(1500)
    known = latest(found, "won")
    assert all(one.is_certain for one in propose(known, RULES))  # the present ones are all wrong
    right = [replace(r, points=true) for r, true in zip(RULES, planted(found), strict=True)]
    assert not any(one.is_certain for one in propose(known, right))
    assert not all(one.is_certain for one in propose(latest(found[:60], "won"), RULES))


def test_of_too_few_outcomes_nothing_is_proposed() -> None:
    few = latest(leads(FEWEST - 1), "won")
    assert [one.proposed for one in propose(few, RULES)] == [None] * 4
    one_sided = [
        lead(n, one.score, one.parts, "lost" if n < FEWEST_EACH - 1 else "won")
        for n, one in enumerate(leads(200))
    ]
    assert [one.proposed for one in propose(latest(one_sided, "won"), RULES)] == [None] * 4


def test_of_a_rule_that_hardly_anybody_shows_nothing_is_said() -> None:
    rare = Rule("rare", 5, {"did": "Rare"})
    found = propose(latest(leads(300), "won"), [*RULES, rare])
    assert (found[-1].proposed, found[-1].is_certain) == (None, False)
    assert found[0].proposed is not None


def test_points_are_proposed_as_people_write_them() -> None:
    assert [rounded(one) for one in (12.345, 9.87, -0.04, -31.6)] == [12, 9.9, 0, -32]
