"""Row "rate limits": who asks too often waits, and nobody else does."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.doors import scopes
from functions.doors.records import Pace
from functions.handlers import throttle
from functions.handlers.throttle import Rate, take, wait_for
from functions.storage.store import Conflict
from local.sqlite_store import SqliteStore
from tests.support.callers import ask, header, root, status
from tests.support.stores import sqlite_store
from tests.support.world import START, World

pytestmark = pytest.mark.security("rate limits")

MINUTE = timedelta(minutes=1)
RATE = Rate(3, MINUTE)


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return sqlite_store(tmp_path)


def test_an_allowance_is_used_up_and_comes_back_evenly(store: SqliteStore) -> None:
    assert [take(store, "form", "a", START, RATE) for _ in range(5)] == [True] * 3 + [False] * 2
    assert wait_for(store, "form", "a", START, RATE) == MINUTE / 3
    later = START + MINUTE / 3
    assert [take(store, "form", "a", later, RATE) for _ in range(2)] == [True, False]
    assert [take(store, "form", "a", later + MINUTE, RATE) for _ in range(4)] == [True] * 3 + [
        False
    ]


def test_one_s_abuse_costs_another_nothing(store: SqliteStore) -> None:
    while take(store, "form", "a", START, RATE):
        pass
    assert take(store, "form", "b", START, RATE)
    assert take(store, "export", "a", START, RATE)


def test_who_is_refused_writes_nothing_and_no_address_is_kept(store: SqliteStore) -> None:
    while take(store, "form", "ada@example.com", START, RATE):
        pass
    [key] = {pace.key for pace in [store.get(Pace, throttle._hash("form", "ada@example.com"))]}
    before = store.get(Pace, key)
    assert not take(store, "form", "ada@example.com", START, RATE)
    assert store.get(Pace, key) == before
    assert "ada" not in str(before)


class _Contended(SqliteStore):
    """Somebody else's use always comes between our look and our write, until `patience` ends."""

    patience = 3

    def put(self, record: Any) -> None:
        if self.patience:
            self.patience -= 1
            raise Conflict
        super().put(record)


def test_those_who_come_at_once_share_one_allowance(tmp_path: Path) -> None:
    store = _Contended(tmp_path / "store.db")
    assert take(store, "form", "a", START, RATE)
    store.patience = 100
    assert not take(store, "form", "a", START, RATE)


@given(
    gaps=st.lists(st.integers(0, 90), max_size=40),
    burst=st.integers(1, 6),
    seconds=st.integers(1, 300),
)
@settings(max_examples=40)
def test_no_order_of_tries_gets_more_than_burst_and_what_came_back(
    tmp_path_factory: pytest.TempPathFactory, gaps: list[int], burst: int, seconds: int
) -> None:
    store, now = sqlite_store(tmp_path_factory.mktemp("pace")), START
    rate, taken = Rate(burst, timedelta(seconds=seconds)), 0
    for gap in gaps:
        now += timedelta(seconds=gap)
        taken += take(store, "form", "a", now, rate)
        came_back = (now - START) / rate.per * burst
        assert taken <= burst + came_back + 1e-6


def log_in(world: World, key: str) -> dict[str, Any]:
    return ask(world, "POST", "/api/session", "", {"key": key})


def test_who_guesses_keys_waits_twice_as_long_each_time(world: World) -> None:
    tries = [log_in(world, f"sk_{number}") for number in range(6)]
    assert [status(one) for one in tries] == [401] * 5 + [429]
    assert (tries[-1]["json"]["code"], header(tries[-1], "retry-after")) == (
        "too_many_requests",
        "60",
    )
    assert status(log_in(world, root(world))) == 429  # nor is the right one told apart
    world.advance("1 minute")
    assert status(log_in(world, "sk_again")) == 401
    assert header(log_in(world, "sk_again"), "retry-after") == "120"
    world.advance("2 minutes")
    assert status(log_in(world, root(world))) == 200
    assert [status(log_in(world, "sk_x")) for _ in range(4)] == [401] * 4


def test_copies_of_people_leave_slowly(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scopes, "COPIES", {"timeline"})  # whatever is called an export
    answers = [ask(world, "GET", "/api/people/x/timeline", root(world)) for _ in range(121)]
    assert [status(one) for one in answers] == [404] * 120 + [429]
    assert answers[-1]["json"].keys() == {"code", "message"}
    assert int(header(answers[-1], "retry-after")) == 30
