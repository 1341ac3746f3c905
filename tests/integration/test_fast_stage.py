"""A stage whose clock runs fast: Step Functions goes by real time, all else by the stage's."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.channels.channel import Outgoing, Temporary
from functions.handlers import process_event, run_step, wiring
from functions.journeys.run import Run
from tests.support.world import CONTEXT, START, World
from tests.unit.test_email_and_sms import by_sns, ses

ZERO = datetime(2026, 6, 1, tzinfo=UTC)  # real time when the stage's clock showed START
HOUR_A_SECOND = 3600.0


class Busy:
    """A provider that takes messages in an hour."""

    def send(self, message: Outgoing) -> str:
        raise Temporary("SES: throttled", 3600)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Ada is in the onboarding; from here on the parts believe in a fast stage."""
    world = World(tmp_path)
    world.customer("ada")
    world.order("ada", "o1", "basic-1y")
    settings = replace(
        world.system.parts.settings,
        clock_start=START,
        clock_zero=ZERO,
        clock_speed=HOUR_A_SECOND,
    )
    wiring.use(replace(world.system.parts, settings=settings))
    yield world
    wiring.use(None)


def the_run(world: World) -> Run:
    [found] = list(world.store.query(Run, world.person("ada").person, prefix="onboarding/"))
    return found


def payload(world: World, step: str, entered: datetime, **more: Any) -> dict[str, Any]:
    run = the_run(world)
    ids = {"journey": "onboarding", "version": run.journey_version, "run": run.run_id}
    return {**ids, "person": run.person, "step": step, "entered": entered.isoformat(), **more}


def test_a_hold_ends_by_step_functions_clock(world: World) -> None:
    failed: list[tuple[str, ...]] = []
    parts = wiring.parts()
    workflow = replace(parts.workflow, fail=lambda *of: failed.append(of) or True)
    wiring.use(replace(parts, workflow=workflow, channels={"email": Busy(), "sms": Busy()}))
    run_step.handler(payload(world, "send guide", ZERO, token="t"), CONTEXT)
    [(token, error, cause)] = failed
    until = datetime.fromisoformat(cause)
    real_now = wiring.parts().settings.in_reality(world.now)
    assert (token, error) == ("t", "Hold")
    assert timedelta(0) < until - real_now <= timedelta(seconds=2)  # an hour at 3,600 to one


def test_a_wait_begins_at_the_stage_s_moment_of_the_state_s_entry(world: World) -> None:
    entered = ZERO + timedelta(seconds=24)  # a day later on the stage
    wait = next(
        step.name
        for step in wiring.parts().library.newest("onboarding").journey.every_step()
        if step.verb == "wait for"
    )
    asked = payload(world, wait, entered, token="t", wait=wait, since={"seconds": 3600})
    step = run_step._Steps(wiring.parts(), asked)
    assert step.entered == START + timedelta(days=1)
    assert datetime.fromisoformat(step.payload["entered"]) == START + timedelta(days=1)


def test_a_receipt_s_real_time_becomes_the_stage_s(world: World) -> None:
    real = ZERO + timedelta(seconds=48)
    body = by_sns(ses("Delivery", timestamp=real.strftime("%Y-%m-%dT%H:%M:%S.000Z")))
    [event] = process_event.read(body, wiring.parts().settings.on_stage).events
    assert event.time == START + timedelta(days=2)
    [as_it_is] = process_event.read(body).events
    assert as_it_is.time == real
