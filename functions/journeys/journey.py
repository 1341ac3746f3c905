"""A journey: what a marketer's file says, read and checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Any

import msgspec

from functions.journeys import schema, steps
from functions.journeys.happening import Happening, happening
from functions.journeys.step import Step
from functions.segments.condition import Condition, condition, event_test
from functions.segments.phrases import BadPhrase, duration
from functions.tracking.merge import taken

NOT_YET = (
    "hold out",
    "limit",
    "send only",
    "group",
    "priority",
    "including those already",
    "after the last",
    "pause marketing",
    "robots",
    "date",
    "every",
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
    enter_when: schema.Event | None = None
    only_if: schema.Condition | None = None
    leave_when: Annotated[
        list[dict[str, Any]], msgspec.Meta(extra_json_schema={"items": {"$ref": "#/$defs/leave"}})
    ] = []
    goal: (
        Annotated[dict[str, Any], msgspec.Meta(extra_json_schema={"$ref": "#/$defs/happening"})]
        | None
    ) = None


@dataclass(frozen=True)
class Goal:
    """What counts as a success, how long after the last message, and whether the run goes on."""

    what: Happening
    within: timedelta
    stay: bool


@dataclass(frozen=True)
class Journey:
    """A journey ready to run."""

    name: str
    title: str
    purpose: str
    once_per: str
    enter_when: Happening | None
    only_if: Condition | None
    leave_when: list[tuple[str, Happening]]
    goal: Goal | None
    steps: list[Step]

    def every_step(self) -> Iterator[Step]:
        """All steps in the order of the file, those in arms after the step that holds them."""
        return _walk(self.steps)

    def step(self, name: str) -> Step:
        """The step of that name. Raises KeyError."""
        for step in self.every_step():
            if step.name == name:
                return step
        raise KeyError(name)

    def wait_behind(self, send: Step) -> Step | None:
        """The wait that is one state with the message: a `wait for` right behind it."""
        for found in _chains(self.steps):
            for step, following in pairwise(found):
                if step is send and following.verb == "wait for":
                    return following
        return None

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


def _chains(found: list[Step]) -> Iterator[list[Step]]:
    yield found
    for step in found:
        for _, arm in step.ways():
            yield from _chains(arm)


def build(name: str, raw: dict[str, Any]) -> Journey:
    """A journey from YAML that passed every check (`functions.journeys.check`)."""
    file = msgspec.convert(raw, JourneyFile)
    return Journey(
        name=name,
        title=file.title,
        purpose=file.purpose,
        once_per=file.once_per,
        enter_when=entering(file.enter_when) if file.enter_when else None,
        only_if=condition(file.only_if) if file.only_if else None,
        leave_when=[leave(item) for item in file.leave_when],
        goal=goal(file.goal) if file.goal else None,
        steps=steps.read(file.steps),
    )


def entering(raw: Any) -> Happening:
    """`enter when`, so far only an event. Raises BadPhrase."""
    later = [word for word in raw if word in NOT_YET] if isinstance(raw, dict) else []
    if later:
        raise BadPhrase(f'"{later[0]}" is not built yet')
    if isinstance(raw, dict) and "event" not in raw:
        condition(raw)
        raise BadPhrase(
            'a condition in "enter when" is not built yet; write an event, like {event: Signed Up}'
        )
    event_test(raw)
    return happening(raw)


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
