"""Both stores, ready for tests: SQLite in a temporary file, DynamoDB as moto imitates it."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from unittest.mock import patch

from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from functions.storage.dynamo import DynamoStore
from local.sqlite_store import SqliteStore

REGION = "eu-central-1"

_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": REGION,
}


def sqlite_store(folder: Path) -> SqliteStore:
    """A store in a file of its own in `folder`."""
    return SqliteStore(folder / "store.db")


_numbers = count()


@contextmanager
def dynamo_store() -> Iterator[DynamoStore]:
    """A store in tables of its own, gone after the outermost block; nothing leaves the process."""
    with patch.dict("os.environ", _CREDENTIALS), mock_aws():
        store = DynamoStore(f"test-{next(_numbers)}-", REGION)
        store.create_tables()
        yield store


def empty(store: DynamoStore) -> None:
    """Take everything out of a store that many tests share: its tables are slow to make."""
    there = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables
    for model in store._models.values():
        there[model.Meta.table_name].items.clear()
