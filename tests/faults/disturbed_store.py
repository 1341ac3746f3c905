"""A store whose every call is its own commit and may fail, before or after its effect."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from functions.journeys.run import JourneyVersion
from functions.storage.kinds import KINDS
from functions.storage.packing import key_of
from functions.storage.store import Conflict, Store, Unavailable
from tests.faults.lambdas import Lambdas
from tests.faults.loop import us

READING = ("error", "crash before", "delay", "hang")
WRITING = (*READING, "lost answer", "crash after")
INDEX_LAG = 2.0  # seconds


class DisturbedStore:
    """Store's methods over another store; `watch` is told each record that was written."""

    def __init__(
        self, inner: Store, lambdas: Lambdas, watch: Callable[[Any], None] = lambda record: None
    ) -> None:
        self._inner, self._lambdas, self._watch = inner, lambdas, watch
        self._listed: dict[tuple[str, str], int] = {}  # when an index entry came or moved

    def get(self, kind: type, partition: str, sort: str = "") -> Any:
        return self._lambdas.disturb(
            "store",
            f"get {kind.__name__}",
            lambda: self._inner.get(kind, partition, sort),
            READING,
        )

    def put(self, record: Any) -> None:
        self._put(f"put {type(record).__name__}", [record], lambda: self._inner.put(record))

    def put_together(self, records: Sequence[Any]) -> None:
        kinds = "+".join(type(record).__name__ for record in records)
        self._put(f"put {kinds}", records, lambda: self._inner.put_together(records))

    def _put(self, what: str, records: Sequence[Any], put: Callable[[], None]) -> None:
        before = [record.version for record in records]

        def act() -> None:
            put()
            for record in records:
                self._note(record)

        def unheard() -> None:
            act()
            for record, version in zip(records, before, strict=True):
                record.version = version  # whoever asked does not know that it took

        def lost_answer() -> None:
            unheard()
            raise Unavailable("store: lost answer")

        def own_conflict() -> None:
            unheard()
            raise Conflict("our own write, found by the client's second try")

        instead = {"lost answer": lost_answer, "own conflict": own_conflict}
        self._lambdas.disturb("store", what, act, (*WRITING, "own conflict"), instead)

    def _note(self, record: Any) -> None:
        self._watch(record)
        if KINDS[type(record)].listing and (
            record.version == 1 or type(record) is not JourneyVersion
        ):
            self._listed[key_of(record)] = self._lambdas.loop.time

    def write(self, records: Sequence[Any]) -> None:
        kinds = sorted({type(record).__name__ for record in records})

        def act(some: Sequence[Any] = records) -> None:
            self._inner.write(some)
            for record in some:
                self._watch(record)

        def half() -> None:
            act(records[: len(records) // 2])
            raise Unavailable("store: only half of it is written")

        what = f"write {len(records)} {'+'.join(kinds)}"
        several = ("half",) if len(records) > 1 else ()
        self._lambdas.disturb("store", what, act, (*WRITING, *several), {"half": half})

    def say(self, kind: type, partition: str, word: str) -> str | None:
        found: str | None = self._lambdas.disturb(
            "store",
            f"say {kind.__name__}",
            lambda: self._inner.say(kind, partition, word),
            WRITING,
        )
        return found

    def delete(self, record: Any) -> None:
        what = f"delete {type(record).__name__}"
        self._lambdas.disturb("store", what, lambda: self._inner.delete(record), WRITING)

    def query(self, kind: type, partition: str, **more: Any) -> Iterator[Any]:
        what = f"query {kind.__name__}"
        found = self._lambdas.disturb(
            "store", what, lambda: list(self._inner.query(kind, partition, **more)), READING
        )
        return iter(found)

    def listing(self, kind: type, name: str = "", **more: Any) -> tuple[list[Any], str]:
        """A page; a stale index does not know yet what came or moved a moment ago."""

        def read() -> tuple[list[Any], str]:
            return self._inner.listing(kind, name, **more)

        def stale() -> tuple[list[Any], str]:
            page, cursor = read()
            known = self._lambdas.loop.time - us(INDEX_LAG)
            return [one for one in page if self._listed.get(key_of(one), known) <= known], cursor

        what = f"listing {kind.__name__}"
        found: tuple[list[Any], str] = self._lambdas.disturb(
            "store", what, read, (*READING, "stale"), {"stale": stale}
        )
        return found
