"""Cut points: averages, ABC classes, RFM scores, and the conditions that go by them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from functions.segments import person
from functions.segments.census import Counting
from functions.segments.census_records import Cuts
from functions.segments.condition import Facts, condition
from functions.segments.explain import explain
from functions.segments.phrases import BadPhrase
from functions.segments.population import comparisons, is_asked
from functions.segments.turning import turning
from functions.tracking.event import Event
from functions.tracking.permission import Permission
from functions.tracking.profile import Order, Profile

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
MADE = NOW - timedelta(hours=8)


def buyer(name: str, *amounts: int, cost: int | None = None, days: int = 1, **more: Any) -> Profile:
    """Somebody who bought for these amounts, the last time so many days ago."""
    orders = {
        f"{name}{n}": Order(
            f"{name}{n}",
            NOW - timedelta(days=days + n),
            "EUR",
            Decimal(amount),
            cost=None if cost is None else Decimal(cost),
        )
        for n, amount in enumerate(amounts)
    }
    return Profile(person=name, created=NOW, orders=orders, **more)


def cuts_of(*people: Profile, shares: tuple[int, int] = (80, 95)) -> Cuts:
    counting = Counting()
    for profile in people:
        counting.take(profile, NOW)
    return counting.cuts(MADE, shares)


def facts(profile: Profile, cuts: Cuts | None, now: datetime = NOW) -> Facts:
    event = Event(type="track", message_id="m", time=now, received_at=now)
    return Facts(
        profile=profile,
        permission=Permission(person=profile.person),
        now=now,
        journey="",
        run_id="",
        entry=event,
        entered=now,
        purpose="",
        needs_consent={},
        cuts=cuts,
    )


def field(name: str, profile: Profile, cuts: Cuts | None) -> Any:
    return person.fields(profile, NOW, cuts).get(name)


def holds(raw: Any, profile: Profile, cuts: Cuts | None) -> bool:
    return condition(raw)(facts(profile, cuts))


# --- what is computed, against the plain way


amounts = st.lists(st.integers(0, 50), max_size=4)
populations = st.lists(amounts, min_size=1, max_size=30).map(
    lambda bought: [buyer(f"p{n:02}", *one, days=n % 7) for n, one in enumerate(bought)]
)


def classes(found: dict[str, int], shares: tuple[int, int] = (80, 95)) -> dict[str, str]:
    """ABC from the definition: whoever is needed for 80 % from the top, then for 95 %."""
    whole, so_far, least = sum(found.values()), Fraction(0), []
    down = sorted(found.values(), reverse=True)
    for share in (Fraction(one, 100) for one in shares):
        so_far = Fraction(0)
        for amount in down:
            so_far += amount
            if so_far >= whole * share:
                least.append(amount)
                break
    return {n: "A" if v >= least[0] else "B" if v >= least[1] else "C" for n, v in found.items()}


@given(populations)
def test_abc_classes_are_those_of_the_cumulated_revenue(people: list[Profile]) -> None:
    cuts = cuts_of(*people)
    spent = {
        one.person: int(sum(order.amount for order in one.orders.values()))
        for one in people
        if one.orders
    }
    assume(sum(spent.values()))
    wanted = classes(spent)
    assert {p.person: field("abc", p, cuts) for p in people} == {
        p.person: wanted.get(p.person) for p in people
    }


@given(populations, st.sampled_from([(50, 90), (70, 100), (1, 2), (99, 100)]))
def test_abc_classes_are_those_of_the_shares_that_the_brand_says(
    people: list[Profile], shares: tuple[int, int]
) -> None:
    spent = {one.person: int(person.fields(one, NOW)["revenue"]) for one in people if one.orders}
    assume(sum(spent.values()))
    cuts = cuts_of(*people, shares=shares)
    wanted = classes(spent, shares)
    assert {p.person: field("abc", p, cuts) for p in people if p.orders} == wanted


@given(populations)
def test_the_customers_of_class_a_make_four_fifths_of_the_revenue(people: list[Profile]) -> None:
    cuts = cuts_of(*people)
    spent = {one.person: person.fields(one, NOW)["revenue"] for one in people}
    mine = [one.person for one in people if field("abc", one, cuts) == "A"]
    assert sum(spent[name] for name in mine) * 100 >= 80 * sum(spent.values())


@given(populations)
def test_averages_and_fifths_are_those_of_all_who_bought(people: list[Profile]) -> None:
    cuts = cuts_of(*people)
    spent = sorted(person.fields(one, NOW)["revenue"] for one in people if one.orders)
    assert cuts.people == len(people)
    if not spent:
        assert "revenue" not in cuts.measures
        return
    measure = cuts.measures["revenue"]
    assert measure.people == len(spent)
    assert abs(measure.mean - sum(spent) / len(spent)) < Decimal("0.000001")
    assert measure.quintiles == [spent[ceil(len(spent) * n / 5) - 1] for n in (1, 2, 3, 4)]


@given(populations, st.data())
def test_cut_points_do_not_hang_on_the_order_of_people_nor_on_where_a_pass_was_interrupted(
    people: list[Profile], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(people))
    stop = data.draw(st.integers(0, len(people)))
    first = Counting()
    for one in shuffled[:stop]:
        first.take(one, NOW)
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(first.packed()), type=type(first.packed()))
    second = Counting(kept)
    for one in shuffled[stop:]:
        second.take(one, NOW)
    assert second.cuts(MADE) == cuts_of(*people)


@given(populations)
def test_rfm_scores_are_better_for_who_bought_later_oftener_and_for_more(
    people: list[Profile],
) -> None:
    cuts = cuts_of(*people)
    buyers = [one for one in people if one.orders]
    for score, of in (
        ("recency_score", "last_order"),
        ("frequency_score", "orders"),
        ("monetary_score", "revenue"),
    ):
        pairs = sorted((person.fields(p, NOW)[of], field(score, p, cuts)) for p in buyers)
        scores = [one for _, one in pairs]
        assert scores == sorted(scores)
        assert set(scores) <= {1, 2, 3, 4, 5}
    for one in buyers:
        scores = [
            field(f"{word}_score", one, cuts) for word in ("recency", "frequency", "monetary")
        ]
        assert field("rfm", one, cuts) == "".join(map(str, scores))


def test_who_never_bought_has_no_class_and_no_score_and_counts_in_no_average_of_buyers() -> None:
    visitor = buyer("v")
    cuts = cuts_of(visitor, buyer("a", 10), buyer("b", 30))
    assert cuts.measures["revenue"].mean == 20
    for name in ("abc", "abc_margin", "rfm", "recency_score", "monetary_score"):
        assert field(name, visitor, cuts) is None


def test_by_margin_a_great_seller_with_nothing_left_is_no_a() -> None:
    dear, cheap = buyer("d", 1000, cost=1000), buyer("c", 100, cost=10)
    unknown = buyer("u", 500)
    cuts = cuts_of(dear, cheap, unknown)
    assert [field("abc_margin", one, cuts) for one in (dear, cheap, unknown)] == ["C", "A", None]
    assert field("abc", dear, cuts) == "A"


def test_before_the_first_census_nobody_is_in_a_class_or_above_average() -> None:
    for raw in ({"abc": "A"}, {"rfm": "555"}, {"orders": {"above": "average"}}):
        assert not holds({"person": raw}, buyer("a", 10), None)
    assert "abc" not in person.fields(buyer("a", 10), NOW)


# --- conditions


def test_above_and_below_average_are_more_and_less_than_the_mean() -> None:
    low, mid, high = buyer("l", 10), buyer("m", 20), buyer("h", 30)
    cuts = cuts_of(low, mid, high)
    for word, expected in (("above", [False, False, True]), ("below", [True, False, False])):
        raw = {"person": {"revenue": {word: "average"}}}
        assert [holds(raw, one, cuts) for one in (low, mid, high)] == expected
    both = {"person": {"revenue": {"above": "average", "less than": 30}, "orders": 1}}
    assert not holds(both, high, cuts)
    assert holds({"person": {"revenue": {"above": "average", "less than": 31}}}, high, cuts)
    assert not holds({"person": {"margin": {"below": "average"}}}, low, cuts)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (
            {"score": {"above": 5}},
            'score: "above" takes "average", not 5; for a number',
        ),
        ({"score": {"below": "mean"}}, 'score: "below" takes "average", not \'mean\''),
        ({"plan": {"above": "average"}}, 'plan: "above" is for fields that have an average'),
        (
            {"score": {"above": "average", "below": "average"}},
            "score: nothing is above",
        ),
        ({"abc": "D"}, "abc: 'D' is no class; there are: A, B, C"),
        ({"abc_margin": {"one of": ["A", "a"]}}, "abc_margin: 'a' is no class"),
        ({"recency_score": "5"}, "recency_score: this is a number"),
        ({"score": {}}, "score: a test is missing"),
    ],
)
def test_a_comparison_that_cannot_be_meant_is_refused_with_what_would_be_right(
    raw: Any, says: str
) -> None:
    with pytest.raises(BadPhrase) as refused:
        condition({"person": raw})
    assert str(refused.value).startswith(says)


def test_above_average_is_no_test_of_an_event() -> None:
    with pytest.raises(BadPhrase, match='"above" is not a test'):
        condition({"did": "Login", "where": {"times": {"above": "average"}}})


@pytest.mark.parametrize(
    ("raw", "asked"),
    [
        ({"person": {"abc": "A"}}, True),
        ({"none of": [{"person": {"plan": "a", "basket": {"above": "average"}}}]}, True),
        ({"person": {"score": {"at least": 3}}}, False),
        ({"steps": [{"if": {"person": {"rfm": "555"}}, "then": []}]}, True),
        ({"did": "Login", "where": {"abc": "A"}}, False),
    ],
)
def test_it_is_known_which_conditions_go_by_the_cut_points(raw: Any, asked: bool) -> None:
    assert is_asked(raw) is asked
    assert bool(comparisons(raw)) is asked
    assert all(is_asked(one) for one in comparisons(raw))


def test_the_explanation_of_an_average_names_it() -> None:
    known = facts(buyer("h", 30), cuts_of(buyer("l", 10), buyer("h", 30)))
    raw = {"person": {"revenue": {"above": "average"}}}
    assert explain(raw, known).used == ("revenue is 30", "the average of revenue is 20")
    german = explain(raw, facts(buyer("h", 30), None), "de").used
    assert german == ("revenue ist 30", "noch ist kein Durchschnitt von revenue bekannt")


def test_a_class_is_explained_by_what_it_is() -> None:
    known = facts(buyer("h", 30), cuts_of(buyer("l", 10), buyer("h", 30)))
    assert explain({"person": {"abc": "A"}}, known).used == ("abc is “A”",)


@pytest.mark.parametrize("raw", [{"abc": "A"}, {"orders": {"above": "average"}}])
def test_no_comparison_turns_by_itself_between_two_censuses(raw: Any) -> None:
    known = facts(buyer("h", 30), cuts_of(buyer("l", 10), buyer("h", 30)))
    assert turning({"person": raw})(known) is None


@given(populations, st.sampled_from(["abc", "rfm", "recency_score", "orders", "plan"]))
def test_one_field_among_all_others_is_asked_as_all_fields_have_it(
    people: list[Profile], name: str
) -> None:
    cuts = cuts_of(*people)
    for one in people:
        found = field(name, one, cuts)
        assert person.values(one, NOW, name, cuts) == ([] if found is None else [found])
