"""Sunset: who has shown no sign of life for long, and was written to often, is written no more.

Opens and clicks of robots have names of their own and are none; see decision 42.
"""

from datetime import datetime

from functions.messages.limits import Limits
from functions.tracking import visits
from functions.tracking.permission import Permission
from functions.tracking.profile import Profile

SIGNS = (
    *("Email Opened", "Email Link Clicked", "SMS Link Clicked", "Order Completed"),
    *("Email Answered", "SMS Received", "Consent Given"),
)


def last_sign(profile: Profile) -> datetime | None:
    """When the person last opened, clicked, visited, ordered, answered or agreed; when we came to
    know them if they never did."""
    found = [profile.events[name].last for name in SIGNS if name in profile.events]
    times = [*found, visits.last(profile.visits), profile.created]
    return max((time for time in times if time), default=None)


def is_asleep(
    permission: Permission, sign: datetime | None, journey: str, limits: Limits, now: datetime
) -> bool:
    """Whether the person gets nothing of this journey that needs consent, until there is a sign."""
    sunset = limits.sunset
    if sunset is None or sign is None or journey == sunset.ask or now - sign < sunset.after:
        return False
    return _unanswered(permission, sign) >= sunset.messages


def count(permission: Permission, sign: datetime | None, limits: Limits) -> None:
    """One more message that needs consent goes; to be called within the claim's own write."""
    if limits.sunset and sign:
        permission.unanswered = _unanswered(permission, sign) + 1
        permission.sign = sign if permission.sign is None else max(permission.sign, sign)


def give_back(permission: Permission) -> None:
    """The provider surely did not take the last one."""
    permission.unanswered = max(0, permission.unanswered - 1)


def _unanswered(permission: Permission, sign: datetime) -> int:
    """How many messages went since the last sign of life."""
    return 0 if permission.sign is None or sign > permission.sign else permission.unanswered
