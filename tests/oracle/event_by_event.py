"""Memberships as they are kept: event by event, and when a time has come."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from functions.segments.keeping import keep, take_in
from functions.segments.rules import Rules
from functions.tracking import orders
from functions.tracking.event import Event
from functions.tracking.fold import fold, forget_ids
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
    """Follows one person after the other; `moments` are those at which memberships are noted."""

    def __init__(self, rules: Rules, moments: Sequence[datetime]) -> None:
        self.rules, self.moments = rules, sorted(moments)
        self.found = Followed({(m, name): set() for m in moments for name in rules.segments})

    def follow(self, person: int, life: Life) -> None:
        """Take in a life's events as they arrive; between them the person is looked at when due,
        and only then."""
        profile = Profile(person=str(person))
        left = list(self.moments)
        rows: Rows = {}
        for arrived, event in life:
            while left and left[0] < arrived:
                self._note(person, profile, left.pop(0))
            self._look_until(profile, arrived)
            remember(profile, event, rows, partial(take_in, profile, [event], self.rules, arrived))
            self.found.events += 1
        for moment in left:
            self._note(person, profile, moment)

    def _note(self, person: int, profile: Profile, moment: datetime) -> None:
        self._look_until(profile, moment)
        for name in profile.segments:
            self.found.members[moment, name].add(person)

    def _look_until(self, profile: Profile, moment: datetime) -> None:
        """What the sweep does for somebody who is due, at the very moment at which they are."""
        while profile.due is not None and profile.due <= moment:
            before = dict(profile.segments)
            keep(profile, self.rules, profile.due)
            is_written(profile)
            self.found.looks += 1
            self.found.looks_in_vain += before == profile.segments


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
