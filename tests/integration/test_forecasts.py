"""Forecasts by the admin API: asked for, made beside what runs, and told."""

from pathlib import Path
from typing import Any

import pytest

from functions.forecast.record import LONGEST, Forecast, partition_of
from functions.handlers import forecast_journey, wiring
from functions.handlers.forecast_journey import Ground
from tests.support.world import JOURNEYS, World

MINE = {path.name: path.read_text("utf-8") for path in (JOURNEYS / "onboarding").iterdir()}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path)
    # At once and here, instead of in a process of its own.
    object.__setattr__(made.system.parts, "forecast", lambda name: work(made, name))
    for user in ("ada", "ben"):
        made.customer(user)
        made.advance("1 minute")
        made.order(user, user, "basic-1y")
    made.customer("eve")
    made.advance("30 days")
    return made


def work(world: World, name: str) -> str:
    """As in a process of its own, where nobody else uses the parts."""
    parts = world.system.parts
    try:
        return forecast_journey.make(ground(world), name)
    finally:
        wiring.use(parts)


def ground(world: World) -> Ground:
    parts = world.system.parts
    return Ground(parts.store, parts.settings.identity_key, parts.now, "eu-central-1")


def ask(world: World, **body: Any) -> dict[str, Any]:
    key = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    return world.request("POST", "/api/forecasts", {"journey": "onboarding", **body}, key)


def told(world: World, **body: Any) -> dict[str, Any]:
    answer = ask(world, **body)
    assert answer["statusCode"] == 200, answer
    found: dict[str, Any] = world.api(f"/api/forecasts/{answer['json']['id']}")
    return found


def test_a_forecast_is_asked_for_and_tells_what_the_journey_would_do(world: World) -> None:
    found = told(world, days=40)
    assert (found["state"], found["why"], found["progress"]) == ("done", "", 1.0)
    journey, *_ = found["report"]["journeys"]
    assert journey["runs"]["likely"] == 2
    assert {m["message"]: m["sent"]["likely"] for m in journey["messages"]}["welcome"] == 2
    listed = world.api("/api/forecasts")["forecasts"]
    assert [(one["id"], one.get("report")) for one in listed] == [(found["id"], None)]


def test_a_forecast_changes_nothing_but_its_own_record(world: World) -> None:
    def all_else() -> list[str]:
        rows = world.store.connection.iterdump()
        return [row for row in rows if "'forecast " not in row and "'acts-" not in row]

    before = all_else()
    assert told(world, days=40)["state"] == "done"
    assert all_else() == before


def test_a_journey_is_forecast_as_its_files_have_it_before_it_is_published(world: World) -> None:
    text = MINE["journey.yaml"].replace("basic-1y", "no-such-sku")
    found = told(world, days=40, files={**MINE, "journey.yaml": text})
    assert "there was no" not in found["why"]
    assert found["report"]["journeys"][0]["runs"]["likely"] == 0
    wrong = told(world, days=40, files={**MINE, "journey.yaml": text.replace("title:", "tile:")})
    assert wrong["state"] == "failed"
    assert 'onboarding/journey.yaml:4: "tile" is unknown' in wrong["why"]


def test_what_cannot_be_forecast_is_said_at_once_or_in_the_record(world: World) -> None:
    assert ask(world, journey="nope")["statusCode"] == 404
    assert ask(world, days=0)["statusCode"] == 400
    assert ask(world, files=MINE, version="x")["statusCode"] == 400
    assert "no version" in told(world, version="x")["why"]
    late = told(world, since="2028-01-01")
    assert (late["state"], "still to come" in late["why"]) == ("failed", True)
    early = told(world, since="2026-01-01", days=10)
    assert "the first person came on 2027-03-01" in early["why"]


def test_a_forecast_that_nobody_ended_is_failed_and_not_begun_twice(world: World) -> None:
    made = told(world, days=40)
    record = world.store.get(Forecast, partition_of(made["id"]))
    record.state, record.report = "running", b""
    world.store.put(record)
    assert world.api(f"/api/forecasts/{made['id']}")["state"] == "running"
    world.advance(f"{LONGEST.seconds // 60 + 1} minutes")
    lost = world.api(f"/api/forecasts/{made['id']}")
    assert (lost["state"], "fewer people" in lost["why"]) == ("failed", True)
    assert work(world, made["id"]) == "failed"


def test_what_there_is_no_time_for_says_how_many_people_there_would_be_time_for(
    world: World,
) -> None:
    asked = ask(world, days=40)["json"]["id"]
    record = world.store.get(Forecast, partition_of(asked))
    record.state = "waiting"
    world.store.put(record)
    parts = world.system.parts
    try:
        forecast_journey.make(ground(world), asked, lambda: 0)
    finally:
        wiring.use(parts)
    found = world.api(f"/api/forecasts/{asked}")
    assert (found["state"], "time for 1 of 64 parts" in found["why"]) == ("failed", True)
