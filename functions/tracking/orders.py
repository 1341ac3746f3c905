"""Orders and revenue from e-commerce events, the same in whatever order the events come."""

from collections.abc import Collection, Iterable, Mapping
from copy import deepcopy
from decimal import Decimal, InvalidOperation
from typing import Any

from functions.tracking.event import Event
from functions.tracking.identity import message_hash
from functions.tracking.profile import OlderOrders, Order, OrderRow, OrderSums, Profile

ORDER_EVENTS = ("Order Completed", "Order Updated", "Order Refunded", "Order Cancelled")
MOST_IN_PROFILE = 5
KEPT_IN_PROFILE = 2  # when there are more, all but these leave together: one row for four orders
PLACES = 6
_AMOUNTS = (int, float, str, Decimal)


def number(value: Any) -> Decimal | None:
    """A finite amount of money to a millionth, from a number or a text; else None."""
    if type(value) is int:  # most are
        return Decimal(value) if -(10**15) < value < 10**15 else None
    if value is None or isinstance(value, bool) or not isinstance(value, _AMOUNTS):
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


def called(profile: Profile, event: Event) -> str:
    """What an order event is: an import that tells of a whole order again corrects it."""
    order = profile.orders.get(order_id_of(event))
    return "Order Updated" if order and order.imported and event.as_of else event.event


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
        elif event.as_of:
            order.refunded_by_now = max(order.refunded_by_now or Decimal(0), abs(amount))
        else:
            order.refunded += abs(amount)  # some shops write what they give back as less than 0


def _take_amount(order: Order, event: Event) -> None:
    amount, as_of = revenue_of(event.properties), event.as_of
    if event.event == "Order Completed" or as_of:
        order.imported = order.imported or as_of is not None
        order.placed = min(order.placed, event.time) if order.placed else event.time
    elif amount is None:
        return  # an update of something else
    said = (as_of or event.time, message_hash(event.message_id)[:8])
    if order.amount_time and said <= (order.amount_time, order.amount_hash):
        return
    order.amount_time, order.amount_hash = said
    order.amount = amount or Decimal(0)
    order.currency = str(event.properties.get("currency") or "")[:3].upper()
    products = event.properties.get("products")
    listed = products if isinstance(products, list) else []
    lines = [line for line in listed if isinstance(line, dict)]
    skus = [line.get("sku") or line.get("product_id") for line in lines]
    order.skus = [str(sku)[:64] for sku in skus if sku][:10]
    order.units = sum(map(_quantity, lines), Decimal(0))
    order.cost = cost_of(event.properties, lines)
    order.discounted = any(
        _is_discounted(said)
        for said in (event.properties, *lines)
        if "coupon" in said or "discount" in said  # most name neither
    )


def _quantity(line: Mapping[str, Any]) -> Decimal:
    """How many of the product; a line that does not say is one."""
    found = number(line.get("quantity", 1))
    return found if found is not None and found >= 0 else Decimal(0)


def cost_of(properties: Mapping[str, Any], lines: Collection[Mapping[str, Any]]) -> Decimal | None:
    """What an order cost us: its `cost`, else that of one unit of each line times its quantity.

    None where neither the order nor each of its lines says it: half a cost would be a false margin.
    """
    whole = number(properties.get("cost"))
    if whole is not None:
        return whole
    total = Decimal(0)
    for line in lines:
        cost = number(line.get("cost"))
        if cost is None:
            return None
        total += cost * _quantity(line)
    return round(total, PLACES) if lines else None


def _is_discounted(said: Mapping[str, Any]) -> bool:
    """Whether an order or a line names a coupon or gives a discount."""
    return bool(said.get("coupon")) or (number(said.get("discount")) or 0) > 0


def combine(mine: Order, theirs: Order) -> Order:
    """One order that two profiles knew parts of."""
    late = max(mine, theirs, key=_said)
    times = [order.placed for order in (mine, theirs) if order.placed]
    by_now = (mine.refunded_by_now, theirs.refunded_by_now)
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
        units=late.units,
        cost=late.cost,
        discounted=late.discounted,
        refunded_by_now=max(filter(None, by_now), default=None),
        imported=mine.imported or theirs.imported,
    )


def moved(profile: Profile, rows: Iterable[OrderRow]) -> dict[str, Order]:
    """The orders that have left the profile, each as it left last, by id.

    `rows` are those written: under its own key first, newest first.
    """
    found: dict[str, Order] = {}
    for row in (*reversed(profile.leaving), *rows):
        for order in row.orders:
            if order.order_id not in profile.orders:
                found.setdefault(order.order_id, order)
    return found


