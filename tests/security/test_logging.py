"""Row "logging": what a whole Tante logs, also when everything fails, names nobody and no key."""

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from functions.channels.email import Email
from functions.handlers import process_event, wiring
from functions.handlers.discreet import Logger, hidden
from tests.support.callers import ask, key_for, root
from tests.support.world import World

pytestmark = pytest.mark.security("logging")

ADDRESS, NUMBER = "ada@example.com", "+4915112345678"


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Everything that our loggers say from now on, as it would stand in the log."""
    said = io.StringIO()
    handlers = []
    for one in logging.root.manager.loggerDict.values():
        for old in one.handlers if isinstance(one, logging.Logger) else []:
            if isinstance(old.formatter, LambdaPowertoolsFormatter):
                handlers.append((one, old, one.level, old.setStream(said)))
                one.setLevel(logging.DEBUG)
    assert handlers
    yield said
    for one, old, level, stream in handlers:
        one.setLevel(level)
        if stream:
            old.setStream(stream)


class Refusing:
    """An SES that repeats the address in what it refuses, as the real one does."""

    def __init__(self, status: int) -> None:
        self.status = status

    def send_email(self, **_: Any) -> Any:
        words = f"Email address is not verified: {ADDRESS}, call {NUMBER}"
        error = {"Code": "MessageRejected", "Message": words}
        metadata = {"HTTPStatusCode": self.status}
        raise ClientError({"Error": error, "ResponseMetadata": metadata}, "SendEmail")  # type: ignore[typeddict-item]


@pytest.mark.parametrize("status", [400, 500])
def test_whatever_fails_nothing_in_the_log_tells_who_it_was(
    world: World, logged: io.StringIO, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = key_for(world, "mia", "read")
    failing = {**world.system.parts.channels, "email": Email(Refusing(status))}
    world.system.parts = replace(world.system.parts, channels=failing)
    wiring.use(world.system.parts)
    world.customer("ada")
    world.order("ada", "o1", "basic-1y")
    world.advance("2 days")
    person = world.person("ada").person
    secrets = [ADDRESS, NUMBER, "ada%40", own, root(world), world.system.keys.write_key]
    ask(world, "POST", "/v1/track", "", {"writeKey": own, "userId": ADDRESS, "event": "x"})
    ask(world, "POST", "/v1/track", "", f'{{"writeKey": "{own}", {ADDRESS}')
    ask(world, "POST", "/v1/identify", "", {"writeKey": secrets[-1], "traits": {"email": ADDRESS}})
    ask(world, "GET", f"/api/people?email={ADDRESS}", "sk_wrong_key_of_somebody")
    ask(world, "POST", "/api/session", "", {"key": "sk_wrong_key_of_somebody"})
    ask(world, "POST", f"/leave/1.{'x' * 30}.{'y' * 22}")
    process_event.handler({"Records": [{"messageId": "1", "body": f'["{ADDRESS}"]'}]}, None)

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError(f"cannot read {ADDRESS} {NUMBER} Bearer {own}")

    monkeypatch.setattr(world.store, "listing", broken)
    ask(world, "GET", "/api/people", own)
    monkeypatch.setattr(world.store, "get", broken)
    ask(world, "GET", f"/api/people/{person}", root(world))
    world.track("ada", "Viewed")
    text = logged.getvalue()
    assert "request failed" in text
    assert "an event failed" in text
    assert "unknown caller" in text
    for secret in [*secrets, "sk_wrong_key_of_somebody", "y" * 22]:
        assert secret not in text, secret
    assert all(json.loads(line) for line in text.splitlines())


def test_what_lies_with_the_dead_letters_tells_nobody_in_its_reason(world: World) -> None:
    reason = process_event._reason(ValueError(f"cannot read {ADDRESS}"))
    assert reason == "ValueError: cannot read (address)"


@given(
    st.text(max_size=80), st.from_regex(r"[a-z0-9.+]{1,20}@[a-z]{1,10}\.(de|com)", fullmatch=True)
)
def test_no_words_around_it_bring_an_address_into_a_log(words: str, address: str) -> None:
    assert address not in hidden(f"{words} {address}, {words}")
    assert address not in hidden(f"<{address}>{words}")


@given(st.text(alphabet="a1.@+-_ =/%", max_size=3000))
def test_hiding_never_fails(text: str) -> None:
    hidden(text)


def test_hiding_a_long_text_takes_no_longer_than_reading_it() -> None:
    for piece in ("a", "a.", "+1 ", "sk_", "a@", "@", "=", "Bearer ", "a.b" * 30):
        hidden(piece * (50_000 // len(piece)))


def test_what_helps_to_find_an_error_stays() -> None:
    stream = io.StringIO()
    log = Logger(service="test_discreet", stream=stream, level="INFO")
    try:
        raise KeyError("functions.handlers.run_step: run upsell-0123456789abcdef-1 at 2027-03-01")
    except KeyError:
        log.exception("failed", extra={"people": 3, "run": "upsell-0123456789abcdef"})
    line = json.loads(stream.getvalue())
    assert (line["people"], line["run"]) == (3, "upsell-0123456789abcdef")
    assert "run upsell-0123456789abcdef-1 at 2027-03-01" in line["exception"]
    assert line["service"] == "test_discreet"
