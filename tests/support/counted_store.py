"""A store that counts what its writes and reads would cost in DynamoDB."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from functions.storage.kinds import KINDS, Table
from functions.storage.packing import Item, item_size, key_of, pack
from functions.storage.store import Conflict, Store
from functions.storage.units import table_units, transaction_units, write_units

READ_UNIT = 4096  # bytes, read strongly consistently


class Written(NamedTuple):
    """One write: for whom (`CountedStore.work`), the kind's prefix, its units and its size."""

    work: str
    kind: str
    units: int
    size: int


class CountedStore(Store):
    """Store's methods over another store that nobody else writes to.

    Items are packed as DynamoStore packs them, whatever the store beneath does. `written` has
    every write since the last `take`, `read_units` the units of strongly consistent reads by kind.
    A listing is not counted: nothing on an event's way reads one.
    """

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        self._items: dict[tuple[Table, str, str], Item] = {}
        self.work = ""  # what is being done: a name for those who sum up
        self.written: list[Written] = []
        self.read_units: Counter[str] = Counter()

    def get(self, kind: type, partition: str, sort: str = "") -> Any:
        found = self._inner.get(kind, partition, sort)
        self._count_read(kind, [found] if found else [])
        return found

    def query(self, kind: type, partition: str, **more: Any) -> Iterator[Any]:
        """Reads to the end: DynamoDB reads a whole page, however little of it is used."""
        found = list(self._inner.query(kind, partition, **more))
        self._count_read(kind, found)
        return iter(found)

    def listing(self, kind: type, name: str = "", **more: Any) -> tuple[list[Any], str]:
        return self._inner.listing(kind, name, **more)

    def put(self, record: Any) -> None:
        item, before = pack(record), self._before(record)
        try:
            self._inner.put(record)
        except Conflict:
            self._note(record, item, table_units(before, item))
            raise
        self._note(record, item, write_units(before, item))
        self._keep(record, item)

    def put_together(self, records: Sequence[Any]) -> None:
        items = [pack(record) for record in records]
        befores = [self._before(record) for record in records]
        try:
            self._inner.put_together(records)
        except Conflict:
            for record, before, item in zip(records, befores, items, strict=True):
                self._note(record, item, 2 * table_units(before, item))
            raise
        for record, before, item in zip(records, befores, items, strict=True):
            self._note(record, item, transaction_units(before, item))
            self._keep(record, item)

    def write(self, records: Sequence[Any]) -> None:
        self._inner.write(records)
        for record in _last_of_each(records):
            item = pack(record)
            self._note(record, item, write_units(self._before(record), item))
            self._keep(record, item)

    def say(self, kind: type, partition: str, word: str) -> str | None:
        found = self._inner.say(kind, partition, word)
        record = self._inner.get(kind, partition)
        if record is not None:
            self._note(record, item := pack(record), table_units(self._before(record), item))
        return found

    def delete(self, record: Any) -> None:
        before = self._before(record)
        self._inner.delete(record)
        self._note(record, before, write_units(before, None))
        self._items.pop(_place(record), None)

    def take(self) -> list[Written]:
        """What was written since the last time."""
        taken, self.written = self.written, []
        return taken

    def _before(self, record: Any) -> Item | None:
        return self._items.get(_place(record))

    def _keep(self, record: Any, item: Item) -> None:
        self._items[_place(record)] = item

    def _note(self, record: Any, item: Item | None, units: int) -> None:
        size = item_size(item) if item else 0
        self.written.append(Written(self.work, KINDS[type(record)].prefix, units, size))

    def _count_read(self, kind: type, found: list[Any]) -> None:
        size = sum(item_size(self._before(one) or pack(one)) for one in found)
        self.read_units[KINDS[kind].prefix] += max(1, -(-size // READ_UNIT))


def by_kind(written: Iterable[Written]) -> Counter[str]:
    """Units by the kind of record."""
    spent: Counter[str] = Counter()
    for one in written:
        spent[one.kind] += one.units
    return spent


def _place(record: Any) -> tuple[Table, str, str]:
    return (KINDS[type(record)].table, *key_of(record))


def _last_of_each(records: Sequence[Any]) -> list[Any]:
    """A batch writes each key once."""
    return list({_place(record): record for record in records}.values())
