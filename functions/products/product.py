"""A product: what is sold, as a message shows it."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from functions.tracking.orders import number

MOST_SKU, MOST_NAME, MOST_URL = 64, 200, 1_000  # letters; so many of an order's sku are kept
SAFE_URL = ("https://", "http://")
CENT = Decimal("0.01")


class LearnedPart(msgspec.Struct):
    """A part of what was learned of all products (see `alike`), as it is stored; `expires` ends
    it (epoch seconds)."""

    key: str
    body: bytes
    expires: int


class Product(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One product under its sku, which is that of the lines of orders.

    `price` is of one unit (None: not known), in `currency`. One that is not `available` is
    suggested to nobody.
    """

    sku: str
    name: str
    category: str = ""
    price: Decimal | None = None
    currency: str = ""
    url: str = ""
    image: str = ""
    available: bool = True
    changed: datetime | None = None


def product_key(sku: str) -> str:
    """The partition of a product; no person's key has a space."""
    return f"product {sku}"


def from_line(line: dict[str, Any], currency: str) -> Product | None:
    """What the line of an order, or an event about a product, tells of it (Segment's names); None
    where it has no sku or no name."""
    sku = str(line.get("sku") or line.get("product_id") or "")[:MOST_SKU]
    name = _text(line.get("name"), MOST_NAME)
    if not sku or not name:
        return None
    return Product(
        sku=sku,
        name=name,
        category=_text(line.get("category"), MOST_NAME),
        price=number(line.get("price")),
        currency=_text(line.get("currency") or currency, 3).upper(),
        url=_address(line.get("url")),
        image=_address(line.get("image_url")),
    )


def shown(product: Product) -> dict[str, Any]:
    """A product as a message's template sees it; the price with its cents."""
    return {
        "sku": product.sku,
        "name": product.name,
        "category": product.category,
        "price": str(product.price.quantize(CENT)) if product.price is not None else "",
        "currency": product.currency,
        "url": product.url,
        "image": product.image,
    }


def _text(found: Any, most: int) -> str:
    return str(found).strip()[:most] if isinstance(found, str | int | float) else ""


def _address(found: Any) -> str:
    text = _text(found, MOST_URL)
    return text if text.lower().startswith(SAFE_URL) else ""
