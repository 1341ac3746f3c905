"""Receipts: from our own topic only, and each kind is a state of its message."""

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from functions.handlers import process_event, settle_messages, wiring
from functions.tracking.message import Kept, Message
from local.keys import add_source
from tests.support.world import World
from tests.unit.test_email_and_sms import TAGS, by_sns, ses

TOPIC = "arn:aws:sns:eu-central-1:123456789012:tante-receipts"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    yield World(tmp_path / "data")
    wiring.use(None)


def changed(**fields: Any) -> str:
    """A notification of ours with other fields (None: without it)."""
    whole = json.loads(by_sns(ses("Bounce"))) | fields
    return json.dumps({name: value for name, value in whole.items() if value is not None})


def test_a_notification_of_our_topic_is_taken() -> None:
    [event] = process_event.read(changed(), topic=TOPIC).events
    assert event.event == "Email Bounced"


FORGED = {
    "another topic": changed(TopicArn=TOPIC.replace("123456789012", "666666666666")),
    "a topic that begins like ours": changed(TopicArn=f"{TOPIC}-2"),
    "no topic": changed(TopicArn=None),
    "a list of topics": changed(TopicArn=[TOPIC]),
    "not by SNS": json.dumps(ses("Bounce")),
    "the topic inside": json.dumps({**ses("Bounce"), "TopicArn": TOPIC}),
    "a subscription to confirm": changed(
        Type="SubscriptionConfirmation", SubscribeURL="https://evil.example/confirm"
    ),
    "an end of a subscription": changed(
        Type="UnsubscribeConfirmation", SubscribeURL="https://evil.example/confirm"
    ),
    "no type": changed(Type=None),
}


@pytest.mark.parametrize("body", FORGED.values(), ids=FORGED.keys())
def test_what_is_no_notification_of_our_topic_is_refused(body: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        process_event.read(body, topic=TOPIC)


def test_an_address_in_a_notification_is_never_called(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*asked: Any, **more: Any) -> None:
        raise AssertionError(f"somebody called {asked}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    settings = replace(world.system.parts.settings, receipt_topic=TOPIC)
    wiring.use(replace(world.system.parts, settings=settings))
    records = [{"messageId": name, "body": body} for name, body in FORGED.items()]
    assert process_event.handler({"Records": records}, None) == {"batchItemFailures": []}
    assert len(world.system.queue.dead()) == len(FORGED)
    events = world.api("/api/people")["people"]
    assert events == []


def test_a_website_cannot_speak_as_a_receipt(world: World) -> None:
    world.customer("ada")
    person = world.person("ada").person
    add_source(world.store, "wk_public", "website", False, world.now)
    for name in ("Email Bounced", "Email Marked as Spam", "Address Suppressed"):
        call = {
            "userId": "ada",
            "writeKey": "wk_public",
            "event": name,
            "person": person,
            "source": "receipts",
            "trusted": True,
            "properties": {"bounce_type": "Permanent"},
        }
        world.post("track", call)
    assert world.permission("ada").suppressed == {}
    assert name not in world.person("ada").events


# --- what becomes of the message


def told(world: World, kind: str, **detail: Any) -> Message:
    """SES tells this of Ada's mail; what the ledger says then."""
    world.customer("ada")
    world.order("ada", "o1", "basic-1y")
    kept: Kept = next(one for one in world.outbox() if one.channel == "email")
    tags = {**TAGS, **{name: [value] for name, value in kept.tags.items()}}
    time = world.now.isoformat(timespec="milliseconds")
    body = by_sns(ses(kind, {"tags": tags, "timestamp": time}, **detail))
    process_event.handler({"Records": [{"messageId": "1", "body": body}]}, None)
    return next(one for one in world.messages("ada") if one.send_id == kept.send_id)


def test_a_mail_that_was_rejected_has_failed_and_says_why(world: World) -> None:
    message = told(world, "Reject")
    assert (message.state, message.reason) == ("failed", "the provider rejected it: Bad content")
    assert world.person("ada").events["Email Rejected"].count == 1
    assert world.permission("ada").suppressed == {}


def test_a_mail_that_could_not_be_made_has_failed_as_well(world: World) -> None:
    message = told(world, "Rendering Failure")
    assert message.state == "failed"
    assert message.reason == "the provider rejected it: Attribute is not present"


def test_a_delay_is_noted_and_no_bounce(world: World) -> None:
    message = told(world, "DeliveryDelay", timestamp=world.now.isoformat())
    assert (message.state, message.delayed, message.bounced) == ("sent", world.now, None)
    assert world.person("ada").events["Email Delayed"].count == 1
    assert world.permission("ada").failed == {}


def test_somebody_who_takes_a_mail_out_of_the_spam_does_not_complain(world: World) -> None:
    message = told(world, "Complaint", complaintFeedbackType="not-spam")
    assert message.complained is None
    assert world.permission("ada").suppressed == {}


def test_a_receipt_tells_the_domain_and_a_hash_of_the_address_and_nothing_more() -> None:
    tags = {**TAGS, "address": ["0123456789abcdef01"]}
    [event] = process_event.read(by_sns(ses("Bounce", {"tags": tags}))).events
    assert event.properties["email_domain"] == "example.com"
    assert event.properties["address"] == "0123456789abcdef01"
    assert event.properties["bounce_subtype"] == "General"
    assert "ada@" not in json.dumps(event.properties)


def test_messages_of_which_nobody_knows_are_listed_until_a_receipt_or_three_days_settle_them(
    world: World,
) -> None:
    world.customer("ada")
    world.order("ada", "o1", "basic-1y")
    [message] = [one for one in world.messages("ada") if one.channel == "email"]
    assert world.api("/api/messages/unknown")["messages"] == []
    message.state, message.reason = "unknown", "no answer: ReadTimeoutError"
    world.store.put(message)
    [one] = world.api("/api/messages/unknown")["messages"]
    assert (one["person"], one["message"]) == (message.person, message.message)
    assert one["reason"] == "no answer: ReadTimeoutError"
    world.advance("73 hours")
    assert settle_messages.handler({}, None)["given up"] == 1
    assert world.api("/api/messages/unknown")["messages"] == []
