"""Clusters on a running system: learned by the census, told, named, used in segments."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from functions.handlers import count_people, wiring
from functions.segments.census_records import Cuts
from functions.storage import clusters
from functions.storage.clusters import first_orders, newest_report
from local.app import App
from local.command_line import app
from local.http_server import application, serving
from tests.integration.test_census import a_world
from tests.support.shoppers import shoppers
from tests.support.world import World

SEGMENTS = """
customers: {title: A, who: {person: {orders: {at least: 1}}}}
first: {title: B, who: {person: {cluster: c1}}}
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A shop with 210 customers, whom nobody has counted yet."""
    world = a_world(tmp_path, SEGMENTS)
    for profile in shoppers(70, world.now):
        profile.version = 0
        world.store.put(profile)
    yield world
    wiring.use(None)


def ask(world: World, method: str, path: str, body: Any = None) -> dict[str, Any]:
    key = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    return world.request(method, path, body, headers=key)


def test_clusters_are_learned_with_the_census_and_tell_what_they_are(world: World) -> None:
    assert world.api("/api/clusters")["made"] is None
    world.advance("1 day")
    found = world.api("/api/clusters")
    assert (found["customers"], found["sampled"], len(found["clusters"])) == (210, 210, 3)
    assert found["says"] == "the clusters are clearly distinct"
    assert {one["people"] for one in found["clusters"]} == {70}
    assert any("mostly with coupons" in one["says"] for one in found["clusters"])
    german = world.api("/api/clusters", **{"in": "de"})
    assert any("meist mit Gutschein" in one["says"] for one in german["clusters"])
    one = found["clusters"][0]
    person = world.api(f"/api/people/{one['sample'][0]}")
    assert person["computed"]["cluster"] == one["cluster"]


def test_a_segment_of_a_cluster_has_its_people_without_an_event_of_theirs(world: World) -> None:
    world.advance("1 day")
    [first] = [one for one in world.api("/api/clusters")["clusters"] if one["cluster"] == "c1"]
    assert "first" in world.api(f"/api/people/{first['sample'][0]}")["segments"]
    figures = world.api("/api/segments/figures")
    assert {one["name"] for one in figures["segments"]} == {"customers", "first"}
    world.advance("1 day")
    counts = {one["name"]: one["count"] for one in world.api("/api/segments/figures")["segments"]}
    assert counts["first"] == first["people"]


def test_the_model_is_carried_from_day_to_day_and_learned_anew_after_a_week(world: World) -> None:
    made = []
    for _ in range(8):
        world.advance("1 day")
        world.identify("somebody", day=str(world.now))  # on one machine a day begins with an event
        [cuts, *_] = world.store.listing(Cuts)[0]
        made.append(cuts.clusters.made)
    assert len(set(made)) == 2
    assert len(world.store.listing(Cuts)[0]) == 8
    report = newest_report(world.store)
    assert report is not None
    assert report.stability == 1


def test_whoever_asks_need_not_wait_for_a_week_nor_for_a_segment(tmp_path: Path) -> None:
    world = a_world(tmp_path, "# none\n")
    for profile in shoppers(70, world.now):
        profile.version = 0
        world.store.put(profile)
    world.advance("3 days")
    assert newest_report(world.store) is None
    assert ask(world, "POST", "/api/clusters/learn")["statusCode"] == 200
    assert world.api("/api/clusters")["asked"]
    world.settle()
    found = world.api("/api/clusters")
    assert (len(found["clusters"]), found["asked"]) == (3, None)
    world.advance("1 minute")
    assert count_people.handler({}, None)["counted"] == 0
    ask(world, "POST", "/api/clusters/learn")
    assert count_people.handler({}, None)["counted"] == 210  # twice on one day
    wiring.use(None)


def test_a_name_sticks_to_the_id_and_is_no_other_clusters(world: World) -> None:
    answer = ask(world, "PUT", "/api/clusters/c1", '{"name": "Gold"}')
    assert answer["json"]["message"] == 'there is no cluster "c1"; there are: none'
    world.advance("1 day")
    assert ask(world, "PUT", "/api/clusters/c2", '{"name": " Bargain hunters "}')["json"] == {
        "cluster": "c2",
        "name": "Bargain hunters",
    }
    world.advance("1 minute")
    ask(world, "POST", "/api/clusters/learn")
    world.settle()
    names = {one["cluster"]: one["name"] for one in world.api("/api/clusters")["clusters"]}
    assert names == {"c1": "", "c2": "Bargain hunters", "c3": ""}
    wrong = ask(world, "PUT", "/api/clusters/c2", f'{{"name": "{"x" * 61}"}}')
    assert wrong["statusCode"] == 400


def test_a_pass_that_is_interrupted_draws_the_same_sample(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(count_people, "PAGE", 40)
    world.system.clock.move_to(world.now + world.days(1))
    hour = SimpleNamespace(get_remaining_time_in_millis=lambda: 200_000)  # too short to learn in
    for _ in range(9):
        count_people.handler({}, hour)
    found = newest_report(world.store)
    assert found is not None
    assert (found.customers, len(found.clusters)) == (210, 3)


def test_the_first_orders_of_the_sample_are_kept_without_whose_they_are(world: World) -> None:
    world.advance("1 day")
    made, firsts = first_orders(world.store)
    assert made is not None
    assert len(firsts) == 210
    assert sum(one.again is not None for one in firsts) == 210
    found = world.api("/api/repeat", within="7")
    assert (found["within"], found["of"] + found["left_out"]) == (7, 210)
    assert 0 < found["came"] < found["of"]
    assert ask(world, "GET", "/api/repeat?within=0")["statusCode"] == 400


def test_parts_of_first_orders_that_are_many_are_read_together(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "PART", 1_000)
    world.advance("1 day")
    assert len(first_orders(world.store)[1]) == 210


def test_the_commands_list_name_and_learn(world: World, tmp_path: Path) -> None:
    with serving(application(App(world.system).route)) as url:

        def typed(*words: str) -> str:
            where = ["--data", str(tmp_path / "data"), "--at", url]
            return CliRunner().invoke(app, [*words, *where]).output

        assert "nothing was learned yet" in typed("clusters", "list")
        assert "nobody was drawn yet" in typed("people", "repeat")
        world.advance("1 day")
        assert 'c1 is called "Regulars [1]"' in typed("clusters", "name", "c1", "Regulars [1]")
        said = typed("clusters", "list")
        assert "c1 Regulars [1]: about 70 customers (33 %)" in said
        assert "in the segment customers: 100 %" in said
        world.advance("1 minute")
        assert "learned within the hour" in typed("clusters", "learn")
        assert "somebody has asked to learn anew" in typed("clusters", "list")
        assert "customers ordered again within 7 days" in typed("people", "repeat", "--within", "7")
