"""`tante forecast --against`: what was there before, found and forecast on the same people."""

import subprocess
import tempfile
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from functions.folder import Folder, read_folder
from functions.forecast.asked import Asked
from functions.forecast.compared import Compared, Pair
from functions.forecast.prices import prices
from functions.virtual.prepared import NotPossible, prepare
from functions.virtual.stage import catalogue_of
from functions.virtual.versions import Both, both, compared, otherwise, published, together
from local.cores import each
from local.forecasting import Ground, enough, known_for, named, shown

FOLDER = "the folder"


@dataclass(frozen=True)
class Shards:
    """What comes of a shard in each draw; each process opens the store for itself."""

    draws: list[Both]
    ground: Ground

    def __call__(self, shard: int) -> list[Pair]:
        return [one.pair(self.ground.store, shard) for one in self.draws]


def against(asked: Asked, ground: Ground, said: str, region: str, cores: int) -> Compared:
    """Compare the folder's journeys with those of `said`: another folder, a revision of git, or a
    published version of the journey asked about ("live": the newest). The progress is shown by
    shard. Raises NotPossible, Problems, UnknownRegion."""
    now, listed = ground.now, prices(region)
    folder = read_folder(ground.journeys)
    named(folder, asked.journey, ground.journeys)
    catalogue = catalogue_of(folder, now, ground.cuts())
    earlier = _earlier(said, asked.journey, ground, catalogue, now)
    prepared = prepare(asked, catalogue, known_for(asked, ground), ground.identity_key, now)
    after, before = otherwise(prepared, earlier)
    draws = list(both(before, after, ground.store))
    with shown(f"{asked.journey} against {said}") as progress:
        found = list(each(Shards(draws, ground), cores or enough(after), progress))
    pairs = [together(draw) for draw in zip(*found, strict=True)]
    return compared(after, pairs, (said, FOLDER), listed)


def _earlier(
    said: str, journey: str, ground: Ground, catalogue: list[Any], now: datetime
) -> list[Any]:
    """The catalogue that `said` stands for. Raises NotPossible, Problems."""
    folder = elsewhere(said, ground.journeys)
    if folder:
        return catalogue_of(folder, now, ground.cuts())
    if ground.store is None:
        raise NotPossible(
            f'"{said}" is neither a folder nor a revision of git, and in "{ground.data}" nothing '
            "is published"
        )
    return published(catalogue, ground.store, journey, said)


def elsewhere(said: str, journeys: Path) -> Folder | None:
    """The journeys as another folder has them, or a revision of git; None where it is neither.
    Raises NotPossible, Problems."""
    return read_folder(Path(said)) if Path(said).is_dir() else _of_git(said, journeys)


def _of_git(revision: str, journeys: Path) -> Folder | None:
    """The folder of the journeys as a revision has it; None where git knows no such revision."""
    here = ["git", "-C", str(journeys)]
    known = [*here, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{tree}}"]
    try:
        found = subprocess.run(known, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    if found.returncode:
        return None
    tree = found.stdout.strip()
    prefix = _ask(here, "rev-parse", "--show-prefix").decode().strip().rstrip("/")
    top = _ask(here, "rev-parse", "--show-toplevel").decode().strip()
    packed = subprocess.run(
        ["git", "-C", top, "archive", "--format=zip", tree, *([prefix] if prefix else [])],
        capture_output=True,
        check=False,
    )
    if packed.returncode:
        raise NotPossible(f'revision "{revision}" has no folder "{prefix}"')
    with tempfile.TemporaryDirectory() as there, ZipFile(BytesIO(packed.stdout)) as files:
        files.extractall(there)
        return read_folder(Path(there) / prefix)


def _ask(here: list[str], *words: str) -> bytes:
    return subprocess.run([*here, *words], capture_output=True, check=True).stdout
