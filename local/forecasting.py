"""Forecasting on this machine: a folder of journeys, and the people of a data folder."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path

from rich.progress import Progress

from functions.folder import Folder, read_folder
from functions.forecast.asked import Asked
from functions.forecast.prices import prices
from functions.forecast.report import Report
from functions.forecast.tally import Tally, together
from functions.segments.census_records import Cuts
from functions.virtual.drawing import Draw, draws, learned
from functions.virtual.people import everybody
from functions.virtual.prepared import Known, NotPossible, prepare
from functions.virtual.reported import reported
from functions.virtual.stage import SHARDS, Someone, catalogue_of
from local.asking import err
from local.clock import Clock
from local.cores import forecast
from local.keys import open_keys
from local.sqlite_store import SqliteStore

NO_KEY = b"forecast"


@cache
def _opened(file: Path) -> SqliteStore:
    return SqliteStore(file)


@dataclass(frozen=True)
class Ground:
    """What a forecast stands on: the folder of the journeys, and that of the people."""

    journeys: Path
    data: Path

    @property
    def store(self) -> SqliteStore | None:
        """The people's store; None where there is none yet."""
        file = self.data / "tante.db"
        return _opened(file) if file.exists() else None

    @property
    def identity_key(self) -> bytes:
        """By which people's keys and addresses are hashed there."""
        keys = self.data / "keys.json"
        return bytes.fromhex(open_keys(keys)[0].identity_key) if keys.exists() else NO_KEY

    @property
    def now(self) -> datetime:
        """What the folder's clock shows."""
        clock = self.data / "clock.json"
        return Clock(clock).now() if clock.exists() else datetime.now(UTC)

    def known(self) -> Known:
        """Whom the store knows."""
        found = list(everybody(self.store)) if self.store else []
        return Known([key for key, _ in found], min((came for _, came in found), default=None))

    def cuts(self) -> Cuts | None:
        """The newest cut points of the store's census."""
        newest = self.store.listing(Cuts, limit=1)[0] if self.store else []
        return newest[0] if newest else None


@dataclass(frozen=True)
class Reader:
    """Reads the people of a shard; each process opens the store for itself."""

    draw: Draw
    ground: Ground

    def __call__(self, shard: int) -> list[Someone]:
        return list(self.draw.read(self.ground.store)(shard))


def named(folder: Folder, journey: str, where: Path) -> dict[str, str]:
    """The files of a journey of a folder. Raises NotPossible with the names there are."""
    if journey not in folder.journeys:
        there = ", ".join(sorted(folder.journeys)) or "none"
        raise NotPossible(f'there is no journey "{journey}" in "{where}"; there are: {there}')
    return folder.journeys[journey]


def run(asked: Asked, ground: Ground, region: str, cores: int) -> Report:
    """Forecast; the progress is shown by shard. Raises NotPossible, Problems,
    UnknownRegion."""
    folder = read_folder(ground.journeys)
    named(folder, asked.journey, ground.journeys)
    now = ground.now
    catalogue = catalogue_of(folder, now, ground.cuts())
    known = known_for(asked, ground)
    prepared = prepare(asked, catalogue, known, ground.identity_key, now)
    with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
        bar = progress.add_task(asked.journey, total=SHARDS * asked.draws)

        def whole(draw: Draw) -> Tally:
            read = Reader(draw, ground)
            advance = partial(progress.advance, bar)
            found = forecast(
                draw.plan, read, draw.tally, cores=cores or None, progress=lambda done: advance()
            )
            return together(found)

        every = draws(prepared, learned(prepared, ground.store))
        tallies = [whole(draw) for draw in every]
    if not tallies[0].people:
        raise NotPossible(prepared.nobody)
    return reported(prepared, tallies, prices(region))


def known_for(asked: Asked, ground: Ground) -> Known:
    """Whom the store knows; nobody where people are made up."""
    return Known([], None) if asked.people else ground.known()
