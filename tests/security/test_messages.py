"""Rows "templates", "mail headers", "webhooks out", "callbacks in": what goes and comes back."""

import time
from email import message_from_bytes
from typing import Any

import pytest

from functions.channels.channel import Outgoing, Permanent
from functions.channels.email import mime
from functions.channels.webhook import Webhook
from functions.folder import check_brand
from functions.messages.template import TemplateError, check, fill
from functions.problem import Problems
from local.keys import add_source
from tests.support.callers import ask, status
from tests.support.world import JOURNEYS, World

HOST = [
    "{{ person.__class__.__mro__ }}",
    "{{ person['__init__']['__globals__'] }}",
    "{{ brand.__dict__ }}",
    "{{ entry | map: '__class__' }}",
    "{{ links['__class__'] }}",
    "{{ code._table }}",
]
BOMBS = [
    "{% for a in (1..999) %}{% for b in (1..999) %}{% for c in (1..999) %}x{% endfor %}{% endfor %}"
    "{% endfor %}",
    "{% assign x = (1..99999999) | join: '' %}",
    "{% assign x = 'aaaaaaaa' %}{% for i in (1..60) %}{% assign x = x | append: x %}{% endfor %}",
    "{% tablerow i in (1..100000000) cols:2 %}x{% endtablerow %}",
    "{% capture x %}{% for i in (1..2000) %}yyyyyyyyyy{% endfor %}{% endcapture %}"
    "{% for i in (1..2000) %}{{ x }}{% endfor %}",
]


@pytest.mark.security("templates")
@pytest.mark.parametrize("source", HOST)
def test_a_template_reaches_nothing_of_the_machine(source: str) -> None:
    values: dict[str, Any] = {"person": {"a": 1}, "brand": {}, "entry": [{}], "links": {}}
    try:
        shown = fill(source, values, autoescape=True)
    except TemplateError:
        return
    assert "class" not in shown
    assert "<" not in shown
    assert not shown.strip()


@pytest.mark.security("templates")
@pytest.mark.parametrize("source", BOMBS)
def test_a_template_that_would_take_for_ever_is_ended_at_once(source: str) -> None:
    began = time.process_time()
    with pytest.raises(TemplateError):  # noqa: PT012
        for problem in check("hello.de.sms", source, ()):
            raise TemplateError(problem.text)  # it is not even published
        fill(source, {}, autoescape=False)
    assert time.process_time() - began < 3


def outgoing(**fields: Any) -> Outgoing:
    said = {"send_id": "s", "to": "ada@example.com", "subject": "Hi", "text": "t", "html": "h"}
    return Outgoing(**{**said, "sender": "Shop <shop@example.com>", **fields})


@pytest.mark.security("mail headers")
@pytest.mark.parametrize("cut", ["\r\n", "\n", "\r", "\x00", "\r\n\r\n", "\x0b", "\x1f"])
@pytest.mark.parametrize("field", ["subject", "sender", "to", "reply_to"])
def test_a_line_s_end_in_a_header_stops_the_mail(field: str, cut: str) -> None:
    value = getattr(outgoing(reply_to="reply@example.com"), field)
    with pytest.raises(Permanent):
        mime(outgoing(**{field: f"{value}{cut}Bcc: all@evil.example"}))


@pytest.mark.security("mail headers")
def test_no_profile_adds_a_header_or_a_reader(world: World) -> None:
    name = "Ada\r\nBcc: all@evil.example\r\n\r\n<script>alert(1)</script>"
    world.customer("ada", firstName=name, lastName=name)
    world.order("ada", "o1", "basic-1y")
    world.advance("10 days")
    mails = [kept for kept in world.outbox() if kept.channel == "email"]
    assert mails
    for kept in mails:
        assert "\n" not in kept.subject
        assert "<script" not in (kept.html or "")
        assert not {"bcc", "cc"} & {header.lower() for header in kept.headers}
        mail = message_from_bytes(mime(outgoing(subject=kept.subject, text=kept.text)))
        assert mail["Bcc"] is None


INSIDE = (
    "127.0.0.1",
    "10.0.0.1",
    "169.254.169.254",
    "::1",
    "::ffff:10.0.0.1",
    "fd00::1",
    "0.0.0.0",
)


@pytest.mark.security("webhooks out")
@pytest.mark.parametrize("address", INSIDE)
def test_no_webhook_reaches_into_our_own_network(address: str) -> None:
    def never(*_: Any) -> int:
        raise AssertionError("it was called")

    with pytest.raises(Permanent):
        Webhook(lambda host, port: [address], never).send(
            outgoing(to="https://crm.example.com/hook", text="{}")
        )


@pytest.mark.security("webhooks out")
@pytest.mark.parametrize(
    "url",
    [
        "http://crm.example.com/",
        "https://user:pass@crm.example.com/",
        "https://169.254.169.254/latest/meta-data",
        "https://crm.example.com\\@evil.example/",
        "https://crm.example.com\r\nhost: evil.example/",
        "file:///etc/passwd",
        "gopher://crm.example.com/",
    ],
)
def test_no_such_webhook_is_published(url: str) -> None:
    text = (JOURNEYS / "brand.yaml").read_text("utf-8")
    said = url.replace("\\", "\\\\").replace("\r\n", "\\r\\n")
    with pytest.raises(Problems):
        check_brand(f'{text}\nwebhooks: {{crm: {{url: "{said}"}}}}\n')


FORGED = (
    {"event": "Email Bounced", "properties": {"bounce_type": "Permanent"}},
    {"event": "Email Marked as Spam", "properties": {}},
    {"event": "Email Opened", "properties": {}},
    {"event": "Consent Given", "properties": {"channel": "email", "purposes": ["offers"]}},
)


@pytest.mark.security("callbacks in")
@pytest.mark.parametrize("event", FORGED, ids=[str(one["event"]) for one in FORGED])
def test_a_website_cannot_say_what_only_a_provider_or_a_trusted_shop_may(
    world: World, event: dict[str, Any]
) -> None:
    """The write key in a page is public."""

    add_source(world.store, "wk_page", "page", False, world.now)
    world.customer("ada", consents=event["event"] != "Consent Given")
    before = world.permission("ada")
    call = {"writeKey": "wk_page", "userId": "ada", "messageId": "m", **event}
    answer = ask(world, "POST", "/v1/track", "", call)
    assert status(answer) in (200, 400, 403)
    world.settle()
    after = world.permission("ada")
    assert (after.consents, after.suppressed) == (before.consents, before.suppressed)


@pytest.mark.security("callbacks in")
def test_no_door_takes_a_provider_s_notification(world: World) -> None:
    """They come by a queue to which only our own topic may send; over HTTP nobody is believed."""
    for path in ("/sns", "/ses", "/api/receipts", "/v1/receipts", "/webhook", "/v1/sns"):
        body = {"Type": "SubscriptionConfirmation", "SubscribeURL": "https://evil.example"}
        assert status(ask(world, "POST", path, "", body)) in (401, 404)
