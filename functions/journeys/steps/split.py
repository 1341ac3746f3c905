"""Go one of several ways by chance, always the same one for a person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from functions.journeys import schema
from functions.journeys.step import Answer, Step, Visit
from functions.segments.phrases import WHOLE, share
from functions.tracking.identity import short_hash

if TYPE_CHECKING:
    from functions.journeys.flow import Flow
    from functions.journeys.journey import Journey

POINTS = 2**64  # as many values as short_hash has


class Arm(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One way of a `split`, and how many of all people go it."""

    share: schema.Share
    then: schema.Steps = msgspec.field(default_factory=list)


class Split(Step, dict=True):
    """Goes one of several ways by chance; the same person goes the same way at every split of
    this name whose arms are the same. All come together after."""

    split: schema.Words
    arms_: Annotated[dict[schema.Words, Arm], msgspec.Meta(min_length=1)] = msgspec.field(
        name="arms"
    )

    verb: ClassVar[str] = "split"

    def ways(self) -> list[tuple[tuple[str | int, ...], list[Step]]]:
        return [(("arms", name, "then"), arm.then) for name, arm in self.arms_.items()]

    @cached_property
    def shares(self) -> dict[str, int]:
        """The share of each arm in hundredths of a percent, in the order of the file."""
        return {name: share(arm.share) for name, arm in self.arms_.items()}

    def label(self, before: Step | None) -> str:
        return f"split {self.split}"

    def states(self, flow: Flow, after: str, before: Step | None) -> str:
        """A Choice alone: the arm stands in the execution's input. Only where a wait behind it
        has to know when the split began, a task comes before that says so."""
        *others, last = [
            (name, flow.chain(arm.then, after, self) or flow.end())
            for name, arm in self.arms_.items()
        ]
        variable = f"$.arms.{key_of(self.split)}"
        choice = {
            "Type": "Choice",
            "Choices": [
                {"Variable": variable, "StringEquals": name, "Next": first}
                for name, first in others
            ],
            "Default": last[1],
        }
        if not flow.is_start_needed(self):
            return flow.add(self.name, choice)
        state = flow.task(self, flow.result_path(self))
        flow.finish(state, [], flow.add(f"one of {len(self.arms_)}: {self.name}", choice))
        return flow.add(self.name, state)

    def visit(self, visit: Visit) -> Answer | None:
        return Answer()  # that it began is all there is to say

    def quiet(self, before: timedelta) -> timedelta:
        return before

    def check(self) -> Iterator[tuple[str, str]]:
        total = sum(self.shares.values())
        if len(self.arms_) == 1:
            yield "arms", "has one arm only; a split has two or more"
        elif total != WHOLE:
            yield "arms", f"the shares add up to {total / 100:g} percent; they must make 100"


def arm_of(person: str, split: str, shares: dict[str, int]) -> str:
    """The arm of a person (their key) at a split of this name, by shares that add up to WHOLE.

    A hash, and so the same whenever and wherever it is asked, with nothing to remember.
    """
    point = int(short_hash(person, split), 16) * WHOLE // POINTS
    for arm, size in shares.items():
        point -= size
        if point < 0:
            return arm
    raise ValueError(f'the shares of the split "{split}" add up to less than a whole')


def arms_at(journey: Journey, person: str) -> dict[str, str]:
    """The arm of each split of the journey for this person, by the key that stands in the
    execution's input."""
    return {key_of(one.split): arm_of(person, one.split, one.shares) for one in journey.splits}


def key_of(split: str) -> str:
    """The name as a path in States Language can have it; two names never become one."""
    return split.replace(" ", "_")
