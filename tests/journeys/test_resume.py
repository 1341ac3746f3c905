"""Going on: a run that changes its execution loses nothing, repeats nothing, and keeps its time."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.handlers import compare_runs, run_step, wiring
from functions.handlers.desk import journey_desk
from functions.journeys.place import place_of
from functions.journeys.resume import TooOften, go_on
from functions.journeys.run import Run
from functions.journeys.workflow import Workflow
from functions.tracking.pause import Pause
from tests.support.world import CONTEXT, JOURNEYS, World

HEAD = "title: Cart\npurpose: offers\nenter when: {event: Cart Filled}\nonce per: occasion\n"
LEAVE = "leave when: [{event: Order Completed, as: bought}]\n"


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Makes a Tante with a journey of these steps, which `Cart Filled` starts, and with Ada."""
    worlds = iter(range(9))

    def begin(steps: str, head: str = "") -> World:
        place = tmp_path / str(next(worlds))
        shutil.copytree(JOURNEYS / "upsell", place / "folder" / "cart")
        shutil.copy(JOURNEYS / "brand.yaml", place / "folder")
        shutil.copytree(JOURNEYS / "parts", place / "folder" / "parts")
        folder = place / "folder" / "cart"
        for file in folder.glob("five-reasons.*.mjml"):
            shutil.copy(file, folder / file.name.replace("five-reasons", "a"))
            file.rename(folder / file.name.replace("five-reasons", "b"))
        write(place, steps, head)
        world = World(place / "data", place / "folder")
        world.place = place  # type: ignore[attr-defined]
        world.customer("ada", timezone="Europe/Berlin")
        return world

    yield begin
    wiring.use(None)


def write(place: Path, steps: str, head: str = "") -> None:
    text = f"{HEAD}{head}steps:\n{steps}"
    (place / "folder" / "cart" / "journey.yaml").write_text(text, "utf-8")


def publish(world: Any, steps: str) -> None:
    write(world.place, steps)
    world.system.publish()


def the_run(world: World) -> Run:
    [run] = list(world.store.query(Run, world.person("ada").person, prefix="cart/"))
    return run


def move(world: World, at: str = "", **more: Any) -> Run:
    """Let the run go on in a new execution of the newest version, where it stands or at a step."""
    parts, run = world.system.parts, the_run(world)
    journey = parts.library.version("cart", run.journey_version).journey
    position = parts.machines.position("cart", run.execution)
    assert position
    place = place_of(journey, position)
    assert place, position
    step, until, since = place if not at else (at, None, None)
    versions = {one.journey.name: one.version for one in parts.library.journeys()}
    told = {"at": step, "until": until, "since": since, "version": versions["cart"], **more}
    assert go_on(journey_desk(parts), run, now=world.now, **told)
    world.settle()
    return run


def told(world: World) -> list[str]:
    """What went to Ada and when, and how her run ended."""
    went = [
        f"{one.message} {one.claimed:%Y-%m-%d %H:%M}"
        for one in world.messages("ada")
        if one.claimed
    ]
    return [*went, *world.outcomes("cart")]


