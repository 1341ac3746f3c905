"""The store of a stage: what is read and written most is kept as it is, unpacked.

Whoever reads a record has the very one that is kept. So nobody may change one without putting it;
a test holds it (test_stage_agrees.py).
"""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, cast

from functions.journeys.run import Decision, Run, Waits
from functions.storage.kinds import KINDS
from functions.storage.memory_store import MemoryStore
from functions.storage.store import Conflict
from functions.tracking.evidence import Evidence
from functions.tracking.message import Message
from functions.tracking.pause import Pause
from functions.tracking.permission import Permission
from functions.tracking.profile import OrderRow, Profile, TimelineRow

T = TypeVar("T")
LIVE = (Profile, Permission, Run, Waits, Message, Decision, Evidence, Pause, TimelineRow, OrderRow)
Rows = dict[str, dict[str, Any]]  # by partition and sort value


class LiveStore(MemoryStore):
    """For one thread, and without a limit to the size of a record."""

    def __init__(self) -> None:
        super().__init__()
        self._live: dict[type, Rows] = {kind: {} for kind in LIVE}

    def get(self, kind: type[T], partition: str, sort: str = "") -> T | None:
        if kind not in self._live:
            return super().get(kind, partition, sort)
        rows = self._live[kind].get(partition)
        return rows.get(sort) if rows else None

    def put(self, record: Any) -> None:
        kind = type(record)
        if kind not in self._live:
            return super().put(record)
        where = KINDS[kind]
        pk, sk = where.partition(record), where.sort(record) if where.sort else ""
        of_partition = self._live[kind].setdefault(pk, {})
        there = of_partition.get(sk)
        # One that somebody else has read is the same one, and up to date.
        if there is not record and (there.version if there else 0) != record.version:
            raise Conflict((pk, sk))
        record.version += 1
        of_partition[sk] = record

    def put_together(self, records: Sequence[Any]) -> None:
        for record in records:
            self.put(record)

    def write(self, records: Sequence[Any]) -> None:
        for record in records:
            if type(record) in self._live:
                self._lay(record)
            else:
                super().write([record])

    def _lay(self, record: Any) -> None:
        where = KINDS[type(record)]
        sort = where.sort(record) if where.sort else ""
        self._live[type(record)].setdefault(where.partition(record), {})[sort] = record

    def delete(self, record: Any) -> None:
        kind = type(record)
        if kind not in self._live:
            return super().delete(record)
        where = KINDS[kind]
        sort = where.sort(record) if where.sort else ""
        self._live[kind].get(where.partition(record), {}).pop(sort, None)

    def query(
        self,
        kind: type[T],
        partition: str,
        *,
        prefix: str = "",
        after: str = "",
        newest_first: bool = False,
    ) -> Iterator[T]:
        if kind not in self._live:
            return super().query(
                kind, partition, prefix=prefix, after=after, newest_first=newest_first
            )
        rows = self._live[kind].get(partition)
        if not rows:
            return iter(())
        found = [sort for sort in rows if sort.startswith(prefix)]
        if after:
            found = [sort for sort in found if (sort < after if newest_first else sort > after)]
        found.sort(reverse=newest_first)
        return iter([rows[sort] for sort in found])

    def listing(
        self, kind: type[T], name: str = "", *, limit: int = 100, after: str = ""
    ) -> tuple[list[T], str]:
        """Slow for what is kept unpacked, for nothing on a stage lists that."""
        if kind not in self._live:
            return super().listing(kind, name, limit=limit, after=after)
        packed = MemoryStore()
        for record in self.every(kind):
            packed.keep(record)
        return packed.listing(kind, name, limit=limit, after=after)

    def keep(self, record: Any) -> None:
        """Take over a record as it stands in another store; whoever had it reads it there again."""
        if type(record) in self._live:
            self._lay(record)
        else:
            super().keep(record)

    def clear(self) -> None:
        """Let go of everything: a stage knows itself, so its records would not go with it."""
        self._rows, self._listed, self._live = {}, {}, {kind: {} for kind in LIVE}

    def every(self, kind: type[T]) -> Iterator[T]:
        if kind not in self._live:
            yield from super().every(kind)
        for rows in self._live.get(kind, {}).values():
            yield from cast(list[T], list(rows.values()))
