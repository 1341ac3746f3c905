"""What a person has bought, the latest first."""

from collections.abc import Iterable

from functions.tracking.orders import moved
from functions.tracking.profile import OrderRow, Profile


def bought(profile: Profile, rows: Iterable[OrderRow] = ()) -> list[str]:
    """Each sku of the orders that count, once, the one bought latest first; `rows` are those of
    orders that have left the profile."""
    orders = [*profile.orders.values(), *moved(profile, rows).values()]
    counting = [(order.placed, order.order_id, order.skus) for order in orders if order.counts]
    # Those that count have a time.
    counting.sort(key=lambda one: (one[0].timestamp() if one[0] else 0, one[1]), reverse=True)
    return list(dict.fromkeys(sku for _, _, skus in counting for sku in skus))
