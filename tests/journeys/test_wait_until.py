"""`wait until`: from a marketer's file to messages that go at their moment, also when it moves."""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from functions.handlers import run_step, wiring
from functions.journeys.check import load
from functions.journeys.journey import Journey
from functions.journeys.run import Run
from functions.problem import Problems
from functions.segments.moment import moment as read_moment
from tests.support.journeys import INPUT, compiled, handler
from tests.support.moto_interpreter import Outcome, run_ours
from tests.support.world import CONTEXT, JOURNEYS, START, World

HEAD = "title: Cart\npurpose: offers\nenter when: {event: Cart Filled}\nonce per: occasion\n"


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[[str], World]]:
    """Makes a Tante with a journey of these steps, which `Cart Filled` starts, and with Ada."""

    def begin(steps: str, head: str = "") -> World:
        shutil.copytree(JOURNEYS / "upsell", tmp_path / "folder" / "cart")
        shutil.copy(JOURNEYS / "brand.yaml", tmp_path / "folder")
        shutil.copytree(JOURNEYS / "parts", tmp_path / "folder" / "parts")
        folder = tmp_path / "folder" / "cart"
        for file in folder.glob("five-reasons.*.mjml"):
            shutil.copy(file, folder / file.name.replace("five-reasons", "a"))
            file.rename(folder / file.name.replace("five-reasons", "b"))
        (folder / "journey.yaml").write_text(f"{HEAD}{head}steps:\n{steps}", "utf-8")
        world = World(tmp_path / "data", tmp_path / "folder")
        world.customer("ada", timezone="Europe/Berlin")
        return world

    yield begin
    wiring.use(None)


def sent(world: World) -> list[str]:
    """What went to Ada and when, by UTC."""
    return [
        f"{one.message} {one.claimed:%Y-%m-%d %H:%M}"
        for one in world.messages("ada")
        if one.claimed
    ]


# --- in a whole Tante: START is Monday 2027-03-01, 10:00 in Berlin


def test_messages_go_before_and_after_a_date_of_the_order_at_nine_where_the_person_is(
    begin: Any,
) -> None:
    world = begin(
        "  - wait until: 30 days before entry.ends 9:00\n"
        "  - send: a\n"
        "  - wait until: 1 day after entry.ends\n"
        "    otherwise: [{end: too late}]\n"
        "  - send: b\n"
    )
    world.track("ada", "Cart Filled", ends="2027-04-15")
    world.advance("10 weeks")
    # Summer time began on 28 March.
    assert sent(world) == ["a 2027-03-16 08:00", "b 2027-04-16 07:00"]
    assert world.outcomes("cart") == ["finished"]


def test_a_weekday_and_a_clock_time_are_the_next_ones(begin: Any) -> None:
    world = begin("  - wait until: 18:30\n  - send: a\n  - wait until: Monday\n  - send: b\n")
    world.identify("ada", timezone="America/New_York")
    world.track("ada", "Cart Filled")
    world.advance("2 weeks")
    assert sent(world) == ["a 2027-03-01 23:30", "b 2027-03-08 14:00"]


WAIT_AND_SEND = "  - wait until: 7 days before person.ends 9:00\n  - send: a\n"


def test_a_persons_date_that_moved_later_makes_the_wait_go_on(begin: Any) -> None:
    world = begin(WAIT_AND_SEND)
    world.identify("ada", ends="2027-03-15")
    world.track("ada", "Cart Filled")
    world.advance("3 days")
    world.identify("ada", ends="2027-03-20")
    world.advance("8 days")  # past the 8th, when the first date would have come
    assert sent(world) == []
    world.identify("ada", ends="2027-05-01")
    world.advance("9 weeks")
    assert sent(world) == ["a 2027-04-24 07:00"]


