"""How a record becomes an item of DynamoDB: its keys, its packed body, and what it weighs."""

import zlib
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeVar

import msgspec

from functions.storage.dictionary import DICTIONARY
from functions.storage.kinds import KINDS, Kind, Table
from functions.storage.store import TooLarge

T = TypeVar("T")

MOST_BYTES = 400 * 1024  # of one item, names of attributes included
SURELY_FITS = 400_000  # bytes of a body: names, keys and numbers have less than the rest
MOST_TOGETHER = 100
MOST_BYTES_TOGETHER = 4 * 1024 * 1024
MOST_PARTITION_BYTES = 2048
MOST_SORT_BYTES = 1024

# A body begins with one byte that says what follows.
_PLAIN = b"m"  # msgpack
_SQUEEZED = b"d"  # msgpack, deflated with our dictionary (RFC 1951, no header)

_encode = msgspec.msgpack.Encoder().encode


@cache
def _decoder(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind)


class Item(NamedTuple):
    """What is stored of a record; the field names are the attributes' names."""

    pk: str
    sk: str
    version: int | None
    body: bytes
    expires: int | None
    listing: str | None
    listed: str | None


def key(kind: Kind, partition: str, sort: str = "") -> tuple[str, str]:
    """Partition and sort key. Raises ValueError where DynamoDB would refuse them."""
    if bool(sort) != bool(kind.sort):
        raise ValueError(f"a {kind.prefix} has {'a' if kind.sort else 'no'} sort value")
    sk = kind.head + sort
    check(partition, MOST_PARTITION_BYTES)
    check(sk, MOST_SORT_BYTES)
    return partition, sk


def key_of(record: Any) -> tuple[str, str]:
    """The record's partition and sort key."""
    kind = KINDS[type(record)]
    return key(kind, kind.partition(record), kind.sort(record) if kind.sort else "")


def check(text: str, most_bytes: int) -> None:
    """Raise ValueError when a key is empty, too long or no Unicode."""
    if not 0 < _bytes(text) <= most_bytes:
        raise ValueError(f"a key has 1 to {most_bytes} bytes, this one has {_bytes(text)}")


def pack(record: Any, squeeze_from: int = 0) -> Item:
    """The item as it will be when it is written, its version raised.

    Bodies of `squeeze_from` bytes and more are compressed if that makes them smaller. Raises
    ValueError for what cannot be stored, and TooLarge.
    """
    kind = KINDS[type(record)]
    pk, sk = key_of(record)
    listed = listed_as(record, pk, sk)
    item = Item(
        pk,
        sk,
        record.version + 1 if kind.versioned else None,
        _body(_without_person(record) if kind.is_of_person else record, squeeze_from),
        kind.expires(record) if kind.expires else None,
        kind.prefix if listed else None,
        listed,
    )
    if len(item.body) > SURELY_FITS and item_size(item) > MOST_BYTES:
        raise TooLarge(f"a {kind.prefix} of {item_size(item)} bytes ({MOST_BYTES} are the most)")
    return item


def pack_for_put(record: Any, squeeze_from: int = 0) -> Item:
    """`pack`, for a record that is changed by compare-and-set."""
    if not KINDS[type(record)].versioned:
        raise ValueError(f"{type(record).__name__} has no version: write it")
    return pack(record, squeeze_from)


def pack_together(records: Sequence[Any], squeeze_from: int = 0) -> list[Item]:
    """`pack_for_put` for one transaction, held to DynamoDB's limits for it."""
    if len(records) > MOST_TOGETHER:
        raise ValueError(f"{len(records)} records together, where {MOST_TOGETHER} are the most")
    items = [pack_for_put(record, squeeze_from) for record in records]
    if len({(item.pk, item.sk) for item in items}) < len(items):
        raise ValueError("the same record twice in one transaction")
    if sum(map(item_size, items)) > MOST_BYTES_TOGETHER:
        raise TooLarge(f"more than {MOST_BYTES_TOGETHER} bytes in one transaction")
    return items


def pack_for_write(records: Iterable[Any], squeeze_from: int = 0) -> dict[Table, list[Item]]:
    """`pack` for rows that need no condition, by table; the last of several with one key stays.

    A record with a version is refused: writing it again would undo what others changed since.
    """
    tables: dict[Table, dict[tuple[str, str], Item]] = {}
    for record in records:
        kind = KINDS[type(record)]
        if kind.versioned:
            raise ValueError(f"{type(record).__name__} has a version: put it")
        item = pack(record, squeeze_from)
        tables.setdefault(kind.table, {})[item.pk, item.sk] = item
    return {table: list(items.values()) for table, items in tables.items()}


def unpack(
    kind: type[T], partition: str, body: bytes, version: int | None, said: Iterable[str] = ()
) -> T:
    """The record; `version` is the stored one (the one inside the body is older). What was `said`
    to it since it was put is taken in."""
    packed: bytes | memoryview = memoryview(body)[1:]
    if body[:1] == _SQUEEZED:
        packed = zlib.decompressobj(-zlib.MAX_WBITS, DICTIONARY).decompress(packed)
    record: Any = _decoder(kind).decode(packed)  # type: ignore[arg-type]
    if version is not None:
        record.version = version
    if KINDS[kind].is_of_person:
        record.person = partition
    take_in = KINDS[kind].takes_in
    if take_in and said:
        take_in(record, said)
    return record  # type: ignore[no-any-return]


def listed_as(record: Any, pk: str, sk: str) -> str | None:
    """The record's sort key in the index of listings ("name#text#checksum"), if it is listed.

    The checksum of its keys tells apart what happened at the same moment.
    """
    kind = KINDS[type(record)]
    entry = kind.listing(record) if kind.listing else None
    if entry is None:
        return None
    name, text = entry
    if "#" in name or bool(name) != kind.named:
        raise ValueError(f"a {kind.prefix} cannot be listed under {name!r}")
    listed = f"{name}#{text}#{zlib.crc32(f'{pk} {sk}'.encode()):08x}"
    check(listed, MOST_SORT_BYTES)
    return listed


def item_size(item: Item) -> int:
    """The bytes that DynamoDB counts for an item: names and values of the attributes it has."""
    return sum(
        len(name) + _value_size(value)
        for name, value in zip(Item._fields, item, strict=True)
        if value is not None
    )


def _value_size(value: str | bytes | int) -> int:
    if isinstance(value, str):
        return _bytes(value)
    if isinstance(value, bytes):
        return len(value)
    # Two significant digits take one byte, and there is one byte more.
    return (len(str(value).strip("0")) + 1) // 2 + 1


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _without_person(record: Any) -> Any:
    """The record as its body has it: the key says already whom it is about."""
    return msgspec.structs.replace(record, person="")


def _body(record: Any, squeeze_from: int) -> bytes:
    try:
        packed = _encode(record)
    except (OverflowError, TypeError) as error:
        raise ValueError(f"{type(record).__name__}: {error}") from error
    if len(packed) >= squeeze_from:
        squeezed = _squeeze(packed)
        if len(squeezed) < len(packed):
            return _SQUEEZED + squeezed
    return _PLAIN + packed


def _squeeze(packed: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS, memLevel=9, zdict=DICTIONARY)
    return deflate.compress(packed) + deflate.flush()
