"""Which of a person's events a step asks for: of others it need not know yet.

Said only of what is plainly so; whatever else a step asks, it asks for everything.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from functions.journeys.steps.awaiting import Awaiting
from functions.journeys.steps.branch import Branch
from functions.journeys.steps.send import BEST_CHANNEL, Send
from functions.messages.template import is_filled
from functions.segments.condition import names
from functions.storage.library import Library, Published
from functions.tracking.consent import WORDS
from functions.tracking.event import Event

Names = frozenset[str]
NOTHING: Names = frozenset()
_GOES_ON = ("resume", "again", "pass", "target")  # words of a payload that is not of a plain call
_OF_MESSAGES = {"opened", "clicked", "sent", "link", "robots"}


class Asking:
    """What the steps of the published journeys ask, found once for each."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._found: dict[tuple[str, str, str], Names | None] = {}
        self._is_plain: bool | None = None

    def can_wait(self, payload: Mapping[str, Any], events: Iterable[Event]) -> bool:
        """Whether none of these events matters to the call of run_step with this payload."""
        if any(word in payload for word in _GOES_ON):
            return False
        journey, version = payload["journey"], payload["version"]
        steps = {payload["step"], payload.get("wait") or payload["step"]}
        asked = [self._names(journey, version, step) for step in steps]
        return None not in asked and all(
            _tells_of_itself_alone(event) and not any(event.event in one for one in asked if one)
            for event in events
        )

    def _names(self, journey: str, version: str, step: str) -> Names | None:
        """The events for which a step asks; None: whatever there is of the person."""
        key = (journey, version, step)
        if key not in self._found:
            self._found[key] = self._asked(self._library.version(journey, version), step)
        return self._found[key]

    def _asked(self, published: Published, name: str) -> Names | None:
        step = published.journey.step(name)
        if self._is_plain is None:
            limits, rules = self._library.limits(), self._library.rules()
            self._is_plain = not (rules.hash or limits.sunset or limits.calm)
        if not self._is_plain:
            return None
        if isinstance(step, Send):
            return None if _is_personal(step, published.files) else NOTHING
        if isinstance(step, Awaiting):
            return _together(_of_condition(raw) for raw in step.happenings)
        return _of_condition(step.if_) if isinstance(step, Branch) else None


def _is_personal(step: Send, files: Mapping[str, str]) -> bool:
    """Whether more of the person decides on the message than their address and language: on what
    of it is put into words, too."""
    words = [
        text
        for name, text in files.items()
        if name.startswith(f"{step.send}.") and name.endswith((".subject", ".sms"))
    ]
    return step.by == BEST_CHANNEL or bool(step.best_time) or any(map(is_filled, words))


def _of_condition(raw: Any) -> Names | None:
    if not isinstance(raw, dict):
        return None
    if "did" in raw:
        return frozenset(names(raw["did"]))
    if "event" in raw:
        return frozenset(names(raw["event"]))
    return NOTHING if raw.keys() <= _OF_MESSAGES else None


def _together(found: Iterable[Names | None]) -> Names | None:
    every = list(found)
    known = [one for one in every if one is not None]
    return NOTHING.union(*known) if len(known) == len(every) else None


def _tells_of_itself_alone(event: Event) -> bool:
    """Whether it changes nothing of the person that decides how they are written to."""
    return event.type == "track" and not event.context and event.event not in WORDS
