"""Events of our own: what Tante itself finds out or does about a person, told like any other."""

from datetime import datetime
from typing import Any

from functions.tracking.event import Event
from functions.tracking.identity import short_hash


def own_event(
    source: str, person: str, name: str, occasion: str, now: datetime, **properties: Any
) -> Event:
    """A track call about the person with this key, from `source` (a name of ours, such as
    "segments"). The same person, name and `occasion` give the same event, so that it counts once
    however often it is sent."""
    return Event(
        type="track",
        event=name,
        message_id=f"{source}-{short_hash(person, name, occasion)}",
        time=now,
        received_at=now,
        client_time=now.isoformat(),
        properties=properties,
        source=source,
        trusted=True,
        person=person,
    )
