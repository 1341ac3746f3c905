"""What became of the leads that sales got, and which weights would have told them apart better.

Pure; nothing here changes a weight. A person reads the proposal and publishes what they accept.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from functions.sales.records import Lead
from functions.sales.regression import fit
from functions.segments.scoring import Rule
from functions.segments.share import Share, Z, share

By = Literal["accepted", "won"]
CHOICES: tuple[By, ...] = ("accepted", "won")
FEWEST, FEWEST_EACH = 30, 10  # outcomes, and of them good ones and others, to learn from
FEWEST_SEEN = 5  # leads with more or less of a rule than the others, to say something of it
MOST_LEADS = 2000  # the latest; older ones tell of a market that has changed
PENALTY = 1.0  # a coefficient of 1 for each standard deviation is quite usual before any evidence
# What sales took on is accepted, whatever came of it. None: it is not known yet.
_GOOD: Mapping[By, Mapping[str, bool]] = {
    "accepted": {"accepted": True, "won": True, "lost": True, "rejected": False},
    "won": {"won": True, "lost": False, "rejected": False},
}


@dataclass(frozen=True)
class Proposal:
    """What the outcomes say of a rule's points. `proposed` None: too rarely seen to say anything.

    `is_certain`: the interval of 95 % from `low` to `high` leaves the present points out.
    """

    rule: Rule
    proposed: float | None = None
    low: float = 0.0
    high: float = 0.0

    @property
    def is_certain(self) -> bool:
        """Whether the present points are surely not the best."""
        return self.proposed is not None and not self.low <= self.rule.points <= self.high


def latest(leads: Iterable[Lead], by: By) -> list[tuple[Lead, bool]]:
    """The latest leads of which it is known what became of them, and whether it was good."""
    known = [(lead, _GOOD[by][lead.status]) for lead in leads if lead.status in _GOOD[by]]
    return sorted(known, key=lambda one: one[0].handed)[-MOST_LEADS:]


def bands(
    known: Sequence[tuple[Lead, bool]], starts: Sequence[float]
) -> list[tuple[float | None, float | None, Share]]:
    """The share of good leads in each band of scores, from its lower end to the next one's; the
    lowest has no lower end, and is left out where nobody is in it."""
    ends = [None, *starts, None]
    found = []
    for low, high in pairwise(ends):
        inside = [
            good
            for lead, good in known
            if (low is None or lead.score >= low) and (high is None or lead.score < high)
        ]
        if inside or low is not None:
            found.append((low, high, share(sum(inside), len(inside))))
    return found


def is_enough(known: Sequence[tuple[Lead, bool]]) -> bool:
    """Whether there are enough outcomes of both kinds to propose anything."""
    good = sum(good for _, good in known)
    return len(known) >= FEWEST and min(good, len(known) - good) >= FEWEST_EACH


def propose(known: Sequence[tuple[Lead, bool]], rules: Sequence[Rule]) -> list[Proposal]:
    """Points for each rule by which the good leads would have had the higher scores.

    A regularised logistic regression of the outcome on how often each rule counted (its part
    divided by the weight of then, so that leads from before a change of weights count alike).
    Features are standardised for the penalty. Only the proportions of the points can be learned:
    they are scaled so that the scores of these leads spread as widely as they do now, and the
    thresholds keep their sense. The intervals take that scale as given.
    """
    counts = {rule.key: [_times(lead, rule.key) for lead, _ in known] for rule in rules}
    seen = [rule for rule in rules if _is_seen(counts[rule.key])]
    if not (seen and is_enough(known)):
        return [Proposal(rule) for rule in rules]
    spreads = {rule.key: _spread(counts[rule.key]) for rule in seen}
    rows = [
        [(counts[rule.key][n] - _mean(counts[rule.key])) / spreads[rule.key] for rule in seen]
        for n in range(len(known))
    ]
    found = fit(rows, [good for _, good in known], PENALTY)
    weights = {
        rule.key: (b / spreads[rule.key], error / spreads[rule.key])
        for rule, b, error in zip(seen, found.coefficients[1:], found.errors[1:], strict=True)
    }
    now = _spread(_scores(counts, {rule.key: rule.points for rule in seen}))
    then = _spread(_scores(counts, {key: weight for key, (weight, _) in weights.items()}))
    if not then:
        return [Proposal(rule) for rule in rules]
    return [_scaled(rule, weights.get(rule.key), now / then) for rule in rules]


def _scaled(rule: Rule, weight: tuple[float, float] | None, scale: float) -> Proposal:
    if weight is None:
        return Proposal(rule)
    points, side = weight[0] * scale, weight[1] * scale * Z
    return Proposal(rule, rounded(points), points - side, points + side)


def rounded(points: float) -> float:
    """As people write them: whole from 10 on, with one place below."""
    return float(round(points)) if abs(points) >= 10 else round(points, 1)


def _times(lead: Lead, rule: str) -> float:
    """How often the rule counted, faded; by whatever weight it did."""
    found = 0.0
    for name, points in lead.parts.items():
        key, _, weight = name.partition("*")
        if key == rule and weight:
            found += points / float(weight)
    return found


def _is_seen(counts: Sequence[float]) -> bool:
    """Whether enough leads differ from the most frequent count."""
    usual = max(set(counts), key=counts.count, default=0.0)
    return sum(one != usual for one in counts) >= FEWEST_SEEN


def _scores(counts: Mapping[str, Sequence[float]], weights: Mapping[str, float]) -> list[float]:
    columns = [[weight * one for one in counts[key]] for key, weight in weights.items()]
    return [math.fsum(row) for row in zip(*columns, strict=True)]


def _mean(found: Sequence[float]) -> float:
    return math.fsum(found) / len(found)


def _spread(found: Sequence[float]) -> float:
    middle = _mean(found)
    return math.sqrt(math.fsum((one - middle) ** 2 for one in found) / len(found))
