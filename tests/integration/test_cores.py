"""A forecast says the same on one core and on two, and leaves nothing behind."""

import multiprocessing
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from bench.bench_forecast import buyers, reference_plan
from functions.folder import read_folder
from functions.forecast.log import Log
from functions.handlers import wiring
from functions.storage.kinds import KINDS
from functions.virtual import live_store
from functions.virtual.plan import SHARDS, Plan, Someone
from functions.virtual.stage import Stage, catalogue_of
from local.cores import forecast
from tests.integration.test_stage_agrees import START, Buyers, answers
from tests.support.world import JOURNEYS

PEOPLE = 60
_packed = msgspec.msgpack.Encoder().encode


def everything(log: Log) -> bytes:
    return msgspec.json.encode(log)


@dataclass(frozen=True)
class Failing:
    """Nobody can be read in one of the shards."""

    shard: int

    def __call__(self, shard: int) -> Iterable[Someone]:
        if shard == self.shard:
            raise LookupError(f"shard {shard} cannot be read")
        return ()


@pytest.fixture(scope="module")
def plan() -> Plan:
    return reference_plan()


@pytest.fixture(scope="module")
def alone(plan: Plan) -> list[bytes]:
    return list(forecast(plan, buyers(PEOPLE), everything, cores=1))


def test_two_cores_say_the_same_as_one_byte_for_byte(plan: Plan, alone: list[bytes]) -> None:
    done: list[int] = []
    together = list(forecast(plan, buyers(PEOPLE), everything, cores=2, progress=done.append))
    assert together == alone
    assert len(alone) == SHARDS
    assert sum(msgspec.json.decode(one, type=Log).people for one in alone) == PEOPLE
    assert done == list(range(1, SHARDS + 1))


def test_where_no_process_can_be_made_this_one_does_all(
    plan: Plan, alone: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*said: Any) -> None:
        raise OSError("Function not implemented")

    fresh = type(multiprocessing.get_context("spawn"))
    monkeypatch.setattr(fresh, "Semaphore", refuse)
    monkeypatch.setattr(fresh, "Process", refuse)
    assert list(forecast(plan, buyers(PEOPLE), everything, cores=2)) == alone


@pytest.mark.parametrize("cores", [1, 2])
def test_what_a_shard_raises_is_raised_and_nothing_goes_on(plan: Plan, cores: int) -> None:
    with pytest.raises(LookupError, match="shard 3 cannot be read"):
        list(forecast(plan, Failing(3), everything, cores=cores))
    assert not multiprocessing.active_children()


def test_whoever_wants_no_more_ends_it(plan: Plan) -> None:
    found = forecast(plan, buyers(PEOPLE), everything, cores=2)
    next(found)
    found.close()  # type: ignore[attr-defined]
    assert not multiprocessing.active_children()


def test_the_same_people_can_be_forecast_again(plan: Plan) -> None:
    people = [one for shard in range(3) for one in buyers(PEOPLE)(shard)]
    before = [_packed(one.events) for one in people]
    first, second = (everything(Stage(plan).run(people)) for _ in range(2))
    assert first == second
    assert [_packed(one.events) for one in people] == before


def test_the_parts_that_were_in_force_are_so_again(plan: Plan) -> None:
    there = Stage(plan).parts
    wiring.use(there)
    try:
        Stage(plan).run([])
        assert wiring.parts() is there
        with suppress(TypeError):
            Stage(plan).run(7)  # type: ignore[arg-type]
        assert wiring.parts() is there
    finally:
        wiring.use(None)


class Watched:
    """Knows what each record was like when it was put."""

    def __init__(self) -> None:
        self.put: dict[tuple[type, str, str], bytes] = {}
        self.harmed: set[str] = set()

    def keep(self, record: Any) -> None:
        self.put[_place(record)] = _packed(record)

    def look(self, record: Any) -> None:
        if self.put.get(_place(record)) != _packed(record):
            self.harmed.add(type(record).__name__)


def _place(record: Any) -> tuple[type, str, str]:
    where = KINDS[type(record)]
    return type(record), where.partition(record), where.sort(record) if where.sort else ""


def test_nobody_changes_a_record_of_a_stage_without_putting_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A stage hands out the very records that it keeps: see `live_store`."""
    watched, store = Watched(), live_store.LiveStore
    get, put, lay, query = store.get, store.put, store._lay, store.query

    def watched_get(self: Any, kind: type, partition: str, sort: str = "") -> Any:
        found = get(self, kind, partition, sort)
        if found is not None and kind in live_store.LIVE:
            watched.look(found)
        return found

    def watched_put(self: Any, record: Any) -> None:
        put(self, record)
        watched.keep(record)

    def watched_lay(self: Any, record: Any) -> None:
        lay(self, record)
        watched.keep(record)

    def watched_query(self: Any, kind: type, partition: str, **more: Any) -> Iterator[Any]:
        for found in query(self, kind, partition, **more):
            if kind in live_store.LIVE:
                watched.look(found)
            yield found

    monkeypatch.setattr(store, "get", watched_get)
    monkeypatch.setattr(store, "put", watched_put)
    monkeypatch.setattr(store, "_lay", watched_lay)
    monkeypatch.setattr(store, "query", watched_query)
    folder = read_folder(JOURNEYS)
    names = ("Order Completed", "Order Refunded", "Viewed", "Consent Withdrawn")
    people = [Someone(f"{n:032}", (), Buyers(names, 60).events(n)) for n in range(40)]
    until = START + (reference_plan().until - reference_plan().begin)
    Stage(Plan(catalogue_of(folder, START), START, until, answers=answers)).run(people)
    assert len(watched.put) > 400
    assert watched.harmed == set()
