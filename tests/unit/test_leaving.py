"""Leaving: a page that changes nothing, a POST that does."""

import base64
import json
from html.parser import HTMLParser
from typing import Any

import pytest

from functions.handlers import take_leave
from functions.handlers.pages import leave
from functions.messages.link import sign
from functions.tracking.message import Kept
from functions.tracking.permission import refusal
from tests.support.world import World

# --- the page


class Page(HTMLParser):
    """A page's language, words, forms and scripts."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.language = self.method = self.action = ""
        self.words = ""
        self.feed(answer["body"])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        values = {name: value or "" for name, value in attrs}
        self.language = values.get("lang", self.language)
        self.method = values.get("method", self.method)
        self.action = values.get("action", self.action)

    def handle_data(self, data: str) -> None:
        self.words += data


def mail(world: World, language: str = "en") -> Kept:
    """The first mail that asks for permission, to Ada, who then waits."""
    world.customer("ada", firstName="Ada", language=language)
    world.order("ada", "o1", "basic-1y")
    world.advance("5 days")
    return next(kept for kept in world.outbox() if "List-Unsubscribe" in kept.headers)


def link(kept: Kept) -> str:
    return kept.headers["List-Unsubscribe"].strip("<>").removeprefix("http://127.0.0.1:8000")


def stored(world: World) -> list[tuple[Any, ...]]:
    """All that is kept, as it is kept."""
    execute = world.store.connection.execute
    tables = [name for (name,) in execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return [(name, *row) for name in tables for row in execute(f'SELECT * FROM "{name}"')]


def test_the_link_names_neither_the_person_nor_an_address(world: World) -> None:
    path = link(mail(world))
    payload = path.split(".")[1]
    decoded = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    for secret in ("ada", "Ada", "example.com", "4915112345678"):
        assert secret not in path
        assert secret.encode() not in decoded
    assert json.loads(decoded)[1] == world.person("ada").person


def test_a_mail_that_needs_no_permission_has_no_link_to_leave(world: World) -> None:
    mail(world)
    [welcome] = [kept for kept in world.outbox() if "List-Unsubscribe" not in kept.headers]
    assert "/leave/" not in welcome.html + welcome.text
    assert "Unsubscribe" not in welcome.html
    assert 'href=""' not in welcome.html


def test_the_mail_and_its_headers_carry_the_same_link(world: World) -> None:
    kept = mail(world)
    assert kept.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link(kept) in kept.html
    assert link(kept) in kept.text


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "get", "post"])
def test_looking_at_the_page_changes_nothing(world: World, method: str) -> None:
    """Scanners of mail open every link, some with HEAD."""
    kept = mail(world)
    before = stored(world)
    for _ in range(3):
        answer = world.request(method, link(kept))
        world.settle()
        assert answer["statusCode"] == 200
    assert stored(world) == before
    assert not world.system.queue.size()


def test_the_page_asks_with_a_form_whose_button_leaves(world: World) -> None:
    page = Page(world.request("GET", link(mail(world))))
    assert page.method == "post"
    assert "button" in page.tags
    assert not {"script", "img", "link", "iframe"} & set(page.tags)
    assert world.request("POST", page.action)["statusCode"] == 200
    assert refusal(world.permission("ada"), "email", "product tips", True) == "consent withdrawn"


def test_leaving_is_in_force_when_the_answer_goes_out(world: World) -> None:
    kept = mail(world)
    assert world.permission("ada").consents["email/product tips"].given
    answer = world.request("POST", link(kept), "List-Unsubscribe=One-Click")
    assert answer["statusCode"] == 200
    # Nothing has been processed since: the permission item itself was changed.
    assert refusal(world.permission("ada"), "email", "product tips", True) == "consent withdrawn"
    assert refusal(world.permission("ada"), "email", "offers", True) == ""
    assert refusal(world.permission("ada"), "sms", "product tips", True) == ""
    assert "button" not in Page(answer).tags


def test_a_run_that_waits_sends_nothing_more_after_leaving(world: World) -> None:
    kept = mail(world)
    assert world.sent("ada") == ["welcome", "guide"]
    world.request("POST", link(kept))
    world.advance("30 days")
    assert world.sent("ada") == ["welcome", "guide"]
    hacks = next(m for m in world.messages("ada") if m.message == "hacks")
    assert (hacks.state, hacks.reason) == ("not sent", "consent withdrawn")


def test_leaving_at_the_very_moment_of_a_claim_wins(world: World) -> None:
    """The page's POST and the step that falls due meet at the same tick of a paused clock."""
    kept = mail(world)
    moment = world.now + world.days(9)
    world.system.clock.move_to(moment)
    world.request("POST", link(kept))
    world.settle()
    assert world.sent("ada") == ["welcome", "guide"]


def test_leaving_is_an_event_in_the_timeline_and_says_how(world: World) -> None:
    kept = mail(world)
    world.request("POST", link(kept))
    world.settle()
    [newest, *_] = world.api(f"/api/people/{kept.person}/timeline")["events"]
    assert newest["event"] == "Consent Withdrawn"
    assert newest["properties"] == {"channel": "email", "purposes": ["product tips"]}
    assert newest["source"] == "unsubscribe link"


