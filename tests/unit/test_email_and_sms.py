"""How messages leave, to whom they must not go, and what providers tell of them."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import formataddr
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import msgspec
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.stub import Stubber
from hypothesis import example, given
from hypothesis import strategies as st

from functions.channels.channel import Outgoing, Permanent, Temporary
from functions.channels.email import NAMES, Email, mime, receipt
from functions.channels.end_user_messaging import EndUserMessaging
from functions.channels.outbox import Outbox
from functions.channels.sms import Sms
from functions.channels.webhook import Webhook
from functions.handlers import aws, aws_channels, process_event
from functions.messages.link import sign
from functions.settings import Settings
from functions.tracking.message import Kept
from local.keys import add_source
from local.sqlite_store import SqliteStore
from tests.support.world import BROWSER, World

KEYS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-central-1",
}
TOKEN = sign("leave", ("p" * 26, "email", "product tips"), {"1": b"k" * 32})
LEAVE = f"https://customers.shop.example.com/leave/{TOKEN}"
ONE_CLICK = {
    "List-Unsubscribe": f"<{LEAVE}>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
}


def outgoing(**more: Any) -> Outgoing:
    fields: dict[str, Any] = {
        "send_id": "s1",
        "to": "ada@example.com",
        "text": "Hello",
        "subject": "Hi",
        "html": "<p>Hello</p>",
        "sender": "Shop <hello@shop.example>",
        "tags": {"person": "p1", "run": "r1", "send": "s1"},
    }
    return Outgoing(**{**fields, **more})


def parsed(message: Outgoing) -> EmailMessage:
    found = message_from_bytes(mime(message), policy=default)
    assert isinstance(found, EmailMessage)
    return found


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


# --- the mail


def test_a_mail_has_both_parts_plain_text_first() -> None:
    mail = parsed(outgoing(text="Grüße", html="<p>Grüße</p>"))
    assert mail.get_content_type() == "multipart/alternative"
    kinds = [part.get_content_type() for part in mail.iter_parts()]
    assert kinds == ["text/plain", "text/html"]
    assert body(mail, "plain").strip() == "Grüße"
    assert body(mail, "html").strip() == "<p>Grüße</p>"


def test_a_mail_without_html_is_plain_text() -> None:
    assert parsed(outgoing(html="")).get_content_type() == "text/plain"


def test_a_mail_program_reads_the_one_click_headers_as_they_are() -> None:
    """RFC 8058; folded into encoded words, as Python does with long ones, nobody finds the link."""
    raw = mime(outgoing(headers=ONE_CLICK))
    head = raw.split(b"\r\n\r\n")[0].decode("ascii").split("\r\n")
    assert f"List-Unsubscribe: <{LEAVE}>" in head
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in head
    assert parsed(outgoing(headers=ONE_CLICK))["List-Unsubscribe"] == f"<{LEAVE}>"


@given(
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=80),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=300),
)
@example("Müller, Meier & Co", "Größe " * 40)
@example("Tante (Shop)", "x" * 200)
@example('A "B" \\ c <d@e.f>', "")
@example('.[;; @.;\\>.)<@\\;)é\\ \\>]a\\,)]"::(<;,,[@>.', "")
@example("a, <b@c.example>, " * 5, "")
def test_names_and_subjects_arrive_as_written(name: str, subject: str) -> None:
    mail = parsed(outgoing(sender=formataddr((name, "hello@shop.example")), subject=subject))
    [sender] = mail["From"].addresses
    assert sender.addr_spec == "hello@shop.example"
    assert squeezed(sender.display_name) == squeezed(name)
    assert squeezed(mail["Subject"]) == squeezed(subject)


def squeezed(text: str) -> str:
    """Headers may be folded at spaces."""
    return "".join(text.split())


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=2000))
@example("ä" * 1500)
@example("From here\n.\n..x")
def test_bodies_arrive_as_written_and_are_seven_bit_lines_that_any_relay_takes(text: str) -> None:
    raw = mime(outgoing(text=text, html=f"<p>{text}</p>"))
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    mail = message_from_bytes(raw, policy=default)
    assert isinstance(mail, EmailMessage)
    assert body(mail, "plain").split() == text.split()


BREAKS = ["\r\nBcc: x@evil.example", "\nBcc: x@evil.example", "\rBcc: x", "\x00", "\r\n\r\nbody"]


@pytest.mark.parametrize("broken", BREAKS)
@pytest.mark.parametrize("field", ["subject", "sender", "reply_to", "to"])
def test_no_field_smuggles_a_header_in(field: str, broken: str) -> None:
    value = {"subject": "Hi", "to": "ada@example.com"}.get(field, "Shop <hello@shop.example>")
    with pytest.raises(Permanent, match="cannot be written"):
        mime(outgoing(**{field: value + broken}))
    with pytest.raises(Permanent, match="cannot be written"):
        mime(outgoing(**{field: broken + value}))


@pytest.mark.parametrize("broken", BREAKS)
def test_no_given_header_smuggles_another_in(broken: str) -> None:
    with pytest.raises(Permanent, match="cannot be written"):
        mime(outgoing(headers={"List-Unsubscribe": f"<{LEAVE}>{broken}"}))
    with pytest.raises(Permanent, match="cannot be written"):
        mime(outgoing(headers={f"List{broken}": "x"}))


@given(st.text(max_size=60))
@example("Ada\r\nBcc: everybody@example.com")
def test_whatever_a_sender_is_called_the_mail_goes_to_one_address_or_not_at_all(name: str) -> None:
    try:
        mail = parsed(outgoing(sender=formataddr((name, "hello@shop.example")), subject=name))
    except (Permanent, UnicodeEncodeError):
        return
    assert [one.addr_spec for one in mail["To"].addresses] == ["ada@example.com"]
    assert set(mail.keys()) == {"From", "To", "Subject", "MIME-Version", "Content-Type"}


@pytest.mark.parametrize(
    "address",
    [
        "a@b.example, c@d.example",
        "a,victim@c.example",
        "x<victim@c.example",
        "a;b@c.example",
        "(comment)a@b.example",
        "undisclosed:;@b.example",
        "a b@c.example",
        '"a"@b.example',
        "nobody",
        "",
        "ä@b.example",
        "a@bücher.example",
    ],
)
def test_what_is_not_one_plain_address_gets_no_mail_and_is_not_told_in_the_reason(
    address: str,
) -> None:
    with pytest.raises(Permanent, match="not one plain address") as error:
        mime(outgoing(to=address))
    assert not address or address not in str(error.value), "reasons carry no addresses"


# --- SES and SNS


@contextmanager
def stubbed(service: str) -> Iterator[tuple[Any, Stubber]]:
    with patch.dict("os.environ", KEYS):
        client = boto3.client(service)
        with Stubber(client) as stubber:
            yield client, stubber


def test_ses_gets_the_raw_mail_with_tags_and_configuration_set() -> None:
    message = outgoing(headers=ONE_CLICK)
    with stubbed("sesv2") as (client, stubber):
        asked: list[dict[str, Any]] = []
        client.meta.events.register(
            "provide-client-params.sesv2.SendEmail", lambda params, **_: asked.append(params)
        )
        stubber.add_response("send_email", {"MessageId": "0100"})
        assert Email(client, "tante").send(message) == "0100"
    [params] = asked
    assert params["FromEmailAddress"] == message.sender
    assert params["Destination"] == {"ToAddresses": ["ada@example.com"]}
    assert params["ConfigurationSetName"] == "tante"
    assert {tag["Name"]: tag["Value"] for tag in params["EmailTags"]} == message.tags
    raw = message_from_bytes(params["Content"]["Raw"]["Data"], policy=default)
    assert raw["List-Unsubscribe"] == f"<{LEAVE}>"


def test_without_a_configuration_set_none_is_named() -> None:
    with stubbed("sesv2") as (client, stubber):
        asked: list[dict[str, Any]] = []
        client.meta.events.register(
            "provide-client-params.sesv2.SendEmail", lambda params, **_: asked.append(params)
        )
        stubber.add_response("send_email", {"MessageId": "1"})
        Email(client).send(outgoing())
    assert "ConfigurationSetName" not in asked[0]


def test_the_ids_that_we_put_into_tags_are_what_ses_allows_there() -> None:
    """Letters, digits, - and _ (and some more), at most 256; run ids are execution names."""
    tags = outgoing(tags={"person": "p" * 26, "run": "a1b2-c3", "send": "0123456789abc"}).tags
    assert all(re.fullmatch(r"[A-Za-z0-9_.@-]{1,256}", value) for value in tags.values())


SES = [
    ("TooManyRequestsException", 429, Temporary),
    ("LimitExceededException", 400, Temporary),
    ("SendingPausedException", 400, Temporary),
    ("AccountSuspendedException", 400, Temporary),
    ("MailFromDomainNotVerifiedException", 400, Temporary),
    ("ThrottlingException", 400, Temporary),
    ("MessageRejected", 400, Permanent),
    ("BadRequestException", 400, Permanent),
    ("NotFoundException", 404, Temporary),
    ("AccessDeniedException", 403, Temporary),
    ("InternalServiceErrorException", 500, ClientError),
    ("ServiceUnavailable", 503, ClientError),
]
SNS = [
    ("Throttled", 429, Temporary),
    ("Throttling", 400, Temporary),
    ("KMSThrottling", 400, Temporary),
    ("InvalidParameter", 400, Permanent),
    ("ParameterValueInvalid", 400, Permanent),
    ("AuthorizationError", 403, Temporary),
    ("OptedOut", 400, Permanent),
    ("InternalError", 500, ClientError),
]


@pytest.mark.parametrize(("code", "status", "meaning"), SES)
def test_a_refusal_of_ses_is_temporary_permanent_or_open(
    code: str, status: int, meaning: type[Exception]
) -> None:
    with stubbed("sesv2") as (client, stubber):
        stubber.add_client_error("send_email", code, http_status_code=status)
        with pytest.raises(meaning) as error:
            Email(client).send(outgoing())
    assert error.type is meaning or meaning is ClientError
    if isinstance(error.value, Temporary):
        assert error.value.retry_after >= 60


@pytest.mark.parametrize(("code", "status", "meaning"), SNS)
def test_a_refusal_of_sns_is_temporary_permanent_or_open(
    code: str, status: int, meaning: type[Exception]
) -> None:
    with stubbed("sns") as (client, stubber):
        stubber.add_client_error("publish", code, http_status_code=status)
        with pytest.raises(meaning) as error:
            Sms(client).send(outgoing(to="+491701234567"))
    assert error.type is meaning or meaning is ClientError


def test_a_text_message_goes_to_the_number_with_the_sender_s_name() -> None:
    with stubbed("sns") as (client, stubber):
        attributes = {
            "AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Promotional"},
            "AWS.SNS.SMS.SenderID": {"DataType": "String", "StringValue": "Shop"},
        }
        asked = {
            "PhoneNumber": "+491701234567",
            "Message": "Hello",
            "MessageAttributes": attributes,
        }
        stubber.add_response("publish", {"MessageId": "m-1"}, asked)
        assert Sms(client, "Shop").send(outgoing(to="+491701234567")) == "m-1"
        stubber.assert_no_pending_responses()


@pytest.fixture
def fresh_clients() -> Iterator[None]:
    aws.client.cache_clear()
    with patch.dict("os.environ", KEYS):
        yield
    aws.client.cache_clear()


@pytest.mark.usefixtures("fresh_clients")
@pytest.mark.parametrize("service", ["sesv2", "sns"])
def test_a_message_whose_answer_is_lost_is_not_sent_again_by_the_client(
    service: str,
) -> None:
    client = aws.client(service)
    with patch("botocore.httpsession.URLLib3Session.send") as send:
        send.side_effect = ReadTimeoutError(endpoint_url="https://email")
        channel = Email(client) if service == "sesv2" else Sms(client)
        with pytest.raises(ReadTimeoutError):
            channel.send(outgoing())
        assert send.call_count == 1


@pytest.mark.usefixtures("fresh_clients")
def test_a_queue_that_does_not_answer_is_asked_again() -> None:
    client = aws.client("sqs")
    with patch("botocore.httpsession.URLLib3Session.send") as send, patch("time.sleep"):
        send.side_effect = ReadTimeoutError(endpoint_url="https://sqs")
        with pytest.raises(ReadTimeoutError):
            client.send_message(QueueUrl="https://sqs/q", MessageBody="x")
    assert send.call_count > 1


# --- the outbox


class Real:
    """A channel to real people."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []

    def send(self, message: Outgoing) -> str:
        self.sent.append(message)
        return "real"


