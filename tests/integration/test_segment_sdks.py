"""Segment's stock clients for Python and Node, unchanged, against our server."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from segment.analytics.client import Client

from functions.handlers import collect_event, wiring
from functions.tracking.event import Event, EventBatch
from functions.tracking.source import Source
from local.http_server import Handler, application, fast, serving

NODE = shutil.which("node", path=str(Path(sys.executable).parent)) or shutil.which("node")
NODE_CLIENT = Path(__file__).parents[1] / "support" / "node_client.mjs"
LONG_AGO = datetime(2019, 8, 7, 6, 5, 4, tzinfo=UTC)


class Site(NamedTuple):
    """A server under test: where it is, a key that it knows, and what it has accepted so far."""

    url: str
    write_key: str
    accepted: Callable[[], list[Event]]


class Parts:
    """The collecting handler's surroundings, in memory."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.now = lambda: datetime.now(UTC)
        self.send_events = lambda bodies, delay: self.sent.extend(bodies)

    def source(self, write_key: str) -> Source | None:
        return Source(key_hash="h", name="shop") if write_key == "the-key" else None

    def accepted(self) -> list[Event]:
        batches = [msgspec.json.decode(body, type=EventBatch) for body in self.sent]
        return [event for batch in batches for event in batch.events]


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Parts:
    fake = Parts()
    monkeypatch.setattr(wiring, "parts", lambda: fake)
    return fake


@contextmanager
def answering(parts: Parts, handler: Handler = collect_event.handler) -> Iterator[Site]:
    with serving(application(lambda method, path: fast(handler))) as url:
        yield Site(url, "the-key", parts.accepted)


@pytest.fixture
def site(parts: Parts) -> Iterator[Site]:
    with answering(parts) as found:
        yield found


class Troubled:
    """The handler, after the given answers; it counts the requests."""

    def __init__(self, *first: dict[str, Any]) -> None:
        self.first = list(first)
        self.requests: list[dict[str, Any]] = []
        self.fast = True

    def __call__(self, event: dict[str, Any], context: object) -> dict[str, Any]:
        self.requests.append(event)
        return self.first.pop(0) if self.first else collect_event.handler(event, context)


def trouble(status: int, **headers: str) -> dict[str, Any]:
    body = json.dumps({"code": "trouble", "message": "Something failed."})
    return {"statusCode": status, "headers": headers, "body": body}


def run_node(site: Site, write_key: str = "") -> dict[str, Any]:
    if not NODE:
        pytest.skip("node is not on this machine")
    command = [NODE, str(NODE_CLIENT), site.url, write_key or site.write_key]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return dict(json.loads(found.stdout))


def python_client(site: Site, write_key: str = "", **options: Any) -> tuple[Client, list[Any]]:
    failures: list[Any] = []
    client = Client(
        write_key or site.write_key,
        host=site.url,
        on_error=lambda error, batch: failures.append(error),
        upload_interval=0.05,
        max_retries=3,
        **options,
    )
    return client, failures


@pytest.mark.parametrize("gzip", [False, True], ids=["plain", "gzip"])
def test_every_call_of_the_python_client_arrives_once(site: Site, gzip: bool) -> None:
    client, failures = python_client(site, gzip=gzip)
    context = {"locale": "de-DE"}
    client.identify("u-1", {"email": "a@example.org", "vip": True}, context)
    client.track(42, "Order Completed", {"total": 12.5, "sku": ["a"]}, timestamp=LONG_AGO)
    client.page("u-1", "Shop", "Home", {"path": "/"})
    client.screen(None, None, "Start", anonymous_id="visitor")
    client.group("u-1", "acme", {"industry": "shoes"})
    client.alias("visitor", "u-1")
    client.shutdown()
    assert not failures

    events = site.accepted()
    assert Counter(event.type for event in events) == Counter(
        ["identify", "track", "page", "screen", "group", "alias"]
    )
    identify, track, page, screen, group, alias = events
    assert (identify.user_id, identify.traits) == ("u-1", {"email": "a@example.org", "vip": True})
    assert identify.context["locale"] == "de-DE"
    assert identify.context["library"]["name"] == "analytics-python"
    assert (track.user_id, track.event) == ("42", "Order Completed")
    assert track.properties == {"total": 12.5, "sku": ["a"]}
    assert abs((track.time - LONG_AGO).total_seconds()) < 5
    assert page.properties == {"path": "/", "name": "Home", "category": "Shop"}
    assert (screen.anonymous_id, screen.properties) == ("visitor", {"name": "Start"})
    assert (group.group_id, group.traits) == ("acme", {"industry": "shoes"})
    assert (alias.previous_id, alias.user_id) == ("visitor", "u-1")


