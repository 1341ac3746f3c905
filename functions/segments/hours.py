"""HOURS: a part of the day on some days of the week, where the person is."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from functions.segments.moment import ANY_DAY, WEEKDAYS
from functions.segments.phrases import BadPhrase

_CLOCK = r"([01]?[0-9]|2[0-3]):[0-5][0-9]"
_DAY = f"({'|'.join(WEEKDAYS)})"
HOURS_PATTERN = rf"^({_DAY}( to {_DAY})? )?{_CLOCK} to {_CLOCK}(?!\n)$"
HOURS_EXAMPLE = (
    'hours are written like "Monday to Friday 9:00 to 18:00", "Saturday 10:00 to 14:00" or '
    '"9:00 to 20:00"'
)
_HOURS = re.compile(
    rf"((?P<first>{_DAY})( to (?P<last>{_DAY}))? )?(?P<start>{_CLOCK}) to (?P<end>{_CLOCK})\Z"
)


@dataclass(frozen=True)
class Hours:
    """From `start` on, until just before `end`, on `weekdays` (0 is Monday); where `end` is the
    earlier one, it is that of the day after."""

    weekdays: frozenset[int]
    start: time
    end: time

    @property
    def clocks(self) -> tuple[time, time]:
        """The times of day at which they begin and end."""
        return self.start, self.end

    def include(self, there: datetime) -> bool:
        """Whether they are on when the clocks there show this."""
        shown = there.time()
        today, yesterday = there.weekday(), (there - timedelta(days=1)).weekday()
        if self.start < self.end:
            return today in self.weekdays and self.start <= shown < self.end
        return (today in self.weekdays and self.start <= shown) or (
            yesterday in self.weekdays and shown < self.end
        )


def hours(text: object) -> Hours:
    """Read "Monday to Friday 9:00 to 18:00". Raises BadPhrase."""
    match = _HOURS.match(text) if isinstance(text, str) else None
    if match is None:
        raise BadPhrase(f"{text!r} are no hours; {HOURS_EXAMPLE}")
    start, end = _clock(match["start"]), _clock(match["end"])
    if start == end:
        raise BadPhrase(f"{text!r} begin and end at the same time; {HOURS_EXAMPLE}")
    return Hours(_days(match["first"], match["last"]), start, end)


def _clock(text: str) -> time:
    hour, minute = text.split(":")
    return time(int(hour), int(minute))


def _days(first: str | None, last: str | None) -> frozenset[int]:
    """The days from the first to the last, over the end of the week where that comes between."""
    if first is None:
        return ANY_DAY
    begin = WEEKDAYS.index(first)
    length = (WEEKDAYS.index(last or first) - begin) % 7
    return frozenset((begin + number) % 7 for number in range(length + 1))
