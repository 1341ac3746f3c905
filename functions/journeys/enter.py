"""Entering: an event, a look or another journey lets a person in, once per entry key."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from functions.journeys.desk import Desk
from functions.journeys.group import end_outranked, outrank
from functions.journeys.hold_out import is_held_out
from functions.journeys.journey import Journey
from functions.journeys.leave import forget, has_ended, leave_by
from functions.journeys.run import Run, run_id_of, run_ids_of, run_key
from functions.journeys.standing import Taken
from functions.journeys.steps.repeat import AGAIN, DONE
from functions.journeys.steps.split import arms_at
from functions.storage.store import Conflict, change
from functions.tracking import permission as permissions
from functions.tracking.event import JOURNEYS, Event
from functions.tracking.identity import short_hash
from functions.tracking.merge import LEAVES_BY_MERGE
from functions.tracking.own_event import is_backfill
from functions.tracking.permission import Live, Permission, Refused
from functions.tracking.profile import Profile

TOO_OLD_TO_ENTER = timedelta(days=1)
IN_ALREADY = "the person has entered for this already"
ENTERED_BY_API = "Entered by API"
Possible = list[tuple[str, str]]  # keys of people and ids of runs


def enter_by(desk: Desk, profile: Profile, permission: Permission, event: Event) -> None:
    if event.received_at - event.time > TOO_OLD_TO_ENTER or event.is_quiet:
        return  # too late is late: it changes the person, not the path
    if is_backfill(event):
        return  # publishing a segment lets nobody in: it was so before
    name = event.name
    for journey, version in by_priority(desk.newest()):
        if journey.enter_when and name in journey.enter_when.names:
            run = new_run(profile, journey, version, event, event.message_id, event.time)
            if run is None:
                continue
            facts = desk.facts(run, journey, profile, permission)
            if journey.enter_when.happened(event, facts):
                enter(desk, profile, journey, run)


def by_priority(newest: Iterable[tuple[Journey, str]]) -> list[tuple[Journey, str]]:
    """The highest first, so that nobody enters a journey only to be taken out of it at once."""
    return sorted(newest, key=lambda found: -found[0].priority)


def entry_key(journey: Journey, entry: Event, occasion: str) -> str | None:
    """What `once per` counts by; None when the event has no such property."""
    if journey.once_per == "person":
        return ""
    if journey.once_per == "occasion" or journey.once_length:
        return occasion
    value = entry.properties.get(journey.once_per)
    return None if value is None or value == "" else str(value)


def made_event(
    journey: str,
    name: str,
    occasion: str,
    time: datetime,
    now: datetime,
    properties: dict[str, Any] | None = None,
) -> Event:
    """The entering event of a run that no event let in; it stands in no timeline."""
    return Event(
        type="track",
        event=name,
        message_id=f"{journey}-{short_hash(journey, occasion)}",
        time=time,
        received_at=now,
        source=JOURNEYS,
        properties={"journey": journey, **(properties or {})},
    )


def new_run(
    profile: Profile, journey: Journey, version: str, entry: Event, occasion: str, at: datetime
) -> Run | None:
    """A run that may begin; None when the entry lacks what `once per` counts by."""
    key = entry_key(journey, entry, occasion)
    if key is None:
        return None
    return Run(
        person=profile.person,
        run_id=run_id_of(profile.person, journey.name, key, profile.erased),
        journey=journey.name,
        journey_version=version,
        entered=at,
        entry=entry,
        entry_key=key,
    )


def start_by_journey(desk: Desk, profile: Profile, name: str, entry: Event, occasion: str) -> bool:
    """`start journey`: the started run inherits the entry. False: the person did not enter.

    `occasion` tells apart the occasions at which a run starts it.
    """
    for journey, version in desk.newest():
        if journey.name == name:
            run = new_run(profile, journey, version, entry, occasion, desk.now())
            return run is not None and enter(desk, profile, journey, run)
    return False


def enter_by_api(
    desk: Desk, profile: Profile, name: str, occasion: str, properties: dict[str, Any]
) -> tuple[str, str]:
    """Let somebody in because a colleague or a program asks for it: the run's id, "" when the
    person did not enter, and then why not. The same occasion again gives the same answer.

    Raises LookupError when there is no such journey.
    """
    for journey, version in desk.newest():
        if journey.name == name:
            now = desk.now()
            entry = made_event(name, ENTERED_BY_API, f"api {occasion}", now, now, properties)
            run = new_run(profile, journey, version, entry, occasion, now)
            if run is None:
                return "", f'"properties" lacks "{journey.once_per}", which "once per" counts by'
            why_not = why_not_in(desk, profile, journey, run)
            there = desk.store.get(Run, run.person, run_key(name, run.run_id)) if why_not else run
            is_same = there is not None and there.entry.message_id == entry.message_id
            return (run.run_id, "") if is_same else ("", why_not)
    raise LookupError(f'there is no journey "{name}" that people may enter')


def enter(desk: Desk, profile: Profile, journey: Journey, run: Run) -> bool:
    """Let the person in, once per entry key; whether they entered just now."""
    why_not = why_not_in(desk, profile, journey, run)
    if why_not:
        desk.kept_out(run, why_not)
    return not why_not


def why_not_in(desk: Desk, profile: Profile, journey: Journey, run: Run) -> str:
    """Let the person in; "" when they entered just now, else why not, in words for a marketer.
    Once per entry key, and safe to repeat after a crash at any point.

    The permission item first, then the run record, which guards the entry for good, then the
    execution, whose name is the run's, then a look at what came before the run was there.
    """
    own = _possible(profile, profile.keys, run)
    there = _earlier(desk, profile, run, own)
    why_not = "" if there else _refusal(desk, profile, journey, run, own)
    if why_not:
        return why_not
    if there is None:
        run.held_out = is_held_out(journey, run.person)
        try:
            desk.store.put(run)
        except Conflict:
            there = desk.store.get(Run, run.person, run_key(run.journey, run.run_id))
    if there and profile.merged:
        _forget_twins(desk, profile, there)
    run = there or run
    if run.status == "ended":
        return IN_ALREADY
    start(desk, run)
    desk.runs_changed(run.person)
    _leave_by_overtakers(desk, profile, run)
    return IN_ALREADY if there else ""


def start(desk: Desk, run: Run) -> None:
    """Start the run's present execution. Safe to repeat."""
    journey = desk.version(run.journey, run.journey_version)
    desk.workflow.start(run.journey, run.journey_version, run.execution, names_of(journey, run))


