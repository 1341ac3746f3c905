"""Answers about runs: which there are, and why they went as they did."""

from typing import Any

import msgspec
from aws_lambda_powertools.event_handler.exceptions import BadRequestError, NotFoundError

from functions.folder import JOURNEY_FILE
from functions.handlers import views, wiring
from functions.handlers.answers.door import (
    LANGUAGE,
    LIMIT,
    NEXT,
    PERSON,
    chosen_language,
    operation,
    page_size,
    profile_of_id,
    query,
)
from functions.handlers.desk import journey_desk
from functions.handlers.openapi import Parameter
from functions.journeys.run import Run
from functions.journeys.waiting import waits_for
from functions.journeys.why import Way, way
from functions.journeys.why_not import Missing, why_not
from functions.journeys.yaml_file import read
from functions.storage import people

MOST_TOLD = 10  # runs of a person and journey, each with a read of all its messages


class RunsPage(msgspec.Struct):
    """Runs: of a journey those under way first, then the others; newest first."""

    runs: list[views.RunView]
    next: str = ""


class WhyPage(msgspec.Struct):
    """A person's runs of a journey, told; without any, why there is none."""

    runs: list[Way]
    missing: Missing | None = None


@operation(
    "/api/runs",
    "Runs of a journey: those under way, then those that ended, newest first; or a person's",
    RunsPage,
    Parameter("journey", "query", "the journey's name"),
    Parameter("person", "query", "a person's id"),
    LIMIT,
    NEXT,
)
def _runs() -> RunsPage:
    store, journey = wiring.parts().store, query("journey")
    if query("person"):
        prefix = f"{journey}/" if journey else ""
        keys = profile_of_id(query("person")).keys
        found = [run for key in keys for run in store.query(Run, key, prefix=prefix)]
        found.sort(key=lambda run: run.entered, reverse=True)
        return RunsPage([_run(run) for run in found])
    if not journey:
        raise BadRequestError('say which: "journey" or "person"')
    runs, after = store.listing(Run, journey, limit=page_size(), after=query("after"))
    return RunsPage([_run(run) for run in runs], after)


def _run(run: Run) -> views.RunView:
    if run.status == "ended":
        return views.run(run, "")
    parts = wiring.parts()
    desk, profile = journey_desk(parts), people.profile_of(parts.store, run.person)
    return views.run(run, waits_for(desk, run, profile, desk.permission(run.person)))


@operation(
    "/api/people/{person_id}/journeys/{journey}/why",
    "Why (not)? What was decided at each step of a person's runs of a journey, newest first",
    WhyPage,
    PERSON,
    Parameter("journey", "path", "the journey's name"),
    LANGUAGE,
)
def _why(person_id: str, journey: str) -> WhyPage:
    parts, profile = wiring.parts(), profile_of_id(person_id)
    newest = parts.library.newest(journey)
    runs = [
        run for key in profile.keys for run in parts.store.query(Run, key, prefix=f"{journey}/")
    ]
    if newest is None and not runs:
        raise NotFoundError(f'no journey is called "{journey[:50]}"')
    runs.sort(key=lambda run: run.entered, reverse=True)
    desk, language = journey_desk(parts), chosen_language()
    zone = desk.zone(profile)
    told = [
        way(desk, run, profile, _file(parts, run.journey, run.journey_version), zone, language)
        for run in runs[:MOST_TOLD]
    ]
    missing = None
    if newest and not runs:
        raw = _file(parts, journey, newest.version)
        missing = why_not(desk, profile, newest.journey, raw, language)
    return WhyPage(told, missing)


def _file(parts: wiring.Parts, journey: str, version: str) -> dict[str, Any]:
    text = parts.library.version(journey, version).files[JOURNEY_FILE]
    raw: dict[str, Any] = read(f"{journey}/{JOURNEY_FILE}", text).value
    return raw
