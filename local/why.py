"""What `tante why` says: a person's runs of a journey, told step by step."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from local.address import segment
from local.client import Client
from local.find_person import person_segment

MARKS = {True: ("✓", "green"), False: ("✗", "red")}


def ask(client: Client, who: str, journey: str, language: str) -> dict[str, Any]:
    """The answer of the admin API for a person, whom `person_segment` finds.

    Raises NoPerson, and what the client raises.
    """
    path = f"/api/people/{person_segment(client, who)}/journeys/{segment(journey)}/why"
    found: dict[str, Any] = client.ask("GET", f"{path}?{urlencode({'in': language})}")
    return found


def show(answer: dict[str, Any], journey: str, out: Console) -> None:
    """Print the runs, the newest first, or why there is none."""
    if answer["missing"]:
        tree = Tree(Text(f"{journey}: no run", style="bold"))
        for reason in answer["missing"]["reasons"]:
            tree.add(Text(reason))
        for told in answer["missing"].get("asked", []):
            _condition(tree.add, told)
        out.print(tree)
    for run in answer["runs"]:
        out.print(_run(run))


def _run(run: dict[str, Any]) -> Tree:
    head = f"{run['journey']}, version {run['version']}: {run['began']}, {_time(run['entered'])}"
    tree = Tree(Text(head, style="bold"))
    for station in run["stations"]:
        below = tree.add(Text.assemble((station["says"], "bold"), ": ", station["came"]))
        for told in station.get("asked", []):
            _condition(below.add, told)
    ended = f", {_time(run['ended'])}" if run["ended"] else ""
    tree.add(Text(f"{run['end']}{ended}", style="italic"))
    return tree


def _condition(add: Callable[[Text], Tree], told: dict[str, Any]) -> None:
    """A condition with a mark for true or false, and the values that it looked at."""
    mark, style = MARKS[told["holds"]]
    values = f" ({'; '.join(told['used'])})" if told.get("used") else ""
    tree = add(Text.assemble((mark, style), " ", told["sentence"], (values, "dim")))
    for part in told.get("parts", []):
        _condition(tree.add, part)


def _time(text: str) -> str:
    return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M UTC")
