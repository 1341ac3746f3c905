"""Products are sent, learned of over night, and suggested in messages, by the API and to sales."""

import json
from collections.abc import Iterator
from pathlib import Path
from shutil import copy
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from functions.handlers import learn_products, wiring
from functions.products.product import LearnedPart
from functions.storage import shelf
from local.app import App
from local.command_line import app
from local.http_server import application, serving
from local.keys import add_source
from tests.support.pack import folder_with
from tests.support.world import JOURNEYS, World

JOURNEY = """
title: What goes with it
purpose: transactional
enter when: {event: Wants Ideas}
once per: idea
steps:
  - send: ideas
"""
TEXT = """{% for one in recommendations %}{{ one.name }} {{ one.price }} {{ one.url }}
{% else %}Nothing yet{% endfor %}{% for one in upgrades %} better: {{ one.name }}{% endfor %}"""
PLAIN = "Your idea was noted"
FULL = {
    "currency": "EUR",
    "category": "ink",
    "url": "https://shop.example/x",
    "image": "https://shop.example/x.png",
}


def a_world(folder: Path, text: str = TEXT) -> World:
    journey = folder / "journeys" / "ideas"
    journey.mkdir(parents=True)
    copy(JOURNEYS / "brand.yaml", folder / "journeys")
    (journey / "journey.yaml").write_text(JOURNEY)
    for language in ("de", "en"):
        (journey / f"ideas.{language}.sms").write_text(text)
    return World(folder / "data", folder / "journeys")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    yield a_world(tmp_path)
    wiring.use(None)


def send(world: World, *products: dict[str, Any]) -> dict[str, Any]:
    key = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    return world.request("PUT", "/api/products", {"products": list(products)}, key)


def a_shop(world: World) -> None:
    """Four buy ink and paper, six a pen; the big ink is dear."""
    names = {"ink": 10, "paper": 5, "pen": 3, "big-ink": 18}
    found = [
        {"sku": sku, "name": sku.title(), "price": price, **FULL} for sku, price in names.items()
    ]
    assert send(world, *found)["json"] == {"taken": 4}
    for number in range(4):
        world.order(f"both{number}", f"b{number}", "ink", "paper")
    world.advance("1 minute")
    for number in range(6):
        world.order(f"pen{number}", f"p{number}", "pen")


def ideas_of(world: World, user: str) -> str:
    before = len(world.outbox())
    world.identify(user, phone="+4915112345678", locale="en")
    world.track(user, "Wants Ideas", idea=str(before))
    return world.outbox()[-1].text if len(world.outbox()) > before else ""


def test_a_message_shows_what_goes_with_what_they_own_and_what_is_better(world: World) -> None:
    a_shop(world)
    world.order("ada", "a", "ink")
    world.advance("1 day")
    assert ideas_of(world, "ada") == (
        "Paper 5.00 https://shop.example/x Pen 3.00 https://shop.example/x better: Big-Ink"
    )


def test_before_anything_was_learned_the_fallback_is_shown(world: World) -> None:
    assert ideas_of(world, "ada") == "Nothing yet"


def test_for_somebody_new_there_is_what_most_people_buy(world: World) -> None:
    a_shop(world)
    world.advance("1 day")
    assert ideas_of(world, "new").startswith("Pen 3.00 https://shop.example/x Ink 10.00")


def test_a_new_price_stands_in_the_next_message_and_what_is_sold_out_in_none(
    world: World,
) -> None:
    a_shop(world)
    world.advance("1 day")
    send(world, {"sku": "pen", "name": "Pen", "price": 4})
    send(world, {"sku": "paper", "name": "Paper", "available": False})
    assert ideas_of(world, "both1") == "Pen 4.00 better: Big-Ink"


def test_who_has_messages_without_products_and_sends_none_pays_for_nothing(
    tmp_path: Path,
) -> None:
    world = a_world(tmp_path, PLAIN)
    world.order("ada", "a", "ink")
    world.advance("2 days")
    assert shelf.read(world.store) is None
    wiring.use(None)


def test_it_is_learned_once_a_day_and_the_day_before_yesterday_is_forgotten(world: World) -> None:
    a_shop(world)
    for day in range(4):
        world.advance("1 day")
        world.order("ada", f"a{day}", "ink")
    assert learn_products.handler({}, None) == {"people": 0, "products": 0}
    made = {part.key.partition("/")[0] for part in world.store.query(LearnedPart, "learned")}
    assert len(made) == 3  # the newest, that of the day before, and which is the newest


