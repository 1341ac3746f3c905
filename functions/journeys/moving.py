"""Moving one run: to another version, or out of the journey."""

from datetime import datetime

from functions.journeys.desk import Desk
from functions.journeys.journey import Journey
from functions.journeys.leave import leave
from functions.journeys.migration import END, target
from functions.journeys.place import place_of
from functions.journeys.resume import go_on
from functions.journeys.run import MOST_GENERATIONS, Run
from functions.journeys.workflow import Machines, Move
from functions.tracking.merge import EJECTED

Found = tuple[str, datetime | None, datetime | None]


def find(machines: Machines, journey: Journey, run: Run) -> Found | None:
    """The step at which the run stands, the end of its wait and from when on events count for
    it; None when it stands nowhere for the moment (it has ended, or has not begun)."""
    position = machines.position(run.journey, run.execution)
    return place_of(journey, position) if position else None


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
    step, until, since = place
    to = target(before, desk.version(run.journey, asked.version), step, asked.mapping)
    if not to:
        return f'left alone: "{step}" has no place in the new version'
    if to == END:
        leave(desk, run, EJECTED)
        return "ejected"
    if to != step:
        until = since = None  # another step begins anew
    if run.generation >= MOST_GENERATIONS:
        return "left alone: it has gone on as often as its name can count"
    went = go_on(desk, run, at=to, until=until, since=since, version=asked.version, now=desk.now())
    return f'goes on at "{to}"' if went else "left alone: it has gone on meanwhile"
