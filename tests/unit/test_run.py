"""Registering a wait: every try of a step has a token of its own, and tries come in any order."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from functions.journeys.run import MOST_TRIES, Run, Wait, register
from functions.tracking.event import Event

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ENTRY = Event(type="track", event="Go", message_id="m", time=NOON, received_at=NOON)
Try = tuple[int, int]  # the how manieth state, the how manieth try of it


def a_run() -> Run:
    return Run(
        person="ada",
        run_id="visit-1",
        journey="visit",
        journey_version="v",
        entered=NOON,
        entry=ENTRY,
    )


def comes(run: Run, state: int, attempt: int) -> bool:
    wait = Wait(f"wait {state}", f"token {state}.{attempt}", NOON, NOON)
    return register(run, wait, NOON + timedelta(days=state))


TRIES = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=12, unique=True
)


@given(TRIES)
def test_the_latest_state_has_all_its_tokens_in_whatever_order_its_tries_come(
    tries: list[Try],
) -> None:
    run = a_run()
    for one in tries:
        comes(run, *one)
    latest = max(state for state, _ in tries)
    assert run.wait
    assert run.wait.step == f"wait {latest}"
    came = [f"token {state}.{attempt}" for state, attempt in tries if state == latest]
    assert run.wait.tokens == came[::-1]
    assert run.waiting


@given(TRIES)
def test_the_same_token_again_changes_nothing(tries: list[Try]) -> None:
    run = a_run()
    for one in tries:
        comes(run, *one)
    before = run.wait
    assert not comes(run, *tries[-1])
    assert run.wait == before


def test_a_try_of_a_state_that_the_run_has_left_is_not_noted() -> None:
    run = a_run()
    assert comes(run, 2, 0)
    assert not comes(run, 1, 9)
    assert run.wait
    assert run.wait.token == "token 2.0"


def test_a_run_keeps_no_more_tokens_than_a_state_has_tries() -> None:
    run = a_run()
    for attempt in range(40):
        comes(run, 1, attempt)
    assert run.wait
    assert len(run.wait.tokens) == MOST_TRIES + 1
    assert run.wait.token == "token 1.39"
