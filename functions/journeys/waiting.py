"""What a run waits for now, as far as it can be told without asking Step Functions."""

from functions.journeys.desk import Desk
from functions.journeys.run import Run, Waits, run_key
from functions.journeys.steps.awaiting import Awaiting
from functions.tracking.permission import Permission
from functions.tracking.profile import Profile


def waits_for(desk: Desk, run: Run, profile: Profile, permission: Permission) -> str:
    """The name of the step, "" when the run has ended, its time is up or what it waited for has
    happened. Nothing notes the end of a wait, so it is told by what would have ended it."""
    if run.status == "ended":
        return ""
    waits = desk.store.get(Waits, run.person, run_key(run.journey, run.run_id))
    wait = waits.latest if waits else None
    if wait is None or wait.until <= desk.now():
        return ""
    journey = desk.version(run.journey, run.journey_version)
    step = journey.step(wait.step)
    assert isinstance(step, Awaiting)
    over = step.first(desk.facts(run, journey, profile, permission), wait.since)
    return wait.step if over is None else ""
