"""The words of conditions about carts, robots, segments, other journeys and computed fields."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.journeys.journey import leave
from functions.segments.buying import Buying
from functions.segments.census import Counting
from functions.segments.census_records import ValueModel
from functions.segments.condition import Segment, condition
from functions.segments.person import CONTACTS, KINDS, fields
from functions.segments.phrases import BadPhrase
from functions.segments.spending import Spending
from functions.segments.turning import turning
from functions.tracking.permission import Live, Permission
from functions.tracking.profile import Cart, Move, Order, Seen, Stay, Visits
from tests.unit.test_conditions import NOW, event, facts, holds, message, profile

IN_CART = event("Product Added", "entry", 3, cart_id="c1")


def with_cart(items: dict[str, float], closed: bool = False) -> dict[str, Any]:
    known = profile()
    known.carts["c1"] = Cart(NOW - timedelta(days=1), items, closed)
    known.carts["c2"] = Cart(NOW, {"z": 9})
    return {"profile": known, "entry": IN_CART}


# --- cart


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(-3, 5)))
def test_a_cart_counts_what_is_in_it_and_never_what_is_missing(items: dict[str, float]) -> None:
    known = with_cart(items)
    held = [units for units in items.values() if units > 0]
    assert holds({"cart": {"items": sum(held), "products": len(held)}}, **known)
    assert not holds({"cart": {"items": sum(held) + 1}}, **known)


def test_the_cart_is_the_one_that_the_entering_event_names() -> None:
    known = with_cart({"a": 2})
    assert holds({"cart": {"items": 2}}, **known)
    known["entry"] = event("Product Added", "entry", 3, cart_id="c2")
    assert holds({"cart": {"items": 9}}, **known)


def test_a_cart_tells_its_last_change_and_whether_an_order_closed_it() -> None:
    assert holds({"cart": {"closed": False}}, **with_cart({"a": 2}))
    assert holds({"cart": {"closed": True}}, **with_cart({"a": 2}, closed=True))
    assert holds({"cart": {"last": {"in the last": "1 day"}}}, **with_cart({}))
    assert not holds({"cart": {"last": {"in the last": "23 hours"}}}, **with_cart({}))


@pytest.mark.parametrize("properties", [{}, {"cart_id": "gone"}, {"cart_id": ["c1"]}])
def test_a_cart_that_we_know_nothing_of_has_no_fields(properties: Any) -> None:
    known = {**with_cart({}), "entry": event("Product Added", "entry", 3, **properties)}
    assert not holds({"cart": {"items": 0}}, **known)
    assert holds({"cart": {"items": {"known": False}}}, **known)


# --- what became of messages


def test_what_robots_did_counts_when_they_are_asked_for() -> None:
    both = [message(robots=["opened"]), message("hacks", robots=["clicked"])]
    assert holds({"opened": "guide", "robots": "counted"}, messages=both)
    assert holds({"clicked": "hacks", "robots": "counted"}, messages=both)
    assert not holds({"clicked": "guide", "robots": "counted"}, messages=both)
    assert not holds({"opened": "guide"}, messages=both)
    assert holds({"opened": "guide", "robots": "counted"}, messages=[message(opened=NOW)])


def test_bounced_is_a_message_that_came_back() -> None:
    assert holds({"bounced": ["other", "guide"]}, messages=[message(bounced=NOW)])
    assert not holds({"bounced": "guide"}, messages=[message()])


# --- segments


def segments(**whos: Any) -> dict[str, Segment]:
    return {name: Segment(name, who, condition(who), turning(who)) for name, who in whos.items()}


def test_in_a_segment_is_for_whom_its_condition_holds_now() -> None:
    known = segments(
        basic={"person": {"plan": "basic"}},
        adults={"all of": [{"in segment": "basic"}, {"person": {"age": {"at least": 18}}}]},
    )
    assert holds({"in segment": "adults"}, segments=known)
    assert not holds({"in segment": "adults"}, segments=known, profile=profile(age=30))
    assert holds({"none of": [{"in segment": "adults"}]}, segments=known, profile=profile(age=30))


def test_nobody_is_in_a_segment_that_is_gone() -> None:
    assert not holds({"in segment": "gone"})


# --- other journeys


def live(**runs: tuple[str, str]) -> Permission:
    found = {
        run: Live(journey, "p", NOW, leaving=leaving) for run, (journey, leaving) in runs.items()
    }
    return Permission(person="p", live=found)


def test_in_a_journey_is_who_has_a_run_there_that_is_not_about_to_end() -> None:
    raw = {"in journey": "upsell"}
    assert holds(raw, permission=live(a=("upsell", "bought"), b=("upsell", "")))
    assert not holds(raw, permission=live(a=("upsell", "bought"), b=("recovery", "")))


def test_left_a_journey_is_ever_and_with_that_outcome() -> None:
    known = {"runs": lambda journey: {"upsell": ["finished", "goal"]}.get(journey, [])}
    assert holds({"left journey": "upsell"}, **known)
    assert holds({"left journey": "upsell", "as": "goal"}, **known)
    assert not holds({"left journey": "upsell", "as": "bought"}, **known)
    assert not holds({"left journey": "recovery"}, **known)


@pytest.mark.parametrize("leaving", ["", "bought"])
def test_whoever_is_not_in_a_journey_any_more_has_left_it(leaving: str) -> None:
    marked = live(a=("upsell", leaving))
    is_in = holds({"in journey": "upsell"}, permission=marked)
    assert holds({"left journey": "upsell"}, permission=marked) is not is_in


def test_a_run_that_gave_way_to_another_of_the_same_person_was_not_left() -> None:
    assert not holds({"left journey": "upsell"}, runs=lambda journey: ["merged"])


def test_the_outcome_of_another_journey_is_never_taken_for_that_of_this_one() -> None:
    raw = {"left journey": "upsell", "as": "bought"}
    with pytest.raises(BadPhrase, match='the word "as" could mean the outcome there or here'):
        leave(raw)
    outcome, rule = leave({"all of": [raw], "as": "has it"})
    known = facts(runs=lambda journey: ["bought"])
    assert outcome == "has it"
    assert rule.happened(IN_CART, known)


# --- computed fields


def test_the_last_contact_is_the_newest_conversation_of_any_kind() -> None:
    known = profile()
    assert not holds({"person": {"last_contact": {"known": True}}}, profile=known)
    for days, name in enumerate(CONTACTS, 1):
        time = NOW - timedelta(days=days)
        known.events[name] = Seen(1, time, time)
    known.events["Email Opened"] = Seen(1, NOW, NOW)
    assert fields(known, NOW)["last_contact"] == NOW - timedelta(days=1)


def test_the_lifetime_value_is_what_came_in_so_far() -> None:
    known = profile()
    for number in (1, 2):
        order = Order(f"o{number}", placed=NOW, currency="EUR")
        order.amount = order.amount + 1000
        known.orders[order.order_id] = order
    assert holds({"person": {"lifetime_value": 2000, "revenue": 2000}}, profile=known)


def test_the_stage_is_what_was_set_as_a_trait_where_no_lifecycle_is_kept() -> None:
    assert holds({"person": {"stage": {"one of": ["lost"]}}}, profile=profile(stage="lost"))
    assert not holds({"person": {"stage": "lost"}}, profile=profile())


def test_every_field_of_a_known_kind_has_values_of_that_kind() -> None:
    known = profile()
    known.orders = {
        name: Order(name, NOW, "EUR", Decimal(9), units=Decimal(2), cost=Decimal(4))
        for name in ("o1", "o2")
    }
    known.visits = Visits(0, [(1_800_000_000, 1_800_000_060)])
    known.events["Meeting Held"] = Seen(1, NOW, NOW)
    known.stages["customer"] = Stay(1, "recruitment", [Move(NOW, "visitor")])
    census = Counting()
    census.take(known, NOW)
    cuts = census.cuts(NOW)
    cuts.value = ValueModel(
        customers=9,
        again=5,
        buying=Buying(0.5, 30.0, 0.8, 2.4),
        spending={"EUR": Spending(6.2, 3.7, 15.4)},
    )
    found = fields(known, NOW, cuts)
    for field, kind in KINDS.items():
        said: Any = {"number": {"at least": 0}, "date": {"after": "2000-01-01"}}[kind]
        assert found[field] is not None
        assert holds({"person": {field: said}}, profile=known, cuts=cuts), field


# --- what is wrong, and what would be right


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ({"cart": {"item": 0}}, '"item" is not known of a cart; did you mean "items"?'),
        ({"cart": {"items": "0"}}, "items: this is a number, and never '0'; without quotation"),
        ({"cart": {"closed": 1}}, "closed: this is true or false, and never 1"),
        ({"cart": {"last": {"at least": 5}}}, 'last: this is a date, and "at least" is no test'),
        ({"cart": {}}, "{} is not a mapping of fields and tests"),
        ({"person": {"orders": "3"}}, "orders: this is a number, and never '3'"),
        ({"person": {"last_order": "2027-01-31"}}, "last_order: this is a date"),
        ({"person": {"age": {"at least": "3"}}}, "age: '3' is not a number; without quotation"),
        ({"did": "A", "times": "3"}, "times: this is a number, and never '3'"),
        ({"did": "A", "times": {"contains": 3}}, 'times: this is a number, and "contains"'),
        ({"opened": "a", "robots": True}, '"robots" takes "counted"'),
        (
            {"clicked": "a", "link": "b", "robots": "counted"},
            '"link" and "robots" do not go together',
        ),
        ({"sent": "a", "robots": "counted"}, '"robots" is unknown; here go: sent'),
        ({"bounced": []}, "[] is not a name or a list of names"),
        ({"in segment": ["a", "b"]}, "\"in segment\" takes one name, not ['a', 'b']; for several"),
        ({"in journey": ""}, "\"in journey\" takes one name, not ''"),
        ({"left journey": None}, '"left journey" takes one name, not None'),
        ({"left journey": "a", "as": 5}, '"as" takes the name of an outcome, not 5'),
        ({"left journey": "a", "as": "merged"}, '"merged" is our own word'),
    ],
)
def test_a_wrong_condition_says_what_would_be_right(raw: Any, says: str) -> None:
    with pytest.raises(BadPhrase) as refused:
        condition(raw)
    assert says in str(refused.value)
