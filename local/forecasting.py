"""Forecasting on this machine: a folder of journeys, and the people of a data folder."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
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
from functions.virtual.plan import SHARDS
from functions.virtual.prepared import Known, NotPossible, Prepared, prepare, whom
from functions.virtual.reported import reported
from functions.virtual.shards import one_shard
from functions.virtual.stage import catalogue_of
from local.asking import err
from local.clock import Clock
from local.cores import each
from local.keys import open_keys
from local.sqlite_store import SqliteStore

NO_KEY = b"forecast"
FEW = 1_000  # people, each draw counted, that take less time than the start of a process


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
        return whom(everybody(self.store) if self.store else ())

    def cuts(self) -> Cuts | None:
        """The newest cut points of the store's census."""
        newest = self.store.listing(Cuts, limit=1)[0] if self.store else []
        return newest[0] if newest else None


@dataclass(frozen=True)
class Tallies:
    """What comes of a shard in each draw; each process opens the store for itself."""

    draws: list[Draw]
    ground: Ground

    def __call__(self, shard: int) -> list[Tally]:
        store = self.ground.store
        return [one_shard(one.plan, one.read(store), one.tally, shard) for one in self.draws]


@contextmanager
def shown(what: str) -> Iterator[Callable[[int], None]]:
    """A bar that is told how many shards are done."""
    with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
        bar = progress.add_task(what, total=SHARDS)
        yield lambda done: progress.update(bar, completed=done)


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
    every = list(draws(prepared, learned(prepared, ground.store)))
    with shown(asked.journey) as progress:
        found = list(each(Tallies(every, ground), cores or enough(prepared), progress))
    tallies = [together(draw) for draw in zip(*found, strict=True)]
    if not tallies[0].people:
        raise NotPossible(prepared.nobody)
    return reported(prepared, tallies, prices(region))


def enough(prepared: Prepared) -> int | None:
    """One process where others would not be worth their start; None: all cores."""
    are_few = prepared.people.chosen * prepared.asked.draws < FEW
    return 1 if are_few or prepared.plan.together else None


def known_for(asked: Asked, ground: Ground) -> Known:
    """Whom the store knows; nobody where people are made up."""
    return Known([], None) if asked.people else ground.known()
