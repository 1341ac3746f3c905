"""An erasure between any two calls to the store: no claim after it, and nothing written back."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from functions.handlers import erasing, wiring
from functions.storage.erasing import erasures_of
from functions.storage.kinds import KINDS
from functions.storage.people import find_profile
from functions.tracking.permission import Permission
from functions.tracking.profile import Profile
from tests.support.world import JOURNEYS, World

JOURNEY = """
title: Three messages and a wait for an event
purpose: transactional
enter when: {event: Visited}
once per: person
leave when: [{event: Bye, as: gone}]
steps:
  - send: hello
  - wait for: {event: Answered}
    at most: 1 day
    then: [{task: Call them, for: sales}, {send: hello, name: second}]
    otherwise: [{send: hello, name: third}]
"""


class Undo(Exception):
    """The trial is over: what it wrote is forgotten."""


class Interrupted:
    """The store, in which somebody erases the person just before one of the calls."""

    def __init__(self, world: World, at: int) -> None:
        self.store, self.world, self.at = world.store, world, at
        self.calls, self.claims_after, self.claims = 0, 0, set[str]()
        self.is_acknowledged = False

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.store, name)
        if name not in ("get", "put", "put_together", "write", "delete", "query", "listing"):
            return call

        def counted(*given: Any, **more: Any) -> Any:
            self.calls += 1
            if self.calls == self.at:
                self.erase()
            found = call(*given, **more)
            if name == "put" and isinstance(given[0], Permission) and given[0].claims:
                self.claims.add(given[0].claims[-1].send_id)
                self.claims_after += self.is_acknowledged
            return found

        return counted

    def erase(self) -> None:
        """As the admin API does, past this store: another process. The queue does the first look
        at once; the second one comes when all that was at work has ended."""
        queue: list[bytes] = []
        parts = replace(self.world.system.parts, send_events=lambda bodies, _: queue.extend(bodies))
        profile = find_profile(parts.store, self.world.key)
        if profile is None:
            return
        erasing.ask(parts, profile, "")
        self.is_acknowledged = True
        erasing.carry_out(parts, erasing.read(queue.pop(0).decode()), _never, _never)
        self.world.system.queue.send(queue)


def _never(times: int, name: str) -> int | None:
    raise AssertionError("nothing is in the way")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("journeys")
    shutil.copy(JOURNEYS / "brand.yaml", folder)
    (folder / "greet").mkdir()
    (folder / "greet" / "journey.yaml").write_text(JOURNEY)
    for language in ("de", "en"):
        (folder / "greet" / f"hello.{language}.sms").write_text("Hallo!")
    world = World(tmp_path_factory.mktemp("data"), folder)
    world.customer("ada")
    world.advance("1 minute")
    world.key = world.person("ada").person
    yield world
    wiring.use(None)


def trial(world: World, at: int) -> tuple[Interrupted, list[str], bool]:
    """A life of two days in which the person is erased before call `at`; what is left of them, and
    whether that is proven."""
    store, setting = Interrupted(world, at), world.system.clock._setting
    stub = {"store": store, "scrub": lambda records: None}
    left, is_done = [], False
    try:
        with world.store.together():
            wiring.use(replace(world.system.parts, **stub))
            world.track("ada", "Visited")
            world.advance("1 hour")
            if not store.is_acknowledged:
                world.track("ada", "Answered")
            world.advance("2 days")
            left = list(rows_of(world, world.key)) if store.is_acknowledged else []
            found = erasures_of(world.store, world.key)
            is_done = bool(found) and found[0].done is not None
            raise Undo
    except Undo:
        world.system.workflow.reload()
        world.system.clock._setting = setting
        wiring.use(world.system.parts)
    return store, left, is_done


def rows_of(world: World, person: str) -> Iterator[str]:
    rows = world.store.connection.execute(
        "SELECT sk, body FROM people WHERE pk = ? UNION ALL SELECT sk, body FROM timeline"
        " WHERE pk = ?",
        (person, person),
    )
    stay = {KINDS[kind].prefix for kind in (Profile, Permission)}
    yield from (sk for sk, _ in rows.fetchall() if sk not in stay)


def test_no_message_is_claimed_after_an_erasure_wherever_it_strikes(world: World) -> None:
    whole, left, _ = trial(world, 0)
    assert whole.calls > 50
    assert len(whole.claims) == 2
    for at in range(1, whole.calls + 1):
        store, left, is_done = trial(world, at)
        if not store.is_acknowledged:
            assert at > 60  # a little less is read than the first time
            return
        assert is_done, at
        assert store.claims_after == 0, at
        assert left == [], at
