"""What every step type is: its words, the states it compiles to, and what it does when reached."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo

import msgspec

from functions.journeys.run import Run, Waits
from functions.segments.condition import Facts
from functions.tracking.message import Outcome

if TYPE_CHECKING:
    from functions.journeys.flow import Flow
    from functions.journeys.steps.send import Send
    from functions.journeys.steps.task import Task


class Exit(Exception):
    """The run has ended or is leaving; the step does nothing."""


class Resume(Exception):
    """The execution is a run's second or later: it goes on where the run stood."""


class Temporary(Exception):
    """Something we need did not answer; the step may be tried again."""


class Busy(Exception):
    """The store takes no more for now; nothing is wrong with the step, which comes again later."""


class WebhookBusy(Exception):
    """A webhook gave no answer, or asked to come again; the step is tried again."""


class WebhookRefused(Exception):
    """A webhook does not want it, or may not be called; trying again would not help."""


class Answer(msgspec.Struct, frozen=True):
    """How a step answers its own token: an output, or a named error with its cause.

    `until` is the moment for which a Wait state comes next, `timeout` the one at which the wait
    that comes next is over.
    """

    output: dict[str, Any] = {}
    error: str = ""
    cause: str = ""
    until: datetime | None = None
    timeout: datetime | None = None


class Place(msgspec.Struct, frozen=True):
    """Where in a step a run stands: the end of the wait that is under way (None: the step is to
    begin), and from when on events count for it."""

    until: datetime | None = None
    since: datetime | None = None


class Visit:
    """A run that has reached a step, what there is to know there, and what the step may cause.

    `entered` is when the run came to the step's state, the same for every try of it.
    """

    run: Run
    payload: dict[str, Any]
    entered: datetime

    @property
    def now(self) -> datetime:
        """The time."""
        raise NotImplementedError

    @property
    def zone(self) -> ZoneInfo:
        """Where the person is."""
        raise NotImplementedError

    @property
    def facts(self) -> Facts:
        """What conditions look at, the same for the whole step."""
        raise NotImplementedError

    def look(self) -> None:
        """Read the person anew: the facts are as of when the call began, but for messages and
        events, which are read when a condition asks."""
        raise NotImplementedError

    def deliver(self, step: Send) -> Outcome:
        """Send its message, and say what came of it."""
        raise NotImplementedError

    def enter(self, journey: str) -> None:
        """Start another journey for the person with this run's entry."""
        raise NotImplementedError

    def give_task(self, step: Task, due: datetime | None) -> None:
        """Make the step's task for a colleague."""
        raise NotImplementedError

    def finish_task(self, text: str) -> None:
        """The run's open tasks of this text are no longer needed."""
        raise NotImplementedError

    def pause_marketing(self, step: Step, until: datetime | None) -> None:
        """From now on nothing goes to the person that needs consent (None: until the step's task
        is done)."""
        raise NotImplementedError

    def stop(self, journey: str, outcome: str) -> None:
        """End the person's runs of that journey."""
        raise NotImplementedError

    def change_person(self, step: Step, traits: dict[str, Any], points: float) -> None:
        """Set these traits of the person, add points to the score."""
        raise NotImplementedError

    def call(self, step: Step, webhook: str, said: dict[str, Any]) -> None:
        """Tell the webhook of that name. Raises WebhookBusy, WebhookRefused."""
        raise NotImplementedError

    def decided(self, step: Step, arm: str, asked: list[Any]) -> None:
        """Note which arm was taken, and the conditions that were asked: a write, which is not worth
        it where nothing followed and all of them can be told again from what is stored."""
        raise NotImplementedError

    def waits(self) -> Waits:
        """What the run has waited for so far."""
        raise NotImplementedError

    def wait(self, since: datetime, until: datetime) -> None:
        """Register the wait with the step's token."""
        raise NotImplementedError

    def pass_over(self, wait: str) -> None:
        """Note that the wait of this name began and was over at once."""
        raise NotImplementedError

    def claimed_at(self, step: str) -> datetime | None:
        """When that step's message was let go (None: it was not)."""
        raise NotImplementedError


class Step(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The base of the step types; each names its verb and the arms that hold more steps."""

    name: str = ""

    verb: ClassVar[str] = ""
    arms: ClassVar[tuple[str, ...]] = ()

    def ways(self) -> list[tuple[tuple[str | int, ...], list[Step]]]:
        """Its arms: where each stands below the step in the file, and the steps it holds."""
        return [((arm.replace("_", " "),), getattr(self, arm)) for arm in self.arms]

    def label(self, before: Step | None) -> str:
        """The name it has without a `name:`, its verb and object."""
        raise NotImplementedError

    def states(self, flow: Flow, after: str, before: Step | None) -> str:
        """Add the states of this step to the flow; returns the first one's name.

        `after` is where it goes on ("" at the end); `before` the step before it.
        """
        raise NotImplementedError

    def turns(self) -> dict[str, int]:
        """The states to which states of this step lead back, and how often at most."""
        return {}

    def takes_time(self) -> bool:
        """Whether what comes behind this step surely comes later than what stood before it."""
        return False

    def visit(self, visit: Visit) -> Answer | None:
        """Do it. None: the token is answered later by an event or its timeout."""
        raise NotImplementedError

    def place(self, visit: Visit) -> Place:
        """Where the run stands, for going on there in a new execution."""
        return Place()

    def rest(self, visit: Visit, place: Place) -> Place | None:
        """What is left of its wait for a run that goes on at that place of it; None when it goes
        through the whole step."""
        return None

    def quiet(self, before: timedelta) -> timedelta:
        """For how long, at most, nothing has called run_step when a run gets past this step (or
        into its arms); `before` is the same for when the run came to it."""
        return timedelta()

    def check(self) -> Iterator[tuple[str, str]]:
        """Problems that the schema cannot see, as (field, text)."""
        return iter(())


def below(steps: list[Step]) -> Iterator[Step]:
    """The steps in the order of the file, those in arms after the step that holds them."""
    for step in steps:
        yield step
        for _, arm in step.ways():
            yield from below(arm)


def ends(steps: list[Step]) -> bool:
    """Whether no run gets past these steps."""
    return any(
        step.verb == "end" or (len(step.ways()) > 1 and all(ends(arm) for _, arm in step.ways()))
        for step in steps
    )
