"""Fading sums: alike in any order, halved in each half-life, and never more than their events."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from functions.tracking.decay import DEEP, Sums, add, combine, left

NOW = datetime(2027, 3, 1, 10, tzinfo=UTC)
times = st.integers(0, 10**9 * 380_000).map(lambda age: NOW - timedelta(microseconds=age))
half_lives = st.integers(1, 24 * 365 * 3).map(lambda hours: timedelta(hours=hours))


def sums(events: list[datetime], half_life: timedelta) -> Sums:
    found: Sums = {}
    for time in events:
        found = add(found, time, half_life)
    return found


@given(st.lists(times, max_size=12), half_lives, st.randoms(use_true_random=False))
def test_the_order_of_events_leaves_no_trace_at_all(events, half_life, chance) -> None:  # type: ignore[no-untyped-def]
    shuffled = chance.sample(events, len(events))
    assert sums(shuffled, half_life) == sums(events, half_life)


@given(st.lists(times, max_size=12), st.integers(0, 12), half_lives)
def test_two_sums_make_the_sum_of_all_their_events(
    events: list[datetime], cut: int, half_life: timedelta
) -> None:
    parts = sums(events[:cut], half_life), sums(events[cut:], half_life)
    assert combine(*parts) == combine(*parts[::-1]) == sums(events, half_life)


@given(st.lists(times, max_size=12), half_lives)
def test_each_event_counts_two_to_the_minus_of_its_age_in_half_lives(
    events: list[datetime], half_life: timedelta
) -> None:
    expected = sum(2.0 ** -((NOW - time) / half_life) for time in events)
    assert abs(left(sums(events, half_life), NOW, half_life) - expected) <= 1e-9 * len(events)


@given(st.lists(times, min_size=1, max_size=12), half_lives, st.integers(0, 10**14))
def test_what_is_left_halves_in_a_half_life_and_never_grows(
    events: list[datetime], half_life: timedelta, microseconds: int
) -> None:
    found, later = sums(events, half_life), NOW + timedelta(microseconds=microseconds)
    here = left(found, later, half_life)
    assert left(found, later + timedelta(microseconds=1), half_life) <= here
    assert abs(left(found, later + half_life, half_life) - here / 2) <= 1e-12 * here


def test_what_has_faded_away_takes_no_room() -> None:
    day = timedelta(days=1)
    found = sums([NOW - day * number for number in range(1000)], day)
    assert len(found) == DEEP
