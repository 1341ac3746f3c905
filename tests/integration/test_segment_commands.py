"""`tante segments` and the admin API's answers about segments, on a running system."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from functions.handlers import wiring
from local.app import App
from local.command_line import app
from local.http_server import application, serving
from tests.support.world import JOURNEYS, World

SEGMENTS = """
buyers: {title: Bought this week, who: {did: Order Completed, in the last: 7 days}}
fans: {title: Has the plan pro, who: {person: {plan: pro}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "statemachines"
    shutil.copytree(JOURNEYS / "parts", folder / "parts")
    shutil.copy(JOURNEYS / "brand.yaml", folder)
    (folder / "segments.yaml").write_text(SEGMENTS, "utf-8")
    return folder


@pytest.fixture
def world(tmp_path: Path, folder: Path) -> Iterator[World]:
    world = World(tmp_path / "data", folder)
    for number in range(12):
        world.identify(f"user{number:02}", plan="pro" if number % 4 == 0 else "free")
    world.order("user07", "o1", "ink")
    yield world
    wiring.use(None)


def test_the_api_tells_each_segment_in_words_and_how_far_everybody_is(world: World) -> None:
    found = world.api("/api/segments")
    buyers, fans = found["segments"]
    assert buyers["title"] == "Bought this week"
    assert "Order Completed" in buyers["who"]
    assert buyers["since"][:10] == "2026-01-25"  # 400 days before
    assert fans["since"] is None
    assert found["backfill"]["ended"]
    assert "letzten" in world.api("/api/segments", **{"in": "de"})["segments"][0]["who"]


def test_the_people_of_a_segment_come_page_by_page_each_once(world: World) -> None:
    seen, after = [], ""
    key = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    while True:
        asked = "/api/segments/fans/people?limit=2" + (f"&after={after}" if after else "")
        page = world.request("GET", asked, headers=key)["json"]
        assert len(page["people"]) <= 2
        seen += [one["user_id"] for one in page["people"]]
        after = page["next"]
        if not after:
            break
    assert sorted(seen) == ["user00", "user04", "user08"]


def test_a_segment_that_is_not_there_is_an_error_with_a_hint(world: World) -> None:
    key = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    answer = world.request("GET", "/api/segments/buyer/people", headers=key)
    assert answer["statusCode"] == 404
    assert answer["json"] == {
        "code": "not_found",
        "message": 'there is no segment "buyer"; did you mean "buyers"?',
    }


def test_the_commands_show_segments_and_people_and_publish_a_change_of_segments_alone(
    world: World, folder: Path, tmp_path: Path
) -> None:
    with serving(application(App(world.system).route)) as url:

        def typed(*words: str) -> str:
            where = ["--data", str(tmp_path / "data"), "--at", url]
            return CliRunner().invoke(app, [*words, *where]).output

        shown = typed("segments", "list")
        assert "Bought this week" in shown
        assert "everybody is up to date (0 people)" in shown
        assert "from 2026-01-25 on" in shown
        assert typed("segments", "people", "buyers").startswith("user07  since 2027-03-01T09:00")
        (folder / "segments.yaml").write_text(SEGMENTS.replace("7 days", "9 days"), "utf-8")
        said = typed("publish", str(folder), "--yes")
        assert "segments.yaml, for everybody at once" in said
        assert "9 days" in said
        world.settle()
        assert "nothing has changed" in typed("publish", str(folder), "--yes")
        assert "everybody is up to date (12 people)" in typed("segments", "list")
