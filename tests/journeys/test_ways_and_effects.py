"""`choose`, `split`, `stop journey` and `update` in a whole Tante."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from functions.handlers import compare_runs, run_step, start_run, wiring
from functions.journeys.run import Run
from functions.journeys.steps.split import arm_of
from functions.journeys.workflow import Start
from functions.segments.person import fields
from tests.support.world import CONTEXT, JOURNEYS, World

HEAD = "title: A\npurpose: offers\nonce per: occasion\nenter when: {{event: {0}}}\nsteps:\n"
HALVES = (
    "  - split: last call\n"
    "    arms:\n"
    "      left: {share: 50 percent, then: [{end: left}]}\n"
    "      right: {share: 50 percent, then: [{end: right}]}\n"
)


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Makes a Tante with journeys of these steps; each is entered by an event of its name."""

    def begin(**journeys: str) -> World:
        folder = tmp_path / "folder"
        shutil.copytree(JOURNEYS / "parts", folder / "parts")
        shutil.copy(JOURNEYS / "brand.yaml", folder)
        for name, steps in journeys.items():
            (folder / name).mkdir()
            text = HEAD.format(name) + steps
            (folder / name / "journey.yaml").write_text(text, "utf-8")
        return World(tmp_path / "data", folder)

    yield begin
    wiring.use(None)


def runs(world: World, user: str, journey: str = "") -> list[Run]:
    keys = world.person(user).keys
    found = [run for key in keys for run in world.store.query(Run, key, prefix=journey)]
    return sorted(found, key=lambda run: run.entered)


def outcomes(world: World, user: str, journey: str) -> list[str]:
    return [run.outcome or run.status for run in runs(world, user, f"{journey}/")]


def traits(world: World, user: str = "ada") -> dict[str, Any]:
    return fields(world.person(user), world.now)


# --- choose


CHOOSE = (
    "  - choose:\n"
    "      - if: {person: {plan: pro}}\n"
    "        then: [{end: pro}]\n"
    "      - if: {entry: {amount: {at least: 100}}}\n"
    "        then: [{end: large}]\n"
    "    otherwise: [{end: small}]\n"
)


@pytest.mark.parametrize(
    ("plan", "amount", "outcome"),
    [("pro", 500, "pro"), ("free", 500, "large"), ("free", 5, "small"), ("pro", 5, "pro")],
)
def test_the_way_of_the_first_true_condition_is_taken(
    begin: Any, plan: str, amount: int, outcome: str
) -> None:
    world = begin(buy=CHOOSE)
    world.identify("ada", plan=plan)
    world.track("ada", "buy", amount=amount)
    assert outcomes(world, "ada", "buy") == [outcome]


# --- split


def test_everybody_goes_the_arm_of_their_key_in_every_journey_and_every_time(begin: Any) -> None:
    world = begin(one=HALVES, other="  - wait: 1 day\n" + HALVES)
    people = [f"person {number}" for number in range(12)]
    for user in people:
        for event in ("one", "other", "one"):
            world.track(user, event)
    world.advance("2 days")
    arms = set()
    for user in people:
        arm = arm_of(world.person(user).person, "last call", {"left": 5000, "right": 5000})
        assert outcomes(world, user, "one") == [arm, arm]
        assert outcomes(world, user, "other") == [arm]
        arms.add(arm)
    assert arms == {"left", "right"}


def test_a_person_that_was_merged_keeps_the_arm_with_which_the_run_began(begin: Any) -> None:
    world = begin(one="  - wait: 1 day\n" + HALVES)
    kept = 0
    for number in range(8):
        tab, user = f"tab {number}", f"user {number}"
        world.identify(user, plan="free")
        key = world.person(user).person
        world.post("track", {"anonymousId": tab, "event": "one", "properties": {}})
        world.post("identify", {"anonymousId": tab, "userId": user, "traits": {}})
        [run] = runs(world, user)
        assert run.person != key
        world.advance("2 days")
        halves = {"left": 5000, "right": 5000}
        arm = arm_of(run.person, "last call", halves)
        assert outcomes(world, user, "one") == [arm]
        kept += arm != arm_of(key, "last call", halves)
    assert kept  # the other key would have led elsewhere


def test_whoever_begins_the_execution_tells_it_the_same_arms(begin: Any) -> None:
    """At once, from the queue of starts, or in the daily comparison."""
    world = begin(one="  - wait: 1 day\n" + HALVES)
    told: list[Any] = []
    parts = world.system.parts
    workflow = replace(parts.workflow, start=lambda *of: told.append(of))
    machines = replace(parts.machines, start_now=lambda *of: told.append(of))
    wiring.use(replace(parts, workflow=workflow, machines=machines))
    world.track("ada", "one")
    [run] = runs(world, "ada")
    body = Start(run.journey, run.journey_version, run.run_id, run.person)
    record = {"messageId": "1", "body": msgspec.json.encode(body).decode()}
    start_run.handler({"Records": [record]}, CONTEXT)
    world.system.clock.move_to(world.now + timedelta(hours=2))
    compare_runs.handler({}, CONTEXT)
    arm = arm_of(run.person, "last call", {"left": 5000, "right": 5000})
    names = {"run": run.run_id, "person": run.person, "arms": {"last_call": arm}}
    assert told == [(run.journey, run.journey_version, run.run_id, names)] * 3


