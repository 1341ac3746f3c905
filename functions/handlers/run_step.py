"""A run has reached a step: do it, and answer its token or return its result."""

from typing import Any

from functions.handlers import costing, wiring
from functions.handlers.discreet import Logger, hidden
from functions.handlers.effects.messages import Messages
from functions.handlers.effects.person import Changes
from functions.handlers.effects.tasks import Tasks
from functions.handlers.effects.waits import Waiting
from functions.handlers.effects.webhook import Calls
from functions.journeys.decision import tell
from functions.journeys.enter import start
from functions.journeys.flow import GO_ON, rest_of
from functions.journeys.resume import WENT_ON, go_on, take
from functions.journeys.run import LONGEST_QUIET, MOST_PASSES, RENEWED, Decision
from functions.journeys.step import (
    Answer,
    Busy,
    Exit,
    Place,
    Resume,
    Step,
    Temporary,
    WebhookBusy,
    WebhookRefused,
)
from functions.journeys.steps.repeat import Repeat
from functions.journeys.steps.send import Send, moment
from functions.storage.store import Unavailable

logger = Logger(service="run_step")
MOST_SECONDS = 99_999_999  # of a timeout, by Step Functions


def handler(payload: dict[str, Any], context: object) -> dict[str, Any]:
    """Called by Step Functions with ids only: journey, version, step, run, person, entered.

    With a token (a send, a wait) the answer goes there; without one it is returned. Raises Exit
    when the run has ended or goes on in another execution, Resume when this is that other one,
    which then asks where it goes on; Temporary or Busy when the step may be tried again.
    """
    try:
        steps = _Steps(wiring.parts(), payload)
        try:
            return steps.take()
        finally:
            steps.note_cost()
    except (Exit, Resume, Temporary, WebhookBusy, WebhookRefused):
        raise
    except Unavailable as error:
        logger.warning("the step comes again later", extra={"step": payload.get("step")})
        raise Busy(f"{error}"[:200]) from None
    except Exception as error:
        # Whatever else failed on the way is tried again by Step Functions; what never works
        # ends the run as failed, with an alarm. No message goes twice.
        logger.exception("the step failed", extra={"step": payload.get("step")})
        raise Temporary(hidden(f"{type(error).__name__}: {error}")[:200]) from None


class _Steps(Messages, Waiting, Tasks, Changes, Calls):
    """One call: what the step does, as its Visit, and what Step Functions hears of it."""

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
        if token and not answer:
            return {}
        result = {"at": self.parts.now().isoformat(), **(self._outside(answer) if answer else {})}
        if token and answer:
            self._answer_token(token, answer, result)
        return {} if token else result

    def note_cost(self) -> None:
        """Count the call and what it used."""
        step = self.payload.get("step") or GO_ON
        costing.count_step(self.parts, self.run, step, self.payload["entered"], self.meter)

    def _refusal(self) -> Exit | Resume | None:
        """Why the step is not done in this execution."""
        live = self.permission.live.get(self.run.run_id)
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
        place = step.place(self)
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
        place = step.rest(self, Place(resumed.until, resumed.since))
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
        return self.journey.step(step).visit(self)

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

    def decided(self, step: Step, arm: str, asked: list[Any]) -> None:
        """For who asks why later; a retry writes it again, as it decided then."""
        run, facts = self.run, self.facts
        decision = Decision(
            person=run.person,
            run_id=run.run_id,
            journey=run.journey,
            journey_version=self.published.version,
            step=step.name,
            iteration=self._pass,
            at=facts.now,
            arm=arm,
            told=tell(asked, facts) if self.parts.explains else {},
        )
        self.parts.store.write([decision])
