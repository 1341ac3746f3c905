"""Wait for the first of several happenings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from functions.journeys import schema
from functions.journeys.happening import brief
from functions.journeys.step import Step
from functions.journeys.steps.awaiting import Awaiting
from functions.journeys.steps.choose import arm_name
from functions.journeys.steps.wait_for import inexact

if TYPE_CHECKING:
    from functions.journeys.flow import Flow


class WaitForFirstOf(
    Awaiting,
    dict=True,
    rename={"wait_for_first_of": "wait for first of", "at_most": "at most"},
):
    """Waits for the first of several happenings, but only so long, and goes its way.

    What came first is told by the events' own times; a condition that is true came now. When the
    time runs out, or when all hang on messages and none of these was sent, `otherwise` is taken.
    """

    wait_for_first_of: schema.Happenings
    otherwise: schema.Steps = msgspec.field(default_factory=list)

    verb: ClassVar[str] = "wait for first of"

    def __post_init__(self) -> None:
        # Steps are read in their places, and what stands in the file stays as it is.
        self.wait_for_first_of = [
            {**way, "then": list(way.get("then") or ())} for way in self.wait_for_first_of
        ]

    @property
    def happenings(self) -> list[dict[str, Any]]:
        return [without_arm(way) for way in self.wait_for_first_of]

    def ways(self) -> list[tuple[tuple[str | int, ...], list[Step]]]:
        places = enumerate(self.wait_for_first_of)
        found = [((self.verb, index, "then"), way["then"]) for index, way in places]
        return [*found, (("otherwise",), self.otherwise)]

    def label(self, before: Step | None) -> str:
        first = " or ".join(brief(one) for one in self.happenings)
        return f"wait for first of {first}"[:50].rstrip()

    def onwards(self, flow: Flow, after: str) -> str:
        """A Choice that reads which of them it was; the last needs no question."""
        firsts = [
            flow.chain(way["then"], after, self) or flow.end() for way in self.wait_for_first_of
        ]
        choices = [
            {
                "Variable": "$.last.Payload.arm",
                "StringEquals": arm_name(number),
                "Next": first,
            }
            for number, first in enumerate(firsts[:-1])
        ]
        choice = {"Type": "Choice", "Choices": choices, "Default": firsts[-1]}
        return flow.add(f"which came: {self.name}", choice)

    def said(self, which: int) -> dict[str, Any]:
        return {"arm": arm_name(which)}

    def check(self) -> Iterator[tuple[str, str]]:
        yield from inexact(self.at_most)
        if len(self.wait_for_first_of) == 1:
            yield self.verb, 'has one happening only; write "wait for" with "then" and "otherwise"'


def without_arm(way: dict[str, Any]) -> dict[str, Any]:
    """The happening alone, as `wait for` has it."""
    return {word: value for word, value in way.items() if word != "then"}
