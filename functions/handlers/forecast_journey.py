"""Makes a forecast that somebody asked of the admin API, beside everything that runs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from functions.forecast.log import Log
from functions.forecast.prices import Prices, UnknownRegion, prices
from functions.forecast.record import Forecast, partition_of
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
from functions.virtual.reported import reported
from functions.virtual.shards import forecast

logger = Logger(service="forecast_journey")
REGION = "eu-central-1"  # whose prices hold where there are none of the own
RESERVE = 30_000  # milliseconds before the end of an invocation: time to say why there is no report
TOLD_EVERY = timedelta(seconds=2)
NOT_ENDED = "it did not come to its end; ask for fewer people (sample), fewer draws or fewer days"
Left = Callable[[], int] | None  # milliseconds that remain, None where nothing ends it


class TooLong(Exception):
    """There is no time for all of it; the text says what would fit."""


def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    """The id of a forecast in; its record has the report then, or says why there is none."""
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
    """Make the forecast of this id, unless it was begun before: then nobody ended it. Returns how
    it stands."""
    record = ground.store.get(Forecast, partition_of(name))
    if record is None or record.state in ("done", "failed"):
        return record.state if record else "gone"
    making = _Making(ground, record, left)
    try:
        if record.state == "running":
            raise TooLong(NOT_ENDED)
        making.make()
    except (NotPossible, TooLong) as error:
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
    """One forecast under way."""

    def __init__(self, ground: Ground, record: Forecast, left: Left) -> None:
        self._ground, self.record, self._left = ground, record, left

    def make(self) -> None:
        """From what is asked to the report. Raises NotPossible, Problems, TooLong, TooLarge."""
        begun = self._ground.now()

        def begin(record: Forecast) -> None:
            record.state, record.since, record.told = "running", begun, begun
            record.done, record.people = 0, 0
            record.parts = SHARDS * record.asked.draws

        self._tell(begin)
        prepared = self._prepared(begun)
        found = draws(prepared, learned(prepared, self._ground.store))
        tallies = [self._draw(draw) for draw in found]
        if not tallies[0].people:
            raise NotPossible(prepared.nobody)
        report = reported(prepared, tallies, _prices(self._ground.region))
        report.examples = []  # whoever is erased must not stand in a record of ours
        self._tell(lambda record: record.finish(report))

    def fail(self, why: str) -> None:
        """Say why there is no report."""
        self._tell(lambda record: record.fail(why))

    def _prepared(self, now: datetime) -> Prepared:
        record, store, journey = self.record, self._ground.store, self.record.asked.journey
        found = catalogue.live(store)
        if record.files:
            found = catalogue.with_files(found, journey, record.files, now)
        elif record.journey_version:
            found = catalogue.with_version(found, store, journey, record.journey_version)
        known = whom(() if record.asked.people else everybody(store))
        found = catalogue.opened(found, journey)
        return prepare(record.asked, found, known, self._ground.identity_key, now)

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