LOOKS = "  - wait for: {event: Looked}\n    at most: 5 days\n"
ARMS = "    then: [{send: a}]\n    otherwise: [{send: b}]\n"
CLICK = "  - send: a\n  - wait for: {clicked: a}\n    at most: 5 days\n"
CASES = {
    "wait": "  - wait: 5 days\n  - send: a\n",
    "wait by the calendar": "  - wait: 1 month\n  - send: a\n",
    "second wait": "  - send: b\n  - wait: 1 day\n  - wait: 5 days\n  - send: a\n",
    "long wait": "  - wait: 2 years\n  - send: a\n",
    "wait until a weekday": "  - wait until: Friday 9:00\n  - send: a\n",
    "wait until a date of the entry": "  - wait until: entry.ends\n  - send: a\n",
    "wait until a date of the person": "  - wait until: person.ends\n  - send: a\n",
    "wait until a date years away": "  - wait until: 1 year after person.ends\n  - send: a\n",
    "wait for": LOOKS + ARMS,
    "wait for, then more": f"{LOOKS}{ARMS}  - wait: 3 days\n  - send: a\n    name: more\n",
    "long wait for": LOOKS.replace("5 days", "500 days") + ARMS,
    "message and wait": f"{CLICK}    then: [{{send: b}}]\n    otherwise: [{{end: silent}}]\n",
    "wait behind a branch": (
        f"  - if: {{did: Looked}}\n    otherwise: [{{wait: 1 day}}]\n{LOOKS}{ARMS}"
    ),
    "split": (
        "  - split: coin\n    arms:\n"
        "      one: {share: 50 percent, then: [{wait: 5 days, name: one}]}\n"
        "      two: {share: 50 percent, then: [{wait: 5 days, name: two}]}\n"
        "  - send: a\n"
    ),
}