def take_back(profile: Profile, order: Order, others: Iterable[Order]) -> None:
    """Bring an order that had been moved to a row back into the profile; `others` stay moved."""
    older = profile.older_orders
    older.moved -= 1
    _add(older, order, -1)
    if order.placed in (older.first, older.last):
        times = [other.placed for other in others if other.counts and other.placed]
        older.first, older.last = min(times, default=None), max(times, default=None)
    for row in profile.leaving:
        row.orders = [other for other in row.orders if other.order_id != order.order_id]
    profile.orders[order.order_id] = order


def merge(
    source: Profile,
    target: Profile,
    source_rows: Iterable[OrderRow] = (),
    target_rows: Iterable[OrderRow] = (),
) -> None:
    """Take the source's orders into the target; the source stays as it is.

    The rows are those written of either (see `moved`): an order that both know is one order.
    """
    theirs = deepcopy(Profile(person="", orders=source.orders, older_orders=source.older_orders))
    theirs.leaving = deepcopy(source.leaving)
    left_there, left_here = moved(theirs, source_rows), moved(target, target_rows)
    here = target.orders.keys() | left_here.keys()
    for order_id in sorted(here & (theirs.orders.keys() | left_there.keys())):
        for profile, left in ((theirs, left_there), (target, left_here)):
            if order_id in left:
                take_back(profile, left.pop(order_id), left.values())
    for order_id, order in theirs.orders.items():
        mine = target.orders.get(order_id)
        target.orders[order_id] = combine(mine, order) if mine else order
    target.leaving = [*theirs.leaving, *target.leaving]
    _add_older(target.older_orders, theirs.older_orders)
    move_out(target)


def _add_older(older: OlderOrders, more: OlderOrders) -> None:
    older.moved += more.moved
    older.count += more.count
    for currency, amount in more.revenue.items():
        _plus(older.revenue, currency, amount)
    for currency, others in more.sums.items():
        _sum(older.sums, currency, others, 1)
    firsts = [time for time in (older.first, more.first) if time]
    lasts = [time for time in (older.last, more.last) if time]
    older.first, older.last = min(firsts, default=None), max(lasts, default=None)


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
        _add(older, order, 1)
        if order.placed and order.counts:
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


def _add(older: OlderOrders, order: Order, sign: int) -> None:
    """Count an order in, or out again (`sign` -1); one that does not count changes nothing."""
    if not order.counts:
        return
    older.count += sign
    _plus(older.revenue, order.currency, sign * order.revenue)
    _sum(older.sums, order.currency, _alone(order), sign)


def _alone(order: Order) -> OrderSums:
    """The sums over one order that counts."""
    margin = order.margin
    costed = margin is not None
    return OrderSums(1, order.units, order.discounted, costed, margin or Decimal(0))


def _sum(sums: dict[str, OrderSums], currency: str, more: OrderSums, sign: int) -> None:
    total = sums.get(currency) or OrderSums()
    sums[currency] = OrderSums(
        total.count + sign * more.count,
        total.units + sign * more.units,
        total.discounted + sign * more.discounted,
        total.costed + sign * more.costed,
        total.margin + sign * more.margin,
    )
    if not sums[currency].count:
        del sums[currency]


def _plus(sums: dict[str, Decimal], currency: str, amount: Decimal) -> None:
    """Add to a sum; one that is nothing takes no room."""
    total = sums.get(currency, Decimal(0)) + amount
    sums[currency] = total
    if not total:
        del sums[currency]


def revenue(profile: Profile) -> dict[str, Decimal]:
    """Revenue per currency over all orders of a person."""
    total = dict(profile.older_orders.revenue)
    for order in profile.orders.values():
        worth = order.revenue
        if worth:
            _plus(total, order.currency, worth)
    return total


def sums(profile: Profile) -> dict[str, OrderSums]:
    """Sums per currency over all orders of a person that count."""
    total = dict(profile.older_orders.sums)
    for order in profile.orders.values():
        if order.counts:
            _sum(total, order.currency, _alone(order), 1)
    return total


def count(profile: Profile) -> int:
    """How many orders count (completed, neither cancelled nor wholly refunded)."""
    return profile.older_orders.count + sum(order.counts for order in profile.orders.values())
