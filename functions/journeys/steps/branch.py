"""Go one of two ways."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import msgspec

from functions.journeys import schema
from functions.journeys.happening import brief
from functions.journeys.step import Answer, Step, Visit
from functions.segments.condition import Condition, can_be_told_again, condition

if TYPE_CHECKING:
    from functions.journeys.flow import Flow


class Branch(Step, dict=True, rename={"if_": "if"}):
    """Asks a condition at that moment and goes one of two ways; both come together after."""

    if_: schema.Condition
    then: schema.Steps = msgspec.field(default_factory=list)
    otherwise: schema.Steps = msgspec.field(default_factory=list)

    verb: ClassVar[str] = "if"
    arms: ClassVar[tuple[str, ...]] = ("then", "otherwise")

    @cached_property
    def asked(self) -> Condition:
        """The condition, read once."""
        return condition(self.if_)

    @cached_property
    def _fades(self) -> bool:
        """Whether nobody could tell later what the condition was."""
        return not can_be_told_again(self.if_)

    def label(self, before: Step | None) -> str:
        return f"if {brief(self.if_)}"

    def states(self, flow: Flow, after: str, before: Step | None) -> str:
        path = flow.result_path(self)
        state = flow.task(self, path)
        then = flow.arm(self, "then", after) or flow.end()
        otherwise = flow.arm(self, "otherwise", after) or flow.end()
        choice = {
            "Type": "Choice",
            "Choices": [{"Variable": f"{path}.Payload.arm", "StringEquals": "then", "Next": then}],
            "Default": otherwise,
        }
        flow.finish(state, [], flow.add(f"then or otherwise: {self.name}", choice))
        return flow.add(self.name, state)

    def visit(self, visit: Visit) -> Answer | None:
        arm = "then" if self.asked(visit.facts) else "otherwise"
        if getattr(self, arm) or self._fades:
            visit.decided(self, arm, [self.if_])
        return Answer({"arm": arm})
