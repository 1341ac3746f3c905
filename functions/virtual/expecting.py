"""People who do what is expected of them: learned from a store's records, drawn for a forecast."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from functions.forecast.answers import About, Drawn
from functions.forecast.known import Known, known
from functions.forecast.population import Sample
from functions.journeys.run import Run
from functions.journeys.steps.send import Send
from functions.messages.template import links
from functions.storage.library import Library, Published
from functions.storage.memory_store import MemoryStore
from functions.tracking.message import Message
from functions.tracking.permission import Permission
from functions.tracking.profile import OrderRow, Profile
from functions.virtual.plan import Someone
from functions.virtual.shards import Read

DAY = timedelta(days=1)


def known_of(someone: Someone, now: datetime) -> Known:
    """What the records of somebody tell at a moment."""

    def all_of(kind: type[Any]) -> list[Any]:
        return [record for record in someone.records if isinstance(record, kind)]

    # A person's own profile and permission; those that were merged into it are no longer theirs.
    profiles = [one for one in all_of(Profile) if one.person == someone.person]
    permissions = [one for one in all_of(Permission) if one.person == someone.person]
    profile = profiles[0] if profiles else Profile(person=someone.person)
    permission = permissions[0] if permissions else None
    return known(profile, all_of(Message), now, permission, all_of(OrderRow), all_of(Run))


def sample_of(
    people: Iterable[Someone], now: datetime, days: float, catalogue: Sequence[Any]
) -> Sample:
    """The sample from whom is learned what people have in common; `days` is how long a stretch is
    forecast. Some thousand people are enough (see `population.takes`)."""
    return Sample(now, days, [known_of(one, now) for one in people], goals(catalogue))


def about(catalogue: Sequence[Any]) -> dict[str, About]:
    """What the messages of a catalogue are for, and their links, by "journey/message"."""
    found: dict[str, About] = {}
    for published in _published(catalogue):
        for step in published.journey.every_step():
            if isinstance(step, Send):
                purpose = step.purpose or published.journey.purpose
                name = f"{published.journey.name}/{step.send}"
                found[name] = About(purpose, sorted(_links(step.send, published)))
    return found


def goals(catalogue: Sequence[Any]) -> dict[str, float]:
    """The journeys of a catalogue whose goal is an order, and in how many days it counts."""
    return {
        one.journey.name: one.journey.goal.within / DAY
        for one in _published(catalogue)
        if one.journey.goal and "Order Completed" in one.journey.goal.what.names
    }


def _published(catalogue: Sequence[Any]) -> list[Published]:
    store = MemoryStore()
    for record in catalogue:
        store.keep(record)
    return Library(store, lambda: 0.0).journeys()


def _links(message: str, published: Published) -> set[str]:
    mine = [name for name in published.files if name.partition(".")[0] == message]
    return {link for name in mine for link in links(name, published.files)}


def expecting(read: Read, answers: Drawn, begin: datetime, until: datetime) -> Read:
    """The same people, who do between two moments what is drawn for them, and answer by their own
    rates. The plan must have the same `answers`, in the process in which this reads."""

    def people(shard: int) -> Iterator[Someone]:
        for one in read(shard):
            person = known_of(one, begin)
            answers.meet(person)
            yield replace(one, events=[*one.events, *answers.happenings(person, begin, until)])

    return people


def answering(read: Read, answers: Drawn, begin: datetime) -> Read:
    """The same people and events (a replay's), who answer messages by their own rates."""

    def people(shard: int) -> Iterator[Someone]:
        for one in read(shard):
            answers.meet(known_of(one, begin))
            yield one

    return people
