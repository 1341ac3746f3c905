"""Every minute: who is due is looked at, by way of the event queue."""

from collections.abc import Iterator
from typing import Any

import msgspec

from functions.handlers import wiring
from functions.handlers.discreet import Logger
from functions.journeys.standing import SHARDS, Look, Standing
from functions.storage.kinds import sortable

logger = Logger(service="find_due")
PAGE = 5  # people of a message: process_event takes a hundred messages in a minute


def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    """Returns how many people were found due.

    Whoever is not looked at until the next call is found again: a second look costs a read.
    """
    parts = wiring.parts()
    found = 0
    for people in _due(parts):
        parts.send_events([msgspec.json.encode(Look(look=people))], 0)
        found += len(people)
    logger.info("found", extra={"due": found})
    return {"due": found}


def _due(parts: wiring.Parts) -> Iterator[list[str]]:
    """Their keys, a few at a time. A listing begins with the latest, so it is entered at now."""
    now = parts.now()
    for shard in SHARDS:
        after = f"{sortable(now)}$"  # greater than all that are due in this very moment
        while after:
            page, after = parts.store.listing(Standing, shard, after=after)
            people = [one.person for one in page if one.is_due(now)]
            yield from (people[i : i + PAGE] for i in range(0, len(people), PAGE))
