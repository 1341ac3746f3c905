"""Counting by sample: exact while it is little, right on average, and its error is told."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from functions.journeys.billed import UNKNOWN, transitions
from functions.journeys.counted import (
    EXACTLY,
    ONE_OF,
    SHARDS,
    Counted,
    Used,
    add,
    begin_of,
    end_of,
    is_chosen,
    month_of,
    shard_of,
    spread,
    total,
)

MONTH = "2027-03"


def count(calls: int) -> Counted:
    """So many calls that each send a mail, as `functions.handlers.costing` counts them."""
    rows = [Counted(journey="cart", month=MONTH, shard=number) for number in range(SHARDS)]
    weight = 1
    for number in range(calls):
        names = ("run", str(number))
        if is_chosen(weight, *names):
            row = rows[shard_of(*names)]
            add(row, Used(step="send", mails=1, messages=1), weight)
            weight = row.weight
    return total(rows, "cart", MONTH)


@pytest.mark.parametrize("calls", [0, 1, 500])
def test_what_is_little_is_counted_exactly(calls: int) -> None:
    found = count(calls)
    assert (found.events, found.mails, spread(found)) == (calls, calls, 0)


@pytest.mark.parametrize("calls", [5_000, 40_000])
def test_what_is_much_is_counted_within_the_error_that_is_told(calls: int) -> None:
    found = count(calls)
    assert 0 < spread(found) < 0.1
    assert abs(found.mails - calls) <= spread(found) * calls
    assert found.mails == found.events != calls


def test_one_of_sixteen_is_written_once_a_journey_is_busy() -> None:
    chosen = sum(is_chosen(ONE_OF, "run", str(number)) for number in range(16_000))
    assert 850 < chosen < 1150


@given(some.integers(0, 50), some.integers(0, 50))
def test_text_messages_are_counted_whoever_is_chosen(chosen: int, passed_over: int) -> None:
    row = Counted(journey="cart", month=MONTH, steps={"send": EXACTLY})
    used = Used(step="send", texts={"DE": 2}, messages=1)
    for _ in range(chosen):
        add(row, used, row.weight)
    for _ in range(passed_over):
        add(row, used, 0)
    assert row.texts.get("DE", 0) == 2 * (chosen + passed_over)
    assert row.messages == ONE_OF * chosen


def test_a_step_that_the_newest_version_has_no_more_still_costs() -> None:
    row = Counted(journey="cart", month=MONTH, steps={"send a": 10, "gone": 5}, ended=3)
    assert transitions(row, {"send a": 3}) == 10 * 3 + 5 * UNKNOWN + 3


def test_a_month_goes_from_its_first_moment_to_the_first_of_the_next() -> None:
    assert (begin_of("2027-12"), end_of("2027-12")) == (
        datetime(2027, 12, 1, tzinfo=UTC),
        datetime(2028, 1, 1, tzinfo=UTC),
    )
    assert month_of(datetime(2028, 1, 1, tzinfo=UTC)) == "2028-01"


@pytest.mark.parametrize(
    "text", ["2027", "2027-13", "2027-1", "01-2027", "2027-01-01", "", "2027-01\n"]
)
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no month; one is written like"):
        begin_of(text)
