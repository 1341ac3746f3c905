"""The report of a prepared forecast, from what came of its draws."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from functions.forecast.costing import costing
from functions.forecast.prices import Prices
from functions.forecast.report import About, Limits, Report
from functions.forecast.reporting import report
from functions.forecast.tally import Tally
from functions.handlers.costing import own_prices
from functions.virtual.prepared import Prepared


def reported(prepared: Prepared, draws: Sequence[Tally], prices: Prices) -> Report:
    """The report, with what it costs by these prices. Of a sample everything is counted for all."""
    asked, people = prepared.asked, prepared.people
    looked_at, times = draws[0].people - draws[0].newcomers, people.stands_for
    about = About(
        journeys=[asked.journey],
        begin=prepared.plan.begin,
        until=prepared.plan.until,
        mode="generated" if asked.people else asked.mode,
        seed=asked.seed,
        matching=round(looked_at * times) if times > 1 else None,
        newcomers_of=people.lately.days,
    )
    cost = costing(draws, about.journeys, times, prices, text_prices(prepared, draws, prices))
    limits = Limits(
        a_week=asked.most_a_week,
        mails_a_second=asked.mails_a_second,
        mails_a_day=asked.mails_a_day,
        texts_a_second=asked.texts_a_second,
    )
    return report(draws, prepared.shape, about, limits, cost)


def text_prices(
    prepared: Prepared, draws: Sequence[Tally], prices: Prices
) -> Mapping[str, Decimal]:
    """What a part of a text message costs, by country, where the brand says so itself."""
    countries = {
        country for one in draws for found in one.journeys.values() for country in found.texts
    }
    return own_prices(prepared.plan.programme.brand(), countries, prices)
