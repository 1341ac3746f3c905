"""The ready journeys as a marketer has them after copying: a folder with one of them alone."""

import shutil
from pathlib import Path

from functions.folder import BRAND_FILE, PACK, PARTS
from local.pack import copy

JOURNEYS = Path(__file__).parents[2] / "statemachines"


def packed() -> list[str]:
    """The names of the journeys of the pack."""
    return sorted(folder.name for folder in (JOURNEYS / PACK).iterdir() if folder.is_dir())


def folder_with(name: str, target: Path, called: str = "") -> Path:
    """A folder with our brand and one journey of the pack, made by `tante new`; `called` is the
    copy's name, if it is another one."""
    target.mkdir()
    shutil.copy(JOURNEYS / BRAND_FILE, target)
    shutil.copytree(JOURNEYS / PARTS, target / PARTS)
    (target / PACK).symlink_to(JOURNEYS / PACK)  # copied from, never written
    copy(target, name, called or name)
    return target
