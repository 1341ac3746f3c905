"""The one place that names what stands behind the handlers: store, queue, workflow, channels."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from functions.channels.channel import Channel
from functions.journeys.journey import Journey
from functions.journeys.react import Desk
from functions.journeys.run import Run
from functions.journeys.workflow import Workflow
from functions.segments.condition import Facts
from functions.settings import Settings
from functions.storage import people
from functions.storage.library import Library
from functions.storage.remember import timeline
from functions.storage.store import Store
from functions.tracking import fold
from functions.tracking.event import Event
from functions.tracking.message import Message
from functions.tracking.permission import Permission
from functions.tracking.profile import Profile
from functions.tracking.source import Source


class Busy(Exception):
    """The queue takes no more for now; the client should come again in `retry_after` seconds."""

    def __init__(self, retry_after: int = 5) -> None:
        super().__init__(f"busy, come again in {retry_after} s")
        self.retry_after = retry_after


@dataclass(frozen=True)
class Parts:
    """Everything a handler may touch.

    send_events(bodies): puts EventBatch bodies on the event queue, raises Busy.
    bury(body, reason): puts a body on the dead-letter queue.
    source(write_key): who sends with this key, None when unknown or revoked.
    """

    settings: Settings
    store: Store
    library: Library
    workflow: Workflow
    channels: Mapping[str, Channel]
    now: Callable[[], datetime]
    send_events: Callable[[list[bytes]], None]
    bury: Callable[[bytes, str], None]
    source: Callable[[str], Source | None]


_parts: Parts | None = None


def parts() -> Parts:
    """The parts in force: what `use` set, else those of AWS, made at the first call."""
    global _parts
    if _parts is None:
        from functions.handlers.aws import aws_parts

        _parts = aws_parts()
    return _parts


def use(chosen: Parts | None) -> None:
    """Set the parts (one machine, tests)."""
    global _parts
    _parts = chosen


def journey_desk(parts: Parts) -> Desk:
    """What journeys need of the parts."""

    def newest() -> Iterable[tuple[Journey, str]]:
        return [(published.journey, published.version) for published in parts.library.journeys()]

    def facts(run: Run, journey: Journey, profile: Profile, permission: Permission) -> Facts:
        return _facts(parts, run, journey, profile, permission)

    return Desk(
        store=parts.store,
        workflow=parts.workflow,
        now=parts.now,
        newest=newest,
        version=lambda journey, version: parts.library.version(journey, version).journey,
        permission=lambda person: people.permission_of(parts.store, person),
        facts=facts,
    )


def _facts(
    parts: Parts, run: Run, journey: Journey, profile: Profile, permission: Permission
) -> Facts:
    def messages() -> list[Message]:
        return [message for key in profile.keys for message in parts.store.query(Message, key)]

    return Facts(
        profile=profile,
        permission=permission,
        now=parts.now(),
        journey=journey.name,
        run_id=run.run_id,
        entry=run.entry,
        entered=run.entered,
        purpose=journey.purpose,
        needs_consent=parts.library.brand().needs_consent,
        messages=messages,
        events=lambda names, since: events_since(parts.store, profile, tuple(names), since),
    )


def events_since(
    store: Store, profile: Profile, names: tuple[str, ...], since: datetime | None
) -> list[Event]:
    """The person's events of these names since then, oldest first.

    The profile's counters, read afresh, say whether the timeline is worth reading at all.
    """
    fresh = people.profile_of(store, profile.person)
    seen = [fresh.events[name] for name in names if name in fresh.events]
    worth = any(since is None or count.last >= since for count in seen)
    if not worth and len(fresh.events) < fold.MOST_NAMES:
        return []
    return [event for event in timeline(store, fresh, since) if event.name in names]
