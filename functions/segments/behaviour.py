"""How a customer behaves, in numbers: what clusters are made of.

All of it is in the profile. What nobody knows of a customer (no visit was ever seen, no mail was
ever sent) is left out, and never taken for nothing. How many different products somebody buys is
not among it: of older orders a profile keeps sums only, and two orders say little.
"""

from collections.abc import Callable
from datetime import datetime
from math import log1p

from functions.segments import shopping
from functions.tracking import orders, visits
from functions.tracking.profile import Profile

Known = dict[str, float]
DELIVERED, OPENED = "Email Delivered", "Email Opened"
# Told as a share from 0 to 1; of all others the logarithm is taken, for they have long tails.
SHARES = frozenset({"margin", "coupons", "engagement", "mobile"})


def _recency(profile: Profile, at: datetime) -> float:
    """Days since the last order; an order that came after `at` is of today."""
    return max((at - max(shopping.order_times(profile))) / shopping.DAY, 0.0)


def _basket(profile: Profile, at: datetime) -> float | None:
    return _number(shopping.COMPUTED["basket"](profile, at))


def _gap(profile: Profile, at: datetime) -> float | None:
    return _number(shopping.COMPUTED["order_gap"](profile, at))


def _coupons(profile: Profile, at: datetime) -> float | None:
    return _number(shopping.COMPUTED["coupon_share"](profile, at))


def _margin(profile: Profile, at: datetime) -> float | None:
    """Of the revenue; only where the cost of every order is known."""
    sums = orders.sums(profile).get(shopping.currency(profile) or "")
    revenue = shopping.revenue(profile, at)
    if sums is None or sums.costed < sums.count or not revenue:
        return None
    return float(sums.margin / revenue)


def _visits(profile: Profile, at: datetime) -> float | None:
    return float(visits.count(profile.visits)) if profile.visits else None


def _engagement(profile: Profile, at: datetime) -> float | None:
    """Mails opened of mails delivered."""
    delivered, opened = profile.events.get(DELIVERED), profile.events.get(OPENED)
    return min(1.0, opened.count / delivered.count if opened else 0.0) if delivered else None


def _mobile(profile: Profile, at: datetime) -> float | None:
    """Pages looked at with a phone, of all whose device is known."""
    counts = {name: seen.count for name, seen in profile.devices.items()}
    return counts.get("mobile", 0) / sum(counts.values()) if counts else None


def _number(found: object) -> float | None:
    return None if found is None else float(str(found))


# In the order in which they go before one another where two say the same.
ASKED: dict[str, Callable[[Profile, datetime], float | None]] = {
    "recency": _recency,
    "orders": lambda profile, at: float(orders.count(profile)),
    "basket": _basket,
    "coupons": _coupons,
    "margin": _margin,
    "gap": _gap,
    "visits": _visits,
    "engagement": _engagement,
    "mobile": _mobile,
}


def behaviour(profile: Profile, at: datetime) -> Known:
    """What is known of a customer as of `at`: days for recency and gap, money for the basket, parts
    of 1 for shares. Nothing of somebody without an order."""
    if not orders.count(profile):
        return {}
    found = {name: ask(profile, at) for name, ask in ASKED.items()}
    return {name: value for name, value in found.items() if value is not None}


def scaled(name: str, value: float) -> float:
    """As it is compared: shares as they are, of all others the logarithm."""
    return value if name in SHARES else log1p(max(value, 0.0))
