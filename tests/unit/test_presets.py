"""The segments that ship: for each, who is in it and who is just not."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from functions.folder import read_folder
from functions.segments.buying import Buying
from functions.segments.census import Counting
from functions.segments.census_records import ValueModel
from functions.segments.keeping import take_in
from functions.segments.rules import SEGMENTS_FILE, Rules, rules_of
from functions.tracking.event import Event
from functions.tracking.fold import fold
from functions.tracking.own_event import SEGMENTS
from functions.tracking.profile import Profile
from tests.support.journeys import SHIPPED

NOW = datetime(2027, 6, 1, 9, tzinfo=UTC)
RULES = rules_of({SEGMENTS_FILE: read_folder(SHIPPED).raw(SEGMENTS_FILE)}, {"offers": True})
_numbers = count()


def call(days: float, **said: Any) -> Event:
    """Something that was done so many days ago."""
    time = NOW - timedelta(days=days)
    more = {"type": "track", "client_time": time.isoformat(), **said}
    return Event(message_id=f"m{next(_numbers)}", time=time, received_at=time, **more)


def order(days: float, revenue: float = 100, **more: Any) -> Event:
    said = {"order_id": f"o{next(_numbers)}", "revenue": revenue, "currency": "EUR", **more}
    return call(days, event="Order Completed", properties=said)


def page(days: float, **context: Any) -> Event:
    return call(days, type="page", properties={"path": "/"}, context=context)


def opened(days: float) -> Event:
    return call(days, event="Email Opened")


def won(days: float, name: str = "Referral Won") -> Event:
    return call(days, event=name, trusted=True, properties={"amount": 10, "currency": "EUR"})


def person(*events: Event) -> Profile:
    profile = Profile(person="ada")
    for event in events:
        fold(profile, event)
    return profile


def segments(events: Iterable[Event], rules: Rules = RULES) -> set[str]:
    """The segments that somebody is kept in who did this."""
    done = list(events)
    profile = person(*done)
    take_in(profile, done, rules, NOW)
    return set(profile.segments)


# Ten customers by whom the cut points go: revenue 10 to 100 in one to five orders, of which half is
# margin, the last from 10 days ago to 100.
NEIGHBOURS = [
    [
        order(10 * n + m, 20 * n / (1 + n // 2), cost=10 * n / (1 + n // 2))
        for m in range(1 + n // 2)
    ]
    for n in range(1, 11)
]


# That of customers of a shop for music (see test_value.py), too many to be made up here.
MODEL = ValueModel(customers=2357, again=946, buying=Buying(0.243, 30.9, 0.793, 2.426))


def among(events: Iterable[Event]) -> set[str]:
    """The same where there are neighbours to compare with."""
    counting = Counting()
    for one in NEIGHBOURS:
        counting.take(person(*one), NOW)
    cuts = counting.cuts(NOW)
    cuts.value = MODEL
    return segments(events, replace(RULES, cuts=cuts))


ALONE: dict[str, tuple[list[Event], list[Event]]] = {
    "customers": ([order(400)], [page(1)]),
    "new-customers": ([order(29)], [order(31), order(1)]),
    "quiet-customers": ([order(181)], [order(181), order(179)]),
    "occasional-buyers": ([order(10), order(71)], [order(10), order(69)]),
    "discount-seekers": (
        [order(1, coupon="X"), order(2, discount=5), order(3)],
        [order(1, coupon="X"), order(2), order(3)],
    ),
    "openers-not-buyers": ([opened(1), opened(89)], [opened(1), opened(91)]),
    "buyers-not-visitors": ([order(9), page(181)], [order(9), page(179)]),
    "formerly-engaged": ([order(91), order(99)], [order(91), order(99), page(89)]),
    "newcomers": ([page(13)], [page(15)]),
    "brand-ambassadors": ([won(1), won(50)], [won(1), won(50), won(9, "Referral Lost")]),
    "mobile-users": (
        [page(1, device={"type": "mobile"})],
        [page(1, device={"type": "mobile"}), *(page(2, device={"type": "desktop"}),) * 2],
    ),
    "dach": ([page(1, timezone="Europe/Vienna")], [page(1, timezone="Europe/Paris")]),
}
AMONG: dict[str, tuple[list[Event], list[Event]]] = {
    "large-baskets": ([order(1, 60), order(2, 60)], [order(1, 30), order(2, 20)]),
    "a-customers": ([order(1, 1000)], [order(1, 20)]),
    "c-customers": ([order(1, 20)], [order(1, 1000)]),
    "a-by-margin": ([order(1, 1000, cost=100)], [order(1, 1000, cost=999)]),
    "champions": (
        [order(n, 60) for n in range(1, 6)],
        [order(n, 60) for n in range(90, 95)],
    ),
    "likely-buyers": (
        [order(n) for n in range(1, 30, 3)],
        [order(n) for n in range(31, 60, 3)],
    ),
    "slipping-away": (
        [order(n, 60) for n in range(90, 95)],
        [order(n, 60) for n in (1, 20, 40, 60, 80)],
    ),
    "at-risk": ([order(n, 60) for n in range(90, 95)], [order(95, 5)]),
}


@pytest.mark.parametrize("name", ALONE)
def test_who_is_in_a_segment_and_who_is_just_not(name: str) -> None:
    inside, outside = ALONE[name]
    assert name in segments(inside)
    assert name not in segments(outside)


@pytest.mark.parametrize("name", AMONG)
def test_who_is_in_a_segment_among_all_others_and_who_is_not(name: str) -> None:
    inside, outside = AMONG[name]
    assert name in among(inside)
    assert name not in among(outside)
    assert name not in segments(inside)  # before the first census nobody is


def test_who_buys_is_no_opener_without_orders_and_no_newcomer() -> None:
    found = segments([opened(1), opened(2), order(1)])
    assert found.isdisjoint({"openers-not-buyers", "newcomers"})


def test_a_visitor_who_came_often_and_stays_away_was_engaged_and_who_came_seldom_was_not() -> None:
    visits = [page(100 + n) for n in range(5)]
    assert "formerly-engaged" in segments(visits)
    assert "formerly-engaged" not in segments(visits[:4])


def test_that_we_put_somebody_into_a_segment_is_no_sign_of_life() -> None:
    ours = call(1, event="Segment Entered", source=SEGMENTS, properties={"segment": "customers"})
    assert "formerly-engaged" in segments([order(91), order(99), ours])


def test_every_segment_that_ships_has_a_case_here() -> None:
    asks_permission = {"open-for-offers"}
    assert RULES.segments.keys() == ALONE.keys() | AMONG.keys() | asks_permission
