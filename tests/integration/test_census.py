"""The daily census: cut points are published, and those whom they concern are looked at."""

from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copy
from types import SimpleNamespace
from typing import Any

import pytest

from functions.handlers import count_people, wiring
from functions.segments.census_records import CensusPart, Cuts, Figures
from functions.storage.kinds import KINDS
from local.figures import lines
from tests.support.world import JOURNEYS, World

SEGMENTS = """
customers: {title: A, who: {person: {orders: {at least: 1}}}}
best: {title: B, who: {person: {abc: A}}}
big: {title: C, who: {person: {revenue: {above: average}}}}
"""


def a_world(folder: Path, segments: str = SEGMENTS) -> World:
    (folder / "journeys").mkdir()
    copy(JOURNEYS / "brand.yaml", folder / "journeys")
    (folder / "journeys" / "segments.yaml").write_text(segments)
    return World(folder / "data", folder / "journeys")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    yield a_world(tmp_path)
    wiring.use(None)


def cuts(world: World) -> list[Cuts]:
    """All that were ever published, newest first."""
    return world.store.listing(Cuts)[0]


def buy(world: World, **revenue: int) -> None:
    for number, (user, amount) in enumerate(revenue.items()):
        world.order(user, f"{user}{number}{world.now.timestamp()}", "ink", revenue=amount)


def members(world: World, *users: str) -> dict[str, list[str]]:
    return {user: sorted(world.person(user).segments) for user in users}


def test_who_is_among_the_best_is_known_a_day_later_without_an_event_of_theirs(
    world: World,
) -> None:
    buy(world, ada=800, bob=150, cy=50)
    assert members(world, "ada") == {"ada": ["customers"]}
    world.advance("1 day")
    assert members(world, "ada", "bob", "cy") == {
        "ada": ["best", "big", "customers"],
        "bob": ["customers"],
        "cy": ["customers"],
    }
    assert world.person("ada").events["Segment Entered"].count == 3


def test_only_those_are_looked_at_for_whom_a_comparison_turns(world: World) -> None:
    buy(world, ada=900, bob=90, cy=50, dan=10)
    world.advance("1 day")
    before = {user: world.person(user).version for user in ("ada", "bob", "cy", "dan")}
    buy(world, dan=5000)  # now only dan is an A, and above the average
    world.advance("1 day")
    assert members(world, "ada", "dan") == {
        "ada": ["customers"],
        "dan": ["best", "big", "customers"],
    }
    after = {user: world.person(user).version for user in before}
    assert [user for user in before if after[user] == before[user]] == ["bob", "cy"]


def test_the_brand_says_how_much_the_best_customers_make_and_it_counts_from_the_next_day(
    world: World, tmp_path: Path
) -> None:
    buy(world, ada=500, bob=300, cy=200)
    world.advance("1 day")
    assert "best" in world.person("bob").segments
    brand = tmp_path / "journeys" / "brand.yaml"
    brand.write_text(f"{brand.read_text('utf-8')}abc: {{A: 50, B: 80}}\n", "utf-8")
    world.system.publish()
    world.advance("1 day")
    found = {user: fields_of(world, user)["abc"] for user in ("ada", "bob", "cy")}
    assert found == {"ada": "A", "bob": "B", "cy": "C"}
    assert "best" not in world.person("bob").segments


def fields_of(world: World, user: str) -> Any:
    return world.api(f"/api/people/{world.person(user).person}")["computed"]


def test_everybody_is_counted_once_a_day(world: World) -> None:
    buy(world, ada=10)
    world.advance("1 day")
    found = cuts(world)
    assert count_people.handler({}, None) == {"counted": 0, "looks": 0}
    assert cuts(world) == found
    world.advance("1 day")
    assert len(cuts(world)) == len(found) + 1
    assert len(world.store.listing(Figures)[0]) == len(found) + 1


def test_without_segments_nobody_is_counted(tmp_path: Path) -> None:
    world = a_world(tmp_path, "# none\n")
    buy(world, ada=10)
    world.advance("3 days")
    assert cuts(world) == []
    wiring.use(None)


def test_a_person_is_shown_among_others_and_cut_points_are_kept_for_400_days(
    world: World,
) -> None:
    buy(world, ada=10)
    world.advance("1 day")
    said = world.api(f"/api/people/{world.person('ada').person}")["computed"]
    assert (said["abc"], said["rfm"], said["basket"]) == ("A", "111", 10)
    [newest, *_] = cuts(world)
    expires = KINDS[Cuts].expires
    assert expires
    assert expires(newest) == int(newest.made.timestamp()) + 400 * 24 * 3600


