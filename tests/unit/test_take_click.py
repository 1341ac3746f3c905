"""The door behind each link: the event first, then the person goes on, whatever else fails."""

import base64
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.handlers import light_keys, take_click
from functions.handlers.light_aws import Unreachable
from functions.handlers.take_click import Door, answer
from functions.messages.link import HONEYPOT, Tracked, sign
from functions.messages.short import key_of, short
from functions.storage.packing import pack
from functions.storage.read_link import token_in
from functions.tracking.event import EventBatch
from functions.tracking.short_link import ShortLink
from tests.support.environment import aws

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
KEYS = {"1": b"k" * 32}
PERSON = "0123456789abcdef" * 2
TARGET = "https://shop.example/premium?a=b"
SAID = Tracked(PERSON, "onboarding-r1", "s1", "guide", "email", "premium", "5", TARGET)


class Outside:
    """What the door sees of the rest."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.tokens: dict[tuple[str, str], str] = {}
        self.door = Door(lambda: KEYS, self.sent.append, self.short, lambda: NOW)

    def short(self, person: str, code: str) -> str:
        return self.tokens.get((person, code), "")

    def ask(self, path: str, method: str = "GET", **headers: str) -> dict[str, Any]:
        request = {
            "rawPath": path,
            "headers": {name.replace("_", "-"): value for name, value in headers.items()},
            "requestContext": {
                "http": {"method": method, "sourceIp": "203.0.113.77"},
                "requestId": "r-1",
            },
        }
        return answer(self.door, request)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for body in self.sent for event in json.loads(body)["events"]]


@pytest.fixture
def outside() -> Outside:
    return Outside()


def link(purpose: str = "click", **changed: str) -> str:
    door = {"click": "c", "open": "o", "download": "d"}[purpose]
    return f"/{door}/{sign(purpose, SAID._replace(**changed), KEYS)}"


def test_a_click_leads_to_its_target_and_is_told(outside: Outside) -> None:
    found = outside.ask(link(), user_agent="Firefox")
    assert (found["statusCode"], found["headers"]["location"]) == (302, TARGET)
    assert found["headers"]["cache-control"] == "no-store"
    assert found["headers"]["referrer-policy"] == "no-referrer"
    [event] = outside.events
    assert event["event"] == "Email Link Clicked"
    assert event["person"] == PERSON
    assert event["properties"] == {
        "email_id": "s1",
        "run_id": "onboarding-r1",
        "journey": "onboarding",
        "message": "guide",
        "link_id": "premium",
        "link_url": TARGET,
        "links": 5,
        "user_agent": "Firefox",
        "method": "GET",
        "network": "203.0.113.0/24",
    }


def test_what_is_told_is_a_batch_of_events_like_any_other(outside: Outside) -> None:
    outside.ask(link())
    [body] = outside.sent
    assert body.startswith(b'{"events"')
    [event] = msgspec.json.decode(body, type=EventBatch).events
    assert (event.source, event.trusted, event.time) == ("receipts", True, NOW)


def test_the_whole_address_of_the_caller_is_told_to_nobody(outside: Outside) -> None:
    outside.ask(link())
    assert "203.0.113.77" not in repr(outside.sent)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("198.51.100.9", "198.51.100.0/24"),
        ("2001:db8:12:3456::1", "2001:db8:12::/48"),
        ("nobody", ""),
        ("", ""),
        ("1.2.3.x", ""),
    ],
)
def test_of_an_address_the_network_is_kept(address: str, network: str) -> None:
    assert take_click._network(address) == network


def test_an_open_gets_the_smallest_picture_that_nobody_keeps(outside: Outside) -> None:
    found = outside.ask(link("open", name="", target="") + ".gif")
    assert found["headers"]["content-type"] == "image/gif"
    assert found["headers"]["cache-control"] == "no-store"
    assert len(base64.b64decode(found["body"])) == 43
    assert outside.events[0]["event"] == "Email Opened"


def test_a_download_leads_to_the_asset_and_is_told(outside: Outside) -> None:
    found = outside.ask(link("download", name="whitepaper", target="https://shop.example/w.pdf"))
    assert found["headers"]["location"] == "https://shop.example/w.pdf"
    assert outside.events[0]["event"] == "Asset Downloaded"
    assert outside.events[0]["properties"]["asset"] == "whitepaper"


def test_a_short_link_leads_where_the_long_one_does(outside: Outside) -> None:
    token = sign("click", SAID._replace(channel="sms"), KEYS)
    text, code = short(PERSON, token)
    outside.tokens[PERSON, code] = token
    assert len(text) == 28
    assert outside.ask(f"/s/{text}")["headers"]["location"] == TARGET
    assert outside.events[0]["event"] == "SMS Link Clicked"
    assert outside.events[0]["properties"]["sms_id"] == "s1"


@given(st.binary(min_size=16, max_size=16), st.text(st.sampled_from("abcXYZ019-_."), min_size=1))
def test_the_record_of_a_short_link_can_be_read_without_msgpack(key: bytes, token: str) -> None:
    text, code = short(key.hex(), token)
    assert key_of(text) == (key.hex(), code)
    record = ShortLink(key.hex(), code, 4_000_000_000, f"/{token}")
    for squeeze_from in (0, 10_000):
        assert token_in(pack(record, squeeze_from).body) == token


@pytest.mark.parametrize("door", "cods")
@given(rest=st.text(max_size=60))
def test_whatever_else_is_asked_for_is_not_found_and_leads_nowhere(door: str, rest: str) -> None:
    outside = Outside()
    found = outside.ask(f"/{door}/{rest}")
    assert found["statusCode"] == 404
    assert "location" not in found["headers"]
    assert not outside.sent


@pytest.mark.parametrize("purpose", ["click", "open", "download"])
def test_a_link_of_one_kind_opens_no_other_door(outside: Outside, purpose: str) -> None:
    token = link(purpose).rpartition("/")[2]
    others = {"click": "od", "open": "cd", "download": "co"}[purpose]
    assert [outside.ask(f"/{door}/{token}")["statusCode"] for door in others] == [404, 404]


@pytest.mark.parametrize(
    "target", ["javascript:alert(1)", "https://a@b/", "https://shop.example/\r\nx: y", ""]
)
def test_nobody_is_sent_to_what_is_no_plain_address_even_if_it_was_signed(
    outside: Outside, target: str
) -> None:
    assert outside.ask(link(target=target))["statusCode"] == 404


def test_a_target_in_other_letters_goes_into_the_header_as_ascii(outside: Outside) -> None:
    found = outside.ask(link(target="https://shop.example/straße"))
    assert found["headers"]["location"] == "https://shop.example/stra%C3%9Fe"


def test_the_link_that_no_person_sees_leads_nowhere(outside: Outside) -> None:
    found = outside.ask(link(name=HONEYPOT, target=""))
    assert found["statusCode"] == 200
    assert outside.events[0]["properties"]["link_id"] == HONEYPOT


def test_asking_for_the_head_and_fetching_ahead_are_told(outside: Outside) -> None:
    outside.ask(link(), method="HEAD", sec_purpose="prefetch;anonymous-client-ip")
    shown = outside.events[0]["properties"]
    assert (shown["method"], shown["prefetch"]) == ("HEAD", "prefetch;anonymous-client-ip")


def test_who_clicked_goes_on_when_the_queue_cannot_be_reached(
    outside: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    def lost(body: bytes) -> None:
        raise Unreachable("sqs: no route")

    door = Door(lambda: KEYS, lost, outside.short, lambda: NOW)
    request = {"rawPath": link(), "requestContext": {"http": {"method": "GET"}}}
    assert answer(door, request)["headers"]["location"] == TARGET
    told = json.loads(capsys.readouterr().out)
    assert told["message"] == take_click.LOST
    assert SAID.person not in json.dumps(told)


def test_the_event_is_handed_on_before_the_answer(outside: Outside) -> None:
    """What `send` does is done when the answer is there; the answer waits for it."""
    order = []
    door = Door(lambda: KEYS, lambda body: order.append("sent"), outside.short, lambda: NOW)
    request = {"rawPath": link(), "requestContext": {"http": {"method": "GET"}}}
    order.append(str(answer(door, request)["statusCode"]))
    assert order == ["sent", "302"]


def test_without_its_keys_it_says_so_and_reads_them_again_later(
    capsys: pytest.CaptureFixture[str],
) -> None:
    reads = iter([Unreachable("no"), KEYS, Unreachable("no")])

    def read() -> dict[str, bytes]:
        found = next(reads)
        if isinstance(found, Exception):
            raise found
        return found

    outside = Outside()
    outside.door = Door(light_keys.kept(read), outside.sent.append, outside.short, lambda: NOW)
    assert outside.ask(link())["statusCode"] == 503
    assert outside.ask(link())["statusCode"] == 302
    assert outside.ask(link())["statusCode"] == 302, "the keys are kept"


LIGHT = {
    "functions",
    "functions.handlers",
    "functions.handlers.headers",
    "functions.handlers.light_aws",
    "functions.handlers.light_http",
    "functions.handlers.light_keys",
    "functions.handlers.light_log",
    "functions.handlers.take_click",
    "functions.light_settings",
    "functions.messages",
    "functions.messages.link",
    "functions.messages.short",
    "functions.storage",
    "functions.storage.dictionary",
    "functions.storage.read_link",
}
HEAVY = {"typing", "dataclasses", "http", "email", "urllib", "random", "logging", "asyncio"}


def test_a_cold_start_imports_these_modules_and_no_library() -> None:
    code = (
        "import sys; before = set(sys.modules)\n"
        "from functions.handlers import take_click; take_click.aws_door()\n"
        "print(*(set(sys.modules) - before))"
    )
    root = str(Path(__file__).parents[2])
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": root}
    # -S: site-packages and what its start-up files import are not there, as in Lambda.
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], env=env, capture_output=True, text=True, check=True
    )
    found = set(done.stdout.split())
    tops = {name.partition(".")[0] for name in found}
    assert {name for name in found if name.startswith("functions")} == LIGHT
    assert not {top for top in tops if top not in sys.stdlib_module_names} - {"functions"}
    assert not tops & HEAVY


def test_in_aws_it_is_made_of_what_the_environment_says() -> None:
    with aws(TANTE_EVENT_QUEUE_URL="https://queue", TANTE_LINK_SECRET="links"):
        take_click._door = None
        try:
            assert take_click.aws_door() is take_click.aws_door()
        finally:
            take_click._door = None
