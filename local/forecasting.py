"""Forecasting on this machine: a folder of journeys, and the people of a data folder."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from rich.progress import Progress

from functions.folder import read_folder
from functions.forecast.asked import Asked
from functions.forecast.log import Log
from functions.forecast.report import Limits, Report
from functions.forecast.tally import Tally, tally, together
from functions.segments.census_records import Cuts
from functions.virtual.people import everybody
from functions.virtual.prepared import Known, NotPossible, Prepared, drawn, prepare
from functions.virtual.reported import reported
from functions.virtual.shards import forecast
from functions.virtual.stage import SHARDS, Someone, catalogue_of
from local.asking import err
from local.clock import Clock
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

    prepared: Prepared
    ground: Ground

    def __call__(self, shard: int) -> list[Someone]:
        return list(self.prepared.people.read(self.ground.store, shard))


def run(asked: Asked, ground: Ground, limits: Limits, cores: int) -> Report:
    """Forecast; the progress is shown by shard. Raises NotPossible, Problems."""
    folder = read_folder(ground.journeys)
    if asked.journey not in folder.journeys:
        there = ", ".join(sorted(folder.journeys)) or "none"
        raise NotPossible(
            f'there is no journey "{asked.journey}" in "{ground.journeys}"; there are: {there}'
        )
    now = ground.now
    catalogue = catalogue_of(folder, now, ground.cuts())
    known = known_for(asked, ground)
    prepared = prepare(asked, catalogue, known, ground.identity_key, now)
    with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
        bar = progress.add_task(asked.journey, total=SHARDS * asked.draws)
        draws = tallies(prepared, Reader(prepared, ground), lambda: progress.advance(bar))
    if not draws[0].people:
        raise NotPossible(_nobody(prepared))
    return reported(prepared, draws, limits)


def known_for(asked: Asked, ground: Ground) -> Known:
    """Whom the store knows; nobody where people are made up."""
    return Known([], None) if asked.people else ground.known()


def tallies(prepared: Prepared, read: Reader, done: Callable[[], None]) -> list[Tally]:
    """What came of each draw; `done` is told of each shard."""

    def take(log: Log) -> Tally:
        done()
        return tally(log, prepared.shape)

    return [together(forecast(plan, read, take)) for plan in drawn(prepared)]


def _nobody(prepared: Prepared) -> str:
    plan, window = prepared.plan, prepared.people.window
    stretch = f"from {plan.begin:%Y-%m-%d} to {plan.until:%Y-%m-%d}"
    events = " or ".join(window.opened_by) if window else ""
    return (
        f'nobody could enter "{prepared.asked.journey}" {stretch}: there was no {events}; choose '
        "other days with --since and --days"
        if events
        else f"nobody did anything {stretch}; choose other days with --since and --days"
    )
