"""A forecast prepared: from what is asked to a plan, and to the people of each shard."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from functions.forecast.asked import Asked
from functions.forecast.shape import Shape, shape
from functions.journeys.journey import Journey
from functions.journeys.standing import Sweep
from functions.journeys.yaml_file import read
from functions.messages.brand import Brand
from functions.storage.library import Library, Published
from functions.storage.memory_store import MemoryStore
from functions.storage.store import Store
from functions.virtual.generated import Makers, makers
from functions.virtual.newcomers import Lately, lately
from functions.virtual.people import (
    Window,
    as_they_are,
    by_shard,
    chosen,
    opened_by,
    replayed,
)
from functions.virtual.plan import SHARDS, Plan, Someone, shard_of
from functions.virtual.programme import Catalogue

# People whose records one process holds at once (some 75 KB each). With more of them tasks are
# shared out within each shard, which is a task or two beside the point.
MOST_TOGETHER = 20_000


class NotPossible(ValueError):
    """This cannot be forecast; the text says why, and what would be right."""


@dataclass(frozen=True)
class Known:
    """Whom a store knows: the keys of people, since when there are any, and when each `came`."""

    people: Sequence[str]
    since: datetime | None
    came: Mapping[str, datetime] = field(default_factory=dict)


def whom(found: Iterable[tuple[str, datetime]]) -> Known:
    """These people (`people.everybody`), as known."""
    came = dict(found)
    return Known([*came], min(came.values(), default=None), came)


@dataclass(frozen=True)
class People:
    """Whom a forecast is about, by shard; and where they come from: out of a store (with a
    `window`: as they were in it), or made up.

    `known` people there are, of whom those of the shards stand for all. `lately` are those who
    came last: as many are still to come.
    """

    shards: tuple[tuple[str, ...], ...]
    known: int
    window: Window | None = None
    makers: Makers | None = None
    lately: Lately = field(default_factory=Lately)

    @property
    def chosen(self) -> int:
        """How many are looked at, at the most: whoever cannot enter is passed over."""
        return sum(map(len, self.shards))

    @property
    def stands_for(self) -> float:
        """For how many people each of them stands."""
        return self.known / self.chosen if self.chosen else 1.0

    def read(self, store: Store | None, shard: int) -> Iterator[Someone]:
        """The people of a shard, out of this store."""
        for key in self.shards[shard]:
            if self.makers:
                yield self.makers.someone(int(key))
            elif store is not None:
                window = self.window
                found = replayed(store, key, window) if window else as_they_are(store, key)
                if found:
                    yield found


@dataclass(frozen=True)
class Prepared:
    """What is asked, with its plan, its people, the shape of its journeys, and the time today."""

    asked: Asked
    plan: Plan
    people: People
    shape: Shape
    now: datetime

    @property
    def nobody(self) -> str:
        """What to say where nobody was there to look at."""
        stretch = f"from {self.plan.begin:%Y-%m-%d} to {self.plan.until:%Y-%m-%d}"
        window = self.people.window
        events = " or ".join(window.opened_by) if window else ""
        why = f"there was no {events}" if events else "nobody did anything"
        return f"nobody could enter {stretch}: {why}; choose other days (since, days)"


def prepare(
    asked: Asked, catalogue: Sequence[Any], known: Known, identity_key: bytes, now: datetime
) -> Prepared:
    """What is asked, on this catalogue and these people. Raises NotPossible."""
    library = library_of(catalogue)
    published = {one.journey.name: one for one in library.journeys()}
    journey = _journey(asked.journey, published)
    begin, until = _stretch(asked, known, now)
    looked = {one.name: one.looked for one in _journeys(published) if one.looked}
    is_replay = asked.mode == "replay" and not asked.people
    first = tuple(looked) if is_replay else (asked.journey,)
    sweeps = [Sweep(journey=name, version=1, hash=way.hash) for name, way in looked.items()]
    plan = Plan(
        catalogue=[*catalogue, *sweeps],
        begin=begin,
        until=until,
        seed=asked.seed,
        first=() if asked.people else first,
        identity_key=identity_key,
    )
    shapes = shape(catalogue, library.brand().time_zone)
    if asked.people:
        people = _made_up(asked, published[asked.journey], library.brand(), plan)
        return Prepared(asked, placed(plan, people), people, shapes, now)
    if not known.people:
        raise NotPossible(
            "there is nobody to forecast it on yet: send events first (tante demo makes some), or "
            'have people made up ("people": 1000; on the command line --people 1000)'
        )
    keys = chosen(known.people, asked.sample, asked.seed)
    window = Window(
        since=begin,
        until=until,
        opened_by=opened_by(journey, _journeys(published)),
        looked=tuple(name for name in looked if name != asked.journey),
        identity_key=identity_key,
    )
    people = People(by_shard(keys), len(known.people), window if is_replay else None)
    if asked.newcomers and not is_replay:
        people = replace(people, lately=_lately(known, keys, asked.days, begin))
    return Prepared(asked, placed(plan, people), people, shapes, now)


def placed(plan: Plan, people: People) -> Plan:
    """The plan where its places are for these people, each of whom stands for so many, and where
    those go together of whom one takes another's place. Raises NotPossible for too many."""
    catalogue = Catalogue(plan.catalogue, people.stands_for)
    limited, is_shared = catalogue.programme.limited, catalogue.programme.shares_tasks
    are_few = people.chosen <= MOST_TOGETHER
    if limited and not are_few:
        raise NotPossible(
            f'"{limited}" lets in only so many an hour, so everybody has to be looked at together, '
            f"which is possible for {MOST_TOGETHER} people: take a sample of so many (sample)"
        )
    return replace(plan, catalogue=catalogue, together=bool(limited) or (is_shared and are_few))


