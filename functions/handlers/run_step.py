"""A run has reached a step: do it, and answer its token or return its result."""

from datetime import datetime
from typing import Any

import msgspec
from aws_lambda_powertools import Logger

from functions.channels import channel
from functions.channels.channel import Outgoing
from functions.handlers import wiring
from functions.handlers.coding import codes_for
from functions.handlers.desk import journey_desk
from functions.handlers.offers import for_template, offers_of
from functions.handlers.sales_desk import alter_task, give, who_takes
from functions.journeys.decision import is_worth_noting, tell
from functions.journeys.enter import start, start_by_journey
from functions.journeys.flow import rest_of
from functions.journeys.journey import Journey
from functions.journeys.leave import leave_all
from functions.journeys.resume import WENT_ON, go_on, take
from functions.journeys.run import (
    LONGEST_QUIET,
    MOST_PASSES,
    RENEWED,
    Decision,
    Run,
    Wait,
    Waits,
    once,
    register,
    run_key,
)
from functions.journeys.run import Task as TaskRecord
from functions.journeys.step import (
    Answer,
    Busy,
    Exit,
    Place,
    Resume,
    Step,
    Temporary,
    Visit,
    WebhookBusy,
    WebhookRefused,
)
from functions.journeys.steps.repeat import Repeat
from functions.journeys.steps.send import BEST_CHANNEL, Send, moment
from functions.journeys.steps.task import Task
from functions.messages import signature
from functions.messages.best_channel import ORDER
from functions.messages.deliver import Desk, Wish, deliver, languages, template_values
from functions.messages.template import TemplateError, fill
from functions.sales.brief import known_of
from functions.sales.records import Lead
from functions.sales.routing import Routed
from functions.sales.work import HANDED_OVER, NOT_NEEDED, created, finish
from functions.segments import account
from functions.segments.condition import Facts
from functions.segments.person import shown_fields
from functions.segments.score import parts_at, score_at
from functions.storage import people
from functions.storage.library import Published
from functions.storage.store import Unavailable, change
from functions.tracking.event import JOURNEYS, SCORE_ADDED, Event, EventBatch, bodies
from functions.tracking.history import Change
from functions.tracking.message import Message, Outcome, ledger_key, send_id
from functions.tracking.own_event import MESSAGE_SENT, own_event
from functions.tracking.permission import Refused, pause_marketing
from functions.tracking.profile import Profile

logger = Logger(service="run_step")
MOST_SECONDS = 99_999_999  # of a timeout, by Step Functions


