"""Memberships as they are kept: event by event, and when a time has come."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from functions.messages.address import addresses
from functions.segments.census_records import Cuts
from functions.segments.inputs import NOTHING, Inputs
from functions.segments.keeping import keep, take_in
from functions.segments.rules import Rules
from functions.tracking import orders
from functions.tracking.consent import hear
from functions.tracking.event import Event
from functions.tracking.fold import fold, forget_ids
from functions.tracking.permission import Permission
from functions.tracking.profile import Order, Profile

Rows = dict[str, Order]  # by order id
Life = Sequence[tuple[datetime, Event]]


@dataclass
class Followed:
    """Who was in which segment at each moment, and how often somebody was looked at."""

    members: dict[tuple[datetime, str], set[int]] = field(default_factory=dict)
    events: int = 0
    looks: int = 0
    looks_in_vain: int = 0


class Follower:
    """Follows one person after the other; `moments` are those at which memberships are noted, and
    at those of `cuts` the cut points change: then everybody is asked, as the census does."""

    def __init__(
        self, rules: Rules, moments: Sequence[datetime], cuts: Mapping[datetime, Cuts]
    ) -> None:
        self._first, self._cuts, self._moments = rules, cuts, frozenset(moments)
        self._stops = sorted({*moments, *cuts})
        self.found = Followed({(m, name): set() for m in moments for name in rules.segments})

    def follow(self, person: int, life: Life) -> None:
        """Take in a life's events as they arrive; between them the person is looked at when due,
        and only then."""
        one = _One(str(person), self._first)
        stops = list(self._stops)
        for arrived, event in life:
            while stops and stops[0] < arrived:
                self._stop(person, one, stops.pop(0))
            self._look_until(one, arrived)
            one.take(event, arrived)
            self.found.events += 1
        for moment in stops:
            self._stop(person, one, moment)

    def _stop(self, person: int, one: "_One", moment: datetime) -> None:
        self._look_until(one, moment)
        if moment in self._cuts:
            one.rules = replace(one.rules, cuts=self._cuts[moment])
            if one.profile.version:
                one.keep(moment, NOTHING)
        if moment in self._moments:
            for name in one.profile.segments:
                self.found.members[moment, name].add(person)

    def _look_until(self, one: "_One", moment: datetime) -> None:
        """What the sweep does for somebody who is due, at the very moment at which they are."""
        while one.profile.due is not None and one.profile.due <= moment:
            before = dict(one.profile.segments)
            one.keep(one.profile.due, NOTHING)
            self.found.looks += 1
            self.found.looks_in_vain += before == one.profile.segments


class _One:
    """One person, with all that is kept of them."""

    def __init__(self, person: str, rules: Rules) -> None:
        self.rules = rules
        self.profile, self._permission = Profile(person=person), Permission(person=person)
        self._rows: Rows = {}

    def take(self, event: Event, now: datetime) -> None:
        """What process_event does."""
        profile = self.profile
        remember(profile, event, self._rows, partial(take_in, profile, [event], self.rules, now))
        before = dict(self._permission.consents), self._permission.addresses
        hear(self._permission, event)
        self._permission.addresses = addresses(profile)
        if before != (self._permission.consents, self._permission.addresses):
            self.keep(now, NOTHING)

    def keep(self, now: datetime, touched: Inputs) -> None:
        """What is kept without an event."""
        keep(self.profile, self.rules, now, self._permission, touched=touched)
        is_written(self.profile)


def remember(profile: Profile, event: Event, rows: Rows, take: Callable[[], None]) -> None:
    """What `storage.remember` does for an event, without a store: orders that leave the profile
    go to `rows`, and come back from there."""
    if event.event in orders.ORDER_EVENTS:
        order_id = orders.order_id_of(event)
        if order_id not in profile.orders and order_id in rows:
            orders.take_back(profile, rows.pop(order_id), rows.values())
    fold(profile, event)
    take()
    forget_ids(profile)
    for row in profile.leaving:
        rows.update((order.order_id, order) for order in row.orders)
    is_written(profile)


def is_written(profile: Profile) -> None:
    """Everything that was left to be done is done."""
    profile.version += 1
    profile.pending, profile.leaving, profile.outbox = {}, [], []
