"""Invented customers of some kinds, for tests of what is learned of behaviour."""

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from functions.tracking import orders
from functions.tracking.profile import Order, Profile

# (orders, days between them, amount, share with a coupon, days since the last)
KINDS = {
    "regular": (12, 6, 20, 0.0, 4),
    "hunter": (6, 14, 25, 0.9, 10),
    "rare": (3, 60, 90, 0.0, 90),
}
BULK = {"bulk": (20, 4, 2000, 0.0, 3)}  # whom a shop wins later


def shopper(kind: str, number: int, now: datetime, seed: int = 0) -> Profile:
    """One of a kind, who differs a little from the others of it."""
    chance = Random(f"{kind} {number} {seed}")
    count, gap, amount, coupons, since = {**KINDS, **BULK}[kind]
    profile = Profile(person=f"{kind}{number:04}", user_id=f"{kind}{number}", created=now)
    last = now - timedelta(days=since * chance.uniform(0.7, 1.4))
    for order in range(max(1, count + chance.randint(-1, 1))):
        placed = last - timedelta(days=order * gap * chance.uniform(0.8, 1.2))
        name = f"{profile.person}-{order}"
        value = Decimal(round(amount * chance.uniform(0.7, 1.4)))
        discounted = chance.random() < coupons
        profile.orders[name] = Order(name, placed, "EUR", value, discounted=discounted)
        orders.move_out(profile)
        profile.version += 1
    return profile


def shoppers(each: int, now: datetime, seed: int = 0, first: int = 0) -> list[Profile]:
    """So many of each kind."""
    numbers = range(first, first + each)
    return [shopper(kind, number, now, seed) for kind in KINDS for number in numbers]
