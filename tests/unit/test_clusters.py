"""Clusters: customers who behave alike are found, and keep the ids of their clusters."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any

import msgspec
import pytest

from functions.segments import clusters, person
from functions.segments.behaviour import behaviour
from functions.segments.census_records import Cuts
from functions.segments.cluster_figures import report
from functions.segments.cluster_records import ClusterModel, Difference
from functions.segments.cluster_words import judgement, sentence
from functions.segments.clusters import Learned, learn, place
from functions.segments.condition import condition
from functions.segments.phrases import BadPhrase
from functions.segments.sample import Sample
from functions.tracking.profile import Order, Profile, Seen
from tests.support.shoppers import shopper, shoppers

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
NEXT = NOW + timedelta(days=7)


def sample_of(people: list[Profile], now: datetime = NOW) -> Sample:
    sample = Sample()
    for profile in people:
        sample.take(profile, now)
    return sample


@cache
def first() -> tuple[Sample, Learned]:
    sample = sample_of(shoppers(120, NOW))
    return sample, learn(sample.drawn, None, NOW)


def kinds(sample: Sample, labels: list[str]) -> dict[str, str]:
    """The kind of shopper that each cluster has most of."""
    counts: dict[str, Counter[str]] = {}
    for one, label in zip(sample.drawn, labels, strict=True):
        counts.setdefault(label, Counter())[one.person[:-4]] += 1
    return {label: count.most_common(1)[0][0] for label, count in counts.items()}


def test_three_kinds_of_customers_are_three_clusters() -> None:
    sample, learned = first()
    assert sorted(kinds(sample, learned.labels).values()) == ["hunter", "rare", "regular"]
    alike = [
        kinds(sample, learned.labels)[label] == one.person[:-4]
        for one, label in zip(sample.drawn, learned.labels, strict=True)
    ]
    assert sum(alike) / len(alike) > 0.95
    assert learned.silhouette > 0.5
    assert list(learned.model.centres) == ["c1", "c2", "c3"]


def test_the_same_sample_gives_the_same_clusters() -> None:
    sample, learned = first()
    assert learn(sample.drawn, None, NOW) == learned


@pytest.mark.parametrize("seed", [1, 2])
def test_learned_again_from_others_nearly_everybody_is_in_the_cluster_with_the_same_id(
    seed: int,
) -> None:
    everybody, before = first()
    drawn = Random(seed).sample(everybody.drawn, 250)
    again = learn(sorted(drawn, key=lambda one: one.rank), before.model, NEXT)
    same = [
        place(again.model, one.known) == place(before.model, one.known) for one in everybody.drawn
    ]
    assert sum(same) / len(same) > 0.95


def test_a_new_kind_of_customer_gets_an_id_never_used_and_the_others_keep_theirs() -> None:
    sample, learned = first()
    before = msgspec.structs.replace(learned.model, given=7)  # some clusters are gone by now
    grown = sample_of([*shoppers(120, NOW), *(shopper("bulk", n, NOW) for n in range(60))])
    after = learn(grown.drawn, before, NEXT)
    assert kinds(grown, after.labels) == {**kinds(sample, learned.labels), "c8": "bulk"}
    assert after.model.given == 8
    assert after.stability is not None
    assert 0.5 < after.stability < 1
    said = report(after, grown.drawn, grown.customers, before)
    assert said.gone == []


def test_a_kind_of_customer_that_is_no_more_leaves_its_id_and_nobody_else_gets_it() -> None:
    grown = sample_of([*shoppers(120, NOW), *(shopper("bulk", n, NOW) for n in range(60))])
    before = learn(grown.drawn, None, NOW)
    [bulk] = [name for name, kind in kinds(grown, before.labels).items() if kind == "bulk"]
    sample, _ = first()
    after = learn(sample.drawn, before.model, NEXT)
    assert report(after, sample.drawn, 360, before.model).gone == [bulk]
    again = learn(grown.drawn, after.model, NEXT + timedelta(days=7))
    assert kinds(grown, again.labels)["c5"] == "bulk"


def test_clusters_that_are_still_good_stay_as_they_are() -> None:
    sample, before = first()
    again = learn(sample.drawn, before.model, NEXT)
    assert again.model.centres == before.model.centres
    assert again.stability == 1
    assert again.model.made == NEXT


def test_of_too_few_customers_no_clusters_are_made_and_it_is_said() -> None:
    sample = sample_of(shoppers(66, NOW))
    learned = learn(sample.drawn, None, NOW)
    assert learned.model.centres == {}
    said = report(learned, sample.drawn, sample.customers, None)
    assert (
        judgement(said, "en") == "there are 198 customers; of fewer than 200 no clusters are made"
    )
    assert "198 Kunden" in judgement(said, "de")
    assert place(learned.model, sample.drawn[0].known) is None


def test_customers_who_are_all_alike_are_no_clusters() -> None:
    one = shoppers(1, NOW)[0]
    people = [msgspec.structs.replace(one, person=f"p{n}") for n in range(250)]
    learned = learn(sample_of(people).drawn, None, NOW)
    assert learned.model.centres == {}


def test_what_is_not_known_of_somebody_moves_them_neither_way() -> None:
    _, learned = first()
    axes = learned.model.axes
    known = {axis.name: 1.0 for axis in axes}
    without = {name: value for name, value in known.items() if name != "coupons"}
    at = clusters.point(axes, without)
    assert at[[axis.name for axis in axes].index("coupons")] == 0
    assert behaviour(Profile(person="v"), NOW) == {}
    nobody_tracked = behaviour(shoppers(1, NOW)[0], NOW)
    assert "visits" not in nobody_tracked
    assert "engagement" not in nobody_tracked
    assert "margin" not in nobody_tracked


def test_behaviour_is_what_the_profile_tells() -> None:
    orders = {
        name: Order(name, NOW - timedelta(days=days), "EUR", Decimal(30), cost=Decimal(18))
        for name, days in (("a", 2), ("b", 12))
    }
    seen = {
        "Email Delivered": Seen(10, NOW, NOW),
        "Email Opened": Seen(4, NOW, NOW),
    }
    devices = {"mobile": Seen(3, NOW, NOW), "desktop": Seen(1, NOW, NOW)}
    one = Profile(person="a", orders=orders, events=seen, devices=devices)
    assert behaviour(one, NOW) == {
        "recency": 2.0,
        "orders": 2.0,
        "basket": 30.0,
        "coupons": 0.0,
        "margin": 0.4,
        "gap": 10.0,
        "engagement": 0.4,
        "mobile": 0.75,
    }


def test_the_sample_is_the_same_in_whatever_order_people_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("functions.segments.sample.MOST", 40)
    people = shoppers(40, NOW)
    one = sample_of(people)
    shuffled = list(people)
    Random(3).shuffle(shuffled)
    assert sample_of(shuffled) == one
    assert (len(one.drawn), one.customers) == (40, 120)
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(one), type=Sample)
    assert again == one


# --- in conditions


def cuts(model: ClusterModel, made: datetime = NOW) -> Cuts:
    return Cuts(made=made, people=1, clusters=model)


def test_a_cluster_is_a_field_of_the_person_which_time_alone_does_not_change() -> None:
    _, learned = first()
    for one in shoppers(3, NOW):
        found = person.fields(one, NOW, cuts(learned.model))["cluster"]
        later = person.fields(one, NOW + timedelta(days=300), cuts(learned.model))["cluster"]
        assert found == later == place(learned.model, behaviour(one, NOW))
    visitor = Profile(person="v", created=NOW)
    assert person.fields(visitor, NOW, cuts(learned.model))["cluster"] is None


@pytest.mark.parametrize("wrong", ["Loyal", "C1", "c0", "c", 1, ["c1", "gold"]])
def test_a_cluster_is_named_by_its_id(wrong: Any) -> None:
    raw = {"one of": wrong} if isinstance(wrong, list) else wrong
    with pytest.raises(BadPhrase, match="is no id of a cluster; write its id, such as c2"):
        condition({"person": {"cluster": raw}})
    condition({"person": {"cluster": {"one of": ["c1", "c12"]}}})


# --- in words


def test_each_cluster_is_told_by_what_sets_it_apart_most() -> None:
    sample, learned = first()
    said = report(learned, sample.drawn, sample.customers, None)
    names = kinds(sample, learned.labels)
    words = {names[one.cluster]: sentence(one.apart, "en") for one in said.clusters}
    assert words["hunter"].startswith("mostly with coupons")
    assert "has not bought for long" in words["rare"]
    assert "in large baskets" in words["rare"]
    assert "has ordered often" in words["regular"]
    german = {names[one.cluster]: sentence(one.apart, "de") for one in said.clusters}
    assert german["hunter"].startswith("meist mit Gutschein")
    assert sum(one.people for one in said.clusters) == 360


@pytest.mark.parametrize(
    ("inside", "difference", "says"),
    [
        (0.6, 1.0, "mostly with coupons"),
        (0.3, 1.0, "with coupons more than others"),
        (0.3, -1.0, "with coupons less than others"),
        (0.05, -1.0, "hardly ever with coupons"),
    ],
)
def test_mostly_is_only_said_of_more_than_half(inside: float, difference: float, says: str) -> None:
    one = Difference(
        feature="coupons", is_share=True, inside=inside, outside=0.2, difference=difference
    )
    assert sentence([one], "en") == says
    assert sentence([], "en") == "much like all other customers"


def test_segments_that_overlap_are_told_with_their_shares() -> None:
    people = shoppers(120, NOW)
    for one in people:
        if "hunter" in one.person:
            one.segments = {"bargains": NOW}
    sample = sample_of(people)
    learned = learn(sample.drawn, None, NOW)
    said = report(learned, sample.drawn, sample.customers, None)
    names = kinds(sample, learned.labels)
    [hunters] = [one for one in said.clusters if names[one.cluster] == "hunter"]
    [within] = hunters.segments
    assert (within.segment, within.inside > 0.95, within.outside < 0.05) == ("bargains", True, True)
