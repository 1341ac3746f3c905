"""Going on: a run leaves its execution for a new one, at a step of its own or another version."""

from datetime import datetime

import msgspec

from functions.journeys.desk import Desk
from functions.journeys.enter import start
from functions.journeys.run import MOST_GENERATIONS, Resumed, Run, Waits, run_key
from functions.storage.store import change

WENT_ON = "the run goes on in another execution"


class TooOften(ValueError):
    """A run has gone on in as many executions as their names can count."""


def go_on(
    desk: Desk,
    run: Run,
    *,
    at: str,
    until: datetime | None,
    since: datetime | None,
    version: str,
    now: datetime,
    number: int | None = None,
) -> bool:
    """Let a run go on in a new execution at a step of that version. False: it is not the same run
    any more (it has ended, or somebody else has let it go on).

    `until` is the end of a wait that is under way in the step, None for a step that is to begin;
    `since` from when on events count for it; `number` is the pass of the loop around the step, or
    the last one of a loop that is the step. The record first, which makes the old execution do
    nothing more, then the new one, then the old one is stopped. Safe to repeat with the same `run`;
    what a crash left half done is mended by whatever the old execution does next, and by the daily
    comparison. Raises TooOften, KeyError when the version has no such step.
    """
    desk.version(run.journey, version).step(at)
    if run.generation >= MOST_GENERATIONS:
        raise TooOften(
            f"{run.run_id} has gone on {run.generation} times; that is as often as may be"
        )
    old, generation = run.execution, run.generation + 1
    where = Resumed(at=at, time=now, until=until, since=since, number=number)

    def raise_generation(there: Run | None) -> bool:
        if there is None or there.status == "ended" or there.generation != run.generation:
            return False
        there.generation, there.journey_version, there.resumed = generation, version, where
        return True

    key = run_key(run.journey, run.run_id)
    there = change(desk.store, lambda: desk.store.get(Run, run.person, key), raise_generation)
    if there is None or there.status == "ended" or there.generation != generation:
        return False
    _keep_waits(desk, there)
    start(desk, there)
    desk.workflow.stop(run.journey, old, WENT_ON)
    return True


def _keep_waits(desk: Desk, run: Run) -> None:
    """What it has waited for is needed as long as it is under way."""
    key = run_key(run.journey, run.run_id)

    def keep(waits: Waits | None) -> bool:
        if waits is None or run.resumed is None or waits.renewed == run.resumed.time:
            return False
        waits.renewed = run.resumed.time
        return True

    change(desk.store, lambda: desk.store.get(Waits, run.person, key), keep)


def take(desk: Desk, run: Run) -> None:
    """Note that the present execution has gone where the run goes on. Safe to repeat."""
    key = run_key(run.journey, run.run_id)

    def taken(there: Run | None) -> bool:
        if there is None or there.resumed is None or there.resumed.taken:
            return False
        if there.generation != run.generation:
            return False
        there.resumed = msgspec.structs.replace(there.resumed, taken=True)
        return True

    change(desk.store, lambda: desk.store.get(Run, run.person, key), taken)
