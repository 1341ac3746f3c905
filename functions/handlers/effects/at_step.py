"""The step that a run has reached: whose run, in which journey, and which pass."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from functions.handlers import wiring
from functions.handlers.costing import Meter
from functions.handlers.desk import journey_desk
from functions.journeys.journey import Journey
from functions.journeys.run import Run, once, run_key
from functions.journeys.step import Exit, Step, Temporary, Visit
from functions.segments.condition import Facts
from functions.settings import Settings
from functions.storage import people
from functions.storage.library import Published
from functions.tracking.event import JOURNEYS, Event
from functions.tracking.permission import Permission
from functions.tracking.profile import Profile


class AtStep(Visit):
    """One call of run_step: the run, its journey and person."""

    def __init__(self, parts: wiring.Parts, payload: dict[str, Any]) -> None:
        self.parts, self.meter = parts, Meter()
        self.payload = _on_stage(parts.settings, payload)
        # When the state was entered: the same for every try of it.
        self.entered = datetime.fromisoformat(self.payload["entered"])
        self.desk = journey_desk(parts)
        self.published: Published = parts.library.version(payload["journey"], payload["version"])
        self.journey: Journey = self.published.journey
        key = run_key(payload["journey"], payload["run"])
        run = parts.store.get(Run, payload["person"], key)
        if run is None and self.desk.permission(payload["person"]).erased:
            raise Exit("the person was erased")
        if run is None:
            raise Temporary("the run's record is not there yet")
        self.run: Run = run
        self._facts: Facts | None = None
        self._zone: ZoneInfo | None = None
        self.look()
        # The pass of the loop that the step stands in, from 0; 0 outside of loops.
        resumed = run.resumed if payload.get("resume") else None
        self._pass = int(payload.get("pass", resumed.number or 0 if resumed else 0))

    @property
    def now(self) -> datetime:
        return self.parts.now()

    @property
    def zone(self) -> ZoneInfo:
        if self._zone is None:
            self._zone = self.desk.zone(self.profile)
        return self._zone

    @property
    def facts(self) -> Facts:
        """Gathered when a step first asks: most ask for nothing."""
        if self._facts is None:
            self._facts = self.desk.facts(self.run, self.journey, self.profile, self.permission)
        return self._facts

    def look(self) -> None:
        """Read what others may change; the facts are of the last look."""
        self.profile: Profile = people.profile_of(self.parts.store, self.run.person)
        self.permission: Permission = self.desk.permission(self.run.person)
        self._facts = None

    def _once(self, step: Step) -> str:
        """A hash of run, step and pass: what the step makes is known by it, whatever is retried."""
        return once(self.run.run_id, step.name, self._pass)

    def _event(self, step: Step, kind: str, **said: Any) -> Event:
        return Event(
            **said,
            message_id=f"{kind}-{self._once(step)}",
            time=self.entered,
            received_at=self.parts.now(),
            client_time=self.entered.isoformat(),
            context={"journey": self.run.journey, "step": step.name, "run": self.run.run_id},
            source=JOURNEYS,
            person=self.run.person,
        )


def _on_stage(settings: Settings, payload: dict[str, Any]) -> dict[str, Any]:
    """The payload with its times by the stage's clock; Step Functions tells real time."""
    if settings.clock_start is None:
        return payload
    times: dict[str, Any] = {
        word: settings.on_stage(datetime.fromisoformat(payload[word])).isoformat()
        for word in ("entered", "first")
        if word in payload
    }
    return {**payload, **times}
