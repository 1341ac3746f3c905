"""Looking a write key up without PynamoDB, whose import would be a third of a cold start."""

import hashlib
from collections.abc import Callable
from typing import Any

from functions.storage.kinds import KINDS
from functions.storage.packing import key, unpack
from functions.storage.store import Store
from functions.tracking.source import Source


def key_hash(write_key: str) -> str:
    """Keys are kept and looked up by their SHA-256: they are long and random."""
    return hashlib.sha256(write_key.encode()).hexdigest()


def find_source(store: Store, write_key: str) -> Source | None:
    """Who sends with this write key; None when it is unknown or revoked."""
    return _in_use(store.get(Source, key_hash(write_key)))


def source_reader(client: Any, table_prefix: str) -> Callable[[str], Source | None]:
    """`find_source` over a `dynamodb` client: the same row that DynamoStore keeps."""
    where = KINDS[Source]

    def find(write_key: str) -> Source | None:
        pk, sk = key(where, key_hash(write_key))
        found = client.get_item(
            TableName=f"{table_prefix}{where.table}",
            Key={"pk": {"S": pk}, "sk": {"S": sk}},
            ConsistentRead=True,
        ).get("Item")
        if found is None:
            return None
        return _in_use(unpack(Source, pk, found["body"]["B"], int(found["version"]["N"])))

    return find


def _in_use(source: Source | None) -> Source | None:
    return None if source is None or source.revoked else source