@pytest.mark.parametrize("moved", ["2027-03-10", "2027-01-01", "", "never again"])
def test_a_persons_date_that_moved_earlier_or_away_ends_the_wait_when_its_old_time_comes(
    begin: Any, moved: str
) -> None:
    world = begin(f"{WAIT_AND_SEND.partition('  - send')[0]}    otherwise: [{{end: late}}]\n")
    world.identify("ada", ends="2027-03-15")
    world.track("ada", "Cart Filled")
    world.advance("1 day")
    world.identify("ada", ends=moved)
    world.advance("5 days")
    assert world.outcomes("cart") == ["open"]
    world.advance("2 days")
    assert world.outcomes("cart") == ["finished"]  # it did not pass before the wait: no `otherwise`


def test_a_date_of_the_entry_never_changes(begin: Any) -> None:
    world = begin("  - wait until: entry.ends\n  - send: a\n")
    world.identify("ada", ends="2027-03-05")
    world.track("ada", "Cart Filled", ends="2027-03-05")
    world.identify("ada", ends="2027-09-05")
    world.track("ada", "Cart Changed", ends="2027-09-05")
    world.advance("1 week")
    assert sent(world) == ["a 2027-03-05 08:00"]


@pytest.mark.parametrize("ends", ["2027-02-01", "2027-03-01T08:00:00Z", "", None, "soon", 7])
def test_a_moment_that_has_passed_or_is_not_known_takes_otherwise_and_goes_on(
    begin: Any, ends: Any
) -> None:
    world = begin("  - wait until: entry.ends 9:00\n    otherwise: [{send: a}]\n  - send: b\n")
    world.track("ada", "Cart Filled", **({} if ends is None else {"ends": ends}))
    world.advance("1 minute")
    assert world.sent("ada") == ["a", "b"]


def test_without_otherwise_the_run_goes_on_at_once(begin: Any) -> None:
    world = begin("  - wait until: 2027-01-31 9:00\n  - send: a\n")
    world.track("ada", "Cart Filled")
    world.advance("1 minute")
    assert world.sent("ada") == ["a"]


@pytest.mark.parametrize("field", ["entry", "person"])
@pytest.mark.parametrize("years", [1, 2, 4])
def test_a_moment_years_away_is_waited_for_to_the_minute(
    begin: Any, field: str, years: int
) -> None:
    day = f"{2027 + years}-03-01"
    world = begin(f"  - wait until: {field}.ends\n    otherwise: [{{send: a}}]\n  - send: b\n")
    world.identify("ada", ends=day)
    world.track("ada", "Cart Filled", ends=day)
    world.advance(f"{years * 52 + 8} weeks")
    assert sent(world) == [f"b {day} 08:00"]
    assert world.outcomes("cart") == ["finished"]


def test_a_moment_364_days_after_the_entry_is_waited_for(begin: Any) -> None:
    world = begin("  - wait until: entry.ends\n  - send: a\n")
    world.track("ada", "Cart Filled", ends="2028-02-28")
    world.advance("53 weeks")
    assert sent(world) == ["a 2028-02-28 08:00"]


def test_a_persons_date_that_moved_beyond_the_year_is_waited_for(begin: Any) -> None:
    world = begin(WAIT_AND_SEND)
    world.identify("ada", ends="2027-03-15")
    world.track("ada", "Cart Filled")
    world.advance("1 minute")
    world.identify("ada", ends="2029-03-15")
    world.advance("105 weeks")
    assert sent(world) == []
    world.advance("2 weeks")
    assert sent(world) == ["a 2029-03-08 08:00"]


def test_a_persons_date_years_away_that_moves_into_the_past_ends_the_wait(begin: Any) -> None:
    steps = "  - wait until: person.ends\n    otherwise: [{send: b}]\n  - send: a\n"
    world = begin(steps)
    world.identify("ada", ends="2031-03-15")
    world.track("ada", "Cart Filled")
    world.advance("10 weeks")
    world.identify("ada", ends="2027-04-15")
    world.advance("52 weeks")
    assert world.sent("ada") == ["a"]


def test_a_person_leaves_in_the_middle_of_the_wait(begin: Any) -> None:
    world = begin(WAIT_AND_SEND, "leave when: [{event: Order Completed, as: bought}]\n")
    world.identify("ada", ends="2027-04-15")
    world.track("ada", "Cart Filled")
    world.advance("1 week")
    world.order("ada", "o1", "x")
    assert world.outcomes("cart") == ["bought"]
    world.advance("8 weeks")
    assert sent(world) == []


