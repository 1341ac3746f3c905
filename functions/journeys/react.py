"""What a person's new events do to their journeys: leave, release, enter, in that order."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.journeys.journey import LEAVES_AS_GOAL, Journey
from functions.journeys.run import Run
from functions.journeys.steps.wait_for import WaitFor
from functions.journeys.workflow import Workflow
from functions.segments.condition import Facts
from functions.storage.store import Conflict, Contended, Store, change
from functions.tracking import permission as permissions
from functions.tracking.event import Event
from functions.tracking.identity import short_hash
from functions.tracking.message import RECEIPTS, Message, ledger_key, take_receipt
from functions.tracking.permission import Live, Permission, Refused
from functions.tracking.profile import Profile

TOO_OLD_TO_ENTER = timedelta(days=1)


@dataclass(frozen=True)
class Desk:
    """What reacting needs.

    newest() and version(journey, version) give journeys with the names of their versions;
    permission(person) follows merges; facts(run, journey, profile, permission) makes what
    conditions look at.
    """

    store: Store
    workflow: Workflow
    now: Callable[[], datetime]
    newest: Callable[[], Iterable[tuple[Journey, str]]]
    version: Callable[[str, str], Journey]
    permission: Callable[[str], Permission]
    facts: Callable[[Run, Journey, Profile, Permission], Facts]


def run_key(journey: str, run_id: str) -> str:
    """Where a run's record stands below its person."""
    return f"{journey}/{run_id}"


def run_id_of(person: str, journey: str, key: str) -> str:
    """The run's id and its execution's name: the same whenever the same entry is seen."""
    return f"{journey}-{short_hash(person, journey, key)}"


def react(desk: Desk, profile: Profile, events: Iterable[Event]) -> None:
    """Draw the consequences of events that are stored already. Safe to repeat."""
    for event in events:
        permission = desk.permission(profile.person)
        for run, live in _live_runs(desk, permission):
            if live.leaving or _leaves(desk, run, profile, permission, event):
                continue
            _release(desk, run, profile, permission, event)
        _note_late_goals(desk, profile, event)
        _enter_by(desk, profile, permission, event)


def _live_runs(desk: Desk, permission: Permission) -> Iterator[tuple[Run, Live]]:
    for run_id, live in list(permission.live.items()):
        run = desk.store.get(Run, live.person, run_key(live.journey, run_id))
        if run is None:
            continue  # entered a moment ago; its record is on its way
        if live.leaving:
            _end(desk, run, live.leaving)  # a crash may have come between the mark and this
        yield run, live


def counts_for(run: Run, event: Event) -> bool:
    """Whether an event may move a run: not its own entry, nor what happened before it."""
    return event.message_id != run.entry.message_id and event.time >= run.entered


# --- leaving


def _leaves(desk: Desk, run: Run, profile: Profile, permission: Permission, event: Event) -> bool:
    journey = desk.version(run.journey, run.journey_version)
    outcome = _outcome(desk, journey, run, profile, permission, event)
    if outcome:
        leave(desk, run, outcome)
    return bool(outcome)


def _outcome(
    desk: Desk, journey: Journey, run: Run, profile: Profile, permission: Permission, event: Event
) -> str:
    """The outcome with which this event ends the run; "" when it does not."""
    if not counts_for(run, event):
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
        _end(desk, run, live.leaving)


def _end(desk: Desk, run: Run, outcome: str) -> None:
    close(desk.store, run.person, run.journey, run.run_id, outcome, desk.now())
    desk.workflow.stop(run.journey, run.run_id, outcome)


def close(
    store: Store, person: str, journey: str, run_id: str, outcome: str, now: datetime
) -> None:
    """Write the end into the run record; the first end stands."""

    def end(run: Run | None) -> bool:
        if run is None or run.status == "ended":
            return False
        run.status, run.outcome, run.ended, run.waiting = "ended", outcome, now, False
        if outcome == LEAVES_AS_GOAL:
            run.goal = run.goal or now
        return True

    change(store, lambda: store.get(Run, person, run_key(journey, run_id)), end)


def _reach_goal(desk: Desk, run: Run, event: Event) -> None:
    if run.goal is None:
        run.goal = event.time
        try:
            desk.store.put(run)
        except Conflict:
            raise Contended("the run record is busy") from None


def _note_late_goals(desk: Desk, profile: Profile, event: Event) -> None:
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
    own = [m.claimed for m in facts.messages() if m.run_id == run.run_id and m.claimed]
    in_time = own and max(own) <= event.time <= max(own) + journey.goal.within
    if in_time and journey.goal.what.happened(event, facts):
        _reach_goal(desk, run, event)


# --- releasing


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
        desk.workflow.succeed(wait.token, output)
        _no_longer_waiting(desk, run)


def _no_longer_waiting(desk: Desk, run: Run) -> None:
    run.waiting = False
    try:
        desk.store.put(run)
    except Conflict:
        return  # the run has moved on already


# --- entering


