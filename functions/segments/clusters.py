"""Clusters: customers who behave alike, learned from a sample, with ids that stay.

Features are compared as robust standard scores: less the median, by the interquartile range (where
that is nothing, by the standard deviation), and cut off at 3. What is not known of somebody counts
as the median, so it moves them neither way. The number of clusters is the one with the greatest
silhouette. Clusters stay as they are until others are clearly more distinct; then those are tried
first to which they lead as people behave by now.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import fsum, sqrt
from random import Random
from statistics import median, pstdev

from msgspec import structs

from functions.segments import kmeans
from functions.segments.behaviour import ASKED, Known, scaled
from functions.segments.cluster_records import Axis, ClusterModel, Sampled
from functions.segments.kmeans import Point

FEWEST = 200  # customers: of fewer, clusters would be chance
COUNTS = range(3, 9)
STARTS = 5
COMPARED = 1_000  # people between whom silhouettes are taken
SMALLEST = 0.02  # of all: a cluster of fewer is a handful of odd people
CLEARLY = 0.03  # of the silhouette, by which other clusters must be better than those before
SAME = 0.5
TWINS = 0.85  # a correlation from which on two features say the same
KNOWN_OF = 0.2  # of all: a feature that is known of fewer tells no clusters
FARTHEST = 3.0
QUARTILES = 1.349  # standard deviations between the quartiles of a normal distribution


@dataclass(frozen=True)
class Learned:
    """A model, the cluster of each of the sample, and how good it is; `stability` None: there were
    none before."""

    model: ClusterModel
    labels: list[str]
    silhouette: float = 0.0
    stability: float | None = None


@dataclass(frozen=True)
class _Way:
    """One way to group the sample."""

    centres: list[Point]
    labels: list[int]
    silhouette: float


def point(axes: Sequence[Axis], known: Known) -> Point:
    """Where somebody is along the axes."""
    return tuple(
        max(-FARTHEST, min(FARTHEST, (scaled(axis.name, known[axis.name]) - axis.middle) / spread))
        if axis.name in known and (spread := axis.spread)
        else 0.0
        for axis in axes
    )


def place(model: ClusterModel, known: Known) -> str | None:
    """The id of the nearest cluster; None of whom nothing is known, or where there are none."""
    if not known or not model.centres:
        return None
    ids = list(model.centres)
    return ids[kmeans.nearest(point(model.axes, known), list(model.centres.values()))]


def learn(sample: Sequence[Sampled], before: ClusterModel | None, made: datetime) -> Learned:
    """Clusters of the sample, in the order of its ranks; the same from the same sample."""
    given = before.given if before else 0
    axes = _axes([one.known for one in sample]) if len(sample) >= FEWEST else []
    if not axes:
        return Learned(ClusterModel(made=made, given=given), [])
    points = [point(axes, one.known) for one in sample]
    apart = kmeans.distances(points[:COMPARED])
    best = _best(points, apart)
    old = _places(sample, before)
    if before and old and _are_whole(old, len(before.centres)):
        stays = kmeans.silhouette(apart, old[:COMPARED])
        if best is None or best.silhouette < stays + CLEARLY:
            model = structs.replace(before, made=made)
            return Learned(model, old, round(stays, 4), 1.0)
        again = _settled(points, _centres(points, old), apart)
        best = again if _is_good(again) and best.silhouette < again.silhouette + CLEARLY else best
    if best is None:
        return Learned(ClusterModel(made=made, given=given), [])
    ids, given = _ids(best.labels, old, given)
    centres = {ids[number]: centre for number, centre in enumerate(best.centres)}
    labels = [ids[label] for label in best.labels]
    return Learned(
        ClusterModel(
            made=made,
            axes=axes,
            centres=dict(sorted(centres.items(), key=lambda one: int(one[0][1:]))),
            given=given,
        ),
        labels,
        round(best.silhouette, 4),
        round(kmeans.agreement(old, labels), 4) if old else None,
    )


def _places(sample: Sequence[Sampled], before: ClusterModel | None) -> list[str]:
    """The clusters before of these people; none where there were none."""
    every = (place(before, one.known) for one in sample) if before else ()
    return [one for one in every if one]


def _axes(sample: Sequence[Known]) -> list[Axis]:
    """The features that tell people apart, none of them twice."""
    found = [axis for name in ASKED if (axis := _axis(name, sample))]
    columns = {axis.name: [point([axis], known)[0] for known in sample] for axis in found}
    chosen: list[Axis] = []
    for axis in found:
        if all(abs(_together(columns[axis.name], columns[a.name])) < TWINS for a in chosen):
            chosen.append(axis)
    return chosen


def _axis(name: str, sample: Sequence[Known]) -> Axis | None:
    values = sorted(scaled(name, known[name]) for known in sample if name in known)
    if len(values) < KNOWN_OF * len(sample) or values[0] == values[-1]:
        return None
    quarter = len(values) // 4
    spread = (values[-1 - quarter] - values[quarter]) / QUARTILES or pstdev(values)
    return Axis(name, round(median(values), 6), round(max(spread, 1e-3), 6))


def _together(one: Sequence[float], other: Sequence[float]) -> float:
    """Pearson's correlation."""
    mine, theirs = fsum(one) / len(one), fsum(other) / len(other)
    a, b = [value - mine for value in one], [value - theirs for value in other]
    both = sqrt(fsum(x * x for x in a) * fsum(y * y for y in b))
    return fsum(x * y for x, y in zip(a, b, strict=True)) / both if both else 0.0


