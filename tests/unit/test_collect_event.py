"""What the collecting Lambda answers, whatever it is asked."""

import base64
import gzip
import json
import subprocess
import sys
import tracemalloc
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.handlers import collect_event, wiring
from functions.tracking.event import MESSAGE_LIMIT, Event, EventBatch
from functions.tracking.source import Source

EVENT = {"userId": "u1", "event": "Signed Up", "messageId": "m1"}
BATCH = {"batch": [EVENT | {"type": "track"}], "writeKey": "key"}


class PublicUrl:
    public_url = "https://events.example.org"


class FakeParts:
    """Everything the handler touches, in memory."""

    def __init__(self) -> None:
        self.settings = PublicUrl()
        self.sources = {"key": Source(key_hash="h", name="shop", trusted=True)}
        self.sent: list[bytes] = []
        self.asked: list[str] = []
        self.time = datetime(2026, 3, 1, tzinfo=UTC)
        self.trouble: Exception | None = None

    def now(self) -> datetime:
        return self.time

    def source(self, write_key: str) -> Source | None:
        self.asked.append(write_key)
        return self.sources.get(write_key)

    def send_events(self, bodies: list[bytes], delay: int) -> None:
        if self.trouble:
            raise self.trouble
        self.sent += bodies

    @property
    def events(self) -> list[Event]:
        batches = [msgspec.json.decode(body, type=EventBatch) for body in self.sent]
        return [event for batch in batches for event in batch.events]


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> FakeParts:
    fake = FakeParts()
    monkeypatch.setattr(wiring, "parts", lambda: fake)
    return fake


