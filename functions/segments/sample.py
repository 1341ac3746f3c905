"""A fair sample of the customers, the same in whatever order they come.

Those whose hash is least are drawn (bottom-k: Cohen & Kaplan, Summarizing Data using Bottom-k
Sketches, 2007), so nobody need know beforehand how many there are, and nearly the same people are
drawn the next time.
"""

from bisect import insort
from datetime import datetime

import msgspec

from functions.segments.behaviour import behaviour
from functions.segments.cluster_records import Sampled
from functions.segments.first_order import first_order
from functions.tracking.identity import short_hash
from functions.tracking.profile import Profile

MOST = 5_000


class Sample(msgspec.Struct):
    """Those drawn so far, by rank, of so many customers."""

    customers: int = 0
    drawn: list[Sampled] = []

    def take(self, profile: Profile, now: datetime) -> None:
        """Count one person, and draw them if they are a customer whose rank is low enough."""
        known = behaviour(profile, now)
        if not known:
            return
        self.customers += 1
        rank = short_hash("sample", profile.person)
        if len(self.drawn) >= MOST and rank >= self.drawn[-1].rank:
            return
        one = Sampled(rank, profile.person, known, sorted(profile.segments))
        if not profile.older_orders.moved:
            one.first = first_order(profile)
        insort(self.drawn, one, key=lambda drawn: (drawn.rank, drawn.person))
        del self.drawn[MOST:]
