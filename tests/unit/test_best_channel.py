"""The best channel: what the person asked for, else what pays most by how they respond."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.messages.best_channel import UNKNOWN, Market, belief, best_channel
from functions.segments.census_records import Rate
from functions.tracking.choice import ASKED_FOR, LEARNED, ONLY, TRIED
from functions.tracking.response import OPENED, Response

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
PLAIN = Market()
BOTH = ["email", "sms"]
CHANNELS = st.lists(st.sampled_from(BOTH), min_size=1, max_size=2, unique=True)
RESPONSES = st.lists(
    st.builds(
        Response,
        st.sampled_from([*BOTH, "webhook"]),
        st.integers(0, 364).map(lambda days: NOW - timedelta(days=days)),
        st.sampled_from([0.0, OPENED, 1.0]),
    ),
    max_size=30,
)
MARKETS = st.builds(
    Market,
    st.dictionaries(
        st.sampled_from(BOTH), st.builds(Rate, st.floats(0.001, 0.99), st.floats(2, 200))
    ),
    st.floats(0.01, 100),
    st.dictionaries(st.just("sms"), st.floats(0, 1)),
)
OWN = st.none() | st.sampled_from([*BOTH, "letter", 7])


def had(channel: str, answered: int, of: int, days: int = 2) -> list[Response]:
    sent = NOW - timedelta(days=days)
    return [Response(channel, sent, float(index < answered)) for index in range(of)]


def choices(responses: list[Response], market: Market = PLAIN) -> Counter[str]:
    found = (
        best_channel(BOTH, None, lambda: responses, market, str(number), NOW).channel
        for number in range(500)
    )
    return Counter(found)


@given(CHANNELS, OWN, RESPONSES, MARKETS, st.text())
def test_it_is_always_open_is_the_persons_own_where_that_is_open_and_the_same_at_a_retry(
    allowed: list[str],
    own: object,
    responses: list[Response],
    market: Market,
    occasion: str,
) -> None:
    choice = best_channel(allowed, own, lambda: responses, market, occasion, NOW)
    assert choice.channel in allowed
    if own in allowed:
        assert choice.channel == own
    for again in (allowed, allowed[::-1]):
        found = best_channel(again, own, lambda: responses[::-1], market, occasion, NOW)
        assert found.channel == choice.channel


def test_where_there_is_no_choice_nothing_is_read() -> None:
    def read() -> list[Response]:
        raise AssertionError

    assert best_channel(["sms"], "email", read, Market(), "", NOW).why == ONLY
    assert best_channel(BOTH, "sms", read, Market(), "", NOW).why == ASKED_FOR


def test_who_answers_text_messages_gets_most_by_sms_and_is_told_why() -> None:
    responses = had("sms", 6, 9) + had("email", 1, 20)
    assert choices(responses)["sms"] > 475
    choice = best_channel(BOTH, None, lambda: responses, Market(), "1", NOW)
    assert (choice.why, choice.answered) == (LEARNED, {"email": (1, 20), "sms": (6, 9)})


def test_what_little_is_known_of_is_tried_now_and_then_and_said_to_be() -> None:
    found = choices(had("email", 2, 10), Market(costs={"sms": 0.05}))
    assert 5 < found["sms"] < 150
    tried = best_channel(BOTH, None, lambda: had("email", 9, 10), Market(), "1", NOW)
    whys = {
        best_channel(BOTH, None, lambda: had("email", 2, 10), Market(), str(number), NOW).why
        for number in range(100)
    }
    assert tried.why == LEARNED
    assert whys == {LEARNED, TRIED}


def test_of_whom_nothing_is_known_it_is_as_with_all_people() -> None:
    rates = {"sms": Rate(0.4, 100), "email": Rate(0.05, 100)}
    assert choices([], Market(rates))["sms"] > 490
    assert belief("sms", [], UNKNOWN, NOW) == pytest.approx((1, 19))


def test_what_a_text_message_costs_counts_against_what_an_answer_is_worth() -> None:
    rates = {"sms": Rate(0.10, 200), "email": Rate(0.05, 200)}
    dear, cheap = (Market(rates, worth, {"sms": 0.08}) for worth in (0.5, 20.0))
    assert choices([], dear)["email"] > 490
    assert choices([], cheap)["sms"] > 400


def test_what_was_long_ago_fades() -> None:
    responses = had("sms", 9, 10, days=360) + had("sms", 0, 20, days=2)
    good, bad = belief("sms", responses, UNKNOWN, NOW)
    assert good / (good + bad) < 0.06
    assert choices(responses + had("email", 4, 20))["email"] > 450
