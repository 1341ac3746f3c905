"""Whoever is erased has no execution any more, whatever a crash had left of their runs."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from functions.handlers import wiring
from functions.handlers.desk import journey_desk
from functions.journeys.moving import find
from functions.journeys.resume import go_on
from functions.journeys.run import Run
from tests.integration.test_erasing import erase
from tests.support.world import JOURNEYS, World

JOURNEY = """
title: A long wait
purpose: transactional
enter when: {event: Visited}
once per: person
leave when: [{event: Bye, as: gone}]
steps:
  - wait: 300 days
  - task: Call them
    for: sales
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Ada waits, and from here on Step Functions loses what it is told to stop."""
    (tmp_path / "journeys" / "long").mkdir(parents=True)
    (tmp_path / "journeys" / "long" / "journey.yaml").write_text(JOURNEY)
    shutil.copy(JOURNEYS / "brand.yaml", tmp_path / "journeys")
    world = World(tmp_path / "data", tmp_path / "journeys")
    world.customer("ada")
    world.track("ada", "Visited")
    world.advance("1 hour")
    lossy = replace(world.system.workflow.functions, stop=lambda *of: None)
    world.system.parts = replace(world.system.parts, workflow=lossy)
    wiring.use(world.system.parts)
    yield world
    wiring.use(None)


def move(world: World) -> None:
    """Let the run go on in another execution where it stands."""
    parts = world.system.parts
    [run] = list(world.store.query(Run, world.person("ada").person))
    journey = parts.library.version(run.journey, run.journey_version).journey
    place = find(parts.machines, journey, run)
    assert place
    at, until, since, _ = place
    told = {"at": at, "until": until, "since": since, "version": run.journey_version}
    assert go_on(journey_desk(parts), run, now=world.now, **told)  # type: ignore[arg-type]
    world.settle()


@pytest.mark.parametrize(("moves", "leaves"), [(1, False), (2, False), (0, True), (1, True)])
def test_an_execution_whose_stop_was_lost_is_ended_by_the_erasure(
    world: World, moves: int, leaves: bool
) -> None:
    executions = world.system.workflow.engine.executions
    for _ in range(moves):
        move(world)
    if leaves:
        world.track("ada", "Bye")
        world.advance("1 minute")
        assert world.outcomes("long") == ["gone"]
    assert len(executions) == moves + 1
    world.system.parts = replace(world.system.parts, workflow=world.system.workflow.functions)
    wiring.use(world.system.parts)
    erase(world, world.person("ada").person)
    world.advance("1 hour")
    assert world.system.workflow.engine.executions == {}
