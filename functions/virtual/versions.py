"""Two versions of the journeys on the same people: each shard with the one and with the other."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from functions.forecast import difference as differences
from functions.forecast import tally as tallies
from functions.forecast.compared import Compared, Pair, compare
from functions.forecast.cost import bill
from functions.forecast.cost import together as all_used
from functions.forecast.costing import usage
from functions.forecast.difference import difference, names_in
from functions.forecast.prices import Prices
from functions.forecast.shape import shape
from functions.forecast.tally import Tally
from functions.journeys.run import JourneyVersion
from functions.journeys.standing import Sweep
from functions.storage.library import NEWEST
from functions.storage.store import Store
from functions.virtual.catalogue import without
from functions.virtual.drawing import Draw, draws, learned
from functions.virtual.expecting import about
from functions.virtual.people import opened_by
from functions.virtual.prepared import NotPossible, Prepared, library_of, placed
from functions.virtual.reported import text_prices
from functions.virtual.shards import crowd, passed, without_collecting

LIVE = "live"  # the version that people enter now


def published(catalogue: Sequence[Any], store: Store, journey: str, version: str) -> list[Any]:
    """The catalogue with another version of this journey: one that a store has published (LIVE: the
    newest). Raises NotPossible."""
    pointer = store.get(JourneyVersion, journey, NEWEST)
    name = pointer.points_to if pointer and version == LIVE else version
    row = store.get(JourneyVersion, journey, name) if name else None
    if row is None or not row.files:
        there = ", ".join(sorted(_versions(store, journey))) or "none"
        raise NotPossible(
            f'journey "{journey}" has no version "{version}"; published are: {there}. Or name a '
            "folder of journeys, or a revision of git"
        )
    newest = JourneyVersion(
        journey=journey, journey_version=NEWEST, points_to=name, published=row.published, files={}
    )
    return [*without(catalogue, journey), row, newest]


def _versions(store: Store, journey: str) -> Iterable[str]:
    rows = store.query(JourneyVersion, journey)
    return [row.journey_version for row in rows if row.journey_version != NEWEST]


def otherwise(prepared: Prepared, catalogue: Sequence[Any]) -> tuple[Prepared, Prepared]:
    """The forecast as it is prepared, and as it would be with another catalogue: both on the people
    who may enter by either."""
    library = library_of(catalogue)
    journeys = {one.journey.name: one.journey for one in library.journeys()}
    asked, people, plan = prepared.asked, prepared.people, prepared.plan
    if people.window and asked.journey in journeys:
        names = opened_by(journeys[asked.journey], journeys.values())
        ours = people.window.opened_by
        either = (*ours, *names) if ours and names else ()
        people = replace(people, window=replace(people.window, opened_by=either))
    looked = {name: one.looked for name, one in journeys.items() if one.looked}
    other = replace(
        plan,
        catalogue=[
            *catalogue,
            *(Sweep(journey=name, version=1, hash=way.hash) for name, way in looked.items()),
        ],
        first=tuple(name for name in plan.first if name in journeys),
    )
    seen = shape(catalogue, library.brand().time_zone)
    other = placed(other, people)
    after = replace(prepared, people=people)
    return after, replace(after, plan=other, shape=seen)


@dataclass(frozen=True)
class Both:
    """Both versions in one draw: chance does to people with the one what it does with the other."""

    before: Draw
    after: Draw

    def pair(self, store: Store | None, shard: int) -> Pair:
        """What comes of a shard's people with each, and what is different. They are read each time
        anew: nobody knows of the other version."""
        together = self.before.plan.together or self.after.plan.together
        with without_collecting():
            old, new = (
                passed(one.plan, crowd(one.read(store), shard, together))
                for one in (self.before, self.after)
            )
            had, has = self.before.prepared.shape, self.after.prepared.shape
            what = difference(old, new, names_in(had), names_in(has))
            return Pair(self.before.tally(old), self.after.tally(new), what)


def both(before: Prepared, after: Prepared, store: Store | None) -> Iterator[Both]:
    """All draws of what is asked, with both versions."""
    had = about(before.plan.catalogue)
    for draw in draws(after, learned(after, store)):
        answers = replace(draw.answers, about={**had, **draw.answers.about})
        yield Both(replace(draw, prepared=before, answers=answers), replace(draw, answers=answers))


def compared(
    after: Prepared, draws: Sequence[Pair], versions: tuple[str, str], prices: Prices
) -> Compared:
    """The comparison of these draws, with what is paid to AWS by these prices; the versions are
    called so. Raises NotPossible where nobody was there to look at."""
    if not draws[0].after.people:
        raise NotPossible(after.nobody)

    def dollars(one: Tally) -> Decimal:
        own = text_prices(after, [one], prices)
        return bill(all_used(map(usage, one.journeys.values())), prices, own).dollars

    return compare(draws, after.asked.journey, versions, after.people.stands_for, dollars)


def together(pairs: Iterable[Pair]) -> Pair:
    """Those of all shards as one."""
    found = list(pairs)
    return Pair(
        tallies.together(one.before for one in found),
        tallies.together(one.after for one in found),
        differences.together(one.difference for one in found),
    )
