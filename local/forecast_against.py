"""`tante forecast --against`: what was there before, found and forecast on the same people."""

import subprocess
import tarfile
import tempfile
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

from rich.progress import Progress

from functions.folder import Folder, read_folder
from functions.forecast.asked import Asked
from functions.forecast.compared import Compared, compare
from functions.forecast.costing import dollars
from functions.forecast.prices import prices
from functions.forecast.tally import Tally
from functions.virtual.prepared import NotPossible, prepare
from functions.virtual.stage import SHARDS, catalogue_of
from functions.virtual.versions import draws_of_both, otherwise, published, together
from local.asking import err
from local.forecasting import Ground, known_for

FOLDER = "the folder"


def against(
    asked: Asked,
    ground: Ground,
    said: str,
    region: str,
) -> Compared:
    """Compare the folder's journeys with those of `said`: another folder, a revision of git, or a
    published version of the journey asked about ("live": the newest). The progress is shown by
    shard. Raises NotPossible, Problems, UnknownRegion."""
    now = ground.now
    catalogue = catalogue_of(read_folder(ground.journeys), now, ground.cuts())
    earlier = _earlier(said, asked.journey, ground, catalogue, now)
    known = known_for(asked, ground)
    prepared = prepare(asked, catalogue, known, ground.identity_key, now)
    after, before = otherwise(prepared, earlier)
    pairs = []
    with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
        bar = progress.add_task(f"{asked.journey} against {said}", total=SHARDS * asked.draws)
        for both, reads in draws_of_both(before, after, ground.store):
            shards = []
            for shard in range(SHARDS):
                shards.append(both.pair(reads, shard))
                progress.advance(bar)
            pairs.append(together(shards))
    scale = after.people.stands_for
    found = prices(region)

    def cost(one: Tally) -> Decimal:
        return dollars(one, [asked.journey], found)

    return compare(pairs, asked.journey, (said, FOLDER), scale, cost)


def _earlier(
    said: str, journey: str, ground: Ground, catalogue: list[Any], now: datetime
) -> list[Any]:
    """The catalogue that `said` stands for. Raises NotPossible, Problems."""
    if Path(said).is_dir():
        return catalogue_of(read_folder(Path(said)), now, ground.cuts())
    folder = _of_git(said, ground.journeys)
    if folder:
        return catalogue_of(folder, now, ground.cuts())
    if ground.store is None:
        raise NotPossible(
            f'"{said}" is neither a folder nor a revision of git, and in "{ground.data}" nothing '
            "is published"
        )
    return published(catalogue, ground.store, journey, said)


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
        ["git", "-C", top, "archive", tree, *([prefix] if prefix else [])],
        capture_output=True,
        check=False,
    )
    if packed.returncode:
        raise NotPossible(f'revision "{revision}" has no folder "{prefix}"')
    with (
        tempfile.TemporaryDirectory() as there,
        tarfile.open(fileobj=BytesIO(packed.stdout)) as tar,
    ):
        tar.extractall(there, filter="data")
        return read_folder(Path(there) / prefix)


def _ask(here: list[str], *words: str) -> bytes:
    return subprocess.run([*here, *words], capture_output=True, check=True).stdout
