"""The report of a prepared forecast, from what came of its draws."""

from collections.abc import Sequence

from functions.forecast.report import About, Limits, Report
from functions.forecast.reporting import report
from functions.forecast.tally import Tally
from functions.virtual.prepared import Prepared


def reported(prepared: Prepared, draws: Sequence[Tally], limits: Limits | None = None) -> Report:
    """The report. Of a sample everything is counted for all."""
    asked, people = prepared.asked, prepared.people
    looked_at = draws[0].people
    about = About(
        journeys=[asked.journey],
        begin=prepared.plan.begin,
        until=prepared.plan.until,
        mode="generated" if asked.people else asked.mode,
        seed=asked.seed,
        matching=round(looked_at * people.stands_for) if people.stands_for > 1 else None,
    )
    return report(draws, prepared.shape, about, limits)