@given(
    st.sampled_from(["ada@example.com", "Ada@example.com", "ada@example.com ", "", "x@y.example"]),
    st.frozensets(st.sampled_from(["ada@example.com", "", "example.com", "*"])),
)
def test_the_outbox_hands_on_only_what_goes_to_an_address_on_the_allow_list(
    to: str, allowed: frozenset[str]
) -> None:
    kept: list[Outgoing] = []
    real = Real()
    answer = Outbox(kept.append, real, allowed).send(outgoing(to=to))
    went = to in allowed
    assert (len(real.sent), len(kept)) == (int(went), int(not went))
    assert answer == ("real" if went else "outbox-s1")


def test_an_outbox_without_a_channel_behind_keeps_everything() -> None:
    kept: list[Outgoing] = []
    assert Outbox(kept.append, None, frozenset(["ada@example.com"])).send(outgoing())
    assert len(kept) == 1


@pytest.mark.usefixtures("fresh_clients")
@pytest.mark.parametrize("stage", ["dev", "test", "local", "", "PROD", "production", "staging"])
def test_outside_prod_every_channel_is_an_outbox(stage: str, tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    channels = aws_channels.channels(Settings(stage=stage), store, aws.client)
    assert {type(channel) for channel in channels.values()} == {Outbox}
    with patch("botocore.httpsession.URLLib3Session.send") as send:
        for name, channel in channels.items():
            assert channel.send(outgoing(send_id=name)) == f"outbox-{name}"
        assert not send.called
    kept = store.get(Kept, "email")
    assert kept is not None
    assert (kept.to, kept.tags["send"], kept.channel) == ("ada@example.com", "s1", "email")


@pytest.mark.usefixtures("fresh_clients")
def test_in_prod_the_channels_are_ses_and_sns_and_webhooks_are_called(tmp_path: Path) -> None:
    settings = Settings(stage="prod", allow_list=frozenset(["only@example.com"]))
    channels = aws_channels.channels(settings, SqliteStore(tmp_path / "store.db"), aws.client)
    assert {name: type(channel) for name, channel in channels.items()} == {
        "email": Email,
        "sms": Sms,
        "webhook": Webhook,
    }


@pytest.mark.usefixtures("fresh_clients")
def test_where_a_number_or_sender_is_configured_texts_go_by_end_user_messaging(
    tmp_path: Path,
) -> None:
    settings = Settings(stage="prod", sms_origination="pool-1", sms_configuration_set="tante-prod")
    channels = aws_channels.channels(settings, SqliteStore(tmp_path / "store.db"), aws.client)
    assert type(channels["sms"]) is EndUserMessaging


# --- receipts, in the shapes that SES documents for event publishing to SNS
# (https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html)

SENT = "2027-03-01T09:00:00.012Z"
LATER = "2027-03-01T10:11:12.345Z"
TAGS = {
    "ses:configuration-set": ["tante"],
    "ses:source-ip": ["192.0.2.0"],
    "ses:from-domain": ["shop.example"],
    "ses:caller-identity": ["run_step"],
    "person": ["p1"],
    "run": ["r1"],
    "send": ["s1"],
}
MAIL: dict[str, Any] = {
    "timestamp": SENT,
    "source": "Shop <hello@shop.example>",
    "sourceArn": "arn:aws:ses:eu-central-1:123456789012:identity/shop.example",
    "sendingAccountId": "123456789012",
    "messageId": "0107019-abc-000000",
    "destination": ["ada@example.com"],
    "headersTruncated": False,
    "headers": [{"name": "Subject", "value": "Hi"}],
    "commonHeaders": {"from": ["hello@shop.example"], "to": ["ada@example.com"], "subject": "Hi"},
    "tags": TAGS,
}
DETAILS: dict[str, dict[str, Any]] = {
    "Send": {},
    "Delivery": {
        "timestamp": LATER,
        "processingTimeMillis": 1200,
        "recipients": ["ada@example.com"],
        "smtpResponse": "250 2.6.0 Message received",
        "remoteMtaIp": "192.0.2.1",
        "reportingMTA": "mta.example.com",
    },
    "Open": {"timestamp": LATER, "ipAddress": "192.0.2.2", "userAgent": "Mozilla/5.0"},
    "Click": {
        "timestamp": LATER,
        "ipAddress": "192.0.2.2",
        "userAgent": "Mozilla/5.0",
        "link": "https://shop.example/premium",
        "linkTags": {"link": ["premium"]},
    },
    "Bounce": {
        "timestamp": LATER,
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "bouncedRecipients": [
            {"emailAddress": "ada@example.com", "action": "failed", "status": "5.1.1"}
        ],
        "feedbackId": "0107-f-000000",
        "reportingMTA": "dsn; mta.example.com",
    },
    "Complaint": {
        "timestamp": LATER,
        "complainedRecipients": [{"emailAddress": "ada@example.com"}],
        "complaintSubType": None,
        "complaintFeedbackType": "abuse",
        "arrivalDate": LATER,
        "feedbackId": "0107-g-000000",
    },
    "Reject": {"reason": "Bad content"},
    "DeliveryDelay": {
        "timestamp": LATER,
        "delayType": "TransientCommunicationFailure",
        "expirationTime": LATER,
        "delayedRecipients": [{"emailAddress": "ada@example.com", "status": "4.4.1"}],
    },
    "Subscription": {"contactList": "ContactListName", "timestamp": LATER, "source": "Unsubscribe"},
    "Rendering Failure": {"templateName": "T", "errorMessage": "Attribute is not present"},
}
KEYS_OF = {"DeliveryDelay": "deliveryDelay", "Rendering Failure": "failure"}


def ses(kind: str, mail: dict[str, Any] | None = None, **detail: Any) -> dict[str, Any]:
    key = KEYS_OF.get(kind, kind.lower())
    return {"eventType": kind, key: {**DETAILS[kind], **detail}, "mail": {**MAIL, **(mail or {})}}


def by_sns(event: Any) -> str:
    """The envelope in which SNS hands a notification to SQS."""
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": "arn:aws:sns:eu-central-1:123456789012:tante-receipts",
            "Subject": "Amazon SES Email Event Notification",
            "Message": event if isinstance(event, str) else json.dumps(event),
            "Timestamp": LATER,
            "SignatureVersion": "1",
            "Signature": "EXAMPLE",
            "SigningCertURL": "https://sns.eu-central-1.amazonaws.com/x.pem",
            "UnsubscribeURL": "https://sns.eu-central-1.amazonaws.com/?Action=Unsubscribe",
        }
    )


