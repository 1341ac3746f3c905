"""The lead score of a person at any moment, what each rule gives, and when it crosses a bound.

All that it takes stands in the profile, so that templates, conditions and the API ask it without
the rules; the rules that hold for the person are put there by `scoring.keep`.
"""

import math
from datetime import datetime, timedelta

from functions.tracking.decay import left
from functions.tracking.profile import Profile, ScorePart

GIVEN = "given"  # the part that journeys and colleagues gave by hand
PLACES = 6  # a score counts to a millionth
MOST_STEPS = 2000
STEP = timedelta(microseconds=1)


def units(profile: Profile, part: ScorePart, now: datetime) -> float:
    """How often the rule counts now, faded: 1 for a rule without events."""
    if not part.tally:
        return 1.0
    tally = profile.tallies.get(part.tally)
    if tally is None:
        return 0.0
    if not part.half_life:
        return float(tally.count)
    return left(tally.sums, now, timedelta(seconds=part.half_life))


def points(profile: Profile, part: ScorePart, now: datetime) -> float:
    """What the rule gives now; its `most` bounds what it takes likewise."""
    found = part.points * units(profile, part, now)
    return max(-part.most, min(part.most, found)) if part.most else found


def parts_at(profile: Profile, now: datetime) -> dict[str, float]:
    """The points of each part that counts, by the name of the part: "RULE*WEIGHT".

    The weight stands in the name, because a part of long ago can be understood after the weights
    have changed only with the one that it was made by (see `feedback`).
    """
    found = {
        f"{rule}*{part.points:g}": points(profile, part, now)
        for rule, part in sorted(profile.score.parts.items())
    }
    return {**found, GIVEN: profile.points} if profile.points else found


def score_at(profile: Profile, now: datetime) -> float:
    """The score to a millionth, which is what conditions compare."""
    found = [points(profile, part, now) for part in profile.score.parts.values()]
    return round(math.fsum([profile.points, *found]), PLACES)


def shown(score: float) -> int:
    """The whole number that people read; a half goes up."""
    return math.floor(score + 0.5)


def crosses_at(profile: Profile, bound: float, now: datetime) -> datetime | None:
    """The first moment after `now`, to the microsecond, at which the score is on another side of
    `bound` (below, equal, above) while no event comes; None: never. Never too late.

    Points given fade downwards and points taken upwards, so over any span the score lies between
    two bounds that are known from the span's ends. Spans that cannot hold a crossing are left out,
    the others halved, the earlier half first.
    """
    fading = [part for part in profile.score.parts.values() if part.half_life]
    end = max((_faded(profile, part, now) for part in fading), default=now)
    side = _side(score_at(profile, now), bound)
    spans = [(now, end)] if end > now else []
    for _ in range(MOST_STEPS):
        if not spans:
            break
        early, late = spans.pop()
        if _stays(profile, early, late, bound, side):
            continue
        if late - early <= STEP:
            if _side(score_at(profile, late), bound) != side:
                return late
            continue
        middle = early + (late - early) // 2
        spans += [(middle, late), (early, middle)]
    return spans[-1][0] + STEP if spans else None  # undecided, and not later than this


def _side(score: float, bound: float) -> int:
    return (score > bound) - (score < bound)


def _stays(profile: Profile, early: datetime, late: datetime, bound: float, side: int) -> bool:
    """Whether the score surely is on the one side from `early` to `late`.

    Sums by `fsum` are rounded once, so more of a part never gives less of a sum: the two bounds
    hold exactly, and need no margin for rounding.
    """
    least, most = [profile.points], [profile.points]
    for part in profile.score.parts.values():
        ends = points(profile, part, early), points(profile, part, late)
        least.append(min(ends))
        most.append(max(ends))
    low, high = round(math.fsum(least), PLACES), round(math.fsum(most), PLACES)
    return _side(low, bound) == _side(high, bound) == side


def _faded(profile: Profile, part: ScorePart, now: datetime) -> datetime:
    """When nothing is left of a part that anybody could see."""
    worth = abs(part.points) * units(profile, part, now)
    halvings = max(0.0, math.log2(worth) + 40) if worth else 0.0
    return now + timedelta(seconds=part.half_life) * halvings
