"""Row "keys": what a key may do, how it is kept, and that a log-in is worth no more than it."""

import pytest

from functions.doors.records import SecretKey
from functions.doors.scopes import ALL, SCOPES, grants
from functions.handlers.answer_admin import OPERATIONS
from functions.handlers.openapi import Operation
from functions.handlers.orders import ORDERS
from functions.tracking.source import Source
from local.keys import add_source
from tests.support.callers import ask, header, key_for, root, status
from tests.support.world import World

pytestmark = pytest.mark.security("keys")

EVERY = [one for one in [*OPERATIONS, *ORDERS.values()] if one.key]


def address(operation: Operation) -> tuple[str, str]:
    """A request for the operation, about nobody and nothing."""
    path = operation.path
    for name in ("{person_id}", "{journey}", "{name}"):
        path = path.replace(name, "nobody")
    return operation.method.upper(), path.replace("{", "").replace("}", "")


def test_every_operation_answers_exactly_the_keys_that_have_its_scope(world: World) -> None:
    keys = {scope: key_for(world, f"key {scope}", scope) for scope in SCOPES}
    for operation in EVERY:
        if operation.path == "/api/clusters/learn":
            continue  # it would count everybody, again and again
        method, path = address(operation)
        for scope, key in keys.items():
            answer = ask(world, method, path, key)
            refused = status(answer) == 403
            assert refused != grants([scope], operation.scope), (operation.called, scope, answer)
            if refused:
                assert answer["json"]["code"] == "forbidden"
                assert f'no scope "{operation.scope}"' in answer["json"]["message"]
        answer = ask(world, method, path)
        assert (status(answer), answer["json"]["code"]) == (401, "unauthorized")


def test_no_operation_is_open_to_a_key_that_may_only_read_but_looking() -> None:
    changing = [one.called for one in EVERY if one.method != "get" and one.scope in ("read", "")]
    assert changing == ["DELETE /api/session"]
    assert {one.scope for one in EVERY} <= {*SCOPES, ""}
    # Whoever adds a noun says in functions/doors/scopes.py whose it is.
    assert [one.called for one in EVERY if one.scope == ALL] == []


def test_what_leaves_as_a_whole_and_what_is_about_keys_is_not_for_readers() -> None:
    whole = Operation("get", "/api/people/{person_id}/export", "")
    assert whole.scope == "people"
    assert Operation("get", "/api/keys", "").scope == "keys"
    assert Operation("post", "/api/things", "").scope == ALL


def test_nobody_makes_or_ends_a_key_that_may_do_more_than_their_own(world: World) -> None:
    own = key_for(world, "office", "keys", "read")
    key_for(world, "boss", "all")
    for scopes in (["all"], ["people"], ["read", "sales"]):
        answer = ask(world, "POST", "/api/keys", own, {"name": "mine", "scopes": scopes})
        assert status(answer) == 403, scopes
    for method, path in (("DELETE", "/api/keys/boss"), ("POST", "/api/keys/boss/rotate")):
        assert status(ask(world, method, path, own)) == 403
    assert key_for(world, "reader", "read", key=own)


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "scopes": ["everything"]},
        {"name": "x", "scopes": []},
        {"name": "", "scopes": ["read"]},
        {"name": "x\r\ny", "scopes": ["read"]},
        {"name": "x", "scopes": ["read"], "key": "sk_mine"},
    ],
)
def test_a_key_that_says_nothing_that_there_is_is_not_made(world: World, body: object) -> None:
    answer = ask(world, "POST", "/api/keys", root(world), body)
    assert (status(answer), answer["json"]["code"]) == (400, "bad_request")
    assert world.api("/api/keys") == {"keys": []}


def test_a_key_is_told_once_and_kept_only_by_its_hash(world: World) -> None:
    key = key_for(world, "mia", "all")
    [kept] = world.store.listing(SecretKey)[0]
    assert key not in str(kept)
    for path in ("/api/keys", "/api/acts"):
        assert key not in ask(world, "GET", path, key)["body"]
    shown = world.api("/api/keys")["keys"]
    assert [(one["name"], one["used"], one["state"]) for one in shown] == [
        ("mia", world.now.date().isoformat(), "in force")
    ]


def test_a_revoked_key_and_the_log_ins_with_it_end_at_once(world: World) -> None:
    key = key_for(world, "mia", "read")
    cookie = log_in(world, key)
    assert status(ask(world, "GET", "/api/people", cookie=cookie)) == 200
    assert status(ask(world, "DELETE", "/api/keys/mia", root(world))) == 200
    assert status(ask(world, "GET", "/api/people", key)) == 401
    assert status(ask(world, "GET", "/api/people", cookie=cookie)) == 401
    assert status(ask(world, "DELETE", "/api/keys/mia", root(world))) == 404


def test_a_rotated_key_ends_when_it_was_said_and_the_new_one_may_do_the_same(world: World) -> None:
    old = key_for(world, "mia", "read", "sales")
    made = ask(world, "POST", "/api/keys/mia/rotate", root(world), {"keep_days": 2})["json"]
    assert made["scopes"] == ["read", "sales"]
    both = (old, made["key"])
    assert [status(ask(world, "GET", "/api/people", key)) for key in both] == [200, 200]
    world.advance("3 days")
    assert [status(ask(world, "GET", "/api/people", key)) for key in both] == [401, 200]