@pytest.mark.parametrize("moment", ["entry.ends", "person.ends", "2027-03-05", "Friday"])
def test_a_wait_for_an_event_looks_back_to_when_the_wait_before_it_began(
    begin: Any, moment: str
) -> None:
    world = begin(
        f"  - wait until: {moment}\n"
        "  - wait for: {event: Login}\n    at most: 5 days\n    otherwise: [{end: no login}]\n"
    )
    world.identify("ada", ends="2027-03-05")
    world.track("ada", "Login")
    world.advance("1 day")  # not this one
    world.track("ada", "Cart Filled", ends="2027-03-05")
    world.advance("1 day")
    world.track("ada", "Login")
    world.advance("1 day")
    assert world.outcomes("cart") == ["open"]
    world.advance("1 day")
    assert world.outcomes("cart") == ["finished"]
    world.track("ada", "Cart Filled", ends="2027-03-06")
    world.advance("2 weeks")
    assert world.outcomes("cart") == ["no login", "finished"]


def test_in_the_arm_of_otherwise_too(begin: Any) -> None:
    arm = "[{wait for: {event: Login}, at most: 1 day, otherwise: [{end: no login}]}]"
    world = begin(f"  - wait until: entry.ends\n    otherwise: {arm}\n")
    world.track("ada", "Login")
    world.advance("1 day")
    world.track("ada", "Cart Filled")
    world.advance("2 days")
    assert world.outcomes("cart") == ["no login"]


# --- the clocks


@pytest.fixture
def visit(begin: Any) -> Callable[..., tuple[str, str]]:
    """The error and its cause with which the first step answers, its state entered in reality."""

    def visit(steps: str, entered: datetime, speed: float = 1.0, **entry: Any) -> tuple[str, str]:
        world = begin(steps)
        world.track("ada", "Cart Filled", **entry)
        [run] = list(world.store.query(Run, world.person("ada").person, prefix="cart/"))
        step = steps.split("- ", 1)[1].splitlines()[0].replace(":", "", 1)
        payload = {"journey": "cart", "version": run.journey_version, "run": run.run_id}
        payload |= {"person": run.person, "step": step, "entered": entered.isoformat()}
        told = world.system.parts.settings
        if speed != 1:
            told = replace(told, clock_start=START, clock_zero=ZERO, clock_speed=speed)
        failed: list[tuple[str, str, str]] = []
        workflow = replace(
            world.system.parts.workflow,
            fail=lambda *of: failed.append(of) or True,
            succeed=lambda token, output: failed.append((token, "", "")) or True,
        )
        wiring.use(replace(world.system.parts, settings=told, workflow=workflow))
        run_step.handler({**payload, "token": "t"}, CONTEXT)
        [(_, error, cause)] = failed
        return error, cause

    return visit


ZERO = datetime(2026, 6, 1, tzinfo=UTC)  # real time when the stage's clock showed START


def test_a_fast_stage_waits_until_the_moment_of_its_own_clock(visit: Any) -> None:
    error, cause = visit("  - wait until: entry.ends 10:00\n", ZERO, 3600.0, ends="2027-03-02")
    assert (error, cause) == ("Until", "2026-06-01T00:00:24Z")  # a day at an hour a second


def test_a_slow_try_of_the_step_does_not_let_a_weekday_go_by(visit: Any) -> None:
    """It was nearly nine on Monday when the run came here; the try came an hour after nine."""
    entered = datetime(2027, 3, 1, 7, 59, 30, tzinfo=UTC)
    assert visit("  - wait until: Monday 9:00\n", entered) == ("Until", "2027-03-01T08:00:00Z")


def test_a_moment_less_than_a_second_ahead_has_come(visit: Any) -> None:
    entered = datetime(2027, 3, 1, 7, 59, 59, 500_000, tzinfo=UTC)
    assert visit("  - wait until: Monday 9:00\n", entered) == ("", "")


