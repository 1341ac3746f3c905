"""What a person's orders come to: averages, discounts, margin, and the time between them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from functions.segments.operators import Kind
from functions.tracking import orders
from functions.tracking.profile import OrderSums, Profile

DAY = timedelta(days=1)
RECENT = orders.KEPT_IN_PROFILE  # so many always stay in the profile


def currency(profile: Profile) -> str | None:
    """The currency that most of the revenue came in; None without revenue."""
    revenue = orders.revenue(profile)
    return max(revenue, key=lambda one: (revenue[one], one), default=None)


def revenue(profile: Profile, now: datetime) -> Decimal:
    """In the currency that most of it came in."""
    return max(orders.revenue(profile).values(), default=Decimal(0))


def order_times(profile: Profile) -> list[datetime]:
    """When orders that count were placed: the first and the last are among them."""
    older = profile.older_orders
    placed = [order.placed for order in profile.orders.values() if order.counts]
    return [time for time in (*placed, older.first, older.last) if time]


def _sums(profile: Profile) -> OrderSums:
    """Those of the currency that most of the revenue came in."""
    return orders.sums(profile).get(currency(profile) or "", OrderSums())


def _basket(profile: Profile, now: datetime) -> Decimal | None:
    """Revenue of an order on average, to a hundredth."""
    count = _sums(profile).count
    return round(revenue(profile, now) / count, 2) if count else None


def margin(profile: Profile, now: datetime) -> Decimal | None:
    """Revenue less cost over the orders whose cost is known; None where none is."""
    sums = _sums(profile)
    return sums.margin if sums.costed else None


def _in_all(profile: Profile) -> tuple[int, Decimal, int]:
    """Orders, units, and orders with a discount, whatever their currency."""
    every = orders.sums(profile).values()
    units = sum((one.units for one in every), Decimal(0))
    return sum(one.count for one in every), units, sum(one.discounted for one in every)


def _items(profile: Profile, now: datetime) -> Decimal | None:
    """Units of an order on average, to a hundredth; None where no order says what was bought."""
    count, units, _ = _in_all(profile)
    return round(units / count, 2) if units else None


def _used_coupons(profile: Profile, now: datetime) -> int:
    return _in_all(profile)[2]


def _coupon_share(profile: Profile, now: datetime) -> Decimal | None:
    """Orders with a coupon or a discount as a part of all, from 0 to 1, to a ten-thousandth."""
    count, _, discounted = _in_all(profile)
    return round(Decimal(discounted) / count, 4) if count else None


def _order_gap(profile: Profile, now: datetime) -> float | None:
    """Days from order to order on average, to a tenth; None before the second."""
    times, count = order_times(profile), orders.count(profile)
    return round((max(times) - min(times)) / DAY / (count - 1), 1) if count > 1 else None


def _last_products(profile: Profile, now: datetime) -> list[str]:
    """What the latest orders were of, the newest first."""
    known = [order for order in profile.orders.values() if order.counts]
    known.sort(key=lambda order: (str(order.placed), order.order_id), reverse=True)
    return list(dict.fromkeys(sku for order in known[:RECENT] for sku in order.skus))


COMPUTED: dict[str, Callable[[Profile, datetime], Any]] = {
    "orders": lambda profile, now: orders.count(profile),
    "revenue": revenue,
    "first_order": lambda profile, now: min(order_times(profile), default=None),
    "last_order": lambda profile, now: max(order_times(profile), default=None),
    "lifetime_value": revenue,  # what came in so far; what may still come is not foretold
    "basket": _basket,
    "margin": margin,
    "items": _items,
    "used_coupons": _used_coupons,
    "coupon_share": _coupon_share,
    "order_gap": _order_gap,
    "last_products": _last_products,
}
KINDS: dict[str, Kind] = {
    "orders": "number",
    "revenue": "number",
    "first_order": "date",
    "last_order": "date",
    "lifetime_value": "number",
    "basket": "number",
    "margin": "number",
    "items": "number",
    "used_coupons": "number",
    "coupon_share": "number",
    "order_gap": "number",
}
