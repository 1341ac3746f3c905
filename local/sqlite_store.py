"""The store in one SQLite file, with DynamoDB's limits."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from functions.storage.kinds import KINDS, LISTED_TABLES, TABLES, Kind, Table
from functions.storage.packing import (
    SURELY_FITS,
    Item,
    key,
    key_of,
    pack_for_put,
    pack_for_write,
    pack_together,
    unpack,
)
from functions.storage.paging import Entry, Index, Span, fresh, page, span
from functions.storage.store import Conflict, Store

T = TypeVar("T")

# Compressing takes longer than all the rest: only done where it decides whether an item fits.
_SQUEEZE_FROM = SURELY_FITS
_ROWS_A_PAGE = 64
_BUSY_SECONDS = 30

# Tables have rowids, because rows of more than some hundred bytes take twice as long to write
# without. NORMAL: a power cut may cost the last commits, never the file. A checkpoint each 32 MB.
_SETTINGS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA cache_size = -65536;
PRAGMA wal_autocheckpoint = 8192;
"""


class _Sql:
    """The statements for one table, written out once: sqlite3 caches them by their text."""

    def __init__(self, table: Table) -> None:
        here = "WHERE pk = ? AND sk = ?"
        fields = ", ".join(Item._fields)
        marks = ", ".join("?" for _ in Item._fields)
        pages = f"SELECT sk, version, body FROM {table} WHERE pk = ? AND sk BETWEEN ? AND ?"
        self.make = f"""
            CREATE TABLE IF NOT EXISTS {table} (
                pk TEXT NOT NULL, sk TEXT NOT NULL, version INTEGER, body BLOB NOT NULL,
                expires INTEGER, listing TEXT, listed TEXT, PRIMARY KEY (pk, sk))"""
        self.make_index = f"""
            CREATE INDEX IF NOT EXISTS {table}_listing ON {table} (listing, listed)
            WHERE listing IS NOT NULL"""
        self.get = f"SELECT version, body FROM {table} {here}"
        self.create = f"INSERT INTO {table} ({fields}) VALUES ({marks}) ON CONFLICT DO NOTHING"
        self.write = f"INSERT OR REPLACE INTO {table} ({fields}) VALUES ({marks})"
        self.change = f"""
            UPDATE {table} SET version = ?, body = ?, expires = ?
            {here} AND version = ? AND listed IS ?"""
        self.relist = f"""
            UPDATE {table} SET version = ?, body = ?, expires = ?, listing = ?, listed = ?
            {here} AND version = ?"""
        self.delete = f"DELETE FROM {table} {here}"
        self.forward = f"{pages} ORDER BY sk LIMIT {_ROWS_A_PAGE}"
        self.backward = f"{pages} ORDER BY sk DESC LIMIT {_ROWS_A_PAGE}"
        self.listing = f"""
            SELECT listed, pk, sk FROM {table} WHERE listing = ? AND listed BETWEEN ? AND ?
            ORDER BY listed DESC LIMIT ?"""


_SQL = {table: _Sql(table) for table in TABLES}


