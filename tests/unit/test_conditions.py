"""Conditions: every first word, what stands beside it, and what a wrong one is told."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.journeys.happening import happening
from functions.journeys.journey import goal, leave
from functions.segments.condition import (
    READERS,
    Facts,
    condition,
    event_test,
    mentioned_messages,
    names,
)
from functions.segments.person import COMPUTED, fields
from functions.segments.phrases import BadPhrase
from functions.tracking.event import Event
from functions.tracking.message import Message
from functions.tracking.permission import Consent, Permission
from functions.tracking.profile import Order, Profile, Seen, Trait

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
ENTERED = NOW - timedelta(days=3)


def event(name: str, message_id: str = "m", days_ago: float = 0, **properties: Any) -> Event:
    time = NOW - timedelta(days=days_ago)
    return Event(
        type="track",
        event=name,
        message_id=message_id,
        time=time,
        received_at=time,
        properties=properties,
    )


def message(name: str = "guide", **more: Any) -> Message:
    fixed = {
        "person": "p",
        "run_id": "onboarding-1",
        "step": f"send {name}",
        "send_id": name,
        "journey": "onboarding",
        "message": name,
        "channel": "email",
        "purpose": "offers",
        "state": "sent",
    }
    return Message(**{**fixed, **more})


ENTRY = event("Order Completed", "entry", 3, order_id="o1", products=[{"sku": "basic"}], total=20)


def profile(**traits: Any) -> Profile:
    kept = {name: Trait(value, NOW, "m") for name, value in traits.items()}
    return Profile(person="p", traits=kept, created=ENTERED)


def facts(*, messages: Iterable[Message] = (), events: Iterable[Event] = (), **more: Any) -> Facts:
    def happened(wanted: Iterable[str], since: datetime | None) -> list[Event]:
        return [
            one
            for one in events
            if one.name in set(wanted) and (since is None or one.time >= since)
        ]

    fixed = {
        "profile": profile(plan="basic", age=30, vip=True),
        "permission": Permission(person="p"),
        "now": NOW,
        "journey": "onboarding",
        "run_id": "onboarding-1",
        "entry": ENTRY,
        "entered": ENTERED,
        "purpose": "offers",
        "needs_consent": {"offers": True, "transactional": False},
        "messages": lambda: list(messages),
        "events": happened,
    }
    return Facts(**{**fixed, **more})


def holds(raw: Any, **known: Any) -> bool:
    return condition(raw)(facts(**known))


# --- person and entry


def test_person_passes_when_every_field_does() -> None:
    assert holds({"person": {"plan": "basic", "age": {"at least": 18}}})
    assert not holds({"person": {"plan": "basic", "age": {"at least": 31}}})
    assert not holds({"person": {"age": "30"}})
    assert not holds({"person": {"vip": 1}})
    assert holds({"person": {"missing": {"known": False}, "plan": {"not": "premium"}}})


def test_computed_fields_of_a_person_stand_beside_traits() -> None:
    known = profile(firstName="Ada", lastName="L", timezone="Asia/Tokyo", language="en")
    known.orders["o1"] = Order("o1", placed=ENTERED, currency="EUR")
    known.events["Order Completed"] = Seen(1, ENTERED, NOW)
    found = fields(known, NOW)
    assert found["first_name"] == "Ada"
    assert found["last_name"] == "L"
    assert (found["zone"], found["locale"], found["orders"]) == ("Asia/Tokyo", "en", 1)
    assert (found["first_seen"], found["last_seen"]) == (ENTERED, NOW)
    assert found["first_order"] == found["last_order"] == ENTERED
    assert holds({"person": {"orders": 1, "last_order": {"in the last": "4 days"}}}, profile=known)
    assert set(COMPUTED) <= set(found)


def test_entry_looks_into_the_entering_event() -> None:
    assert holds({"entry": {"products.sku": "basic", "total": {"more than": 19}}})
    assert not holds({"entry": {"products.sku": "premium"}})
    identify = Event(
        type="identify", message_id="i", time=NOW, received_at=NOW, traits={"plan": "pro"}
    )
    assert holds({"entry": {"plan": "pro"}}, entry=identify)


# --- did


def test_did_is_ever_unless_a_time_is_said() -> None:
    long_ago = [event("Login", days_ago=400)]
    assert holds({"did": "Login"}, events=long_ago)
    assert holds({"did": ["Logout", "Login"]}, events=long_ago)
    assert not holds({"did": "Logout"}, events=long_ago)
    assert not holds({"did": "Login", "in the last": "30 days"}, events=long_ago)
    assert not holds({"did": "Login", "since": "entry"}, events=long_ago)


@pytest.mark.parametrize(("days_ago", "expected"), [(2.9, True), (3, True), (3.1, False)])
def test_since_entry_begins_with_the_entry(days_ago: float, expected: bool) -> None:
    raw = {"did": "Login", "since": "entry"}
    assert holds(raw, events=[event("Login", days_ago=days_ago)]) is expected


def test_the_entering_event_itself_did_not_happen_since_entry() -> None:
    raw = {"did": "Order Completed", "since": "entry"}
    assert not holds(raw, events=[ENTRY])
    assert holds(raw, events=[ENTRY, event("Order Completed", "second", 1)])
    assert holds({"did": "Order Completed"}, events=[ENTRY])


@given(st.integers(0, 5), st.integers(0, 5))
def test_times_counts_what_passes_the_rest(done: int, wanted: int) -> None:
    events = [event("Login", f"m{number}", app="web") for number in range(done)]
    others = [event("Login", f"o{number}", app="phone") for number in range(3)]
    raw = {"did": "Login", "where": {"app": "web"}}
    assert holds({**raw, "times": wanted}, events=events + others) is (done == wanted)
    at_least = {**raw, "times": {"at least": wanted}}
    assert holds(at_least, events=events + others) is (done >= wanted)
    assert holds(raw, events=events + others) is (done > 0)


def test_same_compares_with_the_entering_event() -> None:
    same = {"did": "Order Refunded", "same": "order_id"}
    assert holds(same, events=[event("Order Refunded", order_id="o1")])
    assert not holds(same, events=[event("Order Refunded", order_id="o2")])
    other_name = {"did": "Order Refunded", "same": {"order_id": "order"}}
    assert holds(other_name, events=[event("Order Refunded", order="o1")])
    assert not holds(other_name, events=[event("Order Refunded", order_id="o1")])


def test_an_event_without_the_same_property_counts_for_leave_and_goal_and_nowhere_else() -> None:
    without, other = event("Order Refunded"), event("Order Refunded", order_id="o2")
    raw = {"event": "Order Refunded", "same": "order_id"}
    assert not holds({"did": "Order Refunded", "same": "order_id"}, events=[without])
    assert not happening(raw).happened(without, facts())
    assert leave({**raw, "as": "refunded"})[1].happened(without, facts())
    assert goal(raw).what.happened(without, facts())
    assert not leave({**raw, "as": "refunded"})[1].happened(other, facts())
    assert not goal(raw).what.happened(other, facts())


# --- messages


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("sent", True),
        ("unknown", True),
        ("held", False),
        ("not sent", False),
        ("failed", False),
        ("claimed", False),
    ],
)
def test_sent_means_gone_out_as_far_as_we_know(state: str, expected: bool) -> None:
    assert holds({"sent": "guide"}, messages=[message(state=state)]) is expected


def test_opened_and_clicked_are_what_people_did() -> None:
    plain, robots = message(), message(robots=["opened", "clicked"])
    assert not holds({"opened": "guide"}, messages=[plain])
    assert not holds({"clicked": "guide"}, messages=[robots])
    assert holds({"opened": "guide"}, messages=[message(opened=NOW)])
    assert holds({"clicked": "guide"}, messages=[message(clicked={"": NOW})])
    assert holds({"clicked": ["other", "guide"]}, messages=[message(clicked={"a": NOW})])


def test_a_named_link_is_that_link_alone() -> None:
    raw = {"clicked": "guide", "link": "premium"}
    assert holds(raw, messages=[message(clicked={"premium": NOW, "forum": NOW})])
    assert not holds(raw, messages=[message(clicked={"forum": NOW, "": NOW})])


def test_a_message_is_that_of_this_run_unless_its_journey_is_named() -> None:
    other = message(run_id="onboarding-2", opened=NOW)
    assert not holds({"opened": "guide"}, messages=[other])
    assert holds({"opened": "onboarding/guide"}, messages=[other])
    assert not holds({"opened": "upsell/guide"}, messages=[other])


# --- permission


def test_may_get_asks_for_permission_and_an_address() -> None:
    consents = {"email/offers": Consent(True, NOW)}
    both = Permission(person="p", consents=consents, addresses={"email": "h"})
    assert holds({"may get": "email"}, permission=both)
    assert not holds({"may get": "sms"}, permission=both)
    assert not holds({"may get": "email"}, permission=Permission(person="p", consents=consents))
    assert not holds({"may get": "email", "purpose": "tips"}, permission=both)
    no_consent = Permission(person="p", addresses={"email": "h"})
    assert not holds({"may get": "email"}, permission=no_consent)
    assert holds({"may get": "email", "purpose": "transactional"}, permission=no_consent)
    suppressed = replace_permission(both, suppressed={"email": "hard bounce"})
    assert not holds({"may get": "email", "purpose": "transactional"}, permission=suppressed)


def replace_permission(permission: Permission, **changes: Any) -> Permission:
    return msgspec.structs.replace(permission, **changes)


# --- all, any, none

TRUE, FALSE = {"person": {"plan": "basic"}}, {"person": {"plan": "premium"}}


@given(st.lists(st.booleans(), min_size=1, max_size=5))
def test_all_any_and_none_of_combine_conditions(parts: list[bool]) -> None:
    raw = [TRUE if part else FALSE for part in parts]
    assert holds({"all of": raw}) is all(parts)
    assert holds({"any of": raw}) is any(parts)
    assert holds({"none of": raw}) is not any(parts)


def test_combinations_nest() -> None:
    assert holds({"all of": [{"none of": [FALSE]}, {"any of": [FALSE, {"all of": [TRUE]}]}]})


def test_messages_are_found_wherever_a_condition_mentions_them() -> None:
    nested = {"all of": [{"none of": [{"opened": ["a", "b"]}]}, {"clicked": "c"}, {"did": "d"}]}
    assert mentioned_messages(nested) == ["a", "b", "c"]
    assert mentioned_messages({"event": "clicked"}) == []


# --- what is wrong, and what would be right


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (None, "None is not a condition, which is a mapping like {clicked: guide}"),
        ("clicked", "'clicked' is not a condition"),
        ([], "[] is not a condition"),
        ({}, "a condition has exactly one of: person, account, entry, cart, did, sent, opened"),
        ({"click": "guide"}, "here: click"),
        ({"sent": "a", "opened": "a"}, "exactly one of"),
        ({"clicked": "a", "lnik": "b"}, '"lnik" is unknown; here go: clicked, link'),
        ({"opened": "a", "link": "b"}, '"link" is unknown; here go: opened'),
        ({"clicked": "a", "link": 5}, '"link" takes the name of a link'),
        ({"clicked": []}, "[] is not a name or a list of names"),
        ({"clicked": [""]}, "is not a name or a list of names"),
        ({"opened": 5}, "5 is not a name or a list of names"),
        ({"did": {}}, "{} is not a name or a list of names"),
        ({"did": "a", "since": "yesterday"}, '"since" takes "entry"'),
        (
            {"did": "a", "since": "entry", "in the last": "1 day"},
            '"in the last" and "since" do not go together',
        ),
        ({"did": "a", "in the last": "a day"}, "'a day' is not a duration; a duration is written"),
        ({"did": "a", "times": {"over": 5}}, '"over" is not a test'),
        ({"did": "a", "where": []}, "[] is not a mapping of fields and tests"),
        ({"did": "a", "where": {}}, "is not a mapping of fields and tests"),
        ({"did": "a", "same": 5}, '5: "same" takes the name of a property'),
        ({"did": "a", "same": {"a": 5}}, '"same" takes the name of a property'),
        ({"person": "a"}, "'a' is not a mapping of fields and tests"),
        ({"person": {"age": {}}}, "a test is missing"),
        ({"entry": None}, "None is not a mapping of fields and tests"),
        (
            {"account": {"score": {"more than": 5}}},
            '"score" is summed up from the members',
        ),
        ({"account": {"stage": "customer"}}, "Ask the person ({person: {stage: ...}})"),
        ({"may get": "fax"}, "'fax' is not a channel; there are: email, sms"),
        ({"unconfirmed": "fax"}, "'fax' is not a channel; there are: email, sms"),
        ({"unconfirmed": "sms", "purpose": 1}, '"purpose" takes the name of a purpose'),
        ({"may get": ["email"]}, "['email'] is not a channel; there are: email, sms"),
        ({"may get": "sms", "purpose": ["offers"]}, '"purpose" takes the name of a purpose'),
        ({"all of": {}}, "{} is not a list of conditions"),
        ({"any of": []}, "[] is not a list of conditions"),
        ({"none of": ["a"]}, "'a' is not a condition"),
        ({"all of": [{"any of": [{"clcked": "a"}]}]}, "here: clcked"),
    ],
)
def test_a_wrong_condition_says_what_would_be_right(raw: Any, says: str) -> None:
    with pytest.raises(BadPhrase) as refused:
        condition(raw)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ("Signed Up", "'Signed Up' is not an event, which is written like {event: Signed Up}"),
        ({"name": "Signed Up"}, "is not an event"),
        ({"event": "Signed Up", "when": {}}, '"when" is unknown; here go: event, where, same'),
        ({"event": ["a", 5]}, "is not a name or a list of names"),
    ],
)
def test_a_wrong_event_says_what_would_be_right(raw: Any, says: str) -> None:
    with pytest.raises(BadPhrase) as refused:
        event_test(raw)
    assert says in str(refused.value)


def test_names_are_one_or_several() -> None:
    assert names("a") == ("a",)
    assert names(["a", "b"]) == ("a", "b")


def test_a_condition_asks_for_dear_facts_only_when_it_needs_them() -> None:
    def never(*_: Any) -> Any:
        raise AssertionError("this was not needed")

    poor = facts().but(messages=never, events=never)
    for raw in (TRUE, {"entry": {"total": 20}}, {"may get": "email"}, {"any of": [TRUE, FALSE]}):
        condition(raw)(poor)
    assert condition({"any of": [TRUE, {"clicked": "guide"}]})(poor)


json_like = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["guide", "email", "1 day"]),
    lambda below: (
        st.lists(below, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                [
                    *(*READERS, "where", "same", "times", "since", "in the last", "link"),
                    *("purpose", "plan", "at least", "known", "event", "robots", "cart"),
                ]
            ),
            below,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(json_like)
def test_any_value_is_refused_or_is_a_condition_that_answers(raw: Any) -> None:
    try:
        asked = condition(raw)
    except BadPhrase:
        return
    known = facts(messages=[message(clicked={"": NOW})], events=[event("guide"), event("email")])
    assert asked(known) in (True, False)
    mentioned_messages(raw)