def _enter_by(desk: Desk, profile: Profile, permission: Permission, event: Event) -> None:
    if event.received_at - event.time > TOO_OLD_TO_ENTER:
        return  # too late is late: it changes the person, not the path
    for journey, version in desk.newest():
        if journey.enter_when and event.name in journey.enter_when.names:
            run = _new_run(profile, journey, version, event, event.message_id, event.time)
            if run is None:
                continue
            facts = desk.facts(run, journey, profile, permission)
            if journey.enter_when.happened(event, facts):
                enter(desk, profile, journey, run)


def entry_key(journey: Journey, entry: Event, occasion: str) -> str | None:
    """What `once per` counts by; None when the event has no such property."""
    if journey.once_per == "person":
        return ""
    if journey.once_per == "occasion" or journey.once_length:
        return occasion
    value = entry.properties.get(journey.once_per)
    return None if value is None or value == "" else str(value)


def _new_run(
    profile: Profile, journey: Journey, version: str, entry: Event, occasion: str, at: datetime
) -> Run | None:
    key = entry_key(journey, entry, occasion)
    if key is None:
        return None
    return Run(
        person=profile.person,
        run_id=run_id_of(profile.person, journey.name, key),
        journey=journey.name,
        journey_version=version,
        entered=at,
        entry=entry,
        entry_key=key,
    )


def start_by_journey(desk: Desk, profile: Profile, name: str, entry: Event, parent: Run) -> bool:
    """`start journey`: the started run inherits the entry. False: the person did not enter."""
    for journey, version in desk.newest():
        if journey.name == name:
            run = _new_run(profile, journey, version, entry, parent.run_id, desk.now())
            return run is not None and enter(desk, profile, journey, run)
    return False


def enter(desk: Desk, profile: Profile, journey: Journey, run: Run) -> bool:
    """Let the person in, once per entry key. Safe to repeat after a crash at any point.

    The permission item first, then the run record, which guards the entry for good, then the
    execution, whose name is the run's, then a look at what came before the run was there.
    """
    there = _earlier(desk, profile, run)
    if there is None and not _may_enter(desk, profile, journey, run):
        return False
    if there is None:
        try:
            desk.store.put(run)
        except Conflict:
            there = desk.store.get(Run, run.person, run_key(run.journey, run.run_id))
    run = there or run
    if run.status == "ended":
        return False
    names = {"run": run.run_id, "person": run.person}
    desk.workflow.start(run.journey, run.journey_version, run.run_id, names)
    _leave_by_overtakers(desk, profile, run)
    return there is None


def _leave_by_overtakers(desk: Desk, profile: Profile, run: Run) -> None:
    """Queues do not keep the order: an exit that happened after the entry may have come first.

    Every event is stored before runs are looked for, and every run before events are: one of
    the two finds the other.
    """
    journey = desk.version(run.journey, run.journey_version)
    rules = [rule for _, rule in journey.leave_when] + ([journey.goal.what] if journey.goal else [])
    names = {name for rule in rules for name in rule.names}
    permission = desk.permission(profile.person)
    facts = desk.facts(run, journey, profile, permission)
    # Not at the very moment of the entry: its own event would have the whole timeline read.
    for event in facts.events(names, run.entered + timedelta(microseconds=1)) if names else ():
        if _leaves(desk, run, profile, permission, event):
            return


def _earlier(desk: Desk, profile: Profile, run: Run) -> Run | None:
    """The run of the same entry key, under whatever key the person was known then."""
    for person in profile.keys:
        run_id = run_id_of(person, run.journey, run.entry_key)
        there = desk.store.get(Run, person, run_key(run.journey, run_id))
        if there:
            return there
    return None


def _may_enter(desk: Desk, profile: Profile, journey: Journey, run: Run) -> bool:
    alone = not journey.allows_several_runs

    def note(permission: Permission) -> bool:
        if run.run_id in permission.live:
            return False  # a crash came after this and before the run's record
        if not _is_wanted(desk, profile, permission, journey, run):
            raise Refused("not now")
        permissions.enter(permission, run.run_id, run.journey, run.person, alone)
        return True

    try:
        change(desk.store, lambda: desk.permission(profile.person), note)
    except Refused:
        return False
    return True


def _is_wanted(
    desk: Desk, profile: Profile, permission: Permission, journey: Journey, run: Run
) -> bool:
    length = journey.once_length
    if length:
        runs = (
            earlier
            for person in profile.keys
            for earlier in desk.store.query(Run, person, prefix=f"{journey.name}/")
        )
        if any(run.entered - earlier.entered < length for earlier in runs):
            return False
    only_if = journey.only_if
    return only_if is None or only_if(desk.facts(run, journey, profile, permission))


def settle_receipts(store: Store, events: Iterable[Event]) -> None:
    """Note in the ledger what receipts say, before anybody's wait looks there."""
    for event in events:
        if event.source == RECEIPTS and event.person:
            _settle(store, event)


def _settle(store: Store, event: Event) -> None:
    key = ledger_key(str(event.properties.get("run_id")), str(event.properties.get("email_id")))
    change(
        store,
        lambda: store.get(Message, event.person, key),
        lambda message: message is not None and take_receipt(message, event),
    )
