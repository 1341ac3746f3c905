"""What a forecast's catalogue has published, read once for all of its stages."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from typing import Any

from functions.engine.machine import Machine, load
from functions.journeys.flow import compile_journey
from functions.journeys.run import JourneyVersion
from functions.journeys.steps.task import Task
from functions.segments.rules import Rules
from functions.storage.library import Library, Published
from functions.virtual.asking import Asking
from functions.virtual.listening import Listening
from functions.virtual.live_store import LiveStore
from functions.virtual.needed import asks_for_rules


class Programme(Library):
    """A library of what does not change while it is read."""

    def __init__(self, store: LiveStore, stands_for: float = 1.0) -> None:
        super().__init__(store, lambda: 0.0)
        self.store, self._stands_for = store, stands_for
        self._kept: Rules | None = None
        self._machines: dict[str, Machine] = {}

    def forget(self) -> None:
        super().forget()
        self._kept = None

    def frozen(self, journey: str, version: str) -> Published:
        """A sample has its share of an hour's places."""
        found = super().frozen(journey, version)
        limit, times = found.journey.limit, self._stands_for
        if times == 1 or not limit or not limit.per_hour:
            return found
        places = replace(limit, per_hour=max(1, round(limit.per_hour / times)))
        return replace(found, journey=replace(found.journey, limit=places))

    @property
    def limited(self) -> str:
        """The first journey that lets in only so many an hour; "" where none does."""
        limits = ((one.journey.name, one.journey.limit) for one in self.journeys())
        return next((name for name, limit in limits if limit and limit.per_hour), "")

    @property
    def shares_tasks(self) -> bool:
        """Whether who gets a task hangs on who has how many."""
        sales, journeys = self.sales(), (one.journey for one in self.journeys())
        return (
            sales is not None
            and len(sales.people) > 1
            and any(isinstance(step, Task) for one in journeys for step in one.every_step())
        )

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
    """What is published, as records. Whatever has the same one shares what is read of it.

    `stands_for`: for how many each person stands who is looked at.
    """

    def __new__(cls, records: Iterable[Any] = (), stands_for: float = 1.0) -> "Catalogue":
        made = super().__new__(cls, records)
        made.stands_for = stands_for
        return made

    stands_for: float

    @cached_property
    def programme(self) -> Programme:
        """What it says, read once in each process."""
        store = LiveStore()
        for record in self:
            store.keep(record)
        found = Programme(store, self.stands_for)
        found.journeys()
        found.rules()
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        return Catalogue, (tuple(self), self.stands_for)