def test_where_the_time_is_too_short_it_is_learned_of_those_who_came_last(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_shop(world)
    monkeypatch.setattr(learn_products, "PAGE", 6)
    left = SimpleNamespace(get_remaining_time_in_millis=lambda: learn_products.RESERVE - 1)
    assert learn_products.handler({}, left) == {"people": 6, "products": 4}
    learned = shelf.read(world.store)
    assert learned
    assert [(item.sku, item.buyers) for item in learned.items if item.buyers] == [("pen", 6)]


def test_the_names_of_what_most_people_buy_are_looked_up_first_and_so_many_a_night(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learn_products, "MOST_LOOKED_UP", 1)
    for number, sku in enumerate(("ink", "pen", "pen")):
        line = {"sku": sku, "name": sku.title(), "url": f"https://shop.example/{sku}"}
        world.order(f"user{number}", f"o{number}", products=[line])
    for names in ({"pen"}, {"pen", "ink"}):
        world.advance("1 day")
        world.order("other", f"{world.now}", "nothing")
        learned = shelf.read(world.store)
        assert learned
        assert learned.seen.keys() == names


def test_what_nobody_sent_is_learned_from_orders_of_a_trusted_source_alone(world: World) -> None:
    line = {"sku": "ink", "name": "Ink", "price": 9, "url": "https://shop.example/ink"}
    add_source(world.store, "any-browser", "website", False, world.now)
    evil = [{**line, "url": "https://evil.example/"}]
    order = {"event": "Order Completed", "properties": {"order_id": "a", "products": evil}}
    world.post("track", {"writeKey": "any-browser", "anonymousId": "eve", **order})
    world.advance("1 day")
    assert ideas_of(world, "new") == "Nothing yet"
    world.order("bob", "b", products=[line])
    world.advance("1 day")
    assert ideas_of(world, "new2") == "Ink 9.00 https://shop.example/ink"


def test_hints_say_why_in_both_languages(world: World) -> None:
    a_shop(world)
    world.order("ada", "a", "ink")
    world.advance("1 day")
    person = world.person("ada").person
    found = world.api(f"/api/people/{person}/hints")
    assert [(one["sku"], one["reason"]) for one in found["similar"]] == [
        ("paper", "together"),
        ("pen", "popular"),
    ]
    assert found["similar"][0]["why"] == "80 % of those who bought “Ink” bought it too"
    assert found["upgrades"][0]["why"] == "of the same kind as “Ink”, at 1.8 times its price"
    german = world.api(f"/api/people/{person}/hints", **{"in": "de"})
    assert german["similar"][0]["why"] == "80 % derer, die „Ink“ gekauft haben, kauften es auch"
    brief = world.api(f"/api/people/{person}/brief")
    says = {part["title"]: part["says"] for part in brief["parts"]}
    assert says["Worth offering"] == [
        "“Big-Ink” (18 EUR): of the same kind as “Ink”, at 1.8 times its price",
        "“Paper” (5 EUR): 80 % of those who bought “Ink” bought it too",
    ]


@pytest.mark.parametrize(
    ("product", "words"),
    [
        ({"sku": "a", "name": "A", "url": "javascript:x"}, "begins with https://"),
        ({"sku": "a", "name": " "}, "has no name"),
        ({"sku": "a", "name": "A", "price": -1}, "not an amount of money"),
        ({"sku": "", "name": "A"}, "cannot be read"),
        ({"sku": "a", "name": "A", "colour": "red"}, "colour"),
    ],
)
def test_a_product_that_cannot_be_is_refused_with_the_reason(
    world: World, product: dict[str, Any], words: str
) -> None:
    answer = send(world, {"sku": "b", "name": "B"}, product)
    assert answer["statusCode"] == 400
    assert words in answer["json"]["message"]
    assert world.api("/api/products")["products"] == []


def test_products_are_listed_by_name_and_forgotten_on_demand(world: World) -> None:
    a_shop(world)
    listed = world.api("/api/products")
    assert [one["name"] for one in listed["products"]] == ["Big-Ink", "Ink", "Paper", "Pen"]
    key = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    assert world.request("DELETE", "/api/products/pen", headers=key)["statusCode"] == 200
    assert world.request("DELETE", "/api/products/pen", headers=key)["statusCode"] == 404
    assert "Pen" not in json.dumps(world.api("/api/products"))


def test_the_ready_mail_after_a_purchase_shows_what_others_bought_with_it(
    tmp_path: Path,
) -> None:
    world = World(tmp_path / "data", folder_with("post-purchase", tmp_path / "journeys"))
    a_shop(world)
    world.customer("ada", locale="en", tracking=False)
    world.order("ada", "a", "ink")
    world.advance("15 days")
    mail = next(one for one in world.outbox() if one.subject == "This goes well with it")
    assert '<a href="https://shop.example/x"' in mail.html
    assert "often chose this as well" in mail.html
    assert "Paper" in mail.text
    assert ", 5.00 EUR" in mail.text
    assert "templates and extras" not in mail.html
    wiring.use(None)


def typed(*words: str) -> str:
    done = CliRunner().invoke(app, ["products", *words], terminal_width=200)
    return f"{done.output} ({done.exit_code})"


def test_products_are_imported_listed_and_suggested_on_the_command_line(
    world: World, tmp_path: Path
) -> None:
    file, data = tmp_path / "products.csv", str(tmp_path / "data")
    file.write_text("Artikelnummer;Bezeichnung;Preis;Link\nink;Tinte;1,234;\n")
    with serving(application(App(world.system).route)) as url:
        where = ("--at", url, "--data", data)
        assert 'row 2: "1,234" is not a price' in typed("import", str(file), *where)
        file.write_text(
            "sku;Bezeichnung;Preis;currency;Verfügbar\n"
            "ink;Tinte;10,5;eur;ja\npaper;Papier;;;nein\npen;Stift;3;EUR;ja\n"
        )
        assert "3 products sent" in typed("import", str(file), *where)
        assert "nothing was learned yet" in typed("list", *where)
        world.identify("ada", email="ada@example.com")
        world.order("bob", "b", "ink", "paper", "pen")
        world.advance("1 day")
        listed = typed("list", *where)
        assert "Tinte" in listed
        assert "10.5 EUR" in listed
        assert "of 1 people who bought something" in listed
        said = typed("suggest", "ada@example.com", "--in", "de", *where)
        assert "Tinte (10.5 EUR): eine Person hat es gekauft" in said
        assert "Papier" not in said
        assert "pen is forgotten" in typed("forget", "pen", *where)
        assert typed("forget", "pen", *where).endswith("(1)")
