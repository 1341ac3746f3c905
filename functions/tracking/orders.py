"""Orders and revenue from e-commerce events, the same in whatever order the events come."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from functions.tracking.event import Event
from functions.tracking.identity import short_hash
from functions.tracking.profile import OlderOrders, Order, OrderRow, Profile

ORDER_EVENTS = ("Order Completed", "Order Updated", "Order Refunded", "Order Cancelled")
MOST_IN_PROFILE = 11
KEPT_IN_PROFILE = 3  # when there are more, all but these leave together: one row for nine orders
PLACES = 6


def number(value: Any) -> Decimal | None:
    """A finite amount of money to a millionth, from a number or a text; else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    if not found.is_finite() or abs(found) >= 10**15:
        return None
    # With more places a sum would hang on the order of its parts, and need not fit anywhere.
    return round(found, PLACES) if int(found.as_tuple().exponent) < -PLACES else found


def revenue_of(properties: Mapping[str, Any]) -> Decimal | None:
    """Segment's e-commerce spec: `revenue`, else total − shipping − tax, else `subtotal`.

    All three mean: after discounts, without shipping and tax. None when nothing is said.
    """
    revenue = number(properties.get("revenue"))
    if revenue is not None:
        return revenue
    total = number(properties.get("total"))
    if total is not None:
        rest = (number(properties.get(name)) or Decimal(0) for name in ("shipping", "tax"))
        return total - sum(rest)
    return number(properties.get("subtotal"))


def order_id_of(event: Event) -> str:
    """The order an event speaks of; an order without an id is known by its event."""
    return str(event.properties.get("order_id") or event.message_id)[:255]


def apply(order: Order, event: Event) -> None:
    """Take one order event into the order."""
    if event.event in ("Order Completed", "Order Updated"):
        _take_amount(order, event)
    elif event.event == "Order Cancelled":
        order.void = True
    elif event.event == "Order Refunded":
        amount = revenue_of(event.properties)
        if amount is None:
            order.void = True
        else:
            order.refunded += abs(amount)  # some shops write what they give back as less than 0


def _take_amount(order: Order, event: Event) -> None:
    amount = revenue_of(event.properties)
    if event.event == "Order Completed":
        order.placed = min(order.placed, event.time) if order.placed else event.time
    elif amount is None:
        return  # an update of something else
    said = (event.time, short_hash(event.message_id)[:8])
    if order.amount_time and said <= (order.amount_time, order.amount_hash):
        return
    order.amount_time, order.amount_hash = said
    order.amount = amount or Decimal(0)
    order.currency = str(event.properties.get("currency") or "")[:3].upper()
    products = event.properties.get("products")
    rows = products if isinstance(products, list) else []
    skus = (row.get("sku") or row.get("product_id") for row in rows if isinstance(row, dict))
    order.skus = [str(sku)[:64] for sku in skus if sku][:10]


def combine(mine: Order, theirs: Order) -> Order:
    """One order that two profiles knew parts of."""
    late = max(mine, theirs, key=_said)
    times = [order.placed for order in (mine, theirs) if order.placed]
    return Order(
        order_id=mine.order_id,
        placed=min(times) if times else None,
        currency=late.currency,
        amount=late.amount,
        amount_time=late.amount_time,
        amount_hash=late.amount_hash,
        refunded=mine.refunded + theirs.refunded,
        void=mine.void or theirs.void,
        skus=late.skus,
    )


def take_back(profile: Profile, order: Order) -> None:
    """Bring an order that had been moved to a row back into the profile."""
    older = profile.older_orders
    older.moved -= 1
    older.count -= order.counts
    _add_revenue(older, order, -1)
    for row in profile.leaving:
        row.orders = [other for other in row.orders if other.order_id != order.order_id]
    profile.orders[order.order_id] = order


def move_out(profile: Profile) -> None:
    """Move all but the latest orders out of a profile that has too many; a row is to be written."""
    if len(profile.orders) <= MOST_IN_PROFILE:
        return
    older = profile.older_orders
    by_age = sorted(profile.orders.values(), key=_age)
    row = _leaving_now(profile)
    for order in by_age[:-KEPT_IN_PROFILE]:
        del profile.orders[order.order_id]
        row.orders.append(order)
        older.moved += 1
        older.count += order.counts
        _add_revenue(older, order, 1)
        if order.placed:
            older.first = min(older.first or order.placed, order.placed)
            older.last = max(older.last or order.placed, order.placed)


def _leaving_now(profile: Profile) -> OrderRow:
    """The row of those that leave with the profile's next version."""
    left_at = profile.version + 1
    for row in profile.leaving:
        if (row.person, row.left_at) == (profile.person, left_at):
            return row
    profile.leaving.append(OrderRow(profile.person, left_at, []))
    return profile.leaving[-1]


def _said(order: Order) -> tuple[str, str]:
    """When its amount was said last; never said comes first."""
    return (order.amount_time.isoformat() if order.amount_time else "", order.amount_hash)


def _age(order: Order) -> tuple[str, str]:
    """Oldest first; an order of which only a refund is known counts as new."""
    time = order.placed or order.amount_time
    return (time.isoformat() if time else "~", order.order_id)


def _add_revenue(older: OlderOrders, order: Order, sign: int) -> None:
    if order.revenue:
        total = older.revenue.get(order.currency, Decimal(0)) + sign * order.revenue
        older.revenue[order.currency] = total


def revenue(profile: Profile) -> dict[str, Decimal]:
    """Revenue per currency over all orders of a person."""
    total = {
        currency: amount for currency, amount in profile.older_orders.revenue.items() if amount
    }
    for order in profile.orders.values():
        if order.revenue:
            total[order.currency] = total.get(order.currency, Decimal(0)) + order.revenue
    return total


def count(profile: Profile) -> int:
    """How many orders count (completed, neither cancelled nor wholly refunded)."""
    return profile.older_orders.count + sum(order.counts for order in profile.orders.values())
