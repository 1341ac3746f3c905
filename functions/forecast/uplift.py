"""What a journey brings about, where a hold-out group has measured it.

Who is in the group is decided by a hash, so the difference between it and the others is the
journey's doing (R. A. Fisher, The Design of Experiments, 1935). Both shares are Beta distributed
with a flat prior; their difference is drawn.
"""

from collections.abc import Iterable
from random import Random

import msgspec

from functions.forecast.rates import quantiles

FEWEST = 30  # runs in the hold-out group, below which nothing is said
DRAWS = 400
OUTER = 0.1


class Went(msgspec.Struct, array_like=True):
    """A run that is long enough ago to have reached its journey's goal: whether it was held out,
    and how many seconds after entering it reached the goal (None: it did not)."""

    journey: str
    held_out: bool
    reached: float | None


class Uplift(msgspec.Struct, kw_only=True):
    """Of so many `runs`, so many `reached` the goal, and so of those `held` out; and how long after
    entering the others reached it (quantiles, in seconds)."""

    runs: int
    reached: int
    held: int
    held_reached: int
    after: list[float]

    def drawn(self, chance: Random) -> float:
        """By how much more often the goal is reached, as a difference of shares."""
        share = chance.betavariate(1 + self.reached, 1 + self.runs - self.reached)
        held = chance.betavariate(1 + self.held_reached, 1 + self.held - self.held_reached)
        return share - held

    @property
    def interval(self) -> tuple[float, float]:
        """Of 80 %."""
        found = sorted(self.drawn(Random(f"uplift {number}")) for number in range(DRAWS))
        edge = round(OUTER * DRAWS)
        return found[edge], found[-edge - 1]

    @property
    def is_sure(self) -> bool:
        """Whether the goal is reached more often by the journey, as far as the interval tells."""
        return self.interval[0] > 0


def uplifts(went: Iterable[Went]) -> dict[str, Uplift]:
    """What was measured, by journey: only what is sure, and of enough people."""
    by_journey: dict[str, list[Went]] = {}
    for one in went:
        by_journey.setdefault(one.journey, []).append(one)
    found = {name: _measured(runs) for name, runs in sorted(by_journey.items())}
    return {name: one for name, one in found.items() if one.held >= FEWEST and one.is_sure}


def _measured(runs: list[Went]) -> Uplift:
    held = [one for one in runs if one.held_out]
    others = [one for one in runs if not one.held_out]
    times = [one.reached for one in others if one.reached is not None]
    return Uplift(
        runs=len(others),
        reached=len(times),
        held=len(held),
        held_reached=sum(one.reached is not None for one in held),
        after=quantiles(times),
    )
