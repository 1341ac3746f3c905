"""What to suggest to somebody by what they own: what others bought with it, and what is better."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from math import sqrt
from typing import Literal

import msgspec

from functions.products.alike import Item, Learned

Reason = Literal["together", "popular", "better"]
BASIS = 40  # products of the person, the latest, that are gone by
CATEGORY_PULL = 0.3  # of how often the person bought in a category
LEAST_BETTER, MOST_BETTER = Decimal("1.1"), Decimal(4)  # times the price of what they own


class Suggestion(msgspec.Struct, frozen=True):
    """A product that the person does not own, and why.

    together: the `share` of the buyers of `of`, which they own, bought it as well. better: it is
    of the category of `of`, at `share` times its price. popular: so many bought it (`share`).
    """

    sku: str
    reason: Reason
    of: str = ""
    share: float = 0


class Adviser:
    """Suggests by what was learned; the same for the same products owned."""

    def __init__(self, learned: Learned) -> None:
        self.learned = learned
        self._items = learned.items
        self._places = {item.sku: place for place, item in enumerate(learned.items)}
        self._of_category: dict[tuple[str, str], list[int]] = defaultdict(list)
        for place, item in enumerate(learned.items):
            if item.category and item.price:
                self._of_category[item.category, item.currency].append(place)

    def similar(self, owned: Sequence[str]) -> Iterator[Suggestion]:
        """What goes with what they own (the latest first), the best first; then what most people
        buy, so that there is something for somebody who has bought nothing."""
        mine = set(owned)
        said: set[int] = set()
        for place, by in self._ranked(owned, mine):
            said.add(place)
            yield self._together(place, by)
        yield from (
            Suggestion(item.sku, "popular", share=item.buyers)
            for place, item in enumerate(self._items)
            if place not in said and item.sku not in mine and item.buyers
        )

    def upgrades(self, owned: Sequence[str]) -> Iterator[Suggestion]:
        """What is dearer than the dearest that they own of its category, up to four times; what
        is bought with it and what many buy comes first. They own none of it: it is dearer."""
        found: dict[int, tuple[float, Suggestion]] = {}
        for own in self._dearest(owned):
            near = dict(own.near)
            for place in self._of_category[own.category, own.currency]:
                item = self._items[place]
                if not (own.price and item.price):
                    continue
                times = item.price / own.price
                if LEAST_BETTER <= times <= MOST_BETTER:
                    weight = _cosine(near.get(place, 0), own.buyers, item.buyers)
                    better = Suggestion(item.sku, "better", own.sku, round(float(times), 2))
                    found[place] = (weight, better)
        for place in sorted(found, key=lambda one: (-found[one][0], one)):
            yield found[place][1]

    def _owned(self, owned: Sequence[str]) -> list[Item]:
        places = (self._places.get(sku) for sku in owned)
        return [self._items[place] for place in places if place is not None]

    def _ranked(self, owned: Sequence[str], mine: set[str]) -> list[tuple[int, Item]]:
        """Places of what goes with it, and the product that speaks most for each."""
        basis = self._owned(owned)[:BASIS]
        sums: dict[int, float] = defaultdict(float)
        best: dict[int, tuple[float, Item]] = {}
        for own in basis:
            for place, both in own.near:
                if self._items[place].sku in mine:
                    continue
                weight = _cosine(both, own.buyers, self._items[place].buyers)
                sums[place] += weight
                if place not in best or weight > best[place][0]:
                    best[place] = (weight, own)
        often = Counter(item.category for item in basis if item.category)

        def worth(place: int) -> float:
            pull = float((1 + often[self._items[place].category]) ** CATEGORY_PULL)
            return sums[place] * pull

        by_worth = sorted(sums, key=lambda place: (-worth(place), place))
        return [(place, best[place][1]) for place in by_worth]

    def _together(self, place: int, by: Item) -> Suggestion:
        both = dict(by.near)[place]
        return Suggestion(self._items[place].sku, "together", by.sku, round(both / by.buyers, 4))

    def _dearest(self, owned: Sequence[str]) -> list[Item]:
        """Of each category the dearest that they own; the category bought from latest first."""
        found: dict[tuple[str, str], Item] = {}
        for item in self._owned(owned):
            key = (item.category, item.currency)
            if not item.category or not item.price:
                continue
            best = found.get(key)
            if best is None or best.price is None or item.price > best.price:
                found[key] = item
        return list(found.values())


def _cosine(both: int, mine: int, theirs: int) -> float:
    return both / sqrt(mine * theirs) if both else 0.0
