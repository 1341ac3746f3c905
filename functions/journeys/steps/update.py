"""Change the person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from functions.journeys import schema
from functions.journeys.step import Answer, Step, Visit
from functions.segments.person import COMPUTED, SETTABLE, TAG
from functions.segments.population import COMPUTED as RELATIVE

if TYPE_CHECKING:
    from functions.journeys.flow import Flow

ADDRESSES = ("email", "phone")


class Change(
    msgspec.Struct,
    forbid_unknown_fields=True,
    kw_only=True,
    rename={
        "set_": "set",
        "add_tag": "add tag",
        "remove_tag": "remove tag",
        "add_to_score": "add to score",
    },
):
    """What changes: traits that are set, a tag that is added or taken away, points that are added
    to the score (or, below 0, taken from it)."""

    set_: dict[str, schema.Value] = {}
    add_tag: schema.Text = ""
    remove_tag: schema.Text = ""
    add_to_score: schema.Points | msgspec.UnsetType = msgspec.UNSET


class Update(Step):
    """Changes the person, as events of the source `journeys` that all can see: they stand in
    the timeline, and journeys react to them. They come a moment later than the step."""

    update: Change

    verb: ClassVar[str] = "update"

    @property
    def traits(self) -> dict[str, Any]:
        """What is set, a tag as a trait of its own: so the last word on each of them wins, in
        whatever order the events come."""
        tags = {self.update.remove_tag: False, self.update.add_tag: True}
        return {**self.update.set_, **{f"{TAG}{tag}": has for tag, has in tags.items() if tag}}

    def label(self, before: Step | None) -> str:
        change = self.update
        said = [f"set {name}" for name in change.set_]
        said += [f"add tag {change.add_tag}"] if change.add_tag else []
        said += [f"remove tag {change.remove_tag}"] if change.remove_tag else []
        said += [f"add {change.add_to_score:g} to score"] if change.add_to_score else []
        return f"update {', '.join(said)}"[:60].rstrip()

    def states(self, flow: Flow, after: str, before: Step | None) -> str:
        state = flow.task(self)
        flow.finish(state, [], after)
        return flow.add(self.name, state)

    def visit(self, visit: Visit) -> Answer | None:
        visit.change_person(self, self.traits, self.update.add_to_score or 0)
        return Answer()

    def check(self) -> Iterator[tuple[str, str]]:
        change = self.update
        if change.add_to_score == 0:
            yield "update", '"add to score" takes a number that is not 0'
        elif not self.traits and not change.add_to_score:
            words = 'changes nothing; write "set", "add tag", "remove tag" or "add to score"'
            yield "update", words
        if change.add_tag and change.add_tag == change.remove_tag:
            yield "update", f'"{change.add_tag}" is added and removed in one step'
        for name in change.set_:
            why = _why_not(name)
            if why:
                yield "update", f'"{name}" cannot be set: {why}'


def _why_not(name: str) -> str:
    """Why a journey may not set this trait; "" when it may."""
    if name == "tags" or name.startswith(TAG):
        return 'write "add tag" or "remove tag"'
    if name in ADDRESSES:
        return "an address comes from the person only"
    if name in (*COMPUTED, *RELATIVE) and name not in SETTABLE:
        return "it is computed"
    return ""
