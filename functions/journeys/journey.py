"""A journey: what a marketer's file says, read and checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any

import msgspec

from functions.journeys import schema, steps
from functions.journeys.entering import Limit, Looked, entering, limit
from functions.journeys.happening import Happening, happening
from functions.journeys.step import Step, below
from functions.journeys.steps.awaiting import Awaiting
from functions.journeys.steps.repeat import Repeat
from functions.journeys.steps.split import Split
from functions.segments.condition import Condition, condition
from functions.segments.hours import Hours, hours
from functions.segments.phrases import BadPhrase, budget, duration, share
from functions.tracking.merge import taken
from functions.tracking.message import AUTOMATION, Kind

NOT_YET: tuple[str, ...] = ()
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
        "hold_out": "hold out",
        "send_only": "send only",
        "kind": "class",
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
    hold_out: schema.Share = ""
    send_only: schema.Hours = ""
    limit: schema.Limit | None = None
    group: schema.Words | None = None
    priority: schema.Priority | None = None
    kind: schema.Class = AUTOMATION
    budget: schema.Budget = ""


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
    `group` ("" for none) a person is in one at a time, the higher `priority` wins. `hold_out` is a
    share in hundredths of a percent, `budget` what it may cost in a month, in dollars.
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
    hold_out: int = 0
    send_only: Hours | None = None
    looked: Looked | None = None
    limit: Limit | None = None
    group: str = ""
    priority: int = 0
    kind: Kind = AUTOMATION
    budget: Decimal | None = None

    def every_step(self) -> Iterator[Step]:
        """All steps in the order of the file, those in arms after the step that holds them."""
        return iter(self._every_step)

    @cached_property
    def _every_step(self) -> tuple[Step, ...]:
        return tuple(below(self.steps))

    @cached_property
    def awaiting(self) -> tuple[Awaiting, ...]:
        """The steps that wait for happenings."""
        return tuple(step for step in self._every_step if isinstance(step, Awaiting))

    @cached_property
    def splits(self) -> tuple[Split, ...]:
        """The steps that go one of several ways by chance."""
        return tuple(step for step in self._every_step if isinstance(step, Split))

    @cached_property
    def _by_name(self) -> dict[str, Step]:
        return {step.name: step for step in reversed(self._every_step)}

    @cached_property
    def endings(self) -> tuple[Happening, ...]:
        """All that may end a run: its exits, then its goal."""
        goal = (self.goal.what,) if self.goal else ()
        return (*(exit_rule for _, exit_rule in self.leave_when), *goal)

    def every_pass(self) -> Iterator[tuple[Step, int]]:
        """All steps, those in a loop once for each pass that there may be (from 0)."""
        times = {
            id(step): loop.times
            for loop in self.every_step()
            if isinstance(loop, Repeat)
            for step in below(loop.repeat)
        }
        return ((step, n) for step in self.every_step() for n in range(times.get(id(step), 1)))

    def step(self, name: str) -> Step:
        """The step of that name. Raises KeyError."""
        return self._by_name[name]

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

    @cached_property
    def once_length(self) -> timedelta | None:
        """The time after which a person may enter again, where that is the rule."""
        try:
            return duration(self.once_per).at_most
        except BadPhrase:
            return None


def _chains(found: list[Step]) -> Iterator[list[Step]]:
    yield found
    for step in found:
        for _, arm in step.ways():
            yield from _chains(arm)


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
        kind=file.kind,
        budget=budget(file.budget) if file.budget else None,
        only_if=condition(file.only_if) if file.only_if else None,
        leave_when=[leave(item) for item in file.leave_when],
        goal=goal(file.goal) if file.goal else None,
        steps=steps.read(file.steps),
        hold_out=share(file.hold_out) if file.hold_out else 0,
        send_only=hours(file.send_only) if file.send_only else None,
    )


def leave(raw: dict[str, Any]) -> tuple[str, Happening]:
    """An item of `leave when`. Raises BadPhrase."""
    if "left journey" in raw:
        raise BadPhrase(
            'beside "left journey" the word "as" could mean the outcome there or here; write '
            "{all of: [{left journey: upsell, as: bought}], as: bought}"
        )
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
