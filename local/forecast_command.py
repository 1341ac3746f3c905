"""`tante forecast`: what a journey would do to the people there are, before it is published."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer
from rich.markup import escape

from local.asking import Key, asking, err, out
from local.whereabouts import JOURNEYS, REGION, Journeys

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
    prices_of: Annotated[
        str, typer.Option("--prices-of", help="The AWS region whose prices hold.")
    ] = REGION,
    journeys: Journeys = JOURNEYS,
    data: Annotated[
        Path | None, typer.Option(help="The folder with the people; data by default.")
    ] = None,
    at: Annotated[str, typer.Option("--at", help="A running system: on its people.")] = "",
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
    from functions.forecast.report import as_json as in_json

    asked = Asked(
        journey=journey,
        mode=mode,
        days=days,
        since=since.date() if since else None,
        seed=seed,
        sample=sample,
        people=people,
        draws=draws or (10 if mode == "expect" else 1),
        most_a_week=most_a_week,
    )
    if at:
        report = _by_a_system(asked, journeys, at, key, data)
    else:
        report = _here(asked, journeys, data or Path("data"), prices_of, cores)
    if html:
        from functions.forecast.page import page

        _write(html, page(report))
        err.print(f"[green]✓[/] {escape(str(html))}", soft_wrap=True)
    if as_json:
        sys.stdout.write(in_json(report).decode() + "\n")
        return
    from local.forecast_told import show

    show(report, out, whole)


def _here(asked: Any, journeys: Path, data: Path, prices_of: str, cores: int) -> Any:
    """On the people of a folder of this machine; what is in the way ends it."""
    from functions.forecast.prices import UnknownRegion
    from functions.virtual.prepared import NotPossible
    from local.forecasting import Ground, run

    try:
        return run(asked, Ground(journeys, data), prices_of, cores)
    except (NotPossible, UnknownRegion) as error:
        _refuse(error)


def _by_a_system(asked: Any, journeys: Path, at: str, key: str, data: Path | None) -> Any:
    """On the people of a running system; what is in the way ends it."""
    from functions.virtual.prepared import NotPossible
    from local.forecast_asked import ask

    try:
        with asking(at, key, data) as client:
            return ask(asked, journeys, client)
    except NotPossible as error:
        _refuse(error)


def _refuse(error: Exception) -> NoReturn:
    err.print(f"[red]✗[/] {escape(str(error))}", soft_wrap=True)
    sys.exit(2)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        err.print(f"[red]✗[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(1)
