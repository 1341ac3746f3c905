"""The step that a run has reached: whose run, in which journey, and which pass."""

from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from functions.handlers import wiring
from functions.handlers.costing import Meter
from functions.handlers.desk import journey_desk
from functions.journeys.journey import Journey
from functions.journeys.run import Run, once, run_key
from functions.journeys.step import Exit, Step, Temporary
from functions.storage import people
from functions.storage.library import Published
from functions.tracking.event import JOURNEYS, Event
from functions.tracking.profile import Profile


class AtStep:
    """One call of run_step: the run, its journey and person."""

    def __init__(self, parts: wiring.Parts, payload: dict[str, Any]) -> None:
        # Step Functions tells real time; everything here goes by the stage's clock.
        told = ("entered", "first") if parts.settings.clock_start else ()
        times: dict[str, Any] = {
            word: parts.settings.on_stage(datetime.fromisoformat(payload[word])).isoformat()
            for word in told
            if word in payload
        }
        self.parts, self.meter = parts, Meter()
        self.payload = {**payload, **times}
        self.desk = journey_desk(parts)
        self.published: Published = parts.library.version(payload["journey"], payload["version"])
        key = run_key(payload["journey"], payload["run"])
        run = parts.store.get(Run, payload["person"], key)
        if run is None and self.desk.permission(payload["person"]).erased:
            raise Exit("the person was erased")
        if run is None:
            raise Temporary("the run's record is not there yet")
        self.run: Run = run
        self.profile: Profile = people.profile_of(parts.store, run.person)

    @property
    def journey(self) -> Journey:
        return self.published.journey

    @cached_property
    def zone(self) -> ZoneInfo:
        """Of the person."""
        return self.desk.zone(self.profile)

    @property
    def _pass(self) -> int:
        """The pass of the loop that the step stands in, from 0; 0 outside of loops."""
        resumed = self.run.resumed if self.payload.get("resume") else None
        return int(self.payload.get("pass", resumed.number or 0 if resumed else 0))

    @property
    def _entered(self) -> datetime:
        """When the state was entered: the same for every try of it."""
        return datetime.fromisoformat(self.payload["entered"])

    def _once(self, step: Step) -> str:
        """A hash of run, step and pass: what the step makes is known by it, whatever is retried."""
        return once(self.run.run_id, step.name, self._pass)

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
