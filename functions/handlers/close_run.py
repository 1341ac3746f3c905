"""An execution has ended, however it did: close its run (an EventBridge rule calls this)."""

import json
from typing import Any

from aws_lambda_powertools import Logger

from functions.handlers import wiring
from functions.journeys.leave import close
from functions.storage import people
from functions.storage.store import change

logger = Logger(service="close_run")


def handler(event: dict[str, Any], context: object) -> None:
    """`detail` of "Step Functions Execution Status Change": name, status, input, output."""
    detail = event["detail"]
    names = json.loads(detail["input"])
    journey = names["run"].rpartition("-")[0]
    parts = wiring.parts()
    # A run that was leaving when its execution ended by itself has left.
    live = people.permission_of(parts.store, names["person"]).live.get(names["run"])
    outcome = live.leaving if live and live.leaving else _outcome(detail)
    if detail["status"] not in ("SUCCEEDED", "ABORTED"):
        logger.error("a run failed", extra={"run": names["run"], "status": detail["status"]})
    close(parts.store, names["person"], journey, names["run"], outcome, parts.now())
    _no_longer_live(parts, names["person"], names["run"])


def _outcome(detail: dict[str, Any]) -> str:
    if detail["status"] != "SUCCEEDED":
        return "stopped" if detail["status"] == "ABORTED" else "failed"
    output = json.loads(detail.get("output") or "{}")
    return str(output.get("outcome", "finished"))


def _no_longer_live(parts: wiring.Parts, person: str, run_id: str) -> None:
    change(
        parts.store,
        lambda: people.permission_of(parts.store, person),
        lambda permission: permission.live.pop(run_id, None) is not None,
    )
