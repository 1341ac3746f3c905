"""The Store: what every place that keeps our records must be able to do."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Conflict(Exception):
    """Somebody else changed the record since it was read (or it exists already)."""


class TooLarge(Exception):
    """The record is larger than DynamoDB's 400 KB."""


class Store(Protocol):
    """Single-item conditional reads and writes, and one transaction for merging.

    Kinds of records are Structs listed in `functions.storage.kinds`, which says where each is
    kept and under which key. A record with a `version` is changed by compare-and-set: read it,
    change it, `put` it; `put` raises Conflict when somebody was faster. All reads are strongly
    consistent except `listing`.
    """

    def get(self, kind: type[T], partition: str, sort: str = "") -> T | None:
        """The record, or None."""

    def put(self, record: Any) -> None:
        """Write if the stored version equals `record.version` (0: not there yet).

        Raises `record.version` by one on success; leaves it alone and raises Conflict otherwise.
        """

    def put_together(self, records: Sequence[Any]) -> None:
        """`put` for up to 100 records, all of them or none (Conflict)."""

    def write(self, records: Sequence[Any]) -> None:
        """Write rows whose key decides their content: no condition, safe to repeat."""

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
        (smaller, with newest_first).
        """

    def listing(
        self, kind: type[T], name: str = "", *, limit: int = 100, after: str = ""
    ) -> tuple[list[T], str]:
        """One page, newest first, of the records that share the listing `name`; and the cursor
        of the next page ("" on the last). Eventually consistent."""