def names_of(journey: Journey, run: Run) -> dict[str, Any]:
    """What its execution is told: ids, and the arm that the person goes at each split of the
    journey (of the run's own version). One that goes on where another stood learns that it does,
    and for every step behind which a wait looks back, that it was there just now."""
    names: dict[str, Any] = {"run": run.run_id, "person": run.person}
    arms = arms_at(journey, run.person)
    names |= {"arms": arms} if arms else {}
    if run.resumed is None:
        return names
    said = {"Payload": {"at": run.resumed.time.isoformat()}}
    branches = sum(len(step.ways()) > 1 for step in journey.every_step())
    places = {f"if{number}": said for number in range(1, branches + 1)}
    number = run.resumed.number
    arm = DONE if number is None else AGAIN  # whether it is in a loop
    counted = {"began": said["Payload"]["at"], "pass": number or 0, "arm": arm}
    loop = {"Payload": {**said["Payload"], **counted}}
    said_there = {**places, "last": said, "loop": loop}
    return {**names, **said_there, "resume": {"new": True}}


def _forget_twins(desk: Desk, profile: Profile, there: Run) -> None:
    """A merge has ended an entry that was only half made: it will not be made any more."""
    live = desk.permission(profile.person).live
    for key, run_id in _possible(profile, profile.keys, there):
        if run_id != there.run_id and run_id in live and live[run_id].leaving:
            record = desk.store.get(Run, key, run_key(there.journey, run_id))
            if record is None:
                forget(desk, key, run_id, None)


