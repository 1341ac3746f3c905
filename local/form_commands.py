"""`tante forms`: the forms of forms.yaml, and their HTML for a page of the website."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from functions.problem import Problems
from local.asking import err, out
from local.folder_commands import say_problems
from local.whereabouts import JOURNEYS

app = typer.Typer(help="Forms: with which people sign up, and their HTML for your website.")
Where = Annotated[Path, typer.Option("--journeys", help="The folder of journeys.")]


@app.callback(invoke_without_command=True)
def show_forms(context: typer.Context, journeys: Where = JOURNEYS) -> None:
    """The forms of forms.yaml: channels, purposes, fields."""
    if context.invoked_subcommand:
        return
    from local.forms_told import told

    try:
        lines = list(told(journeys))
    except Problems as problems:
        say_problems(problems, "nothing was read")
        sys.exit(2)
    for line in lines or ["no forms: describe them in forms.yaml and publish"]:
        out.print(escape(line), soft_wrap=True)


@app.command("snippet")
def snippet(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The form's name in forms.yaml.")],
    at: Annotated[str, typer.Option(help="The address of your Tante.")] = "http://127.0.0.1:8000",
    language: Annotated[str, typer.Option("--in", help="A language of brand.yaml.")] = "",
    journeys: Where = JOURNEYS,
) -> None:
    """The HTML of a form, to be pasted into a page of the website."""
    from local.forms_told import NoForm
    from local.forms_told import snippet as html

    try:
        typer.echo(html(journeys, name, at, language))
    except Problems as problems:
        say_problems(problems, "nothing was written")
        sys.exit(2)
    except NoForm as missing:
        err.print(f"[red]✗[/] {escape(str(missing))}", soft_wrap=True)
        sys.exit(1)
