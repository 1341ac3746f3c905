"""Rows of what browsers and scanners meet: headers of every answer, redirects, links to leave."""

import re
from typing import Any

import pytest

from functions.handlers import answer_admin
from tests.support.callers import ask, header, root, status
from tests.support.world import World

EVIL = "https://evil.example/x"


@pytest.fixture
def mail(world: World) -> Any:
    """A mail that needed permission, with its link to leave."""
    world.customer("ada")
    world.order("ada", "o1", "basic-1y")
    world.advance("6 days")
    return next(kept for kept in world.outbox() if "List-Unsubscribe" in kept.headers)


def routes(world: World) -> list[tuple[str, str]]:
    """Every described route, about nobody."""
    paths = ask(world, "GET", "/openapi.json")["json"]["paths"]
    found = [(method.upper(), path) for path, methods in paths.items() for method in methods]
    assert {path for _, path in found} >= {one.path for one in answer_admin.OPERATIONS}
    skipped = ("/local/clock", "/api/clusters/learn")
    return [
        (method, re.sub(r"\{\w+\}", "x", path)) for method, path in found if path not in skipped
    ]


@pytest.mark.security("keys")
def test_every_answer_has_the_security_headers(world: World, mail: Any) -> None:
    others = [("GET", "/"), ("GET", "/local/page/page.js"), ("GET", "/nothing"), ("PUT", "/v1/t")]
    others += [("OPTIONS", "/v1/track"), ("GET", f"/local/outbox/{mail.send_id}/view")]
    for method, path in [*routes(world), *others]:
        for key in (root(world), ""):
            answer = ask(world, method, path, key)
            where = (method, path, answer)
            assert header(answer, "x-content-type-options") == "nosniff", where
            assert header(answer, "referrer-policy") == "no-referrer", where
            assert "max-age=" in header(answer, "strict-transport-security"), where
            if path.startswith("/api"):
                assert header(answer, "cache-control") == "no-store", where
            if "html" in header(answer, "content-type"):
                assert "default-src 'none'" in header(answer, "content-security-policy"), where


@pytest.mark.security("click redirect")
def test_nobody_is_led_to_an_address_that_the_caller_gave(world: World, mail: Any) -> None:
    names = ("r", "url", "next", "return", "redirect", "u", "to", "link", "target")
    query = "&".join(f"{name}={EVIL}" for name in names)
    places = [path for method, path in routes(world) if method == "GET"]
    places += [f"/local/click/{mail.send_id}/guide-video", f"/local/click/{mail.send_id}/0"]
    for path in places:
        answer = ask(world, "GET", f"{path}?{query}", host="127.0.0.1:8000")
        assert "evil.example" not in header(answer, "location"), (path, answer)


@pytest.mark.security("click redirect")
@pytest.mark.parametrize(
    "link", ["unknown", EVIL, "//evil.example", "..", "0\r\nlocation: //evil.example", "-1", "99"]
)
def test_a_link_that_a_message_does_not_have_is_not_found(
    world: World, mail: Any, link: str
) -> None:
    answer = ask(world, "GET", f"/local/click/{mail.send_id}/{link}")
    assert (status(answer), header(answer, "location")) == (404, "")


def leave_path(mail: Any) -> str:
    return str(re.search(r"(/leave/[^>]+)>", mail.headers["List-Unsubscribe"])[1])  # type: ignore[index]


@pytest.mark.security("unsubscribe and opt-in tokens")
def test_a_changed_link_to_leave_changes_nothing_and_none_tells_who(
    world: World, mail: Any
) -> None:
    path, before = leave_path(mail), world.permission("ada")
    assert not re.search(r"ada|example|%40|\+49", path)
    for place in range(len("/leave/"), len(path)):
        changed = path[:place] + ("A" if path[place] != "A" else "B") + path[place + 1 :]
        assert status(ask(world, "POST", changed)) == 404
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE"):
        ask(world, method, path)
    assert world.permission("ada") == before


@pytest.mark.security("one-click")
def test_a_mail_program_leaves_by_one_post_without_a_page_a_cookie_or_a_redirect(
    world: World, mail: Any
) -> None:
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert re.fullmatch(r"<https?://[^>]+>", mail.headers["List-Unsubscribe"])
    answer = ask(world, "POST", leave_path(mail), "", "List-Unsubscribe=One-Click")
    assert 200 <= status(answer) < 300
    assert not answer.get("cookies")
    [left] = {one.purpose for one in world.messages("ada") if one.send_id == mail.send_id}

    def sent() -> list[str]:
        found = [one for one in world.messages("ada") if one.purpose == left]
        return [one.send_id for one in found if one.state == "sent"]

    before = sent()
    world.advance("1 year")
    assert sent() == before
