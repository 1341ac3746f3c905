"""Sign-ups that nobody confirmed: told of when their time is over, so that nothing is left."""

from collections.abc import Iterator
from datetime import timedelta

from functions.handlers import wiring
from functions.storage.kinds import sortable
from functions.tracking.event import EventBatch, bodies
from functions.tracking.own_event import SIGN_UP_EXPIRED, SIGN_UPS, own_event
from functions.tracking.sign_up import SignUp

DAYS = 7  # that are looked at, the present one included: so long may we stand still
TOGETHER = 25  # events of a batch


def expire(parts: wiring.Parts) -> int:
    """Have every sign-up ended whose time is over; returns how many were found. Whoever is not
    ended until the next call is found again, and the same event comes of it."""
    now = parts.now()
    events = [
        own_event(
            SIGN_UPS,
            row.person,
            SIGN_UP_EXPIRED,
            row.request,
            now,
            request=row.request,
            channel=row.channel,
        )
        for row in _over(parts)
    ]
    for first in range(0, len(events), TOGETHER):
        parts.send_events(bodies(EventBatch(events[first : first + TOGETHER])), 0)
    return len(events)


def _over(parts: wiring.Parts) -> Iterator[SignUp]:
    """A listing begins with the latest, so it is entered at now."""
    now = parts.now()
    for back in range(DAYS):
        day = (now - timedelta(days=back)).date().isoformat()
        after = f"{sortable(now)}$"
        while after:
            page, after = parts.store.listing(SignUp, day, after=after)
            yield from (row for row in page if row.until <= now)
