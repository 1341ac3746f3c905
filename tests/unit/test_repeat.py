"""What leads from the first order to a second: who counts, shares, lifts and odds."""

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.sales.feedback import share
from functions.sales.repeat import OTHER, repeat
from functions.sales.repeat_words import report
from functions.segments.cluster_records import FirstOrder
from functions.segments.first_order import first_order
from functions.tracking.profile import Order, OrderRow, Profile, Seen, Touch

MADE = datetime(2027, 3, 1, 9, tzinfo=UTC)
DAY = 86_400


def placed(days_ago: float) -> int:
    return int((MADE - timedelta(days=days_ago)).timestamp())


def a_first(days_ago: float = 100, again: float | None = None, **more: object) -> FirstOrder:
    """A first order so many days ago; `again` days later the second."""
    after = None if again is None else int(again * DAY)
    return FirstOrder(placed=placed(days_ago), again=after, **more)  # type: ignore[arg-type]


def crowd(seed: int = 1) -> list[FirstOrder]:
    """With a coupon fewer come again; by phone as many; coupons and phones go together."""
    chance = Random(seed)
    found = []
    for _ in range(1_500):
        coupon = chance.random() < 0.4
        device = "mobile" if chance.random() < (0.8 if coupon else 0.2) else "desktop"
        again = 30 if chance.random() < (0.2 if coupon else 0.5) else None
        amount = chance.uniform(5, 50)
        found.append(
            a_first(100, again, coupon=coupon, device=device, amount=amount, currency="EUR")
        )
    return found


ages = st.lists(st.tuples(st.integers(0, 200), st.none() | st.integers(0, 150)), max_size=60)


@given(ages, st.integers(1, 180))
def test_only_those_count_whose_window_is_over_whether_they_came_again_or_not(
    found: list[tuple[int, int | None]], within: int
) -> None:
    said = repeat([a_first(days, again) for days, again in found], MADE, within)
    known = [again for days, again in found if days >= within]
    came = sum(again is not None and again <= within for again in known)
    assert (said.every.good, said.every.of) == (came, len(known))
    assert said.left_out == len(found) - len(known)


def test_for_each_value_the_share_with_wilsons_interval_and_the_lift_are_told() -> None:
    people = crowd()
    found = repeat(people, MADE, 90)
    coupon = {one.value: one for one in found.values if one.criterion == "coupon"}
    mine = [one.again is not None for one in people if one.coupon]
    assert coupon["yes"].came == share(sum(mine), len(mine))
    rate = sum(one.again is not None for one in people) / len(people)
    assert coupon["yes"].lift == pytest.approx(sum(mine) / len(mine) / rate)
    assert coupon["no"].lift > 1 > coupon["yes"].lift


def test_what_only_goes_along_with_a_cause_makes_no_difference_all_else_being_equal() -> None:
    found = {(one.criterion, one.value): one for one in repeat(crowd(), MADE, 90).values}
    coupon, device = found["coupon", "yes"], found["device", "mobile"]
    assert device.lift < 0.85  # by itself it looks like one
    assert not device.is_certain
    assert coupon.is_certain
    assert coupon.odds is not None
    planted = (0.2 / 0.8) / (0.5 / 0.5)
    assert coupon.odds[1] < planted < coupon.odds[2]


def test_the_most_frequent_value_is_what_the_others_are_compared_with() -> None:
    values = [one for one in repeat(crowd(), MADE, 90).values if one.criterion == "coupon"]
    assert [(one.value, one.odds is None) for one in values] == [("no", True), ("yes", False)]


def test_rare_values_are_taken_together() -> None:
    people = crowd()
    for number, one in enumerate(people):
        one.channel = "paid" if number % 2 else "search" if number % 40 else f"page{number}"
    found = {
        one.value: one.came.of
        for one in repeat(people, MADE, 90).values
        if one.criterion == "channel"
    }
    assert found == {"paid": 750, "search": 712, OTHER: 38}


def test_amounts_are_told_in_thirds() -> None:
    bands = [one for one in repeat(crowd(), MADE, 90).values if one.criterion == "amount"]
    assert sorted(one.came.of for one in bands) == [500, 500, 500]
    assert all("EUR" in one.value for one in bands)


def test_too_few_are_not_compared_and_it_is_said() -> None:
    said = report(MADE, [a_first(100, 5)] * 60 + [a_first(10)] * 7, 90, "en")
    assert not said.enough
    assert said.values == []
    assert said.says[1] == "7 are left out: their 90 days are not over yet"
    assert said.says[2].startswith("too few to compare: 100 first orders")
    assert report(None, [], 90, "en").made is None


def test_the_report_speaks_german() -> None:
    said = report(MADE, crowd(), 90, "de")
    [coupon] = [one for one in said.values if (one.criterion, one.value) == ("coupon", "yes")]
    assert (coupon.criterion_title, coupon.value_title) == ("Gutschein oder Rabatt", "ja")
    assert "das macht einen Unterschied" in coupon.says
    assert "haben binnen 90 Tagen wieder bestellt" in said.says[0]
    assert math.isclose(coupon.rate, coupon.came / coupon.of)


# --- the first order of a profile


def order(name: str, days_ago: float, **more: object) -> Order:
    time = MADE - timedelta(days=days_ago)
    return Order(name, time, "EUR", Decimal(20), **more)  # type: ignore[arg-type]


def test_the_first_order_and_the_time_to_the_second_are_found_among_those_that_have_left() -> None:
    profile = Profile(person="a", orders={"d": order("d", 1)})
    rows = [
        OrderRow("a", 3, [order("a", 90, discounted=True, skus=["ink", "pen"])]),
        OrderRow("a", 5, [order("b", 80)]),
    ]
    found = first_order(profile, rows)
    assert found == FirstOrder(
        placed=placed(90),
        again=10 * DAY,
        amount=20.0,
        currency="EUR",
        coupon=True,
        product="ink",
        weekday=1,
    )


def test_what_came_after_the_first_order_is_not_told_of_it() -> None:
    before, after = MADE - timedelta(days=95), MADE - timedelta(days=50)
    touch = Touch(time=after, message_id="m", campaign={"medium": "cpc"})
    devices = {"mobile": Seen(9, after, MADE), "desktop": Seen(1, before, before)}
    profile = Profile(person="a", orders={"a": order("a", 90)}, devices=devices, first_touch=touch)
    found = first_order(profile)
    assert found is not None
    assert (found.device, found.channel, found.again) == ("desktop", "", None)
    touch.time = before
    assert first_order(profile).channel == "paid"  # type: ignore[union-attr]


def test_an_order_that_was_cancelled_is_no_first_order() -> None:
    profile = Profile(person="a", orders={"a": order("a", 90, void=True), "b": order("b", 20)})
    found = first_order(profile)
    assert found is not None
    assert (found.placed, found.again) == (placed(20), None)
    assert first_order(Profile(person="v")) is None
