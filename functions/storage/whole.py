"""All records of a kind, page by page, for reports."""

from collections.abc import Iterator
from typing import TypeVar

from functions.storage.store import Store

T = TypeVar("T")
MOST = 20_000  # records in one report: what an answer of the admin API has the time to read


def every(store: Store, kind: type[T]) -> Iterator[T]:
    """Every listed record of the kind, newest first; MOST at the most."""
    found, after, told = *store.listing(kind, limit=500), 0
    while True:
        for record in found:
            told += 1
            yield record
        if not after or told >= MOST:
            return
        found, after = store.listing(kind, limit=500, after=after)
