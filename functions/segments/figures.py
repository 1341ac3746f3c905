"""How good segments are: how many are in each, who overlaps, how alike they are inside.

A segment is worth having when its people are alike and differ from all others. For each number this
is told by eta squared, the part of the whole variance that lies between the segment and the rest:
SS_between / SS_total, from 0 (no difference) to 1 (J. Cohen, Statistical Power Analysis for the
Behavioral Sciences, 2nd ed. 1988, section 8.2); and by the standardised difference of the means,
(mean inside - mean outside) / pooled standard deviation (Cohen's d, section 2.2).
"""

from collections.abc import Mapping
from datetime import datetime
from math import copysign, sqrt

import msgspec

from functions.segments.records import Apart, Figures, Overlap, SegmentFigures
from functions.tracking.profile import Profile

SAMPLE = 5
MOST_APART = 5
MOST = 99.0  # of a standardised difference
WHOLE = 1_000_000  # millionths
# What a person is or is not, as a number: the mean is the share of people who are.
SHARES = ("customer", "mobile", "uses coupons", "known by e-mail")


class Sums(msgspec.Struct, array_like=True):
    """Of a number over people: how many, the sum and the sum of squares."""

    people: int = 0
    sum: float = 0.0
    squares: float = 0.0

    def take(self, one: float) -> None:
        """Count one more."""
        self.people += 1
        self.sum += one
        self.squares += one * one


class Group(msgspec.Struct):
    """The people of a segment: how many, some of their ids, and sums of their numbers."""

    count: int = 0
    sample: list[str] = []
    sums: dict[str, Sums] = {}

    def take(self, person: str, numbers: Mapping[str, float]) -> None:
        """Count one more. The keys of people are hashes, so the least of them are a fair sample."""
        self.count += 1
        if len(self.sample) < SAMPLE or person < self.sample[-1]:
            self.sample = sorted([*self.sample, person])[:SAMPLE]
        for name, number in numbers.items():
            self.sums.setdefault(name, Sums()).take(number)


class Tallied(msgspec.Struct):
    """What a pass over everybody has counted: all, each segment, and each pair ("a b")."""

    everybody: Group = msgspec.field(default_factory=Group)
    segments: dict[str, Group] = {}
    both: dict[str, int] = {}

    def take(self, profile: Profile, measured: Mapping[str, int]) -> None:
        """Count one person, with their numbers in millionths."""
        shares = _shares(profile, measured)
        numbers = {name: one / WHOLE for name, one in measured.items()} | shares
        self.everybody.take(profile.person, numbers)
        names = sorted(profile.segments)
        for number, name in enumerate(names):
            self.segments.setdefault(name, Group()).take(profile.person, numbers)
            for other in names[number + 1 :]:
                pair = f"{name} {other}"
                self.both[pair] = self.both.get(pair, 0) + 1


def _shares(profile: Profile, measured: Mapping[str, int]) -> dict[str, float]:
    used = profile.devices
    most = max(used, key=lambda name: (used[name].count, used[name].last, name), default=None)
    discounted = sum(one.discounted for one in profile.older_orders.sums.values())
    is_so = (
        "orders" in measured,
        most == "mobile",
        discounted > 0 or any(o.discounted for o in profile.orders.values() if o.counts),
        profile.trait("email") is not None,
    )
    return {name: float(one) for name, one in zip(SHARES, is_so, strict=True)}


def figures(tallied: Tallied, names: Mapping[str, object], made: datetime) -> Figures:
    """The figures of these segments, also of those that are empty."""
    people = tallied.everybody.count
    groups = {name: tallied.segments.get(name, Group()) for name in names}
    found = [
        SegmentFigures(
            name=name,
            count=group.count,
            share=round(group.count / people, 6) if people else 0.0,
            sample=group.sample,
            apart=_apart(group, tallied.everybody),
        )
        for name, group in groups.items()
    ]
    overlaps = [
        _overlap(pair.split(" "), groups, both)
        for pair, both in sorted(tallied.both.items())
        if set(pair.split(" ")) <= groups.keys()
    ]
    return Figures(made=made, people=people, segments=found, overlaps=overlaps)


def _overlap(pair: list[str], groups: Mapping[str, Group], both: int) -> Overlap:
    first, second = pair
    mine, theirs = groups[first].count, groups[second].count
    return Overlap(
        first=first,
        second=second,
        both=both,
        jaccard=round(both / (mine + theirs - both), 4),
        of_first=round(both / mine, 4),
        of_second=round(both / theirs, 4),
    )


def _apart(group: Group, everybody: Group) -> list[Apart]:
    """The numbers that tell the segment from the rest, those that tell it best first."""
    found = [
        one
        for name, sums in group.sums.items()
        if (one := _compared(name, sums, everybody.sums[name])) is not None
    ]
    return sorted(found, key=lambda one: -abs(one.difference))[:MOST_APART]


def _compared(name: str, inside: Sums, every: Sums) -> Apart | None:
    """None where nobody is outside, or all have the same."""
    rest = every.people - inside.people
    if not rest or not inside.people:
        return None
    whole = max(every.squares - every.sum**2 / every.people, 0.0)  # SS_total
    mean_in, mean_out = inside.sum / inside.people, (every.sum - inside.sum) / rest
    apart = mean_in - mean_out
    between = inside.people * rest / every.people * apart**2  # SS_between
    if whole <= 1e-12 * every.squares:
        return None
    deviation = sqrt(max(whole - between, 0.0) / max(every.people - 2, 1))
    # Where nothing varies inside and outside, the difference is as great as can be.
    is_measured = deviation > 1e-6 * abs(apart)
    difference = apart / deviation if is_measured else copysign(MOST, apart)
    return Apart(
        number=name,
        is_share=name in SHARES,
        inside=round(mean_in, 4),
        outside=round(mean_out, 4),
        eta_squared=round(min(1.0, between / whole), 4),
        difference=round(max(-MOST, min(MOST, difference)), 2),
    )
