"""What events and journeys cost in DynamoDB: the reference profile keeps to its bounds."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean

import pytest

from bench.reference import Household, Participation, of_event, receipt, units
from functions.handlers import wiring
from functions.journeys.counted import ONE_OF
from functions.storage.packing import item_size, pack
from functions.storage.store import Conflict
from functions.storage.units import table_units, transaction_units, write_units
from functions.tracking.event import Event
from functions.tracking.permission import Permission
from functions.tracking.profile import Profile, TimelineRow
from tests.support.counted_store import CountedStore, Written, by_kind
from tests.support.stores import sqlite_store

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
KB = 1024


@pytest.fixture
def household() -> Iterator[Household]:
    """The reference profile, its year behind it."""
    yield Household()
    wiring.use(None)


def said(times: list[list[Written]]) -> str:
    """The figures, for who has to find out where the units went."""
    own = [units(of_event(written)) for written in times]
    kinds = by_kind(one for written in times for one in of_event(written))
    profiles = [one.size for written in times for one in written if one.kind == "profile"]
    return f"mean {mean(own):.2f}, most {max(own)}: {own}; {dict(kinds)}; profile {profiles} bytes"


# What an order does to journeys that it enters or leaves is not counted here: that is a
# participant's.


@pytest.mark.parametrize("word", ["order", "view"])
def test_one_event_costs_three_units_at_most_on_average_of_ten(
    household: Household, word: str
) -> None:
    times = [household.batch(1, getattr(household, word)) for _ in range(10)]
    rows = [one.size for written in times for one in written if one.kind == "event"]
    assert len(rows) == 10
    assert max(rows) <= KB
    assert mean(units(of_event(written)) for written in times) <= 3, said(times)


@pytest.mark.parametrize("word", ["visit", "view"])
def test_four_events_in_one_batch_cost_one_and_a_half_units_each_at_most(
    household: Household, word: str
) -> None:
    times = [household.batch(4, getattr(household, word)) for _ in range(10)]
    assert mean(units(of_event(written)) / 4 for written in times) <= 1.5, said(times)


def counted(one: Participation) -> float:
    """What it costs that its steps and its end are counted, in a journey that many go through."""
    assert len(one.counts) == units(one.counts) > 4
    return units(one.counts) / ONE_OF


def test_who_goes_through_the_reference_journey_costs_twenty_units_at_most(
    household: Household,
) -> None:
    one = household.participate(reacts=False)
    assert one.mails == [f"The subject of {name}" for name in ("one", "two", "three", "four")]
    assert not one.awaited
    assert units(one.own) + counted(one) <= 20, parts(one.entry, one.steps, one.end)


def test_who_reacts_to_the_reference_journey_costs_twenty_units_at_most_without_those_events(
    household: Household,
) -> None:
    one = household.participate(reacts=True)
    assert one.mails == [f"The subject of {name}" for name in ("one", "two", "three")]
    assert by_kind(one.awaited)["event"] == 2
    assert set(by_kind(one.made)) == {"profile", "event"}
    assert units(one.made) <= 3
    assert units(one.own) + counted(one) <= 20, parts(one.entry, one.steps, one.end)


def parts(entry: list[Written], steps: list[Written], end: list[Written]) -> str:
    """What entry, steps and end wrote."""
    named = {"entry": entry, "steps": steps, "end": end}
    return "; ".join(f"{name} {dict(by_kind(written))}" for name, written in named.items())


def test_a_wait_is_registered_with_a_token_as_long_as_step_functions_makes_them(
    household: Household,
) -> None:
    one = household.participate(reacts=False)
    # Base64 holds six bits a character, so not even compressed is it smaller than this.
    with_token = [written for written in one.steps if written.size > 1536]
    assert len(with_token) >= 2


def test_a_receipt_moves_nobody_and_is_counted_as_an_event(household: Household) -> None:
    household.participate(reacts=False)
    world = household.world
    world.deliver(receipt("Delivery", world.provider.sent[-1], world.now))
    spent = by_kind(world.store.take())
    assert set(spent) == {"profile", "event", "message"}
    assert spent["message"] == 1


def test_the_reference_profile_is_a_year_of_the_median_household(household: Household) -> None:
    rows = [one for one in household.year if one.kind == "event"]
    told = ("Segment Entered", "Segment Left", "Stage Changed", "Task Created")
    ours = {name: household.profile.events[name].count for name in told}
    # By the shipped segments.yaml and lifecycle.yaml, and the call in the onboarding.
    assert ours == {"Segment Entered": 4, "Segment Left": 1, "Stage Changed": 4, "Task Created": 1}
    # Baskets, the introduction and its permission for e-mail.
    assert len(rows) - sum(ours.values()) == 43 + 1 + 1
    assert household.profile.events["Order Completed"].count == 43
    assert household.profile.trait("email")


# How the store counts


def a_row(key: str, text: str = "") -> TimelineRow:
    event = Event(type="track", message_id=key, time=NOW, received_at=NOW, client_time=key)
    event.properties = {"text": text}
    return TimelineRow("ada", key, event, 1_800_000_001)


def test_the_store_counts_a_write_by_what_it_replaces(tmp_path: Path) -> None:
    store = CountedStore(sqlite_store(tmp_path))
    large = Profile(person="ada", created=NOW, refused=[str(n**40) for n in range(99)])
    items = [pack(large)]
    store.put(large)
    large.refused = []
    items.append(pack(large))
    store.put(large)
    store.delete(large)
    costs = [
        write_units(None, items[0]),
        write_units(items[0], items[1]),
        write_units(items[1], None),
    ]
    assert [one.units for one in store.take()] == costs
    assert costs[0] > 3  # several KB and a place in the listing
    assert costs[1] == costs[0] - 1
    assert costs[2] == 2


def test_the_store_counts_what_is_refused_and_what_is_written_together(tmp_path: Path) -> None:
    store = CountedStore(sqlite_store(tmp_path))
    first, slow = Profile(person="ada", created=NOW), Profile(person="ada", created=NOW)
    store.put(first)
    store.take()
    with pytest.raises(Conflict):
        store.put(slow)
    permission = Permission(person="ada")
    both = [pack(first), pack(permission)]
    before = pack(Profile(person="ada", created=NOW))
    store.put_together([first, permission])
    refused, *together = [one.units for one in store.take()]
    assert refused == table_units(before, pack(slow)) == 1
    assert together == [transaction_units(before, both[0]), transaction_units(None, both[1])]
    assert together == [2, 2]


def test_the_store_counts_each_row_of_a_batch_once(tmp_path: Path) -> None:
    store = CountedStore(sqlite_store(tmp_path))
    rows = [a_row("1"), a_row("2"), a_row("2", " ".join(str(n**40) for n in range(99)))]
    store.write(rows)
    written = store.take()
    assert [one.size for one in written] == [item_size(pack(row)) for row in (rows[0], rows[2])]
    assert written[0].units == 1
    assert written[1].units > 2


def test_the_store_counts_reads_by_four_kilobytes_and_never_less_than_one(tmp_path: Path) -> None:
    store = CountedStore(sqlite_store(tmp_path))
    store.write([a_row(f"{n:03}", f"{n**90}") for n in range(100)])
    assert store.get(Profile, "nobody") is None
    assert len(list(store.query(TimelineRow, "ada"))) == 100
    size = sum(one.size for one in store.take())
    assert store.read_units == {"profile": 1, "event": -(-size // 4096)}
