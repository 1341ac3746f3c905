"""Leaving: an event ends a run, or reaches its goal."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from functions.journeys.desk import Desk
from functions.journeys.journey import LEAVES_AS_GOAL, Journey
from functions.journeys.ledger import row_of
from functions.journeys.run import Run, counts_for, run_key
from functions.storage.store import Conflict, Contended, Store, change
from functions.tracking import permission as permissions
from functions.tracking.event import Event
from functions.tracking.message import Message, let_go
from functions.tracking.permission import Live, Permission, claimed
from functions.tracking.profile import Profile

ON_ITS_WAY = timedelta(hours=1)  # within which a run's record follows its mark


def leave_by(desk: Desk, run: Run, profile: Profile, permission: Permission, event: Event) -> bool:
    journey = desk.version(run.journey, run.journey_version)
    outcome = _outcome(desk, journey, run, profile, permission, event)
    if outcome:
        leave(desk, run, outcome)
    return bool(outcome)


def _outcome(
    desk: Desk, journey: Journey, run: Run, profile: Profile, permission: Permission, event: Event
) -> str:
    """The outcome with which this event ends the run; "" when it does not."""
    if not any(rule.listens_to(event) for rule in journey.endings) or not counts_for(run, event):
        return ""
    facts = desk.facts(run, journey, profile, permission)
    for outcome, exit_rule in journey.leave_when:
        if exit_rule.happened(event, facts):
            return outcome
    goal = journey.goal
    if goal and goal.what.happened(event, facts):
        if not goal.stay:
            return LEAVES_AS_GOAL
        _reach_goal(desk, run, event)
    return ""


def leave(desk: Desk, run: Run, outcome: str) -> None:
    """End a run now: mark it first, so that no message can be claimed, then stop it."""
    permission = change(
        desk.store,
        lambda: desk.permission(run.person),
        lambda permission: permissions.leave(permission, run.run_id, outcome),
    )
    live = permission.live.get(run.run_id)
    if live:
        end(desk, run, live.leaving)


def leave_all(desk: Desk, person: str, journey: str, outcome: str, but: str) -> None:
    """End the person's runs of a journey now, except the run `but`. Safe to repeat."""
    for run_id, live in list(desk.permission(person).live.items()):
        if live.journey != journey or run_id == but:
            continue
        run = desk.store.get(Run, live.person, run_key(journey, run_id))
        if run:
            leave(desk, run, outcome)
            continue
        # Its record is on its way: the mark alone keeps it from doing anything.
        change(
            desk.store,
            lambda: desk.permission(person),
            partial(permissions.leave, run_id=run_id, outcome=outcome),
        )


def end(desk: Desk, run: Run, outcome: str) -> None:
    """Carry a decided end out. Safe to repeat; the mark goes last, because it asks for that."""
    closed = close(desk.store, run.person, run.journey, run.run_id, outcome, desk.now())
    # Not the execution that we know of: the run may have gone on in another one meanwhile.
    desk.workflow.stop(run.journey, (closed or run).execution, outcome)
    forget(desk, run.person, run.run_id, run)


def forget(desk: Desk, person: str, run_id: str, run: Run | None) -> None:
    """A run has ended (None: it never came to be): nothing goes out for it any more. Its messages
    learn that, also those that were just being sent, then its live mark goes."""
    messages = list(desk.store.query(Message, person, prefix=f"{run_id}/"))
    permission = desk.permission(person)
    for message in messages:
        if message.state == "held":
            claim = claimed(permission, message.send_id)
            read = partial(desk.store.get, Message, person, message.key)
            change(desk.store, read, partial(let_go, claim=claim))
    if run:
        _note_claims(desk, run, permission, {message.send_id for message in messages})
    change(
        desk.store,
        lambda: desk.permission(person),
        lambda permission: permission.live.pop(run_id, None) is not None,
        known=permission,
    )
    desk.runs_changed(person)


def _note_claims(desk: Desk, run: Run, permission: Permission, noted: set[str]) -> None:
    """Nobody else will say of these that they may have gone."""
    for claim in permission.claims:
        row = row_of(desk, run, claim) if claim.send_id not in noted else None
        if row:
            with suppress(Conflict):  # the sender was faster, and knows better
                desk.store.put(row)


def is_left_behind(live: Live, now: datetime) -> bool:
    """Whether a mark whose run has no record has waited for it long enough."""
    return live.since < now - ON_ITS_WAY


def has_ended(desk: Desk, run_id: str, live: Live) -> bool:
    """Whether a mark is of a run that has ended, or that never came to be."""
    record = desk.store.get(Run, live.person, run_key(live.journey, run_id))
    return record.status == "ended" if record else is_left_behind(live, desk.now())


def close(
    store: Store, person: str, journey: str, run_id: str, outcome: str, now: datetime
) -> Run | None:
    """Write the end into the run record; the first end stands. Returns the record."""

    def ended(run: Run | None) -> bool:
        if run is None or run.status == "ended":
            return False
        run.status, run.outcome, run.ended = "ended", outcome, now
        if outcome == LEAVES_AS_GOAL:
            run.goal = run.goal or now
        return True

    return change(store, lambda: store.get(Run, person, run_key(journey, run_id)), ended)


def execution_ended(
    desk: Desk, person: str, run_id: str, execution: str, status: str, output: Mapping[str, Any]
) -> None:
    """Close a run whose execution has ended by itself. `status` and `output` are Step Functions',
    {} where there is none. The end of one that the run has left for another changes nothing.

    The record goes last: while it is open, the daily comparison finds what a crash left here.
    """
    journey = run_id.rpartition("-")[0]
    run = desk.store.get(Run, person, run_key(journey, run_id))
    if run and run.execution != execution:
        return
    live = desk.permission(person).live.get(run_id)
    # A run that was leaving when its execution ended by itself has left.
    outcome = live.leaving if live and live.leaving else _outcome_of(status, output)
    forget(desk, person, run_id, run)
    close(desk.store, person, journey, run_id, outcome, desk.now())
    desk.runs_changed(person)


def _outcome_of(status: str, output: Mapping[str, Any]) -> str:
    if status != "SUCCEEDED":
        return "stopped" if status == "ABORTED" else "failed"
    return str(output.get("outcome", "finished"))


def _reach_goal(desk: Desk, run: Run, event: Event) -> None:
    if run.goal is None:
        run.goal = event.time
        try:
            desk.store.put(run)
        except Conflict:
            raise Contended("the run record is busy") from None


def note_late_goals(desk: Desk, profile: Profile, event: Event) -> None:
    """A goal reached soon after the last message counts, also when the run has ended."""
    for journey, _ in desk.newest():
        goal = journey.goal
        if not goal or event.name not in goal.what.names:
            continue
        for person in profile.keys:
            for run in desk.store.query(Run, person, prefix=f"{journey.name}/"):
                if run.status == "ended" and run.goal is None and counts_for(run, event):
                    _note_if_in_time(desk, journey, run, profile, event)


def _note_if_in_time(
    desk: Desk, journey: Journey, run: Run, profile: Profile, event: Event
) -> None:
    facts = desk.facts(run, journey, profile, desk.permission(profile.person))
    assert journey.goal
    # Who is held out is compared with the others: for as long after what they would have got.
    times = (m.claimed or m.held_out for m in facts.messages() if m.run_id == run.run_id)
    own = [time for time in times if time]
    in_time = own and max(own) <= event.time <= max(own) + journey.goal.within
    if in_time and journey.goal.what.happened(event, facts):
        _reach_goal(desk, run, event)
