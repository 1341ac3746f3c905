"""What clusters are: how great, what sets each apart, whom they share with segments.

Apart is told by the standardised difference of means (Cohen's d; see `figures`), of what is
compared: of shares themselves, of all others of their logarithms.
"""

from collections.abc import Sequence
from math import fsum, sqrt
from statistics import median

from functions.segments.behaviour import ASKED, SHARES, scaled
from functions.segments.cluster_records import (
    ClusterFigures,
    ClusterModel,
    ClusterReport,
    Difference,
    Sampled,
    Within,
)
from functions.segments.clusters import Learned

SAMPLE = 5
FEWEST = 10  # people inside, and outside, of whom a feature is known
CLEARLY = 0.5  # Cohen's medium difference
MOST_APART, MOST_SEGMENTS = 3, 5
MOST = 99.0
OFTEN = ("orders", "gap")  # two words for one thing


def report(
    learned: Learned, sample: Sequence[Sampled], customers: int, before: ClusterModel | None
) -> ClusterReport:
    """What there is to tell of clusters that were just learned."""
    model = learned.model
    found = []
    for name in model.centres:
        inside = [one for one, at in zip(sample, learned.labels, strict=True) if at == name]
        outside = [one for one, at in zip(sample, learned.labels, strict=True) if at != name]
        share = len(inside) / len(sample)
        found.append(
            ClusterFigures(
                cluster=name,
                share=round(share, 4),
                people=round(share * customers),
                sample=[one.person for one in inside[:SAMPLE]],
                apart=_apart(inside, outside),
                segments=_segments(inside, outside),
            )
        )
    return ClusterReport(
        made=model.made,
        customers=customers,
        sampled=len(sample),
        silhouette=learned.silhouette,
        stability=learned.stability,
        clusters=sorted(found, key=lambda one: -one.share),
        gone=[name for name in (before.centres if before else ()) if name not in model.centres],
    )


def _apart(inside: Sequence[Sampled], outside: Sequence[Sampled]) -> list[Difference]:
    """The features that set it apart clearly, the most telling first; also those that made no axis
    because another goes with them, for they tell what the people are like."""
    every = (_difference(name, inside, outside) for name in ASKED)
    clear = [one for one in every if one and abs(one.difference) >= CLEARLY]
    chosen: list[Difference] = []
    for one in sorted(clear, key=lambda one: -abs(one.difference)):
        is_said = one.feature in OFTEN and any(other.feature in OFTEN for other in chosen)
        if not is_said:
            chosen.append(one)
    return chosen[:MOST_APART]


def _difference(
    name: str, inside: Sequence[Sampled], outside: Sequence[Sampled]
) -> Difference | None:
    here, there = (
        [one.known[name] for one in side if name in one.known] for side in (inside, outside)
    )
    if min(len(here), len(there)) < FEWEST:
        return None
    one, other = ([scaled(name, value) for value in side] for side in (here, there))
    apart = _mean(one) - _mean(other)
    squares = fsum((value - _mean(side)) ** 2 for side in (one, other) for value in side)
    deviation = sqrt(squares / (len(one) + len(other) - 2))
    if not apart:
        return None
    size = apart / deviation if deviation > abs(apart) / MOST else (MOST if apart > 0 else -MOST)
    usual = _mean if name in SHARES else median
    return Difference(
        feature=name,
        is_share=name in SHARES,
        inside=round(usual(here), 4),
        outside=round(usual(there), 4),
        difference=round(size, 2),
    )


def _mean(values: Sequence[float]) -> float:
    return fsum(values) / len(values)


def _segments(inside: Sequence[Sampled], outside: Sequence[Sampled]) -> list[Within]:
    """Those that overlap most by what is in both of what is in either."""
    names = sorted({name for one in inside for name in one.segments})
    found = []
    for name in names:
        here = sum(name in one.segments for one in inside)
        there = sum(name in one.segments for one in outside)
        within = Within(
            segment=name,
            inside=round(here / len(inside), 4),
            outside=round(there / len(outside), 4) if outside else 0.0,
        )
        found.append((here / (len(inside) + there), within))
    best = sorted(found, key=lambda one: (-one[0], one[1].segment))[:MOST_SEGMENTS]
    return [within for _, within in best]
