"""Texts that people send: STOP, START and HELP as whole words, and everything else as an event."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.channels.received_text import NotAText, read
from functions.handlers import process_event
from functions.handlers.suppressing import suppress_address
from functions.messages.keyword import KEYWORDS, keyword
from functions.tracking.permission import refusal
from tests.support.world import CONTEXT, World

NUMBER = "+4915112345678"  # that of `World.customer`


def notification(text: str, number: str = NUMBER, time: str = "2027-03-01T09:00:00.000Z") -> str:
    """What comes by SNS, in the shape that AWS documents."""
    said = {
        "originationNumber": number,
        "destinationNumber": "+4915900000000",
        "messageKeyword": "KEYWORD_1",
        "messageBody": text,
        "inboundMessageId": f"in-{abs(hash((text, time)))}",
        "previousPublishedMessageId": "out-1",
    }
    outer = {
        "Type": "Notification",
        "TopicArn": "arn:aws:sns:eu-central-1:123456789012:tante-prod-receipts",
        "Timestamp": time,
        "Message": json.dumps(said),
    }
    return json.dumps(outer)


def text(world: World, words: str, number: str = NUMBER) -> None:
    """Ada writes it to us now."""
    body = notification(words, number, world.now.isoformat())
    event = {"Records": [{"messageId": "1", "body": body}]}
    assert process_event.handler(event, CONTEXT) == {"batchItemFailures": []}
    world.advance("1 minute")


def may_get(world: World, purpose: str = "offers", channel: str = "sms") -> bool:
    return not refusal(world.permission("ada"), channel, purpose, True)


def timeline(world: World) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = world.api(f"/api/people/{world.person('ada').person}/timeline")[
        "events"
    ]
    return events


# --- the words


@pytest.mark.parametrize("meaning", KEYWORDS)
@pytest.mark.parametrize("around", ["{}", " {} ", "{}.", "„{}“!!", "\n{}\r\n", "{} 🙏"])
def test_a_keyword_counts_in_whatever_case_and_with_whatever_signs(
    meaning: str, around: str
) -> None:
    for word in KEYWORDS[meaning].split():
        for written in (word, word.upper(), word.title()):
            assert keyword(around.format(written)) == meaning


@pytest.mark.parametrize(
    "sentence",
    [
        "please stop by",
        "Stop it or I call again",
        "end of story",
        "nonstop",
        "I need help",
        "startup",
        "stop start",
        "st op",
        "",
        "!!!",
        "S T O P",
    ],
)
def test_a_keyword_within_a_sentence_is_none(sentence: str) -> None:
    assert keyword(sentence) == ""


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_keyword_with_other_words_around_it_is_none(before: str, after: str) -> None:
    letters = any(letter.isalnum() for letter in before + after)
    assert (keyword(f"{before} stop {after}") == "") == letters


# --- what comes from AWS


def test_the_notification_is_read_as_aws_documents_it() -> None:
    found = read(notification("Hello"))
    assert found
    assert (found.number, found.text, found.answers) == (NUMBER, "Hello", "out-1")
    assert found.time.isoformat() == "2027-03-01T09:00:00+00:00"


@pytest.mark.parametrize(
    "body",
    [
        '{"events": [{"event": "inboundMessageId"}]}',
        '{"Message": "{}"}',
        json.dumps({"Message": json.dumps({"mail": {"subject": "inboundMessageId"}})}),
    ],
)
def test_other_notifications_are_no_texts(body: str) -> None:
    assert read(body) is None


@pytest.mark.parametrize(
    "change",
    [
        ("messageBody", "x"),
        ("originationNumber", "x"),
        (NUMBER, "0151 hello"),
        (NUMBER, ""),
        ("2027-03-01T09:00:00.000Z", "yesterday"),
        ("2027-03-01T09:00:00.000Z", "2027-03-01T09:00:00"),
    ],
)
def test_what_is_said_to_be_a_text_and_is_none_is_set_aside(
    world: World, change: tuple[str, str]
) -> None:
    body = notification("STOP").replace(*change)
    with pytest.raises(NotAText):
        read(body)
    event = {"Records": [{"messageId": "1", "body": body}]}
    assert process_event.handler(event, CONTEXT) == {"batchItemFailures": []}


@given(st.text(max_size=200))
def test_no_made_up_body_breaks_the_reader(junk: str) -> None:
    for body in (
        junk,
        f"inboundMessageId{junk}",
        json.dumps({"Message": "inboundMessageId" + junk}),
    ):
        with suppress(NotAText):
            read(body)


# --- what they do


def test_stop_ends_marketing_by_text_and_by_nothing_else(world: World) -> None:
    world.customer("ada")
    world.advance("1 minute")
    text(world, "Stopp!")
    assert not may_get(world)
    assert not may_get(world, "product tips")
    assert may_get(world, channel="email")
    events = timeline(world)
    assert {"SMS Received", "Consent Withdrawn"} <= {event["event"] for event in events}
    [received] = [event for event in events if event["event"] == "SMS Received"]
    assert received["properties"]["keyword"] == "stop"
    assert received["properties"]["text"] == "Stopp!"


def test_start_returns_what_stop_took_and_no_more(world: World) -> None:
    world.customer("ada")
    world.track("ada", "Consent Withdrawn", channel="sms", purposes=["customer care"])
    world.advance("1 minute")
    text(world, "STOP")
    text(world, "start")
    assert may_get(world)
    assert may_get(world, "product tips")
    assert not may_get(world, "customer care")


def test_start_permits_nothing_to_who_never_said_stop(world: World) -> None:
    world.customer("ada", consents=False)
    world.track("ada", "Consent Given", channel="sms", purposes=["offers"])
    world.advance("1 minute")
    text(world, "START")
    assert not may_get(world, "product tips")
    world.track("ada", "Consent Withdrawn", channel="sms")  # elsewhere, of all
    world.advance("1 minute")
    text(world, "START")
    assert not may_get(world), "what was withdrawn on the web comes back only there"


def test_what_is_no_keyword_is_told_and_changes_nothing(world: World) -> None:
    world.customer("ada")
    world.advance("1 minute")
    before = world.permission("ada").consents
    text(world, "please stop by tomorrow")
    assert world.permission("ada").consents == before
    assert timeline(world)[0]["properties"]["text"] == "please stop by tomorrow"


def test_the_same_text_delivered_twice_counts_once(world: World) -> None:
    world.customer("ada")
    world.advance("1 minute")
    body = notification("Hello", time=world.now.isoformat())
    record = {"messageId": "1", "body": body}
    process_event.handler({"Records": [record, record]}, CONTEXT)
    process_event.handler({"Records": [record]}, CONTEXT)
    assert [event["event"] for event in timeline(world)].count("SMS Received") == 1


def comes_with_the_number(world: World) -> None:
    world.identify("ada", email="ada@example.com", phone=NUMBER)
    world.advance("1 minute")


def test_stop_from_a_number_that_nobody_has_holds_for_whoever_comes_with_it(world: World) -> None:
    world.track("ada", "Consent Given", channel="sms", purposes=["offers"])
    world.advance("1 minute")
    text(world, "STOP")
    comes_with_the_number(world)
    assert not may_get(world)
    assert world.permission("ada").consents["sms/*"].given is False
    assert not refusal(world.permission("ada"), "sms", "transactional", False), "as STOP does"
    world.track("ada", "Consent Given", channel="sms", purposes=["offers"])
    assert may_get(world), "a later word of theirs counts"


def test_stop_from_a_number_that_nobody_has_outlives_an_erasure(world: World) -> None:
    text(world, "STOP")
    for _ in range(2):
        comes_with_the_number(world)
        assert world.permission("ada").consents["sms/*"].given is False
        person, key = world.person("ada").person, world.system.keys.secret_key
        headers = {"authorization": f"Bearer {key}"}
        world.request("DELETE", f"/api/people/{person}", headers=headers)
        world.advance("1 hour")


def test_stop_after_an_erasure_holds_for_who_comes_back(world: World) -> None:
    """It is the telephone of somebody whom we do not know any more."""
    world.customer("ada")
    headers = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    world.request("DELETE", f"/api/people/{world.person('ada').person}", headers=headers)
    world.advance("1 hour")
    world.track("ada", "Consent Given", channel="sms", purposes=["offers"])
    world.advance("1 minute")
    text(world, "STOP")
    comes_with_the_number(world)
    assert not may_get(world)


def test_start_from_that_number_ends_it(world: World) -> None:
    text(world, "STOP")
    text(world, "START")
    comes_with_the_number(world)
    assert "sms/*" not in world.permission("ada").consents


def test_start_from_whoever_came_with_that_number_gives_back_what_stop_took(world: World) -> None:
    world.track("ada", "Consent Given", channel="sms", purposes=["offers"])
    world.advance("1 minute")
    text(world, "STOP")
    comes_with_the_number(world)
    text(world, "START")
    assert may_get(world)


def test_what_a_colleague_says_of_that_number_is_more_than_stop(world: World) -> None:
    text(world, "STOP")
    for is_new in (True, False):
        said = ("sms", NUMBER, "by hand: wrong number", "bob")
        assert suppress_address(world.system.parts, *said) == is_new
    text(world, "START")
    comes_with_the_number(world)
    assert world.permission("ada").suppressed == {"sms": "by hand: wrong number"}


def test_stop_from_a_number_that_nobody_has_makes_nobody(world: World) -> None:
    before = len(world.api("/api/people")["people"])
    text(world, "STOP")
    assert len(world.api("/api/people")["people"]) == before


@pytest.mark.parametrize("words", ["Hello", "HELP", "START"])
def test_other_texts_of_strangers_make_nobody(world: World, words: str) -> None:
    before = len(world.api("/api/people")["people"])
    text(world, words, "+4915199999999")
    assert len(world.api("/api/people")["people"]) == before


def test_a_run_that_waits_sends_no_text_after_stop(world: World) -> None:
    """The recovery journey sends a text; STOP comes before it."""
    world.customer("ada")
    world.advance("1 minute")
    text(world, "abmelden")
    world.track("ada", "Product Added", cart_id="c1", products=[{"sku": "premium-1y"}])
    world.advance("60 days")
    assert not [kept for kept in world.outbox() if kept.channel == "sms"]


# --- two people with one number


def both_buy(world: World) -> None:
    """Ada and Ben share a telephone; three months later the shipped journey writes to both."""
    for user in ("ada", "ben"):
        world.customer(user)
        world.order(user, f"o-{user}", "basic-1y")
    world.advance("1 minute")


def texted(world: World) -> set[str]:
    world.advance("100 days")
    kept = (one for one in world.outbox() if one.channel == "sms")
    keys = {world.person(user).person: user for user in ("ada", "ben")}
    return {keys[one.person] for one in kept}


def test_of_two_who_share_a_number_both_get_texts(world: World) -> None:
    both_buy(world)
    assert texted(world) == {"ada", "ben"}


def test_stop_from_a_number_holds_for_everybody_who_has_it(world: World) -> None:
    both_buy(world)
    text(world, "STOP")
    assert texted(world) == set()
    # The number leads to Ada; Ben is asked about within the claim.
    [row] = [one for one in world.messages("ben") if one.channel == "sms"]
    assert (row.state, row.reason) == ("not sent", "consent withdrawn")


def test_start_lets_texts_go_to_both_again(world: World) -> None:
    both_buy(world)
    text(world, "STOP")
    text(world, "START")
    assert texted(world) == {"ada", "ben"}


def test_a_second_stop_after_a_new_consent_holds_too(world: World) -> None:
    both_buy(world)
    text(world, "STOP")
    for user in ("ada", "ben"):
        world.track(user, "Consent Given", channel="sms", purposes=["offers"])
    world.advance("1 minute")
    text(world, "STOP")
    assert texted(world) == set()


def test_who_agrees_anew_after_stop_gets_texts_and_the_other_none(world: World) -> None:
    both_buy(world)
    text(world, "STOP")
    world.track("ben", "Consent Given", channel="sms", purposes=["offers"])
    world.advance("1 minute")
    assert texted(world) == {"ben"}


def test_a_start_of_old_that_comes_again_does_not_undo_a_later_stop(world: World) -> None:
    both_buy(world)
    text(world, "STOP")
    start = notification("START", time=world.now.isoformat())
    for again in (False, True):
        process_event.handler({"Records": [{"messageId": "1", "body": start}]}, CONTEXT)
        world.advance("1 minute")
        if not again:
            text(world, "STOP")
    assert texted(world) == set()


def test_the_list_holds_no_number_and_tells_of_the_stop(world: World) -> None:
    both_buy(world)
    text(world, "STOP")
    [listed] = world.api("/api/suppressions")["suppressions"]
    assert (listed["channel"], listed["reason"]) == ("sms", "STOP by text message")
    assert NUMBER.lstrip("+") not in json.dumps(listed)
