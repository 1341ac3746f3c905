"""A run has reached a step: do it, and answer its token or return its result."""

from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger

from functions.handlers import wiring
from functions.handlers.desk import journey_desk
from functions.journeys.enter import start_by_journey
from functions.journeys.journey import Journey
from functions.journeys.leave import leave_all
from functions.journeys.run import Run, Task, Wait, Waits, register, run_key
from functions.journeys.step import Answer, Busy, Exit, Step, Temporary, Visit
from functions.journeys.steps.send import Send, moment
from functions.messages.deliver import Desk, Wish, deliver, languages
from functions.segments.person import fields
from functions.storage import people
from functions.storage.library import Published
from functions.storage.store import Conflict, Unavailable, change
from functions.tracking.event import Event, EventBatch, bodies
from functions.tracking.identity import short_hash
from functions.tracking.message import Message, Outcome, ledger_key, send_id
from functions.tracking.profile import Profile

logger = Logger(service="run_step")
JOURNEYS = "journeys"  # the source of the events that steps cause


def handler(payload: dict[str, Any], context: object) -> dict[str, Any]:
    """Called by Step Functions with ids only: journey, version, step, run, person, entered.

    With a token (a send, a wait) the answer goes there; without one it is returned. Raises Exit
    when the run has ended, Temporary or Busy when the step may be tried again.
    """
    try:
        return _Steps(wiring.parts(), payload).take()
    except (Exit, Temporary):
        raise
    except Unavailable as error:
        logger.warning("the step comes again later", extra={"step": payload.get("step")})
        raise Busy(f"{error}"[:200]) from None
    except Exception as error:
        # Whatever else failed on the way is tried again by Step Functions; what never works
        # ends the run as failed, with an alarm. No message goes twice.
        logger.exception("the step failed", extra={"step": payload.get("step")})
        raise Temporary(f"{type(error).__name__}: {error}"[:200]) from None


