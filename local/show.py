"""Showing a journey as indented text, from its file alone."""

from pathlib import Path
from typing import Any

from rich.text import Text
from rich.tree import Tree

from functions.folder import JOURNEY_FILE, check_brand, others, read_folder
from functions.journeys.check import load
from functions.journeys.telling import Line, tell
from functions.journeys.yaml_file import read
from functions.segments.spoken import Language


class NoJourney(Exception):
    """There is no such folder; the text says which there are."""


def journey(folder: Path, name: str) -> dict[str, Any]:
    """The journey of that name as plain values, checked. Raises NoJourney and Problems."""
    found = read_folder(folder)
    if name not in found.journeys:
        there = ", ".join(found.journeys) or "none"
        raise NoJourney(f'there is no journey "{name}" in {folder}; there are: {there}')
    files = found.journeys[name]
    load(name, files, check_brand(found.brand).needs_consent, others(found))
    raw: dict[str, Any] = read(f"{name}/{JOURNEY_FILE}", files[JOURNEY_FILE]).value
    return raw


def drawn(raw: dict[str, Any], language: Language) -> Tree:
    """The journey as a tree of sentences."""
    told = tell(raw, language)
    tree = Tree(Text(told.text, style="bold"))
    _hang(told, tree)
    return tree


def _hang(line: Line, tree: Tree) -> None:
    for below in line.below:
        _hang(below, tree.add(Text(below.text)))
