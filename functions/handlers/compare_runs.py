"""Daily: compare our run records with Step Functions, and mend what an outage left behind."""

import json
from datetime import timedelta
from typing import Any

from functions.handlers import costing, wiring
from functions.handlers.desk import journey_desk
from functions.handlers.discreet import Logger
from functions.handlers.standing import open_runs
from functions.journeys.enter import start
from functions.journeys.leave import end, execution_ended
from functions.journeys.resume import WENT_ON
from functions.journeys.run import Run, run_key
from functions.journeys.workflow import ENDED

logger = Logger(service="compare_runs")
UNTOUCHED = timedelta(hours=1)  # what is younger is still on its way
REMEMBERED = timedelta(days=89)  # Step Functions forgets an execution after 90 days


def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    """Returns how many runs were closed, started again and stopped."""
    comparison = _Comparison(wiring.parts())
    for journey in comparison.parts.library.names():
        comparison.compare(journey)
    costing.check_budgets(comparison.parts)
    logger.info("compared", extra=comparison.done)
    return comparison.done


class _Comparison:
    """One pass over all journeys."""

    def __init__(self, parts: wiring.Parts) -> None:
        self.parts, self.desk = parts, journey_desk(parts)
        self.done = {"closed": 0, "started": 0, "stopped": 0}

    def compare(self, journey: str) -> None:
        """Every open run has an execution that runs, and the other way round."""
        runs = set(self.parts.machines.under_way(journey))
        for run in open_runs(self.parts.store, journey):
            if run.execution in runs:
                runs.discard(run.execution)
            elif run.began < self.parts.now() - UNTOUCHED:
                self._mend(run)
        for name in runs:
            self._stop_if_ended(journey, name)

    def _mend(self, run: Run) -> None:
        """An open run whose execution does not run: it has ended, or never began."""
        name = run.execution
        found = self.parts.machines.describe(run.journey, name)
        if found and found.status in ENDED:
            output = json.loads(found.output or "{}")
            execution_ended(self.desk, run.person, run.run_id, name, found.status, output)
            self.done["closed"] += 1
        elif found is None and run.began < self.parts.now() - REMEMBERED:
            execution_ended(self.desk, run.person, run.run_id, name, "FAILED", {})
            self.done["closed"] += 1
        elif found is None:
            start(self.desk, run)
            self.done["started"] += 1

    def _stop_if_ended(self, journey: str, name: str) -> None:
        """An execution that runs although its run has ended or has gone on in another one (the
        stop was lost)."""
        found = self.parts.machines.describe(journey, name)
        key = run_key(journey, (found.run if found else "") or name)
        run = found and self.parts.store.get(Run, found.person, key)
        if run and run.status == "ended":
            end(self.desk, run, run.outcome)
        if run and run.execution != name:
            self.parts.workflow.stop(journey, name, WENT_ON)
        if run and (run.status == "ended" or run.execution != name):
            self.done["stopped"] += 1