@pytest.mark.parametrize("kind", sorted(NAMES))
@pytest.mark.parametrize("raw", [False, True], ids=["by SNS", "raw delivery"])
def test_what_ses_tells_of_a_message_becomes_an_event_of_its_person(kind: str, raw: bool) -> None:
    body = json.dumps(ses(kind)) if raw else by_sns(ses(kind))
    [event] = process_event.read(body).events
    assert (event.person, event.event, event.type) == ("p1", NAMES[kind], "track")
    assert event.properties["email_id"] == "s1"
    assert event.properties["run_id"] == "r1"
    assert event.properties["email_subject"] == "Hi"
    assert event.trusted
    assert event.source == "receipts"
    assert event.time == datetime.fromisoformat(DETAILS[kind].get("timestamp", SENT))


def test_a_click_tells_the_link_s_name_and_address() -> None:
    [event] = process_event.read(by_sns(ses("Click"))).events
    assert event.properties["link_id"] == "premium"
    assert event.properties["link_url"] == "https://shop.example/premium"
    assert event.properties["user_agent"] == "Mozilla/5.0"


@pytest.mark.parametrize("tags", [None, {}, {"link": []}, {"other": ["x"]}])
def test_a_click_on_a_link_without_a_name_is_a_click_all_the_same(tags: Any) -> None:
    [event] = process_event.read(by_sns(ses("Click", linkTags=tags))).events
    assert event.properties["link_id"] == ""


