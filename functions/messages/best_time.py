"""The best time: in which of the next hours a message goes, learned from when people are there."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from functions.segments.responding import HOURS
from functions.tracking.choice import LEARNED, TRIED, TimeChoice

HALF_LIFE = timedelta(days=90)  # after which a time tells half as much
STRENGTH = 8.0  # what all people's hours count, in times at which the person was there
SMOOTHING = 24  # times, spread evenly: what nobody has done yet is not impossible
TRIES = 0.1  # of the messages go at another hour, drawn by what is believed of the hours
HOUR = timedelta(hours=1)
# Who is there at six is there shortly before and after as well: a kernel around the clock.
_NEAR = ((0, 0.5), (-1, 0.25), (1, 0.25))
# Of a day of which nothing is known: people are awake.
_AWAKE = [1 if 8 <= hour < 21 else 0.25 for hour in range(HOURS)]


def best_time(
    now: datetime,
    latest: datetime,
    zone: ZoneInfo,
    times: Iterable[datetime],
    everyones: Sequence[int],
    allows: Callable[[datetime], bool],
    occasion: str,
) -> TimeChoice:
    """When a message goes that may go from `now` until `latest`: in the hour of the day in which
    the person is there most often, of those that are left and that `allows` a message.

    By hour a Dirichlet distribution: `everyones` hours are the prior, the person's own `times`
    (which fade) are added; its mean is what is believed. One message in ten tries another hour.
    Within its hour a message goes at a moment drawn by the `occasion`, like the rest; in the
    present hour at once. Where no hour is left it is now: quiet hours have their own way to hold.
    """
    chance = Random(occasion)
    tries, spread, which = chance.random() < TRIES, chance.random(), chance.random()
    times = list(times)
    believed = belief(times, everyones, zone, now)
    open_ = [at for at in _moments(now, latest, zone, spread) if allows(at)]
    if not open_:
        return TimeChoice(now, LEARNED)
    first: dict[int, datetime] = {}
    for at in open_:
        first.setdefault(at.astimezone(zone).hour, at)
    best = max(first, key=lambda hour: (believed[hour], -first[hour].timestamp()))
    hour = _drawn({one: believed[one] for one in first}, which) if tries else best
    there = sum(time.astimezone(zone).hour == hour for time in times)
    return TimeChoice(first[hour], LEARNED if hour == best else TRIED, (there, len(times)))


def belief(
    times: Iterable[datetime], everyones: Sequence[int], zone: ZoneInfo, now: datetime
) -> list[float]:
    """How likely the person is there, for each hour of the day; adds up to 1."""
    prior = [
        known + SMOOTHING * awake / sum(_AWAKE)
        for known, awake in zip(everyones or [0] * HOURS, _AWAKE, strict=True)
    ]
    found = [STRENGTH * one / sum(prior) for one in _smooth(prior)]
    own = [0.0] * HOURS
    for time in times:
        own[time.astimezone(zone).hour] += 0.5 ** ((now - time) / HALF_LIFE)
    found = [one + more for one, more in zip(found, _smooth(own), strict=True)]
    return [one / sum(found) for one in found]


def _smooth(hours: Sequence[float]) -> list[float]:
    return [sum(part * hours[(hour + by) % HOURS] for by, part in _NEAR) for hour in range(HOURS)]


def _moments(now: datetime, latest: datetime, zone: ZoneInfo, spread: float) -> list[datetime]:
    """One in each hour that the clocks there show: now, then at the same part of each hour."""
    there = now.astimezone(zone)
    begun = timedelta(minutes=there.minute, seconds=there.second, microseconds=there.microsecond)
    start = now.astimezone(UTC) - begun
    found = [now]
    while (start := start + HOUR) + spread * HOUR <= latest:
        found.append(start + spread * HOUR)
    return found


def _drawn(weights: dict[int, float], chance: float) -> int:
    """One of the hours by their weights."""
    left = chance * sum(weights.values())
    for hour, weight in weights.items():
        left -= weight
        if left < 0:
            return hour
    return next(iter(weights))
