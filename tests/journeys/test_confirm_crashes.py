"""Confirming a sign-up, with a crash before and after every write: one consent, one proof."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from functions.handlers import process_event, wiring
from functions.storage.evidence import chains
from functions.storage.people import People, permission_of
from functions.tracking.evidence import verify
from tests.journeys.test_sign_up import FORM_TYPE, link_in, send, world
from tests.support.world import World

__all__ = ["world"]  # the fixture
WRITES = ("put", "put_together", "write", "delete")


class Crash(BaseException):
    """The Lambda is gone: nothing catches it."""


class Crashing:
    """A store that dies around its nth write; `after`: when it is done."""

    def __init__(self, store: Any, at: int, after: bool) -> None:
        self.store, self.at, self.after = store, at, after
        self.writes = 0

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.store, name)
        if name not in WRITES:
            return call

        def write(*given: Any) -> Any:
            self.writes += 1
            if self.writes == self.at and not self.after:
                raise Crash
            done = call(*given)
            if self.writes == self.at:
                raise Crash
            return done

        return write


def deliver(world: World, records: Sequence[dict[str, Any]], at: int, after: bool) -> bool:
    """Process messages of the queue on a store that crashes; True when it did."""
    parts = world.system.parts
    store: Any = Crashing(parts.store, at, after)
    wiring.use(replace(parts, store=store))
    try:
        process_event.handler({"Records": list(records)}, None)
    except Crash:
        return True
    finally:
        wiring.use(parts)
    return False


def test_a_crash_around_any_write_leaves_one_consent_with_its_proof(world: World) -> None:
    crashed = 0
    for point in range(1, 40):
        at, after = (point + 1) // 2, point % 2 == 0
        email = f"u{point}@example.com"
        world.advance("1 minute")
        send(world, email=email, firstName="Ada")
        world.advance("1 hour")
        world.request("POST", link_in(world), "", FORM_TYPE)
        records = world.system.queue.receive(10)
        died = deliver(world, records, at, after)
        crashed += died
        # SQS delivers again what was not deleted; twice, for it may.
        for _ in range(2):
            assert not deliver(world, records, 0, False)
        world.system.queue.delete([one["messageId"] for one in records])
        world.settle()
        found = People(world.store, world.system.parts.settings.identity_key).by("email", email)
        assert found
        [chain] = chains(world.store, found)
        assert [one.said for one in chain] == ["asked", "confirmed"], (at, after)
        assert verify(chain) == 0
        permission = permission_of(world.store, found.person)
        assert [word.given for word in permission.consents.values()] == [True]
        assert found.trait("firstName") == "Ada"
        assert [kept.subject for kept in world.outbox() if kept.to == email][1:] == [
            "Welcome! Here is what to expect"
        ], (at, after)
        if not died:
            break
    assert crashed > 10
