"""Groups of points that lie together: k-means, how distinct its groups are, how alike two ways are.

Points and centres are tuples of numbers of one length; labels are the positions of their centres.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import comb, dist, fsum
from random import Random

Point = tuple[float, ...]
MOST_STEPS = 50


def nearest(point: Point, centres: Sequence[Point]) -> int:
    """The position of the nearest centre; of those as near, the first."""
    distances = [dist(point, centre) for centre in centres]
    return distances.index(min(distances))


def begin(points: Sequence[Point], count: int, chance: Random) -> list[Point]:
    """Centres to begin with, far apart: k-means++ (Arthur & Vassilvitskii, 2007)."""
    centres = [points[chance.randrange(len(points))]]
    squares = [dist(point, centres[0]) ** 2 for point in points]
    while len(centres) < count:
        sums = list(accumulate(squares))
        if not sums[-1]:
            break  # there are no more different points
        [found] = chance.choices(points, cum_weights=sums)
        centres.append(found)
        squares = [min(one, dist(at, found) ** 2) for one, at in zip(squares, points, strict=True)]
    return centres


def settle(points: Sequence[Point], centres: Sequence[Point]) -> tuple[list[Point], list[int]]:
    """Centres and labels when nothing moves any more (Lloyd, 1982). A centre that nobody is near
    to stays where it is."""
    found, labels = list(centres), [nearest(point, centres) for point in points]
    for _ in range(MOST_STEPS):
        found = _means(points, labels, found)
        after = [nearest(point, found) for point in points]
        if after == labels:
            break
        labels = after
    return found, labels


def _means(points: Sequence[Point], labels: Sequence[int], before: Sequence[Point]) -> list[Point]:
    groups: list[list[Point]] = [[] for _ in before]
    for point, label in zip(points, labels, strict=True):
        groups[label].append(point)
    return [mean(group) if group else old for group, old in zip(groups, before, strict=True)]


def mean(points: Sequence[Point]) -> Point:
    """The centre of these points, of which there is one at least."""
    return tuple(fsum(column) / len(points) for column in zip(*points, strict=True))


def spread(points: Sequence[Point], centres: Sequence[Point], labels: Sequence[int]) -> float:
    """The sum of the squared distances to the centres, which k-means makes small."""
    return fsum(dist(at, centres[label]) ** 2 for at, label in zip(points, labels, strict=True))


def distances(points: Sequence[Point]) -> list[list[float]]:
    """From each point to each."""
    return [[dist(one, other) for other in points] for one in points]


def silhouette(apart: Sequence[Sequence[float]], labels: Sequence[object]) -> float:
    """How much nearer points are to their own group than to the next one, on average: from -1 to
    1, and 0 for a point alone (Rousseeuw, 1987). `apart` has their `distances`."""
    sizes = Counter(labels)
    if len(sizes) < 2:
        return 0.0
    widths = []
    for row, own in zip(apart, labels, strict=True):
        sums = dict.fromkeys(sizes, 0.0)
        for length, label in zip(row, labels, strict=True):
            sums[label] += length
        if sizes[own] == 1:
            widths.append(0.0)
            continue
        inside = sums[own] / (sizes[own] - 1)
        outside = min(sums[label] / sizes[label] for label in sizes if label != own)
        widths.append((outside - inside) / (max(inside, outside) or 1.0))
    return fsum(widths) / len(widths)


def agreement(one: Sequence[object], other: Sequence[object]) -> float:
    """The adjusted Rand index of two ways to group the same people: 1 if they are the same, 0 if
    they agree as by chance (Hubert & Arabie, 1985)."""
    together = _pairs(Counter(zip(one, other, strict=True)).values())
    mine, theirs = _pairs(Counter(one).values()), _pairs(Counter(other).values())
    every = comb(len(one), 2)
    expected = mine * theirs / every if every else 0.0
    most = (mine + theirs) / 2
    return (together - expected) / (most - expected) if most != expected else 1.0


def _pairs(sizes: Iterable[int]) -> int:
    return sum(comb(size, 2) for size in sizes)
