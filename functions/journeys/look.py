"""Looking at a person: who enters because of a condition, a date or a schedule, and when next."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from functions.journeys.desk import Desk
from functions.journeys.enter import (
    TOO_OLD_TO_ENTER,
    by_priority,
    enter,
    made_event,
    new_run,
)
from functions.journeys.entering import Looked
from functions.journeys.journey import Journey
from functions.journeys.run import Run
from functions.journeys.standing import Standing, Sweep
from functions.segments.keeping import are_quiet
from functions.segments.operators import find
from functions.segments.person import fields
from functions.storage.store import TRIES, Conflict, Contended
from functions.tracking.event import Event
from functions.tracking.permission import Permission
from functions.tracking.profile import Profile

ENTERED = "Entered"  # the name of the entering event that we make
JUST_AFTER = timedelta(microseconds=1)


def is_looked_at(desk: Desk) -> bool:
    """Whether any journey is entered otherwise than by an event: if not, no look costs anything."""
    return any(journey.looked for journey, _ in desk.newest())


def look(
    desk: Desk,
    profile: Profile,
    permission: Permission,
    events: Collection[Event] = (),
    first: Collection[str] = (),
) -> None:
    """Let the person into the journeys whose condition has become true or whose time has come,
    and note when to look again.

    `events` are the person's new ones, if there are any; `first` the journeys that were just
    published. Safe to repeat: whoever enters does so before it is noted, and for the same
    occasion until it is. Raises Contended.
    """
    for _ in range(TRIES):
        own = desk.store.get(Standing, profile.person) or Standing(person=profile.person)
        merged = [one for key in profile.merged if (one := desk.store.get(Standing, key))]
        before, now = _together(own, merged), desk.now()
        after = _Look(desk, profile, permission, events, first, before, now).standing()
        concerned = any(after.holds.values()) or after.due is not None
        changed = (after.due, after.holds) != (own.due, own.holds)
        if not merged and (not changed or not (concerned or own.version)):
            return
        try:
            desk.store.put(after)
        except Conflict:
            continue
        for one in merged:  # last, for until then it is what the person stands by
            desk.store.delete(one)
        return
    raise Contended("the person is being looked at by others")


def _together(own: Standing, merged: list[Standing]) -> Standing:
    """How somebody stands who was several people before: what held for one of them held, and what
    one of them was not looked at for yet is to be looked at."""
    every = [own, *merged]
    names = {name for one in every for name in one.holds}
    return Standing(
        person=own.person,
        version=own.version,
        due=own.due,
        holds={name: any(one.holds.get(name) for one in every) for name in names},
        looked=min((one.looked for one in every if one.looked), default=None),
        overdue=any(one.overdue for one in every),
        kept=min((one.kept for one in every if one.kept), default=None),
        looks=own.looks,
    )


class _Look:
    """One look at one person."""

    def __init__(
        self,
        desk: Desk,
        profile: Profile,
        permission: Permission,
        events: Collection[Event],
        first: Collection[str],
        before: Standing,
        now: datetime,
    ) -> None:
        self.desk, self.profile, self.permission = desk, profile, permission
        self.events, self.first, self.before, self.now = events, first, before, now
        self.is_quiet = are_quiet(events)
        self.zone = desk.zone(profile)

    def standing(self) -> Standing:
        """How the person stands after it."""
        holds: dict[str, bool] = {}
        dues: list[datetime | None] = []
        for journey, version in by_priority(self.desk.newest()):
            if journey.looked is None:
                continue
            by = self._by_condition if journey.looked.holds else self._by_the_calendar
            holds[journey.name], due = by(journey, version, journey.looked)
            dues.append(due)
        return Standing(
            person=self.before.person,
            version=self.before.version,
            due=min(filter(None, dues), default=None),
            holds=holds,
            looked=self.now,
            kept=self.before.kept,
            looks=self.before.looks + 1,
        )

    def _by_condition(
        self, journey: Journey, version: str, way: Looked
    ) -> tuple[bool, datetime | None]:
        # Not the record's version, which also changes when the person's segments fall due.
        occasion = f"{self.before.person} {self.before.looks}"
        run = self._run(journey, version, occasion, self.now)
        facts = self.desk.facts(run, journey, self.profile, self.permission).but(now=self.now)
        assert way.holds
        is_true = way.holds(facts)
        was_true = self.before.holds.get(journey.name, False)
        if is_true and not was_true and (way.already or self._became_true(journey, way)):
            enter(self.desk, self.profile, journey, run)
        return is_true, way.turns(facts)

    def _became_true(self, journey: Journey, way: Looked) -> bool:
        """Whether the condition was false before, for all that we know. As long as not everybody
        was looked at after the publish, only somebody new is known not to have met it before;
        and what an import tells was so before."""
        if journey.name in self.first or self.is_quiet:
            return False
        created = self.profile.created
        if self.events and created and created >= min(event.time for event in self.events):
            return True
        sweep = self.desk.store.get(Sweep, journey.name)
        return sweep is not None and sweep.hash == way.hash

    def _by_the_calendar(
        self, journey: Journey, version: str, way: Looked
    ) -> tuple[bool, datetime | None]:
        passed = None
        moment = way.next(self._since(journey.name), self.zone, self._read)
        while moment and moment <= self.now:
            passed, moment = moment, way.next(moment, self.zone, self._read)
        if passed:
            run = self._run(journey, version, passed.isoformat(), passed)
            enter(self.desk, self.profile, journey, run)
        return False, moment

    def _since(self, journey: str) -> datetime:
        """After which moment a date lets in: that of the last look; where the news is what the
        events tell, that of the events; a day ago at the earliest."""
        before, now = self.before, self.now
        told = now if self.is_quiet else min((event.time for event in self.events), default=now)
        if journey in self.first:
            since = now
        elif journey not in before.holds or before.looked is None:
            since = told
        elif not self.events or before.overdue or (before.due and before.due <= now):
            since = before.looked
        else:
            since = max(before.looked, told)
        return max(min(since, now), now - TOO_OLD_TO_ENTER)

    def _run(self, journey: Journey, version: str, occasion: str, moment: datetime) -> Run:
        """It begins a moment after the events that caused it, so that they neither end it nor
        release its waits."""
        latest = max((event.time + JUST_AFTER for event in self.events), default=self.now)
        event = made_event(journey.name, ENTERED, occasion, moment, self.now)
        run = new_run(self.profile, journey, version, event, occasion, max(self.now, latest))
        assert run  # the checker refuses a property in "once per" here
        return run

    def _read(self, of: str, path: str) -> list[Any]:
        return find(fields(self.profile, self.now), path)
