"""The store in DynamoDB: the only file that knows PynamoDB."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.attributes import (
    BinaryAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
)
from pynamodb.connection import Connection
from pynamodb.constants import PAY_PER_REQUEST_BILLING_MODE
from pynamodb.exceptions import (
    DoesNotExist,
    PutError,
    PynamoDBException,
    TransactWriteError,
)
from pynamodb.expressions.condition import Condition
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from functions.storage.kinds import KINDS, LISTED_TABLES, TABLES, Kind, Table
from functions.storage.packing import (
    Item,
    key,
    key_of,
    pack_for_put,
    pack_for_write,
    pack_together,
    unpack,
)
from functions.storage.paging import Entry, Index, fresh, page, span
from functions.storage.say import NOT_SO, say_here
from functions.storage.store import Conflict, Store, Unavailable

T = TypeVar("T")

# Somebody else changed the item, or is just changing it in a transaction.
_CONFLICTS = {"ConditionalCheckFailedException", "TransactionConflictException"}
_CANCELLED_BY_CONFLICT = {"ConditionalCheckFailed", "TransactionConflict"}

# It cannot just now.
_BUSY = {
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionInProgressException",
}
_CANCELLED_BY_THROTTLING = {"ProvisionedThroughputExceeded", "ThrottlingError"}

# A Lambda must not spend its own time limit on one lost connection.
_CONNECT_SECONDS = 1
_READ_SECONDS = 3
_TRIES_MORE = 4


class _Row(Model):
    """One item; the attributes are those of `packing.Item`, and the two of `storage.say`: a put,
    which replaces the item, has taken in what was said. (They are not in `item_size`: only people
    who were merged and who just left have them, far below a unit.)"""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    version = NumberAttribute(null=True)
    body = BinaryAttribute(legacy_encoding=False)
    expires = NumberAttribute(null=True)
    moved = UnicodeAttribute(null=True)
    said = UnicodeSetAttribute(null=True)


class _Listing(GlobalSecondaryIndex["_ListedRow"]):  # type: ignore[no-untyped-call]
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


@contextmanager
def _available() -> Iterator[None]:
    try:
        yield
    except PynamoDBException as error:
        reasons = getattr(error, "cancellation_reasons", ())
        throttled = {reason.code for reason in reasons if reason} & _CANCELLED_BY_THROTTLING
        # An error of botocore's own has no answer in it: the connection was lost.
        lost = isinstance(error.cause, BotoCoreError)
        if _code(error) in _BUSY or throttled or lost:
            raise Unavailable(f"DynamoDB: {_code(error) or error.cause}") from error
        raise


def _code(error: PynamoDBException) -> str:
    """What DynamoDB answered; PynamoDB's own look at it fails when there was no answer."""
    answer = getattr(error.cause, "response", None) or {}
    return str(answer.get("Error", {}).get("Code", ""))


def _read(kind: type[T], rows: Iterator[_Row], without: Collection[str]) -> Iterator[T]:
    with _available():
        for row in rows:
            if row.sk not in without:
                yield _record(kind, row)


