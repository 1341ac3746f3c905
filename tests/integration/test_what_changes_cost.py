"""What costs.md says by the piece: a change is told by one row, an imported row is a few writes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from functions.folder import Folder, read_folder
from functions.handlers import wiring
from functions.storage.referrals import code_for
from tests.support.counted_store import Written, by_kind
from tests.support.counted_world import CountedWorld
from tests.support.world import JOURNEYS
from tests.unit.test_imports import Read

START = datetime(2027, 3, 1, 9, tzinfo=UTC)
PEOPLE = range(20)
CONTACTS = "user_id;email;Vorname;Ort\n" + "\n".join(
    f"c{number};person{number}@example.com;Ada {number};Berlin" for number in PEOPLE
)
ORDERS = "user_id;order_id;Datum;Betrag;sku\n" + "\n".join(
    f"c{number};o{number};1.2.2027;49,90;basic-1y" for number in PEOPLE
)
CHANGES = ("Segment Entered", "Segment Left", "Stage Changed", "Score Reached", "Score Fell")


@pytest.fixture
def world() -> Iterator[CountedWorld]:
    """The shipped segments, stages and score, and no journey."""
    shipped = read_folder(JOURNEYS)
    yield CountedWorld(Folder(shipped.brand, shipped.parts, {}, shipped.live), START)
    wiring.use(None)


def spent(world: CountedWorld, call: dict[str, Any]) -> list[Written]:
    """What a call and all that follows from it write."""
    world.now += timedelta(minutes=1)
    world.store.take()
    world.say({"timestamp": world.now.isoformat(), "messageId": f"{world.now}", **call})
    return world.store.take()


def track(world: CountedWorld, name: str, **properties: Any) -> list[Written]:
    return spent(world, {"type": "track", "event": name, "userId": "ada", "properties": properties})


def told(world: CountedWorld) -> int:
    """How many changes of Ada were told."""
    events = world.person("ada").events
    return sum(events[name].count for name in CHANGES if name in events)


def test_each_change_costs_its_row_and_all_of_an_event_one_more_write_of_the_profile(
    world: CountedWorld,
) -> None:
    track(world, "Page Viewed")
    before = told(world)
    written = track(world, "Order Completed", order_id="1", revenue=20, currency="EUR")
    changes = told(world) - before
    assert changes >= 4
    assert by_kind(written)["event"] == 1 + changes
    assert [one.kind for one in written].count("profile") == 2
    assert set(by_kind(written)) <= {"profile", "event"}


def test_an_event_that_changes_nothing_costs_one_write_of_the_profile_and_its_row(
    world: CountedWorld,
) -> None:
    track(world, "Page Viewed")
    before = told(world)
    written = track(world, "Page Viewed")
    assert told(world) == before
    assert sorted(one.kind for one in written) == ["event", "profile"]


def test_an_imported_contact_costs_twelve_units_and_a_first_order_fifteen_at_most(
    world: CountedWorld, tmp_path: Path
) -> None:
    read = Read(tmp_path / "file.csv")
    for kind, text, most in (("contacts", CONTACTS, 12), ("orders", ORDERS, 15)):
        rows = [spent(world, event) for event in read.events(kind, text)]
        assert len(rows) == len(PEOPLE)
        units = [sum(one.units for one in written) for written in rows]
        assert mean(units) <= most, (kind, units, by_kind(rows[-1]))


def test_only_the_first_order_of_somebody_referred_costs_more_than_any_other(
    world: CountedWorld,
) -> None:
    def order(number: int, user: str, **more: str) -> dict[str, int]:
        said = {"order_id": f"{user}{number}", "revenue": 20, "currency": "EUR", **more}
        call = {"type": "track", "event": "Order Completed", "userId": user, "properties": said}
        return by_kind(spent(world, call))

    track(world, "Page Viewed")
    ada = world.person("ada")
    code = code_for(world.store, world.parts.settings.identity_key, ada, world.now)
    plain = order(1, "bob")
    referred = order(1, "cy", referral_code=code)
    assert {**referred, "event": 0, "profile": 0} == {**plain, "event": 0, "profile": 0}
    # Ada's row and profile, and what it changes for her is told like any other change.
    assert referred["event"] - plain["event"] <= 2
    assert referred["profile"] - plain["profile"] <= 2
    assert order(2, "cy") == order(2, "bob")
