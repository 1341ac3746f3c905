"""Every act through the admin API is written down: who, what, about whom, from where, how."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from functions.doors import scopes
from functions.doors.records import ACTS_LIVE, Act, month_of
from functions.handlers.answer_admin import OPERATIONS
from functions.handlers.orders import ORDERS
from functions.storage.packing import pack_for_write
from tests.support.callers import ask, key_for, root, status
from tests.support.world import World

pytestmark = pytest.mark.security("logging")


@pytest.fixture
def ada(world: World) -> str:
    world.customer("ada")
    return world.person("ada").person


def acts(world: World, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(world, "GET", f"/api/acts{query}", root(world))["json"][
        "acts"
    ]
    return [one for one in found if one["what"] != "GET /api/acts"]


def kept(world: World) -> list[Act]:
    return list(world.store.query(Act, f"acts-{month_of(world.now)}"))


def test_whatever_changes_something_is_written_down_with_who_and_what(
    world: World, ada: str
) -> None:
    mia = key_for(world, "mia", "read", "sales")
    world.advance("1 minute")
    note = {"kind": "call", "outcome": "not reached", "text": "secret of Ada"}
    assert status(ask(world, "POST", f"/api/people/{ada}/notes", mia, note)) == 200
    [made, written] = acts(world)[::-1]
    assert (made["who"], made["what"], made["status"]) == ("root key", "POST /api/keys", 200)
    assert written["who"] == "mia"
    assert written["what"] == "POST /api/people/{person_id}/notes"
    assert (written["ids"], written["where"]) == ({"person_id": ada}, "127.0.0.1")
    assert "secret of Ada" not in str(kept(world))


def test_whoever_looks_at_a_person_is_written_down_and_who_looks_at_figures_is_not(
    world: World, ada: str
) -> None:
    for path in (f"/api/people/{ada}", f"/api/messages?person={ada}", "/api/people"):
        assert status(ask(world, "GET", path, root(world))) == 200
        world.advance("1 minute")
    for path in ("/api/journeys", "/api/segments/figures", "/api/products"):
        assert status(ask(world, "GET", path, root(world))) == 200
    assert [(one["what"], one["ids"]) for one in acts(world)[::-1]] == [
        ("GET /api/people/{person_id}", {"person_id": ada}),
        ("GET /api/messages", {"person": ada}),
        ("GET /api/people", {}),
    ]
    assert len(acts(world, f"?person={ada}")) == 2


def test_a_refusal_is_written_down_as_one(world: World, ada: str) -> None:
    mia = key_for(world, "mia", "read")
    world.advance("1 minute")
    assert status(ask(world, "POST", f"/api/people/{ada}/notes", mia, {"kind": "call"})) == 403
    assert status(ask(world, "GET", "/api/keys", mia)) == 403
    assert [(one["who"], one["status"]) for one in acts(world, "?who=mia")] == [("mia", 403)] * 2


def test_an_act_holds_no_address_even_where_somebody_gave_one(world: World, ada: str) -> None:
    for path in (
        "/api/people?email=ada@example.com",
        "/api/people?phone=%2B4915112345678",
        "/api/people/ada@example.com",
        "/api/tasks/%2B4915112345678",
        "/api/messages?person=ada@example.com",
    ):
        ask(world, "GET", path, root(world))
    world.request("POST", "/api/session", {"key": "ada@example.com"})
    told = str(kept(world))
    assert len(kept(world)) == 5
    assert "ada" not in told.replace(ada, "")
    assert "4915112345678" not in told


def test_without_a_row_there_is_no_answer(
    world: World, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr(world.store, "write", full)
    answer = ask(world, "GET", f"/api/people/{ada}", root(world))
    assert (status(answer), answer["json"]["code"]) == (500, "internal_error")


def test_acts_come_page_by_page_each_once_and_by_month(world: World, ada: str) -> None:
    for _ in range(7):
        ask(world, "GET", f"/api/people/{ada}", root(world))
        world.advance("1 minute")
    found, after = [], ""
    while True:
        page = ask(world, "GET", f"/api/acts?limit=3&after={after}&person={ada}", root(world))
        found += page["json"]["acts"]
        after = page["json"]["next"]
        if not after:
            break
    assert len(found) == len({one["time"] for one in found}) == 7
    assert acts(world, "?month=2026-01") == []
    assert status(ask(world, "GET", "/api/acts?month=March", root(world))) == 400


def test_an_act_is_small_and_goes_after_four_hundred_days(world: World, ada: str) -> None:
    ask(world, "GET", f"/api/people/{ada}", root(world))
    [act] = kept(world)
    assert act.expires == int((world.now + ACTS_LIVE).timestamp())
    [item] = pack_for_write([act])["people"]
    assert len(json.dumps([str(part) for part in item])) < 600


TELLS_WHO = {"email", "phone", "person", "user_id", "traits"}  # ids alone tell of nobody yet


def test_every_operation_that_shows_people_is_written_down() -> None:
    """By what its answer can hold, so that a new one cannot be forgotten."""
    for one in [*OPERATIONS, *ORDERS.values()]:
        if one.answer and one.key and not scopes.is_noted(one.method, one.path):
            assert not TELLS_WHO & {*lists_in(one.answer)}, one.called


def lists_in(kind: type) -> Iterator[str]:
    """The names of an answer's fields, all the way down, but for those that only count."""
    _, parts = msgspec.json.schema_components([kind])
    for part in parts.values():
        for name, field in part.get("properties", {}).items():
            if field.get("type") not in ("integer", "number"):
                yield name
