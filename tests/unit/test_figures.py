"""The figures of segments: counts, overlaps, and what sets a segment apart."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import fmean, pvariance
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from functions.segments.census import Counting, measured
from functions.segments.figures import SAMPLE, Tallied, figures
from functions.segments.records import Figures
from functions.tracking.profile import Order, Profile, Seen
from local.figures_commands import lines

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
NAMES = ("big", "small", "nobody")


def somebody(number: int, names: Iterable[str], revenue: int = 0, **more: Any) -> Profile:
    name = f"{number:04x}"
    orders = {name: Order(name, NOW, "EUR", Decimal(revenue))} if revenue else {}
    return Profile(person=name, segments=dict.fromkeys(names, NOW), orders=orders, **more)


def figures_of(people: Iterable[Profile]) -> Figures:
    tallied = Tallied()
    for one in people:
        tallied.take(one, measured(one, NOW))
    return figures(tallied, dict.fromkeys(NAMES), NOW)


people = st.lists(
    st.tuples(st.sets(st.sampled_from(NAMES[:2])), st.integers(0, 40)), min_size=1, max_size=40
).map(lambda found: [somebody(n, names, revenue) for n, (names, revenue) in enumerate(found)])


@given(people)
def test_counts_shares_and_overlaps_are_those_of_the_sets(found: list[Profile]) -> None:
    sets = {name: {one.person for one in found if name in one.segments} for name in NAMES}
    said = figures_of(found)
    assert {one.name: one.count for one in said.segments} == {n: len(s) for n, s in sets.items()}
    for one in said.segments:
        assert one.share == pytest.approx(len(sets[one.name]) / len(found), abs=1e-6)
        assert one.sample == sorted(sets[one.name])[:SAMPLE]
    both = sets["big"] & sets["small"]
    assert [(o.first, o.second, o.both) for o in said.overlaps] == (
        [("big", "small", len(both))] if both else []
    )
    for overlap in said.overlaps:
        assert overlap.jaccard == pytest.approx(
            len(both) / len(sets["big"] | sets["small"]), abs=1e-4
        )
        assert overlap.of_first == pytest.approx(len(both) / len(sets["big"]), abs=1e-4)


@given(people)
def test_eta_squared_is_the_variance_between_over_the_whole_variance(found: list[Profile]) -> None:
    groups: tuple[list[float], list[float]] = ([], [])
    for one in found:
        for order in one.orders.values():
            groups["big" not in one.segments].append(float(order.amount))
    every = [*groups[0], *groups[1]]
    assume(all(groups) and pvariance(every) > 0)
    between = sum(len(g) * (fmean(g) - fmean(every)) ** 2 for g in groups) / len(every)
    wanted = between / pvariance(every)
    [big] = [one for one in figures_of(found).segments if one.name == "big"]
    [apart] = [one for one in big.apart if one.number == "revenue"]
    assert apart.eta_squared == pytest.approx(wanted, abs=1e-3)
    assert apart.inside == pytest.approx(fmean(groups[0]), abs=1e-3)
    assert (apart.difference > 0) == (fmean(groups[0]) > fmean(groups[1]))


def test_eta_squared_of_a_worked_example() -> None:
    # {1, 2, 3} against {4, 5, 6}: SS_between 13.5 of SS_total 17.5, pooled deviation 1, d = -3.
    found = [somebody(n, ["big"] if n <= 3 else [], n) for n in range(1, 7)]
    [big] = [one for one in figures_of(found).segments if one.name == "big"]
    [apart] = [one for one in big.apart if one.number == "revenue"]
    assert apart.eta_squared == round(13.5 / 17.5, 4)
    assert (apart.difference, apart.inside, apart.outside) == (-3, 2, 5)


def test_a_segment_of_everybody_is_not_set_apart_from_anybody() -> None:
    found = figures_of(somebody(n, ["big"], n) for n in range(1, 5))
    assert [one.apart for one in found.segments] == [[], [], []]


def test_what_people_are_or_are_not_sets_them_apart_as_well() -> None:
    mobile = {"mobile": Seen(1, NOW, NOW)}
    found = [somebody(n, ["big"], devices=mobile) for n in range(3)]
    found += [somebody(9 + n, [], devices={"desktop": Seen(1, NOW, NOW)}) for n in range(3)]
    [big] = [one for one in figures_of(found).segments if one.name == "big"]
    [apart] = big.apart
    assert (apart.number, apart.inside, apart.outside, apart.eta_squared) == ("mobile", 1, 0, 1)


@given(people, st.integers(0, 40))
def test_figures_survive_an_interruption(found: list[Profile], stop: int) -> None:
    first = Counting()
    for one in found[:stop]:
        first.take(one, NOW)
    packed = first.packed()
    second = Counting(msgspec.msgpack.decode(msgspec.msgpack.encode(packed), type=type(packed)))
    for one in found[stop:]:
        second.take(one, NOW)
    assert figures(second.tallied, dict.fromkeys(NAMES), NOW) == figures_of(found)


# --- in words


def test_the_figures_are_told_in_words() -> None:
    found = [somebody(n, ["big", "small"] if n < 3 else ["small"], 10 * n + 5) for n in range(6)]
    raw = msgspec.to_builtins(figures_of(found))
    raw["made"] = (NOW + timedelta(minutes=5)).isoformat()
    said = lines(raw)
    assert said[0] == "6 people, counted on 2027-03-01 at 09:05 UTC"
    assert "big: 3 people, 50 % of all" in said
    assert (
        "  far less revenue: 15 on average, elsewhere 45; explains 77.1 % of the variance" in said
    )
    assert "nobody: 0 people, 0 % of all" in said
    overlap = "  big and small: 3 people, 50 % (100 % of the first, 50 % of the second)"
    assert said[-1] == overlap


def test_before_the_first_census_it_is_said_so() -> None:
    raw = {"made": None, "people": 0, "segments": [], "overlaps": []}
    assert lines(raw) == [
        "nobody was counted yet; that is done once a day, within an hour of the publish"
    ]
