"""The shelf: products and what was learned of them, read from the store and kept for a while."""

from collections.abc import Callable, Iterable
from datetime import timedelta

import msgspec

from functions.products.alike import Learned
from functions.products.product import LearnedPart, Product, product_key
from functions.products.suggest import Adviser
from functions.storage.store import Store

KEPT_FOR = 600.0  # seconds
MOST_KEPT = 2_000  # products
PART = 300_000  # bytes: a row takes 400 KB
FORGOTTEN = timedelta(days=30)
NEWEST = "newest"


class Shelf:
    """What may be suggested, asked again after ten minutes of real time, which `seconds` tells."""

    def __init__(self, store: Store, seconds: Callable[[], float]) -> None:
        self._store, self._seconds = store, seconds
        self._adviser: Adviser | None = None
        self._read_at: float | None = None
        self._products: dict[str, tuple[float, Product | None]] = {}

    def forget(self) -> None:
        """Ask again at the next call (something was learned, or products were sent)."""
        self._read_at = None
        self._products = {}

    def adviser(self) -> Adviser | None:
        """Who suggests by what was learned last; None before anything was."""
        now = self._seconds()
        if self._read_at is None or now - self._read_at >= KEPT_FOR:
            learned, known = read(self._store), self._adviser
            if learned is None:
                self._adviser = None
            elif known is None or known.learned.made != learned.made:
                self._adviser = Adviser(learned)
            self._read_at = now
        return self._adviser

    def product(self, sku: str) -> Product | None:
        """A product as it was sent to us, else as orders tell of it."""
        now = self._seconds()
        at, found = self._products.get(sku, (now - KEPT_FOR, None))
        if now - at >= KEPT_FOR:
            found = self._store.get(Product, product_key(sku))
            if len(self._products) >= MOST_KEPT:
                self._products = {}
            self._products[sku] = (now, found)
        if found is None and self._adviser:
            found = self._adviser.learned.seen.get(sku)
        return found


def read(store: Store) -> Learned | None:
    """What was learned last; None where parts of it have expired."""
    head = store.get(LearnedPart, "learned", NEWEST)
    if head is None:
        return None
    made, count = msgspec.msgpack.decode(head.body, type=tuple[str, int])
    bodies = [part.body for part in store.query(LearnedPart, "learned", prefix=f"{made}/")]
    if len(bodies) < count:
        return None
    return msgspec.msgpack.decode(b"".join(bodies), type=Learned)


def keep(store: Store, learned: Learned) -> None:
    """Keep what was learned, in parts. Those of the time before stay until the next time, for who
    is reading them."""
    body, made = msgspec.msgpack.encode(learned), learned.made.isoformat()
    pieces = [body[first : first + PART] for first in range(0, len(body), PART)]
    expires = int((learned.made + FORGOTTEN).timestamp())
    before = store.get(LearnedPart, "learned", NEWEST)
    current = {made, msgspec.msgpack.decode(before.body, type=tuple[str, int])[0] if before else ""}
    store.write(
        [LearnedPart(f"{made}/{number:04}", one, expires) for number, one in enumerate(pieces)]
    )
    head = msgspec.msgpack.encode((made, len(pieces)))
    store.write([LearnedPart(NEWEST, head, expires)])
    for part in list(store.query(LearnedPart, "learned")):
        if part.key != NEWEST and part.key.partition("/")[0] not in current:
            store.delete(part)


def sent(store: Store) -> Iterable[Product]:
    """Every product that was sent to us."""
    page, after = store.listing(Product, limit=500)
    yield from page
    while after:
        page, after = store.listing(Product, limit=500, after=after)
        yield from page
