"""A decision: which way a run went at a step that asked, and what was known at that moment."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from functions.journeys.run import Told
from functions.segments.condition import Facts
from functions.segments.explain import Explanation, explain
from functions.segments.spoken import LANGUAGES
from functions.tracking.event import Event
from functions.tracking.message import Message

MOST_TOLD = 10  # values of one condition; what a person reads, not an archive


def as_of(facts: Facts, moment: datetime) -> Facts:
    """The facts as they were stored at a moment, as far as they tell their times: what happened
    later, and events that came later, left out."""

    def events(names: Iterable[str], since: datetime | None) -> list[Event]:
        found = facts.events(names, since)
        return [event for event in found if event.time <= moment and event.received_at <= moment]

    return facts.but(
        now=moment,
        events=events,
        messages=lambda: [_as_of(message, moment) for message in facts.messages()],
    )


def _as_of(message: Message, moment: datetime) -> Message:
    return msgspec.structs.replace(
        message,
        opened=_if_before(message.opened, moment),
        bounced=_if_before(message.bounced, moment),
        clicked={link: time for link, time in message.clicked.items() if time <= moment},
    )


def _if_before(time: datetime | None, moment: datetime) -> datetime | None:
    return time if time and time <= moment else None


def tell(asked: list[Any], facts: Facts) -> dict[str, list[Told]]:
    """The conditions that were asked, explained in every language."""
    return {
        language: [told(explain(raw, facts, language)) for raw in asked] for language in LANGUAGES
    }


def told(found: Explanation) -> Told:
    """An explanation as it is kept and shown."""
    parts = [told(part) for part in found.parts]
    return Told(found.sentence, found.holds, list(found.used[:MOST_TOLD]), parts)
