"""What happens to the people in a journey when it changes: they keep it, follow, or move."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from functions.handlers import wiring
from functions.journeys.workflow import MoveAll
from tests.support.world import JOURNEYS, World

VISIT = """
title: A visit
purpose: product tips
enter when: {event: Visited}
once per: person
steps:
  - send: welcome
  - wait: 5 days
  - if: {person: {plan: basic}}
    then: [{send: guide}]
  - wait: 9 days
    name: rest
  - send: hacks
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The brand, the parts and one journey of our own."""
    found = tmp_path / "statemachines"
    found.mkdir()
    shutil.copy(JOURNEYS / "brand.yaml", found)
    shutil.copytree(JOURNEYS / "parts", found / "parts")
    write(found, VISIT)
    return found


def write(folder: Path, text: str, name: str = "visit", **words: str) -> None:
    """The journey, and a text message for each word of `send`."""
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "journey.yaml").write_text(text)
    for message in ("welcome", "guide", "hacks", "more"):
        for language in ("de", "en"):
            file = folder / name / f"{message}.{language}.sms"
            if f"send: {message}" in text:
                file.write_text(words.get(message, f"{message}!"))
            else:
                file.unlink(missing_ok=True)


@pytest.fixture
def world(tmp_path: Path, folder: Path) -> Iterator[World]:
    world = World(tmp_path / "data", folder)
    yield world
    wiring.use(None)


def ask(world: World, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    headers = {"authorization": f"Bearer {world.system.keys.secret_key}"}
    answer = world.request(method, path, body, headers)
    world.settle()
    return int(answer["statusCode"]), answer["json"]


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def publish(world: World, folder: Path, under_way: str = "pin", **more: Any) -> Any:
    """By the admin API; what it says of "visit"."""
    status, said = offer(world, folder, under_way, **more)
    assert status == 200, said
    return said["journeys"][0]


def offer(world: World, folder: Path, under_way: str, dry_run: bool = False, **map: str) -> Any:
    choice = {"under_way": under_way, "map": {k.replace("_", " "): v for k, v in map.items()}}
    body = {"files": files(folder), "choices": {"visit": choice}, "dry_run": dry_run}
    return ask(world, "POST", "/api/publish", body)


def visitor(world: World, user: str, **traits: Any) -> None:
    world.customer(user, **traits)
    world.track(user, "Visited")


def texts(world: World, user: str) -> list[str]:
    person = world.person(user).person
    return [kept.text for kept in world.outbox() if kept.person == person]


def look(world: World) -> Any:
    status, found = ask(world, "GET", "/api/journeys/visit")
    assert status == 200, found
    return found


# --- pin


def test_those_under_way_keep_their_version_unless_something_else_is_chosen(
    world: World, folder: Path
) -> None:
    visitor(world, "ada", plan="basic")
    write(folder, VISIT.replace("5 days", "1 day"), hacks="new hacks")
    said = publish(world, folder)
    assert "keep their version" in " ".join(said["says"])
    visitor(world, "bob")
    world.advance("30 days")
    assert texts(world, "ada") == ["welcome!", "guide!", "hacks!"]
    assert texts(world, "bob") == ["welcome!", "new hacks"]


# --- follow


def test_who_follows_gets_the_new_texts_and_conditions_and_who_is_pinned_does_not(
    world: World, folder: Path
) -> None:
    visitor(world, "ada", plan="basic")
    first = look(world)["version"]
    write(folder, VISIT.replace("plan: basic", "plan: gold"), hacks="new hacks")
    publish(world, folder, "follow")
    [standing] = look(world)["standing"]
    assert (standing["version"], standing["follows"]) == (first, look(world)["version"])
    world.advance("30 days")
    assert texts(world, "ada") == ["welcome!", "new hacks"]


def test_a_later_pin_leaves_who_follows_with_what_they_followed(world: World, folder: Path) -> None:
    visitor(world, "ada")
    write(folder, VISIT, hacks="second")
    publish(world, folder, "follow")
    write(folder, VISIT, hacks="third")
    publish(world, folder)
    world.advance("30 days")
    assert texts(world, "ada") == ["welcome!", "second"]


def test_following_is_refused_with_what_differs_where_the_steps_have_changed(
    world: World, folder: Path
) -> None:
    visitor(world, "ada")
    before = look(world)["version"]
    write(folder, VISIT.replace("5 days", "6 days"))
    status, said = offer(world, folder, "follow")
    assert status == 400
    [problem] = said["problems"]
    assert problem["file"] == "visit/journey.yaml"
    assert '"wait 5 days after send welcome" is gone' in problem["message"]
    assert "migrate" in problem["message"]
    assert look(world)["version"] == before


# --- migrate


def test_who_migrates_goes_on_at_the_same_step_and_waits_no_longer_than_before(
    world: World, folder: Path
) -> None:
    visitor(world, "ada")
    world.advance("3 days")
    write(folder, VISIT + "  - wait: 1 day\n    name: last\n  - send: more\n", hacks="new hacks")
    said = publish(world, folder, "migrate")
    assert "1 at wait 5 days after send welcome → go on at the same step" in said["says"]
    [standing] = look(world)["standing"]
    assert standing["is_newest"]
    world.advance("2 days")
    [standing] = look(world)["standing"]
    assert standing["places"] == [{"step": "rest", "people": 1}]
    world.advance("10 days")
    assert texts(world, "ada") == ["welcome!", "new hacks", "more!"]
    assert world.outcomes("visit") == ["finished"]


def test_a_step_that_is_gone_must_be_mapped_before_anybody_moves(
    world: World, folder: Path
) -> None:
    visitor(world, "ada")
    before = look(world)["version"]
    write(folder, VISIT.replace("wait: 5 days", "wait: 6 days"))
    status, said = offer(world, folder, "migrate", dry_run=True)
    [preview] = said["journeys"]
    assert (status, preview["gone"]) == (200, ["wait 5 days after send welcome"])
    assert "1 at wait 5 days after send welcome → this step is gone: map it" in preview["says"]
    assert offer(world, folder, "migrate")[0] == 400
    assert look(world)["version"] == before
    publish(world, folder, "migrate", wait_5_days_after_send_welcome="rest")
    world.advance("9 days")
    assert texts(world, "ada") == ["welcome!", "hacks!"]


def test_a_step_mapped_to_the_end_lets_its_people_leave_as_ejected(
    world: World, folder: Path
) -> None:
    visitor(world, "ada")
    write(folder, VISIT.replace("wait: 5 days", "wait: 6 days"))
    publish(world, folder, "migrate", wait_5_days_after_send_welcome="end")
    assert world.outcomes("visit") == ["ejected"]
    world.advance("30 days")
    assert texts(world, "ada") == ["welcome!"]


LOOP = """
title: A visit
purpose: product tips
enter when: {event: Visited}
once per: person
steps:
  - repeat:
      - send: guide
      - wait: 1 day
    times: 4