@pytest.mark.parametrize("kind", ["Permanent", "Transient", "Undetermined"])
def test_a_bounce_tells_whether_it_is_for_good(kind: str) -> None:
    [event] = process_event.read(by_sns(ses("Bounce", bounceType=kind))).events
    assert event.properties["bounce_type"] == kind


def test_the_properties_of_a_receipt_name_no_address() -> None:
    for kind in NAMES:
        found = receipt(by_sns(ses(kind)))
        assert "ada@example.com" not in json.dumps(found)


def test_what_tells_of_lists_that_we_do_not_use_is_ignored() -> None:
    assert process_event.read(by_sns(ses("Subscription"))).events == []


@pytest.mark.parametrize("missing", ["person", "run", "send"])
def test_events_of_mails_that_are_not_ours_are_ignored(missing: str) -> None:
    tags = {name: values for name, values in TAGS.items() if name != missing}
    assert process_event.read(by_sns(ses("Open", {"tags": tags}))).events == []
    assert process_event.read(by_sns(ses("Open", {"tags": {**TAGS, missing: []}}))).events == []


FOREIGN = {
    "a subscription to confirm": by_sns("You have chosen to subscribe to the topic arn:aws:sns"),
    "a notification without event publishing": by_sns(
        {"notificationType": "Bounce", "bounce": {}, "mail": MAIL}
    ),
    "an alarm": by_sns({"AlarmName": "x", "NewStateValue": "ALARM"}),
    "an event of S3": json.dumps({"Records": [{"eventSource": "aws:s3"}]}),
    "a list": "[1, 2]",
    "a number": "1",
    "null": "null",
    "no JSON": "hello",
    "nothing": "",
    "a mail that is none": by_sns({"eventType": "Open", "open": {}, "mail": "x"}),
    "tags that are none": by_sns(ses("Open", {"tags": None})),
    "a message that is none": json.dumps({"Message": None}),
    "a time that is none": by_sns(ses("Open", timestamp="yesterday")),
    "a time without a zone": by_sns(ses("Open", timestamp="2027-03-01T10:11:12")),
    "a time that is a number": by_sns(ses("Open", timestamp=1)),
}


