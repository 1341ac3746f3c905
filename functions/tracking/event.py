"""An event: one thing that happened, in the words of Segment's specification."""

from datetime import datetime
from typing import Any, Literal

import msgspec

JOURNEYS = "journeys"  # the source of the events that steps cause
IMPORT = "import"  # the name of an import's mark in the context of its calls
SCORE_ADDED = "Score Added"  # one of them, with the property `points`

EventType = Literal["identify", "track", "page", "screen", "group", "alias"]


class Event(msgspec.Struct, omit_defaults=True, kw_only=True):
    """One accepted event, as collect_event hands it on and the timeline keeps it.

    `time` is the client's time corrected for its clock's error (UTC); `client_time` is the
    client's timestamp exactly as it was sent, because it alone stays the same from retry to
    retry. `source` is the name of the write key's owner; `trusted` says whether that owner may
    speak for a person's consent. `person` is set on events of our own (receipts) only.
    """

    type: EventType
    message_id: str
    time: datetime
    received_at: datetime
    client_time: str = ""
    event: str = ""
    user_id: str = ""
    anonymous_id: str = ""
    previous_id: str = ""
    group_id: str = ""
    properties: dict[str, Any] = {}
    traits: dict[str, Any] = {}
    context: dict[str, Any] = {}
    source: str = ""
    trusted: bool = False
    person: str = ""

    @property
    def name(self) -> str:
        """What journeys and counters call it: a track call's event, else the call's own type."""
        return self.event or self.type

    @property
    def as_of(self) -> datetime | None:
        """When the export was true that an import has this from: of two exports that tell of one
        thing, the later one is right. `context: {"import": {"as_of": "2027-03-01T09:00:00Z"}}`."""
        said = self.context.get(IMPORT)
        try:
            found = datetime.fromisoformat(said["as_of"]) if isinstance(said, dict) else None
        except (KeyError, TypeError, ValueError):
            return None
        return min(found, self.received_at) if found and found.tzinfo else None

    @property
    def is_quiet(self) -> bool:
        """Whether it was imported, so that it tells of somebody known elsewhere, and lets nobody
        in: `context: {"import": {"quiet": true}}`."""
        said = self.context.get(IMPORT)
        return isinstance(said, dict) and said.get("quiet") is True


class EventBatch(msgspec.Struct):
    """The body of one queue message: many events, and what happened to them before.

    `attempt` counts how often they failed, `put_off` how often somebody was too busy for them.
    """

    events: list[Event]
    attempt: int = 0
    reason: str = ""
    put_off: int = 0


MESSAGE_LIMIT = 240 * 1024  # bytes of one queue message; SQS took 256 KB for many years
_encode = msgspec.json.Encoder().encode


def bodies(batch: EventBatch) -> list[bytes]:
    """The batch as few queue messages as the limit allows, by halving what is too large."""
    body = _encode(batch)
    if len(body) > MESSAGE_LIMIT and len(batch.events) > 1:
        middle = len(batch.events) // 2
        halves = (batch.events[:middle], batch.events[middle:])
        return [
            body for half in halves for body in bodies(msgspec.structs.replace(batch, events=half))
        ]
    # SQS takes no U+FFFE and U+FFFF; in JSON they can stand only in a text, so escaping is safe.
    return [body.replace(b"\xef\xbf\xbe", b"\\ufffe").replace(b"\xef\xbf\xbf", b"\\uffff")]
