"""Makes what somebody asked of the admin API about a forecast, beside everything that runs: the
forecast, a comparison of two versions, or how far off it was."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from functions.forecast.compared import Compared, Pair
from functions.forecast.log import Log
from functions.forecast.prices import Prices, UnknownRegion, prices
from functions.forecast.record import Before, Forecast, partition_of
from functions.forecast.report import Report
from functions.forecast.score import NotScored, Score
from functions.forecast.tally import Tally, together
from functions.handlers import wiring
from functions.handlers.discreet import Logger
from functions.problem import Problems
from functions.storage.store import Store, TooLarge, change
from functions.virtual import catalogue
from functions.virtual.drawing import Draw, draws, learned
from functions.virtual.people import everybody
from functions.virtual.plan import SHARDS
from functions.virtual.prepared import NotPossible, Prepared, prepare, whom
from functions.virtual.reality import scored
from functions.virtual.reported import reported
from functions.virtual.shards import forecast
from functions.virtual.versions import Both, both, compared, otherwise, published
from functions.virtual.versions import together as together_of

logger = Logger(service="forecast_journey")
REGION = "eu-central-1"  # whose prices hold where there are none of the own
RESERVE = 30_000  # milliseconds before the end of an invocation: time to say why there is no report
TOLD_EVERY = timedelta(seconds=2)
GIVEN = "the files"  # what a version is called that was not published
NOT_ENDED = "it did not come to its end; ask for fewer people (sample), fewer draws or fewer days"
Left = Callable[[], int] | None  # milliseconds that remain, None where nothing ends it


class TooLong(Exception):
    """There is no time for all of it; the text says what would fit."""


def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    """The id of a record in; it has the report then, or says why there is none."""
    parts = wiring.parts()
    left = getattr(context, "get_remaining_time_in_millis", None)
    settings, now = parts.settings, parts.now
    try:
        ground = Ground(parts.store, settings.identity_key, now, settings.region)
        return {"state": make(ground, event["forecast"], left)}
    finally:
        wiring.use(parts)  # each stage has put its own in their place


@dataclass(frozen=True)
class Ground:
    """What forecasts stand on: the store, by which key people's keys are hashed there, the time,
    and the region whose prices hold."""

    store: Store
    identity_key: bytes
    now: Callable[[], datetime]
    region: str


def make(ground: Ground, name: str, left: Left = None) -> str:
    """Make what the record of this id asks for, unless it was begun before: then nobody ended it.
    Returns how it stands."""
    record = ground.store.get(Forecast, partition_of(name))
    if record is None or record.state in ("done", "failed"):
        return record.state if record else "gone"
    making = _Making(ground, record, left)
    try:
        if record.state == "running":
            raise TooLong(NOT_ENDED)
        making.make()
    except (NotPossible, NotScored, TooLong) as error:
        making.fail(str(error))
    except Problems as problems:
        making.fail("; ".join(map(str, problems.found)))
    except TooLarge:
        making.fail("its report is too large to be kept; ask for fewer days")
    except Exception as error:
        making.fail(f"something failed here: {type(error).__name__}; the log says more")
        raise
    return making.record.state


class _Making:
    """One report under way."""

    def __init__(self, ground: Ground, record: Forecast, left: Left) -> None:
        self._ground, self.record, self._left = ground, record, left

    def make(self) -> None:
        """From what is asked to the report. Raises NotPossible, NotScored, Problems, TooLong,
        TooLarge."""
        begun = self._ground.now()
        make = {"forecast": self._forecast, "comparison": self._compared, "score": self._scored}

        def begin(record: Forecast) -> None:
            record.state, record.since, record.told = "running", begun, begun
            record.done, record.people = 0, 0
            record.parts = SHARDS * record.asked.draws

        self._tell(begin)
        report = make[self.record.kind](begun)
        self._tell(lambda record: record.finish(report))

    def _forecast(self, now: datetime) -> Report:
        prepared = self._prepared(self._catalogue(now), now)
        found = draws(prepared, learned(prepared, self._ground.store))
        tallies = [self._draw(draw) for draw in found]
        if not tallies[0].people:
            raise NotPossible(prepared.nobody)
        report = reported(prepared, tallies, _prices(self._ground.region))
        report.examples = []  # whoever is erased must not stand in a record of ours
        return report

    def _compared(self, now: datetime) -> Compared:
        newest, earlier, store = self._catalogue(now), self._earlier(now), self._ground.store
        after, before = otherwise(self._prepared(newest, now), earlier)
        pairs = [together_of(self._pairs(one)) for one in both(before, after, store)]
        names = (self._name_of_before(), self.record.journey_version or GIVEN)
        found = compared(after, pairs, names, _prices(self._ground.region))
        found.examples = []  # as of a report
        return found

    def _pairs(self, draw: Both) -> Iterator[Pair]:
        for shard in range(SHARDS):
            pair = draw.pair(self._ground.store, shard)
            self._through(pair.after.people)
            yield pair

    def _scored(self, now: datetime) -> Score:
        said = self._ground.store.get(Forecast, partition_of(self.record.of))
        if said is None or said.kind != "forecast" or not said.report:
            raise NotScored(f'there is no forecast "{self.record.of}" with a report')
        return scored(self._ground.store, msgspec.json.decode(said.report, type=Report), now)

    def fail(self, why: str) -> None:
        """Say why there is no report."""
        self._tell(lambda record: record.fail(why))

    def _catalogue(self, now: datetime) -> list[Any]:
        """What is live, with the journey as it is to be forecast."""
        record, store, journey = self.record, self._ground.store, self.record.asked.journey
        found = catalogue.live(store)
        if record.files:
            found = catalogue.with_files(found, journey, record.files, now)
        elif record.journey_version:
            found = catalogue.with_version(found, store, journey, record.journey_version)
        return catalogue.opened(found, journey)

    def _earlier(self, now: datetime) -> list[Any]:
        """What is live, with the journey as it was before."""
        store, journey = self._ground.store, self.record.asked.journey
        before, found = self.record.before or Before(), catalogue.live(store)
        if before.version:
            found = published(found, store, journey, before.version)
        elif before.files:
            found = catalogue.with_files(found, journey, before.files, now)
        else:
            found = catalogue.without(found, journey)
        return catalogue.opened(found, journey)

    def _name_of_before(self) -> str:
        before = self.record.before or Before()
        return before.name or before.version or (GIVEN if before.files else "nothing")

    def _prepared(self, found: list[Any], now: datetime) -> Prepared:
        asked, ground = self.record.asked, self._ground
        known = whom(() if asked.people else everybody(ground.store))
        return prepare(asked, found, known, ground.identity_key, now)

    def _draw(self, draw: Draw) -> Tally:
        read = draw.read(self._ground.store)

        def take(log: Log) -> Tally:
            self._through(log.people)
            return draw.tally(log)

        return together(forecast(draw.plan, read, take))

    def _through(self, people: int) -> None:
        record = self.record
        record.done, record.people = record.done + 1, record.people + people
        if record.told and self._ground.now() - record.told >= TOLD_EVERY:
            self._tell(lambda record: None)
        if self._left and self._left() < RESERVE:
            raise TooLong(
                f"there was time for {record.done} of {record.parts} parts only; ask for about "
                f"{max(1, record.people // record.asked.draws)} people (sample), or fewer draws"
            )

    def _tell(self, alter: Callable[[Forecast], None]) -> None:
        """Write how it stands; it is this invocation's alone."""
        ours = self.record

        def tell(record: Forecast) -> bool:
            record.state, record.since, record.parts = ours.state, ours.since, ours.parts
            record.done, record.people = ours.done, ours.people
            alter(record)
            record.told = self._ground.now()
            return True

        self.record = change(
            self._ground.store,
            lambda: self._ground.store.get(Forecast, partition_of(ours.forecast_id)) or ours,
            tell,
        )


def _prices(region: str) -> Prices:
    """Those of the region, where the table has them."""
    try:
        return prices(region)
    except UnknownRegion:
        return prices(REGION)
