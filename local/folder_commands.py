"""The commands on a folder of journeys: check, show, diff, schema, test and new."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from functions.problem import Problems
from local.asking import In, err, out, wide
from local.whereabouts import JOURNEYS, Journeys


def register(app: typer.Typer) -> None:
    """Make these commands known to `tante`."""
    for name, one in (
        ("check", check),
        ("show", show),
        ("diff", diff),
        ("schema", schema),
        ("test", try_scenarios),
        ("new", new),
    ):
        app.command(name)(one)


def say_problems(problems: Problems, so: str = "nothing was published") -> None:
    """Say what is wrong, one line each, and what follows."""
    for problem in problems.found:
        err.print(f"[red]✗[/] {escape(str(problem))}", soft_wrap=True)
    count = len(problems.found)
    err.print(f"{count} problem{'s' if count != 1 else ''}; {so}.")


def check(
    folder: Annotated[Path, typer.Argument(help="The folder of journeys.")] = JOURNEYS,
) -> None:
    """Check every journey, message and scenario of a folder; the exit status is 1 if anything is
    wrong. What could be better in a mail is told with a "!" and is not wrong."""
    from functions.folder import check as check_folder
    from functions.folder import read_folder, warnings
    from functions.journeys.bound import dollars, transitions
    from functions.journeys.flow import compile_journey
    from local.scenarios.read import read_scenarios

    if not folder.is_dir():
        err.print(f'[red]✗[/] there is no folder "{escape(str(folder))}"', soft_wrap=True)
        sys.exit(2)
    found = read_folder(folder)
    checked = check_folder(found)
    for one in checked:
        states = compile_journey(one.journey, one.version)["States"]
        steps = len(list(one.journey.every_step()))
        most, held = transitions(one.journey, again=0), transitions(one.journey)
        out.print(
            f"[green]✓[/] {one.journey.name}: {steps} step{'s' if steps != 1 else ''}, "
            f"{len(states)} states; "
            f"at most {most} transitions a run, ${dollars(most):.2f} per 1,000 people"
            + (f" ({held} if all is held or moved once)" if held > most else ""),
            soft_wrap=True,
        )
    for better in warnings(found, checked):
        out.print(f"[yellow]![/] {escape(str(better))}", soft_wrap=True, highlight=False)
    if scenarios := read_scenarios(folder):
        out.print(f"[green]✓[/] {len(scenarios)} scenarios; try them with: tante test")


def show(
    journey: Annotated[str, typer.Argument(help="The name of its folder.")],
    language: In = "en",
    journeys: Journeys = JOURNEYS,
    svg: Annotated[
        Path | None, typer.Option(help="Instead of printing: draw it into this file, as SVG.")
    ] = None,
) -> None:
    """Print a journey as sentences, or draw it: who enters and leaves, and every step."""
    from local import drawing
    from local import show as showing

    try:
        raw = showing.journey(journeys, journey)
    except showing.NoJourney as error:
        err.print(f"[red]✗[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(2)
    if svg:
        svg.write_text(drawing.svg(raw, language), "utf-8")
        return
    wide().print(showing.drawn(raw, language))


def diff(
    before: Annotated[Path, typer.Argument(help="A folder of journeys, as it was.")],
    after: Annotated[Path, typer.Argument(help="The folder as it is now.")] = JOURNEYS,
    language: In = "en",
) -> None:
    """Say in sentences what changed between two folders of journeys.

    The exit status is 0 without a difference, 1 with one, 2 where a folder cannot be read.
    """
    from local.difference import between

    try:
        found = between(before, after, language)
    except Problems as problems:
        say_problems(problems)
        sys.exit(2)
    for name, said in found.items():
        out.print(f"[bold]{escape(name)}[/]")
        for one in said:
            out.print(f"  {escape(one)}", soft_wrap=True)
    sys.exit(bool(found))


def schema(
    of: Annotated[
        Literal["journey", "scenario"], typer.Argument(help="Of which file.")
    ] = "journey",
) -> None:
    """Print the JSON Schema of a journey or a scenario (statemachines/journey.schema.json)."""
    import json

    from functions.journeys.check import journey_schema
    from local.scenarios.scenario import scenario_schema

    whole = journey_schema() if of == "journey" else scenario_schema()
    print(json.dumps(whole, indent=2, ensure_ascii=False))  # noqa: T201


def try_scenarios(
    folder: Annotated[Path, typer.Argument(help="The folder of journeys.")] = JOURNEYS,
    journey: Annotated[str, typer.Option(help="Only the scenarios of this journey.")] = "",
) -> None:
    """Try the scenarios of a folder (*.scenario.yaml) on the whole system, in virtual time.

    The exit status is 0 if everything comes as expected, 1 if not, 2 where a file is wrong.
    """
    from local.scenarios.tell import try_all

    if not folder.is_dir():
        err.print(f'[red]✗[/] there is no folder "{escape(str(folder))}"', soft_wrap=True)
        sys.exit(2)
    try:
        failed = try_all(folder, journey, out)
    except Problems as problems:
        say_problems(problems, "nothing was tried")
        sys.exit(2)
    sys.exit(failed > 0)


def new(
    name: Annotated[str, typer.Argument(help="What the new journey is called.")] = "",
    source: Annotated[str, typer.Option("--from", help="The ready journey to copy.")] = "",
    listing: Annotated[bool, typer.Option("--list", help="Show the ready journeys.")] = False,
    journeys: Journeys = JOURNEYS,
) -> None:
    """Begin a journey with a copy of a ready one, its messages and scenarios."""
    from local.pack import CannotCopy, copy, ready, still_wrong

    if listing or not (name and source):
        for one in ready(journeys):
            out.print(f"{one.name:<22}{escape(one.title)}", soft_wrap=True)
        err.print("\nCopy one with: tante new NAME --from READY")
        sys.exit(0 if listing else 2)
    try:
        target = copy(journeys, source, name)
    except CannotCopy as error:
        err.print(f"[red]✗[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(2)
    words = f"{target} is there; read its journey.yaml, then: tante test"
    out.print(f"[green]✓[/] {escape(words)}", soft_wrap=True)
    for problem in still_wrong(journeys, name):
        out.print(f"[yellow]![/] {escape(str(problem))}", soft_wrap=True)
