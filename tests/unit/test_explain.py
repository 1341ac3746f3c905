"""Explanations: true where the condition is, made of the person's own values."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.messages.deliver import HELD_OUT
from functions.messages.holding import NO_TIME, NOT_NOW, TOO_LATE, TOO_MANY
from functions.segments.condition import READERS, Facts, Segment, condition
from functions.segments.explain import USED, Explanation, explain
from functions.segments.phrases import BadPhrase
from functions.segments.sentence import sentence
from functions.segments.spoken import LANGUAGES, Language, value
from functions.segments.turning import turning
from functions.tracking.event import Event
from functions.tracking.message import GIVEN_UP, Message
from functions.tracking.permission import Consent, Live, Permission
from functions.tracking.profile import Cart, Profile, Trait
from tests.support.conditions import NOW, conditions, facts

ENTERED = NOW - timedelta(days=3)


def event(name: str, days_ago: float, **properties: Any) -> Event:
    time = NOW - timedelta(days=days_ago)
    return Event(
        type="track",
        event=name,
        message_id=f"{name} {days_ago}",
        time=time,
        received_at=time,
        properties=properties,
    )


def message(name: str, **more: Any) -> Message:
    fixed = {"person": "p", "run_id": "r", "step": "send", "send_id": name, "journey": "onboarding"}
    said = {"message": name, "channel": "email", "purpose": "offers", "state": "sent"}
    return Message(**{**fixed, **said, **more})


LOGINS = [event("Login", 1, app="web"), event("Login", 40, app="web"), event("Login", 2, app="ios")]
MESSAGES = [
    message("guide", opened=NOW - timedelta(hours=1), clicked={"premium": NOW, "": NOW}),
    message("hacks", state="not sent", reason="no consent"),
    message("survey", robots=["opened", "clicked"]),
    message("lost", bounced=NOW),
]
FANS = {"any of": [{"person": {"plan": "pro"}}, {"person": {"age": {"at least": 18}}}]}
ADA = Facts(
    profile=Profile(
        person="p",
        created=ENTERED,
        traits={
            "plan": Trait("basic", NOW, "m"),
            "likes": Trait(["a", 5], NOW, "m"),
            "age": Trait(30, NOW, "m"),
        },
        carts={"c1": Cart(NOW, {"a": 2, "b": 1, "c": -1})},
    ),
    permission=Permission(
        person="p",
        consents={"email/offers": Consent(True, NOW)},
        addresses={"email": "h"},
        live={"u": Live("upsell", "p", NOW), "w": Live("winback", "p", NOW, leaving="bought")},
    ),
    now=NOW,
    journey="onboarding",
    run_id="r",
    entry=event(
        "Order Completed", 3, total=20, cart_id="c1", products=[{"sku": "x"}, {"sku": "y"}]
    ),
    entered=ENTERED,
    purpose="offers",
    needs_consent={"offers": True, "transactional": False},
    messages=lambda: MESSAGES,
    events=lambda names, since: [
        one for one in LOGINS if one.name in names and (since is None or one.time >= since)
    ],
    segments={"fans": Segment("Fans", FANS, condition(FANS), turning(FANS))},
    runs=lambda journey: {"winback": ["finished"]}.get(journey, []),
)


@pytest.mark.parametrize(
    ("raw", "holds", "used"),
    [
        ({"person": {"plan": "pro"}}, False, ["plan is “basic”"]),
        ({"person": {"phone": {"known": False}}}, True, ["phone is not known"]),
        ({"person": {"likes": {"contains": "a"}}}, True, ["likes is [“a”, 5]"]),
        ({"entry": {"products.sku": "y"}}, True, ["products.sku is “x”, “y”"]),
        (
            {"did": "Login", "times": 1, "where": {"app": "web"}, "in the last": "30 days"},
            True,
            ["counted: 1", "“Login” on 28 February 2027 at 09:00 UTC", "“Login” at any time: 3"],
        ),
        ({"did": "Logout"}, False, ["counted: 0"]),
        (
            {"clicked": "guide", "link": "premium"},
            True,
            [
                "“guide”: sent; opened: 1 March 2027 at 08:00 UTC; "
                "clicked: 1 March 2027 at 09:00 UTC; clicked “premium”: 1 March 2027 at 09:00 UTC"
            ],
        ),
        (
            {"sent": ["hacks", "other"]},
            False,
            ["“hacks”: not sent (no consent)", "“other”: no such message"],
        ),
        ({"opened": "survey"}, False, ["“survey”: sent; opened by a robot; clicked by a robot"]),
        ({"cart": {"items": {"at least": 3}}}, True, ["items is 3"]),
        ({"bounced": "lost"}, True, ["“lost”: sent; bounced: 1 March 2027 at 09:00 UTC"]),
        (
            {"opened": "survey", "robots": "counted"},
            True,
            ["“survey”: sent; opened by a robot; clicked by a robot"],
        ),
        ({"in segment": "gone"}, False, ["there is no segment “gone”"]),
        ({"in journey": "upsell"}, True, ["“upsell”: since 1 March 2027 at 09:00 UTC"]),
        ({"in journey": "winback"}, False, ["“winback”: not in it"]),
        (
            {"left journey": "winback", "as": "bought"},
            True,
            ["“winback”: left as “finished”, “bought”"],
        ),
        ({"left journey": "upsell"}, False, ["“upsell”: never left"]),
        (
            {"may get": "email"},
            True,
            ["there is an address for e-mails", "allowed for “offers”"],
        ),
        (
            {"may get": "sms"},
            False,
            ["there is no address for text messages", "not allowed for “offers”: no consent"],
        ),
        (
            {"may get": "sms", "purpose": "transactional"},
            False,
            ["there is no address for text messages", "allowed for “transactional”"],
        ),
    ],
)
def test_a_condition_is_explained_with_the_person_s_own_values(
    raw: Any, holds: bool, used: list[str]
) -> None:
    assert explain(raw, ADA) == Explanation(sentence(raw, "en"), holds, tuple(used))


def test_each_field_and_each_part_is_explained_by_itself() -> None:
    raw = {"any of": [{"person": {"plan": "pro", "age": 30}}, {"none of": [{"sent": "hacks"}]}]}
    found = explain(raw, ADA)
    assert [part.holds for part in found.parts] == [False, True]
    assert [(part.sentence, part.holds, part.used) for part in found.parts[0].parts] == [
        ("the person's plan is “pro”", False, ("plan is “basic”",)),
        ("the person's age is 30", True, ("age is 30",)),
    ]
    [sent] = found.parts[1].parts
    assert not sent.holds


def test_a_segment_is_explained_by_its_own_condition() -> None:
    found = explain({"in segment": "fans"}, ADA)
    assert found.holds
    assert found.parts == (explain(FANS, ADA),)
    assert found.parts[0].sentence == sentence(FANS, "en")


def test_a_cart_that_is_not_known_is_said_so() -> None:
    other = ADA.but(entry=event("Order Completed", 3, cart_id="c2"))
    found = explain({"cart": {"items": 0}}, other)
    assert (found.holds, found.used) == (False, ("no such cart is known",))


def test_a_german_explanation_has_no_english_reason_in_it() -> None:
    erased = ADA.but(permission=Permission(person="p", erased=True))
    suppressed = Permission(person="p", suppressed={"email": "hard bounce"})
    for known, said in [
        (ADA, "nicht erlaubt für „tips“: keine Einwilligung"),
        (erased, "nicht erlaubt für „tips“: die Person wurde gelöscht"),
        (
            ADA.but(permission=suppressed),
            "nicht erlaubt für „tips“: gesperrt: die Adresse gibt es nicht mehr",
        ),
    ]:
        assert explain({"may get": "email", "purpose": "tips"}, known, "de").used[1] == said


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("no consent", "keine Einwilligung"),
        ("no address", "keine Adresse"),
        (NO_TIME, "Ruhezeiten, Feiertage und Sendezeiten lassen ihr keine Zeit"),
        (NOT_NOW, "außerhalb der Zeiten, zu denen sie gehen darf"),
        (TOO_MANY, "der Anbieter bat uns zu warten"),
        (HELD_OUT, "Vergleichsgruppe (hold out)"),
        ("marketing is paused", "Werbung ruht"),
        (TOO_LATE, "sie wäre zu spät gekommen (skip after)"),
        (GIVEN_UP, "es kam keine Quittung: vermutlich nicht gesendet"),
    ],
)
def test_the_ledger_s_reasons_are_said_in_german_too(reason: str, said: str) -> None:
    unsent = [message("hacks", state="not sent", reason=reason)]
    [hacks] = explain({"sent": "hacks"}, ADA.but(messages=lambda: unsent), "de").used
    assert hacks == f"„hacks“: nicht gesendet ({said})"


def test_many_events_are_counted_and_the_latest_shown() -> None:
    many = ADA.but(events=lambda names, since: [event("Login", n) for n in range(1200)])
    used = explain({"did": "Login"}, many).used
    assert used[0] == "counted: 1,200"
    assert len(used) == 6
    assert used[1].endswith("1 March 2027 at 09:00 UTC")


def test_every_first_word_can_be_explained() -> None:
    assert {*USED, "all of", "any of", "none of"} == READERS.keys()


def test_what_is_no_condition_is_refused() -> None:
    with pytest.raises(BadPhrase):
        explain({"basket": {"items": 0}}, ADA)


# --- any condition, any person

COMBINED = {"all of": all, "any of": any, "none of": lambda parts: not any(parts)}


@given(conditions, facts, st.sampled_from(LANGUAGES))
def test_an_explanation_holds_when_the_condition_does_and_follows_from_its_parts(
    raw: dict[str, Any], known: Facts, language: Language
) -> None:
    found = explain(raw, known, language)
    assert found.holds == condition(raw)(known)
    assert found.sentence == sentence(raw, language)
    follows(raw, found)


def follows(raw: dict[str, Any], found: Explanation) -> None:
    assert bool(found.parts) != bool(found.used)
    if found.parts:
        combine = next((how for word, how in COMBINED.items() if word in raw), all)
        assert found.holds == combine(part.holds for part in found.parts)
    for word in COMBINED:
        for inner, part in zip(raw.get(word, ()), found.parts, strict=False):
            follows(inner, part)


@given(st.sampled_from(["plan", "is", "age"]), facts, st.sampled_from(LANGUAGES))
def test_the_values_used_are_the_person_s_and_the_entry_s_own(
    field: str, known: Facts, language: Language
) -> None:
    kept = known.profile.trait(field)
    [of_person] = explain({"person": {field: "x"}}, known, language).used
    [of_entry] = explain({"entry": {field: "x"}}, known, language).used
    for said, own in [(of_person, kept), (of_entry, known.entry.properties.get(field))]:
        for one in own if isinstance(own, list) else [own]:
            assert one is None or value(one, language) in said
