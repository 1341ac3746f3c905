"""The people of a forecast: everybody once, with what they did, and nothing of what we did."""

from datetime import timedelta
from pathlib import Path

import pytest

from functions.journeys.run import Run
from functions.storage.people import permission_of
from functions.tracking.event import Event
from functions.tracking.message import RECEIPTS
from functions.tracking.permission import Permission
from functions.tracking.profile import Profile, TimelineRow
from functions.virtual.people import (
    UNDER_WAY,
    Window,
    as_they_are,
    by_shard,
    chosen,
    everybody,
    replayed,
)
from functions.virtual.plan import Someone, shard_of
from tests.support.world import START, World

LATER = START + timedelta(days=400)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def window(days: int = 0, opened_by: tuple[str, ...] = ()) -> Window:
    return Window(START + timedelta(days=days), LATER, opened_by)


def read(world: World, user: str, seen: Window | None = None) -> Someone:
    found = replayed(world.store, world.person(user).person, seen or window())
    assert found
    return found


def names(someone: Someone) -> list[str]:
    return [event.name for event in someone.events]


def test_somebody_who_was_several_people_is_one_with_the_events_of_all(world: World) -> None:
    world.post("track", {"anonymousId": "device", "event": "Product Viewed"})
    world.advance("1 minute")
    world.customer("ada")
    world.advance("1 minute")
    world.post("identify", {"anonymousId": "device", "userId": "ada", "traits": {}})
    assert [key for key, _ in everybody(world.store)] == [world.person("ada").person]
    assert names(read(world, "ada")).count("Product Viewed") == 1
    [merged] = world.person("ada").merged
    assert replayed(world.store, merged, window()) is None
    assert as_they_are(world.store, merged) is None


def test_what_journeys_did_in_the_window_is_left_out_and_what_people_did_is_not(
    world: World,
) -> None:
    world.customer("ada")
    world.advance("1 minute")
    world.order("ada", "1", "basic-1y")
    world.advance("6 days")
    world.open(world.outbox()[-1])
    world.advance("30 days")
    told = {row.event.name for row in world.store.query(TimelineRow, world.person("ada").person)}
    assert {"Email Opened", "Task Created"} <= told
    found = names(read(world, "ada"))
    assert {"identify", "Consent Given", "Order Completed"} == {*found}
    # Before the window it has happened, and nobody does it again.
    assert {"Email Opened", "Task Created"} <= {*names(read(world, "ada", window(days=100)))}


def test_an_address_that_takes_no_mail_takes_none_in_a_replay_either(world: World) -> None:
    world.customer("ada")
    person, moment = world.person("ada").person, START + timedelta(days=3)
    bounced = Event(
        type="track",
        event="Email Bounced",
        message_id="bounced",
        time=moment,
        received_at=moment,
        source=RECEIPTS,
        trusted=True,
        person=person,
    )
    world.store.write([TimelineRow(person, f"{moment.isoformat()}#x", bounced, 4_000_000_000)])
    assert "Email Bounced" in names(read(world, "ada"))


def test_what_the_timeline_has_forgotten_is_taken_from_the_person_as_they_are(
    world: World,
) -> None:
    world.customer("ada", plan="gold")
    world.advance("1 minute")
    world.order("ada", "1", "basic-1y")
    world.advance("2 days")
    world.track("ada", "Product Viewed")
    person = world.person("ada").person
    for row in list(world.store.query(TimelineRow, person)):
        if row.event.time < START + timedelta(days=1):
            world.store.delete(row)
    found = read(world, "ada")
    assert names(found) == ["Product Viewed"]
    [profile] = [one for one in found.records if isinstance(one, Profile)]
    assert (profile.trait("plan"), [*profile.orders]) == ("gold", ["1"])
    # Also what they permit, if they said so before the window.
    later = read(world, "ada", window(days=1))
    [permission] = [one for one in later.records if isinstance(one, Permission)]
    assert permission.consents == permission_of(world.store, person).consents


def test_whoever_cannot_enter_in_the_window_is_passed_over(world: World) -> None:
    world.customer("ada")
    world.order("ada", "1", "basic-1y")
    key = world.person("ada").person
    assert replayed(world.store, key, window(opened_by=("Order Completed",)))
    assert replayed(world.store, key, window(opened_by=("Signed Up",))) is None
    assert replayed(world.store, key, window(days=1, opened_by=("Order Completed",))) is None


def test_as_they_are_nobody_is_inside_a_journey_and_who_was_has_been_there(world: World) -> None:
    world.customer("ada")
    world.order("ada", "1", "basic-1y")
    found = as_they_are(world.store, world.person("ada").person)
    assert found
    runs = [one for one in found.records if isinstance(one, Run)]
    assert {(run.status, run.outcome) for run in runs} == {("ended", UNDER_WAY)}
    assert not [one for one in found.records if isinstance(one, Permission) and one.live]
    assert world.permission("ada").live


def test_a_sample_is_chosen_by_seed_and_keeps_its_people_when_others_come() -> None:
    keys = [f"p{number}" for number in range(200)]
    sample = chosen(keys, 20, "a")
    assert (len(sample), sample) == (20, chosen(reversed(keys), 20, "a"))
    assert sample != chosen(keys, 20, "b")
    assert {*chosen(keys[:150], 20, "a")} >= {*sample} & {*keys[:150]}
    assert chosen(keys, 1000, "a") == sorted(keys)
    shards = by_shard(sample)
    assert sorted(key for shard in shards for key in shard) == sample
    assert all(shard_of(key) == number for number, shard in enumerate(shards) for key in shard)
