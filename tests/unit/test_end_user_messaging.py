"""Texts by AWS End User Messaging: how they leave, and what it tells of them."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
import msgspec
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from functions.channels.channel import Outgoing, Permanent, Temporary
from functions.channels.end_user_messaging import (
    BOUNCE_TYPES,
    NAMES,
    OURS_TO_MEND,
    EndUserMessaging,
    receipt,
)
from functions.handlers import process_event
from functions.tracking.event import Event
from functions.tracking.message import Message, take_receipt
from local.keys import add_source
from tests.support.world import World
from tests.unit.test_email_and_sms import by_sns, ses, stubbed

SERVICE = "pinpoint-sms-voice-v2"
POOL = "pool-0123456789abcdef"
TAGS = {"person": "p" * 26, "run": "a1b2-c3", "send": "0123456789abc"}
MODEL = botocore.session.get_session().get_service_model(SERVICE)
ASKED_SHAPE = MODEL.operation_model("SendTextMessage").input_shape


def outgoing(**more: Any) -> Outgoing:
    fields: dict[str, Any] = {"send_id": "s1", "to": "+4915112345678", "text": "Hello"}
    return Outgoing(**{**fields, "tags": TAGS, **more})


# --- out


def test_a_text_goes_to_the_number_from_our_origination_with_its_ids() -> None:
    asked = {
        "DestinationPhoneNumber": "+4915112345678",
        "OriginationIdentity": POOL,
        "MessageBody": "Hello",
        "MessageType": "PROMOTIONAL",
        "Context": TAGS,
        "ConfigurationSetName": "tante",
    }
    with stubbed(SERVICE) as (client, stubber):
        stubber.add_response("send_text_message", {"MessageId": "m-1"}, asked)
        assert EndUserMessaging(client, POOL, "tante").send(outgoing()) == "m-1"
        stubber.assert_no_pending_responses()


def test_without_a_configuration_set_none_is_named() -> None:
    asked: list[dict[str, Any]] = []
    with stubbed(SERVICE) as (client, stubber):
        client.meta.events.register(
            f"provide-client-params.{SERVICE}.SendTextMessage",
            lambda params, **_: asked.append(params),
        )
        stubber.add_response("send_text_message", {"MessageId": "m-1"})
        EndUserMessaging(client, POOL).send(outgoing())
    assert "ConfigurationSetName" not in asked[0]


def test_our_ids_are_what_the_context_allows() -> None:
    """By AWS's own service model: few, short, and without spaces."""
    shape = ASKED_SHAPE.members["Context"]
    assert len(TAGS) <= shape.metadata["max"]
    assert all(len(name) <= shape.key.metadata["max"] for name in TAGS)
    assert all(1 <= len(value) <= shape.value.metadata["max"] for value in TAGS.values())


def test_a_text_that_cannot_be_written_is_refused_without_telling_its_number() -> None:
    with stubbed(SERVICE) as (client, stubber):
        stubber.add_response("send_text_message", {"MessageId": "never"})
        with pytest.raises(Permanent) as error:
            EndUserMessaging(client, POOL).send(outgoing(text=""))
    assert "+49" not in str(error.value)


REFUSALS = [
    ("ThrottlingException", "", 400, Temporary),
    ("ServiceQuotaExceededException", "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT", 402, Temporary),
    ("AccessDeniedException", "ACCOUNT_DISABLED", 403, Temporary),
    ("ResourceNotFoundException", "", 404, Temporary),
    ("UnrecognizedClientException", "", 400, Temporary),
    ("ConflictException", "DESTINATION_PHONE_NUMBER_OPTED_OUT", 409, Permanent),
    ("ConflictException", "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION", 409, Permanent),
    ("ConflictException", "NO_ORIGINATION_IDENTITIES_FOUND", 409, Permanent),
    ("ConflictException", "DESTINATION_PHONE_NUMBER_NOT_VERIFIED", 409, Temporary),
    ("ConflictException", "RESOURCE_NOT_ACTIVE", 409, Temporary),
    ("ConflictException", "", 409, Permanent),
    ("ValidationException", "INVALID_PARAMETER", 400, Permanent),
    ("ValidationException", "COUNTRY_NOT_ENABLED", 400, Permanent),
    ("ValidationException", "RESOURCE_NOT_ACCESSIBLE", 400, Temporary),
    ("InternalServerException", "", 500, ClientError),
    ("ServiceUnavailable", "", 503, ClientError),
]


@pytest.mark.parametrize(("code", "reason", "status", "meaning"), REFUSALS)
def test_a_refusal_is_temporary_permanent_or_open(
    code: str, reason: str, status: int, meaning: type[Exception]
) -> None:
    with stubbed(SERVICE) as (client, stubber):
        fields = {"Reason": reason} if reason else {}
        stubber.add_client_error(
            "send_text_message", code, http_status_code=status, modeled_fields=fields
        )
        with pytest.raises(meaning) as error:
            EndUserMessaging(client, POOL).send(outgoing())
    assert error.type is meaning or meaning is ClientError
    if meaning is not ClientError:
        assert reason in str(error.value), "the ledger says what AWS said"


