"""The Store: what every place that keeps our records must be able to do."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
TRIES = 6  # of a compare-and-set on a record under heavy traffic


class Conflict(Exception):
    """Somebody else changed the record since it was read (or it exists already)."""


class Contended(Exception):
    """Others changed the record each time we tried; try the whole again later."""


class Unavailable(Exception):
    """The store (or a service like it) takes no more for now: try the whole again later."""


class TooLarge(Exception):
    """The record is larger than DynamoDB's 400 KB."""


class Store(Protocol):
    """Single-item conditional reads and writes, and one transaction for merging.

    Kinds of records are Structs listed in `functions.storage.kinds`, which says where each is
    kept and under which key. A record with a `version` is changed by compare-and-set: read it,
    change it, `put` it; `put` raises Conflict when somebody was faster. All reads are strongly
    consistent except `listing`. What a field of type Any holds must be JSON, times excepted;
    times come back in UTC. A key that DynamoDB would refuse (empty, too long) and a value that
    cannot be packed (an integer of more than 64 bits) raise ValueError.
    """

    def get(self, kind: type[T], partition: str, sort: str = "") -> T | None:
        """The record, or None."""

    def put(self, record: Any) -> None:
        """Write if the stored version equals `record.version` (0: not there yet).

        Raises `record.version` by one on success; leaves it alone and raises Conflict otherwise.
        A Conflict may be our own doing: the write took, its answer was lost, the client tried
        again. So read the record again before deciding what a Conflict means. Raises TooLarge.
        """

    def put_together(self, records: Sequence[Any]) -> None:
        """`put` for up to 100 different records, all of them or none (Conflict, TooLarge)."""

    def write(self, records: Sequence[Any]) -> None:
        """Write rows whose key decides their content: no condition, safe to repeat.

        Only for kinds without a version (ValueError). Not all or none: if it raises, some may be
        written. Raises TooLarge before anything is written.
        """

    def say(self, kind: type, partition: str, word: str) -> str | None:
        """Say a word to the one record there, without reading it: its version is raised, so that
        whoever has read it before cannot put it any more, and whoever reads it finds the word
        taken in (`Kind.takes_in`).

        Returns "" when that is done; else nothing was said: where the record has moved to, None
        when there is none. May be repeated.
        """

    def delete(self, record: Any) -> None:
        """Remove the record, whatever its version; no error when it is not there."""

    def query(
        self,
        kind: type[T],
        partition: str,
        *,
        prefix: str = "",
        after: str = "",
        newest_first: bool = False,
    ) -> Iterator[T]:
        """Records of one partition in the order of their sort key, read page by page.

        `prefix`: only sort keys that begin so; `after`: only sort keys greater than this
        (smaller, with newest_first). The order is that of the UTF-8 bytes.
        """

    def listing(
        self, kind: type[T], name: str = "", *, limit: int = 100, after: str = ""
    ) -> tuple[list[T], str]:
        """One page, newest first, of the records that share the listing `name` (without a name:
        of all that are listed); and the cursor of the next page ("" on the last).

        Eventually consistent; a page may be short when some of its records have just gone.
        """


def change(
    store: Store, read: Callable[[], T], alter: Callable[[T], bool], known: T | None = None
) -> T:
    """Read a record, alter it and put it, again from the start when somebody was faster.

    A record in hand (`known`) is tried first, and read again only if somebody was faster.
    `alter` answers whether there is anything to put. Returns the record as it is stored now.
    Raises Contended.
    """
    for attempt in range(TRIES):
        record = known if known is not None and attempt == 0 else read()
        if not alter(record):
            return record
        try:
            store.put(record)
        except Conflict:
            continue
        return record
    raise Contended(f"others kept changing a {type(record).__name__}")
