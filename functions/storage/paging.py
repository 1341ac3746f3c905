"""Which keys a query reads, and how the pages of a listing are put together."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from functions.storage.kinds import Kind
from functions.storage.packing import MOST_PARTITION_BYTES, MOST_SORT_BYTES, check

T = TypeVar("T")


class Span(NamedTuple):
    """Sort keys from `low` to `high`, both included, less those in `without`.

    DynamoDB knows BETWEEN, but no bound that is itself left out, so the reader drops it.
    """

    low: str
    high: str
    without: frozenset[str]


def span(
    kind: Kind, partition: str, prefix: str = "", after: str = "", newest_first: bool = False
) -> Span | None:
    """The sort keys that `Store.query` asks for; None when there can be none."""
    check(partition, MOST_PARTITION_BYTES)
    low = kind.head + prefix
    high = _next(low) if kind.sort else low
    without = {high} if kind.sort else set()
    if after:
        start = kind.head + after
        low, high = (low, min(high, start)) if newest_first else (max(low, start), high)
        without.add(start)
    check(low, MOST_SORT_BYTES)
    check(high, MOST_SORT_BYTES)
    return Span(low, high, frozenset(without)) if low <= high else None


def _next(text: str) -> str:
    """The least text greater than all that begin with this one."""
    text = text.rstrip("\U0010ffff")
    last = ord(text[-1]) + 1
    return text[:-1] + chr(0xE000 if last == 0xD800 else last)  # no half of a surrogate pair


class Entry(NamedTuple):
    """One row of the index of listings: where it stands, and the keys of the record."""

    listed: str
    pk: str
    sk: str

    @property
    def name(self) -> str:
        """The listing it stands in."""
        return self.listed.partition("#")[0]

    @property
    def place(self) -> str:
        """Where it stands in its listing: the entry without the listing's name."""
        return self.listed.partition("#")[2]


# (low, high, limit): the greatest entries of a kind between two bounds, both included.
Index = Callable[[str, str, int], list[Entry]]


def page(kind: Kind, index: Index, name: str, limit: int, after: str) -> tuple[list[Entry], str]:
    """One page of a listing, newest first, and the place where the next page begins.

    Without a name it merges the listings of all names: one small read for each.
    """
    if kind.listing is None:
        raise ValueError(f"there is no listing of {kind.prefix} records")
    names = [name] if name or not kind.named else _names(index)
    found = [
        entry
        for each in names
        for entry in index(f"{each}#", f"{each}#{after}" if after else f"{each}$", limit + 1)
    ]
    found.sort(key=lambda entry: entry.place, reverse=True)
    return found[:limit], found[limit].place if len(found) > limit else ""


def fresh(
    kind: Kind, entries: Iterable[Entry], records: Mapping[tuple[str, str], T | None]
) -> list[T]:
    """The records in the order of their entries.

    The index lags behind: what is gone, or no longer in this listing, is left out; what has only
    moved within it is given at its old place.
    """
    found = ((entry, records.get((entry.pk, entry.sk))) for entry in entries)
    return [
        record
        for entry, record in found
        if record is not None and _stands_in(kind, record) == entry.name
    ]


def _stands_in(kind: Kind, record: object) -> str | None:
    listing = kind.listing(record) if kind.listing else None
    return listing[0] if listing else None


def _names(index: Index) -> Iterator[str]:
    """The names in use, found by jumping from each over all its entries to the next."""
    high = "\U0010ffff"
    while found := index("\x01", high, 1):
        yield found[0].name
        high = f"{found[0].name}#"
