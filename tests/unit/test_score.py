"""The score of a person: its parts, their caps, and the moment at which it crosses a bound."""

from datetime import UTC, datetime, timedelta
from math import log2
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from functions.segments.person import fields, shown_fields
from functions.segments.score import crosses_at, parts_at, score_at, shown
from functions.tracking.decay import Sums, add
from functions.tracking.profile import Profile, Score, ScorePart
from functions.tracking.tally import Tally

NOW = datetime(2027, 3, 1, 10, tzinfo=UTC)
DAY = 24 * 3600


def person(*rules: tuple[float, list[float], int, float], given: float = 0) -> Profile:
    """Rules as (points, ages of the events in days, half-life in seconds, most)."""
    profile = Profile(person="p", points=given)
    for number, (points, ages, half_life, most) in enumerate(rules):
        key, sums = f"t{number}", Sums()
        for age in ages if half_life else ():
            sums = add(sums, NOW - timedelta(days=age), timedelta(seconds=half_life))
        profile.tallies[key] = Tally(count=len(ages), sums=sums)
        profile.score.parts[f"r{number}"] = ScorePart(points, key, half_life, most)
    return profile


ages = st.lists(st.floats(0, 400), min_size=1, max_size=6)
weights = st.integers(-40, 40).filter(bool).map(float)
half_lives = st.integers(1, 24 * 200).map(lambda hours: hours * 3600)
mosts = st.sampled_from([0.0, 10.0, 25.0])
rules = st.tuples(weights, ages, half_lives, mosts)
people = st.lists(rules, min_size=1, max_size=4).map(lambda found: person(*found, given=3))


def test_a_rules_points_halve_with_each_half_life() -> None:
    found = person((40, [0], 90 * DAY, 0))
    assert score_at(found, NOW) == 40
    assert score_at(found, NOW + timedelta(days=90)) == 20
    assert score_at(found, NOW + timedelta(days=270)) == 5


def test_what_does_not_fade_stays() -> None:
    assert score_at(person((5, [0, 100], 0, 0)), NOW + timedelta(days=9999)) == 10


def test_a_person_of_whom_nothing_is_known_has_no_points() -> None:
    assert score_at(Profile(person="p"), NOW) == 0
    assert parts_at(Profile(person="p"), NOW) == {}


@given(ages)
def test_a_cap_is_put_to_the_sum_and_not_to_its_events(found: list[float]) -> None:
    free, capped = (person((5, found, 30 * DAY, most)) for most in (0, 12))
    for days in (0, 30, 300):
        later = NOW + timedelta(days=days)
        assert score_at(capped, later) == min(12, score_at(free, later))


def test_a_cap_bounds_what_is_taken_as_well() -> None:
    assert score_at(person((-10, [0, 0, 0], 30 * DAY, 25)), NOW) == -25


@given(people)
def test_the_score_is_the_sum_of_its_parts(found: Profile) -> None:
    assert abs(sum(parts_at(found, NOW).values()) - score_at(found, NOW)) < 1e-5


def test_a_part_says_with_which_weight_it_was_made() -> None:
    assert parts_at(person((-2.5, [0], 0, 0), given=7), NOW) == {"r0*-2.5": -2.5, "given": 7}


def test_people_read_a_whole_number_and_conditions_the_exact_one() -> None:
    found = person((5, [15], 30 * DAY, 0))
    assert fields(found, NOW)["score"] == 3.535534
    assert shown_fields(found, NOW)["score"] == 4
    assert [shown(one) for one in (2.5, 2.4, -2.5, 40.0)] == [3, 2, -2, 40]
    assert isinstance(fields(person((5, [0], 0, 0)), NOW)["score"], int)


# --- crossing


@given(st.integers(1, 1000), st.integers(1, 200), st.floats(0.05, 0.95))
def test_one_rule_crosses_where_the_formula_says(points: int, days: int, share: float) -> None:
    found, bound = person((points, [0], days * DAY, 0)), points * share
    moment = crosses_at(found, bound, NOW)
    assert moment is not None
    expected = NOW + timedelta(days=days) * -log2(share)
    # A millionth of a point is what is told apart.
    assert abs(moment - expected) < timedelta(days=days) * (2e-6 / bound) + timedelta(seconds=1)


@given(people, st.integers(-60, 120).map(float))
@example(person((40, [0], 90 * DAY, 0)), 40.0)
@example(person((40, [0], 90 * DAY, 0), (-40, [0], 30 * DAY, 0)), 0.0)
def test_before_the_crossing_the_score_is_on_its_side_and_at_it_no_more(
    found: Profile, bound: float
) -> None:
    side = _side(found, bound, NOW)
    moment = crosses_at(found, bound, NOW)
    end = moment or NOW + timedelta(days=365 * 60)
    if moment:
        assert _side(found, bound, moment) != side
        assert _side(found, bound, moment - timedelta(microseconds=1)) == side
    for part in range(200):  # never late: nowhere before it was the score on another side
        assert _side(found, bound, NOW + (end - NOW) * part / 200) == side


def _side(found: Profile, bound: float, at: datetime) -> int:
    score = score_at(found, at)
    return (score > bound) - (score < bound)


@given(st.integers(1, 100), st.integers(1, 100))
def test_a_score_may_rise_because_what_was_taken_fades(given: int, points: int) -> None:
    found = person((-points, [0], 30 * DAY, 0), given=given)
    moment = crosses_at(found, given - points / 4, NOW)
    assert moment is not None
    assert abs(moment - NOW - timedelta(days=60)) < timedelta(minutes=5)


def test_a_capped_rule_holds_its_points_until_the_cap_lets_go() -> None:
    found = person((10, [0, 0, 0, 0], 30 * DAY, 20))
    assert crosses_at(found, 20, NOW + timedelta(days=1)) == crosses_at(found, 20, NOW)
    moment = crosses_at(found, 20, NOW)
    assert moment is not None
    assert abs(moment - NOW - timedelta(days=30)) < timedelta(seconds=1)


def test_what_can_never_be_reached_is_never_due() -> None:
    found = person((5, [0], 30 * DAY, 0), given=50)
    assert crosses_at(found, 40, NOW) is None
    assert crosses_at(found, 60, NOW) is None
    assert crosses_at(Profile(person="p"), 0, NOW) is None


@given(people, st.integers(-20, 40).map(float))
def test_from_crossing_to_crossing_there_is_an_end(found: Profile, bound: float) -> None:
    moments = [NOW]
    while (moment := crosses_at(found, bound, moments[-1])) and len(moments) < 40:
        assert moment > moments[-1]
        moments.append(moment)
    assert len(moments) < 40


def test_points_of_hand_and_rules_are_told_apart() -> None:
    profile = Profile(person="p", points=5, score=Score({"r": ScorePart(20)}))
    said: Any = parts_at(profile, NOW)
    assert said == {"r*20": 20, "given": 5}
