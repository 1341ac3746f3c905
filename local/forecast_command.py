"""`tante forecast`: what a journey would do to the people there are, before it is published."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer
from rich.markup import escape

from local.asking import Key, asking, err, out
from local.whereabouts import JOURNEYS, REGION, Journeys

# The forecast's, which are slow to load and not for every command.
Asked = Any
Report = Any
Compared = Any
Ground = Any

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
    newcomers: Annotated[
        bool,
        typer.Option(
            "--newcomers/--no-newcomers", help="Expect people who are not known yet, or none."
        ),
    ] = True,
    score: Annotated[
        str,
        typer.Option(help="Instead: how far off a forecast was (its JSON file, or an id)."),
    ] = "",
    against: Annotated[
        str,
        typer.Option(help="Compare with another folder, a git revision or a published version."),
    ] = "",
    fail_on: Annotated[
        Literal["never", "change", "more messages"],
        typer.Option(help="With --against: end with 1 when anything changes, or more messages go."),
    ] = "never",
    markdown: Annotated[
        bool, typer.Option("--markdown", help="With --against: print it for a pull request.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write the report as a page.")] = None,
    whole: Annotated[bool, typer.Option("--whole", help="Also day by day.")] = False,
    cores: Annotated[int, typer.Option(min=0, help="Processes; 0: as many as there are.")] = 0,
    most_a_week: Annotated[
        int, typer.Option(min=1, help="Warn of people who would get more messages a week.")
    ] = 3,
    mails_a_second: Annotated[
        float | None, typer.Option(min=0.01, help="SES's sending rate: warn of more.")
    ] = None,
    mails_a_day: Annotated[
        int | None, typer.Option(min=1, help="SES's daily quota: warn of more.")
    ] = None,
    texts_a_second: Annotated[
        float | None, typer.Option(min=0.01, help="The sending rate of text messages.")
    ] = None,
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
        return _score(score, at, key, data, as_json, whole)
    if not journey:
        err.print("[red]✗[/] name a journey, or give --score with a forecast that was made")
        sys.exit(2)
    from functions.forecast.asked import Asked

    asked = Asked(
        journey=journey,
        mode=mode,
        days=days,
        since=since.date() if since else None,
        seed=seed,
        sample=sample,
        people=people,
        draws=draws or (10 if mode == "expect" else 1),
        newcomers=newcomers,
        most_a_week=most_a_week,
        mails_a_second=mails_a_second,
        mails_a_day=mails_a_day,
        texts_a_second=texts_a_second,
    )
    if against:
        if at:
            found = _compared_by_a_system(asked, against, journeys, at, key, data)
        else:
            found = _compared_here(asked, against, _ground(journeys, data), prices_of, cores)
        _tell_difference(found, fail_on, as_json, markdown)
    if at:
        report = _by_a_system(asked, journeys, at, key, data)
    else:
        report = _here(asked, _ground(journeys, data), prices_of, cores)
    _tell(report, html, as_json, whole)


def _score(said: str, at: str, key: str, data: Path | None, as_json: bool, whole: bool) -> None:
    """How far off a forecast was: one of a running system by its id, else by a data folder."""
    from local import forecast_asked, forecast_scored

    with _refusals():
        if at:
            with asking(at, key, data) as client:
                found = forecast_asked.ask_score(said, client)
        else:
            found = forecast_scored.score_of(said, data or Path("data"))
    forecast_scored.tell(found, as_json, whole)


def _tell(report: Report, html: Path | None, as_json: bool, whole: bool) -> None:
    """As a page, as JSON, in the terminal: whatever is asked for."""
    if html:
        from functions.forecast.page import page

        _write(html, page(report))
        err.print(f"[green]✓[/] {escape(str(html))}", soft_wrap=True)
    if as_json:
        from functions.forecast.report import as_json as in_json

        sys.stdout.write(in_json(report).decode() + "\n")
        return
    from local.forecast_told import show

    show(report, out, whole)


def _ground(journeys: Path, data: Path | None) -> Ground:
    from local.forecasting import Ground

    return Ground(journeys, data or Path("data"))


def _here(asked: Asked, ground: Ground, prices_of: str, cores: int) -> Report:
    """On the people of a folder of this machine."""
    from local.forecasting import run

    with _refusals():
        return run(asked, ground, prices_of, cores)


def _by_a_system(asked: Asked, journeys: Path, at: str, key: str, data: Path | None) -> Report:
    """On the people of a running system."""
    from local.forecast_asked import ask

    with _refusals(), asking(at, key, data) as client:
        return ask(asked, journeys, client)


def _compared_here(asked: Asked, said: str, ground: Ground, prices_of: str, cores: int) -> Compared:
    """On the people of a folder of this machine."""
    from local.forecast_against import against

    with _refusals():
        return against(asked, ground, said, prices_of, cores)


def _compared_by_a_system(
    asked: Asked, said: str, journeys: Path, at: str, key: str, data: Path | None
) -> Compared:
    """On the people of a running system."""
    from local.forecast_asked import ask_against

    with _refusals(), asking(at, key, data) as client:
        return ask_against(asked, said, journeys, client)


def _tell_difference(found: Compared, fail_on: str, as_json: bool, markdown: bool) -> NoReturn:
    """Print the comparison, and end as `fail_on` asks."""
    import msgspec

    from local import compared_told

    if as_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    elif markdown:
        sys.stdout.write(compared_told.markdown(found))
    else:
        compared_told.show(found, out)
    more = any(one.likely > 0 for one in found.sent.values())
    is_failed = {"change": not found.is_nothing, "more messages": more}.get(fail_on, False)
    sys.exit(1 if is_failed else 0)


@contextmanager
def _refusals() -> Iterator[None]:
    """What is asked and cannot be is told in a sentence, and the exit status is 2."""
    from functions.forecast.prices import UnknownRegion
    from functions.forecast.score import NotScored
    from functions.virtual.prepared import NotPossible

    try:
        yield
    except (NotPossible, NotScored, UnknownRegion) as error:
        err.print(f"[red]✗[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(2)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        err.print(f"[red]✗[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(1)