def test_the_reasons_and_kinds_that_we_know_are_aws_s_words() -> None:
    reasons = {
        reason
        for name in ("ConflictExceptionReason", "ValidationExceptionReason")
        for reason in MODEL.shape_for(name).enum
    }
    assert reasons >= OURS_TO_MEND
    kinds = {kind for kind in MODEL.shape_for("EventType").enum if kind.startswith("TEXT_")}
    assert set(NAMES) == kinds - {"TEXT_ALL"}, "every kind of event of a text has a meaning"
    assert set(BOUNCE_TYPES) <= {kind for kind, name in NAMES.items() if name == "SMS Bounced"}


# --- in; the shape is AWS's own example
# (https://docs.aws.amazon.com/sms-voice/latest/userguide/configuration-sets-event-format.html)

REQUESTED = datetime(2027, 3, 1, 9, 0, 0, 170_000, tzinfo=UTC)
REPORTED = REQUESTED + timedelta(milliseconds=300)


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def told(kind: str, **more: Any) -> dict[str, Any]:
    status = kind.removeprefix("TEXT_")
    return {
        "eventType": kind,
        "eventVersion": "1.0",
        "eventTimestamp": milliseconds(REPORTED),
        "isFinal": True,
        "originationPhoneNumber": "+4915100000000",
        "destinationPhoneNumber": "+4915112345678",
        "isInternationalSend": False,
        "isoCountryCode": "DE",
        "mcc": "262",
        "mnc": "01",
        "messageId": "862a8790-60c0-4430-9b2b-658bdexample",
        "messageRequestTimestamp": milliseconds(REQUESTED),
        "messageEncoding": "GSM",
        "messageType": "PROMOTIONAL",
        "messageStatus": status,
        "messageStatusDescription": f"{status} for +4915112345678",
        "context": TAGS,
        "totalMessageParts": 1,
        "totalMessagePrice": 0.09582,
        "totalCarrierFee": 0.0,
        **more,
    }


@pytest.mark.parametrize("kind", sorted(NAMES))
@pytest.mark.parametrize("raw", [False, True], ids=["by SNS", "raw delivery"])
def test_what_is_told_of_a_text_becomes_an_event_of_its_person(kind: str, raw: bool) -> None:
    body = json.dumps(told(kind)) if raw else by_sns(told(kind))
    [event] = process_event.read(body).events
    assert (event.person, event.event, event.type) == (TAGS["person"], NAMES[kind], "track")
    assert event.properties["sms_id"] == TAGS["send"]
    assert event.properties["run_id"] == TAGS["run"]
    assert event.trusted
    assert event.source == "receipts"
    assert event.time == (REQUESTED if NAMES[kind] == "SMS Sent" else REPORTED)


def test_queued_pending_and_sent_are_one_and_the_same_event() -> None:
    found = [receipt(by_sns(told(kind))) for kind in ("TEXT_QUEUED", "TEXT_PENDING", "TEXT_SENT")]
    later = told("TEXT_SENT", eventTimestamp=milliseconds(REPORTED) + 5000)
    assert all(one == found[0] for one in [*found, receipt(by_sns(later))])


def test_silence_of_the_carrier_is_no_bounce() -> None:
    """After 72 hours without a word the status is UNKNOWN."""
    [event] = process_event.read(by_sns(told("TEXT_UNKNOWN"))).events
    assert event.event == "SMS Sent"


@pytest.mark.parametrize(
    ("kind", "bounce_type"),
    [
        ("TEXT_INVALID", "Permanent"),
        ("TEXT_UNREACHABLE", "Transient"),
        ("TEXT_CARRIER_BLOCKED", "Undetermined"),
    ],
)
def test_a_bounce_tells_whether_it_is_for_good(kind: str, bounce_type: str) -> None:
    [event] = process_event.read(by_sns(told(kind))).events
    assert event.properties["bounce_type"] == bounce_type
    assert event.properties["bounce_reason"] == kind.removeprefix("TEXT_").lower()


def test_a_receipt_tells_the_country_and_the_parts_and_never_the_number() -> None:
    for kind in NAMES:
        assert "+49" not in json.dumps(receipt(by_sns(told(kind))))
    [event] = process_event.read(by_sns(told("TEXT_DELIVERED"))).events
    assert (event.properties["country"], event.properties["parts"]) == ("DE", 1)


@pytest.mark.parametrize("missing", sorted(TAGS))
def test_texts_that_are_not_ours_are_ignored(missing: str) -> None:
    tags = {name: value for name, value in TAGS.items() if name != missing}
    for context in (tags, {**tags, missing: ""}, {}, None):
        assert process_event.read(by_sns(told("TEXT_DELIVERED", context=context))).events == []


