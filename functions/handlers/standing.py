"""Those under way in a journey: how many, where they stand, and the messages that move them."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime

import msgspec

from functions.handlers import wiring
from functions.journeys.journey import Journey
from functions.journeys.migration import Place, Standing
from functions.journeys.moving import find
from functions.journeys.run import JourneyVersion, Run
from functions.journeys.workflow import Move, MoveAll
from functions.storage.library import NEWEST
from functions.storage.store import Store

MOST_LOOKED_AT = 500  # runs whose place is asked: each is a call of Step Functions
MOST_COUNTED = 20_000  # the admin API answers within 30 seconds
ONCE_MORE = 60  # seconds later: other Lambdas have let people into the old version until then


def standing(parts: wiring.Parts, journey: str) -> list[Standing]:
    """The people of each version under way, those of the newest version first."""
    pointer = parts.store.get(JourneyVersion, journey, NEWEST)
    newest, follows = (pointer.points_to, pointer.follows) if pointer else ("", {})
    count: Counter[str] = Counter()
    places: defaultdict[str, Counter[str]] = defaultdict(Counter)
    looked = 0
    for run in _first(open_runs(parts.store, journey)):
        count[run.journey_version] += 1
        if looked < MOST_LOOKED_AT:
            looked += 1
            places[run.journey_version][_step(parts, run)] += 1
    return [
        Standing(
            version=version,
            published=_published(parts.store, journey, version),
            people=people,
            looked_at=places[version].total(),
            follows=follows.get(version, ""),
            places=_in_order(parts.library.frozen(journey, version).journey, places[version]),
            is_newest=version == newest,
        )
        for version, people in sorted(count.items(), key=lambda one: one[0] != newest)
    ]


def open_runs(store: Store, journey: str) -> Iterator[Run]:
    """The runs under way; the listing has them before those that have ended."""
    after = ""
    while True:
        page, after = store.listing(Run, journey, after=after)
        yield from (run for run in page if run.status == "open")
        if not after or any(run.status == "ended" for run in page):
            return


def order_moves(parts: wiring.Parts, asked: MoveAll) -> None:
    """Have all who are under way moved, now and once more a minute later."""
    body = msgspec.json.encode(asked)
    for delay in (0, ONCE_MORE):
        parts.send_starts([body], delay)


def send_moves(parts: wiring.Parts, asked: MoveAll) -> None:
    """A message for each run of a page, and one for the next page. Safe to repeat."""
    page, after = parts.store.listing(Run, asked.journey, after=asked.after)
    moves = [
        Move(run.journey, run.run_id, run.person, asked.version, asked.mapping)
        for run in page
        if run.status == "open" and run.journey_version != asked.version
    ]
    bodies = [msgspec.json.encode(one) for one in moves]
    if after and not any(run.status == "ended" for run in page):
        bodies.append(msgspec.json.encode(msgspec.structs.replace(asked, after=after)))
    if bodies:
        parts.send_starts(bodies, 0)


def _first(runs: Iterator[Run]) -> Iterator[Run]:
    for _, run in zip(range(MOST_COUNTED), runs, strict=False):
        yield run


def _step(parts: wiring.Parts, run: Run) -> str:
    journey = parts.library.frozen(run.journey, run.journey_version).journey
    found = find(parts.machines, journey, run)
    return found[0] if found else ""


def _published(store: Store, journey: str, version: str) -> datetime | None:
    row = store.get(JourneyVersion, journey, version)
    return row.published if row else None


def _in_order(journey: Journey, places: Counter[str]) -> list[Place]:
    """In the order of the file; those between two steps last."""
    order = {step.name: number for number, step in enumerate(journey.every_step())}
    return [
        Place(step, people)
        for step, people in sorted(places.items(), key=lambda one: order.get(one[0], len(order)))
    ]
