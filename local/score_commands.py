"""`tante score` and `tante scoring`: a person's lead score with its reasons, and what the outcomes
of leads say of its rules."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape

from local.asking import At, In, Key, RunningData, err
from local.sales_commands import Desk, Person

scoring_app = typer.Typer(help="The rules of the lead score, and what outcomes say of them.")

By = Annotated[
    Literal["accepted", "won"],
    typer.Option("--by", help="What counts as good: taken on by sales, or won."),
]


def register(app: typer.Typer) -> None:
    """Make these commands known to `tante`."""
    app.add_typer(scoring_app, name="scoring", no_args_is_help=True)
    app.command("score")(_score)


def _score(
    person: Person, language: In = "en", at: At = "", key: Key = "", data: RunningData = None
) -> None:
    """Say how high a person's lead score is, and why."""
    desk = Desk(at, key, data)
    found = desk.ask(f"/api/people/{desk.person(person)}/score?in={language}")
    reached = found["reached"]
    desk.say(f"{found['score']} points" + (f": {', '.join(reached)}" if reached else ""))
    rows = ((one["points"], one["title"], one["weight"], one["says"]) for one in found["parts"])
    desk.table(("points", "for", "by the rule", "because"), rows)
    if found["falls"]:
        desk.say(f"without anything new, {reached[-1]} ends on {found['falls'][:10]}")


@scoring_app.command("give")
def _give(
    person: Person,
    points: Annotated[float, typer.Argument(help="How many; below 0 to take some.")],
    note: Annotated[str, typer.Option("--note", help="What for.")] = "",
    at: At = "",
    key: Key = "",
    data: RunningData = None,
) -> None:
    """Give a person points by hand. They do not fade."""
    desk = Desk(at, key, data)
    body = {"points": points, "note": note}
    desk.ask(f"/api/people/{desk.person(person)}/score", body)
    desk.say(f"{points:g} points for {person}")


@scoring_app.command("report")
def _report(
    by: By = "accepted", language: In = "en", at: At = "", key: Key = "", data: RunningData = None
) -> None:
    """Say how many leads of each score were good."""
    desk = Desk(at, key, data)
    found = _asked(desk, by, language)
    desk.table(("score", "good"), ((one["band"], one["says"]) for one in found["bands"]))


@scoring_app.command("proposal")
def _proposal(
    by: By = "accepted",
    write: Annotated[
        bool, typer.Option("--write", help="Write the surely better points into scoring.yaml.")
    ] = False,
    journeys: Annotated[Path, typer.Option(help="The folder of journeys.")] = Path("statemachines"),
    language: In = "en",
    at: At = "",
    key: Key = "",
    data: RunningData = None,
) -> None:
    """Say which points the outcomes of leads speak for. Nothing changes before you publish."""
    desk = Desk(at, key, data)
    weights = _asked(desk, by, language)["weights"]
    rows = ((one["title"], f"{one['now']:g}", one["says"]) for one in weights)
    desk.table(("for", "points now", "outcomes say"), rows)
    changes = {one["rule"]: one["proposed"] for one in weights if one["change"]}
    useless = [one for one in weights if one["change"] and not one["proposed"]]
    for one in useless:
        desk.say(f"{one['title']}: gives nothing; take the rule away")
        del changes[one["rule"]]
    if write:
        from functions.segments.rules import SCORING_FILE  # slow to load

        file = journeys / SCORING_FILE
        _write(file, changes)
        desk.say(f"{file}: {len(changes)} rules have new points; look at them, then: tante publish")


def _asked(desk: Desk, by: str, language: str) -> dict[str, Any]:
    """The report, whose sentences are said."""
    found: dict[str, Any] = desk.ask(f"/api/scoring/report?by={by}&in={language}")
    for said in found["says"]:
        desk.say(said)
    return found


def _write(file: Path, points: dict[str, float]) -> None:
    from functions.problem import Problems
    from local.scoring_file import with_points

    try:
        changed = with_points(file.read_text("utf-8"), points)
    except (OSError, Problems, KeyError) as error:
        why = "it has other rules than those published" if isinstance(error, KeyError) else error
        said = f"[red]✗[/] {escape(f'{file} was not changed: {why}')}"
        err.print(said, soft_wrap=True)
        sys.exit(1)
    file.write_text(changed, "utf-8")
