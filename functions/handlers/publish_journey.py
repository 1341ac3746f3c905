"""The one publisher: a journey's folder becomes a version that never changes."""

import json
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from aws_lambda_powertools import Logger

from functions.folder import BRAND_FILE, JOURNEY_FILE, Checked, Folder, check, read_folder
from functions.handlers import wiring
from functions.journeys.run import JourneyVersion
from functions.journeys.standing import Everybody
from functions.journeys.yaml_file import read
from functions.messages.brand import BRAND
from functions.problem import Problem, Problems
from functions.storage.library import NEWEST
from functions.storage.store import change
from functions.tracking.identity import short_hash

logger = Logger(service="publish_journey")
REPOSITORY = "repository"
BUNDLED = Path("statemachines")  # beside the code in the Lambda
LONGEST_REASON = 2000  # CloudFormation takes an answer of 4 KB


def handler(event: dict[str, Any], context: Any) -> None:
    """A custom resource of CloudFormation: create and update publish the bundled folder.

    It runs after the state machines of the same deployment were brought up to date. Whatever
    fails here fails the deployment, which then puts the machines back. Deleting publishes
    nothing: people under way keep their versions as long as there is a table.
    """
    status, reason, data = "SUCCESS", "", {}
    try:
        if event["RequestType"] != "Delete":
            done = publish(wiring.parts(), read_folder(BUNDLED))
            data = {name: version for name, version, _ in done}
    except Exception as error:
        logger.exception("nothing was published, or not all")
        status, reason = "FAILED", str(error)[:LONGEST_REASON]
    _answer(event, status, reason, data)


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
    parts: wiring.Parts, folder: Folder, owner: str = REPOSITORY
) -> list[tuple[str, str, bool]]:
    """Publish all that has changed. Returns (journey, version, whether it is new).

    People under way keep their version. Into a journey whose folder is gone nobody enters any
    more. Raises Problems, and then publishes nothing.
    """
    checked = check(folder)
    names = [one.journey.name for one in checked]
    theirs = [problem for name in names if (problem := _not_ours(parts, name, owner))]
    if theirs:
        raise Problems(theirs)
    brand = {BRAND_FILE: folder.brand}
    _write(parts, BRAND, short_hash(folder.brand), brand, "")
    _point(parts, BRAND, short_hash(folder.brand), owner)
    done = [(one.journey.name, one.version, _publish(parts, one, owner)) for one in checked]
    for name in set(parts.library.names()) - set(names):
        _retire(parts, name, owner)
    parts.library.forget()
    return done


def _not_ours(parts: wiring.Parts, name: str, owner: str) -> Problem | None:
    newest = parts.store.get(JourneyVersion, name, NEWEST)
    if newest is None or newest.retired or newest.owner in ("", owner):
        return None
    return Problem(
        f"{name}/journey.yaml",
        0,
        f"was published by the {newest.owner} (version {newest.points_to}, {newest.published}); "
        "take that version into the folder, or retire it there, before you publish from here",
    )


def _publish(parts: wiring.Parts, one: Checked, owner: str) -> bool:
    """Freeze the machine, write the version, then point to it."""
    name = one.journey.name
    newest = parts.store.get(JourneyVersion, name, NEWEST)
    there = parts.store.get(JourneyVersion, name, one.version)
    current = newest and newest.points_to == one.version and not newest.retired
    if there and current and newest and newest.owner == owner:
        return False
    _write(parts, name, one.version, one.files, parts.machines.publish(name, one.version))
    _have_everybody_looked_at(parts, one, newest)
    return _point(parts, name, one.version, owner)


def _have_everybody_looked_at(
    parts: wiring.Parts, one: Checked, newest: JourneyVersion | None
) -> None:
    """Where people enter by a condition, a date or a schedule that is new, all are looked at once.

    Asked for before the version is the newest, so that a crash in between loses nothing: who does
    it waits for the version.
    """
    looked = one.journey.looked
    if looked is None:
        return
    if newest and newest.points_to and not newest.retired:
        before = parts.store.get(JourneyVersion, newest.journey, newest.points_to)
        if before and _way_in(before.files) == _way_in(one.files):
            return
    page = Everybody(everybody="", journeys={one.journey.name: looked.hash})
    parts.send_events([msgspec.json.encode(page)], 0)


def _way_in(files: Mapping[str, str]) -> Any:
    return read(JOURNEY_FILE, files[JOURNEY_FILE]).value.get("enter when")


def _write(
    parts: wiring.Parts, name: str, version: str, files: dict[str, str], machine: str
) -> None:
    """The version's row. The same files make the same version; only its machine may be new."""
    blank = JourneyVersion(
        journey=name, journey_version=version, published=parts.now(), files=files
    )

    def write(row: JourneyVersion) -> bool:
        known = row.version > 0 and row.machine == machine
        row.machine = machine
        return not known

    change(parts.store, lambda: parts.store.get(JourneyVersion, name, version) or blank, write)


def _point(parts: wiring.Parts, name: str, version: str, owner: str) -> bool:
    is_new = False

    def point(newest: JourneyVersion) -> bool:
        nonlocal is_new
        is_new = newest.points_to != version or newest.retired is not None
        changed = is_new or newest.owner != owner
        if changed:
            newest.points_to, newest.published = version, parts.now()
            newest.owner, newest.retired = owner, None
        return changed

    blank = JourneyVersion(journey=name, journey_version=NEWEST)
    change(parts.store, lambda: parts.store.get(JourneyVersion, name, NEWEST) or blank, point)
    return is_new


def _retire(parts: wiring.Parts, name: str, owner: str) -> None:
    """Nobody enters it from now on; whoever is under way goes on."""

    def retire(newest: JourneyVersion | None) -> bool:
        if newest is None or newest.retired or newest.owner not in ("", owner):
            return False
        newest.retired = parts.now()
        return True

    change(parts.store, lambda: parts.store.get(JourneyVersion, name, NEWEST), retire)
