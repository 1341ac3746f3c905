"""Going on in a loop: the same messages at the same times, in whatever pass and step it happens."""

import shutil
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.handlers import wiring
from functions.handlers.desk import journey_desk
from functions.journeys.place import pass_of, place_of
from functions.journeys.resume import go_on
from functions.journeys.run import MOST_PASSES, Run
from functions.segments.person import fields
from tests.support.world import JOURNEYS, World

HEAD = "title: A\npurpose: transactional\nonce per: occasion\nenter when: {event: loop}\nsteps:\n"


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[[str], World]]:
    """Makes a Tante with one journey of these steps, entered by `loop`, whose text messages
    `news` and `other` say their pass; and Ada, who enters."""
    worlds = iter(range(99))

    def begin(steps: str) -> World:
        place = tmp_path / str(next(worlds))
        folder = place / "folder"
        shutil.copytree(JOURNEYS / "parts", folder / "parts")
        shutil.copy(JOURNEYS / "brand.yaml", folder)
        (folder / "loop").mkdir()
        (folder / "loop" / "journey.yaml").write_text(HEAD + steps, "utf-8")
        for message in ("news", "other"):
            for language in ("de", "en"):
                text = message + " {{ pass }}"
                (folder / "loop" / f"{message}.{language}.sms").write_text(text, "utf-8")
        world = World(place / "data", folder)
        world.customer("ada", timezone="Europe/Berlin")
        world.identify("ada", ends="2027-03-20")
        world.track("ada", "loop")
        return world

    yield begin
    wiring.use(None)


def the_run(world: World) -> Run:
    [run] = list(world.store.query(Run, world.person("ada").person, prefix="loop/"))
    return run


def move(world: World) -> int | None:
    """Let the run go on in a new execution where it stands; the pass in which that is."""
    parts, run = world.system.parts, the_run(world)
    position = parts.machines.position("loop", run.execution)
    assert position
    place = place_of(parts.library.version("loop", run.journey_version).journey, position)
    assert place, position
    at, until, since = place
    told = {"at": at, "until": until, "since": since, "version": run.journey_version}
    number = pass_of(position)
    assert go_on(journey_desk(parts), run, now=world.now, number=number, **told)
    world.settle()
    assert the_run(world).generation == run.generation + 1
    return number


def told(world: World) -> list[str]:
    """What went to Ada and when, her score, and how her run ended."""
    went = [f"{one.time:%Y-%m-%d %H:%M} {one.text}" for one in world.outbox() if one.to[0] == "+"]
    return [
        *sorted(went),
        str(fields(world.person("ada"), world.now)["score"]),
        *world.outcomes("loop"),
    ]


def looped(*steps: str, times: int = 4) -> str:
    """A loop of steps, each with a bar between its lines."""
    body = "".join("      - " + step.replace("|", "\n        ") + "\n" for step in steps)
    return f"  - repeat:\n{body}    times: {times}\n"


ANSWERED = "wait for: {event: Answered}|at most: 3 days|then: [{send: news}]"
LAST = "wait: 5 hours|after the last: {event: [loop, Answered]}"
CASES = {
    "wait": looped("send: news", "wait: 30 hours"),
    "wait by the calendar": looped("send: news", "wait: 1 working day", "send: other"),
    "two waits": looped("wait: 1 day", "send: news", "wait: 6 hours", "send: other"),
    "a long wait": looped("send: news", "wait: 170 days", "send: other", times=3),
    "wait until a time": looped("wait until: 9:00", "send: news", "wait: 1 hour"),
    "wait until a date": looped("wait until: person.ends", "send: news", "wait: 2 days"),
    "wait for": looped(ANSWERED + "|otherwise: [{send: other}]", "wait: 1 hour"),
    "wait for, long": looped(
        ANSWERED.replace("3 days", "180 days") + "|otherwise: [{send: other}]", times=3
    ),
    "message and wait": looped("send: other", ANSWERED, "wait: 20 hours"),
    "first of several": looped(
        "wait for first of: [{event: Answered, then: [{send: news}]}, {event: Asked}]|"
        "at most: 2 days|otherwise: [{send: other}]",
        "update: {add to score: 1}",
    ),
    "after the last": looped(LAST, "wait: 1 day") + "  - send: news\n",
    "two waits for events": looped(
        ANSWERED,
        "wait for: {event: Asked}|at most: 1 day|then: [{update: {add to score: 1}}]",
        "wait: 1 hour",
    ),
    "behind a branch": looped(
        "if: {did: Asked}|then: [{send: news}]|otherwise: [{wait: 1 day}]", "wait: 20 hours"
    ),
    "behind the loop": looped("send: news", "wait: 1 day", times=2)
    + "  - wait: 1 day\n    name: pause\n  - send: other\n"
    + looped("update: {add to score: 1}", "send: news|name: again", "wait: 2 days"),
}
MOVED = {"pass 0": (1,), "later": (5,), "often": range(18)}


