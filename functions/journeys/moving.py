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
from functions.journeys.workflow import Machines, Move, Position
from functions.tracking.merge import EJECTED

Found = tuple[str, datetime | None, datetime | None, int | None]


def find(machines: Machines, journey: Journey, run: Run) -> Found | None:
    """The step at which the run stands, the end of its wait, from when on events count for it, and
    the pass of its loop; None when it stands nowhere for the moment (it has ended, or has not
    begun)."""
    position = machines.position(run.journey, run.execution)
    place = place_of(journey, position) if position else None
    return (*place, _pass(journey, position, place[0])) if position and place else None


def _pass(journey: Journey, position: Position, step: str) -> int | None:
    """The pass of the loop around the step, or the last one of a loop that is the step; the data
    may have that of a loop which is over."""
    loop = _loop(journey, step)
    return None if loop is None or position.state == loop.name else pass_of(position)


def _loop(journey: Journey, name: str) -> Repeat | None:
    """The loop that is the step, or that it stands in."""
    loops = (one for one in journey.every_step() if isinstance(one, Repeat))
    return next((one for one in loops if name in {step.name for step in below([one])}), None)


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
        loop = _loop(after, to)
        number = number if loop and loop.name != to else None
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
