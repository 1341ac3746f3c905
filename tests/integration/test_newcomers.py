"""People who are still to come: as many as came lately, as others, doing what those did."""

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from functions.folder import read_folder
from functions.forecast.asked import Asked
from functions.forecast.difference import difference, names_in
from functions.forecast.log import Log
from functions.handlers import wiring
from functions.tracking.event import Event
from functions.tracking.identity import normal_phone
from functions.virtual.drawing import Draw, draws, learned
from functions.virtual.newcomers import lately
from functions.virtual.people import everybody
from functions.virtual.plan import SHARDS, shard_of
from functions.virtual.prepared import prepare, whom
from functions.virtual.renaming import Renaming
from functions.virtual.stage import Stage, catalogue_of
from local.command_line import app
from local.forecasting import Ground
from tests.support.world import JOURNEYS, START, World

DAY = timedelta(days=1)
BY_CONDITION = """enter when:
  person: {orders: {at least: 1}}
once per: person
"""
NEW = [f"new{number}" for number in range(10)]


class Shop:
    """A company's data folder: two old customers, then in the last thirty days ten who signed up
    and bought a licence, with which the onboarding begins."""

    def __init__(self, place: Path) -> None:
        self.data = place / "data"
        self.world = World(self.data)
        for user in ("ada", "ben"):
            self.sign_up(user)
        self.world.advance("40 days")
        for user in NEW:
            self.sign_up(user)
            self.world.advance("1 day")
        self.world.advance("10 days")

    def sign_up(self, user: str) -> None:
        self.world.customer(user)
        self.world.advance("1 minute")
        self.world.order(user, user, "basic-1y")

    def type(self, *words: str) -> str:
        said = ["forecast", "onboarding", "--data", str(self.data), "--mode", "expect", "--json"]
        answer = CliRunner().invoke(app, [*said, *words])
        assert answer.exit_code == 0, answer.output
        return answer.stdout

    def read(self, *words: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.type("--cores", "1", *words))
        return found

    def draws(self, journeys: Path = JOURNEYS, **asked: Any) -> Iterator[Draw]:
        now, store = self.world.now, self.world.store
        said = Asked(journey="onboarding", mode="expect", **{"days": 30, "draws": 2, **asked})
        catalogue = catalogue_of(read_folder(journeys), now)
        key = Ground(JOURNEYS, self.data).identity_key
        prepared = prepare(said, catalogue, whom(everybody(store)), key, now)
        return draws(prepared, learned(prepared, store))

    def logs(self, draw: Draw) -> list[Log]:
        read = draw.read(self.world.store)
        return [Stage(draw.plan).run(read(n)) for n in range(SHARDS) if draw.newcomers[n]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    yield Shop(tmp_path_factory.mktemp("shop"))
    wiring.use(None)


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    before = wiring._parts
    yield
    wiring.use(before)


def test_as_many_come_new_as_came_in_as_many_days_before(shop: Shop) -> None:
    found = shop.read("--days", "30", "--draws", "20")
    [journey] = [one for one in found["journeys"] if one["asked"]]
    assert journey["newcomers"]["low"] <= 10 <= journey["newcomers"]["high"]
    assert journey["newcomers"]["low"] < journey["newcomers"]["high"]
    assert found["about"]["newcomers_of"] == 30
    assert "are still to come, as others came in the last 30 days" in found["says"][0]
    assert "of these come new" in found["says"][1]


def test_whoever_comes_new_is_nobody_who_is_known(shop: Shop) -> None:
    known = {key for key, _ in everybody(shop.world.store)}
    for draw in shop.draws():
        for log in shop.logs(draw):
            entered = {run.person for run in log.runs} & log.newcomers
            assert log.newcomers
            assert entered == log.newcomers
            assert not log.newcomers & known


def test_newcomers_are_no_examples_for_nobody_could_look_them_up(shop: Shop) -> None:
    [draw] = shop.draws(draws=1)
    names = names_in(draw.prepared.shape)
    for log in shop.logs(draw):
        of_new = [row for row in log.messages if row.person in log.newcomers]
        new = msgspec.structs.replace(log, messages=of_new)
        gained = difference(msgspec.structs.replace(new, messages=[]), new, names, names)
        assert gained.messages
        assert gained.examples == draw.tally(new).examples == ()


def test_nothing_that_newcomers_do_names_a_real_person(shop: Shop) -> None:
    names = {*NEW, *(f"{name}@" for name in NEW)}
    [draw] = shop.draws(draws=1)
    read, came = draw.read(shop.world.store), 0
    for shard in range(SHARDS):
        for one in read(shard):
            if one.is_new:
                came += 1
                assert shard_of(one.person) == shard
                assert not one.records
                said = repr(one.events)
                assert not [name for name in names if f"'{name}" in said]
                assert "@example.invalid" in said
                assert all(event.time >= draw.plan.begin for event in one.events)
    assert came == len(NEW)  # one draw alone: each once


def test_one_core_and_two_give_the_same_bytes(shop: Shop) -> None:
    words = ("--days", "30", "--draws", "2")
    assert shop.type(*words, "--cores", "1") == shop.type(*words, "--cores", "2")


def test_newcomers_can_be_left_out(shop: Shop) -> None:
    found = shop.read("--days", "30", "--draws", "1", "--no-newcomers")
    assert found["newcomers"]["high"] == 0
    assert "is not among them" in found["says"][0]


def test_where_less_is_known_than_is_forecast_the_same_days_pass_again(shop: Shop) -> None:
    found = shop.read("--days", "120", "--draws", "1")
    assert found["about"]["newcomers_of"] == 60
    assert "the last 60 days, which pass again and again" in found["says"][0]
    assert found["newcomers"]["likely"] == 2 * len(NEW)  # ada and ben came before whole days


def test_of_a_sample_newcomers_are_counted_for_all_too(shop: Shop) -> None:
    found = shop.read("--days", "30", "--draws", "1", "--sample", "6")
    assert found["scale"] == 2
    assert found["newcomers"]["likely"] in range(0, 13, 2)


@given(st.lists(st.integers(1, 90 * 24), min_size=1), st.integers(1, 60))
def test_only_whole_days_that_are_known_come_again(hours: list[int], days: int) -> None:
    came = {str(hour): START - timedelta(hours=hour) for hour in hours}
    found = lately(came, START, days)
    assert found.days == min(days, max(hours) // 24)
    assert found.came.keys() == {str(hour) for hour in hours if hour <= found.days * 24}


def test_days_ahead_are_as_far_ahead_again_and_all_that_leads_to_the_person_is_new() -> None:
    event = Event(
        type="track",
        event="Trial Begun",
        message_id="m",
        time=START,
        received_at=START,
        user_id="zoe",
        anonymous_id="device",
        properties={
            "ends": "2027-03-31",
            "born": "1990-03-01",
            "at": "2027-03-05T10:00:00Z",
            "link": "https://shop.example/?to=Zoe@Example.com",
            "customer": "zoe",
            "items": [{"for": "device", "sku": "basic"}],
        },
        traits={"email": "zoe@example.com", "phone": "+4915112345678", "plan": "gold"},
    )
    new = Renaming("n", "key", [], [event], 10 * DAY).of(event, 0)
    said = new.properties
    assert (said["ends"], said["born"]) == ("2027-04-10", "1990-03-01")
    assert said["at"].startswith("2027-03-15T10:00:00")
    assert (said["customer"], said["items"][0]["sku"]) == ("n", "basic")
    assert said["items"][0]["for"] == new.anonymous_id
    assert new.traits["email"] in said["link"]
    assert new.traits["phone"].startswith("+49151")
    assert len(new.traits["phone"]) == len("+4915112345678")
    assert new.traits["plan"] == "gold"
    assert (new.user_id, new.time) == ("n", START + 10 * DAY)
    for old in ("zoe", "device", "12345678"):
        assert old not in repr(new).lower()


def test_whoever_is_called_by_their_address_has_an_address_again() -> None:
    said = {"email": "Zoe@example.com", "phone": "0151 1234567"}
    event = Event(
        type="identify",
        message_id="m",
        time=START,
        received_at=START,
        user_id="zoe@example.com",
        traits=said,
    )
    new = Renaming("n", "key", [], [event], DAY).of(event, 0)
    assert new.user_id == new.traits["email"] == "n-0@example.invalid"
    assert normal_phone(new.traits["phone"]) not in ("", normal_phone(said["phone"]))


def test_newcomers_enter_by_a_condition_only_after_they_came(shop: Shop, tmp_path: Path) -> None:
    shutil.copytree(JOURNEYS, tmp_path / "journeys")
    file = tmp_path / "journeys" / "onboarding" / "journey.yaml"
    text = file.read_text("utf-8")
    begin, end = text.index("enter when:"), text.index("leave when:")
    rest = text[end:].replace(", same: order_id", "")
    file.write_text(f"{text[:begin]}{BY_CONDITION}{rest}", "utf-8")
    for draw in shop.draws(journeys=tmp_path / "journeys", draws=1):
        logs = shop.logs(draw)
        runs = [run for log in logs for run in log.runs if run.person in log.newcomers]
        entered = [run for run in runs if run.journey == "onboarding"]
        assert len(entered) == len(NEW)
        assert len({run.entered.date() for run in entered}) == len(NEW)