def _lately(known: Known, keys: Iterable[str], days: int, begin: datetime) -> Lately:
    """Who of these people came lately; for how long people are known, all tell."""
    found = lately(known.came, begin, days)
    looked_at = {key: found.came[key] for key in keys if key in found.came}
    return replace(found, came=looked_at)


def library_of(catalogue: Iterable[Any]) -> Library:
    """What a catalogue has published."""
    store = MemoryStore()
    for record in catalogue:
        store.keep(record)
    return Library(store, lambda: 0.0)


def _journeys(published: dict[str, Published]) -> list[Journey]:
    return [one.journey for one in published.values()]


def _journey(name: str, published: dict[str, Published]) -> Journey:
    if name not in published:
        there = ", ".join(sorted(published)) or "none"
        raise NotPossible(f'there is no journey "{name}"; there are: {there}')
    return published[name].journey


def _stretch(asked: Asked, known: Known, now: datetime) -> tuple[datetime, datetime]:
    """From when until when. Raises NotPossible."""
    length = timedelta(days=asked.days)
    if asked.mode == "expect" or asked.people:
        if asked.since and not asked.people:
            raise NotPossible(
                'a forecast of what is expected begins now; "since" goes with a replay'
            )
        return now, now + length
    # By whole days, so that the same day gives the same answer.
    first = asked.since or (now - length).astimezone(UTC).date()
    since = datetime.combine(first, time(), UTC)
    until = min(since + length, now)
    if since >= now:
        raise NotPossible(f"{since:%Y-%m-%d} is still to come; a replay needs days that are over")
    if known.since and until <= known.since:
        raise NotPossible(
            f"nothing is known of the days from {since:%Y-%m-%d} to {until:%Y-%m-%d}: the first "
            f"person came on {known.since:%Y-%m-%d}; choose another day with --since"
        )
    return since, until


def _made_up(asked: Asked, one: Published, brand: Brand, plan: Plan) -> People:
    made = makers(
        one.journey,
        read("journey.yaml", one.files["journey.yaml"]).value,
        plan.begin,
        plan.until,
        seed=asked.seed,
        languages=tuple(brand.languages),
        purposes=tuple(brand.purposes),
        identity_key=plan.identity_key,
    )
    numbers = range(asked.people or 0)
    shards: list[list[str]] = [[] for _ in range(SHARDS)]
    for number in numbers:
        shards[shard_of(made.key(number))].append(str(number))
    return People(tuple(map(tuple, shards)), len(numbers), makers=made)
