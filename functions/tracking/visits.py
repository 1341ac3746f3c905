"""Visits: pages with at most half an hour between them are one, in whatever order they come."""

from collections.abc import Iterable
from datetime import UTC, datetime

from functions.tracking.profile import Visits

PAUSE = 30 * 60  # seconds: whoever does nothing for longer has left
REMEMBERED = 10  # visits into which a late page may still fall


def come(before: Visits | None, time: datetime) -> Visits:
    """The visits after a page or screen was seen at `time`."""
    second = int(time.timestamp())
    if before and before.earlier and second < before.latest[0][0] - PAUSE:
        return before  # nobody knows any more into which visit it fell: it is no new one
    found = before or Visits()
    return _bounded(found.earlier, [*found.latest, (second, second)])


def join(one: Visits | None, other: Visits | None) -> Visits | None:
    """The visits of two who turned out to be one person."""
    if one is None or other is None:
        return one or other
    return _bounded(one.earlier + other.earlier, [*one.latest, *other.latest])


def count(found: Visits | None) -> int:
    """How many visits there were."""
    return found.earlier + len(found.latest) if found else 0


def last(found: Visits | None) -> datetime | None:
    """When the last page of the last visit was seen, to the second."""
    return datetime.fromtimestamp(found.latest[-1][1], UTC) if found else None


def _bounded(earlier: int, spans: Iterable[tuple[int, int]]) -> Visits:
    """Spans that touch become one; all but the latest are only counted."""
    joined: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if joined and begin - joined[-1][1] <= PAUSE:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return Visits(earlier + len(joined[:-REMEMBERED]), joined[-REMEMBERED:])
