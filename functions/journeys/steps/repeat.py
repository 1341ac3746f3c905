"""Do steps again and again."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec

from functions.journeys import schema
from functions.journeys.happening import brief
from functions.journeys.step import Answer, Step, Visit, below, ends
from functions.segments.condition import Condition, condition

if TYPE_CHECKING:
    from functions.journeys.flow import Flow

AGAIN, DONE = "again", "done"


class Repeat(Step, dict=True):
    """Does its steps so often, or until a condition is true, which is asked before each pass.

    The number of the pass (from 0) stands in the execution's data, below `$.loop`; there is one
    place, because loops do not stand in loops.
    """

    repeat: schema.Steps
    times: Annotated[int, msgspec.Meta(ge=1, le=1000)]
    until: schema.Condition | None = None

    verb: ClassVar[str] = "repeat"
    arms: ClassVar[tuple[str, ...]] = ("repeat",)

    @cached_property
    def asked(self) -> Condition | None:
        """The condition, read once."""
        return condition(self.until) if self.until else None

    def label(self, before: Step | None) -> str:
        first: Any = self.repeat[0]  # until now as it stands in the file
        return f"repeat {brief(first)}"[:40].rstrip()

    def states(self, flow: Flow, after: str, before: Step | None) -> str:
        """A task that asks and counts before each pass, and a Choice: two for each pass."""
        again = f"again: {self.name}"
        with flow.inside(self):
            first = flow.chain(self.repeat, again, self)
        path = flow.result_path(self)
        choice = {
            "Type": "Choice",
            "Choices": [{"Variable": f"{path}.Payload.arm", "StringEquals": AGAIN, "Next": first}],
            "Default": after or flow.end(),
        }
        decide = flow.add(self._choice, choice)
        counted = {"pass.$": f"{path}.Payload.pass", "began.$": f"{path}.Payload.began"}
        for name, said in ((again, counted), (self.name, {})):
            state = flow.task(self, path)
            state["Parameters"]["Payload"].update(said)
            flow.finish(state, [], decide)
            flow.add(name, state)
        flow.rest(self, again)
        return self.name

    def turns(self) -> dict[str, int]:
        return {self._choice: self.times}

    @property
    def _choice(self) -> str:
        return f"once more or on: {self.name}"

    def visit(self, visit: Visit) -> Answer | None:
        """Whether there is another pass and its number; `began` is when the first one did."""
        told = visit.payload
        number = told["pass"] + 1 if "pass" in told else 0
        enough = bool(self.asked and self.asked(visit.facts))
        if enough:
            visit.decided(self, DONE, [self.until])
        over = enough or number >= self.times
        began = told.get("began") or visit.now.isoformat()
        return Answer({"arm": DONE if over else AGAIN, "pass": number, "began": began})

    def check(self) -> Iterator[tuple[str, str]]:
        if ends(self.repeat):
            yield "repeat", "ends the run in the first pass, so there is nothing to repeat"
        if any(step.verb == self.verb for step in below(self.repeat)):
            words = "a repeat does not stand in another; put its steps into this one"
            yield "repeat", f'{words}, or into a journey of their own ("start journey")'
