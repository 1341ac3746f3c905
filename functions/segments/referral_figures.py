"""The referral rate, and who won most: counted by the daily census.

Referral rate of a period = new customers who were referred / all new customers of the period. New
is who placed the first order that counts in it (by day, UTC); referred, whom that order won for the
one by whose code they came.
"""

from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from functions.segments import referrals, shopping
from functions.segments.census_records import ReferralFigures
from functions.tracking.profile import Profile

KEPT_DAYS = 400
MOST_TOP = 20


class Counted(msgspec.Struct):
    """What a pass has counted so far, the same in whatever order people come: by day (ISO) the new
    customers and those of them who were referred; and who won how many, most first."""

    days: dict[str, tuple[int, int]] = {}
    referrers: int = 0
    won: int = 0
    worth: dict[str, Decimal] = {}
    top: list[tuple[int, Decimal, str]] = []

    def take(self, profile: Profile, now: datetime) -> None:
        """Count one person."""
        first = min(shopping.order_times(profile), default=None)
        if first and first > now - timedelta(days=KEPT_DAYS):
            day = first.date().isoformat()
            new, referred = self.days.get(day, (0, 0))
            is_won = profile.referral is not None and profile.referral.is_won
            self.days[day] = (new + 1, referred + is_won)
        won = referrals.won(profile)
        if won:
            self._take_referrer(profile, won)

    def _take_referrer(self, profile: Profile, won: int) -> None:
        self.referrers += 1
        self.won += won
        worth = referrals.worth(profile)
        for currency, amount in worth.items():
            self.worth[currency] = self.worth.get(currency, Decimal(0)) + amount
        mine = (won, max(worth.values(), default=Decimal(0)), profile.person)
        self.top = sorted([*self.top, mine], reverse=True)[:MOST_TOP]

    def figures(self, made: datetime) -> ReferralFigures:
        """What is published of it."""
        return ReferralFigures(
            made=made,
            days=self.days,
            referrers=self.referrers,
            won=self.won,
            worth=self.worth,
            top=[person for _, _, person in self.top],
        )


def share(figures: ReferralFigures, days: int) -> tuple[int, int]:
    """New customers of the last `days` before the day on which the figures were made, and of that
    day as far as it had gone; and those of them who were referred."""
    first = (figures.made - timedelta(days=days)).date().isoformat()
    found = [counts for day, counts in figures.days.items() if day >= first]
    return sum(new for new, _ in found), sum(referred for _, referred in found)
