"""An execution has ended, however it did: close its run (an EventBridge rule calls this)."""

import json
from typing import Any

from functions.handlers import costing, wiring
from functions.handlers.desk import journey_desk
from functions.handlers.discreet import Logger
from functions.journeys.leave import execution_ended

logger = Logger(service="close_run")


def handler(event: dict[str, Any], context: object) -> None:
    """`detail` of "Step Functions Execution Status Change": name, status, input, output."""
    detail = event["detail"]
    names = json.loads(detail["input"])
    if detail["status"] not in ("SUCCEEDED", "ABORTED"):
        logger.error("a run failed", extra={"run": names["run"], "status": detail["status"]})
    parts = wiring.parts()
    execution_ended(
        journey_desk(parts),
        names["person"],
        names["run"],
        detail["name"],
        detail["status"],
        detail.get("output"),
    )
    costing.count_end(parts, names["run"].rpartition("-")[0], detail["name"])
