"""Learning clusters at the end of a census: what is read for it, and what it leaves behind."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import msgspec

from functions.segments.census_records import KEPT_FOR
from functions.segments.cluster_figures import report
from functions.segments.cluster_records import (
    CHOICES_KEY,
    ClusterChoices,
    ClusterModel,
    ClusterReport,
    FirstOrder,
    FirstOrdersPart,
    Sampled,
)
from functions.segments.clusters import learn
from functions.segments.first_order import first_order
from functions.segments.sample import Sample
from functions.storage import people, shelf
from functions.storage.erasing import leave_out_erased
from functions.storage.store import Store, change

EVERY = timedelta(days=6, hours=12)  # a week, though a census is not always at the same hour
PART = 300_000  # bytes: a row takes 400 KB


def choices(store: Store) -> ClusterChoices:
    """What marketers chose; nothing before anybody did."""
    return store.get(ClusterChoices, CHOICES_KEY) or ClusterChoices()


def choose(store: Store, alter: Callable[[ClusterChoices], bool]) -> ClusterChoices:
    """Change what was chosen; `alter` says whether there is anything to keep. Raises Contended."""
    return change(store, lambda: choices(store), alter)


def is_asked(store: Store, last: ClusterModel | None) -> bool:
    """Whether somebody asked to learn anew since it was done last."""
    asked = choices(store).asked
    return asked is not None and (last is None or asked > last.made)


def is_due(store: Store, last: ClusterModel | None, now: datetime) -> bool:
    """Whether it is to be learned now: a week after the last time, or when it is asked for."""
    return last is None or now - last.made >= EVERY or is_asked(store, last)


def learn_and_keep(
    store: Store, sample: Sample, before: ClusterModel | None, made: datetime
) -> ClusterModel:
    """The clusters of a sample; what is told of them, and the first orders, are kept."""
    learned = learn(sample.drawn, before, made)
    told = report(learned, sample.drawn, sample.customers, before)
    leave_out_erased(store, told, made)
    store.write([told])
    _keep_firsts(store, sample, made)
    return learned.model


def newest_report(store: Store) -> ClusterReport | None:
    """What was learned last."""
    found, _ = store.listing(ClusterReport, limit=1)
    return found[0] if found else None


def _keep_firsts(store: Store, sample: Sample, made: datetime) -> None:
    categories = _categories(store)
    firsts = [one for drawn in sample.drawn if (one := _first(store, drawn))]
    for one in firsts:
        one.category = categories.get(one.product, "")
    body = msgspec.msgpack.encode((made, firsts))
    expires = int((made + KEPT_FOR).timestamp())
    pieces = [body[first : first + PART] for first in range(0, len(body), PART)]
    rows = [FirstOrdersPart(number, piece, expires) for number, piece in enumerate(pieces, 1)]
    # The first says how many there are, so that parts of an earlier, longer one do no harm.
    head = FirstOrdersPart(0, msgspec.msgpack.encode(len(pieces)), expires)
    store.write([*rows, head])


def _first(store: Store, drawn: Sampled) -> FirstOrder | None:
    if drawn.first:
        return drawn.first
    profile = people.profile_of(store, drawn.person)
    return first_order(profile, people.order_rows(store, profile))


def _categories(store: Store) -> Mapping[str, str]:
    """Of products: as they were sent to us, else as orders tell of them."""
    learned = shelf.read(store)
    known = {**(learned.seen if learned else {}), **{one.sku: one for one in shelf.sent(store)}}
    return {sku: one.category for sku, one in known.items() if one.category}


def first_orders(store: Store) -> tuple[datetime | None, list[FirstOrder]]:
    """Those of the sample, and when it was drawn; None before the first time."""
    head = store.get(FirstOrdersPart, "first orders", f"{0:05}")
    if head is None:
        return None, []
    count = msgspec.msgpack.decode(head.body, type=int)
    rows = (
        store.get(FirstOrdersPart, "first orders", f"{number:05}") for number in range(1, count + 1)
    )
    body = b"".join(row.body for row in rows if row)
    return msgspec.msgpack.decode(body, type=tuple[datetime, list[FirstOrder]])