def test_a_thousand_events_of_the_python_client_arrive_once(site: Site) -> None:
    client, failures = python_client(site, gzip=True)
    for number in range(1000):
        client.track("u", "Counted", {"number": number})
    client.shutdown()
    assert not failures
    numbers = [event.properties["number"] for event in site.accepted()]
    assert sorted(numbers) == list(range(1000))


def test_every_call_of_the_node_client_arrives_once(site: Site) -> None:
    told = run_node(site)
    assert not told["errors"]
    events = {event.type: event for event in site.accepted()}
    assert len(site.accepted()) == len(events) == 6
    assert {kind: event.message_id for kind, event in events.items()} == told["ids"]
    assert events["identify"].traits == {"email": "node@example.org", "plan": "pro"}
    order = events["track"]
    assert (order.user_id, order.event) == ("node-user", "Order Completed")
    assert order.properties["products"] == [{"sku": "basic-1y", "quantity": 1}]
    assert order.client_time == "2020-05-04T03:02:01.000Z"
    assert order.time.year == 2020
    assert order.context["library"]["name"] == "@segment/analytics-node"
    assert events["page"].properties == {"path": "/", "name": "Home"}
    assert events["page"].anonymous_id == "node-visitor"
    assert events["screen"].properties == {"name": "Start"}
    assert (events["group"].group_id, events["group"].user_id) == ("acme", "node-user")
    assert events["alias"].previous_id == "node-visitor"


def test_a_wrong_write_key_stops_the_clients_at_once(parts: Parts) -> None:
    handler = Troubled()
    with answering(parts, handler) as site:
        client, failures = python_client(site, "wrong")
        client.track("u", "Lost")
        client.shutdown()
        assert [(error.status, error.code) for error in failures] == [(401, "invalid_write_key")]
        assert len(handler.requests) == 1
        assert run_node(site, "wrong")["errors"]
        assert len(handler.requests) == 2
    assert not site.accepted()


def test_too_large_a_batch_is_not_sent_again(parts: Parts) -> None:
    handler = Troubled(trouble(413), trouble(413))
    with answering(parts, handler) as site:
        client, failures = python_client(site)
        client.track("u", "Lost")
        client.shutdown()
        assert [error.status for error in failures] == [413]
        run_node(site)
    assert len(handler.requests) == 2


@pytest.mark.parametrize("answer", [trouble(500), trouble(429, **{"retry-after": "1"})])
def test_after_trouble_the_python_client_s_same_message_arrives(
    parts: Parts, answer: dict[str, Any]
) -> None:
    handler = Troubled(answer)
    with answering(parts, handler) as site:
        client, failures = python_client(site)
        client.track("u", "Patient", message_id="the-id")
        client.shutdown()
    assert not failures
    assert len(handler.requests) == 2
    assert [event.message_id for event in site.accepted()] == ["the-id"]


def test_after_trouble_the_node_client_s_same_messages_arrive(parts: Parts) -> None:
    handler = Troubled(trouble(500))
    with answering(parts, handler) as site:
        told = run_node(site)
    assert not told["errors"]
    assert len(handler.requests) == 2
    assert handler.requests[1]["headers"]["x-retry-count"] == "1"
    assert {event.type: event.message_id for event in site.accepted()} == told["ids"]
    assert len(site.accepted()) == 6
