"""Tell another system."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from functions.journeys import schema
from functions.journeys.step import Answer, Step, Visit

if TYPE_CHECKING:
    from functions.journeys.flow import Flow

# About a day: 30 s, 1 min, 2 min ... and then every three hours, or sooner by chance.
RETRY_WEBHOOK = {
    "ErrorEquals": ["WebhookBusy"],
    "IntervalSeconds": 30,
    "MaxAttempts": 20,
    "BackoffRate": 2.0,
    "MaxDelaySeconds": 10_800,
    "JitterStrategy": "FULL",
}


class CallWebhook(
    Step,
    rename={"call_webhook": "call webhook", "with_": "with", "if_it_fails": "if it fails"},
):
    """Posts to a webhook of brand.yaml: who, in which journey, the entry, and what `with` says.

    It is tried again for about a day, with the same id, so it may come more than once. `if it
    fails` holds the steps for when it was refused or the day is over; then, as without it, the
    run goes on.
    """

    call_webhook: schema.Text
    with_: dict[str, schema.Value] = msgspec.field(default_factory=dict)
    if_it_fails: schema.Steps = msgspec.field(default_factory=list)

    verb: ClassVar[str] = "call webhook"
    arms: ClassVar[tuple[str, ...]] = ("if_it_fails",)

    def label(self, before: Step | None) -> str:
        return f"call webhook {self.call_webhook}"[:60].rstrip()

    def states(self, flow: Flow, after: str, before: Step | None) -> str:
        failed = flow.arm(self, "if_it_fails", after)
        state = flow.task(self)
        state["Retry"] = [*state["Retry"], RETRY_WEBHOOK]
        if flow.is_start_needed(self):
            state["Parameters"]["Payload"]["noted"] = True
        catch = [flow.catch(error, failed) for error in ("WebhookBusy", "WebhookRefused")]
        flow.finish(state, catch, after)
        return flow.add(self.name, state)

    def visit(self, visit: Visit) -> Answer | None:
        if visit.payload.get("noted"):
            visit.pass_over(self.name)
        visit.call(self, self.call_webhook, self.with_)
        return Answer()
