"""The first order of a customer: what was known then, and how long it took to the second."""

from collections.abc import Iterable
from datetime import datetime

from functions.segments import origin
from functions.segments.cluster_records import FirstOrder
from functions.tracking import orders
from functions.tracking.profile import OrderRow, Profile


def first_order(profile: Profile, rows: Iterable[OrderRow] = ()) -> FirstOrder | None:
    """`rows` are those of orders that have left the profile. None of somebody without an order.

    The amount is what was paid, whatever was given back later; channel and device are those by
    which somebody first came, and none if that was after the order.
    """
    every = [*profile.orders.values(), *orders.moved(profile, rows).values()]
    counting = sorted((one.placed, one.order_id, one) for one in every if one.placed and one.counts)
    if not counting:
        return None
    placed, _, first = counting[0]
    seen = {name: one.first for name, one in profile.devices.items() if one.first <= placed}
    again = counting[1][0] - placed if len(counting) > 1 else None
    return FirstOrder(
        placed=int(placed.timestamp()),
        again=int(again.total_seconds()) if again is not None else None,
        amount=float(first.amount),
        currency=first.currency,
        coupon=first.discounted,
        product=first.skus[0] if first.skus else "",
        channel=_channel(profile, placed),
        device=min(seen, key=lambda name: (seen[name], name), default=""),
        weekday=placed.weekday(),
    )


def _channel(profile: Profile, placed: datetime) -> str:
    is_later = profile.first_touch is not None and profile.first_touch.time > placed
    return "" if is_later else str(origin.COMPUTED["channel"](profile, placed) or "")
