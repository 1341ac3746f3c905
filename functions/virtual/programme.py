"""What a forecast's catalogue has published, read once for all of its stages."""

from functools import cached_property
from typing import Any

from functions.engine.machine import Machine, load
from functions.journeys.flow import compile_journey
from functions.journeys.run import JourneyVersion
from functions.segments.rules import Rules
from functions.storage.library import Library, Published
from functions.virtual.asking import Asking
from functions.virtual.listening import Listening
from functions.virtual.live_store import LiveStore
from functions.virtual.needed import asks_for_rules


class Programme(Library):
    """A library of what does not change while it is read."""

    def __init__(self, store: LiveStore) -> None:
        super().__init__(store, lambda: 0.0)
        self.store = store
        self._kept: Rules | None = None
        self._all: list[Published] | None = None
        self._machines: dict[str, Machine] = {}

    def forget(self) -> None:
        super().forget()
        self._all = self._kept = None

    def journeys(self) -> list[Published]:
        if self._all is None:
            self._all = super().journeys()
        return self._all

    def rules(self) -> Rules:
        """Only where anything asks for what they say."""
        if self._kept is None:
            found = super().rules()
            bare = Rules(needs_consent=found.needs_consent, cuts=found.cuts)
            self._kept = found if asks_for_rules(self.store.every(JourneyVersion)) else bare
        return self._kept

    @cached_property
    def listening(self) -> Listening:
        """Who listens to an event."""
        return Listening(self)

    @cached_property
    def asking(self) -> Asking:
        """Which events a step asks for."""
        return Asking(self)

    def machine(self, key: str) -> Machine:
        """The state machine `journey@version`, ready to run."""
        if key not in self._machines:
            journey, _, version = key.rpartition("@")
            found = self.version(journey, version)
            self._machines[key] = load(compile_journey(found.journey, version))
        return self._machines[key]

    def _refresh(self) -> None:
        if self._read_at is None:
            super()._refresh()


class Catalogue(tuple[Any, ...]):
    """What is published, as records. Whatever has the same one shares what is read of it."""

    @cached_property
    def programme(self) -> Programme:
        """What it says, read once in each process."""
        store = LiveStore()
        for record in self:
            store.keep(record)
        found = Programme(store)
        found.journeys()
        found.rules()
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        return Catalogue, (tuple(self),)