def log_in(world: World, key: str) -> str:
    """The cookie of a log-in, as a browser sends it back."""
    answer = ask(world, "POST", "/api/session", "", {"key": key})
    assert status(answer) == 200, answer
    [cookie] = answer["cookies"]
    said = cookie.split("; ")
    assert {"HttpOnly", "Secure", "SameSite=Strict", "Path=/"} <= {*said}
    assert not [part for part in said if part.startswith("Domain")]
    assert key not in cookie
    return str(said[0])


def test_a_log_in_lasts_half_a_day_and_ends_when_one_says_so(world: World) -> None:
    first, second = (log_in(world, root(world)) for _ in "12")
    assert ask(world, "GET", "/api/session", cookie=first)["json"]["name"] == "root key"
    ours = {"cookie": first, "origin": "http://127.0.0.1:8000"}
    answer = ask(world, "DELETE", "/api/session", **ours)
    assert "Max-Age=0" in answer["cookies"][0]
    assert status(ask(world, "GET", "/api/session", cookie=first)) == 401
    world.advance("13 hours")
    assert status(ask(world, "GET", "/api/session", cookie=second)) == 401


@pytest.mark.parametrize(
    "origin", ["", "https://evil.example", "null", "http://127.0.0.1:8000.evil.example"]
)
def test_another_page_can_change_nothing_with_a_log_in(world: World, origin: str) -> None:
    cookie = log_in(world, root(world))
    more = {"origin": origin} if origin else {}
    body = {"name": "mine", "scopes": ["all"]}
    answer = ask(world, "POST", "/api/keys", "", body, cookie=cookie, **more)
    assert (status(answer), answer["json"]["code"]) == (403, "forbidden")
    assert world.api("/api/keys") == {"keys": []}
    own = ask(world, "POST", "/api/keys", "", body, cookie=cookie, origin="http://127.0.0.1:8000")
    assert status(own) == 200


def test_a_cookie_that_we_did_not_give_is_nobody_s(world: World) -> None:
    for cookie in ("__Host-tante=x", "__Host-tante=", "tante=y", "__Host-tante=" + "x" * 5000):
        assert status(ask(world, "GET", "/api/people", cookie=cookie)) == 401


# --- write keys


def limited(world: World, **limits: list[str]) -> str:
    add_source(world.store, "wk_limited", "shop", False, world.now, **limits)
    return "wk_limited"


def call(event: str, key: str) -> dict[str, str]:
    return {"writeKey": key, "userId": "ada", "event": event, "messageId": event}


def test_a_write_key_opens_nothing_but_collecting(world: World) -> None:
    key = world.system.keys.write_key
    for operation in EVERY:
        assert status(ask(world, *address(operation), key)) == 401
    assert status(ask(world, "POST", "/api/session", "", {"key": key})) == 401


@pytest.mark.parametrize(
    "origin", ["", "https://evil.example", "https://shop.example.evil.example"]
)
def test_a_write_key_of_a_page_counts_for_that_page_only(world: World, origin: str) -> None:
    world.settle()
    key = limited(world, origins=["https://shop.example"])
    more = {"origin": origin} if origin else {}
    answer = ask(world, "POST", "/v1/track", "", call("Viewed", key), **more)
    assert (status(answer), answer["json"]["code"]) == (403, "origin_not_allowed")
    fine = ask(world, "POST", "/v1/track", "", call("Viewed", key), origin="https://shop.example")
    assert status(fine) == 200
    assert world.system.queue.size() == 1


def test_a_write_key_of_some_events_sends_no_others(world: World) -> None:
    world.settle()
    key = limited(world, events=["Viewed", "page"])
    answer = ask(world, "POST", "/v1/track", "", call("Order Completed", key))
    assert (status(answer), answer["json"]["code"]) == (400, "event_not_allowed")
    assert status(ask(world, "POST", "/v1/identify", "", call("x", key))) == 400
    assert status(ask(world, "POST", "/v1/track", "", call("Viewed", key))) == 200
    batch = [{"type": "track", **call(name, "")} for name in ("Viewed", "Consent Given")]
    answer = ask(world, "POST", "/v1/batch", "", {"writeKey": key, "batch": batch})
    assert [one["code"] for one in answer["json"]["errors"]] == ["event_not_allowed"]
    assert world.system.queue.size() == 2


def test_a_write_key_that_was_rotated_ends_when_it_was_said(world: World) -> None:
    key = limited(world)
    [source] = [one for one in world.store.listing(Source)[0] if one.name == "shop"]
    source.ends = world.now + world.days(2)
    world.store.put(source)
    assert status(ask(world, "POST", "/v1/track", "", call("a", key))) == 200
    world.advance("3 days")
    answer = ask(world, "POST", "/v1/track", "", call("b", key))
    assert (status(answer), answer["json"]["code"]) == (401, "invalid_write_key")


def test_only_collecting_may_be_called_by_other_pages(world: World) -> None:
    for method, path in (
        ("GET", "/api/people"),
        ("POST", "/api/session"),
        ("GET", "/openapi.json"),
    ):
        answer = ask(world, method, path, root(world), origin="https://evil.example")
        assert header(answer, "access-control-allow-origin") == ""
    answer = ask(world, "POST", "/v1/track", "", call("a", world.system.keys.write_key))
    assert header(answer, "access-control-allow-origin") == "*"
    assert header(answer, "access-control-allow-credentials") == ""