# --- interrupted


def short(pages: int) -> Any:
    """A context of an invocation that has time for so many pages."""
    left = iter([*[900_000] * (pages - 1), *[1000] * 99])
    return SimpleNamespace(get_remaining_time_in_millis=lambda: next(left))


@pytest.fixture
def crowd(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Nine people who bought, and pages of two; nobody has been counted today."""
    monkeypatch.setattr(count_people, "PAGE", 2)
    buy(world, **{f"p{n}": 2**n for n in range(9)})
    world.system.clock.move_to(world.now + world.days(1))
    return world


def count_all(world: World, context: Callable[[], Any]) -> list[dict[str, int]]:
    """The invocations of some hours."""
    done = []
    for _ in range(12):
        done.append(count_people.handler({}, context()))
    world.settle()
    return done


@pytest.mark.parametrize("pages", [1, 2, 4])
def test_a_pass_that_is_interrupted_goes_on_in_the_next_hour_and_finds_the_same(
    crowd: World, pages: int
) -> None:
    done = count_all(crowd, lambda: short(pages))
    [newest, *_] = cuts(crowd)
    assert sum(one["counted"] for one in done) == newest.people == 9
    assert max(one["counted"] for one in done) <= 2 * pages
    assert float(newest.measures["revenue"].mean) == pytest.approx(511 / 9, abs=1e-4)
    assert "best" in crowd.person("p8").segments
    assert crowd.store.get(CensusPart, "census", "00000") is None


def test_a_pass_that_dies_is_begun_again_where_it_was_kept_and_nobody_is_forgotten(
    crowd: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = count_people.Pass._turns

    def dies(*given: Any) -> bool:
        raise RuntimeError("the Lambda died")

    monkeypatch.setattr(count_people.Pass, "_turns", dies)
    with pytest.raises(RuntimeError):
        count_people.handler({}, None)
    assert cuts(crowd)[0].people == 9  # published, but nobody was looked at
    monkeypatch.setattr(count_people.Pass, "_turns", real)
    assert count_people.handler({}, None)["counted"] == 0
    crowd.settle()
    assert {"best", "big"} <= crowd.person("p8").segments.keys()


def test_a_pass_that_dies_before_its_cut_points_are_published_counts_again(
    crowd: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*given: Any) -> Any:
        raise RuntimeError("the Lambda died")

    before = cuts(crowd)
    with monkeypatch.context() as patched:
        patched.setattr(count_people, "figures", dies)
        with pytest.raises(RuntimeError):
            count_people.handler({}, None)
    assert cuts(crowd) == before
    assert count_people.handler({}, None)["counted"] == 9
    crowd.settle()
    assert "best" in crowd.person("p8").segments


@pytest.mark.parametrize("name", ["p0", "p8"])  # counted before the erasure or after it
def test_who_is_erased_while_they_are_counted_is_no_example_afterwards(
    crowd: World, name: str
) -> None:
    person = crowd.person(name).person
    count_people.handler({}, short(3))
    assert crowd.store.get(CensusPart, "census", "00000"), "it is under way"
    key = {"authorization": f"Bearer {crowd.system.keys.secret_key}"}
    crowd.request("DELETE", f"/api/people/{person}", headers=key)
    crowd.settle()  # the erasure is over before anything is published
    count_all(crowd, lambda: short(4))
    [found, *_] = crowd.store.listing(Figures)[0]
    examples = {one for segment in found.segments for one in segment.sample}
    assert len(examples) >= 4  # of five that are kept, this one may have been one
    assert person not in examples
    parts = [part.body for part in crowd.store.query(CensusPart, "census")]
    assert not any(person.encode() in body for body in parts)


# --- asked for


def test_the_figures_of_the_latest_census_are_asked_for_and_told(world: World) -> None:
    assert world.api("/api/segments/figures")["made"] is None
    buy(world, ada=800, bob=150, cy=50)
    world.advance("1 day")
    world.advance("1 day")
    found = world.api("/api/segments/figures")
    assert found["people"] == 3
    counts = {one["name"]: one["count"] for one in found["segments"]}
    assert counts == {"customers": 3, "best": 1, "big": 1}
    said = lines(found)
    assert "best: 1 person, 33.3 % of all" in said
    assert any("best and big: 1 person, 100 %" in line for line in said)