@pytest.mark.parametrize("happens", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_a_run_that_is_moved_in_a_loop_does_the_same_at_the_same_times(
    begin: Any, case: str, happens: bool
) -> None:
    def live(moved: Any) -> list[str]:
        world = begin(CASES[case])
        for number in range(18):
            if number in moved and world.outcomes("loop") == ["open"]:
                move(world)
            world.advance("13 hours")
            if happens and number % 4 == 2:
                world.track("ada", "Asked")
                world.track("ada", "Answered")
        world.advance("160 weeks")
        return told(world)

    unmoved = live(())
    assert unmoved[-1] == "finished"
    for when, moved in MOVED.items():
        assert live(moved) == unmoved, when


def test_the_pass_is_told_inside_of_loops_only(begin: Any) -> None:
    world = begin("  - wait: 1 hour\n" + CASES["behind the loop"])
    found = []
    for _ in range(14):
        found.append(move(world))
        world.advance("12 hours")
    assert found[:7] == [None, 0, 0, 1, 1, None, None]
    assert found[7:] == [0, 0, 0, 0, 1, 1, 1]


YES = "wait for: {event: Yes}|at most: 5 days"


def test_a_wait_of_a_later_pass_is_not_taken_for_one_that_was_moved_before(begin: Any) -> None:
    """The second wait of a pass looks back to when the first one of the same pass began."""
    no = "wait for: {event: No}|at most: 2 days|then: [{send: news}]|otherwise: [{send: other}]"
    for moves in ((), (0,), (1,), (0, 1), (0, 1, 2)):
        world = begin(looped(YES, no, "wait: 1 minute", times=3))
        for number in range(3):
            if number in moves:
                move(world)
            world.advance("1 hour")
            world.track("ada", "No")
            world.advance("1 hour")
            world.track("ada", "Yes")  # and "No" came while this was waited for
            world.advance("1 hour")
            assert len(told(world)) == number + 3, moves
        assert [one[17:] for one in told(world)[:3]] == ["news 1", "news 2", "news 3"]


def test_a_wait_that_a_new_execution_begins_is_not_one_of_an_earlier_pass(begin: Any) -> None:
    """Where the run goes on by itself, what came in the pass before counts no more."""
    no = "wait for: {event: No}|at most: 1 hour|then: [{send: news}]|otherwise: [{send: other}]"
    world = begin(looped(YES, no, "wait: 1 minute", times=MOST_PASSES + 2))
    for number in range(MOST_PASSES + 2):
        if number < MOST_PASSES:
            world.track("ada", "No")
        world.track("ada", "Yes")
        world.advance("2 hours")
    assert the_run(world).generation == 1
    went = [one.text for one in world.outbox() if one.to[0] == "+"]
    last = [f"other {number}" for number in (MOST_PASSES + 1, MOST_PASSES + 2)]
    assert went == [*(f"news {number + 1}" for number in range(MOST_PASSES)), *last]


def test_a_wait_that_is_passed_over_is_not_taken_for_the_one_that_was_moved(begin: Any) -> None:
    """In the second pass nothing is sent; what came in the first does not count for it."""
    clicked = "wait for: {clicked: news}|at most: 2 hours"
    no = "wait for: {event: No}|at most: 3 hours|then: [{update: {add to score: 1}}]"
    world = begin(looped("send: news", clicked, no, "wait: 1 hour", times=2))
    world.advance("1 hour")
    world.track("ada", "No")
    assert move(world) == 0
    world.identify("ada", phone="")
    world.advance("1 day")
    assert world.sent("ada") == ["news"]
    assert told(world)[1:] == ["1", "finished"]


@pytest.mark.parametrize("passes", [MOST_PASSES - 1, MOST_PASSES, 2 * MOST_PASSES + 20])
def test_a_loop_of_many_passes_goes_on_in_new_executions(begin: Any, passes: int) -> None:
    world = begin(looped("send: news", "wait: 1 hour", times=passes))
    world.advance(f"{passes + 1} hours")
    went = [kept.text for kept in world.outbox() if kept.channel == "sms"]
    assert went == [f"news {number + 1}" for number in range(passes)]
    assert world.outcomes("loop") == ["finished"]
    assert the_run(world).generation == (passes - 1) // MOST_PASSES or passes % MOST_PASSES == 0
    assert the_run(world).ended == the_run(world).entered + timedelta(hours=passes)


def test_a_loop_of_monthly_messages_for_three_years_misses_none(begin: Any) -> None:
    world = begin(looped("send: news", "wait: 1 month", times=36) + "  - send: other\n")
    engine = world.system.workflow.engine
    for _ in range(60):
        world.advance("20 days")
        for one in engine.executions.values():
            assert one.status != "RUNNING" or world.now - one.started < timedelta(days=365)
    went = [kept for kept in world.outbox() if kept.channel == "sms"]
    assert [kept.text for kept in went] == [*(f"news {n + 1}" for n in range(36)), "other 1"]
    months = [month_of(kept.time) for kept in went]
    assert months == list(range(months[0], months[0] + 37))
    assert the_run(world).generation >= 3


def month_of(time: datetime) -> int:
    return time.year * 12 + time.month
