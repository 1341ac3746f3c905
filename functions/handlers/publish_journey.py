"""The one publisher: a journey's folder becomes a version that never changes."""

import json
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from functions.folder import Folder, check, read_folder
from functions.handlers import wiring
from functions.handlers.discreet import Logger
from functions.handlers.publisher import answer
from functions.handlers.versions import (
    REPOSITORY,
    alter,
    carry_out,
    not_ours,
    plan,
    publish_brand,
)
from functions.journeys.migration import Choice
from functions.journeys.run import JourneyVersion
from functions.problem import Problem, Problems

logger = Logger(service="publish_journey")
BUNDLED = Path("statemachines")  # beside the code in the Lambda
LONGEST_REASON = 2000  # CloudFormation takes an answer of 4 KB


def handler(event: dict[str, Any], context: Any) -> dict[str, Any] | None:
    """A custom resource of CloudFormation, or an order of the admin API.

    Create and update publish the bundled folder, after the state machines of the same deployment
    were brought up to date. Whatever fails here fails the deployment, which then puts the
    machines back. Deleting publishes nothing: people under way keep their versions as long as
    there is a table. An order is answered with status and body.
    """
    if "RequestType" not in event:
        return answer(wiring.parts(), event)
    status, reason, data = "SUCCESS", "", {}
    try:
        if event["RequestType"] != "Delete":
            done = publish(wiring.parts(), read_folder(BUNDLED), deployed=True)
            data = {name: version for name, version, _ in done}
    except Exception as error:
        logger.exception("nothing was published, or not all")
        status, reason = "FAILED", str(error)[:LONGEST_REASON]
    _answer(event, status, reason, data)
    return None


def _answer(event: Mapping[str, Any], status: str, reason: str, data: Mapping[str, str]) -> None:
    """Tell CloudFormation, which waits for a PUT to the address that it gave."""
    body = {
        "Status": status,
        "Reason": reason,
        "PhysicalResourceId": event.get("PhysicalResourceId") or "journeys",
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": data,
    }
    request = urllib.request.Request(
        event["ResponseURL"],
        json.dumps(body).encode(),
        {"content-type": ""},  # the address is signed without one
        method="PUT",
    )
    with urllib.request.urlopen(request, timeout=30):
        return


def publish(
    parts: wiring.Parts, folder: Folder, owner: str = REPOSITORY, deployed: bool = False
) -> list[tuple[str, str, bool]]:
    """Publish all of a folder that has changed. Returns (journey, version, whether it is new).

    People under way keep their version. Into a journey whose folder is gone nobody enters any
    more. A deployment (`deployed`) does not take back what was published since by a command.
    Raises Problems, and then publishes nothing.
    """
    plans = [plan(parts, one, Choice(), looked=False) for one in check(folder)]
    newer = [
        problem
        for one in plans
        if (problem := not_ours(one.before, owner))
        or (deployed and (problem := _published_since(one.before, one.version)))
    ]
    if newer:
        raise Problems(newer)
    publish_brand(parts, folder, owner)
    done = [(one.name, one.version, carry_out(parts, one, owner, False)) for one in plans]
    for name in set(parts.library.names()) - {one.name for one in plans}:
        _retire(parts, name, owner)
    parts.library.forget()
    return done


def _published_since(newest: JourneyVersion | None, version: str) -> Problem | None:
    """What a deployment would take back without anybody wanting it."""
    if newest is None or newest.retired or not newest.at_run_time or newest.points_to == version:
        return None
    return Problem(
        f"{newest.journey}/journey.yaml",
        0,
        f"version {newest.points_to} was published by a command since the last deployment "
        f"({newest.published}), and this folder has version {version}; take that version into the "
        "folder, or publish this folder with: tante publish",
    )


def _retire(parts: wiring.Parts, name: str, owner: str) -> None:
    """Nobody enters it from now on; whoever is under way goes on."""

    def retire(newest: JourneyVersion) -> bool:
        if newest.retired or newest.owner not in ("", owner):
            return False
        newest.retired = parts.now()
        return True

    alter(parts, name, retire)