def test_a_wait_behind_a_split_looks_back_to_when_the_split_began(begin: Any) -> None:
    steps = (
        "  - split: x\n"
        "    arms:\n"
        "      a: {share: 50 percent, then: [{wait: 2 days}]}\n"
        "      b: {share: 50 percent, then: [{wait: 3 days}]}\n"
        "  - wait for: {event: Login}\n"
        "    at most: 1 day\n"
        "    then: [{end: came}]\n"
    )
    world = begin(one=steps)
    world.track("ada", "one")
    world.advance("1 day")
    world.track("ada", "Login")
    world.advance("3 days")
    assert outcomes(world, "ada", "one") == ["came"]


# --- stop journey


STOP = "  - stop journey: long\n    as: not needed\n  - wait: 1 day\n"
LONG = "  - wait: 5 days\n  - task: Call\n    for: owner\n"


def test_the_other_journey_is_stopped_at_once_and_its_own_goes_on(begin: Any) -> None:
    world = begin(long=LONG, short=STOP)
    world.track("ada", "long")
    world.track("bob", "long")
    world.advance("1 day")
    world.track("ada", "short")
    assert outcomes(world, "ada", "long") == ["not needed"]
    assert outcomes(world, "ada", "short") == ["open"]
    world.advance("6 days")
    assert outcomes(world, "ada", "short") == ["finished"]
    assert outcomes(world, "bob", "long") == ["finished"]
    assert len(world.api("/api/tasks")["tasks"]) == 1  # Bob's


def test_stopping_what_does_not_run_changes_nothing(begin: Any) -> None:
    world = begin(long=LONG, short=STOP)
    world.track("ada", "long")
    world.advance("6 days")
    world.track("ada", "short")
    assert outcomes(world, "ada", "long") == ["finished"]
    world.track("ada", "long")  # and who was stopped may come again
    assert outcomes(world, "ada", "long") == ["finished", "open"]


def test_runs_that_began_before_a_merge_are_stopped_too(begin: Any) -> None:
    world = begin(long=LONG, short=STOP)
    world.identify("ada", plan="free")
    world.post("track", {"anonymousId": "tab", "event": "long", "properties": {}})
    world.post("identify", {"anonymousId": "tab", "userId": "ada", "traits": {}})
    world.track("ada", "short")
    assert outcomes(world, "ada", "long") == ["not needed"]


# --- update


def test_traits_and_tags_are_set_as_an_event_that_the_timeline_has(begin: Any) -> None:
    world = begin(one="  - update: {set: {plan: pro, seats: 3}, add tag: fan}\n  - end: done\n")
    world.track("ada", "one")
    assert {name: traits(world).get(name) for name in ("plan", "seats", "tags")} == {
        "plan": "pro",
        "seats": 3,
        "tags": ["fan"],
    }
    assert not any(name.startswith("tag:") for name in traits(world))
    assert world.person("ada").events["identify"].count == 1


def test_a_step_that_is_tried_again_changes_the_person_once(begin: Any) -> None:
    world = begin(one="  - update: {add tag: fan}\n  - wait: 1 day\n")
    world.track("ada", "one")
    [run] = runs(world, "ada")
    payload = {
        "journey": run.journey,
        "version": run.journey_version,
        "step": "update add tag fan",
        "run": run.run_id,
        "person": run.person,
        "entered": world.now.isoformat(),
    }
    for _ in range(3):
        run_step.handler(payload, None)
        world.settle()
    assert world.person("ada").events["identify"].count == 1


def test_other_journeys_react_to_it(begin: Any) -> None:
    waits = (
        "  - wait for: {person: {tags: fan}}\n"
        "    at most: 5 days\n"
        "    then: [{end: became a fan}]\n"
    )
    world = begin(one="  - update: {add tag: fan}\n", other=waits)
    world.track("ada", "other")
    world.track("ada", "one")
    assert outcomes(world, "ada", "other") == ["became a fan"]


def test_a_tag_that_is_removed_is_gone_and_those_a_shop_sent_stay(begin: Any) -> None:
    world = begin(
        add="  - update: {add tag: fan}\n",
        drop="  - update: {remove tag: fan}\n",
        drop2="  - update: {remove tag: vip}\n",
    )
    world.identify("ada", tags=["vip", "shop"])
    for event, tags in (
        ("add", ["fan", "shop", "vip"]),
        ("drop", ["shop", "vip"]),
        ("drop2", ["shop"]),
        ("add", ["fan", "shop"]),
    ):
        world.advance("1 hour")
        world.track("ada", event)
        assert traits(world)["tags"] == tags
