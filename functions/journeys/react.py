"""What a person's new events do to their journeys: leave, release, enter, in that order."""

from collections.abc import Iterable, Iterator

from functions.journeys.desk import Desk
from functions.journeys.enter import enter_by
from functions.journeys.leave import end, forget, leave_by, note_late_goals
from functions.journeys.run import Run, counts_for, run_key
from functions.journeys.steps.wait_for import WaitFor
from functions.storage.store import Conflict, Store, change
from functions.tracking.event import Event
from functions.tracking.message import RECEIPTS, Message, ledger_key, take_receipt
from functions.tracking.permission import Live, Permission
from functions.tracking.profile import Profile


def react(desk: Desk, profile: Profile, events: Iterable[Event]) -> None:
    """Draw the consequences of events that are stored already. Safe to repeat."""
    for event in events:
        permission = desk.permission(profile.person)
        for run, live in _live_runs(desk, permission):
            if live.leaving or leave_by(desk, run, profile, permission, event):
                continue
            _release(desk, run, profile, permission, event)
        note_late_goals(desk, profile, event)
        enter_by(desk, profile, permission, event)


def _live_runs(desk: Desk, permission: Permission) -> Iterator[tuple[Run, Live]]:
    for run_id, live in list(permission.live.items()):
        run = desk.store.get(Run, live.person, run_key(live.journey, run_id))
        if run is None:
            continue  # entered a moment ago; its record is on its way
        if live.leaving:
            end(desk, run, live.leaving)  # a crash may have come between the mark and this
        elif run.status == "ended":
            forget(desk, live.person, run_id)  # or before the mark was taken away
            continue
        yield run, live


def _release(desk: Desk, run: Run, profile: Profile, permission: Permission, event: Event) -> None:
    """Answer the token of a wait that this event fulfils.

    Step Functions alone decides between the event and the timeout: our record follows it.
    """
    wait = run.wait
    if not run.waiting or wait is None or not counts_for(run, event) or event.time < wait.since:
        return
    journey = desk.version(run.journey, run.journey_version)
    step = journey.step(wait.step)
    assert isinstance(step, WaitFor)
    awaited = step.awaited
    if awaited.names and event.name not in awaited.names:
        return
    if awaited.happened(event, desk.facts(run, journey, profile, permission)):
        output = {"Payload": {"at": desk.now().isoformat(), "event": event.message_id}}
        any(desk.workflow.succeed(token, output) for token in wait.tokens)  # one at most is live
        _no_longer_waiting(desk, run)


def _no_longer_waiting(desk: Desk, run: Run) -> None:
    run.waiting = False
    try:
        desk.store.put(run)
    except Conflict:
        return  # the run has moved on already


def settle_receipts(store: Store, events: Iterable[Event]) -> None:
    """Note in the ledger what receipts say, before anybody's wait looks there."""
    for event in events:
        if event.source == RECEIPTS and event.person:
            _settle(store, event)


def _settle(store: Store, event: Event) -> None:
    said = event.properties
    send_id = said.get("email_id") or said.get("sms_id")
    key = ledger_key(str(said.get("run_id")), str(send_id))
    change(
        store,
        lambda: store.get(Message, event.person, key),
        lambda message: message is not None and take_receipt(message, event),
    )
