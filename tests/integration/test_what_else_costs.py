"""What costs.md says of the daily census and of webhooks: what they read, write and send."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.folder import Folder, read_folder
from functions.handlers import count_people, tell_webhooks, wiring
from functions.tracking.profile import Profile
from tests.support.counted_store import by_kind
from tests.support.counted_world import CountedWorld
from tests.support.world import JOURNEYS

START = datetime(2027, 3, 1, 9, tzinfo=UTC)
WEBHOOK = """\
webhooks:
  crm: {url: "https://crm.example.com/hook", title: {en: CRM, de: CRM}, tell: [Order Completed]}
"""


def a_world(more: str = "", **parts: Any) -> CountedWorld:
    """The shipped segments, stages and score, and no journey."""
    shipped = read_folder(JOURNEYS)
    world = CountedWorld(Folder(shipped.brand + more, shipped.parts, {}, shipped.live), START)
    wiring.use(replace(world.parts, **parts))
    return world


@pytest.fixture(autouse=True)
def nothing_wired() -> Iterator[None]:
    yield
    wiring.use(None)


def buy(world: CountedWorld, user: str, amount: float) -> None:
    properties = {"order_id": f"of {user}", "revenue": amount, "currency": "EUR"}
    call = {"type": "track", "event": "Order Completed", "userId": user, "properties": properties}
    world.say({**call, "messageId": f"{user} {world.now}", "timestamp": world.now.isoformat()})


def a_census(people: int, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, int], int, int, int]:
    """Units written by kind, pages of people read, reads beside them, and messages sent."""
    world, pages, sent = a_world(), [], []
    for number in range(people):
        buy(world, f"p{number}", 10 + number)
    listing = world.store.listing

    def counted(kind: type, name: str = "", **more: Any) -> Any:
        pages.append(kind)
        return listing(kind, name, **more)

    monkeypatch.setattr(world.store, "listing", counted)
    wiring.use(replace(world.parts, send_events=lambda bodies, delay: sent.extend(bodies)))
    world.now += timedelta(days=1)
    world.store.take()
    world.store.read_units.clear()
    done = count_people.handler({}, None)
    assert done["counted"] == people
    written = dict(by_kind(world.store.take()))
    return written, pages.count(Profile), world.store.read_units.total(), len(sent)


def test_the_census_writes_the_same_few_rows_for_however_many_people_and_reads_them_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(count_people, "PAGE", 10)
    few, many = a_census(10, monkeypatch), a_census(40, monkeypatch)
    assert (
        few[0].keys()
        == many[0].keys()
        == {
            *("cuts", "figures", "census", "referrals", "clusters"),
            "first orders",
        }
    )
    for written, _, reads, _ in (few, many):
        assert sum(written.values()) <= 20
        assert reads <= 10
    # Once to count them, once to see whom the new cut points concern.
    assert (few[1], many[1]) == (2, 8)
    # Those alone are looked at, five together in a message.
    assert many[3] <= 40 / count_people.TOGETHER + 1


def test_a_webhook_costs_one_message_two_reads_and_no_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain, told = a_world(), list[bytes]()
    buy(plain, "ada", 10)
    without = by_kind(plain.store.take())
    world = a_world(WEBHOOK, send_tells=lambda bodies, delay: told.extend(bodies))
    buy(world, "ada", 10)
    assert by_kind(world.store.take()) == without
    assert len(told) == 1
    posted: list[Any] = []
    monkeypatch.setattr(world.provider, "send", posted.append)
    channels = {**world.parts.channels, "webhook": world.provider}
    wiring.use(replace(world.parts, channels=channels))
    world.store.read_units.clear()
    record = {"messageId": "1", "body": told[0].decode()}
    assert tell_webhooks.handler({"Records": [record]}, None) == {"batchItemFailures": []}
    assert len(posted) == 1
    assert dict(world.store.read_units) == {"profile": 1, "event": 1}
    assert world.store.take() == []
