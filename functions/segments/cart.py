"""The cart that an entering event speaks of, as it is now."""

from typing import Any

from functions.segments.operators import Kind
from functions.tracking.event import Event
from functions.tracking.profile import Profile

KINDS: dict[str, Kind] = {
    "items": "number",
    "products": "number",
    "last": "date",
    "closed": "truth",
}


def fields(profile: Profile, entry: Event) -> dict[str, Any]:
    """The fields of the cart that the event's `cart_id` names; {} where we know of no such cart.

    `items` are units, `products` different ones, `last` is the time of the last change, and an
    order has made the cart `closed`. A profile keeps the carts used last (see `fold.MOST_CARTS`).
    """
    cart_id = entry.properties.get("cart_id")
    cart = profile.carts.get(cart_id) if isinstance(cart_id, str) else None
    if cart is None:
        return {}
    # What was taken out before we heard that it was put in counts less than nothing.
    held = [units for units in cart.items.values() if units > 0]
    return {"items": sum(held), "products": len(held), "last": cart.last, "closed": cart.closed}
