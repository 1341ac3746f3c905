"""Go the first of several ways whose condition is true."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from functions.journeys import schema
from functions.journeys.happening import brief
from functions.journeys.step import Answer, Step, Visit
from functions.segments.condition import Condition, can_be_told_again, condition

if TYPE_CHECKING:
    from functions.journeys.flow import Flow


class Case(
    msgspec.Struct, forbid_unknown_fields=True, kw_only=True, dict=True, rename={"if_": "if"}
):
    """One way of a `choose`, and when it is taken."""

    if_: schema.Condition
    then: schema.Steps = msgspec.field(default_factory=list)

    @cached_property
    def fades(self) -> bool:
        """Whether nobody could tell later what the condition was."""
        return not can_be_told_again(self.if_)


class Choose(Step, dict=True):
    """Asks its conditions in their order at that moment and goes the way of the first that is
    true, else `otherwise`; all come together after."""

    choose: Annotated[list[Case], msgspec.Meta(min_length=1)]
    otherwise: schema.Steps = msgspec.field(default_factory=list)

    verb: ClassVar[str] = "choose"

    @cached_property
    def asked(self) -> list[Condition]:
        """The conditions, read once."""
        return [condition(case.if_) for case in self.choose]

    def ways(self) -> list[tuple[tuple[str | int, ...], list[Step]]]:
        cases = [(("choose", index, "then"), case.then) for index, case in enumerate(self.choose)]
        return [*cases, (("otherwise",), self.otherwise)]

    def label(self, before: Step | None) -> str:
        return f"choose by {brief(self.choose[0].if_)}"

    def states(self, flow: Flow, after: str, before: Step | None) -> str:
        """One task that says which, and one Choice that goes there: as many as for an `if`."""
        path = flow.result_path(self)
        state = flow.task(self, path)
        firsts = [flow.chain(case.then, after, self) or flow.end() for case in self.choose]
        choice = {
            "Type": "Choice",
            "Choices": [
                {"Variable": f"{path}.Payload.arm", "StringEquals": arm_name(index), "Next": first}
                for index, first in enumerate(firsts)
            ],
            "Default": flow.arm(self, "otherwise", after) or flow.end(),
        }
        flow.finish(state, [], flow.add(f"one of {len(firsts) + 1}: {self.name}", choice))
        return flow.add(self.name, state)

    def visit(self, visit: Visit) -> Answer | None:
        true = (index for index, asked in enumerate(self.asked) if asked(visit.facts))
        taken = next(true, len(self.choose))
        arm = arm_name(taken) if taken < len(self.choose) else "otherwise"
        steps = self.choose[taken].then if taken < len(self.choose) else self.otherwise
        cases = self.choose[: taken + 1]
        if steps or any(case.fades for case in cases):
            visit.decided(self, arm, [case.if_ for case in cases])
        return Answer({"arm": arm})

    def check(self) -> Iterator[tuple[str, str]]:
        if len(self.choose) == 1:
            yield "choose", 'has one condition only; write "if" with "then" and "otherwise"'


def arm_name(index: int) -> str:
    """What the console shows of the way that was taken: the first is number 1."""
    return str(index + 1)