def _best(points: Sequence[Point], apart: Sequence[Sequence[float]]) -> _Way | None:
    """The most distinct clusters, whatever there was before."""
    ways = (_settled(points, _start(points, count), apart) for count in COUNTS)
    return max(filter(_is_good, ways), key=lambda way: way.silhouette, default=None)


def _settled(
    points: Sequence[Point], centres: Sequence[Point], apart: Sequence[Sequence[float]]
) -> _Way:
    found, labels = kmeans.settle(points, centres)
    return _Way(found, labels, kmeans.silhouette(apart, labels[:COMPARED]))


def _start(points: Sequence[Point], count: int) -> list[Point]:
    """Centres from which the points lie nearest, of several that were drawn and settled."""
    found: list[tuple[float, list[Point]]] = []
    for start in range(STARTS):
        centres, labels = kmeans.settle(points, kmeans.begin(points, count, Random(start)))
        found.append((kmeans.spread(points, centres, labels), centres))
    return min(found)[1]


def _centres(points: Sequence[Point], labels: Sequence[str]) -> list[Point]:
    groups: dict[str, list[Point]] = {}
    for at, label in zip(points, labels, strict=True):
        groups.setdefault(label, []).append(at)
    return [kmeans.mean(groups[name]) for name in sorted(groups)]


def _is_good(way: _Way) -> bool:
    return _are_whole(way.labels, len(way.centres))


def _are_whole(labels: Sequence[object], count: int) -> bool:
    """Whether there are still so many clusters, and none of a handful."""
    sizes = Counter(labels)
    return len(sizes) == count > 1 and min(sizes.values()) >= SMALLEST * len(labels)


def _ids(labels: Sequence[int], old: Sequence[str], given: int) -> tuple[dict[int, str], int]:
    """The id of each cluster, and how many were ever given.

    A cluster keeps the id of the one before where more than half of the people who are in either
    are in both (Jaccard's coefficient; below, a cluster is dissolved: Hennig, Dissolution point and
    isolation robustness, 2008). No two can have more than half of one, so nothing is to be chosen.
    """
    sizes, before = Counter(labels), Counter(old)
    ids: dict[int, str] = {}
    for (label, name), both in Counter(zip(labels, old, strict=False)).items():
        if both > SAME * (sizes[label] + before[name] - both):
            ids[label] = name
    for label, _ in sizes.most_common():
        if label not in ids:
            given += 1
            ids[label] = f"c{given}"
    return ids, given
