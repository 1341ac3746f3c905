"""What a message's Liquid sees."""

from collections.abc import Mapping
from typing import Any

from functions.messages.brand import Brand
from functions.messages.codes import NO_CODES, Codes
from functions.messages.template import PRODUCTS
from functions.tracking.event import Event

NO_ACCOUNT: Mapping[str, Any] = {}
NO_PRODUCTS: Mapping[str, Any] = {name: [] for name in PRODUCTS}


def template_values(
    person: Mapping[str, Any],
    entry: Event | None,
    brand: Brand,
    unsubscribe: str,
    iteration: int,
    account: Mapping[str, Any] = NO_ACCOUNT,
    products: Mapping[str, Any] = NO_PRODUCTS,
    codes: Codes = NO_CODES,
    downloads: Mapping[str, str] | None = None,
    preferences: str = "",
    confirm: str = "",
) -> dict[str, Any]:
    """What Liquid sees; without `downloads` the assets' own addresses."""
    return {
        "person": person,
        "account": account,
        "entry": entry.properties if entry else {},
        "brand": brand.shown,
        "links": brand.links,
        "download": brand.assets if downloads is None else downloads,
        "pass": iteration + 1,
        "code": codes,
        "unsubscribe": unsubscribe or None,  # Liquid takes an empty text for true
        "preferences": preferences or None,
        "confirm": confirm or None,
        **products,
    }
