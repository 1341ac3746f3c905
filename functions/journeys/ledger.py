"""The ledger's row of a message of which only the claim is known."""

from functions.journeys.desk import Desk
from functions.journeys.run import Run
from functions.journeys.steps.send import Send
from functions.tracking.message import BEING_SENT, Message, send_id
from functions.tracking.permission import Claim


def row_of(desk: Desk, run: Run, claim: Claim) -> Message | None:
    """The row that the sender has not written yet, or never will; None when the claim is another
    run's. It is unknown whether the message went."""
    journey = desk.version(run.journey, run.journey_version)
    for step, iteration in journey.every_pass():
        if isinstance(step, Send) and send_id(run.run_id, step.name, iteration) == claim.send_id:
            return Message(
                person=run.person,
                run_id=run.run_id,
                step=step.name,
                iteration=iteration,
                send_id=claim.send_id,
                journey=run.journey,
                message=step.send,
                channel=claim.channel,
                purpose=claim.purpose,
                state="unknown",
                reason=BEING_SENT,
                claimed=claim.time,
            )
    return None