def request(method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    http = {"method": method, "path": path, "sourceIp": "192.0.2.1", "userAgent": "test"}
    event = {"rawPath": path, "headers": names, "requestContext": {"http": http}}
    if isinstance(body, bytes):
        event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    elif body is not None:
        event |= {"body": body if isinstance(body, str) else json.dumps(body)}
    return event


def ask(method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    answer = answer_to(request(method, path, body, **headers))
    return answer["statusCode"], json.loads(answer.get("body") or "null")


def answer_to(event: Any) -> dict[str, Any]:
    answer = collect_event.handler(event, None)
    assert set(answer) <= {"statusCode", "headers", "body"}
    assert answer["headers"]["access-control-allow-origin"] == "*"
    assert all(isinstance(value, str) for value in answer["headers"].values())
    if answer["statusCode"] >= 400:
        body = json.loads(answer["body"])
        assert set(body) == {"code", "message"}
        assert body["code"]
        assert body["message"]
    return answer


def refusal(method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
    status, answer = ask(method, path, body, **headers)
    return status, answer["code"]


def basic(write_key: str) -> str:
    return "Basic " + base64.b64encode(f"{write_key}:".encode()).decode()


@pytest.mark.parametrize("path", sorted(collect_event.CALLS))
def test_every_path_of_the_protocol_takes_its_call(parts: FakeParts, path: str) -> None:
    kind = collect_event.CALLS[path]
    more = {"groupId": "g", "previousId": "p", "writeKey": "key"}
    assert ask("POST", path, BATCH if kind == "batch" else EVENT | more) == (200, {"success": True})
    assert [event.type for event in parts.events] == ["track" if kind == "batch" else kind]
    assert parts.events[0].source == "shop"
    assert parts.events[0].trusted


def test_the_write_key_may_stand_in_the_body_or_in_basic_authorization(parts: FakeParts) -> None:
    assert ask("POST", "/v1/track", EVENT | {"writeKey": "key"})[0] == 200
    assert ask("POST", "/v1/track", EVENT, authorization=basic("key"))[0] == 200
    assert ask("POST", "/v1/track", EVENT | {"writeKey": "key"}, authorization="Bearer x")[0] == 200


@pytest.mark.parametrize("authorization", ["", "Basic", "Basic !", "Basic 4", "Basic /w==", "x"])
def test_a_missing_write_key_is_401(parts: FakeParts, authorization: str) -> None:
    answer = refusal("POST", "/v1/track", EVENT, authorization=authorization)
    assert answer == (401, "invalid_write_key")


def test_an_unknown_or_revoked_write_key_is_401_and_nothing_is_taken(parts: FakeParts) -> None:
    parts.sources["old"] = Source(key_hash="o", name="old", revoked=parts.time)
    for key in ("nobody", "old", 7):
        assert refusal("POST", "/v1/batch", BATCH | {"writeKey": key})[1] == "invalid_write_key"
    assert not parts.events


def test_a_source_is_asked_for_once_a_minute(parts: FakeParts) -> None:
    for _ in range(3):
        assert ask("POST", "/v1/batch", BATCH)[0] == 200
    assert parts.asked == ["key"]
    del parts.sources["key"]
    parts.time += timedelta(seconds=59)
    assert ask("POST", "/v1/batch", BATCH)[0] == 200
    parts.time += timedelta(seconds=1)
    assert ask("POST", "/v1/batch", BATCH)[0] == 401


def test_made_up_keys_do_not_fill_the_memory(parts: FakeParts) -> None:
    for number in range(collect_event.SOURCES_KEPT + 10):
        ask("POST", "/v1/t", EVENT | {"writeKey": f"made-up-{number}"})
    assert len(collect_event._sources.known) <= collect_event.SOURCES_KEPT


def test_refused_events_of_a_batch_are_listed_and_the_rest_are_taken(parts: FakeParts) -> None:
    bad = {"type": "track", "userId": "u", "messageId": "m2"}
    status, answer = ask("POST", "/v1/batch", {"batch": [bad, *BATCH["batch"]], "writeKey": "key"})
    assert status == 200
    assert answer["success"] is True
    error = {"index": 0, "code": "missing_event", "message": "event is missing.", "messageId": "m2"}
    assert answer["errors"] == [error]
    assert [event.message_id for event in parts.events] == ["m1"]


def test_a_single_call_that_is_refused_is_400(parts: FakeParts) -> None:
    answer = refusal("POST", "/v1/track", {"userId": "u", "writeKey": "key"})
    assert answer == (400, "missing_event")


def test_what_is_not_json_is_400(parts: FakeParts) -> None:
    assert refusal("POST", "/v1/batch", "{") == (400, "invalid_json")
    assert refusal("POST", "/v1/batch") == (400, "invalid_json")
    assert refusal("POST", "/v1/track", '"\ud800"') == (400, "bad_request")


def test_the_browser_s_text_plain_is_json(parts: FakeParts) -> None:
    body = json.dumps(EVENT | {"writeKey": "key", "context": {"direct": True}})
    browser = {"content_type": "text/plain", "user_agent": "Firefox"}
    assert ask("POST", "/v1/t", body, **browser)[0] == 200
    context = {"direct": True, "ip": "192.0.2.1", "userAgent": "Firefox"}
    assert parts.events[0].context == context


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_a_packed_body_is_unpacked(parts: FakeParts, pack: Any) -> None:
    body = pack(json.dumps(BATCH).encode())
    encoding = "gzip" if pack is gzip.compress else "Deflate"
    assert ask("POST", "/v1/batch", body, content_encoding=encoding)[0] == 200
    assert len(parts.events) == 1


def test_a_body_that_is_not_what_its_encoding_says_is_refused(parts: FakeParts) -> None:
    packed = gzip.compress(json.dumps(BATCH).encode())
    for body, encoding in ((b"plain", "gzip"), (packed[:-9], "gzip"), (packed, "br")):
        code = refusal("POST", "/v1/batch", body, content_encoding=encoding)[1]
        assert code == "bad_encoding"
    event = request("POST", "/v1/batch", "§") | {"isBase64Encoded": True}
    assert json.loads(answer_to(event)["body"])["code"] == "bad_encoding"


def test_too_large_a_body_is_413_however_small_it_was_packed(parts: FakeParts) -> None:
    large = b" " * (collect_event.collect.MAX_BODY + 1)
    assert refusal("POST", "/v1/batch", large) == (413, "too_large")
    bomb = gzip.compress(b" " * 50_000_000)
    tracemalloc.start()
    assert refusal("POST", "/v1/batch", bomb, content_encoding="gzip") == (413, "too_large")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000, "the bomb was never unpacked"


def test_many_events_travel_in_few_messages_that_the_queue_takes(parts: FakeParts) -> None:
    batch = [
        {"type": "track", "userId": "u", "event": "e", "messageId": f"{n}", "properties": {"t": t}}
        for n, t in enumerate(["x" * 15_000] * 30 + ["short"] * 30)
    ]
    assert ask("POST", "/v1/batch", {"batch": batch, "writeKey": "key"})[0] == 200
    assert max(map(len, parts.sent)) <= MESSAGE_LIMIT
    assert len(parts.sent) == 3
    assert [event.message_id for event in parts.events] == [f"{n}" for n in range(60)]


def test_characters_that_sqs_does_not_take_are_escaped(parts: FakeParts) -> None:
    text = "\ufffe\uffff\x7f\x01😀"
    body = EVENT | {"writeKey": "key", "properties": {"text": text}}
    assert ask("POST", "/v1/track", body)[0] == 200
    assert not set(parts.sent[0].decode()) & {"\ufffe", "\uffff", "\x01"}
    assert parts.events[0].properties == {"text": text}


def test_a_busy_queue_is_429_and_says_when_to_come_again(parts: FakeParts) -> None:
    parts.trouble = wiring.Busy(7)
    answer = answer_to(request("POST", "/v1/batch", BATCH))
    assert answer["statusCode"] == 429
    assert answer["headers"]["retry-after"] == answer["headers"]["x-ratelimit-reset"] == "7"
    assert "Retry-After" in answer["headers"]["access-control-expose-headers"]


def test_trouble_of_ours_is_500_in_the_same_shape(parts: FakeParts) -> None:
    parts.trouble = OSError("the queue is gone")
    assert refusal("POST", "/v1/batch", BATCH) == (500, "internal_error")


def test_the_browser_may_ask_before_it_sends(parts: FakeParts) -> None:
    answer = answer_to(request("OPTIONS", "/v1/t", origin="https://shop.example"))
    assert answer["statusCode"] == 204
    assert "Authorization" in answer["headers"]["access-control-allow-headers"]
    assert "X-Retry-Count" in answer["headers"]["access-control-allow-headers"]


def test_the_browser_s_settings_lead_it_here_and_nowhere_else(parts: FakeParts) -> None:
    status, document = ask("GET", "/v1/projects/key/settings")
    assert status == 200
    segment = {"apiKey": "key", "apiHost": "events.example.org/v1", "protocol": "https"}
    assert document == {"integrations": {"Segment.io": segment}, "metrics": {"sampleRate": 0}}
    assert refusal("GET", "/v1/projects/nobody/settings") == (404, "invalid_write_key")


def test_the_browser_s_metrics_are_answered_and_dropped(parts: FakeParts) -> None:
    assert ask("POST", "/v1/m", '{"series": []}') == (200, {"success": True})


def test_unknown_paths_and_wrong_methods_are_told_in_json(parts: FakeParts) -> None:
    assert refusal("POST", "/v1/nothing") == (404, "not_found")
    assert refusal("GET", "/") == (404, "not_found")
    assert refusal("GET", "/v1/projects/a/b/settings") == (404, "not_found")
    assert refusal("GET", "/v1/batch") == (405, "method_not_allowed")
    assert refusal("POST", "/v1/projects/key/settings") == (405, "method_not_allowed")
    allow = answer_to(request("PUT", "/v1/track"))["headers"]["allow"]
    assert allow == "POST, OPTIONS"


TEXTS = st.text(max_size=30)
PATHS = st.sampled_from(["/v1/batch", "/v1/t", "/v1/m", "/v1/projects/key/settings"]) | TEXTS
ENCODINGS = st.sampled_from(["", "gzip", "deflate", "br"]) | TEXTS
BODIES = st.binary(max_size=100) | TEXTS | st.binary(max_size=100).map(gzip.compress)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["GET", "POST", "OPTIONS", "PUT"]) | TEXTS,
    path=PATHS,
    body=BODIES,
    encoding=ENCODINGS,
    authorization=TEXTS | st.just(basic("key")),
)
def test_any_request_gets_a_well_formed_answer(
    parts: FakeParts, method: str, path: str, body: Any, encoding: str, authorization: str
) -> None:
    event = request(method, path, body, content_encoding=encoding, authorization=authorization)
    assert 200 <= answer_to(event)["statusCode"] < 500


@pytest.mark.parametrize("event", [{}, {"requestContext": None}, {"body": 7}, None])
def test_what_is_no_request_at_all_is_answered_too(parts: FakeParts, event: Any) -> None:
    assert answer_to(event)["statusCode"] == 500


def test_the_handler_imports_nothing_heavy() -> None:
    code = "import sys, functions.handlers.collect_event; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"boto3", "botocore.session", "pydantic", "pynamodb", "jsonschema", "requests"}
    assert not heavy & set(found.stdout.split())
