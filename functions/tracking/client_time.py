"""A client's time: read as its client writes it, corrected by Segment's rule for wrong clocks."""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

MAX_CLIENT_TIME = 64
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_BELOW = 100_000_000_000  # as milliseconds this is still 1973, as seconds the year 5138


def moment_of(value: Any) -> datetime:
    """A client's time in UTC: ISO 8601 (without a zone: UTC), or a number since 1970.

    A number counts milliseconds, as JavaScript does; one too small for that counts seconds, as
    Python does. Raises ValueError or OverflowError.
    """
    if isinstance(value, str):
        moment = _iso(value)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        seconds = value if abs(value) < _SECONDS_BELOW else value / 1000
        moment = EPOCH + timedelta(seconds=seconds)
    else:
        raise ValueError("neither text nor number")
    if moment.tzinfo is UTC:
        return moment
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


_ISO = re.compile(rf"[0-9TtZzW:+., -]{{4,{MAX_CLIENT_TIME}}}")
_LEAP_SECOND = re.compile(r"(?<=\d\d:\d\d:)60")


def _iso(text: str) -> datetime:
    if not _ISO.fullmatch(text):
        raise ValueError("not ISO 8601")
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromisoformat(_LEAP_SECOND.sub("59", text.strip().upper()))


def correction(sent_at: Any, received_at: datetime) -> timedelta | None:
    """How much the client's clock is behind ours, or None when it did not say when it sent."""
    try:
        return received_at - moment_of(sent_at)
    except (ValueError, OverflowError):
        return None


def corrected(moment: datetime, correction: timedelta, received_at: datetime) -> datetime:
    """Segment's rule, receivedAt - (sentAt - originalTimestamp), never in the future.

    Nor before 1970: a clock that is wrong by so much is wrong in ways that no rule mends.
    """
    with suppress(OverflowError):
        moment += correction
    return max(EPOCH, min(moment, received_at))
