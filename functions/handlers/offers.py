"""What is suggested to a person: products as the store has them now, and why."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from functions.handlers.wiring import Parts
from functions.products.bought import bought
from functions.products.product import Product, shown
from functions.products.suggest import Suggestion
from functions.storage import people
from functions.tracking.profile import Profile

MOST_SIMILAR, MOST_UPGRADES = 6, 3
MOST_TRIED = 60  # suggestions, to find so many that are known and available


class Offer(NamedTuple):
    """A product and why it is suggested; `of` is the product that the reason speaks of, if any."""

    product: Product
    suggestion: Suggestion
    of: Product | None


class Offers(NamedTuple):
    """What others bought with what they own, and what is better than it."""

    similar: Sequence[Offer] = ()
    upgrades: Sequence[Offer] = ()


def offers_of(parts: Parts, profile: Profile) -> Offers:
    """What the person does not own yet, the best first; nothing before anything was learned."""
    adviser = parts.library.shelf.adviser()
    if adviser is None:
        return Offers()
    owned = bought(profile, people.order_rows(parts.store, profile))
    return Offers(
        _offers(parts, adviser.similar(owned), MOST_SIMILAR),
        _offers(parts, adviser.upgrades(owned), MOST_UPGRADES),
    )


def for_template(offers: Offers) -> dict[str, Any]:
    """As messages see them."""
    return {
        "recommendations": [shown(offer.product) for offer in offers.similar],
        "upgrades": [shown(offer.product) for offer in offers.upgrades],
    }


def _offers(parts: Parts, suggestions: Iterable[Suggestion], most: int) -> list[Offer]:
    found: list[Offer] = []
    for _, suggestion in zip(range(MOST_TRIED), suggestions, strict=False):
        product = parts.library.shelf.product(suggestion.sku)
        if product and product.available:
            of = parts.library.shelf.product(suggestion.of) if suggestion.of else None
            found.append(Offer(product, suggestion, of))
        if len(found) == most:
            break
    return found