@pytest.mark.parametrize("body", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_notification_is_refused(body: str) -> None:
    with pytest.raises(msgspec.DecodeError, match="neither events nor a receipt"):
        process_event.read(body)


@pytest.mark.parametrize("body", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_notification_is_set_aside_with_its_reason_and_the_rest_is_done(
    world: World, body: str
) -> None:
    fine = json.dumps({"events": []})
    records = [{"messageId": "1", "body": body}, {"messageId": "2", "body": fine}]
    assert process_event.handler({"Records": records}, None) == {"batchItemFailures": []}
    [(_, reason, buried)] = world.system.queue.dead()
    assert buried == body.encode()
    assert "not an event batch" in reason


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists))
def test_no_json_at_all_breaks_the_reader(value: Any) -> None:
    for body in (
        json.dumps(value),
        by_sns(value),
        json.dumps({"eventType": "Open", "mail": value}),
    ):
        with suppress(msgspec.DecodeError):
            process_event.read(body)


def sent_mail(world: World) -> Kept:
    world.customer("ada")
    world.order("ada", "o1", "basic-1y")
    return next(kept for kept in world.outbox() if kept.channel == "email")


def tell(world: World, kept: Kept, kind: str, **detail: Any) -> dict[str, Any]:
    """SES tells something of this message."""
    tags = {name: [value] for name, value in kept.tags.items()}
    time = world.now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    said = {"timestamp": time, **detail}
    body = by_sns(ses(kind, {"tags": tags, "timestamp": time}, **said))
    return process_event.handler({"Records": [{"messageId": "1", "body": body}]}, None)


