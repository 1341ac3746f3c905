"""`tante forms`: the forms of forms.yaml, and their HTML for a page of the website."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.markup import escape

from functions.problem import Problems
from local.asking import err, out
from local.folder_commands import say_problems

if TYPE_CHECKING:  # slow to load, and not for every command
    from functions.messages.brand import Brand
    from functions.messages.forms import Form

app = typer.Typer(help="Forms: with which people sign up, and their HTML for your website.")
Where = Annotated[Path, typer.Option("--folder", help="The folder of journeys.")]
FOLDER = Path("statemachines")


@app.callback(invoke_without_command=True)
def show_forms(context: typer.Context, folder: Where = FOLDER) -> None:
    """The forms of forms.yaml: channels, purposes, fields."""
    if context.invoked_subcommand:
        return
    forms, _ = _read(folder)
    for name, form in forms.items():
        words = f"{name}: {', '.join(form.channels)} for {', '.join(form.purposes)}"
        out.print(escape(f"{words}; fields {', '.join(form.fields)}"), soft_wrap=True)
    if not forms:
        out.print("no forms: describe them in forms.yaml and publish")


@app.command("snippet")
def snippet(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The form's name in forms.yaml.")],
    at: Annotated[str, typer.Option(help="The address of your Tante.")] = "http://127.0.0.1:8000",
    language: Annotated[str, typer.Option("--in", help="A language of brand.yaml.")] = "",
    folder: Where = FOLDER,
) -> None:
    """The HTML of a form, to be pasted into a page of the website."""
    from functions.messages import form_page

    forms, brand = _read(folder)
    form, spoken = forms.get(name), language or brand.locale
    if form is None:
        _fail(f'forms.yaml has no form "{name}"; there are: {", ".join(forms) or "none"}')
    if spoken not in form.text:
        _fail(f'the form has no words in "{spoken}"; there are: {", ".join(form.text)}')
    titles = {one: brand.purposes[one].title.get(spoken, one) for one in form.purposes}
    typer.echo(form_page.form(form, spoken, titles, {}, action=f"{at.rstrip('/')}/forms/{name}"))


def _read(folder: Path) -> "tuple[dict[str, Form], Brand]":
    """The forms and the brand of a folder; ends the command where they are wrong."""
    from functions.folder import check_brand, check_live, read_folder
    from functions.messages.forms import build
    from functions.segments.rules import FORMS_FILE

    try:
        found = read_folder(folder)
        brand = check_brand(found.brand)
        wrong = [one for one in check_live(found, brand) if one.file == FORMS_FILE]
        if wrong:
            raise Problems(wrong)
    except Problems as problems:
        say_problems(problems, "nothing was written")
        sys.exit(2)
    return build(found.raw(FORMS_FILE)), brand


def _fail(words: str) -> NoReturn:
    err.print(f"[red]✗[/] {escape(words)}", soft_wrap=True)
    sys.exit(1)
