"""The store in DynamoDB: the only file that knows PynamoDB."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, cast

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.connection import Connection
from pynamodb.constants import PAY_PER_REQUEST_BILLING_MODE
from pynamodb.exceptions import DoesNotExist, PutError, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from functions.storage.kinds import KINDS, LISTED_TABLES, TABLES, Kind, Table
from functions.storage.packing import (
    Item,
    key,
    key_of,
    listed_as,
    pack_for_put,
    pack_for_write,
    pack_together,
    unpack,
)
from functions.storage.paging import Entry, Span, page, span
from functions.storage.store import Conflict

T = TypeVar("T")

# Somebody else changed the item, or is just changing it in a transaction.
_CONFLICTS = {"ConditionalCheckFailedException", "TransactionConflictException"}
_CANCELLED_BY_CONFLICT = {"ConditionalCheckFailed", "TransactionConflict"}

# A Lambda must not spend its own time limit on one lost connection.
_CONNECT_SECONDS = 1
_READ_SECONDS = 3
_TRIES_MORE = 4


class _Row(Model):
    """One item; the attributes are those of `packing.Item`."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    version = NumberAttribute(null=True)
    body = BinaryAttribute(legacy_encoding=False)
    expires = NumberAttribute(null=True)


class _Listing(GlobalSecondaryIndex["_ListedRow"]):
    """Sparse, keys only: an item is in it as long as it has both attributes."""

    class Meta:
        index_name = "listing"
        projection = KeysOnlyProjection()

    listing = UnicodeAttribute(hash_key=True)
    listed = UnicodeAttribute(range_key=True)


class _ListedRow(_Row):
    listing = UnicodeAttribute(null=True)
    listed = UnicodeAttribute(null=True)
    index = _Listing()


class DynamoStore:
    """The Store in the tables `prefix` + people, timeline and catalogue."""

    def __init__(self, prefix: str, region: str, host: str | None = None) -> None:
        self._connection = Connection(
            region=region,
            host=host,
            connect_timeout_seconds=_CONNECT_SECONDS,
            read_timeout_seconds=_READ_SECONDS,
            max_retry_attempts=_TRIES_MORE,
        )
        self._models = {table: self._model(table, f"{prefix}{table}") for table in TABLES}

    def _model(self, table: Table, table_name: str) -> type[_Row]:
        class Meta:
            billing_mode = PAY_PER_REQUEST_BILLING_MODE

        Meta.table_name = table_name  # type: ignore[attr-defined]
        base = _ListedRow if table in LISTED_TABLES else _Row
        model = cast(type[_Row], type(table.title(), (base,), {"Meta": Meta}))
        # One client for all tables: each further one costs a cold start about 75 ms.
        own = model._get_connection()
        self._connection.add_meta_table(own.get_meta_table())
        own.connection = self._connection
        return model

    def create_tables(self) -> None:
        """Make the tables (tests; in the cloud the stack makes them)."""
        for model in self._models.values():
            model.create_table(wait=True)

    def get(self, kind: type[T], partition: str, sort: str = "") -> T | None:
        """See Store."""
        where = KINDS[kind]
        try:
            row = self._models[where.table].get(*key(where, partition, sort), consistent_read=True)
        except DoesNotExist:
            return None
        return _record(kind, row)

    def put(self, record: Any) -> None:
        """See Store."""
        row = self._row(record, pack_for_put(record))
        try:
            row.save(condition=_unchanged(row))
        except PutError as error:
            if error.cause_response_code in _CONFLICTS:
                raise Conflict(str(key_of(record))) from error
            raise
        record.version += 1

    def put_together(self, records: Sequence[Any]) -> None:
        """See Store."""
        if not records:
            return
        try:
            with TransactWrite(connection=self._connection) as transaction:
                for record, item in zip(records, pack_together(records), strict=True):
                    row = self._row(record, item)
                    transaction.save(row, condition=_unchanged(row))
        except TransactWriteError as error:
            reasons = {reason.code for reason in error.cancellation_reasons if reason}
            if reasons & _CANCELLED_BY_CONFLICT:
                raise Conflict(str([key_of(record) for record in records])) from error
            raise
        for record in records:
            record.version += 1

    def write(self, records: Sequence[Any]) -> None:
        """See Store."""
        for table, items in pack_for_write(records).items():
            with self._models[table].batch_write() as batch:
                for item in items:
                    batch.save(self._models[table](**_attributes(item)))

    def delete(self, record: Any) -> None:
        """See Store."""
        self._models[KINDS[type(record)].table](*key_of(record)).delete()

    def query(
        self,
        kind: type[T],
        partition: str,
        *,
        prefix: str = "",
        after: str = "",
        newest_first: bool = False,
    ) -> Iterator[T]:
        """See Store."""
        where = KINDS[kind]
        keys = span(where, partition, prefix, after, newest_first)
        return self._query(kind, partition, keys, newest_first) if keys else iter(())

    def _query(
        self, kind: type[T], partition: str, keys: Span, newest_first: bool
    ) -> Iterator[T]:
        model = self._models[KINDS[kind].table]
        rows = model.query(
            partition,
            model.sk.between(keys.low, keys.high),
            consistent_read=True,
            scan_index_forward=not newest_first,
        )
        return (_record(kind, row) for row in rows if row.sk not in keys.without)

    def listing(
        self, kind: type[T], name: str = "", *, limit: int = 100, after: str = ""
    ) -> tuple[list[T], str]:
        """See Store."""
        where = KINDS[kind]
        entries, cursor = page(where, self._index(where), name, limit, after)
        rows = self._models[where.table].batch_get((entry.pk, entry.sk) for entry in entries)
        records = {(row.pk, row.sk): _record(kind, row) for row in rows}
        # The index lags behind: leave out what is gone or stands elsewhere by now.
        fresh = [(entry, records.get((entry.pk, entry.sk))) for entry in entries]
        return [
            record
            for entry, record in fresh
            if record is not None and listed_as(record, entry.pk, entry.sk) == entry.listed
        ], cursor