@pytest.mark.parametrize("kind", ["Delivery", "Open", "Click", "Bounce", "Complaint"])
def test_the_same_receipt_counts_once_however_often_it_comes(world: World, kind: str) -> None:
    kept = sent_mail(world)
    before = len(world.api(f"/api/people/{kept.person}/timeline")["events"])
    by = {"userAgent": BROWSER["user-agent"]} if kind in ("Open", "Click") else {}
    assert tell(world, kept, kind, **by) == {"batchItemFailures": []}
    once = world.messages("ada")
    for _ in range(3):
        tell(world, kept, kind, **by)
    assert world.messages("ada") == once
    events = world.api(f"/api/people/{kept.person}/timeline")["events"]
    assert len(events) == before + 1
    assert events[0]["event"] == NAMES[kind]
    assert world.api(f"/api/people/{kept.person}")["events"][NAMES[kind]]["count"] == 1
    assert not world.system.queue.dead()


def test_a_receipt_settles_what_the_ledger_did_not_know(world: World) -> None:
    kept = sent_mail(world)
    message = next(m for m in world.messages("ada") if m.send_id == kept.send_id)
    message.state, message.reason = "unknown", "no answer: ReadTimeoutError"
    world.store.put(message)
    tell(world, kept, "Send")
    found = next(m for m in world.messages("ada") if m.send_id == kept.send_id)
    assert (found.state, found.reason) == ("sent", "")


