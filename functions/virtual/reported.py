"""The report of a prepared forecast, from what came of its draws."""

from collections.abc import Sequence

from functions.forecast.costing import costing
from functions.forecast.prices import Prices
from functions.forecast.report import About, Limits, Report
from functions.forecast.reporting import report
from functions.forecast.tally import Tally
from functions.virtual.prepared import Prepared


def reported(prepared: Prepared, draws: Sequence[Tally], prices: Prices) -> Report:
    """The report, with what it costs by these prices. Of a sample everything is counted for all."""
    asked, people = prepared.asked, prepared.people
    looked_at, times = draws[0].people, people.stands_for
    about = About(
        journeys=[asked.journey],
        begin=prepared.plan.begin,
        until=prepared.plan.until,
        mode="generated" if asked.people else asked.mode,
        seed=asked.seed,
        matching=round(looked_at * times) if times > 1 else None,
    )
    cost = costing(draws, about.journeys, times, prices)
    limits = Limits(
        a_week=asked.most_a_week,
        mails_a_second=asked.mails_a_second,
        mails_a_day=asked.mails_a_day,
        texts_a_second=asked.texts_a_second,
    )
    return report(draws, prepared.shape, about, limits, cost)