class _Steps:
    """One call: the run, its journey and person, and the effects of a step."""

    def __init__(self, parts: wiring.Parts, payload: dict[str, Any]) -> None:
        # Step Functions tells real time; everything here goes by the stage's clock.
        entered = parts.settings.on_stage(datetime.fromisoformat(payload["entered"]))
        self.parts, self.payload = parts, {**payload, "entered": entered.isoformat()}
        self.desk = journey_desk(parts)
        self.published: Published = parts.library.version(payload["journey"], payload["version"])
        key = run_key(payload["journey"], payload["run"])
        run = parts.store.get(Run, payload["person"], key)
        if run is None:
            raise Temporary("the run's record is not there yet")
        self.run: Run = run
        self.profile: Profile = people.profile_of(parts.store, run.person)

    @property
    def journey(self) -> Journey:
        return self.published.journey

    def take(self) -> dict[str, Any]:
        """Do the step (and the wait fused with it) and answer."""
        token = self.payload.get("token")
        permission = self.desk.permission(self.run.person)
        live = permission.live.get(self.run.run_id)
        if self.run.status == "ended" or live is None or live.leaving:
            if token:
                self.parts.workflow.fail(token, "Exit", "the run has ended")
                return {}
            raise Exit("the run has ended")
        answer = self._answer(self.payload["step"])
        wait = self.payload.get("wait", "")
        if answer and not answer.error and wait and wait != self.payload["step"]:
            answer = self._answer(wait)
        result = {"at": self.parts.now().isoformat(), **(self._outside(answer) if answer else {})}
        if not token:
            return result
        if answer:
            self._answer_token(token, answer, result)
        return {}

    def _answer(self, step: str) -> Answer | None:
        return self.journey.step(step).visit(self._visit(self.journey.step(step)))

    def _outside(self, answer: Answer) -> dict[str, Any]:
        """What a step returns; Step Functions waits for real times."""
        if answer.until is None:
            return answer.output
        return {**answer.output, "until": moment(self.parts.settings.in_reality(answer.until))}

    def _answer_token(self, token: str, answer: Answer, result: dict[str, Any]) -> None:
        if answer.error:
            cause = result["until"] if answer.until else answer.cause
            self.parts.workflow.fail(token, answer.error, cause)
        else:
            self.parts.workflow.succeed(token, {"Payload": result})

    def _visit(self, step: Step) -> Visit:
        permission = self.desk.permission(self.run.person)
        return Visit(
            run=self.run,
            now=self.parts.now(),
            facts=self.desk.facts(self.run, self.journey, self.profile, permission),
            zone=self.desk.zone(self.profile),
            payload=self.payload,
            deliver=self._deliver,
            enter=self._enter,
            give_task=lambda text, owner, due: self._give_task(step, text, owner, due),
            stop=self._stop,
            change_person=lambda traits: self._change_person(step, traits),
            waits=self._waits,
            wait=self._wait,
            pass_over=self._pass_over,
            claimed_at=self._claimed_at,
        )

    def _deliver(self, step: Send) -> Outcome:
        files = self.published.files
        channels = [name for name in ("email", "sms") if languages(files, step.send, name)]
        wish = Wish(
            person=self.run.person,
            run_id=self.run.run_id,
            journey=self.run.journey,
            step=step.name,
            message=step.send,
            channel=step.by or channels[0],
            purpose=step.purpose or self.journey.purpose,
            entry=self.run.entry,
            files=files,
            latest=step.latest(self._entered, self.desk.zone(self.profile)),
        )
        return deliver(wish, self._delivery_desk())

    def _delivery_desk(self) -> Desk:
        parts = self.parts
        return Desk(
            store=parts.store,
            channels=parts.channels,
            brand=parts.library.brand(),
            now=parts.now,
            link_keys=parts.settings.link_keys,
            public_url=parts.settings.public_url,
            profile=lambda person: people.profile_of(parts.store, person),
            permission=self.desk.permission,
        )

    def _enter(self, journey: str) -> None:
        start_by_journey(self.desk, self.profile, journey, self.run.entry, self.run)

    def _stop(self, journey: str, outcome: str) -> None:
        leave_all(self.desk, self.run.person, journey, outcome, self.run.run_id)

    def _change_person(self, step: Step, traits: dict[str, Any]) -> None:
        """As an event like any other; the same for every try, so that it counts once."""
        event = Event(
            type="identify",
            message_id=f"update-{short_hash(self.run.run_id, step.name)}",
            time=self._entered,
            received_at=self.parts.now(),
            client_time=self._entered.isoformat(),
            traits=traits,
            context={"journey": self.run.journey, "step": step.name, "run": self.run.run_id},
            source=JOURNEYS,
            person=self.run.person,
        )
        self.parts.send_events(bodies(EventBatch([event])), 0)

    @property
    def _entered(self) -> datetime:
        """When the state was entered: the same for every try of it."""
        return datetime.fromisoformat(self.payload["entered"])

    def _waits(self) -> Waits:
        run = self.run
        blank = Waits(person=run.person, run_id=run.run_id, journey=run.journey)
        key = run_key(run.journey, run.run_id)
        return self.parts.store.get(Waits, run.person, key) or blank

    def _wait(self, since: datetime, until: datetime) -> None:
        """Register the wait with this try's token."""
        step = self.payload.get("wait") or self.payload["step"]
        wait = Wait(step, self.payload["token"], since, until)
        change(self.parts.store, self._waits, lambda waits: register(waits, wait, self._entered))

    def _pass_over(self, wait: str) -> None:
        """Note when a wait began that was over at once; one after it looks back to then."""

        def note(waits: Waits) -> bool:
            is_new = wait not in waits.began
            waits.began = {wait: self._entered, **waits.began}
            return is_new

        change(self.parts.store, self._waits, note)

    def _claimed_at(self, step: str) -> datetime | None:
        key = ledger_key(self.run.run_id, send_id(self.run.run_id, step, 0))
        message = self.parts.store.get(Message, self.run.person, key)
        return message.claimed if message else None

    def _give_task(self, step: Step, text: str, owner: str, due: datetime | None) -> None:
        brand = self.parts.library.brand()
        own = self.profile.trait("owner")
        task = Task(
            person=self.run.person,
            task_id=short_hash(self.run.run_id, step.name),
            run_id=self.run.run_id,
            journey=self.run.journey,
            text=text,
            owner=str(own or brand.owner) if owner == "owner" else owner,
            created=self.parts.now(),
            due=due,
            reason=f"{self.journey.title}: {step.name}",
            context=_context(self.profile),
        )
        try:
            self.parts.store.put(task)
        except Conflict:
            return  # a retry of the step: the colleague has the task already


def _context(profile: Profile) -> dict[str, str]:
    """What a colleague should know before they call."""
    person = fields(profile)
    wanted = ("name", "first_name", "last_name", "company", "email", "phone", "orders", "revenue")
    found = {name: str(person[name]) for name in wanted if person.get(name) not in (None, "")}
    if profile.pages:
        found["last page"] = profile.pages[-1].what
    return found