def _possible(profile: Profile, keys: Iterable[str], run: Run) -> Possible:
    """Under what the record of the same entry may stand."""
    return [
        (key, run_id)
        for key in keys
        for run_id in run_ids_of(profile, key, run.journey, run.entry_key)
    ]


def _leave_by_overtakers(desk: Desk, profile: Profile, run: Run) -> None:
    """Queues do not keep the order: an exit that happened after the entry may have come first.

    Every event is stored before runs are looked for, and every run before events are: one of
    the two finds the other.
    """
    journey = desk.version(run.journey, run.journey_version)
    names = {name for rule in journey.endings for name in rule.names}
    if not names:
        return
    permission = desk.permission(profile.person)
    facts = desk.facts(run, journey, profile, permission)
    # Not at the very moment of the entry: its own event would have the whole timeline read.
    for event in facts.events(names, run.entered + timedelta(microseconds=1)):
        if leave_by(desk, run, profile, permission, event):
            return


def _earlier(desk: Desk, profile: Profile, run: Run, own: Possible) -> Run | None:
    """The run of the same entry key, under whatever key the person was known then; not one that
    gave way to another by a merge, whose record may still be on its way."""
    for person, run_id in own:
        there = desk.store.get(Run, person, run_key(run.journey, run_id))
        if there and there.outcome != LEAVES_BY_MERGE:
            return there
    # An event that let them in while the two were one.
    for person, run_id in _possible(profile, profile.apart, run):
        there = desk.store.get(Run, person, run_key(run.journey, run_id))
        if there and there.entry.message_id == run.entry.message_id:
            return there
    return None


def _refusal(desk: Desk, profile: Profile, journey: Journey, run: Run, own: Possible) -> str:
    """Note the run as under way; why it may not be, or ""."""
    if desk.is_closed(journey.name):
        return "nobody enters the journey for now: it is paused or stopped"
    limit = journey.limit
    if limit and not limit.has_a_place_for(run.person, journey.name):
        return "the person is not in the share that the limit lets in"
    has_slot = False

    def note(permission: Permission) -> bool:
        nonlocal has_slot
        if _take_over(permission, run, own):
            return False  # a crash came after this and before the run's record
        if not _is_wanted(desk, profile, permission, journey, run):
            raise Refused('"once per" or "only if" does not let the person in now')
        once = short_hash(run.entry_key) if journey.allows_several_runs else ""
        live = Live(run.journey, run.person, desk.now(), once)
        _drop_left_behind(desk, permission, live)
        outrank(desk, permission, journey)
        permissions.enter(permission, run.run_id, live)
        if limit and limit.per_hour and not has_slot:
            _take_slot(desk, journey.name, limit.per_hour)
            has_slot = True
        return True

    try:
        permission = change(desk.store, lambda: desk.permission(profile.person), note)
    except Refused as refused:
        return str(refused)
    end_outranked(desk, permission)
    return ""


def _take_slot(desk: Desk, journey: str, most: int) -> None:
    """Take one of an hour's places, for good. Refused when there is none; raises Contended."""
    hour = desk.now().replace(minute=0, second=0, microsecond=0)

    def take(taken: Taken) -> bool:
        if taken.count >= most:
            raise Refused(f"{most} have entered within this hour already")
        taken.count += 1
        return True

    def read() -> Taken:
        known = desk.store.get(Taken, journey, hour.isoformat())
        return known or Taken(journey=journey, hour=hour)

    change(desk.store, read, take)


def _take_over(permission: Permission, run: Run, own: Possible) -> bool:
    """Whether this entry is half made already, perhaps under a key from before a merge, which
    the run then keeps."""
    for _, run_id in own:
        if run_id in permission.live:
            run.run_id, run.person = run_id, permission.live[run_id].person
            return True
    return False


def _drop_left_behind(desk: Desk, permission: Permission, new: Live) -> None:
    """A mark of a run that has ended, or never came to be, would keep the person out for ever."""
    for run_id in permissions.alike(permission, new):
        if has_ended(desk, run_id, permission.live[run_id]):
            del permission.live[run_id]


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
