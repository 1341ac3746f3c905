"""The ready journeys: which there are, and copying one into the folder."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from functions.folder import (
    BRAND_FILE,
    JOURNEY_FILE,
    JOURNEY_NAME,
    NAME_RULE,
    PACK,
    PARTS,
    check,
    read_folder,
)
from functions.journeys.yaml_file import read
from functions.messages.brand import BRAND
from functions.problem import Problem, Problems


class CannotCopy(Exception):
    """Nothing was copied; the text says why."""


class Ready(NamedTuple):
    """A journey that can be copied."""

    name: str
    title: str
    folder: Path


def ready(journeys: Path) -> list[Ready]:
    """Those of the folder and of its pack, by name. One that cannot be read has no title."""
    found = [*journeys.glob(f"*/{JOURNEY_FILE}"), *(journeys / PACK).glob(f"*/{JOURNEY_FILE}")]
    return sorted(Ready(file.parent.name, _title(file), file.parent) for file in found)


def _title(file: Path) -> str:
    try:
        raw = read(file.name, file.read_text("utf-8")).value
    except (Problems, UnicodeDecodeError):
        return ""
    return str(raw.get("title", "")) if isinstance(raw, dict) else ""


def copy(journeys: Path, source: str, name: str) -> Path:
    """Copy a ready journey into the folder under a name; returns the new folder. Raises
    CannotCopy, and never overwrites."""
    known = {one.name: one.folder for one in ready(journeys)}
    target = journeys / name
    if source not in known:
        there = ", ".join(known) or "none"
        raise CannotCopy(f'there is no ready journey "{source}"; there are: {there}')
    if not JOURNEY_NAME.match(name) or name in (PACK, PARTS, BRAND):
        raise CannotCopy(f'"{name}" cannot be the name of a journey; {NAME_RULE}')
    if target.exists():
        raise CannotCopy(f"{target} is there already; choose another name")
    shutil.copytree(known[source], target)
    return target


def still_wrong(journeys: Path, name: str) -> Iterator[Problem]:
    """What a copied journey still lacks: purposes, teams and links of brand.yaml, other
    journeys that it starts."""
    try:
        check(read_folder(journeys))
    except Problems as problems:
        theirs = (f"{name}/", BRAND_FILE)
        yield from (problem for problem in problems.found if problem.file.startswith(theirs))