def test_leaving_twice_is_leaving_once(world: World) -> None:
    kept = mail(world)
    for _ in range(3):
        assert world.request("POST", link(kept))["statusCode"] == 200
        world.settle()
    events = world.api(f"/api/people/{kept.person}/timeline")["events"]
    assert [event["event"] for event in events].count("Consent Withdrawn") == 1


def test_whoever_agrees_again_after_leaving_gets_messages_again(world: World) -> None:
    kept = mail(world)
    world.request("POST", link(kept))
    world.settle()
    world.advance("1 hour")
    world.track("ada", "Consent Given", channel="email", purposes=["product tips"])
    world.advance("9 days")
    assert world.sent("ada") == ["welcome", "guide", "hacks"]


def test_a_link_reaches_a_person_who_was_merged_since(world: World) -> None:
    """The mail went to a visitor known by an address alone; later they log in."""
    who = {"anonymousId": "visitor"}
    traits = {"email": "ada@example.com", "language": "en"}
    world.post("identify", {**who, "traits": traits})
    given_ = {"channel": "email", "purposes": ["product tips"]}
    world.post("track", {**who, "event": "Consent Given", "properties": given_})
    order = {"order_id": "o1", "products": [{"sku": "basic-1y"}]}
    world.post("track", {**who, "event": "Order Completed", "properties": order})
    world.advance("5 days")
    kept = next(kept for kept in world.outbox() if "List-Unsubscribe" in kept.headers)
    world.post("identify", {**who, "userId": "ada", "traits": traits})
    assert world.person("ada").person != kept.person
    world.request("POST", link(kept))
    assert refusal(world.permission("ada"), "email", "product tips", True) == "consent withdrawn"


@pytest.mark.parametrize(
    "change", [lambda path: path[:-1], lambda path: path + "x", lambda path: "/leave/x"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_bad_link_gets_a_page_that_says_so_and_changes_nothing(
    world: World, method: str, change: Any
) -> None:
    kept = mail(world)
    before = stored(world)
    answer = world.request(method, change(link(kept)))
    assert answer["statusCode"] == 404
    assert "form" not in Page(answer).tags
    assert "unvollständig" in Page(answer).words
    assert stored(world) == before


@pytest.mark.parametrize("token", ["", "1.\udcff.x", "%00", "1.2.3.4", "<script>", "é"])
def test_no_made_up_address_breaks_the_page(world: World, token: str) -> None:
    assert world.request("GET", f"/leave/{token}")["statusCode"] == 404


@pytest.mark.parametrize(
    ("language", "words", "lang"),
    [
        ("en", "no more messages", "en"),
        ("en-GB", "no more messages", "en"),
        ("de", "keine Nachrichten", "de"),
        ("de_AT", "keine Nachrichten", "de"),
        ("fr", "keine Nachrichten", "de"),
    ],
)
def test_the_page_speaks_the_person_s_language_else_the_brand_s(
    world: World, language: str, words: str, lang: str
) -> None:
    page = Page(world.request("GET", link(mail(world, language))))
    assert words in page.words
    assert page.language == lang


@pytest.mark.parametrize(("language", "title"), [("en", "Tips for"), ("de", "Tipps zur")])
def test_the_page_names_the_purpose_by_its_title(world: World, language: str, title: str) -> None:
    kept = mail(world, language)
    page = Page(world.request("GET", link(kept)))
    assert title in page.words
    done = Page(world.request("POST", page.action))
    assert title in done.words
    assert world.system.parts.library.brand().name in done.words
    assert done.language == language


def test_a_purpose_that_the_brand_dropped_can_still_be_left_and_is_escaped(world: World) -> None:
    world.customer("ada")
    person = world.person("ada").person
    keys = world.system.parts.settings.link_keys
    token = sign("leave", (person, "email", "<script>old & {0}</script>"), keys)
    for method in ("GET", "POST"):
        answer = world.request(method, f"/leave/{token}")
        assert answer["statusCode"] == 200
        assert "script" not in Page(answer).tags
        assert "<script>old & {0}</script>" in Page(answer).words


def test_every_language_of_the_page_has_the_same_words() -> None:
    for page in (leave, take_leave):
        kinds = {frozenset(words) for words in page.WORDS.values()}
        assert len(kinds) == 1
        assert {"email", "sms"} <= next(iter(kinds))


def test_the_page_is_neither_kept_nor_framed_and_tells_nobody_where_it_was(world: World) -> None:
    for method in ("GET", "POST"):
        answer = world.request(method, link(mail(world)))
        policy = answer["headers"]["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'self'" in policy
        assert answer["headers"]["cache-control"] == "no-store"
        assert 'name="referrer" content="no-referrer"' in answer["body"]
        assert 'name="robots" content="noindex"' in answer["body"]
