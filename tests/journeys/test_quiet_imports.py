"""What an import tells was so before: it lets nobody into a journey, by no way in."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from functions.handlers import wiring
from functions.journeys.run import Run
from tests.support.world import JOURNEYS, World

HEAD = "title: A\npurpose: offers\nonce per: occasion\n"
STAY = "steps: [{wait: 100 days}]\n"
QUIET = {"import": {"name": "crm", "quiet": True}}
Begin = Callable[..., World]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Makes a Tante with one journey, whose rules are said."""

    def begin(rules: str, segments: str = "") -> World:
        folder = tmp_path / "folder"
        shutil.copytree(JOURNEYS / "parts", folder / "parts")
        shutil.copy(JOURNEYS / "brand.yaml", folder)
        (folder / "segments.yaml").write_text(segments, "utf-8")
        (folder / "try").mkdir()
        (folder / "try" / "journey.yaml").write_text(f"{HEAD}{rules}\n{STAY}", "utf-8")
        world = World(tmp_path / "data", folder)
        world.settle()
        return world

    yield begin
    wiring.use(None)


def imported(world: World, user: str, at: str = "08:59", **traits: object) -> None:
    time = f"2027-03-01T{at}:00Z"
    call = {"userId": user, "traits": traits, "context": QUIET, "timestamp": time}
    world.post("identify", call)


def runs(world: World, user: str) -> list[Run]:
    return list(world.store.query(Run, world.person(user).person))


def test_a_condition_that_is_true_through_an_import_was_true_before(begin: Begin) -> None:
    world = begin("enter when: {person: {plan: pro}}")
    imported(world, "ada", plan="pro")
    world.track("ada", "Anything")
    world.advance("2 days")
    assert runs(world, "ada") == []
    world.identify("ada", plan="free")
    world.advance("1 minute")
    world.identify("ada", plan="pro")
    assert len(runs(world, "ada")) == 1


def test_a_segment_that_somebody_is_in_through_an_import_lets_nobody_in(begin: Begin) -> None:
    pros = "pros: {title: Pros, who: {person: {plan: pro}}}"
    world = begin("enter when: {event: Segment Entered, where: {segment: pros}}", pros)
    imported(world, "ada", plan="pro")
    world.advance("2 days")
    assert "pros" in world.person("ada").segments
    assert runs(world, "ada") == []
    world.identify("bob", plan="pro")
    assert len(runs(world, "bob")) == 1


def test_somebody_known_whom_an_import_makes_fit_does_not_enter_either(begin: Begin) -> None:
    world = begin("enter when: {person: {plan: pro}}")
    world.identify("ada", plan="free")
    imported(world, "ada", "09:00", plan="pro")
    world.track("ada", "Anything")
    assert runs(world, "ada") == []


def test_whoever_is_to_enter_including_those_already_enters_through_an_import(
    begin: Begin,
) -> None:
    world = begin("enter when: {person: {plan: pro}, including those already: true}")
    imported(world, "ada", plan="pro")
    assert len(runs(world, "ada")) == 1


def test_a_date_of_the_past_hour_that_is_imported_is_past_and_one_to_come_counts(
    begin: Begin,
) -> None:
    world = begin("enter when: {date: person.renews 9:30}")
    imported(world, "ada", "08:00", renews="2027-03-01")
    imported(world, "ben", renews="2027-03-02")
    world.advance("2 days")
    assert [len(runs(world, user)) for user in ("ada", "ben")] == [0, 1]


def test_a_date_that_was_due_is_not_lost_because_of_an_import(begin: Begin) -> None:
    world = begin("enter when: {date: person.renews 9:30}")
    world.identify("ada", renews="2027-03-02")
    imported(world, "ada", city="Bonn")
    world.advance("2 days")
    assert len(runs(world, "ada")) == 1


def test_an_imported_fact_ends_a_run_like_any_other(begin: Begin) -> None:
    world = begin(
        "enter when: {event: Begun}\nleave when:\n  - {event: Order Completed, as: bought}"
    )
    world.track("ada", "Begun")
    world.advance("1 hour")
    world.post("track", {"userId": "ada", "event": "Order Completed", "context": QUIET})
    assert world.outcomes("try") == ["bought"]


@pytest.mark.parametrize("said", [{}, {"quiet": False}, {"quiet": "yes"}, "quiet", None, [1]])
def test_only_the_mark_itself_is_quiet(begin: Begin, said: object) -> None:
    world = begin("enter when: {event: Begun}")
    world.post("track", {"userId": "ada", "event": "Begun", "context": {"import": said}})
    assert len(runs(world, "ada")) == 1