class DynamoStore(Store):
    """The Store in the tables `prefix` + people, timeline and catalogue.

    Throttling and lost connections raise Unavailable.
    """

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
        meta = {"table_name": table_name, "billing_mode": PAY_PER_REQUEST_BILLING_MODE}
        base = _ListedRow if table in LISTED_TABLES else _Row
        namespace = {"Meta": type("Meta", (), meta)}
        model = cast(type[_Row], type(table.title(), (base,), namespace))
        # One client for all tables: each further one costs a cold start about 75 ms.
        own = model._get_connection()
        self._connection.add_meta_table(own.get_meta_table())
        own.connection = self._connection
        return model

    def create_tables(self) -> None:
        """Make the tables (tests; in the cloud the stack makes them)."""
        for model in self._models.values():
            model.create_table(wait=True)

    @_available()
    def get(self, kind: type[T], partition: str, sort: str = "") -> T | None:
        where = KINDS[kind]
        try:
            row = self._models[where.table].get(*key(where, partition, sort), consistent_read=True)
        except DoesNotExist:
            return None
        return _record(kind, row)

    @_available()
    def put(self, record: Any) -> None:
        row = self._row(record, pack_for_put(record))
        try:
            row.save(condition=_unchanged(row))
        except PutError as error:
            if _code(error) in _CONFLICTS:
                raise Conflict(key_of(record)) from error
            raise
        record.version += 1

    @_available()
    def put_together(self, records: Sequence[Any]) -> None:
        items = pack_together(records)
        if not items:
            return
        try:
            with TransactWrite(connection=self._connection) as transaction:
                for record, item in zip(records, items, strict=True):
                    row = self._row(record, item)
                    transaction.save(row, condition=_unchanged(row))
        except TransactWriteError as error:
            reasons = {reason.code for reason in error.cancellation_reasons if reason}
            if reasons & _CANCELLED_BY_CONFLICT or _code(error) in _CONFLICTS:
                raise Conflict([key_of(record) for record in records]) from error
            raise
        for record in records:
            record.version += 1

    @_available()
    def write(self, records: Sequence[Any]) -> None:
        for table, items in pack_for_write(records).items():
            model = self._models[table]
            with model.batch_write() as batch:
                for item in items:
                    batch.save(model(**_attributes(item)))

    def say(self, kind: type, partition: str, word: str) -> str | None:
        where = KINDS[kind]
        pk, sk = key(where, partition)
        return say_here(self._ask, self._models[where.table].Meta.table_name, pk, sk, word)

    def _ask(self, operation: str, asked: dict[str, Any]) -> dict[str, Any] | None:
        """One call without PynamoDB, as the light door makes it."""
        client = self._connection.client
        call = {"UpdateItem": client.update_item, "GetItem": client.get_item}[operation]
        try:
            return dict(call(**asked))
        except ClientError as error:
            code = str(error.response["Error"]["Code"])
            if code == NOT_SO:
                return None
            if code in _BUSY | _CONFLICTS:
                raise Unavailable(f"DynamoDB: {code}") from error
            raise
        except BotoCoreError as error:
            raise Unavailable(f"DynamoDB: {error}") from error

    @_available()
    def delete(self, record: Any) -> None:
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
        keys = span(KINDS[kind], partition, prefix, after, newest_first)
        if keys is None:
            return iter(())
        model = self._models[KINDS[kind].table]
        rows = model.query(
            partition,
            model.sk.between(keys.low, keys.high),
            consistent_read=True,
            scan_index_forward=not newest_first,
        )
        return _read(kind, rows, keys.without)

    @_available()
    def listing(
        self, kind: type[T], name: str = "", *, limit: int = 100, after: str = ""
    ) -> tuple[list[T], str]:
        where = KINDS[kind]
        entries, cursor = page(where, self._index(where), name, limit, after)
        rows = self._models[where.table].batch_get((entry.pk, entry.sk) for entry in entries)
        return fresh(where, entries, {(row.pk, row.sk): _record(kind, row) for row in rows}), cursor

    def _index(self, kind: Kind) -> Index:
        model = cast(type[_ListedRow], self._models[kind.table])

        def between(low: str, high: str, limit: int) -> list[Entry]:
            bounds = model.listed.between(low, high)
            rows = model.index.query(kind.prefix, bounds, scan_index_forward=False, limit=limit)
            return [Entry(row.listed, row.pk, row.sk) for row in rows]

        return between

    def _row(self, record: Any, item: Item) -> _Row:
        kind = KINDS[type(record)]
        moved = kind.moved(record) if kind.moved else ""
        where = {"moved": moved} if moved else {}
        return self._models[kind.table](**_attributes(item) | where)


def _attributes(item: Item) -> dict[str, Any]:
    """The attributes that the item has (a table without listings does not know those two)."""
    return {name: value for name, value in item._asdict().items() if value is not None}


def _unchanged(row: _Row) -> Condition:
    """The stored version is still the one before the row's; before the first there is no item."""
    if row.version == 1:
        return _Row.pk.does_not_exist()
    return _Row.version == row.version - 1


def _record(kind: type[T], row: _Row) -> T:
    version = None if row.version is None else int(row.version)
    return unpack(kind, row.pk, row.body, version, row.said or ())
