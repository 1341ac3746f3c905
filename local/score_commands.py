"""`tante score` and `tante scoring`: a person's lead score with its reasons, and what sales says
of its rules."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from functions.problem import Problems
from functions.segments.rules import SCORING_FILE
from local.client import Client, NoAnswer, Refusal, client
from local.scoring_file import with_points

scoring_app = typer.Typer(help="The rules of the lead score, and what outcomes say of them.")
out, err = Console(highlight=False), Console(stderr=True, highlight=False)

Who = Annotated[str, typer.Argument(metavar="PERSON", help="An e-mail address or a user id.")]
At = Annotated[
    str, typer.Option("--at", help="The system's address; this machine's port 8000 by default.")
]
Key = Annotated[
    str,
    typer.Option("--key", envvar="TANTE_KEY", help="The secret key; with --data not needed."),
]
Data = Annotated[
    Path | None, typer.Option("--data", help="The folder of a running tante run: its key.")
]
In = Annotated[Literal["en", "de"], typer.Option("--in", help="The language of the sentences.")]
By = Annotated[
    Literal["accepted", "won"],
    typer.Option("--by", help="What counts as good: taken on by sales, or won."),
]


@contextmanager
def _told() -> Iterator[None]:
    """What is in the way is told, and the exit status is 1."""
    try:
        yield
    except Problems as problems:
        for problem in problems.found:
            err.print(f"[red]✗[/] {escape(str(problem))}", soft_wrap=True)
        sys.exit(1)
    except (NoAnswer, Refusal, LookupError) as error:
        err.print(f"[red]✗[/] {escape(str(error.args[0]))}", soft_wrap=True)
        sys.exit(1)


def score(who: Who, language: In = "en", at: At = "", key: Key = "", data: Data = None) -> None:
    """Say how high a person's lead score is, and why."""
    with _told():
        asked = client(at, key, data)
        path = f"/api/people/{quote(_id(asked, who))}/score"
        found = asked.ask("GET", f"{path}?{urlencode({'in': language})}")
    reached = f", {', '.join(found['reached'])}" if found["reached"] else ""
    out.print(f"[bold]{found['score']}[/]{escape(reached)}")
    table = Table("points", "for", "by the rule", "because", box=None)
    for one in found["parts"]:
        table.add_row(
            f"{one['points']:g}", escape(one["title"]), one["weight"], escape(one["says"])
        )
    out.print(table)
    if found["falls"]:
        out.print(f"without anything new, {found['reached'][-1]} ends on {found['falls'][:16]} UTC")


@scoring_app.command("give")
def give(
    who: Who,
    points: Annotated[float, typer.Argument(help="How many; below 0 to take some.")],
    note: Annotated[str, typer.Option("--note", help="What for.")] = "",
    at: At = "",
    key: Key = "",
    data: Data = None,
) -> None:
    """Give a person points by hand. They do not fade."""
    with _told():
        asked = client(at, key, data)
        path = f"/api/people/{quote(_id(asked, who))}/score"
        asked.ask("POST", path, {"points": points, "note": note})
    out.print(f"[green]✓[/] {points:g} points for {escape(who)}")


@scoring_app.command("report")
def report(
    by: By = "accepted", language: In = "en", at: At = "", key: Key = "", data: Data = None
) -> None:
    """Say how many leads of each score were good."""
    found = _report(by, language, at, key, data)
    for said in found["says"]:
        out.print(escape(said))
    table = Table("score", "good", box=None)
    for one in found["bands"]:
        table.add_row(one["band"], one["says"])
    out.print(table)


@scoring_app.command("proposal")
def proposal(
    by: By = "accepted",
    write: Annotated[
        bool, typer.Option("--write", help="Write the surely better points into scoring.yaml.")
    ] = False,
    journeys: Annotated[Path, typer.Option(help="The folder of journeys.")] = Path("statemachines"),
    language: In = "en",
    at: At = "",
    key: Key = "",
    data: Data = None,
) -> None:
    """Say which points the outcomes of leads speak for. Nothing changes before you publish."""
    found = _report(by, language, at, key, data)
    for said in found["says"]:
        out.print(escape(said))
    table = Table("for", "now", "outcomes say", box=None)
    for one in found["weights"]:
        table.add_row(escape(one["title"]), f"{one['now']:g}", escape(one["says"]))
    out.print(table)
    changes = {one["rule"]: one["proposed"] for one in found["weights"] if one["change"]}
    gone = {rule for rule, points in changes.items() if not points}
    for one in found["weights"]:
        if one["rule"] in gone:
            out.print(f"{escape(one['title'])}: take the rule away")
    if not write:
        return
    file = journeys / SCORING_FILE
    with _told():
        _write(file, {rule: points for rule, points in changes.items() if rule not in gone})
    out.print(f"{len(changes) - len(gone)} rules changed in {escape(str(file))}")
    out.print("look at it, then: tante publish")


def _write(file: Path, points: dict[str, float]) -> None:
    """Raises LookupError in words."""
    if not file.is_file():
        raise LookupError(f'there is no "{file}"; say where with --journeys')
    text = file.read_text("utf-8")
    try:
        changed = with_points(text, points)
    except KeyError:
        raise LookupError(f"{file} has other rules than those published; publish it first") from None
    file.write_text(changed, "utf-8")


def _report(by: str, language: str, at: str, key: str, data: Path | None) -> dict[str, Any]:
    with _told():
        asked = urlencode({"by": by, "in": language})
        found: dict[str, Any] = client(at, key, data).ask("GET", f"/api/scoring/report?{asked}")
        return found


def _id(asked: Client, who: str) -> str:
    """The id of the person known by this. Raises LookupError."""
    kinds = ("email",) if "@" in who else ("user_id", "anonymous_id")
    for kind in kinds:
        people = asked.ask("GET", f"/api/people?{urlencode({kind: who})}")["people"]
        if people:
            return str(people[0]["id"])
    words = " or ".join(kinds).replace("_", " ")
    raise LookupError(f'nobody is known by the {words} "{who}"')
