"""Which products are bought by the same people, counted over everybody.

Item to item by the cosine of their buyers (Linden, Smith and York, 2003). One product is counted
after the other, so that memory holds what people bought and the neighbours of one product, never
all pairs.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import chain
from math import sqrt

import msgspec

from functions.products.product import Product

MOST_PRODUCTS = 5_000  # those with the most buyers
RECENT = 40  # products of a person, the latest, that count
NEIGHBOURS = 100  # of a product that are kept
FEWEST_TOGETHER = 3  # people who bought both: less is chance, and could tell of one person


class Item(msgspec.Struct, array_like=True):
    """A product as it was learned: how many bought it, and `near`: (place in the list, how many
    of its buyers bought that as well), the most alike first."""

    sku: str
    buyers: int
    category: str = ""
    price: Decimal | None = None
    currency: str = ""
    near: list[tuple[int, int]] = []


class Learned(msgspec.Struct, kw_only=True):
    """What was learned of `people` who bought something; `items` with the most buyers first.

    `seen` has what orders tell of products that nobody sent us.
    """

    made: datetime
    people: int
    items: list[Item] = []
    seen: dict[str, Product] = {}


class Baskets:
    """What each person bought: `take` everybody, then `learn`. Four bytes a product and person."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._skus: list[str] = []
        self._baskets: list[array[int]] = []

    @property
    def people(self) -> int:
        """How many bought something."""
        return len(self._baskets)

    def take(self, skus: Sequence[str]) -> None:
        """One person's products, the latest first; nothing counts for nobody."""
        if not skus:
            return
        basket = array("I")
        for sku in skus[:RECENT]:
            place = self._places.setdefault(sku, len(self._skus))
            if place == len(self._skus):
                self._skus.append(sku)
            basket.append(place)
        self._baskets.append(basket)

    def popular(self) -> list[str]:
        """The products that are counted, those with the most buyers first."""
        return [self._skus[place] for place, _ in self._by_buyers()]

    def learn(self, made: datetime, products: Mapping[str, Product]) -> Learned:
        """Count who bought what together. Products that nobody bought stand last."""
        counted = self._by_buyers()
        number = {place: index for index, (place, _) in enumerate(counted)}
        baskets = [
            array("I", [number[place] for place in basket if place in number])
            for basket in self._baskets
        ]
        buyers = [count for _, count in counted]
        items = [
            _item(self._skus[place], count, products.get(self._skus[place]), near)
            for (place, count), near in zip(counted, _neighbours(baskets, buyers), strict=True)
        ]
        known = {item.sku for item in items}
        rest = sorted(sku for sku in products if sku not in known)[: MOST_PRODUCTS - len(items)]
        items += [_item(sku, 0, products[sku], []) for sku in rest]
        return Learned(made=made, people=self.people, items=items)

    def _by_buyers(self) -> list[tuple[int, int]]:
        """(place, buyers), so that nothing hangs on the order in which people came."""
        counts = Counter(chain.from_iterable(self._baskets))
        order = sorted(counts.items(), key=lambda one: (-one[1], self._skus[one[0]]))
        return order[:MOST_PRODUCTS]


def _item(sku: str, buyers: int, product: Product | None, near: list[tuple[int, int]]) -> Item:
    if product is None:
        return Item(sku, buyers, near=near)
    return Item(sku, buyers, product.category, product.price, product.currency, near)


def _neighbours(
    baskets: Sequence[array[int]], buyers: Sequence[int]
) -> Iterable[list[tuple[int, int]]]:
    """For each product those that are most alike."""
    of_product = [array("I") for _ in buyers]
    for person, basket in enumerate(baskets):
        for place in basket:
            of_product[place].append(person)
    for place, people in enumerate(of_product):
        together = Counter(chain.from_iterable(baskets[person] for person in people))
        del together[place]
        enough = [one for one in together.items() if one[1] >= FEWEST_TOGETHER]
        enough.sort(key=lambda one: (-one[1] / sqrt(buyers[one[0]]), one[0]))
        yield enough[:NEIGHBOURS]
