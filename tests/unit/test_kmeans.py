"""k-means in plain Python: what it makes small, and what is told of the groups."""

from itertools import combinations
from math import dist
from random import Random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.segments import kmeans

places = st.tuples(st.integers(-9, 9).map(float), st.integers(-9, 9).map(float))
crowds = st.lists(places, min_size=4, max_size=25)


@given(crowds, st.integers(1, 4), st.integers(0, 99))
def test_in_the_end_everybody_is_nearest_to_the_centre_of_their_own(
    points: list[kmeans.Point], count: int, seed: int
) -> None:
    first = kmeans.begin(points, count, Random(seed))
    centres, labels = kmeans.settle(points, first)
    assert labels == [kmeans.nearest(point, centres) for point in points]
    for label in set(labels):
        mine = [point for point, one in zip(points, labels, strict=True) if one == label]
        assert centres[label] == pytest.approx(kmeans.mean(mine))
    begun = [kmeans.nearest(point, first) for point in points]
    assert kmeans.spread(points, centres, labels) <= kmeans.spread(points, first, begun) + 1e-9


@given(crowds, st.data())
def test_the_silhouette_is_the_one_of_the_definition(
    points: list[kmeans.Point], data: st.DataObject
) -> None:
    labels = data.draw(st.lists(st.integers(0, 2), min_size=len(points), max_size=len(points)))
    groups = {
        label: [p for p, one in zip(points, labels, strict=True) if one == label]
        for label in set(labels)
    }
    widths = []
    for point, label in zip(points, labels, strict=True):
        others = list(groups[label])
        others.remove(point)
        if not others or len(groups) == 1:
            widths.append(0.0)
            continue
        a = fmean(dist(point, one) for one in others)
        b = min(fmean(dist(point, one) for one in groups[g]) for g in groups if g != label)
        widths.append((b - a) / max(a, b) if max(a, b) else 0.0)
    found = kmeans.silhouette(kmeans.distances(points), labels)
    assert found == pytest.approx(fmean(widths))


labelled = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=20)


@given(labelled)
def test_agreement_counts_pairs_as_hubert_and_arabie_do(found: list[tuple[int, int]]) -> None:
    one, other = [a for a, _ in found], [b for _, b in found]
    pairs = list(combinations(range(len(found)), 2))
    mine = [one[a] == one[b] for a, b in pairs]
    theirs = [other[a] == other[b] for a, b in pairs]
    both = sum(a and b for a, b in zip(mine, theirs, strict=True))
    expected = sum(mine) * sum(theirs) / len(pairs)
    most = (sum(mine) + sum(theirs)) / 2
    wanted = (both - expected) / (most - expected) if most != expected else 1.0
    assert kmeans.agreement(one, other) == pytest.approx(wanted)


def test_the_same_groups_under_other_names_agree_altogether() -> None:
    assert kmeans.agreement([1, 1, 2, 2, 3], ["b", "b", "c", "c", "a"]) == 1
    assert kmeans.agreement([0, 0, 1, 1], [0, 1, 0, 1]) == pytest.approx(
        -0.5
    )  # less than by chance


def test_groups_far_apart_are_found() -> None:
    chance = Random(1)
    middles = [(0.0, 0.0), (9.0, 0.0), (0.0, 9.0)]
    points = [
        (x + chance.gauss(0, 1), y + chance.gauss(0, 1)) for x, y in middles for _ in range(50)
    ]
    _, labels = kmeans.settle(points, kmeans.begin(points, 3, Random(2)))
    assert kmeans.agreement(labels, [n for n in range(3) for _ in range(50)]) == 1
