"""What a step changes about the person: traits, points, and the journeys they are in."""

from typing import Any

from functions.handlers.effects.at_step import AtStep
from functions.journeys.enter import start_by_journey
from functions.journeys.leave import leave_all
from functions.journeys.step import Step
from functions.tracking.event import SCORE_ADDED, EventBatch, bodies


class Changes(AtStep):
    """Changes of the person, as events, entries and exits."""

    def change_person(self, step: Step, traits: dict[str, Any], points: float) -> None:
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

    def enter(self, journey: str) -> None:
        occasion = self.run.run_id + (f"/{self._pass}" if self._pass else "")
        start_by_journey(self.desk, self.profile, journey, self.run.entry, occasion)

    def stop(self, journey: str, outcome: str) -> None:
        leave_all(self.desk, self.run.person, journey, outcome, self.run.run_id)
