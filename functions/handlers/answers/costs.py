"""Answers about money: what each journey cost in a month, by its counters, and its budget."""

from decimal import Decimal

import msgspec
from aws_lambda_powertools.event_handler.exceptions import BadRequestError

from functions.forecast.budget import State
from functions.forecast.cost import Bill
from functions.handlers import costing, wiring
from functions.handlers.answers.door import operation, query
from functions.handlers.costing import Month, Spent
from functions.handlers.openapi import Parameter
from functions.journeys.counted import month_of

MICRO = Decimal("0.000001")  # of a dollar


class CostRow(msgspec.Struct, kw_only=True):
    """A part of a bill in dollars; `sure` tells how sure the price is: P (AWS's price list), S
    (second sources), K (look it up) or own (brand.yaml)."""

    part: str
    amount: Decimal
    unit: str
    price: Decimal
    sure: str
    dollars: Decimal


class JourneyCost(msgspec.Struct, kw_only=True):
    """What a journey cost, in dollars, and is `expected` to have cost at the month's end.

    `off` is the share by which the dollars may be off (0: counted exactly). `runs` have ended,
    `texts` are parts of text messages by country; `budget` is null and `state` "" without one.
    """

    journey: str
    title: str
    runs: int
    mails: int
    texts: dict[str, int]
    steps: int
    dollars: Decimal
    expected: Decimal
    per_run: Decimal | None
    off: float
    budget: Decimal | None
    state: State
    rows: list[CostRow]


class CostsView(msgspec.Struct, kw_only=True):
    """What all journeys cost in a month, the dearest first, by the list prices of a `region` as of
    `prices`. `over` is the share of the month that is over."""

    month: str
    over: float
    region: str
    prices: str
    dollars: Decimal
    expected: Decimal
    budget: Decimal | None
    state: State
    journeys: list[JourneyCost]


@operation(
    "/api/costs",
    "What each journey cost in a month and will have cost by its end, and how its budget stands",
    CostsView,
    Parameter("month", "query", 'the month, like "2027-01"; the present one by default'),
    Parameter("region", "query", "whose prices; those of this stage's region by default"),
)
def _show_costs() -> CostsView:
    parts = wiring.parts()
    asked = query("month") or month_of(parts.now())
    try:
        return _view(costing.month(parts, asked, query("region")))
    except ValueError as error:  # UnknownRegion is one
        raise BadRequestError(str(error)) from None


def _view(found: Month) -> CostsView:
    return CostsView(
        month=found.month,
        over=round(float(found.share), 4),
        region=found.prices.region,
        prices=found.prices.dated,
        dollars=_money(found.dollars),
        expected=_money(found.expected),
        budget=found.budget,
        state=found.state,
        journeys=[_journey(one) for one in found.journeys],
    )


def _journey(one: Spent) -> JourneyCost:
    each = one.bill.per_participant
    return JourneyCost(
        journey=one.journey,
        title=one.title,
        runs=one.counts.ended,
        mails=one.counts.mails,
        texts=one.counts.texts,
        steps=sum(one.counts.steps.values()),
        dollars=_money(one.dollars),
        expected=_money(one.expected),
        per_run=None if each is None else _money(each),
        off=round(one.off, 4),
        budget=one.budget,
        state=one.state,
        rows=_rows(one.bill),
    )


def _rows(bill: Bill) -> list[CostRow]:
    return [
        CostRow(
            part=row.part,
            amount=_money(row.amount),
            unit=row.unit,
            price=row.price,
            sure=row.sure,
            dollars=_money(row.dollars),
        )
        for row in bill.rows
    ]


def _money(amount: Decimal) -> Decimal:
    return amount.quantize(MICRO)
