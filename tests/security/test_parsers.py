"""The parsers of what strangers send never fail but in their own words, and never hang.

URLs, tokens, headers, mails and Liquid; arbitrary text and bytes.
"""

import base64
import binascii
import json
import string
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from email import message_from_bytes
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from functions.channels.channel import Outgoing, Permanent, Temporary
from functions.channels.email import mime
from functions.channels.webhook import Webhook
from functions.handlers import answer_admin, answer_page, callers, collect_event, process_event
from functions.handlers.pages import door
from functions.messages import link
from functions.messages.brand import _is_of_a_host
from functions.messages.template import TemplateError, check, compile_mjml, fill
from functions.problem import Problems
from tests.support.world import CONTEXT, World

QUICK = settings(max_examples=150, suppress_health_check=list(HealthCheck))
NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
KEYS = {"1": b"k" * 32}
ANY = st.text(max_size=300)
ODD = st.text(
    alphabet=st.sampled_from("\x00\t\r\n \\/@:?#[]%.&=;,\"'<>{}|~\u2028\ufeff\U0001f600a1-_+"),
    max_size=200,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
URLS = st.builds(
    "".join,
    st.lists(
        st.sampled_from(
            [
                *(
                    "https://",
                    "http://",
                    "javascript:",
                    "//",
                    "\\\\",
                    "@",
                    "[",
                    "]",
                    "::1",
                    ":",
                    "%",
                ),
                *("evil.example", "crm.example.com", "127.0.0.1", "0x7f", "\r\n", "\x00", "?", "#"),
                *("user:pass@", ":99999", ":-1", "/..", "é", "。", "xn--", "\u202e"),
            ]
        ),
        max_size=12,
    ),
)


def event_of(method: str, path: str, **more: Any) -> dict[str, Any]:
    http = {"method": method, "path": path, "sourceIp": "1.2.3.4"}
    context = {"http": http, "stage": "$default"}
    return {"version": "2.0", "rawPath": path, "headers": {}, "requestContext": context, **more}


# --- URLs


@given(URLS | ANY | ODD)
@example("https://\0")
@QUICK
@example("https://[::1")
@example("https://crm.example.com:" + "9" * 5000)
@example("https://" + "a" * 100_000)
def test_no_url_of_a_webhook_breaks_its_reader_or_is_called_inside(url: str) -> None:
    _is_of_a_host(url)
    called: list[Any] = []

    def post(place: Any, *_: Any) -> int:
        called.append(place)
        return 200

    def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1" if "127" in host or "::1" in host else "93.184.216.34"]

    with suppress(Permanent, Temporary):
        Webhook(resolve, post).send(Outgoing(send_id="s", to=url, text="{}"))
    for place in called:
        assert place.address == "93.184.216.34"
        assert not set(place.host) & set("\r\n\x00 @\\")


# --- tokens


@given(ANY | ODD | st.text(alphabet=string.ascii_letters + string.digits + "._-=", max_size=200))
@QUICK
@example("1." + "A" * 100_000 + ".x")
@example("1..")
def test_no_token_but_ours_is_read(token: str) -> None:
    for purpose in link.PURPOSES:
        with pytest.raises(link.BadLink):
            link.read(purpose, token, KEYS, NOW)


# Bytes seldom are JSON, and JSON is what gets as far as the fields.
@given(st.binary(max_size=80) | JSON.map(lambda said: json.dumps(said).encode()))
@QUICK
@example(b'""')
@example(b'"a"')
@example(b"[null]")
@example(b'{"a": 1}')
@example(b"[[1]]")
@example(b"[1e999]")
def test_a_payload_that_is_signed_and_still_no_link_breaks_no_page(raw: bytes) -> None:
    payload = link.encode(raw)
    token = f"1.{payload}.{link._mac(KEYS['1'], 'leave', payload)}"
    with suppress(link.BadLink):
        link.read("leave", token, KEYS, NOW)


# --- headers and bodies of requests


@given(
    header=st.dictionaries(
        st.sampled_from(
            ["authorization", "content-encoding", "content-type", "cookie", "origin", "host"]
        ),
        ANY | ODD | st.sampled_from(["Basic ====", "Basic éé", "gzip", "deflate", "Bearer "]),
    ),
    cookies=st.lists(ANY | st.just("__Host-tante=" + "x" * 50), max_size=3),
    body=ANY | st.binary(max_size=100).map(lambda raw: base64.b64encode(raw).decode()),
    is_base64=st.booleans(),
    path=st.sampled_from(["/v1/track", "/v1/batch", "/api/people", "/api/session", "/leave/x"]),
    method=st.sampled_from(["POST", "GET", "OPTIONS"]),
)
@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@example(header={}, cookies=[], body="/w==", is_base64=True, path="/api/session", method="POST")
@example(header={}, cookies=[], body="0", is_base64=True, path="/api/session", method="POST")
def test_no_header_or_body_breaks_a_door(
    world: World,
    header: dict[str, str],
    cookies: list[str],
    body: str,
    is_base64: bool,
    path: str,
    method: str,
) -> None:
    handlers: dict[str, Callable[[dict[str, Any], object], dict[str, Any]]] = {
        "v1": collect_event.handler,
        "api": answer_admin.handler,
        "leave": answer_page.handler,
    }
    event = event_of(method, path, body=body, isBase64Encoded=is_base64, cookies=cookies)
    event["headers"] = header
    answer = handlers[path.split("/")[1]](event, CONTEXT)
    assert 200 <= int(answer["statusCode"]) < 500


@given(st.binary(max_size=2000), st.booleans())
@QUICK
def test_no_form_breaks_a_page(raw: bytes, is_base64: bool) -> None:
    text = base64.b64encode(raw).decode() if is_base64 else raw.decode("latin-1")
    found = door._form({"body": text, "isBase64Encoded": is_base64})
    assert all(isinstance(name, str) for name in found)


@given(st.lists(ANY | ODD, max_size=4))
@QUICK
def test_no_cookie_breaks_its_reader(cookies: list[str]) -> None:
    assert isinstance(callers.token_of({"cookies": cookies}), str)
    for cookie in cookies:
        assert len(callers.key_hash_of(cookie)) == 64


@given(st.binary(max_size=400) | ANY.map(str.encode))
@QUICK
def test_no_message_of_the_queue_breaks_its_reader(raw: bytes) -> None:
    with suppress(msgspec.DecodeError, UnicodeDecodeError, binascii.Error):
        process_event.read(raw.decode("utf-8", "replace"))


# --- mails

PLAIN_MAIL: dict[str, Any] = {
    **{"subject": "", "sender": "a@example.com", "to": "ada@example.com"},
    **{"reply_to": "", "text": "", "html": ""},
}


@given(
    subject=ANY | ODD,
    sender=ANY | ODD,
    to=ANY | ODD | st.just("ada@example.com"),
    reply_to=ANY | ODD,
    text=ANY,
    html=ANY | ODD,
    headers=st.dictionaries(ANY | ODD, ANY | ODD, max_size=3),
)
@QUICK
@example(headers={}, subject="", sender=".:", to="ada@example.com", reply_to="", text="", html="")
@example(headers={}, subject="", sender="", to="ada@example.com", reply_to=" .\\", text="", html="")
@example(headers={"Bcc: eve@example.com, ": ""}, **PLAIN_MAIL)
@example(headers={" ": ""}, **PLAIN_MAIL)
@example(headers={"": ""}, **PLAIN_MAIL)
def test_no_words_make_a_mail_that_says_more_than_its_fields(headers: Any, **fields: str) -> None:
    try:
        raw = mime(Outgoing(send_id="s", headers=headers, **fields))
    except Permanent:
        return
    mail = message_from_bytes(raw)
    ours = {"from", "to", "subject", "reply-to", "mime-version", "content-type"}
    ours |= {"content-transfer-encoding", *(name.lower() for name in headers)}
    assert {name.lower() for name in mail} <= ours
    assert len(mail.get_all("To") or []) == 1


# --- Liquid and MJML

PIECES = st.sampled_from(
    [
        *("{{ person.name }}", "{{", "}}", "{%", "%}", "{% if x %}", "{% endif %}", "{# #}"),
        *("{% for i in (1..3) %}", "{% endfor %}", "| upcase", "| join: ','", "(1..9)"),
        *("person['a']", "{% raw %}", "{% comment %}", "{% endcomment %}", "{% assign a = 1 %}"),
        *("<b>", "&lt;", "'", '"', "\x00", "{% case x %}", "{% when 1 %}", "{% cycle 'a' %}"),
        *("{% tablerow i in a %}", "{{ a | b: c }}"),
    ]
)


@given(st.lists(PIECES | ODD, max_size=12).map("".join) | ANY)
@QUICK
def test_no_liquid_breaks_its_reader_or_lasts(source: str) -> None:
    began = time.process_time()
    problems = list(check("hello.de.sms", source, ()))
    if not problems:
        with suppress(TemplateError):
            fill(source, {"person": {"name": "<b>"}, "a": [1]}, autoescape=True)
    assert time.process_time() - began < 5


@given(st.lists(PIECES | st.sampled_from(["<mj-text>", "</mj-text>", "<mj-section>"]), max_size=8))
@settings(max_examples=60)
def test_no_mjml_breaks_its_reader(pieces: list[str]) -> None:
    body = "".join(pieces)
    source = f"<mjml><mj-head><mj-title>Hi</mj-title></mj-head><mj-body>{body}</mj-body></mjml>"
    with suppress(TemplateError, Problems):
        compile_mjml(source, {})
