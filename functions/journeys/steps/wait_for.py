"""Wait for something to happen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from functions.journeys import schema
from functions.journeys.happening import brief
from functions.journeys.step import Step
from functions.journeys.steps.awaiting import Awaiting
from functions.segments.phrases import duration

if TYPE_CHECKING:
    from functions.journeys.flow import Flow


class WaitFor(Awaiting, dict=True, rename={"wait_for": "wait for", "at_most": "at most"}):
    """Waits for an event, or until a condition becomes true, but only so long.

    `then` holds the steps when it happened, `otherwise` those when the time ran out. A wait for
    what comes of a message counts from its sending; when the message was not sent at all,
    `otherwise` is taken at once.
    """

    wait_for: schema.Happening
    then: schema.Steps = msgspec.field(default_factory=list)
    otherwise: schema.Steps = msgspec.field(default_factory=list)

    verb: ClassVar[str] = "wait for"
    arms: ClassVar[tuple[str, ...]] = ("then", "otherwise")

    def label(self, before: Step | None) -> str:
        return f"wait for {brief(self.wait_for)}"

    @property
    def happenings(self) -> list[dict[str, Any]]:
        return [self.wait_for]

    def onwards(self, flow: Flow, after: str) -> str:
        return flow.arm(self, "then", after)

    def check(self) -> Iterator[tuple[str, str]]:
        yield from inexact(self.at_most)


def inexact(at_most: str) -> Iterator[tuple[str, str]]:
    """The problem of a longest time that no state can have as its timeout."""
    if duration(at_most).exact is None:
        yield "at most", f'{at_most!r} is not exact; write days or weeks, like "30 days"'