class SqliteStore(Store):
    """The Store in one file; each thread has a connection of its own."""

    def __init__(self, path: str | Path) -> None:
        self._path = str(path)
        self._threads = threading.local()
        # SQLite lets one write at a time; waiting for a lock is faster than trying again.
        self._writing = threading.RLock()
        with self.together():
            for table, sql in _SQL.items():
                self.connection.execute(sql.make)
                if table in LISTED_TABLES:
                    self.connection.execute(sql.make_index)

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection; also for what must be committed together with the records."""
        try:
            return self._threads.connection  # type: ignore[no-any-return]
        except AttributeError:
            self._threads.connection = sqlite3.connect(
                self._path, timeout=_BUSY_SECONDS, isolation_level=None
            )
            self._threads.connection.executescript(_SETTINGS)
            return self.connection

    def close(self) -> None:
        """Close this thread's connection; the next call opens a new one."""
        self.connection.close()
        del self._threads.connection

    @contextmanager
    def together(self) -> Iterator[None]:
        """Commit all that this thread does in the block at once; nothing of it if it raises.

        Other threads wait with their writes. May be nested: an inner block that raises undoes
        its own part. What was put in a block that was undone has a version too high: read it
        again.
        """
        with self._writing:
            connection = self.connection
            nested = connection.in_transaction
            connection.execute("SAVEPOINT inside" if nested else "BEGIN IMMEDIATE")
            try:
                yield
                connection.execute("RELEASE inside" if nested else "COMMIT")
            except BaseException:
                if nested:
                    connection.execute("ROLLBACK TO inside")
                    connection.execute("RELEASE inside")
                else:
                    connection.rollback()
                raise

    def get(self, kind: type[T], partition: str, sort: str = "") -> T | None:
        return self._get(kind, *key(KINDS[kind], partition, sort))

    def _get(self, kind: type[T], pk: str, sk: str) -> T | None:
        statement = _SQL[KINDS[kind].table].get
        row = self.connection.execute(statement, (pk, sk)).fetchone()
        return unpack(kind, pk, row[1], row[0]) if row else None

    def put(self, record: Any) -> None:
        item = pack_for_put(record, _SQUEEZE_FROM)
        with self._writing:
            self._put(record, item)
        record.version += 1

    def put_together(self, records: Sequence[Any]) -> None:
        items = pack_together(records, _SQUEEZE_FROM)
        with self.together():
            for record, item in zip(records, items, strict=True):
                self._put(record, item)
        for record in records:
            record.version += 1

    def _put(self, record: Any, item: Item) -> None:
        sql = _SQL[KINDS[type(record)].table]
        execute = self.connection.execute
        if record.version == 0:
            done = execute(sql.create, item).rowcount
        else:
            pk, sk, version, body, expires, listing, listed = item
            where = (pk, sk, record.version)
            # Naming the listing in an UPDATE rewrites its index entry, even if it stays the same.
            done = execute(sql.change, (version, body, expires, *where, listed)).rowcount
            if not done:
                changes = (version, body, expires, listing, listed)
                done = execute(sql.relist, (*changes, *where)).rowcount
        if not done:
            raise Conflict(key_of(record))

    def write(self, records: Sequence[Any]) -> None:
        tables = pack_for_write(records, _SQUEEZE_FROM)
        with self.together():
            for table, items in tables.items():
                self.connection.executemany(_SQL[table].write, items)

    def say(self, kind: type, partition: str, word: str) -> str | None:
        where = KINDS[kind]
        if where.takes_in is None or where.moved is None:
            raise ValueError(f"nothing can be said to a {where.prefix}")
        with self.together():
            record: Any = self.get(kind, partition)
            if record is None:
                return None
            moved = where.moved(record)
            if moved:
                return moved
            where.takes_in(record, [word])
            self.put(record)
        return ""

    def delete(self, record: Any) -> None:
        with self._writing:
            self.connection.execute(_SQL[KINDS[type(record)].table].delete, key_of(record))

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
        return self._pages(kind, partition, keys, newest_first) if keys else iter(())

    def _pages(self, kind: type[T], partition: str, keys: Span, newest_first: bool) -> Iterator[T]:
        sql = _SQL[KINDS[kind].table]
        statement = sql.backward if newest_first else sql.forward
        low, high, without = keys
        while True:
            rows = self.connection.execute(statement, (partition, low, high)).fetchall()
            for sk, version, body in rows:
                if sk not in without:
                    yield unpack(kind, partition, body, version)
            if len(rows) < _ROWS_A_PAGE:
                return
            last = rows[-1][0]
            low, high = (low, last) if newest_first else (last, high)
            without |= {last}

    def listing(
        self, kind: type[T], name: str = "", *, limit: int = 100, after: str = ""
    ) -> tuple[list[T], str]:
        where = KINDS[kind]
        entries, cursor = page(where, self._index(where), name, limit, after)
        found = {(entry.pk, entry.sk): self._get(kind, entry.pk, entry.sk) for entry in entries}
        return fresh(where, entries, found), cursor

    def _index(self, kind: Kind) -> Index:
        def between(low: str, high: str, limit: int) -> list[Entry]:
            arguments = (kind.prefix, low, high, limit)
            return [
                Entry(*row) for row in self.connection.execute(_SQL[kind.table].listing, arguments)
            ]

        return between