@pytest.mark.parametrize("kind", ["VOICE_COMPLETED", "MEDIA_DELIVERED", "RCS_READ", "TEXT_NEW"])
def test_kinds_that_say_nothing_of_a_text_are_ignored(kind: str) -> None:
    assert process_event.read(by_sns(told(kind))).events == []


FOREIGN = {
    "a time that is none": told("TEXT_DELIVERED", eventTimestamp="yesterday"),
    "no time": told("TEXT_DELIVERED", eventTimestamp=None),
    "a time that cannot be": told("TEXT_DELIVERED", eventTimestamp=10**30),
    "a context that is none": told("TEXT_DELIVERED", context="x"),
    "an answer to a text": {"originationNumber": "+49", "messageKeyword": "STOP"},
    "no kind": told("TEXT_DELIVERED", eventType=None),
}


@pytest.mark.parametrize("said", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_notification_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(msgspec.DecodeError, match="neither events nor a receipt"):
        process_event.read(by_sns(said))


def test_each_provider_s_notifications_are_read_by_its_own_reader() -> None:
    with pytest.raises(ValueError, match="not an event of End User Messaging"):
        receipt(by_sns(ses("Delivery")))
    [mail] = process_event.read(by_sns(ses("Delivery"))).events
    assert mail.event == "Email Delivered"


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5), st.lists
    )
)
def test_no_json_at_all_breaks_the_reader(value: Any) -> None:
    for field in ("eventTimestamp", "context", "eventType", "totalMessageParts"):
        with suppress(msgspec.DecodeError):
            process_event.read(by_sns(told("TEXT_DELIVERED", **{field: value})))


# --- the ledger


def message(state: Any) -> Message:
    return Message(
        person=TAGS["person"],
        run_id=TAGS["run"],
        send_id=TAGS["send"],
        step="text",
        journey="recovery",
        message="come-back",
        channel="sms",
        purpose="offers",
        state=state,
    )


def heard(kind: str) -> Event:
    return process_event.read(by_sns(told(kind))).events[0]


@pytest.mark.parametrize("kind", sorted(NAMES))
def test_a_receipt_of_any_kind_settles_an_unknown_text_as_sent(kind: str) -> None:
    row = message("unknown")
    assert take_receipt(row, heard(kind))
    assert row.state == "sent"
    assert not take_receipt(row, heard(kind)), "it is no news the second time"


def test_the_ledger_notes_when_a_text_was_delivered_or_bounced() -> None:
    row = message("sent")
    take_receipt(row, heard("TEXT_DELIVERED"))
    assert (row.delivered, row.bounced) == (REPORTED, None)
    take_receipt(row, heard("TEXT_CARRIER_UNREACHABLE"))
    assert row.bounced == REPORTED


def unknown_text(world: World) -> tuple[str, Message]:
    """A text of the ledger of which nobody knows whether it went."""
    world.customer("ada")
    person = world.person("ada").person
    row = msgspec.structs.replace(message("unknown"), person=person, reason="no answer")
    world.store.put(row)
    return person, row


def test_a_text_of_which_the_answer_was_lost_is_settled_by_its_receipt(world: World) -> None:
    person, row = unknown_text(world)
    said = told("TEXT_QUEUED", context={**TAGS, "person": person})
    batch = {"Records": [{"messageId": "1", "body": by_sns(said)}]}
    assert process_event.handler(batch, None) == {"batchItemFailures": []}
    found = world.store.get(Message, person, row.key)
    assert (found.state, found.reason) == ("sent", "")


def test_a_website_cannot_pass_for_the_carrier(world: World) -> None:
    person, row = unknown_text(world)
    add_source(world.store, "wk_public", "website", False, world.now)
    for name in set(NAMES.values()):
        ids = {"sms_id": TAGS["send"], "email_id": TAGS["send"], "run_id": TAGS["run"]}
        call = {"userId": "ada", "event": name, "writeKey": "wk_public"}
        world.post("track", {**call, "properties": {**ids, "bounce_type": "Permanent"}})
    assert world.store.get(Message, person, row.key).state == "unknown"
    assert world.permission("ada").suppressed == {}


def test_a_number_that_does_not_exist_gets_no_more_texts(world: World) -> None:
    person, _ = unknown_text(world)
    said = told("TEXT_INVALID", context={**TAGS, "person": person})
    process_event.handler({"Records": [{"messageId": "1", "body": by_sns(said)}]}, None)
    assert world.permission("ada").suppressed == {"sms": "invalid number"}


def test_a_number_that_was_out_of_reach_once_may_be_tried_again(world: World) -> None:
    person, _ = unknown_text(world)
    said = told("TEXT_CARRIER_UNREACHABLE", context={**TAGS, "person": person})
    process_event.handler({"Records": [{"messageId": "1", "body": by_sns(said)}]}, None)
    assert world.permission("ada").suppressed == {}
