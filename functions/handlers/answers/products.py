"""Answers about products: what is sold, and what is suggested to whom and why."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec
from aws_lambda_powertools.event_handler.exceptions import BadRequestError, NotFoundError

from functions.handlers import wiring
from functions.handlers.answers.door import (
    LANGUAGE,
    LIMIT,
    NEXT,
    PERSON,
    chosen_language,
    operation,
    page_size,
    profile_of_id,
    query,
    read_as,
)
from functions.handlers.offers import Offer, offers_of
from functions.handlers.openapi import Parameter
from functions.products.product import (
    MOST_NAME,
    MOST_SKU,
    MOST_URL,
    SAFE_URL,
    Product,
    product_key,
)
from functions.products.suggest import Reason
from functions.products.words import why
from functions.segments.spoken import Language
from functions.tracking.orders import PLACES

MOST_SENT = 500
MOST_PRICE = 10**12
SKU = Parameter("sku", "path", "the product's sku, as orders name it")

Sku = Annotated[str, msgspec.Meta(min_length=1, max_length=MOST_SKU)]
Name = Annotated[str, msgspec.Meta(max_length=MOST_NAME)]
Address = Annotated[str, msgspec.Meta(max_length=MOST_URL)]


class ProductBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A product as a shop sends it; the price is of one unit."""

    sku: Sku
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=MOST_NAME)]
    category: Name = ""
    price: Decimal | None = None
    currency: Annotated[str, msgspec.Meta(pattern="^([A-Z]{3})?$")] = ""
    url: Address = ""
    image: Address = ""
    available: bool = True


class ProductsBody(msgspec.Struct, forbid_unknown_fields=True):
    """Up to 500 products; each replaces the one with its sku."""

    products: Annotated[list[ProductBody], msgspec.Meta(min_length=1, max_length=MOST_SENT)]


class ProductsTaken(msgspec.Struct):
    """How many products were taken."""

    taken: int


class ProductsPage(msgspec.Struct):
    """Products by their names, and what was learned of them last: when, and of how many people
    who bought something."""

    products: list[Product]
    next: str = ""
    learned: datetime | None = None
    people: int = 0


class ProductGone(msgspec.Struct):
    """The product that is no more."""

    sku: str


class HintView(msgspec.Struct, kw_only=True):
    """A product that the person does not own, and why it is suggested.

    `reason`: together (the `share` of the buyers of `of` bought it too), better (of the category
    of `of`, at `share` times its price), popular (bought by `share` people)."""

    sku: str
    name: str
    category: str
    price: Decimal | None
    currency: str
    url: str
    image: str
    reason: Reason
    of: str
    share: float
    why: str


class Hints(msgspec.Struct):
    """What to suggest to a person, the best first; empty before anything was learned."""

    similar: list[HintView]
    upgrades: list[HintView]


@operation(
    "/api/products",
    "Say what is sold: up to 500 products, each in place of the one with its sku",
    ProductsTaken,
    method="put",
    body=ProductsBody,
)
def _put_products() -> ProductsTaken:
    parts, asked = wiring.parts(), read_as(ProductsBody)
    # Each once: a batch of writes must not name a row twice.
    products = {one.sku: _product(one, parts.now()) for one in asked.products}
    parts.store.write(list(products.values()))
    parts.library.shelf.forget()
    return ProductsTaken(len(products))


@operation("/api/products", "Products by their names", ProductsPage, LIMIT, NEXT)
def _products() -> ProductsPage:
    parts = wiring.parts()
    found, after = parts.store.listing(Product, limit=page_size(), after=query("after"))
    adviser = parts.library.shelf.adviser()
    if adviser is None:
        return ProductsPage(found, after)
    return ProductsPage(found, after, adviser.learned.made, adviser.learned.people)


@operation(
    "/api/products/{sku}",
    "Forget a product; it is suggested no more",
    ProductGone,
    SKU,
    method="delete",
)
def _forget_product(sku: str) -> ProductGone:
    parts = wiring.parts()
    possible = 0 < len(sku) <= MOST_SKU and sku.isprintable()
    found = parts.store.get(Product, product_key(sku)) if possible else None
    if found is None:
        raise NotFoundError(f'no product has the sku "{sku[:50]}"')
    parts.store.delete(found)
    parts.library.shelf.forget()
    return ProductGone(sku)


@operation(
    "/api/people/{person_id}/hints",
    "What to suggest to a person that they do not own yet, and why",
    Hints,
    PERSON,
    LANGUAGE,
)
def _hints(person_id: str) -> Hints:
    profile, language = profile_of_id(person_id), chosen_language()
    offers = offers_of(wiring.parts(), profile)
    return Hints(_views(offers.similar, language), _views(offers.upgrades, language))


def _views(offers: Iterable[Offer], language: Language) -> list[HintView]:
    return [
        HintView(
            sku=product.sku,
            name=product.name,
            category=product.category,
            price=product.price,
            currency=product.currency,
            url=product.url,
            image=product.image,
            reason=suggestion.reason,
            of=suggestion.of,
            share=suggestion.share,
            why=why(suggestion, of, language),
        )
        for product, suggestion, of in offers
    ]


def _product(said: ProductBody, now: datetime) -> Product:
    """Raises BadRequestError for what a product cannot have."""
    if not (said.sku.isprintable() and said.sku.strip()):
        raise BadRequestError(f"a sku has 1 to {MOST_SKU} printable characters")
    if not said.name.strip():
        raise BadRequestError(f'the product "{said.sku}" has no name')
    price = said.price
    if price is not None and not (price.is_finite() and 0 <= price < MOST_PRICE):
        raise BadRequestError(f'the price of "{said.sku}" is not an amount of money')
    for name, url in (("url", said.url), ("image", said.image)):
        if url and not url.lower().startswith(SAFE_URL):
            raise BadRequestError(f'the {name} of "{said.sku}" begins with https:// or http://')
    return Product(
        sku=said.sku,
        name=said.name.strip(),
        category=said.category.strip(),
        price=round(price, PLACES) if price is not None else None,
        currency=said.currency,
        url=said.url,
        image=said.image,
        available=said.available,
        changed=now,
    )
