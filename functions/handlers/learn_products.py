"""Hourly: once a day it is learned which products are bought by the same people."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import msgspec

from functions.handlers import wiring
from functions.handlers.discreet import Logger
from functions.messages.template import mentions_products
from functions.products.alike import RECENT, Baskets
from functions.products.bought import bought
from functions.products.product import Product, from_line
from functions.storage import people, shelf
from functions.storage.remember import timeline
from functions.tracking.event import Event
from functions.tracking.profile import Profile

logger = Logger(service="learn_products")
PAGE = 100  # people that are read at once
RESERVE = 240_000  # milliseconds before the end of an invocation: time to count and to keep
MOST_LOOKED_UP = 200  # people in whose timelines we look for what products are called
KNOWN_FOR = timedelta(days=30)  # then a product that nobody sent us is looked up again
TOLD = ("Order Completed", "Order Updated", "Product Viewed", "Product Added")


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Returns how many people bought something, and how many products were learned of.

    Where the time is too short for everybody it is learned of those who came to us last.
    """
    left = getattr(context, "get_remaining_time_in_millis", None)
    done = Lesson(wiring.parts(), left).learn()
    logger.info("learned", extra=done)
    return done


class Lesson:
    """The day's pass over everybody. `left`: milliseconds that remain, None where nothing ends
    it."""

    def __init__(self, parts: wiring.Parts, left: Callable[[], int] | None) -> None:
        self.parts, self.store, self._left = parts, parts.store, left
        self._buyers: dict[str, str] = {}

    def learn(self) -> dict[str, int]:
        """Learn, if it was not done today and anybody asks for it."""
        before, now = shelf.read(self.store), self.parts.now()
        if before and before.made.date() >= now.date():
            return {"people": 0, "products": 0}
        sent = {product.sku: product for product in shelf.sent(self.store)}
        if not sent and not self._is_mentioned():
            return {"people": 0, "products": 0}
        baskets = self._baskets()
        seen = self._seen(baskets, sent, before.seen if before else {})
        learned = baskets.learn(now, {**seen, **sent})
        learned.seen = seen
        shelf.keep(self.store, learned)
        self.parts.library.shelf.forget()
        return {"people": learned.people, "products": len(learned.items)}

    def _is_mentioned(self) -> bool:
        """Whether a message in force shows products to somebody."""
        return any(
            mentions_products(text)
            for published in self.parts.library.journeys()
            for text in published.files.values()
        )

    def _baskets(self) -> Baskets:
        baskets = Baskets()
        for profile in self._everybody():
            skus = bought(profile)
            if len(skus) < RECENT and profile.older_orders.moved:
                skus = bought(profile, people.order_rows(self.store, profile))
            baskets.take(skus)
            for sku in skus:
                self._buyers.setdefault(sku, profile.person)
        return baskets

    def _everybody(self) -> Iterator[Profile]:
        """As far as there is time; those who came last come first."""
        page, after = self.store.listing(Profile, limit=PAGE)
        yield from page
        while after and not self._is_over():
            page, after = self.store.listing(Profile, limit=PAGE, after=after)
            yield from page

    def _is_over(self) -> bool:
        return self._left is not None and self._left() < RESERVE

    def _seen(
        self, baskets: Baskets, sent: Mapping[str, Product], before: Mapping[str, Product]
    ) -> dict[str, Product]:
        """What events tell of products that nobody sent us, those that most people buy first."""
        fresh, popular = self.parts.now() - KNOWN_FOR, baskets.popular()
        wanted = dict.fromkeys(sku for sku in popular if sku not in sent)
        found = {sku: one for sku, one in before.items() if sku in wanted}
        looked_up: set[str] = set()
        for sku in wanted:
            known, buyer = found.get(sku), self._buyers[sku]
            is_fresh = known is not None and known.changed is not None and known.changed > fresh
            if is_fresh or buyer in looked_up:
                continue
            if len(looked_up) == MOST_LOOKED_UP:
                break
            looked_up.add(buyer)
            told = self._told_by(buyer)
            found |= {sku: told[sku] for sku in told if sku in wanted}
        return found

    def _told_by(self, person: str) -> dict[str, Product]:
        """What a person's events tell of products, the latest last. Only those with a trusted key:
        what any browser may say must not stand in the mails of others."""
        profile = people.profile_of(self.store, person)
        told = (event for event in timeline(self.store, profile) if event.trusted)
        products = (one for event in told if event.name in TOLD for one in _products(event))
        now = self.parts.now()
        return {one.sku: msgspec.structs.replace(one, changed=now) for one in products}


def _products(event: Event) -> Iterator[Product]:
    lines = event.properties.get("products")
    currency = str(event.properties.get("currency") or "")
    for line in lines if isinstance(lines, list) else [event.properties]:
        found = from_line(line, currency) if isinstance(line, dict) else None
        if found:
            yield found
