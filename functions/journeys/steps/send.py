"""Send a message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from zoneinfo import ZoneInfo

import msgspec

from functions.journeys import schema
from functions.journeys.step import Answer, Step, Visit, ends
from functions.segments.phrases import duration, within

if TYPE_CHECKING:
    from functions.journeys.flow import Flow
    from functions.journeys.steps.awaiting import Awaiting


BEST_CHANNEL = "best channel"


class Send(
    Step,
    rename={"if_not_sent": "if not sent", "skip_after": "skip after", "best_time": "best time"},
):
    """Sends a message of this folder by e-mail or SMS, in the person's language, once.

    `by` is needed only where the message exists in several channels; `best channel` is the one on
    which the person answers most for its cost, among those that they may get it by. With `best
    time: within 24 hours` it goes in that one of the next hours in which the person is there most.
    `if not sent` holds the steps for someone who may not get it or has no address. A message that
    is held longer than `skip after` is not sent.
    """

    send: schema.Name
    by: Literal["email", "sms", "best channel", ""] = ""
    purpose: str = ""
    best_time: schema.Within = ""
    skip_after: schema.Duration = ""
    if_not_sent: schema.Steps = msgspec.field(default_factory=list)

    verb: ClassVar[str] = "send"
    arms: ClassVar[tuple[str, ...]] = ("if_not_sent",)

    def label(self, before: Step | None) -> str:
        return f"send {self.send}" + (f" by {self.by}" if self.by else "")

    def states(self, flow: Flow, after: str, before: Step | None) -> str:
        return self.states_with(flow, after, None)

    def states_with(self, flow: Flow, after: str, wait: Awaiting | None) -> str:
        """The send alone, or fused with the wait for what comes of it: one state, because
        each state is billed and the token's timeout can be the wait."""
        name = f"{self.name}, {wait.name}" if wait else self.name
        state = flow.token_task(self)
        catch = [flow.catch("Hold", self._hold(flow, name), "$.hold")]
        if wait:
            state["Parameters"]["Payload"]["wait"] = wait.name
            state["Parameters"]["Payload"]["since"] = {"send": self.name}
        if self.if_not_sent:
            # The wait stands once more by itself for those who come from the arm.
            comes_back = wait and not ends(self.if_not_sent)
            onwards = wait.states(flow, after, self) if wait and comes_back else after
            catch.append(flow.catch("NotSent", flow.chain(self.if_not_sent, onwards, self)))
        if wait:
            wait.hang(flow, state, catch, after, {"since": {"send": self.name}})
        flow.finish(state, catch, after if not wait else state.get("Next", after))
        return flow.add(name, state)

    def _hold(self, flow: Flow, name: str) -> str:
        """What may not go now waits until the time that `Hold` names, then tries again."""
        state = {"Type": "Wait", "TimestampPath": "$.hold.Cause", "Next": name}
        return flow.add(f"hold {self.name}", state)

    def latest(self, entered: datetime, zone: ZoneInfo) -> datetime | None:
        """The last moment at which the message may go, when the run came here at `entered`."""
        return duration(self.skip_after).after(entered, zone) if self.skip_after else None

    def best_until(self, entered: datetime) -> datetime | None:
        """Until when the best time is looked for; None where it is not."""
        return entered + within(self.best_time) if self.best_time else None

    def visit(self, visit: Visit) -> Answer | None:
        outcome = visit.deliver(self)
        if outcome.state == "gone":
            return Answer(error="Exit", cause=outcome.reason)
        if outcome.state == "held" and outcome.until:
            return Answer(error="Hold", until=outcome.until)
        if outcome.state == "not sent" and self.if_not_sent:
            return Answer(error="NotSent", cause=outcome.reason)
        return Answer({"sent": outcome.state != "not sent"})


def asks_to_learn(raw: Any) -> bool:
    """Whether a step in what a file says chooses by how people respond."""
    if isinstance(raw, list):
        return any(map(asks_to_learn, raw))
    if not isinstance(raw, dict):
        return False
    is_asked = "send" in raw and (raw.get("by") == BEST_CHANNEL or "best time" in raw)
    return is_asked or any(map(asks_to_learn, raw.values()))


def moment(time: datetime) -> str:
    """A time as Step Functions reads it: whole seconds, UTC, never earlier than asked."""
    whole = time.astimezone(UTC) + timedelta(microseconds=999_999)
    return whole.strftime("%Y-%m-%dT%H:%M:%SZ")
