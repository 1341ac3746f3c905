"""Every time zone, and the moments at which its clocks are changed."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from functions.segments.moment import change_of_clocks

ZONES = sorted(available_timezones() - {"localtime"})
SECOND = timedelta(seconds=1)


def wall(instant: datetime, zone: ZoneInfo) -> datetime:
    """What a clock on the wall there shows."""
    return instant.astimezone(zone).replace(tzinfo=None)


@cache
def changes(zone: ZoneInfo) -> tuple[datetime, ...]:
    """The moments (UTC) from 2020 to 2035 at which the zone's clocks are changed."""
    start, step = datetime(2020, 1, 1, tzinfo=UTC), timedelta(days=5)
    times = [start + step * number for number in range(16 * 366 // 5)]
    offsets = [time.astimezone(zone).utcoffset() for time in times]
    return tuple(
        change_of_clocks(times[place], times[place + 1], zone)
        for place in range(len(times) - 1)
        if offsets[place] != offsets[place + 1]
    )
