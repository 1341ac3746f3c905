"""What a person wishes beside consent: how often to hear from us, and a pause."""

from datetime import UTC, datetime
from typing import Any

import msgspec

OWN_CHANNEL = "preferred_channel"  # the trait by which a person says how they want to be written to
HOW_OFTEN = ("", "weekly", "monthly")  # as it comes; once at most in each


class Wishes(msgspec.Struct, array_like=True):
    """A person's last word on it, said at `time`; it is stricter than any rule of ours."""

    how_often: str
    paused_until: datetime | None
    time: datetime

    def pauses_until(self, now: datetime) -> datetime | None:
        """The end of a pause that is under way."""
        return self.paused_until if self.paused_until and now < self.paused_until else None


def no_wishes() -> Wishes:
    """Those of somebody who has said nothing."""
    return Wishes("", None, datetime(1970, 1, 1, tzinfo=UTC))


def wishes_of(properties: dict[str, Any], time: datetime) -> Wishes:
    """What an event says. Raises ValueError with what is right."""
    often, until = properties.get("how_often", ""), properties.get("paused_until")
    if often not in HOW_OFTEN:
        raise ValueError('"how_often" is "weekly", "monthly" or ""')
    try:
        end = datetime.fromisoformat(until) if until else None
    except (TypeError, ValueError):
        end = None
    if until and (end is None or end.tzinfo is None):
        raise ValueError('"paused_until" is a time with its zone, such as "2027-03-01T09:00:00Z"')
    return Wishes(str(often), end, time)


def stricter_wishes(one: Wishes | None, other: Wishes | None) -> Wishes | None:
    """Of two people who became one: the rarer, the longer pause."""
    if one is None or other is None:
        return one or other
    often = max(one.how_often, other.how_often, key=HOW_OFTEN.index)
    ends = [end for end in (one.paused_until, other.paused_until) if end]
    return Wishes(often, max(ends, default=None), max(one.time, other.time))
