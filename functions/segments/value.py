"""What a customer is worth: what came in so far, and what is expected of them by the day's model.

All of it is as of the day on which the model was fitted (`cuts.made`): until the next day's it
changes by the customer's own orders, and not by the passing of time.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from functions.segments import shopping
from functions.segments.buying import History
from functions.segments.census_records import Cuts
from functions.segments.operators import Kind
from functions.segments.spending import Spent
from functions.tracking import orders
from functions.tracking.profile import OrderSums, Profile

DAY = timedelta(days=1)
HORIZON = 365  # days in which orders and revenue are expected
SOON = 30  # days in which another order is probable or not


def ordered(profile: Profile) -> tuple[int, datetime, datetime] | None:
    """How many orders count, the first and the last; None where none do."""
    count, times = orders.count(profile), shopping.order_times(profile)
    return (count, min(times), max(times)) if count and times else None


def history(profile: Profile, made: datetime) -> History | None:
    """As the model counts: orders after the first, and days from the first one to the last and to
    the day of the model; for who ordered since, to the last order."""
    found = ordered(profile)
    if found is None:
        return None
    count, first, last = found
    return count - 1, (last - first) / DAY, (max(last, made) - first) / DAY


def spent(profile: Profile, currency: str) -> Spent | None:
    """The orders that count in a currency, and what they came to on average."""
    count = orders.sums(profile).get(currency, OrderSums()).count
    revenue = orders.revenue(profile).get(currency, Decimal(0))
    return (count, float(revenue) / count) if count > 0 and revenue > 0 else None


def expected_orders(profile: Profile, cuts: Cuts, days: float = HORIZON) -> float | None:
    """How many more orders are expected in so many days; None without orders or a model."""
    model, found = cuts.value and cuts.value.buying, history(profile, cuts.made)
    return model.expected(found, days) if model and found else None


def expected_revenue(profile: Profile, cuts: Cuts, days: float = HORIZON) -> Decimal | None:
    """What those will come to, in the currency that most came in so far; None also where nothing is
    known of amounts in this currency."""
    currency = shopping.currency(profile) or ""
    model = cuts.value and cuts.value.spending.get(currency)
    number, found = expected_orders(profile, cuts, days), spent(profile, currency)
    if number is None or not model or not found:
        return None
    return round(Decimal(number * model.expected(found)), 2)


def probability(profile: Profile, cuts: Cuts, days: float = SOON) -> float | None:
    """Of at least one more order in so many days, from 0 to 1; None as above."""
    model, found = cuts.value and cuts.value.buying, history(profile, cuts.made)
    return round(model.probability(found, days), 4) if model and found else None


def alive(profile: Profile, cuts: Cuts) -> float | None:
    """The probability that they still are a customer, from 0 to 1; None as above."""
    model, found = cuts.value and cuts.value.buying, history(profile, cuts.made)
    return round(model.alive(found), 4) if model and found else None


def lifetime(profile: Profile, now: datetime, cuts: Cuts) -> Decimal:
    """What came in so far and what is expected; the former alone where nothing is foretold."""
    return shopping.revenue(profile, now) + (expected_revenue(profile, cuts) or 0)


def formula(cuts: Cuts | None) -> str:
    """By what it was computed, "" where nothing is foretold."""
    model = cuts.value if cuts else None
    if cuts is None or model is None or model.buying is None:
        return ""
    names = "BG/NBD + Gamma-Gamma" if model.spending else "BG/NBD"
    return f"{names}, fitted {cuts.made:%Y-%m-%d} over {model.customers:,} customers"


def why_none(profile: Profile, cuts: Cuts | None) -> str:
    """Why no revenue is foretold of a person, "" where it is."""
    if cuts is None or cuts.value is None:
        return "nobody has been counted yet: that is done once a day"
    if expected_revenue(profile, cuts) is not None:
        return ""
    if cuts.value.buying is None:
        return cuts.value.why
    if ordered(profile) is None:
        return "they have not ordered"
    return cuts.value.why or f"too few orders in {shopping.currency(profile)} to tell amounts by"


def _orders(profile: Profile, now: datetime, cuts: Cuts) -> float | None:
    found = expected_orders(profile, cuts)
    return None if found is None else round(found, 4)


COMPUTED: dict[str, Callable[[Profile, datetime, Cuts], Any]] = {
    "lifetime_value": lifetime,
    "expected_revenue": lambda profile, now, cuts: expected_revenue(profile, cuts),
    "expected_orders": _orders,
    "purchase_probability": lambda profile, now, cuts: probability(profile, cuts),
    "still_customer": lambda profile, now, cuts: alive(profile, cuts),
}
KINDS: dict[str, Kind] = dict.fromkeys(COMPUTED, "number")
SHARES = ("purchase_probability", "still_customer")  # from 0 to 1
