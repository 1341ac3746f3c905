"""Wait for something to happen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from functions.journeys import schema
from functions.journeys.happening import Happening, brief, happening
from functions.journeys.step import Answer, Step, Visit
from functions.journeys.steps.send import Send
from functions.journeys.steps.wait import Wait
from functions.journeys.steps.wait_until import WaitUntil
from functions.segments.condition import OUTCOMES, Facts, of_message
from functions.segments.phrases import duration

if TYPE_CHECKING:
    from functions.journeys.flow import Flow


class WaitFor(Step, dict=True, rename={"wait_for": "wait for", "at_most": "at most"}):
    """Waits for an event, or until a condition becomes true, but only so long.

    `then` holds the steps when it happened, `otherwise` those when the time ran out. A wait for
    what comes of a message counts from its sending; when the message was not sent at all,
    `otherwise` is taken at once.
    """

    wait_for: schema.Happening
    at_most: schema.Duration
    then: schema.Steps = msgspec.field(default_factory=list)
    otherwise: schema.Steps = msgspec.field(default_factory=list)

    verb: ClassVar[str] = "wait for"
    arms: ClassVar[tuple[str, ...]] = ("then", "otherwise")

    def label(self, before: Step | None) -> str:
        return f"wait for {brief(self.wait_for)}"

    @cached_property
    def awaited(self) -> Happening:
        """What it waits for, read once."""
        return happening(self.wait_for)

    @property
    def hangs_on_messages(self) -> bool:
        """Whether it can only come true through messages of ours."""
        return any(word in self.wait_for for word in OUTCOMES)

    def takes_time(self) -> bool:
        return True

    def states(self, flow: Flow, after: str, before: Step | None) -> str:
        state = flow.token_task(self)
        payload = state["Parameters"]["Payload"]
        payload["wait"] = self.name
        payload.update(_since(flow, before))
        catch: list[dict[str, Any]] = []
        self.hang(flow, state, catch, after)
        flow.finish(state, catch, state.get("Next", after))
        return flow.add(self.name, state)

    def hang(self, flow: Flow, state: dict[str, Any], catch: list[Any], after: str) -> None:
        """Turn a token task into this wait: its timeout, where each ending leads."""
        state["TimeoutSeconds"] = flow.seconds(duration(self.at_most).at_most)
        otherwise = flow.arm(self, "otherwise", after)
        if self.hangs_on_messages:
            catch.append(flow.catch("NothingSent", otherwise))
        catch.append(flow.catch("States.Timeout", otherwise))
        then = flow.arm(self, "then", after)
        if then:
            state["Next"] = then

    def visit(self, visit: Visit) -> Answer | None:
        """Register first, then look back: an event that came before is found by one or the
        other, whatever happens at the same time."""
        if self.hangs_on_messages and not _was_any_sent(self, visit):
            visit.pass_over(self.name)
            return Answer(error="NothingSent", cause="none of the messages it waits for was sent")
        since = _moment_since(visit, self.name)
        visit.wait(since, duration(self.at_most).after(_entered(visit), visit.zone))
        return Answer({"looked back": True}) if self.has_happened(visit.facts, since) else None

    def has_happened(self, facts: Facts, since: datetime) -> bool:
        """Whether it happened since, by what is stored now."""
        awaited = self.awaited
        if awaited.holds:
            return awaited.holds(facts)
        return any(
            awaited.happened(event, facts)
            for event in facts.events(awaited.names, since)
            if event.message_id != facts.entry.message_id
        )

    def check(self) -> Iterator[tuple[str, str]]:
        if duration(self.at_most).exact is None:
            yield "at most", f'{self.at_most!r} is not exact; write days or weeks, like "30 days"'


def _since(flow: Flow, before: Step | None) -> dict[str, Any]:
    """Where the step finds the moment from which on events count."""
    if before is None:
        return {"since": {"entry": True}}
    if isinstance(before, Send):
        return {"since": {"send": before.name}}
    if isinstance(before, WaitFor):
        return {"since": {"wait": before.name}}
    if isinstance(before, WaitUntil):
        flow.need_start(before)
        return {"since": {"wait": before.name}}
    exact = duration(before.wait).exact if isinstance(before, Wait) else None
    if exact is not None:
        return {"since": {"seconds": int(exact.total_seconds())}}
    flow.need_start(before)
    return {"since": {"at.$": f"{flow.result_path(before)}.Payload.at"}}


def _moment_since(visit: Visit, name: str) -> datetime:
    """The moment named by the payload; see `_since`."""
    since = visit.payload.get("since", {})
    if "send" in since:
        return visit.claimed_at(since["send"]) or _entered(visit)
    if "seconds" in since:
        return _entered(visit) - timedelta(seconds=since["seconds"] + 1)
    if "at" in since:
        return datetime.fromisoformat(since["at"])
    if "wait" in since:
        waits = visit.waits()
        if waits.latest and waits.latest.step == name:
            return waits.latest.since  # a retry of this step, which has registered already
        return waits.began.get(since["wait"], _entered(visit))
    return visit.run.entered


def _entered(visit: Visit) -> datetime:
    """When the state was entered: the same for every try of it."""
    return datetime.fromisoformat(visit.payload["entered"])


def _was_any_sent(step: WaitFor, visit: Visit) -> bool:
    wanted = step.awaited.messages
    return any(message.state in ("sent", "unknown") for message in of_message(visit.facts, wanted))
