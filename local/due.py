"""When the next person is to be looked at, told by the index of the store in one question."""

from datetime import datetime

from functions.journeys.standing import SHARDS, Standing
from functions.storage.kinds import KINDS
from local.sqlite_store import SqliteStore

_FIRST = """SELECT MIN(listed) FROM {table} WHERE listing = '{kind}'
    AND listed BETWEEN '{shard}#' AND '{shard}$'"""
_KIND = KINDS[Standing]
_ASKED = " UNION ALL ".join(
    _FIRST.format(table=_KIND.table, kind=_KIND.prefix, shard=shard) for shard in SHARDS
)


def next_look(store: SqliteStore) -> datetime | None:
    """The earliest due time of all people; None when nobody is due."""
    found = [listed.split("#")[1] for (listed,) in store.connection.execute(_ASKED) if listed]
    return datetime.fromisoformat(min(found)) if found else None
