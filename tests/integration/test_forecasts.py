"""Forecasts by the admin API: asked for, made beside what runs, and told."""

from datetime import timedelta
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


# --- comparisons


def cut_short() -> dict[str, str]:
    """The onboarding that ends before its guide."""
    head, _, rest = MINE["journey.yaml"].partition("  - send: guide")
    assert rest
    return {**MINE, "journey.yaml": head}


def messages(found: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """By message how many people gain it and lose it."""
    return {
        one["message"]: (one["gained"]["likely"], one["lost"]["likely"])
        for one in found["report"]["messages"]
        if one["journey"] == "onboarding"
    }


def test_a_journey_s_files_are_compared_with_what_is_live(world: World) -> None:
    same = told(world, days=40, files=MINE, against={"version": "live"})
    assert (same["kind"], same["state"], same["why"]) == ("comparison", "done", "")
    assert same["report"]["messages"] == []
    asked = {"files": cut_short(), "against": {"version": "live", "name": "today"}}
    found = told(world, days=40, **asked)
    assert messages(found) == {"guide": (0, 2), "hacks": (0, 2)}
    assert (found["report"]["before"], found["report"]["after"]) == ("today", "the files")


def test_an_earlier_version_may_be_other_files_or_none_at_all(world: World) -> None:
    found = told(world, days=40, against={"files": cut_short()})
    assert messages(found) == {"guide": (2, 0), "hacks": (2, 0)}
    new = told(world, days=40, files=MINE, against={})
    assert messages(new)["welcome"] == (2, 0)
    assert new["report"]["before"] == "nothing"


def test_a_comparison_names_nobody_for_whoever_is_erased_must_not_stand_in_it(
    world: World,
) -> None:
    found = told(world, days=40, files=cut_short(), against={"version": "live"})
    assert found["report"]["concerned"]["likely"] == 2
    assert found["report"]["examples"] == []


def test_what_cannot_be_compared_says_why(world: World) -> None:
    assert ask(world, against={"version": "live", "files": MINE})["statusCode"] == 400
    assert ask(world, against={"nope": 1})["statusCode"] == 400
    large = {"journey.yaml": "#" * 200_000}
    assert ask(world, files=large, against={"files": large})["statusCode"] == 400
    unknown = told(world, days=40, against={"version": "v7"})
    assert (unknown["state"], 'has no version "v7"' in unknown["why"]) == ("failed", True)


# --- how far off it was


def score(world: World, name: str) -> dict[str, Any]:
    key = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    return world.request("POST", f"/api/forecasts/{name}/calibration", {}, key)


def test_a_forecast_is_compared_with_what_came(world: World) -> None:
    made = told(world, since="2027-03-01", days=20)
    found = world.api(f"/api/forecasts/{score(world, made['id'])['json']['id']}")
    assert (found["kind"], found["of"], found["state"]) == ("score", made["id"], "done")
    entered, *_ = found["report"]["figures"]
    assert (entered["kind"], entered["forecast"]["likely"], entered["came"]) == ("entered", 2, 2)


def test_only_a_forecast_with_a_report_is_compared_with_what_came(world: World) -> None:
    assert score(world, "nope")["statusCode"] == 404
    other = told(world, days=40, files=MINE, against={"version": "live"})
    assert score(world, other["id"])["statusCode"] == 400
    generated = told(world, people=20, days=20)
    found = world.api(f"/api/forecasts/{score(world, generated['id'])['json']['id']}")
    assert (found["state"], "made up" in found["why"]) == ("failed", True)


def test_a_forecast_is_kept_beyond_its_days_so_that_it_can_be_compared(world: World) -> None:
    record = world.store.get(Forecast, partition_of(told(world, days=90)["id"]))
    assert record.expires > (record.made + timedelta(days=100)).timestamp()
