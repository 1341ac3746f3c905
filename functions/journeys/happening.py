"""A happening: an event that comes, or a condition that becomes true."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from functions.segments.condition import Condition, Facts, condition, event_test
from functions.segments.condition import mentioned_messages as in_condition
from functions.tracking.event import Event


@dataclass(frozen=True)
class Happening:
    """`names` are the events it waits for; empty for a condition, which any event may make true."""

    names: tuple[str, ...]
    happened: Callable[[Event, Facts], bool]
    messages: tuple[str, ...] = ()
    holds: Condition | None = None

    def listens_to(self, event: Event) -> bool:
        """Whether an event of this name may be it, or make it true."""
        return not self.names or event.name in self.names


def happening(raw: Any, lacking: bool = False) -> Happening:
    """Read a HAPPENING; `lacking` as in `event_test`. Raises BadPhrase."""
    if isinstance(raw, dict) and "event" in raw:
        names, matches = event_test(raw, lacking)
        return Happening(names, lambda event, facts: matches(event, facts.entry, facts.now))
    holds = condition(raw)
    return Happening((), lambda event, facts: holds(facts), tuple(in_condition(raw)), holds)


def brief(raw: dict[str, Any]) -> str:
    """A happening or condition in a few words: "clicked guide", "Order Completed"."""
    word, value = next(iter(raw.items()), ("", ""))
    if isinstance(value, dict):
        value = next(iter(value), "")
    text = " or ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if word == "event" else f"{word} {text}"
