"""The store in this process's memory: for what is tried out and thrown away, such as a forecast."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from functions.storage.kinds import KINDS, Kind
from functions.storage.packing import (
    SURELY_FITS,
    Item,
    key,
    key_of,
    pack,
    pack_for_put,
    pack_for_write,
    pack_together,
    unpack,
)
from functions.storage.paging import Entry, Index, Span, fresh, page, span
from functions.storage.store import Conflict, Store

T = TypeVar("T")
_SQUEEZE_FROM = SURELY_FITS  # only where it decides whether an item fits


class MemoryStore(Store):
    """Records packed as in the other stores, in dictionaries. For one thread."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, dict[str, Item]]] = {}
        self._listed: dict[str, list[Entry]] = {}

    def get(self, kind: type[T], partition: str, sort: str = "") -> T | None:
        return self._get(kind, *key(KINDS[kind], partition, sort))

    def _get(self, kind: type[T], pk: str, sk: str) -> T | None:
        item = self._partition(KINDS[kind], pk).get(sk)
        return unpack(kind, pk, item.body, item.version) if item else None

    def _partition(self, kind: Kind, pk: str) -> dict[str, Item]:
        return self._rows.setdefault(kind.table, {}).setdefault(pk, {})

    def put(self, record: Any) -> None:
        self._put_all([record], [pack_for_put(record, _SQUEEZE_FROM)])

    def put_together(self, records: Sequence[Any]) -> None:
        self._put_all(records, pack_together(records, _SQUEEZE_FROM))

    def _put_all(self, records: Sequence[Any], items: Sequence[Item]) -> None:
        for record, item in zip(records, items, strict=True):
            there = self._partition(KINDS[type(record)], item.pk).get(item.sk)
            if (there.version if there else 0) != record.version:
                raise Conflict(key_of(record))
        for record, item in zip(records, items, strict=True):
            self._keep(KINDS[type(record)], item)
            record.version += 1

    def _keep(self, kind: Kind, item: Item) -> None:
        partition = self._partition(kind, item.pk)
        before = partition.get(item.sk)
        partition[item.sk] = item
        if (before.listed if before else None) != item.listed:
            self._relist(kind, before, item)

    def _relist(self, kind: Kind, before: Item | None, after: Item | None) -> None:
        entries = self._listed.setdefault(kind.prefix, [])
        if before and before.listed:
            del entries[bisect_left(entries, Entry(before.listed, before.pk, before.sk))]
        if after and after.listed:
            insort(entries, Entry(after.listed, after.pk, after.sk))

    def write(self, records: Sequence[Any]) -> None:
        items = [
            (KINDS[type(record)], item)
            for record in records
            for [item] in pack_for_write([record], _SQUEEZE_FROM).values()
        ]
        for kind, item in items:
            self._keep(kind, item)

    def say(self, kind: type, partition: str, word: str) -> str | None:
        where = KINDS[kind]
        if where.takes_in is None or where.moved is None:
            raise ValueError(f"nothing can be said to a {where.prefix}")
        record: Any = self.get(kind, partition)
        if record is None:
            return None
        moved = where.moved(record)
        if not moved:
            where.takes_in(record, [word])
            self.put(record)
        return moved

    def delete(self, record: Any) -> None:
        pk, sk = key_of(record)
        before = self._partition(KINDS[type(record)], pk).pop(sk, None)
        if before and before.listed:
            self._relist(KINDS[type(record)], before, None)

    def query(
        self,
        kind: type[T],
        partition: str,
        *,
        prefix: str = "",
        after: str = "",
        newest_first: bool = False,
    ) -> Iterator[T]:
        keys = span(KINDS[kind], partition, prefix, after, newest_first)
        return self._between(kind, partition, keys, newest_first) if keys else iter(())

    def _between(
        self, kind: type[T], partition: str, keys: Span, newest_first: bool
    ) -> Iterator[T]:
        rows = self._partition(KINDS[kind], partition)
        found = [sk for sk in rows if keys.low <= sk <= keys.high and sk not in keys.without]
        for sk in sorted(found, reverse=newest_first):
            if sk in rows:  # who reads may write meanwhile
                yield unpack(kind, partition, rows[sk].body, rows[sk].version)

    def listing(
        self, kind: type[T], name: str = "", *, limit: int = 100, after: str = ""
    ) -> tuple[list[T], str]:
        where = KINDS[kind]
        entries, cursor = page(where, self._index(where), name, limit, after)
        found = {(entry.pk, entry.sk): self._get(kind, entry.pk, entry.sk) for entry in entries}
        return fresh(where, entries, found), cursor

    def _index(self, kind: Kind) -> Index:
        entries = self._listed.get(kind.prefix, [])

        def between(low: str, high: str, limit: int) -> list[Entry]:
            first = bisect_left(entries, (low,))
            last = bisect_right(entries, (high, "\U0010ffff"))
            return entries[max(first, last - limit) : last][::-1]

        return between

    def keep(self, record: Any) -> None:
        """Take over a record as it stands in another store, its version too."""
        item = pack(record, _SQUEEZE_FROM)
        version = record.version if KINDS[type(record)].versioned else None
        self._keep(KINDS[type(record)], item._replace(version=version))

    def begin_with(self, other: "MemoryStore") -> None:
        """Take over what another store has packed; each goes its own way from here."""
        self._rows = {
            table: {pk: dict(rows) for pk, rows in partitions.items()}
            for table, partitions in other._rows.items()
        }
        self._listed = {prefix: list(entries) for prefix, entries in other._listed.items()}

    def every(self, kind: type[T]) -> Iterator[T]:
        """All records of a kind, in no order."""
        where = KINDS[kind]
        for pk, rows in self._rows.get(where.table, {}).items():
            for sk, item in rows.items():
                if sk.startswith(where.head) if where.sort else sk == where.head:
                    yield unpack(kind, pk, item.body, item.version)
