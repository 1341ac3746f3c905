"""People who are still to come: whoever came lately comes once more, as somebody else."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import exp
from random import Random

import msgspec

from functions.forecast.answers import Drawn
from functions.storage.store import Store
from functions.tracking.event import IMPORT, Event
from functions.tracking.identity import person_key, short_hash
from functions.virtual.expecting import DAY, known_of
from functions.virtual.people import Window, as_they_are, replayed
from functions.virtual.plan import SHARDS, Plan, Someone, shard_of
from functions.virtual.renaming import Renaming
from functions.virtual.shards import Read

_ALWAYS = datetime.min.replace(tzinfo=UTC)
_NOBODY_YET = exp(-1)


@dataclass(frozen=True)
class Lately:
    """Who came in the last `days` (whole ones, 0: nobody is to come), and when."""

    days: int = 0
    came: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True)
class Newcomer:
    """Somebody who is still to come: they do what `person` did, so much `later`; a name of their
    own, and the key that goes with it."""

    person: str
    later: timedelta
    name: str
    key: str


Newcomers = tuple[tuple[Newcomer, ...], ...]  # by shard


def lately(came: Mapping[str, datetime], begin: datetime, days: int) -> Lately:
    """Who came in so many days before a moment; in fewer where no more are known."""
    first = min(came.values(), default=begin)
    known = min(days, (begin - first) // DAY)
    since = begin - known * DAY
    return Lately(known, {key: at for key, at in came.items() if since <= at < begin})


def newcomers(found: Lately, plan: Plan, draw: int, is_only: bool) -> Newcomers:
    """Who is to come in one draw: each of those that came lately never, once, twice … (a Poisson
    bootstrap: Hanley and MacGibbon 2006), so that their number is as unsure as it is. In an only
    draw (`is_only`) each comes once. Where the days known are fewer than those of the plan, they
    come again and again."""
    shards: list[list[Newcomer]] = [[] for _ in range(SHARDS)]
    for person, came in sorted(found.came.items()):
        chance = Random(f"{plan.seed}/{draw}/newcomer/{person}")
        later = timedelta(days=found.days)
        while came + later < plan.until:
            for number in range(1 if is_only else _times(chance)):
                turn = str(later // DAY)
                name = f"newcomer-{short_hash(plan.seed, str(draw), person, turn, str(number))}"
                key = person_key(plan.identity_key, "user_id", name)
                shards[shard_of(key)].append(Newcomer(person, later, name, key))
            later += timedelta(days=found.days)
    return tuple(map(tuple, shards))


def _times(chance: Random) -> int:
    """A draw of Poisson's distribution with mean 1 (Knuth)."""
    number, left = 0, chance.random()
    while left > _NOBODY_YET:
        number, left = number + 1, left * chance.random()
    return number


def with_newcomers(
    read: Read, found: Newcomers, store: Store, answers: Drawn, begin: datetime, until: datetime
) -> Read:
    """The people of a shard, and those who are still to come in it."""

    def people(shard: int) -> Iterator[Someone]:
        yield from read(shard)
        for one in found[shard]:
            someone = _somebody(one, store, answers, begin, until)
            if someone:
                yield someone

    return people


def _somebody(
    one: Newcomer, store: Store, answers: Drawn, begin: datetime, until: datetime
) -> Someone | None:
    """The newcomer with what they will do: what is known of whom they are like, then what is drawn.

    None for whoever was merged or erased by now, and for whoever was imported: they did not come.
    """
    today = as_they_are(store, one.person)
    # By what Tante itself told they would have been in the journeys before they are in them.
    lived = replayed(store, one.person, Window(_ALWAYS, begin)) if today else None
    if not today or not lived or not lived.events or _is_imported(lived.events[0]):
        return None
    renaming = Renaming(one.name, one.key, today.records, lived.events, one.later)
    events = [renaming.of(event, number) for number, event in enumerate(lived.events)]
    known = msgspec.structs.replace(known_of(today, begin), person=one.key)
    answers.meet(known)
    if begin + one.later < until:
        events += answers.happenings(known, begin + one.later, until)
    return Someone(one.key, events=events, is_new=True)


def _is_imported(event: Event) -> bool:
    return IMPORT in event.context
