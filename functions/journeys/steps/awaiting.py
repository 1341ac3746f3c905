"""What the steps that wait for happenings share: the fused state, looking back, who releases."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from functions.journeys import schema
from functions.journeys.happening import Happening, happening
from functions.journeys.run import LONGEST_QUIET
from functions.journeys.step import Answer, Place, Step, Visit
from functions.journeys.steps.call_webhook import CallWebhook
from functions.journeys.steps.repeat import Repeat
from functions.journeys.steps.send import Send
from functions.journeys.steps.wait import Wait
from functions.journeys.steps.wait_until import AT_ONCE, WaitUntil
from functions.segments.condition import OUTCOMES, Facts, of_message
from functions.segments.phrases import Duration, duration
from functions.tracking.event import Event

if TYPE_CHECKING:
    from functions.journeys.flow import Flow

GOES_ON = {"target.$": "$.resume.Payload.target", "from.$": "$.resume.Payload.since"}


class Awaiting(Step, dict=True, rename={"at_most": "at most"}):
    """Waits for one or several happenings, but only so long.

    A wait for what comes of messages counts from their sending; when none of them was sent at
    all, `otherwise` is taken at once.
    """

    at_most: schema.Duration

    @property
    def happenings(self) -> list[dict[str, Any]]:
        """What it waits for, as the file says it."""
        raise NotImplementedError

    @cached_property
    def awaited(self) -> list[Happening]:
        """What it waits for, read once."""
        return [happening(raw) for raw in self.happenings]

    @cached_property
    def _longest(self) -> Duration:
        """How long it waits at most, read once."""
        return duration(self.at_most)

    @cached_property
    def hangs_on_messages(self) -> bool:
        """Whether it can only come true through messages of ours."""
        return all(any(word in raw for word in OUTCOMES) for raw in self.happenings)

    @cached_property
    def _looks_at_the_person(self) -> bool:
        """Whether it waits for a condition of more than what came of messages."""
        return any(
            "event" not in raw and not any(word in raw for word in OUTCOMES)
            for raw in self.happenings
        )

    def takes_time(self) -> bool:
        return True

    def onwards(self, flow: Flow, after: str) -> str:
        """The first state when one of them has happened."""
        raise NotImplementedError

    def said(self, which: int) -> dict[str, Any]:
        """What the state's result says of the happening of that number."""
        return {}

    def states(self, flow: Flow, after: str, before: Step | None) -> str:
        state = flow.token_task(self)
        since = _since(flow, before)
        state["Parameters"]["Payload"].update({"wait": self.name, **since})
        catch: list[dict[str, Any]] = []
        self.hang(flow, state, catch, after, since)
        flow.finish(state, catch, state.get("Next", after))
        return flow.add(self.name, state)

    def hang(
        self,
        flow: Flow,
        state: dict[str, Any],
        catch: list[Any],
        after: str,
        since: dict[str, Any],
    ) -> None:
        """Turn a token task into this wait: its timeout, where each ending leads. Beside it stands
        the same wait for a run that goes on in the middle of it."""
        state["TimeoutSeconds"] = flow.seconds(min(duration(self.at_most).at_most, LONGEST_QUIET))
        otherwise = flow.arm(self, "otherwise", after)
        onwards = self.onwards(flow, after)
        timed_out = self._look_again(flow, otherwise) if self._outlasts else otherwise
        own = [flow.catch("NothingSent", otherwise)] if self.hangs_on_messages else []
        own.append(flow.catch("States.Timeout", timed_out))
        rest = flow.token_task(self)
        rest["Parameters"]["Payload"].update({"wait": self.name, **since, **GOES_ON})
        rest["TimeoutSecondsPath"] = "$.resume.Payload.seconds"
        flow.finish(rest, own, onwards or after)
        flow.rest(self, flow.add(flow.rest_name(self), rest))
        catch += own
        if onwards:
            state["Next"] = onwards

    def _look_again(self, flow: Flow, otherwise: str) -> str:
        """A wait that one execution may not live to see: from time to time a task looks whether
        it is over, or whether the run has to go on in a new execution."""
        state = flow.token_task(self, "$.resume")
        state["Parameters"]["Payload"]["again"] = True
        flow.finish(state, [flow.catch("Passed", otherwise)], flow.rest_name(self))
        return flow.add(flow.ours(f"look again: {self.name}"), state)

    @property
    def _outlasts(self) -> bool:
        return duration(self.at_most).at_most > LONGEST_QUIET

    def turns(self) -> dict[str, int]:
        # One for each piece after the first, as if all were in one execution.
        more = -(duration(self.at_most).at_most // -LONGEST_QUIET) - 1
        return {f"look again: {self.name}": more} if more else {}

    def quiet(self, before: timedelta) -> timedelta:
        return min(duration(self.at_most).at_most, LONGEST_QUIET)

    def visit(self, visit: Visit) -> Answer | None:
        """Register first, then look back: what came before, or became true, is found by one or
        the other, whatever happens at the same time."""
        if visit.payload.get("again"):
            return self._is_it_over(visit)
        if self.hangs_on_messages and not self._was_any_sent(visit):
            visit.pass_over(self.name)
            return Answer(error="NothingSent", cause="none of the messages it waits for was sent")
        since = _moment_since(visit, self.name)
        until = _target(visit) or self._longest.after(visit.entered, visit.zone)
        visit.wait(since, until)
        if self._looks_at_the_person:
            visit.look()
        found = self.first(visit.facts, since)
        return None if found is None else Answer({"looked back": True, **self.said(found)})

    def _is_it_over(self, visit: Visit) -> Answer:
        place = self.place(visit)
        if place.until is None or place.until <= visit.now + AT_ONCE:
            return Answer(error="Passed")
        return self.going_on(visit, place)

    def going_on(self, visit: Visit, place: Place) -> Answer:
        """What the state in which the wait goes on has to know."""
        assert place.until
        said = {"target": place.until.isoformat(), "since": None}
        if place.since:
            said["since"] = place.since.isoformat()
        return Answer(said, timeout=min(place.until, visit.now + LONGEST_QUIET))

    def place(self, visit: Visit) -> Place:
        if visit.payload.get("again"):
            latest = visit.waits().latest
            known = latest is not None and latest.step == self.name
            return Place(latest.until, latest.since) if latest and known else Place()
        return Place(_target(visit), _moment_since(visit, self.name))

    def rest(self, visit: Visit, place: Place) -> Place | None:
        """Also for a wait that is only to begin. What was registered knows best, if it was for
        this wait and not in an earlier pass of a loop."""
        latest = visit.waits().latest
        known = latest is not None and latest.step == self.name
        if place.until and latest and known and latest.until > place.until - AT_ONCE:
            return Place(latest.until, latest.since)
        until = place.until or duration(self.at_most).after(visit.now, visit.zone)
        return Place(until, place.since)

    def first(self, facts: Facts, since: datetime) -> int | None:
        """The number of the happening that came first since then, by what is stored now; a
        condition that is true came now. None: nothing has happened."""
        came = [
            (event.time, number)
            for number, one in enumerate(self.awaited)
            for event in (facts.events(one.names, since) if one.names else ())
            if event.message_id != facts.entry.message_id and one.happened(event, facts)
        ]
        if came:
            return min(came)[1]
        return self._true(facts)

    def released_by(self, event: Event, facts: Facts) -> int | None:
        """The number of the happening that this event is, or which it has made true."""
        for number, one in enumerate(self.awaited):
            if event.name in one.names and one.happened(event, facts):
                return number
        return self._true(facts)

    def listens_to(self, event: Event) -> bool:
        """Whether an event of this name may release it."""
        return self._names is None or event.name in self._names

    @cached_property
    def _names(self) -> frozenset[str] | None:
        """Those of the events that may release it; None: any may."""
        found = [one.names for one in self.awaited]
        return frozenset(name for names in found for name in names) if all(found) else None

    def _true(self, facts: Facts) -> int | None:
        """The number of the first condition that is true now."""
        for number, one in enumerate(self.awaited):
            if one.holds and one.holds(facts):
                return number
        return None

    def _was_any_sent(self, visit: Visit) -> bool:
        wanted = tuple(name for one in self.awaited for name in one.messages)
        found = of_message(visit.facts, wanted)
        return any(message.state in ("sent", "unknown") for message in found)


def _since(flow: Flow, before: Step | None) -> dict[str, Any]:
    """Where the step finds the moment from which on events count."""
    if before is None:
        return {"since": {"entry": True}}
    if isinstance(before, Send):
        return {"since": {"send": before.name}}
    if isinstance(before, Awaiting):
        return {"since": {"wait": before.name}}
    if _may_leave_no_result(before):
        flow.need_start(before)
        return {"since": {"wait": before.name}}
    if isinstance(before, Repeat):
        return {"since": {"at.$": flow.began_at(before)}}
    exact = duration(before.wait).exact if isinstance(before, Wait) else None
    if exact is not None:
        return {"since": {"seconds": int(exact.total_seconds())}}
    flow.need_start(before)
    return {"since": {"at.$": f"{flow.result_path(before)}.Payload.at"}}


def _may_leave_no_result(step: Step) -> bool:
    """Whether a run may go on behind it by an error, which says nothing of when it began."""
    if isinstance(step, Wait):
        return step.after_the_last is not None
    return isinstance(step, WaitUntil | CallWebhook)


def _moment_since(visit: Visit, name: str) -> datetime:
    """The moment named by the payload; see `_since`."""
    if visit.payload.get("from"):
        return datetime.fromisoformat(visit.payload["from"])
    since = visit.payload.get("since", {})
    if "send" in since:
        return visit.claimed_at(since["send"]) or visit.entered
    if "seconds" in since:
        return visit.entered - timedelta(seconds=since["seconds"] + 1)
    if "at" in since:
        return datetime.fromisoformat(since["at"])
    if "wait" in since:
        waits, entered = visit.waits(), visit.entered
        if waits.latest and waits.latest.step == name and waits.began.get(name) == entered:
            return waits.latest.since  # a retry of this step, which has registered already
        return waits.beginning(since["wait"]) or entered
    return visit.run.entered


def _target(visit: Visit) -> datetime | None:
    """When a wait is over that began before."""
    said = visit.payload.get("target")
    return datetime.fromisoformat(said) if said else None
