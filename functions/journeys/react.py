"""What a person's new events do to their journeys: leave, release, enter, in that order."""

from collections.abc import Iterable, Iterator
from functools import partial

from functions.journeys.desk import Desk
from functions.journeys.enter import enter_by
from functions.journeys.leave import end, forget, is_left_behind, leave_by, note_late_goals
from functions.journeys.ledger import row_of
from functions.journeys.run import Run, Waits, counts_for, run_key
from functions.journeys.steps.awaiting import Awaiting
from functions.storage.store import change
from functions.tracking.event import Event
from functions.tracking.message import RECEIPTS, Message, as_judged, ledger_key, take_receipt
from functions.tracking.permission import Permission, claimed
from functions.tracking.profile import Profile


def react(desk: Desk, profile: Profile, permission: Permission, events: Iterable[Event]) -> None:
    """Draw the consequences of events that are stored already; `permission` was read since. Safe
    to repeat."""
    for number, event in enumerate(filter(desk.hears, events)):
        if number:  # what the one before has led to
            permission = desk.permission(profile.person)
        for run in _live_runs(desk, permission):
            if not leave_by(desk, run, profile, permission, event):
                _release(desk, run, profile, permission, event)
        note_late_goals(desk, profile, event)
        enter_by(desk, profile, permission, event)


def _live_runs(desk: Desk, permission: Permission) -> Iterator[Run]:
    for run_id, live in list(permission.live.items()):
        run = desk.store.get(Run, live.person, run_key(live.journey, run_id))
        if run is None:  # entered a moment ago, and its record is on its way; or it never came
            if is_left_behind(desk, live):
                forget(desk, live.person, run_id, None)
            continue
        if live.leaving or run.status == "ended":
            # A crash may have come between the mark and the end, or before the mark was taken
            # away; or somebody is just ending it, since we read the mark.
            end(desk, run, live.leaving or run.outcome)
        else:
            yield run


def _release(desk: Desk, run: Run, profile: Profile, permission: Permission, event: Event) -> None:
    """Answer the token of a wait that this event fulfils.

    Step Functions alone decides between the event and the timeout, and whether it still waits at
    all: nothing is written here.
    """
    journey = desk.version(run.journey, run.journey_version)
    if not counts_for(run, event) or not any(step.listens_to(event) for step in journey.awaiting):
        return
    waits = desk.store.get(Waits, run.person, run_key(run.journey, run.run_id))
    wait = waits.latest if waits else None
    if wait is None or event.time < wait.since:
        return
    step = journey.step(wait.step)
    assert isinstance(step, Awaiting)
    if not step.listens_to(event):
        return
    which = step.released_by(event, desk.facts(run, journey, profile, permission))
    if which is not None:
        said = {"at": desk.now().isoformat(), "event": event.message_id, **step.said(which)}
        output = {"Payload": said}
        any(desk.workflow.succeed(token, output) for token in wait.tokens)  # one at most is live


def settle_receipts(desk: Desk, events: Iterable[Event]) -> list[Event]:
    """Note in the ledger what receipts say, before anybody's wait looks there.

    Returns the events as they are to count: a robot's open or click under a name of its own. Those
    of one call are judged by all that they tell together. Safe to repeat.
    """
    events = list(events)
    rows: dict[str, Message | None] = {}
    for event in events:
        if event.source == RECEIPTS and event.person:
            read, note = partial(_message_of, desk, event), partial(_take, event=event)
            rows[_send_id(event)] = change(desk.store, read, note)
    if not rows:
        return events
    return [as_judged(rows[_send_id(e)], e) if _send_id(e) in rows else e for e in events]


def _take(message: Message | None, event: Event) -> bool:
    return message is not None and take_receipt(message, event)


def _send_id(event: Event) -> str:
    return str(event.properties.get("email_id") or event.properties.get("sms_id"))


def _message_of(desk: Desk, event: Event) -> Message | None:
    """The row that a receipt is about; a receipt may be faster than the sender's own note."""
    send_id, run_id = _send_id(event), str(event.properties.get("run_id"))
    row = desk.store.get(Message, event.person, ledger_key(run_id, send_id))
    claim = None if row else claimed(desk.permission(event.person), send_id)
    key = run_key(run_id.rpartition("-")[0], run_id)
    run = desk.store.get(Run, event.person, key) if claim else None
    return row_of(desk, run, claim) if run and claim else row
