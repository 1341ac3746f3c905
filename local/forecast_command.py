"""`tante forecast`: what a journey would do to the people there are, before it is published."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from local.asking import Key, err, out
from local.whereabouts import JOURNEYS, Journeys

DAY = ["%Y-%m-%d"]


def register(app: typer.Typer) -> None:
    """Make the command known to `tante`."""
    app.command("forecast")(forecast)


def forecast(
    journey: Annotated[str, typer.Argument(help="The journey's name: its folder.")] = "",
    mode: Annotated[
        Literal["replay", "expect"],
        typer.Option(help="What people did once more, or what they are expected to do from now."),
    ] = "replay",
    days: Annotated[int, typer.Option(min=1, max=366, help="How long.")] = 90,
    since: Annotated[
        datetime | None, typer.Option(formats=DAY, help="A replay's first day; ends now if not.")
    ] = None,
    seed: Annotated[str, typer.Option(help="Same seed, same result.")] = "1",
    sample: Annotated[
        int | None, typer.Option(min=1, help="Look at so many people, and count them for all.")
    ] = None,
    people: Annotated[
        int | None, typer.Option(min=1, help="Make up so many people instead of looking at any.")
    ] = None,
    draws: Annotated[
        int | None, typer.Option(min=1, max=100, help="How often chance is tried; expect: 10.")
    ] = None,
    score: Annotated[
        str,
        typer.Option(help="Instead: how far off a forecast was (its JSON file, or an id)."),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write the report as a page.")] = None,
    whole: Annotated[bool, typer.Option("--whole", help="Also day by day.")] = False,
    cores: Annotated[int, typer.Option(min=0, help="Processes; 0: as many as there are.")] = 0,
    most_a_week: Annotated[
        int, typer.Option(min=1, help="Warn of people who would get more messages a week.")
    ] = 3,
    journeys: Journeys = JOURNEYS,
    data: Annotated[
        Path | None, typer.Option(help="The folder with the people; data by default.")
    ] = None,
    at: Annotated[str, typer.Option("--at", help="Instead of a folder: a running system.")] = "",
    key: Key = "",
) -> None:
    """Say what a journey would do, to whom and for how much, before it is published.

    The journey as it is in the folder runs with all others there, by the code that sends the real
    messages, in virtual time. Nothing is sent and nothing is kept.
    """
    if score:
        from local.forecast_scored import tell

        return tell(score, data or Path("data"), as_json, whole)
    if not journey:
        err.print("[red]✗[/] name a journey, or give --score with a forecast that was made")
        sys.exit(2)
    from functions.forecast.asked import Asked
    from functions.forecast.report import Limits
    from functions.forecast.report import as_json as in_json
    from functions.virtual.prepared import NotPossible
    from local.forecasting import Ground, run

    if at and data is not None:
        err.print("[red]✗[/] give either --data (this machine) or --at (a system), not both")
        sys.exit(2)
    asked = Asked(
        journey=journey,
        mode=mode,
        days=days,
        since=since.date() if since else None,
        seed=seed,
        sample=sample,
        people=people,
        draws=draws or (10 if mode == "expect" else 1),
    )
    try:
        report = run(
            asked, Ground(journeys, data or Path("data")), Limits(a_week=most_a_week), cores
        )
    except NotPossible as error:
        err.print(f"[red]✗[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(2)
    if as_json:
        sys.stdout.write(in_json(report).decode() + "\n")
        return
    from local.forecast_told import show

    show(report, out, whole)