@pytest.mark.parametrize("happens", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_whoever_is_moved_again_and_again_gets_the_same_at_the_same_time(
    begin: Any, case: str, happens: bool
) -> None:
    def live(moved: bool) -> list[str]:
        world = begin(CASES[case])
        world.identify("ada", ends="2027-03-20")
        world.track("ada", "Cart Filled", ends="2027-03-20")
        for day in range(4):
            world.advance("1 day")
            if moved and world.outcomes("cart") == ["open"]:
                before = move(world)
                assert the_run(world).generation == before.generation + 1
            if happens and day == 2:
                world.track("ada", "Looked")
                for kept in world.outbox()[:1]:
                    world.click(kept, "premium")
        if happens and moved and world.outcomes("cart") == ["open"]:
            move(world)
        world.advance("160 weeks")
        return told(world)

    unmoved = live(moved=False)
    assert unmoved[-1] != "open"
    assert live(moved=True) == unmoved


def test_a_wait_behind_a_message_that_does_not_go_is_over_at_the_same_time(begin: Any) -> None:
    def live(moved: bool) -> list[str]:
        world = begin(f"  - send: a\n{LOOKS}    otherwise: [{{end: silent}}]\n")
        world.track("ada", "Unsubscribed", channel="email")
        world.track("ada", "Cart Filled")
        world.advance("3 days")
        if moved:
            move(world)
        world.advance("47 hours")
        early = told(world)
        world.advance("2 hours")
        return [*early, *told(world)]

    assert live(moved=True) == live(moved=False) == ["open", "silent"]


YEARS = {
    "3 years": ("  - wait: 3 years\n  - send: a\n", ["a 2030-03-01 09:00"]),
    "1100 days": ("  - wait: 1100 days\n  - send: a\n", ["a 2030-03-05 09:00"]),
    "300 days": ("  - wait: 300 days\n  - send: a\n", ["a 2027-12-26 09:00"]),
    "years after a date": (
        "  - wait until: 2 years after person.ends\n  - send: a\n",
        ["a 2029-03-20 08:00"],
    ),
    "a wait for years": (
        LOOKS.replace("5 days", "1000 days") + ARMS,
        ["b 2029-11-25 09:00"],
    ),
    "many waits": (
        "".join(f"  - wait: {40 + n} days\n    name: w{n}\n" for n in range(20)) + "  - send: a\n",
        [],
    ),
}


@pytest.mark.parametrize("case", YEARS)
def test_a_journey_of_years_keeps_its_time_and_no_execution_lives_a_year(
    begin: Any, case: str
) -> None:
    steps, expected = YEARS[case]
    world = begin(steps)
    world.identify("ada", ends="2027-03-20")
    world.track("ada", "Cart Filled")
    engine = world.system.workflow.engine
    for _ in range(60):
        world.advance("20 days")
        for one in engine.executions.values():
            assert one.status != "RUNNING" or world.now - one.started < timedelta(days=365)
    assert world.outcomes("cart") == ["finished"]
    assert world.sent("ada") == [expected[0][0]] if expected else ["a"]
    assert told(world)[:1] == (expected or told(world)[:1])
    if not expected:
        [message] = world.messages("ada")
        length = timedelta(days=sum(40 + n for n in range(20)))
        assert message.claimed is not None
        assert (
            timedelta() <= message.claimed - the_run(world).entered - length < timedelta(minutes=1)
        )
    assert the_run(world).generation >= 1 or case == "300 days"


def test_an_event_in_the_third_year_ends_a_wait_for_years(begin: Any) -> None:
    world = begin(LOOKS.replace("5 days", "1000 days") + ARMS)
    world.track("ada", "Cart Filled")
    world.advance("110 weeks")
    world.track("ada", "Looked")
    assert world.sent("ada") == ["a"]


def test_who_leaves_in_the_middle_of_a_wait_of_years_leaves_at_once(begin: Any) -> None:
    world = begin("  - wait: 3 years\n  - send: a\n", LEAVE)
    world.track("ada", "Cart Filled")
    world.advance("110 weeks")
    assert the_run(world).generation == 2
    world.order("ada", "o1", "x")
    assert world.outcomes("cart") == ["bought"]
    assert not world.system.workflow.engine.executions
    world.advance("60 weeks")
    assert world.sent("ada") == []


# --- another version


def test_a_moved_run_goes_on_by_the_new_version_at_the_step_that_was_named(begin: Any) -> None:
    world = begin("  - wait: 5 days\n  - send: a\n")
    world.track("ada", "Cart Filled")
    world.advance("1 day")
    publish(world, "  - wait: 9 days\n    name: pause\n  - send: b\n  - wait: 1 day\n  - send: a\n")
    move(world, at="send b")
    assert world.sent("ada") == ["b"]
    world.advance("1 day")
    assert world.sent("ada") == ["b", "a"]
    assert world.outcomes("cart") == ["finished"]


@pytest.mark.parametrize(
    ("step", "sent", "outcome"),
    [
        ("first", ["a"], "looked"),
        ("send a", ["a"], "looked"),
        ("wait 3 days after send a", [], "looked"),
        ("wait for Looked", [], "finished"),
        ("if did Looked", [], "finished"),
    ],
)
def test_a_run_can_be_moved_to_the_beginning_of_any_step(
    begin: Any, step: str, sent: list[str], outcome: str
) -> None:
    world = begin("  - wait: 6 days\n  - send: b\n")
    world.track("ada", "Cart Filled")
    world.advance("1 day")
    steps = "  - wait: 3 days\n    name: first\n  - send: a\n  - wait: 3 days\n"
    steps += f"{LOOKS}    then: [{{end: looked}}]\n  - if: {{did: Looked}}\n"
    publish(world, steps)
    move(world, at=step)
    world.advance("6 days")
    world.track("ada", "Looked")
    world.advance("9 days")
    assert world.sent("ada") == sent
    assert world.outcomes("cart") == [outcome]


def test_a_message_that_went_goes_no_second_time_in_the_new_version(begin: Any) -> None:
    world = begin(CLICK)
    world.track("ada", "Cart Filled")
    world.advance("1 day")
    publish(world, "  - send: a\n  - wait: 2 days\n  - send: b\n")
    move(world)
    assert world.sent("ada") == ["a"]
    world.advance("3 days")
    assert world.sent("ada") == ["a", "b"]


def test_a_held_message_goes_once_in_the_new_execution(begin: Any) -> None:
    world = begin(CLICK)
    until = world.now + timedelta(hours=3)
    world.store.put(Pause(channel="email", until=until))
    world.track("ada", "Cart Filled")
    assert world.sent("ada") == []
    move(world)
    assert world.sent("ada") == []
    world.advance("1 day")
    assert world.sent("ada") == ["a"]
    world.click(world.outbox()[0], "premium")
    assert world.outcomes("cart") == ["finished"]


def test_a_step_that_is_just_tried_again_is_done_in_the_new_execution(
    begin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*of: Any) -> None:
        raise RuntimeError("no answer")

    world = begin("  - update: {add tag: fan}\n  - send: a\n")
    with monkeypatch.context() as broken:
        broken.setattr(run_step._Steps, "change_person", fail)
        world.track("ada", "Cart Filled")
    assert world.sent("ada") == []
    move(world)
    assert world.sent("ada") == ["a"]
    assert world.person("ada").trait("tag:fan") is True
    world.advance("1 day")
    assert told(world)[1:] == ["finished"]


# --- crashes


class Crash(Exception):
    """In place of a Lambda that dies."""


def use(world: World, workflow: Workflow) -> None:
    """From here on Step Functions does its part so."""
    world.system.parts = replace(world.system.parts, workflow=workflow)
    wiring.use(world.system.parts)


@pytest.mark.parametrize("dies", ["before the start", "after the start", "after the stop"])
def test_what_a_crash_leaves_half_moved_is_mended_by_the_comparison(begin: Any, dies: str) -> None:
    world = begin("  - wait: 5 days\n  - send: a\n")
    world.track("ada", "Cart Filled")
    world.advance("1 day")
    workflow = world.system.parts.workflow

    def crash(act: Callable[..., None], after: bool) -> Callable[..., None]:
        def do(*of: Any) -> None:
            if after:
                act(*of)
            raise Crash

        return do

    if dies == "after the stop":
        workflow = replace(workflow, stop=crash(workflow.stop, True))
    else:
        workflow = replace(workflow, start=crash(workflow.start, dies == "after the start"))
    use(world, workflow)
    with pytest.raises(Crash):
        move(world)
    use(world, world.system.workflow.functions)
    world.advance("2 hours")
    compare_runs.handler({}, CONTEXT)
    world.advance("1 day")
    executions = [one.name for one in world.system.workflow.engine.executions.values()]
    assert executions == [the_run(world).execution]
    world.advance("5 days")
    assert told(world) == ["a 2027-03-06 09:00", "finished"]


def test_an_old_execution_that_was_not_stopped_does_nothing_more(begin: Any) -> None:
    world = begin("  - wait: 5 days\n  - send: a\n  - wait: 1 day\n  - send: b\n")
    world.track("ada", "Cart Filled")
    world.advance("1 day")
    workflow = world.system.workflow.functions
    use(world, replace(workflow, stop=lambda *of: None))
    move(world)
    use(world, workflow)
    assert len(world.system.workflow.engine.executions) == 2
    world.advance("4 days")
    assert len(world.system.workflow.engine.executions) == 1
    assert world.outcomes("cart") == ["open"]
    world.advance("2 days")
    assert told(world) == ["a 2027-03-06 09:00", "b 2027-03-07 09:00", "finished"]


def test_a_run_goes_on_at_most_as_often_as_its_name_can_count(begin: Any) -> None:
    world = begin("  - wait: 5 days\n")
    world.track("ada", "Cart Filled")
    run = the_run(world)
    run.generation = 99
    assert len(f"{'x' * 60}-{'0' * 16}-99") == 80
    told = {"at": "wait 5 days", "until": None, "since": None, "version": run.journey_version}
    with pytest.raises(TooOften):
        go_on(journey_desk(world.system.parts), run, now=world.now, **told)
    wrong = {**told, "at": "nothing"}
    with pytest.raises(KeyError):
        go_on(journey_desk(world.system.parts), the_run(world), now=world.now, **wrong)


def test_a_run_that_has_ended_does_not_go_on(begin: Any) -> None:
    world = begin("  - wait: 5 days\n", LEAVE)
    world.track("ada", "Cart Filled")
    run = the_run(world)
    world.order("ada", "o1", "x")
    told = {"at": "wait 5 days", "until": None, "since": None, "version": run.journey_version}
    assert not go_on(journey_desk(world.system.parts), run, now=world.now, **told)
    assert not world.system.workflow.engine.executions
