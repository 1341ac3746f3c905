"""Who refuses to be tracked is not: of their events only what is needed is kept."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.tracking import collect
from functions.tracking.event import Event
from functions.tracking.source import Source

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
BROWSER = {
    "library": {"name": "analytics.js", "version": "1"},
    "locale": "de-DE",
    "page": {"path": "/secret", "url": "https://shop.example/secret", "referrer": "https://x.y"},
    "campaign": {"source": "mail"},
    "screen": {"width": 100},
}
REFUSALS: list[dict[str, Any]] = [
    {"tracking": False},
    {"categoryPreferences": {"Advertising": True, "Analytics": False}},
    {"categoryPreferences": {"tracking": False}},
]


def read(consent: Any, *calls: dict[str, Any]) -> list[Event]:
    context = {**BROWSER, "consent": consent}
    body = json.dumps({"batch": [{**call, "context": context} for call in calls]}).encode()
    source = Source(name="web", key_hash="k", created=NOW)
    return collect.read(body, "batch", source, NOW, "192.0.2.7", "Mozilla/5.0 Secret").events


ORDER = {
    "type": "track",
    "event": "Order Completed",
    "userId": "ada",
    "anonymousId": "device-1",
    "properties": {"order_id": "o1"},
}
PAGE = {"type": "page", "anonymousId": "device-1", "properties": {"path": "/secret"}}


@pytest.mark.parametrize("consent", REFUSALS)
def test_who_refuses_leaves_no_page_no_device_and_no_place(consent: dict[str, Any]) -> None:
    [kept] = read(consent, ORDER, PAGE)
    assert (kept.event, kept.user_id, kept.properties) == (
        "Order Completed",
        "ada",
        {"order_id": "o1"},
    )
    said = repr(kept).casefold()
    secrets = ("secret", "device-1", "192.0.2.7", "mozilla", "campaign", "screen", "x.y")
    assert [one for one in secrets if one in said] == []
    assert kept.context["locale"] == "de-DE"


@pytest.mark.parametrize(
    "consent",
    [
        None,
        {},
        "no",
        [],
        {"tracking": True},
        {"tracking": None},
        {"categoryPreferences": {"Advertising": False}},
        {"categoryPreferences": {"Analytics": True}},
        {"categoryPreferences": []},
    ],
)
def test_without_a_refusal_everything_is_kept(consent: Any) -> None:
    order, page = read(consent, ORDER, PAGE)
    assert (order.anonymous_id, page.properties) == ("device-1", {"path": "/secret"})
    assert order.context["ip"] == "192.0.2.7"


def test_a_device_without_a_name_that_refuses_still_has_its_cart() -> None:
    cart = {"type": "track", "event": "Product Added", "anonymousId": "device-1"}
    [kept] = read({"tracking": False}, cart)
    assert kept.anonymous_id == "device-1"