"""


@pytest.mark.parametrize("mapping", [{}, {"wait_1_day_after_send_guide": "new"}])
def test_who_migrates_inside_a_loop_stays_in_its_pass(
    world: World, folder: Path, mapping: dict[str, str]
) -> None:
    write(folder, LOOP, guide="guide {{ pass }}")
    publish(world, folder)
    visitor(world, "ada")
    world.advance("60 hours")
    new = LOOP.replace("wait: 1 day", "wait: 1 hour\n        name: new") if mapping else LOOP
    write(folder, new, guide="new {{ pass }}")
    publish(world, folder, "migrate", **mapping)
    world.advance("12 hours")
    assert texts(world, "ada") == ["guide 1", "guide 2", "guide 3", "new 4"]
    world.advance("24 hours")
    assert world.outcomes("visit") == ["finished"]
    assert len(texts(world, "ada")) == 4


def test_a_mapping_names_steps_that_there_are(world: World, folder: Path) -> None:
    visitor(world, "ada")
    write(folder, VISIT.replace("wait: 5 days", "wait: 6 days"))
    status, said = offer(
        world, folder, "migrate", wait_5_days_after_send_welcome="nowhere", no_such="rest"
    )
    told = " ".join(problem["message"] for problem in said["problems"])
    assert status == 400
    assert '"nowhere" is no step of the new version' in told
    assert '"no such" is no step of a version' in told


def test_publishing_the_same_again_may_move_those_whom_an_earlier_publish_pinned(
    world: World, folder: Path
) -> None:
    visitor(world, "ada")
    write(folder, VISIT, hacks="new hacks")
    publish(world, folder)
    said = publish(world, folder, "migrate")
    assert not said["is_new"]
    world.advance("30 days")
    assert texts(world, "ada") == ["welcome!", "new hacks"]


def test_a_preview_changes_nothing(world: World, folder: Path) -> None:
    visitor(world, "ada")
    before = look(world)
    write(folder, VISIT, hacks="new hacks")
    for choice in ("pin", "follow", "migrate"):
        status, said = offer(world, folder, choice, dry_run=True)
        assert (status, said["done"]) == (200, False)
        assert said["journeys"][0]["people"] == 1
        assert any("hacks" in change for change in said["journeys"][0]["changes"])
    assert look(world) == before


def test_a_move_that_comes_late_takes_nobody_to_a_version_that_is_no_longer_the_newest(
    world: World, folder: Path
) -> None:
    first = look(world)["version"]
    visitor(world, "ada")
    write(folder, VISIT, hacks="second")
    second = publish(world, folder)["version"]
    world.system.starts.send([msgspec.json.encode(MoveAll("visit", first))])
    ask(world, "POST", "/api/journeys/visit/rollback", {})
    world.system.starts.send([msgspec.json.encode(MoveAll("visit", second))])
    world.settle()
    assert [standing["version"] for standing in look(world)["standing"]] == [first]


def test_who_is_to_be_ejected_stays_when_the_journey_was_resumed_before_their_turn(
    world: World,
) -> None:
    visitor(world, "ada")
    world.system.starts.send([msgspec.json.encode(MoveAll("visit"))])
    world.settle()
    assert world.outcomes("visit") == ["open"]


# --- roll back


def test_rolling_back_points_to_the_version_before_and_asks_the_same_question(
    world: World, folder: Path
) -> None:
    first = look(world)["version"]
    write(folder, VISIT, hacks="bad hacks")
    publish(world, folder)
    visitor(world, "ada")
    status, said = ask(world, "POST", "/api/journeys/visit/rollback", {"under_way": "migrate"})
    assert (status, said["journeys"][0]["version"]) == (200, first)
    visitor(world, "bob")
    world.advance("30 days")
    assert texts(world, "ada") == texts(world, "bob") == ["welcome!", "hacks!"]


def test_who_enters_after_a_roll_back_does_not_follow_the_version_that_was_taken_back(
    world: World, folder: Path
) -> None:
    visitor(world, "ada")
    first = look(world)["version"]
    write(folder, VISIT, hacks="bad hacks")
    publish(world, folder, "follow")
    status, _ = ask(world, "POST", "/api/journeys/visit/rollback", {"version": first})
    assert status == 200
    visitor(world, "bob")
    world.advance("30 days")
    assert texts(world, "bob") == ["welcome!", "hacks!"]


# --- pause, resume, stop


def test_a_paused_journey_lets_nobody_in_and_holds_the_messages_of_those_inside(
    world: World, folder: Path
) -> None:
    visitor(world, "ada")
    assert ask(world, "POST", "/api/journeys/visit/pause", {})[1]["state"] == "paused"
    visitor(world, "bob")
    world.advance("30 days")
    assert texts(world, "ada") == ["welcome!"]
    assert texts(world, "bob") == []
    [row] = [message for message in world.messages("ada") if message.state == "held"]
    assert row.reason == "the journey is paused"
    assert ask(world, "POST", "/api/journeys/visit/resume", {})[1]["state"] == "open"
    world.advance("1 hour")
    assert texts(world, "ada") == ["welcome!", "hacks!"]
    assert texts(world, "bob") == []  # a refused entry is not remembered
    world.track("bob", "Visited")
    assert texts(world, "bob") == ["welcome!"]


def test_a_stopped_journey_lets_those_inside_finish_and_stays_stopped_through_a_publish(
    world: World, folder: Path
) -> None:
    visitor(world, "ada")
    assert ask(world, "POST", "/api/journeys/visit/stop", {})[1]["state"] == "stopped"
    write(folder, VISIT, hacks="new")
    publish(world, folder)
    visitor(world, "bob")
    world.advance("30 days")
    assert texts(world, "ada") == ["welcome!", "hacks!"]
    assert texts(world, "bob") == []


def test_ejecting_ends_all_runs_at_once_as_ejected(world: World, folder: Path) -> None:
    visitor(world, "ada")
    visitor(world, "bob")
    ask(world, "POST", "/api/journeys/visit/stop", {"inside": "eject"})
    assert world.outcomes("visit") == ["ejected", "ejected"]
    world.advance("30 days")
    assert texts(world, "ada") == ["welcome!"]


def test_a_journey_that_was_never_published_is_not_found(world: World) -> None:
    for method, path in (
        ("GET", ""),
        ("POST", "/pause"),
        ("POST", "/stop"),
        ("POST", "/rollback"),
        ("GET", "/draft"),
    ):
        status, said = ask(world, method, f"/api/journeys/nothing{path}")
        assert (status, said["code"]) == (404, "not_found")


# --- drafts


def test_a_draft_may_be_wrong_is_checked_on_request_and_is_never_run(
    world: World, folder: Path
) -> None:
    own = "/api/journeys/news/draft"
    wrong = {"journey.yaml": VISIT.replace("wait: 5 days", "wait: long")}
    assert ask(world, "PUT", own, {"files": wrong})[0] == 200
    assert ask(world, "GET", own)[1]["files"] == wrong
    _, said = ask(world, "POST", f"{own}/check", {})
    assert {"news/journey.yaml"} <= {problem["file"] for problem in said["problems"]}
    assert ask(world, "POST", "/api/publish", {"drafts": ["news"]})[0] == 400
    visitor(world, "ada")
    assert world.runs("news") == []
    assert ask(world, "GET", "/api/drafts")[1] == {"drafts": ["news"]}
    assert ask(world, "DELETE", own) == (200, {"drafts": []})
    assert ask(world, "GET", own)[0] == 404


def test_a_draft_is_published_beside_the_brand_and_the_parts_in_force(
    world: World, folder: Path
) -> None:
    (folder / "visit" / "more.de.mjml").write_text("")
    right = {name[6:]: text for name, text in files(folder).items() if name.startswith("visit/")}
    del right["more.de.mjml"]
    for language in ("de", "en"):
        right[f"welcome.{language}.sms"] = "from a draft"
    ask(world, "PUT", "/api/journeys/news/draft", {"files": right})
    found = ask(world, "POST", "/api/journeys/news/draft/check", {})[1]
    assert found == {"problems": [], "warnings": []}
    status, said = ask(world, "POST", "/api/publish", {"drafts": ["news"]})
    assert (status, said["done"]) == (200, True)
    visitor(world, "ada")
    assert sorted(texts(world, "ada")) == ["from a draft", "welcome!"]  # "visit" is still there


def test_what_is_wrong_in_the_files_is_told_with_file_and_line(world: World, folder: Path) -> None:
    write(folder, VISIT.replace("wait: 5 days", "wait: long"))
    status, said = offer(world, folder, "pin")
    assert (status, said["code"]) == (400, "problems")
    [problem] = said["problems"]
    assert (problem["file"], problem["line"]) == ("visit/journey.yaml", 8)
