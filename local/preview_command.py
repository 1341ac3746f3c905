"""`tante preview`: a message as somebody would read it."""

import sys
import webbrowser
from pathlib import Path
from typing import Annotated, Any, NoReturn
from urllib.parse import quote

import typer
from rich.markup import escape

from local.asking import At, Key, RunningData, asking, err, out
from local.whereabouts import JOURNEYS, Journeys


def register(app: typer.Typer) -> None:
    """Make the command known to `tante`."""
    app.command("preview")(_preview)


def _preview(
    journey: Annotated[str, typer.Argument(help="The name of its folder.")],
    message: Annotated[str, typer.Argument(help="The message's name, like welcome.")],
    person: Annotated[
        str, typer.Option(help="Show the published message for this person of a running system.")
    ] = "",
    values: Annotated[
        Path | None,
        typer.Option("--as", help='A JSON file: {"person": {...}, "entry": {...}}.'),
    ] = None,
    nobody: Annotated[
        bool, typer.Option("--nobody", help="For somebody of whom nothing is known.")
    ] = False,
    locale: Annotated[str, typer.Option(help="The language, like de.")] = "",
    into: Annotated[
        Path | None, typer.Option("--out", help="Write the HTML and the text into this folder.")
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the HTML in the browser.")] = False,
    journeys: Journeys = JOURNEYS,
    at: At = "",
    key: Key = "",
    data: RunningData = None,
) -> None:
    """Show a message as somebody would read it, and which of its values are missing.

    Without --person it is the folder's own message, for somebody made up.
    """
    made_up = _made_up(values, nobody)
    if person:
        body = {"person": person, "language": locale, "values": made_up}
        path = f"/api/journeys/{quote(journey, '')}/messages/{quote(message, '')}/preview"
        with asking(at, key, data) as asked:
            found = asked.ask("POST", path, body)
    else:
        found = _of_folder(journeys, journey, message, locale, made_up)
    _say(found)
    if into or show:
        _write(into or Path("preview"), f"{message}.{found['language']}", found, show)


def _made_up(values: Path | None, nobody: bool) -> dict[str, Any]:
    """What the API calls `values`."""
    if not values:
        return {"person": {}, "entry": {}} if nobody else {}
    import msgspec

    try:
        found = msgspec.json.decode(values.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError) as error:
        _fail(f'"{values}" cannot be read as JSON: {error}')
    return {**({"person": {}, "entry": {}} if nobody else {}), **found}


def _of_folder(
    folder: Path, journey: str, message: str, locale: str, made_up: dict[str, Any]
) -> dict[str, Any]:
    import msgspec

    from functions.folder import check_brand, read_folder
    from functions.messages.preview import NoMessage, Values, preview
    from functions.messages.rehearsal import compile_messages
    from functions.messages.template import TemplateError
    from functions.problem import Problems

    found = read_folder(folder)
    brand, files = check_brand(found.brand), found.journeys.get(journey)
    if files is None:
        there = ", ".join(found.journeys) or "none"
        _fail(f'there is no journey "{journey}" in {folder}; there are: {there}')
    mine = {name: text for name, text in files.items() if name.startswith(f"{message}.")}
    compiled, problems = compile_messages(journey, mine or files, found.parts, brand)
    if problems:
        raise Problems(problems)
    try:
        values = msgspec.convert(made_up, Values)
        shown = preview(message, locale, {**compiled, **files}, brand, values)
    except (NoMessage, TemplateError, msgspec.ValidationError) as error:
        _fail(str(error))
    return dict(msgspec.to_builtins(shown))


def _fail(words: str) -> NoReturn:
    err.print(f"[red]✗[/] {escape(words)}", soft_wrap=True)
    sys.exit(1)


def _say(found: dict[str, Any]) -> None:
    others = [one for one in found["languages"] if one != found["language"]]
    also = f" (also in {', '.join(others)})" if others else ""
    out.print(f"[dim]{found['channel']}, {found['language']}{also}[/]")
    if found["subject"]:
        out.print(f"[bold]{escape(found['subject'])}[/]", soft_wrap=True)
    out.print(f"\n{escape(found['text'])}", soft_wrap=True)
    for name in found["missing"]:
        out.print(f"[yellow]![/] {escape(name)} has no value here", soft_wrap=True)


def _write(folder: Path, stem: str, found: dict[str, Any], show: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"{stem}.html"
    (folder / f"{stem}.txt").write_text(found["text"], "utf-8")
    if found["html"]:
        page.write_text(found["html"], "utf-8")
    out.print(f"[green]✓[/] written into {escape(str(folder))}")
    if show and found["html"]:
        webbrowser.open(page.resolve().as_uri())
