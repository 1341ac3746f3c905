"""Keeping a person's segments: what of it reads and writes, at an event and at a look."""

from collections.abc import Collection

import msgspec

from functions.handlers.desk import outcomes_of
from functions.handlers.wiring import Parts
from functions.journeys.desk import Desk
from functions.journeys.standing import Backfill, Everybody, Look, arm
from functions.segments.inputs import EVERYTHING, NOTHING
from functions.segments.keeping import are_quiet, complete, is_complete, keep, missing, take_in
from functions.segments.rules import Rules
from functions.storage import people
from functions.storage.remember import lacks_rows, timeline
from functions.storage.store import Store, change
from functions.tracking.event import Event, EventBatch, bodies
from functions.tracking.own_event import told
from functions.tracking.permission import Permission
from functions.tracking.profile import Profile
from functions.tracking.winning import settle

_packed = msgspec.msgpack.Encoder().encode
RULES = "rules"  # the name of the one Backfill


class RowsOnTheirWay(Exception):
    """The timeline lacks events that the profile knows, so nothing can be counted from it yet."""


class Keeper:
    """Keeps one person at their new events: within the write that remembers them, and after it."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._rules, self._now = parts, parts.library.rules(), parts.now()
        self._fresh: list[Event] = []
        self._moved = False  # the moment at which to look again

    def take(self, profile: Profile, fresh: list[Event]) -> None:
        """For `remember`, which asks again when somebody was faster."""
        due = profile.due
        settle(profile, fresh, self._parts.settings.identity_key)
        take_in(profile, fresh, self._rules, self._now)
        self._fresh = fresh
        self._moved = profile.due != due

    def finish(
        self, desk: Desk, profile: Profile, permission: Permission, events: Collection[Event]
    ) -> None:
        """Keep what asks for the permission item, send what changed, note when to look again.
        Safe to repeat; what a crash left undone is done when the events come again."""
        parts, rules = self._parts, self._rules
        if rules.asks:
            if rules.asks_runs:
                permission = desk.permission(profile.person)
            profile = self._keep_with(profile, permission)
        _send(parts, profile)
        if self._moved or (profile.due and self._comes_again(events)):
            arm(parts.store, profile.person, profile.due, self._now)
        if not is_complete(profile, rules):
            parts.send_events([msgspec.json.encode(Look(look=[profile.person], keep=True))], 0)

    def _comes_again(self, events: Collection[Event]) -> bool:
        fresh = {event.message_id for event in self._fresh}
        return any(event.message_id not in fresh for event in events)

    def _keep_with(self, profile: Profile, permission: Permission) -> Profile:
        """The profile, written once more only if that changed it."""
        store, due, key = self._parts.store, profile.due, profile.person

        def again(profile: Profile) -> bool:
            before = _packed(profile)
            runs, quiet = outcomes_of(store, profile), are_quiet(self._fresh)
            # What new events touched was kept when they were taken in.
            keep(profile, self._rules, self._now, permission, runs, is_quiet=quiet, touched=NOTHING)
            return _packed(profile) != before

        kept = change(store, lambda: people.profile_of(store, key), again, known=profile)
        self._moved |= kept.due != due
        return kept


def keep_up(parts: Parts, desk: Desk, person: str, sweeps: bool, is_asked: bool = True) -> Profile:
    """Bring a person up to date by themselves: count from the timeline what is not counted yet,
    keep them, send what changed, note when to look again. Safe to repeat. `is_asked`: there is
    another reason than that they are due.

    Raises RowsOnTheirWay when all but the counting is done; Contended.
    """
    now, rules = parts.now(), parts.library.rules()
    permission = desk.permission(person) if rules.asks else Permission(person=person)

    def bring(profile: Profile) -> bool:
        before = _packed(profile)
        touched = EVERYTHING if is_asked or not is_complete(profile, rules) else NOTHING
        _count(parts.store, profile, rules)
        runs = outcomes_of(parts.store, profile)
        keep(profile, rules, now, permission, runs, sweeps, touched=touched)
        return _packed(profile) != before

    profile = change(parts.store, lambda: people.profile_of(parts.store, person), bring)
    _send(parts, profile)
    arm(parts.store, profile.person, profile.due, now)
    if not is_complete(profile, rules):
        raise RowsOnTheirWay("events of the person are not in the timeline yet")
    return profile


def _count(store: Store, profile: Profile, rules: Rules) -> None:
    """Count what is not counted yet, unless the timeline lacks events that the profile knows."""
    if is_complete(profile, rules):
        return
    if not missing(profile, rules):
        complete(profile, rules, ())
    elif not lacks_rows(store, profile):
        complete(profile, rules, timeline(store, profile))


def _send(parts: Parts, profile: Profile) -> None:
    """The changes whose events may not have been heard of yet; a second time does no harm."""
    if profile.outbox:
        parts.send_events(bodies(EventBatch([told(fact) for fact in profile.outbox])), 0)


def note_backfill(parts: Parts, asked: Everybody, done: int, is_last: bool) -> None:
    """How far everybody is up to date with the rules. The second round is not counted."""
    if asked.again:
        return
    now = parts.now()

    def note(backfill: Backfill) -> bool:
        if backfill.hash != asked.rules or not backfill.begun:
            backfill.hash, backfill.begun = asked.rules or "", now
            backfill.ended, backfill.done = None, 0
        if backfill.ended or backfill.done >= done > 0:
            return False
        backfill.done = done
        if is_last:
            backfill.ended, backfill.people = now, done
        return True

    change(parts.store, lambda: parts.store.get(Backfill, RULES) or Backfill(), note)
