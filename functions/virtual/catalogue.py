"""The catalogue of a running system, with one journey as it is meant to be."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from functions.handlers import publisher
from functions.journeys.run import JourneyVersion
from functions.segments.census_records import Cuts
from functions.storage.library import NEWEST
from functions.storage.store import Store
from functions.virtual.plan import Plan
from functions.virtual.prepared import NotPossible
from functions.virtual.stage import Stage

MOST_PROBLEMS = 10


def live(store: Store) -> list[Any]:
    """What is published, in the versions that new people take, and the newest cut points."""
    pointers, after = store.listing(JourneyVersion, NEWEST)
    while after:
        more, after = store.listing(JourneyVersion, NEWEST, after=after)
        pointers += more
    # A listing may lag behind; the rows themselves do not.
    newest = [store.get(JourneyVersion, row.journey, NEWEST) for row in pointers]
    found: list[Any] = [row for row in newest if row]
    versions = [store.get(JourneyVersion, row.journey, row.points_to) for row in found]
    cuts, _ = store.listing(Cuts, limit=1)
    return [*found, *(row for row in versions if row), *cuts]


def opened(catalogue: Iterable[Any], journey: str) -> list[Any]:
    """The same where people may enter the journey, also if it is paused, stopped or retired."""

    def reopened(row: Any) -> Any:
        if not isinstance(row, JourneyVersion) or row.journey != journey or not row.points_to:
            return row
        return msgspec.structs.replace(row, paused=None, stopped=None, retired=None)

    return [reopened(row) for row in catalogue]


def with_files(
    catalogue: Iterable[Any], journey: str, files: Mapping[str, str], now: datetime
) -> list[Any]:
    """The same with the journey as these files have it. Raises NotPossible with what is wrong in
    them."""
    stage = Stage(Plan(list(catalogue), now, now))
    sent = {f"{journey}/{name}": text for name, text in files.items()}
    said = publisher.answer(stage.parts, {"order": "publish", "body": {"files": sent}})
    if said["status"] != 200:
        body = said["body"]
        problems = body.get("problems", [])[:MOST_PROBLEMS]
        words = "; ".join(f"{one['file']}:{one['line']}: {one['message']}" for one in problems)
        raise NotPossible(words or body["message"])
    return [*stage.store.every(JourneyVersion), *stage.store.every(Cuts)]


def without(catalogue: Iterable[Any], journey: str) -> list[Any]:
    """The same before there was the journey."""
    return [
        row for row in catalogue if not (isinstance(row, JourneyVersion) and row.journey == journey)
    ]


def with_version(catalogue: Iterable[Any], store: Store, journey: str, version: str) -> list[Any]:
    """The same with the journey in a version that was published before. Raises NotPossible."""
    row = store.get(JourneyVersion, journey, version)
    if row is None or row.points_to:
        raise NotPossible(f'the journey "{journey}" has no version "{version}"')

    def pointed(one: Any) -> Any:
        if isinstance(one, JourneyVersion) and one.journey == journey and one.points_to:
            return msgspec.structs.replace(one, points_to=version)
        return one

    return [*map(pointed, catalogue), row]
