"""A step's wait: registering it with this try's token."""

from datetime import datetime

from functions.handlers.effects.at_step import AtStep
from functions.journeys.run import Wait, Waits, register, run_key
from functions.storage.store import change


class Waiting(AtStep):
    """Waits, by the record that events and timers look at."""

    def waits(self) -> Waits:
        run = self.run
        there = self.parts.store.get(Waits, run.person, run_key(run.journey, run.run_id))
        return there or Waits(person=run.person, run_id=run.run_id, journey=run.journey)

    def wait(self, since: datetime, until: datetime) -> None:
        """Register the wait with this try's token."""
        step = self.payload.get("wait") or self.payload["step"]
        wait = Wait(step, self.payload["token"], since, until)

        def note(waits: Waits) -> bool:
            return register(waits, wait, self.entered, self._goes_on_waiting(waits, step))

        self.meter.waits += 1
        change(self.parts.store, self.waits, note)

    def _goes_on_waiting(self, waits: Waits, step: str) -> bool:
        """Whether the wait began before, and not just when the run went on in this execution
        (what is known of it then is from an earlier pass of its loop)."""
        resumed, began = self.run.resumed, waits.began.get(step)
        is_new = resumed is not None and resumed.at == step and resumed.until is None
        if resumed and is_new and (began is None or began < resumed.time):
            return False
        return "target" in self.payload

    def pass_over(self, wait: str) -> None:
        """Note when a wait began that was over at once; one after it looks back to then."""

        def note(waits: Waits) -> bool:
            known = waits.began.get(wait)
            if known and known >= self.entered:
                return False
            waits.began = {**waits.began, wait: self.entered}
            waits.first = {step: time for step, time in waits.first.items() if step != wait}
            return True

        change(self.parts.store, self.waits, note)
