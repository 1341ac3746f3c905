"""Two folders of journeys compared, in sentences."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from functions.folder import (
    BRAND_FILE,
    PARTS,
    Folder,
    check_brand,
    check_live,
    others,
    read_folder,
)
from functions.journeys.check import load
from functions.journeys.difference import (
    differences,
    of_files,
    of_lifecycle,
    of_mapping,
    of_scoring,
    of_segments,
)
from functions.journeys.yaml_file import read
from functions.problem import Problem, Problems
from functions.segments.rules import (
    CODES_FILE,
    LIFECYCLE_FILE,
    LIMITS_FILE,
    SALES_FILE,
    SCORING_FILE,
    SEGMENTS_FILE,
)
from functions.segments.scoring import build
from functions.segments.spoken import Language

T = TypeVar("T")


def between(before: Path, after: Path, language: Language) -> dict[str, list[str]]:
    """What changed, by journey, "brand.yaml", a live file beside it, and "parts".

    Raises Problems of either folder.
    """
    old, new = _named(before, _read), _named(after, _read)
    found = {
        BRAND_FILE: of_mapping(_brand(old), _brand(new), language),
        SEGMENTS_FILE: of_segments(_segments(old), _segments(new), language),
        LIFECYCLE_FILE: of_lifecycle(
            old.raw(LIFECYCLE_FILE) or {}, new.raw(LIFECYCLE_FILE) or {}, language
        ),
        SCORING_FILE: of_scoring(
            build(old.raw(SCORING_FILE)), build(new.raw(SCORING_FILE)), language
        ),
        CODES_FILE: of_mapping(old.raw(CODES_FILE) or {}, new.raw(CODES_FILE) or {}, language),
        LIMITS_FILE: of_mapping(old.raw(LIMITS_FILE) or {}, new.raw(LIMITS_FILE) or {}, language),
        SALES_FILE: of_mapping(_sales(old), _sales(new), language),
        PARTS: of_files(_parts(old), _parts(new), language),
        **differences(old.journeys, new.journeys, language),
    }
    return {name: said for name, said in found.items() if said}


def _named(folder: Path, look: Callable[[Path], T]) -> T:
    """Problems say in which of the two folders they are."""
    try:
        return look(folder)
    except Problems as problems:
        raise Problems([_below(folder, one) for one in problems.found]) from None


def _below(folder: Path, problem: Problem) -> Problem:
    if problem.file.startswith(f"{folder}/"):
        return problem
    return replace(problem, file=f"{folder}/{problem.file}")


def _read(folder: Path) -> Folder:
    found = read_folder(folder)
    brand = check_brand(found.brand)
    problems = check_live(found, brand)
    for name, files in found.journeys.items():
        try:
            load(name, files, brand.needs_consent, others(found))
        except Problems as wrong:
            problems += wrong.found
    if problems:
        raise Problems(problems)
    return found


def _brand(folder: Folder) -> dict[str, Any]:
    raw: dict[str, Any] = read(BRAND_FILE, folder.brand).value
    return raw


def _segments(folder: Folder) -> dict[str, Any]:
    raw: dict[str, Any] | None = folder.raw(SEGMENTS_FILE)
    return raw or {}


def _sales(folder: Folder) -> dict[str, Any]:
    """Each colleague, absence, line and stage by itself, so that only what changed is said."""
    raw: dict[str, Any] = folder.raw(SALES_FILE) or {}
    found: dict[str, Any] = {}
    for part, one in raw.items():
        below = dict(enumerate(one, 1)) if part == "routing" else one
        each = below.items() if isinstance(below, dict) else (("", one),)
        found.update({f"{part} {name}".strip(): value for name, value in each})
    return found


def _parts(folder: Folder) -> dict[str, str]:
    return {name.rpartition("/")[2]: text for name, text in folder.parts.items()}