# --- what it compiles to, and costs


def journey(steps: str) -> Journey:
    return load(
        "cart",
        {"a.de.mjml": "", "b.de.mjml": "", "journey.yaml": f"{HEAD}steps:\n{steps}"},
        {"offers": True},
    )


def run_with(found: Journey, way: int) -> Outcome:
    decisions = dict.fromkeys((step.name for step in found.every_step()), 0)
    first = found.steps[0].name
    return run_ours(compiled(found), INPUT, handler(found, {**decisions, first: way}, []))


COMES, MOVED, PASSED = 0, 1, 2


@pytest.mark.parametrize(
    ("moment", "way", "most"),
    [
        ("entry.ends", COMES, 2),
        ("2027-01-31", COMES, 2),
        ("Monday 9:00", COMES, 2),
        ("entry.ends", PASSED, 1),
        ("person.ends", COMES, 3),
        ("person.ends", MOVED, 5),  # two more for each change of the date
        ("person.ends", PASSED, 1),
    ],
)
def test_a_wait_takes_few_transitions(moment: str, way: int, most: int) -> None:
    found = run_with(journey(f"  - wait until: {moment}\n"), way)
    assert found.status == "SUCCEEDED"
    assert len(found.path) == most


def test_otherwise_costs_its_own_steps_only() -> None:
    found = run_with(journey("  - wait until: entry.x\n    otherwise: [{send: a}]\n"), PASSED)
    assert found.path == ["look up the day: wait until entry.x", "send a"]


def test_the_start_of_a_wait_is_recorded_only_for_a_step_that_looks_back_to_it() -> None:
    wait = "  - wait until: person.x\n"
    listens = "  - wait for: {event: X}\n    at most: 1 day\n"

    def noted(steps: str) -> list[str]:
        states = compiled(journey(steps))["States"].items()
        tasks = [(name, state) for name, state in states if state["Type"] == "Task"]
        return [name for name, state in tasks if state["Parameters"]["Payload"].get("noted")]

    assert noted(f"{wait}  - send: a\n{listens}") == []
    assert noted(f"{wait}{listens}") == ["look up the day: wait until person.x"]


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ("  - wait until:\n", '6: "wait until" is empty'),
        ("  - wait until: 5\n", "6: 5 is not a moment; a moment is written like"),
        ("  - wait until: monday\n", "6: 'monday' is not a moment; did you mean \"Monday\"?"),
        ("  - wait until: 2027-02-30\n", "6: there is no day 2027-02-30"),
        (
            "  - send: a\n  - wait until: Monday 9:00\n    otherwise: [{send: b}]\n",
            '8: is never taken: there is always a next "Monday 9:00"; put these steps below',
        ),
        ("  - wait until: Monday\n    at most: 1 day\n", '7: "at most" is unknown beside "wait'),
        (
            "  - wait until: entry.x\n    otherwise: [{wait until: someday}]\n",
            "7: 'someday' is not a moment",
        ),
    ],
)
def test_a_mistake_is_reported_at_its_line_with_what_is_right(steps: str, says: str) -> None:
    with pytest.raises(Problems) as refused:
        journey(steps)
    [problem] = refused.value.found
    assert str(problem).startswith(f"cart/journey.yaml:{says}")


# --- the manual

MANUAL = (JOURNEYS / "README.md").read_text("utf-8")


def test_every_moment_in_the_manual_can_be_read_and_every_form_is_there() -> None:
    [table] = re.findall(r"^MOMENT: .*\n\n\| .*\n\|[-| ]+\|\n((?:\|.*\n)+)", MANUAL, re.M)
    written = [text for row in table.splitlines() for text in re.findall("`(.+?)`", row)]
    found = [read_moment(text) for text in written]
    assert {one.of for one in found} == {"", "person", "entry"}
    assert {one.is_before for one in found if one.shift} == {True, False}
    assert any(one.day for one in found)
    assert len({one.weekdays for one in found if one.weekdays}) == 3
