"""A journey: what a marketer's file says, read and checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

import msgspec

from functions.journeys import schema, steps
from functions.journeys.entering import Limit, Looked, entering, limit
from functions.journeys.happening import Happening, happening
from functions.journeys.step import Step
from functions.segments.condition import Condition, condition
from functions.segments.phrases import BadPhrase, duration
from functions.tracking.merge import taken

NOT_YET = (
    "hold out",
    "send only",
    "after the last",
    "pause marketing",
    "robots",
    "best channel",
    "add to score",
)
LEAVES_AS_GOAL = "goal"


class JourneyFile(
    msgspec.Struct,
    forbid_unknown_fields=True,
    kw_only=True,
    rename={
        "enter_when": "enter when",
        "once_per": "once per",
        "only_if": "only if",
        "leave_when": "leave when",
    },
):
    """What stands in journey.yaml."""

    title: schema.Text
    purpose: schema.Text
    once_per: Annotated[
        str,
        msgspec.Meta(
            min_length=1,
            description="person, occasion, a duration, or a property of the entering event",
        ),
    ]
    steps: schema.Steps
    enter_when: schema.Entering | None = None
    only_if: schema.Condition | None = None
    leave_when: Annotated[
        list[dict[str, Any]], msgspec.Meta(extra_json_schema={"items": {"$ref": "#/$defs/leave"}})
    ] = []
    goal: (
        Annotated[dict[str, Any], msgspec.Meta(extra_json_schema={"$ref": "#/$defs/happening"})]
        | None
    ) = None
    limit: schema.Limit | None = None
    group: schema.Words | None = None
    priority: schema.Priority | None = None


@dataclass(frozen=True)
class Goal:
    """What counts as a success, how long after the last message, and whether the run goes on."""

    what: Happening
    within: timedelta
    stay: bool


@dataclass(frozen=True)
class Journey:
    """A journey ready to run.

    `enter_when` is the event that lets people in, `looked` another way in. Of the journeys of a
    `group` ("" for none) a person is in one at a time, the higher `priority` wins.
    """

    name: str
    title: str
    purpose: str
    once_per: str
    enter_when: Happening | None
    only_if: Condition | None
    leave_when: list[tuple[str, Happening]]
    goal: Goal | None
    steps: list[Step]
    looked: Looked | None = None
    limit: Limit | None = None
    group: str = ""
    priority: int = 0

    def every_step(self) -> Iterator[Step]:
        """All steps in the order of the file, those in arms after the step that holds them."""
        return _walk(self.steps)

    def step(self, name: str) -> Step:
        """The step of that name. Raises KeyError."""
        for step in self.every_step():
            if step.name == name:
                return step
        raise KeyError(name)

    @property
    def allows_several_runs(self) -> bool:
        """Only a property of the entering event lets several runs of a person go on at a time."""
        return self.once_per not in ("person", "occasion") and self.once_length is None

    @property
    def once_length(self) -> timedelta | None:
        """The time after which a person may enter again, where that is the rule."""
        try:
            return duration(self.once_per).at_most
        except BadPhrase:
            return None


def _walk(found: list[Step]) -> Iterator[Step]:
    for step in found:
        yield step
        for _, arm in step.ways():
            yield from _walk(arm)


def build(name: str, raw: dict[str, Any]) -> Journey:
    """A journey from YAML that passed every check (`functions.journeys.check`)."""
    file = msgspec.convert(raw, JourneyFile)
    way = entering(file.enter_when) if file.enter_when else None
    return Journey(
        name=name,
        title=file.title,
        purpose=file.purpose,
        once_per=file.once_per,
        enter_when=way if isinstance(way, Happening) else None,
        looked=way if isinstance(way, Looked) else None,
        limit=limit(file.limit) if file.limit else None,
        group=file.group or "",
        priority=file.priority or 0,
        only_if=condition(file.only_if) if file.only_if else None,
        leave_when=[leave(item) for item in file.leave_when],
        goal=goal(file.goal) if file.goal else None,
        steps=steps.read(file.steps),
    )


def leave(raw: dict[str, Any]) -> tuple[str, Happening]:
    """An item of `leave when`. Raises BadPhrase."""
    rest = {word: value for word, value in raw.items() if word != "as"}
    outcome = raw.get("as", "")
    if not isinstance(outcome, str):
        raise BadPhrase(f'"as" takes a text, the name of the outcome, not {outcome!r}')
    if taken(outcome):
        raise BadPhrase(taken(outcome))
    return outcome, happening(rest, lacking=True)


def goal(raw: dict[str, Any]) -> Goal:
    """`goal`, seven days and leaving by default. Raises BadPhrase."""
    rest = {word: value for word, value in raw.items() if word not in ("within", "stay")}
    stay = raw.get("stay", False)
    if not isinstance(stay, bool):
        raise BadPhrase('"stay" is true or false')
    return Goal(happening(rest, lacking=True), duration(raw.get("within", "7 days")).at_most, stay)
