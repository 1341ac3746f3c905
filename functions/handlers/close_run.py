"""An execution has ended, however it did: close its run (an EventBridge rule calls this)."""

import json
from collections.abc import Mapping
from typing import Any

from functions.handlers import costing, wiring
from functions.handlers.desk import journey_desk
from functions.handlers.discreet import Logger
from functions.journeys.leave import execution_ended

logger = Logger(service="close_run")


def handler(event: dict[str, Any], context: object) -> None:
    """`detail` of "Step Functions Execution Status Change": name, status, input, output."""
    detail = event["detail"]
    names, output = json.loads(detail["input"]), json.loads(detail.get("output") or "{}")
    close(names["person"], names["run"], detail["name"], detail["status"], output)


def close(person: str, run_id: str, execution: str, status: str, output: Mapping[str, Any]) -> None:
    """The person's run whose execution of this name has ended, with what it told at its end."""
    if status not in ("SUCCEEDED", "ABORTED"):
        logger.error("a run failed", extra={"run": run_id, "status": status})
    parts = wiring.parts()
    execution_ended(journey_desk(parts), person, run_id, execution, status, output)
    costing.count_end(parts, run_id.rpartition("-")[0], execution)