def handler(payload: dict[str, Any], context: object) -> dict[str, Any]:
    """Called by Step Functions with ids only: journey, version, step, run, person, entered.

    With a token (a send, a wait) the answer goes there; without one it is returned. Raises Exit
    when the run has ended or goes on in another execution, Resume when this is that other one,
    which then asks where it goes on; Temporary or Busy when the step may be tried again.
    """
    try:
        return _Steps(wiring.parts(), payload).take()
    except (Exit, Resume, Temporary, WebhookBusy, WebhookRefused):
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
        times: dict[str, Any] = {
            word: parts.settings.on_stage(datetime.fromisoformat(payload[word])).isoformat()
            for word in ("entered", "first")
            if word in payload
        }
        self.parts = parts
        self.payload = {**payload, **times}
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
        refusal = self._refusal()
        if refusal and token:
            self.parts.workflow.fail(token, type(refusal).__name__, str(refusal))
            return {}
        if refusal:
            raise refusal
        if self.payload.get("resume"):
            return self._go_on()
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

    def _refusal(self) -> Exit | Resume | None:
        """Why the step is not done in this execution."""
        permission = self.desk.permission(self.run.person)
        live = permission.live.get(self.run.run_id)
        if self.run.status == "ended" or live is None or live.leaving:
            return Exit("the run has ended")
        resumed = self.run.resumed
        if self.payload.get("execution", self.run.run_id) != self.run.execution:
            if resumed and not resumed.taken:
                start(self.desk, self.run)  # a crash may have come before that
            return Exit(WENT_ON)
        if self.payload.get("resume"):
            return None
        if resumed and not resumed.taken:
            return Resume("the run goes on where it stood")
        if "execution" not in self.payload or not self._is_old():
            return None
        self._renew()
        return Exit(WENT_ON)

    def _is_old(self) -> bool:
        """Whether the execution has lived or looped so long that another has to go on."""
        resumed = self.run.resumed
        first = resumed.number or 0 if resumed else 0
        is_long = self.parts.now() >= self.run.began + RENEWED
        return is_long or self._pass >= first + MOST_PASSES

    def _renew(self) -> None:
        """The execution is old: the run goes on in a new one, at this very step."""
        step = self.journey.step(self.payload["step"])
        place = step.place(self._visit(step))
        go_on(
            self.desk,
            self.run,
            at=step.name,
            until=place.until,
            since=place.since,
            version=self.run.journey_version,
            now=self.parts.now(),
            number=self.payload.get("pass"),
        )

    def _go_on(self) -> dict[str, Any]:
        """Where the run goes on, in words that the Choice behind this task knows."""
        resumed = self.run.resumed
        if resumed is None:
            raise Exit("the run does not go on anywhere")
        step = self.journey.step(resumed.at)
        if isinstance(step, Send) and resumed.until and self._is_done_with(step):
            step = self.journey.wait_behind(step) or step  # the wait is not over
        if isinstance(step, Repeat) and resumed.number is not None:
            take(self.desk, self.run)
            return {"at": rest_of(step.name)}
        place = step.rest(self._visit(step), Place(resumed.until, resumed.since))
        answer = Answer({"at": step.name}) if place is None else self._rest(step, place)
        take(self.desk, self.run)
        return self._outside(answer)

    def _rest(self, step: Step, place: Place) -> Answer:
        assert place.until
        now = self.parts.now()
        return Answer(
            {
                "at": rest_of(step.name),
                "target": place.until.isoformat(),
                "since": place.since.isoformat() if place.since else None,
            },
            until=min(place.until, self.run.furthest),
            timeout=min(place.until, now + LONGEST_QUIET),
        )

    def _answer(self, step: str) -> Answer | None:
        return self.journey.step(step).visit(self._visit(self.journey.step(step)))

    def _outside(self, answer: Answer) -> dict[str, Any]:
        """What a step returns; Step Functions waits for real times."""
        settings, output = self.parts.settings, dict(answer.output)
        if answer.until:
            output["until"] = moment(settings.in_reality(answer.until))
        if answer.timeout:
            left = settings.in_reality(answer.timeout) - settings.in_reality(self.parts.now())
            output["seconds"] = min(max(1, int(left.total_seconds())), MOST_SECONDS)
        return output

    def _answer_token(self, token: str, answer: Answer, result: dict[str, Any]) -> None:
        if answer.error:
            cause = result["until"] if answer.until else answer.cause
            self.parts.workflow.fail(token, answer.error, cause)
        else:
            self.parts.workflow.succeed(token, {"Payload": result})

    def _visit(self, step: Step) -> Visit:
        permission = self.desk.permission(self.run.person)
        facts = self.desk.facts(self.run, self.journey, self.profile, permission)
        return Visit(
            run=self.run,
            now=self.parts.now(),
            facts=facts,
            zone=self.desk.zone(self.profile),
            payload=self.payload,
            deliver=self._deliver,
            enter=self._enter,
            give_task=lambda task, due: self._give_task(task, facts, due),
            finish_task=self._finish_task,
            pause_marketing=lambda until: self._pause_marketing(step, until),
            stop=self._stop,
            change_person=lambda traits, points: self._change_person(step, traits, points),
            call=lambda webhook, said: self._call(step, webhook, said),
            decided=lambda arm, asked, steps: (
                self._note_decision(step, facts, arm, asked)
                if is_worth_noting(asked, steps)
                else None
            ),
            waits=self._waits,
            wait=self._wait,
            pass_over=self._pass_over,
            claimed_at=self._claimed_at,
        )

    def _deliver(self, step: Send) -> Outcome:
        files = self.published.files
        channels = [name for name in ORDER if languages(files, step.send, name)]
        wish = Wish(
            person=self.run.person,
            run_id=self.run.run_id,
            journey=self.run.journey,
            step=step.name,
            message=step.send,
            channels=channels if step.by == BEST_CHANNEL else [step.by or channels[0]],
            purpose=step.purpose or self.journey.purpose,
            entry=self.run.entry,
            files=files,
            zone=self.desk.zone(self.profile),
            send_only=self.journey.send_only,
            held_out=self.run.held_out,
            iteration=self._pass,
            latest=step.latest(self._entered, self.desk.zone(self.profile)),
            paused=self.parts.library.is_paused(self.run.journey),
        )
        outcome = deliver(wish, self._delivery_desk())
        self._tell_of_message(step, outcome)
        return outcome

    def _tell_of_message(self, step: Send, outcome: Outcome) -> None:
        """Where a rule counts messages, each is an event. No receipt can be counted instead: not
        every channel gives any."""
        asked = self.parts.library.rules().tells(MESSAGE_SENT)
        if not asked or outcome.at is None or outcome.state not in ("sent", "unknown"):
            return
        run = self.run
        sent = own_event(
            "messages",
            run.person,
            MESSAGE_SENT,
            send_id(run.run_id, step.name, self._pass),
            outcome.at,
            journey=run.journey,
            message=step.send,
            run_id=run.run_id,
        )
        self.parts.send_events(bodies(EventBatch([sent])), 0)

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
            products=lambda profile: for_template(offers_of(parts, profile)),
            codes=lambda wish, profile: codes_for(parts, profile, self.run),
        )

    def _enter(self, journey: str) -> None:
        occasion = self.run.run_id + (f"/{self._pass}" if self._pass else "")
        start_by_journey(self.desk, self.profile, journey, self.run.entry, occasion)

    def _stop(self, journey: str, outcome: str) -> None:
        leave_all(self.desk, self.run.person, journey, outcome, self.run.run_id)

    def _once(self, step: Step) -> str:
        """A hash of run, step and pass: what the step makes is known by it, whatever is retried."""
        return once(self.run.run_id, step.name, self._pass)

    def _change_person(self, step: Step, traits: dict[str, Any], points: float) -> None:
        """As events like any other; the same for every try, so that they count once."""
        events = []
        if traits:
            events.append(self._event(step, "update", type="identify", traits=traits))
        if points:
            given = {"points": points}
            events.append(
                self._event(step, "score", type="track", event=SCORE_ADDED, properties=given)
            )
        self.parts.send_events(bodies(EventBatch(events)), 0)

    def _call(self, step: Step, name: str, said: dict[str, Any]) -> None:
        """Post to a webhook of the brand in force. Raises WebhookBusy, WebhookRefused."""
        parts, run = self.parts, self.run
        brand = parts.library.brand()
        webhook = brand.webhooks.get(name)
        if webhook is None:
            raise WebhookRefused(f'brand.yaml has no webhook "{name}" any more')
        values = template_values(
            shown_fields(self.profile, parts.now()),
            run.entry,
            brand,
            "",
            self._pass,
            account.fields(self.profile),
            codes=codes_for(parts, self.profile, run),
        )
        try:
            told = {
                word: fill(one, values, autoescape=False) if isinstance(one, str) else one
                for word, one in said.items()
            }
        except (TemplateError, Refused) as error:
            raise WebhookRefused(str(error)) from None
        entry = {"event": run.entry.name, "properties": run.entry.properties}
        about = {
            "person": run.person,
            "user_id": self.profile.user_id,
            "journey": run.journey,
            "run": run.run_id,
            "step": step.name,
            "pass": self._pass + 1,
            "entry": entry,
            "with": told,
        }
        body = msgspec.json.encode(
            {"type": "journey.webhook", "timestamp": self._entered, "data": about}
        ).decode()
        now, keys = parts.settings.in_reality(parts.now()), parts.settings.link_keys
        signed = signature.headers(self._once(step), now, body, name, keys)
        message = Outgoing(
            send_id=self._once(step),
            to=webhook.url,
            text=body,
            subject=name,
            headers=signed,
            person=run.person,
        )
        try:
            parts.channels["webhook"].send(message)
        except channel.Permanent as error:
            logger.error("a webhook refused", extra={"webhook": name, "reason": str(error)})
            raise WebhookRefused(str(error)) from None
        except channel.Temporary as error:
            raise WebhookBusy(str(error)) from None

    def _event(self, step: Step, kind: str, **said: Any) -> Event:
        return Event(
            **said,
            message_id=f"{kind}-{self._once(step)}",
            time=self._entered,
            received_at=self.parts.now(),
            client_time=self._entered.isoformat(),
            context={"journey": self.run.journey, "step": step.name, "run": self.run.run_id},
            source=JOURNEYS,
            person=self.run.person,
        )

    @property
    def _pass(self) -> int:
        """The pass of the loop that the step stands in, from 0; 0 outside of loops."""
        resumed = self.run.resumed if self.payload.get("resume") else None
        return int(self.payload.get("pass", resumed.number or 0 if resumed else 0))

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

        def note(waits: Waits) -> bool:
            return register(waits, wait, self._entered, self._goes_on_waiting(waits, step))

        change(self.parts.store, self._waits, note)

    def _goes_on_waiting(self, waits: Waits, step: str) -> bool:
        """Whether the wait began before, and not just when the run went on in this execution
        (what is known of it then is from an earlier pass of its loop)."""
        resumed, began = self.run.resumed, waits.began.get(step)
        is_new = resumed is not None and resumed.at == step and resumed.until is None
        if resumed and is_new and (began is None or began < resumed.time):
            return False
        return "target" in self.payload

    def _pass_over(self, wait: str) -> None:
        """Note when a wait began that was over at once; one after it looks back to then."""

        def note(waits: Waits) -> bool:
            known = waits.began.get(wait)
            if known and known >= self._entered:
                return False
            waits.began = {**waits.began, wait: self._entered}
            waits.first = {step: time for step, time in waits.first.items() if step != wait}
            return True

        change(self.parts.store, self._waits, note)

    def _claimed_at(self, step: str) -> datetime | None:
        message = self._message(step)
        return message.claimed if message else None

    def _message(self, step: str) -> Message | None:
        """The ledger's row of that step's message, in this pass."""
        key = ledger_key(self.run.run_id, send_id(self.run.run_id, step, self._pass))
        return self.parts.store.get(Message, self.run.person, key)

    def _is_done_with(self, send: Send) -> bool:
        """Whether the message has gone, or will not go and the run goes on without it."""
        message = self._message(send.name)
        if message is None or message.claimed:
            return message is not None
        return message.state == "not sent" and not send.if_not_sent

    def _note_decision(self, step: Step, facts: Facts, arm: str, asked: list[Any]) -> None:
        """For who asks why later; a retry writes it again, as it decided then."""
        run = self.run
        decision = Decision(
            person=run.person,
            run_id=run.run_id,
            journey=run.journey,
            journey_version=self.published.version,
            step=step.name,
            iteration=self._pass,
            at=facts.now,
            arm=arm,
            told=tell(asked, facts),
        )
        self.parts.store.write([decision])

    def _give_task(self, step: Task, facts: Facts, due: datetime | None) -> None:
        now, run, task_id = self.parts.now(), self.run, self._once(step)
        routed = Routed(step.for_, "")
        if step.for_ == "owner":
            routed = who_takes(self.parts, self.profile, facts)
        task = TaskRecord(
            person=run.person,
            task_id=task_id,
            run_id=run.run_id,
            journey=run.journey,
            text=step.task,
            owner=routed.owner,
            created=now,
            due=due,
            reason=f"{self.journey.title}: {step.name}",
            context=known_of(self.profile, now),
            routed=routed.why,
            handed_over=step.hand_over,
            history=[created(now, routed.stays)],
        )
        lead = Lead(
            person=run.person,
            lead_id=task_id,
            journey=run.journey,
            run_id=run.run_id,
            text=step.task,
            owner=routed.owner,
            why=routed.why,
            score=score_at(self.profile, now),
            parts=parts_at(self.profile, now),
            handed=now,
            history=[Change(now, HANDED_OVER)],
        )
        give(self.parts, task, lead if step.hand_over else None)

    def _finish_task(self, text: str) -> None:
        now, by = self.parts.now(), self.journey.title
        for task in list(self.parts.store.query(TaskRecord, self.run.person)):
            is_meant = (task.run_id, task.text) == (self.run.run_id, text)
            if is_meant and (task.status == "open" or task.outcome == NOT_NEEDED):
                alter_task(self.parts, task, lambda one: finish(one, NOT_NEEDED, by, "", now))

    def _pause_marketing(self, step: Step, until: datetime | None) -> None:
        task_id = self._once(step)
        if self.parts.store.get(TaskRecord, self.run.person, task_id):
            return  # a retry of the step: the pause was set before the task was made
        change(
            self.parts.store,
            lambda: self.desk.permission(self.run.person),
            lambda permission: pause_marketing(permission, task_id, until, self.parts.now()),
        )
