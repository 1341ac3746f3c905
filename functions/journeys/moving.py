"""Moving one run: to another version, or out of the journey."""

from datetime import datetime

from functions.journeys.desk import Desk
from functions.journeys.journey import Journey
from functions.journeys.leave import leave
from functions.journeys.migration import END, target
from functions.journeys.place import pass_of, place_of
from functions.journeys.resume import go_on
from functions.journeys.run import MOST_GENERATIONS, Run
from functions.journeys.step import below
from functions.journeys.steps.repeat import Repeat
from functions.journeys.workflow import Machines, Move
from functions.tracking.merge import EJECTED

Found = tuple[str, datetime | None, datetime | None, int | None]


def find(machines: Machines, journey: Journey, run: Run) -> Found | None:
    """The step at which the run stands, the end of its wait, from when on events count for it, and
    the pass of its loop; None when it stands nowhere for the moment (it has ended, or has not
    begun)."""
    position = machines.position(run.journey, run.execution)
    place = place_of(journey, position) if position else None
    return (*place, pass_of(position)) if position and place else None


def move(desk: Desk, machines: Machines, run: Run, asked: Move) -> str:
    """Do what was asked, and say what became of the run. Safe to repeat.

    Whoever stands nowhere, or at a step that has no place in the new version, is left alone.
    """
    if run.journey_version == asked.version:
        return "moved already"
    before = desk.version(run.journey, run.journey_version)
    place = find(machines, before, run)
    if place is None:
        return "left alone: it stands at no step"
    step, until, since, number = place
    after = desk.version(run.journey, asked.version)
    to = target(before, after, step, asked.mapping)
    if not to:
        return f'left alone: "{step}" has no place in the new version'
    if to == END:
        leave(desk, run, EJECTED)
        return "ejected"
    if to != step:
        until = since = None  # another step begins anew
    if not (_is_in_loop(after, to) or (to == step and isinstance(after.step(to), Repeat))):
        number = None
    if run.generation >= MOST_GENERATIONS:
        return "left alone: it has gone on as often as its name can count"
    went = go_on(
        desk,
        run,
        at=to,
        until=until,
        since=since,
        version=asked.version,
        now=desk.now(),
        number=number,
    )
    return f'goes on at "{to}"' if went else "left alone: it has gone on meanwhile"


def _is_in_loop(journey: Journey, name: str) -> bool:
    loops = (loop for loop in journey.every_step() if isinstance(loop, Repeat))
    return any(step.name == name for loop in loops for step in below(loop.repeat))
