"""Registering a wait: every try of a step has a token of its own, and tries come in any order."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from functions.journeys.run import (
    KEPT,
    LONGEST_QUIET,
    MOST_TRIES,
    RENEWED,
    Wait,
    Waits,
    register,
)

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
Try = tuple[int, int]  # the how manieth state, the how manieth try of it


def none_yet() -> Waits:
    return Waits(person="ada", run_id="visit-1", journey="visit")


def comes(waits: Waits, state: int, attempt: int) -> bool:
    wait = Wait(f"wait {state}", f"token {state}.{attempt}", NOON, NOON)
    return register(waits, wait, NOON + timedelta(days=state))


TRIES = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=12, unique=True
)


@given(TRIES)
def test_the_latest_state_has_all_its_tokens_in_whatever_order_its_tries_come(
    tries: list[Try],
) -> None:
    waits = none_yet()
    for one in tries:
        comes(waits, *one)
    latest = max(state for state, _ in tries)
    assert waits.latest
    assert waits.latest.step == f"wait {latest}"
    came = [f"token {state}.{attempt}" for state, attempt in tries if state == latest]
    assert waits.latest.tokens == came[::-1]


@given(TRIES)
def test_the_same_token_again_changes_nothing(tries: list[Try]) -> None:
    waits = none_yet()
    for one in tries:
        comes(waits, *one)
    before = waits.latest
    assert not comes(waits, *tries[-1])
    assert waits.latest == before


def test_a_try_of_a_state_that_the_run_has_left_is_not_noted() -> None:
    waits = none_yet()
    assert comes(waits, 2, 0)
    assert not comes(waits, 1, 9)
    assert waits.latest
    assert waits.latest.token == "token 2.0"


def test_a_run_keeps_no_more_tokens_than_a_state_has_tries() -> None:
    waits = none_yet()
    for attempt in range(40):
        comes(waits, 1, attempt)
    assert waits.latest
    assert len(waits.latest.tokens) == MOST_TRIES + 1
    assert waits.latest.token == "token 1.39"


def test_a_wait_that_goes_on_keeps_its_beginning_and_a_new_one_has_its_own() -> None:
    waits = none_yet()
    days = [NOON + timedelta(days=day) for day in range(4)]
    for number, goes_on in ((0, False), (1, True), (2, True)):
        assert register(waits, Wait("wait", f"t{number}", NOON, NOON), days[number], goes_on)
        assert waits.beginning("wait") == days[0]
    assert register(waits, Wait("wait", "t3", NOON, NOON), days[3])
    assert waits.beginning("wait") == days[3]


def test_what_a_run_waits_for_is_kept_as_long_as_it_goes_on() -> None:
    waits = none_yet()
    assert comes(waits, 0, 0)
    once = waits.expires
    waits.renewed = NOON + timedelta(days=350)
    assert waits.expires == once + 350 * 86_400
    assert KEPT > RENEWED + LONGEST_QUIET
