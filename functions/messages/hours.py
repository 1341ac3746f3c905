"""When a message may go: the brand's quiet hours and holidays, the journey's sending hours."""

from collections.abc import Container, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from functions.segments.hours import Hours
from functions.segments.moment import change_of_clocks

LONGEST_LOOK = timedelta(days=400)  # so many holidays in a row are a mistake


class Times(msgspec.Struct, frozen=True):
    """What keeps a message back: it goes only in the hours `only`, not in the hours `quiet`, and
    not on `holidays`. All of it counts as the clocks on the wall show it where the person is."""

    only: Hours | None = None
    quiet: Hours | None = None
    holidays: Container[date] = frozenset()

    def allow(self, moment: datetime, zone: ZoneInfo) -> bool:
        """Whether a message may go at this moment."""
        if not (self.only or self.quiet or self.holidays):
            return True
        there = moment.astimezone(zone)
        return not (
            (self.only and not self.only.include(there))
            or (self.quiet and self.quiet.include(there))
            or there.date() in self.holidays
        )

    def next_allowed(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """The first moment not before `now` at which a message may go; None when there is none
        within 400 days."""
        if self.allow(now, zone):
            return now
        for moment in self._turns(now, zone):
            if moment - now > LONGEST_LOOK:
                return None
            if self.allow(moment, zone):
                return moment
        return None

    def open_for(self, start: datetime, at_most: timedelta, zone: ZoneInfo) -> timedelta:
        """How long messages may go from `start` on, without a break; `at_most` is enough."""
        for moment in self._turns(start, zone):
            if moment >= start + at_most or not self.allow(moment, zone):
                return min(moment - start, at_most)
        return at_most

    def _turns(self, moment: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        """The moments (UTC, whole seconds) after `moment` at which the answer can change: where
        the clocks show a beginning or an end, where a day begins, and where clocks are changed."""
        named = (clock for hours in (self.only, self.quiet) if hours for clock in hours.clocks)
        clocks = {time(), *named}
        moment = moment.astimezone(UTC).replace(microsecond=0)
        while True:
            try:
                moment = _next_turn(moment, clocks, zone)
            except OverflowError:  # after the year 9999
                return
            yield moment


def _next_turn(moment: datetime, clocks: set[time], zone: ZoneInfo) -> datetime:
    today = moment.astimezone(zone).date()
    readings = (
        # A time that is shown twice counts both times; one that is left out does no harm.
        datetime.combine(today + timedelta(days=number), clock, zone).replace(fold=fold)
        for number in (0, 1)
        for clock in clocks
        for fold in (0, 1)
    )
    following = min(turn for reading in readings if (turn := reading.astimezone(UTC)) > moment)
    if following.astimezone(zone).utcoffset() == moment.astimezone(zone).utcoffset():
        return following
    return change_of_clocks(moment, following, zone)