@pytest.mark.parametrize(
    ("kind", "detail", "reason"),
    [("Bounce", {}, "hard bounce"), ("Complaint", {}, "marked as spam")],
)
def test_a_hard_bounce_and_a_complaint_suppress_the_channel(
    world: World, kind: str, detail: dict[str, Any], reason: str
) -> None:
    kept = sent_mail(world)
    tell(world, kept, kind, **detail)
    assert world.permission("ada").suppressed == {"email": reason}
    world.advance("30 days")
    assert world.sent("ada") == ["welcome"]


def test_a_soft_bounce_does_not_suppress(world: World) -> None:
    kept = sent_mail(world)
    tell(world, kept, "Bounce", bounceType="Transient")
    assert world.permission("ada").suppressed == {}


def test_a_website_cannot_pass_for_ses(world: World) -> None:
    """A public write key must neither silence anybody nor write into the ledger."""
    kept = sent_mail(world)
    before = world.messages("ada")
    add_source(world.store, "wk_public", "website", False, world.now)
    for event in NAMES.values():
        properties = {"email_id": kept.send_id, "run_id": kept.tags["run"], "link_id": "premium"}
        call = {"userId": "ada", "event": event, "writeKey": "wk_public"}
        world.post("track", {**call, "properties": {**properties, "bounce_type": "Permanent"}})
    assert world.messages("ada") == before
    assert world.permission("ada").suppressed == {}
