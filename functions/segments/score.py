"""The lead score of a person at any moment, what each rule gives, and when it crosses a bound.

All that it takes stands in the profile, so that templates, conditions and the API ask it without
the rules; the rules that hold for the person are put there by `scoring.keep`.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.tracking.decay import EPOCH, MICROSECOND, Fading, fading, microseconds
from functions.tracking.profile import Profile, ScorePart

GIVEN = "given"  # the part that journeys and colleagues gave by hand
PLACES = 6  # a score counts to a millionth
MOST_STEPS = 2000
FADED = 2.0**-40  # of a point: nobody could see it


@dataclass(frozen=True, slots=True)
class Curve:
    """What a rule gives at any moment (microseconds since the decay's EPOCH) without new events:
    `points` for each of `times` events, or for each of what is left of them where they fade."""

    points: float
    most: float
    times: float
    fading: Fading | None

    def units(self, moment: int) -> float:
        """How often it counts then."""
        return self.fading.left(moment) if self.fading else self.times

    def at(self, moment: int) -> float:
        """The points; `most` bounds what it takes likewise."""
        found = self.points * self.units(moment)
        return max(-self.most, min(self.most, found)) if self.most else found

    def faded(self, moment: int) -> int:
        """When nothing is left of it that anybody could see, asked at a moment before."""
        worth = abs(self.points) * self.units(moment)
        if not self.fading or worth <= FADED:
            return moment
        return moment + math.ceil(self.fading.half_life * math.log2(worth / FADED))


def curve(profile: Profile, part: ScorePart) -> Curve:
    """The part as the profile's tallies have it."""
    if not part.tally:
        return Curve(part.points, part.most, 1.0, None)
    tally = profile.tallies.get(part.tally)
    if tally is None or not part.half_life:
        return Curve(part.points, part.most, float(tally.count if tally else 0), None)
    sums = fading(tally.sums, timedelta(seconds=part.half_life))
    return Curve(part.points, part.most, 0.0, sums)


def parts_at(profile: Profile, now: datetime) -> dict[str, float]:
    """The points of each part that counts, by the name of the part: "RULE*WEIGHT".

    The weight stands in the name, because a part of long ago can be understood after the weights
    have changed only with the one that it was made by (see `sales.feedback`).
    """
    found = {
        f"{rule}*{part.points:g}": curve(profile, part).at(microseconds(now))
        for rule, part in sorted(profile.score.parts.items())
    }
    return {**found, GIVEN: profile.points} if profile.points else found


def score_at(profile: Profile, now: datetime) -> float:
    """The score to a millionth, which is what conditions compare."""
    moment, parts = microseconds(now), profile.score.parts.values()
    return _total([profile.points, *(curve(profile, part).at(moment) for part in parts)])


def shown(score: float) -> int:
    """The whole number that people read; a half goes up."""
    return math.floor(score + 0.5)


def crosses_at(
    profile: Profile, bound: float, now: datetime, until: datetime | None = None
) -> datetime | None:
    """The first moment after `now`, to the microsecond, at which the score is on another side of
    `bound` (below, equal, above) while no event comes; None: never, or not `until` then, which is
    quick to find. Never too late.

    Points given fade downwards and points taken upwards, so over any span the score lies between
    two bounds that are known from the span's ends. Spans that cannot hold a crossing are left out,
    the others halved, the earlier half first.
    """
    start = microseconds(now)
    curves = [curve(profile, part) for part in profile.score.parts.values()]
    end = max((one.faded(start) for one in curves), default=start)
    if until:
        end = min(end, microseconds(until))
    steady = [profile.points, *(one.at(start) for one in curves if not one.fading)]
    found = _first([one for one in curves if one.fading], steady, bound, start, end)
    return None if found is None else EPOCH + found * MICROSECOND


def _first(
    curves: list[Curve], steady: list[float], bound: float, start: int, end: int
) -> int | None:
    """The first moment after `start` on another side of the bound; `end` is the last to ask for."""

    def values(moment: int) -> list[float]:
        return [one.at(moment) for one in curves]

    here = values(start)
    side = _side([*steady, *here], bound)
    spans = [(start, end, here, values(end))] if end > start else []
    for _ in range(MOST_STEPS):
        if not spans:
            return None
        early, late, before, after = spans.pop()
        low, high = [*steady, *map(min, before, after)], [*steady, *map(max, before, after)]
        if _side(low, bound) == _side(high, bound) == side:
            continue
        if late - early == 1:
            if _side([*steady, *after], bound) != side:
                return late
            continue
        middle = (early + late) // 2
        between = values(middle)
        spans += [(middle, late, between, after), (early, middle, before, between)]
    return spans[-1][0] + 1 if spans else None  # undecided, and not later than this


def _total(found: list[float]) -> float:
    """Rounded once, so that more of a part never gives less of the sum."""
    return round(math.fsum(found), PLACES)


def _side(found: list[float], bound: float) -> int:
    score = _total(found)
    return (score > bound) - (score < bound)
