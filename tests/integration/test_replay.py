"""A replay of what was is what was: the journeys that ran then, on the events that came then."""

from random import Random
from typing import Any

import pytest

from functions.folder import read_folder
from functions.forecast.asked import Asked
from functions.forecast.log import Log
from functions.journeys.run import Run
from functions.tracking.message import Message
from functions.virtual.people import everybody
from functions.virtual.prepared import Known, Prepared, prepare
from functions.virtual.shards import forecast
from functions.virtual.stage import catalogue_of
from tests.support.world import JOURNEYS, START, World


def prepared(world: World, **asked: Any) -> Prepared:
    found = list(everybody(world.store))
    known = Known([key for key, _ in found], min((came for _, came in found), default=None))
    asked = {"journey": "onboarding", "since": START.date(), **asked}
    catalogue = catalogue_of(read_folder(JOURNEYS), START)
    key = world.system.parts.settings.identity_key
    return prepare(Asked(**asked), catalogue, known, key, world.now)


def replay(world: World, **asked: Any) -> list[Log]:
    plan = prepared(world, **asked)
    return list(
        forecast(plan.plan, lambda shard: plan.people.read(world.store, shard), lambda x: x)
    )


def told(messages: list[Message]) -> list[tuple[Any, ...]]:
    return sorted(
        (m.person, m.journey, m.step, m.message, m.channel, m.state, m.reason, m.subject, m.claimed)
        for m in messages
        if m.claimed
    ) + sorted((m.person, m.journey, m.step, m.state, m.reason) for m in messages if not m.claimed)


def real(world: World, kind: type[Any]) -> list[Any]:
    people = [key for key, _ in everybody(world.store)]
    return [row for person in people for row in world.store.query(kind, person)]


def live(world: World, people: int, seed: int) -> None:
    """Some months in which people sign up, buy, look, and forget their carts."""
    random = Random(seed)
    for number in range(people):
        user = f"u{number}"
        language = random.choice(["de", "en"])
        world.customer(user, consents=random.random() < 0.7, language=language, firstName="A")
        world.advance("1 minute")
        for order in range(random.randrange(3)):
            sku = random.choice(["basic-1y", "premium-1y", "other"])
            world.order(user, f"{user}-{order}", sku, revenue=random.randrange(1, 300))
            world.advance(f"{random.randrange(1, 5)} days")
        if random.random() < 0.5:
            world.track(user, "Product Added", product_id="p1", price=10)
        world.advance(f"{random.randrange(1, 30)} hours")
    world.advance("20 days")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    made = World(tmp_path_factory.mktemp("replay"))
    live(made, 12, seed=7)
    return made


def test_a_replay_sends_just_what_was_sent_when_the_same_journeys_were_live(world: World) -> None:
    logs = replay(world, days=200)
    made = [message for log in logs for message in log.messages]
    assert told(real(world, Message)) == told(made)
    runs = {(run.run_id, run.entered, run.status, run.outcome) for run in real(world, Run)}
    assert runs == {(r.run_id, r.entered, r.status, r.outcome) for log in logs for r in log.runs}
    assert any(message.state == "sent" for message in made)
