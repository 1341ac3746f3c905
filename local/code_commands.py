"""What `tante codes` says and does: codes of the shop, how many are left, and who got which."""

import csv
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from local.address import segment
from local.asking import At, Key, RunningData, asking, err, out
from local.spreadsheet import safe

app = typer.Typer(help="Codes: how many are left, codes from the shop, and who got which.")
TOGETHER = 2000
HEADINGS = ("code", "coupon", "coupon code", "discount code", "gutschein", "gutscheincode")
Name = Annotated[str, typer.Argument(metavar="NAME", help="The codes' name in codes.yaml.")]


@app.callback(invoke_without_command=True)
def show_codes(
    context: typer.Context, data: RunningData = None, at: At = "", key: Key = ""
) -> None:
    """How many codes are left, given and redeemed."""
    if context.invoked_subcommand:
        return
    with asking(at, key, data) as tante:
        table = Table("name", "kind", "left", "given", "redeemed", "by others", "", box=None)
        for one in tante.ask("GET", "/api/codes")["codes"]:
            is_list = one["kind"] == "list"
            numbers = (one["issued"], one["redeemed"], one["passed_on"])
            left = str(one["left"]) if is_list else "made as needed"
            note = "[red]runs low: tante codes import[/]" if one["is_low"] else ""
            table.add_row(escape(one["name"]), one["kind"], left, *map(str, numbers), note)
        out.print(table if table.rows else "no codes: describe them in codes.yaml and publish")


@app.command("import")
def import_codes(
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file with a column code.")],
    data: RunningData = None,
    at: At = "",
    key: Key = "",
) -> None:
    """Add codes from the shop to a list. Broken off, do it again: what is there stays."""
    from local.imports.table import BadTable

    with asking(at, key, data) as tante:
        try:
            codes, twice = read_codes(file)
        except BadTable as error:
            err.print(f"[red]✗[/] {escape(f'{file}: {error}')}", soft_wrap=True)
            sys.exit(1)
        path, added, known = f"/api/codes/{segment(name)}", 0, 0
        for some in _batches(codes):
            taken = tante.ask("POST", path, {"codes": some})
            added, known = added + taken["added"], known + taken["known"]
        words = f"{added} codes added; {known} were there already, {twice} stand twice in the file"
        out.print(words, soft_wrap=True)


@app.command("export")
def export_codes(
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write the CSV file.")],
    data: RunningData = None,
    at: At = "",
    key: Key = "",
) -> None:
    """Write all codes of a name with their states, for the shop: free, issued, redeemed, passed
    on. Whose they are is not in it."""
    with asking(at, key, data) as tante:
        written = 0
        with file.open("w", encoding="utf-8", newline="") as text:
            rows = csv.writer(text)
            rows.writerow(["code", "state"])
            for one in _every(tante, name):
                rows.writerow([safe(one["code"]), one["state"]])
                written += 1
        out.print(escape(f"{written} codes written to {file}"), soft_wrap=True)


@app.command("of")
def codes_of(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="E-mail address, phone or id.")],
    data: RunningData = None,
    at: At = "",
    key: Key = "",
) -> None:
    """Codes that a person got, and what became of them."""

    from local.find_person import person_segment

    with asking(at, key, data) as tante:
        found = person_segment(tante, person)
        lines = list(told(tante, found))
        out.print(escape("\n".join(lines) or "no codes"), soft_wrap=True)


def told(tante: Any, person: str) -> Iterator[str]:
    """A line for each code of a person, who is given by their id, fit for a path."""
    for one in tante.ask("GET", f"/api/people/{person}/codes")["codes"]:
        state = one["state"]
        if state == "redeemed":
            state = f"redeemed {one['redeemed'][:10]} with {one['order_id']}"
        elif one["expires"]:
            state = f"{state}, until {one['expires'][:10]}"
        yield f"{one['name']}: {one['code']}, given {one['issued'][:10]}, {state}"


def read_codes(file: Path) -> tuple[list[str], int]:
    """The codes of a CSV file, each once, and how many stand there again: its column "code" or
    the only one that there is. Raises BadTable."""
    from local.imports.table import BadTable
    from local.imports.table import Table as Sheet

    sheet = Sheet(file)
    heading = [cell.strip().lower() for cell in sheet.heading]
    column = next((heading.index(one) for one in HEADINGS if one in heading), None)
    if column is None:
        raise BadTable('a column "code" is missing; its first row names the columns')
    found = [row.cells[column] for row in sheet.rows() if len(row.cells) > column]
    codes = [code for code in found if code]
    once = list({code.upper(): code for code in codes}.values())
    return once, len(codes) - len(once)


def _batches(codes: list[str]) -> Iterator[list[str]]:
    """Codes that are kept together go together: each record is then written once."""
    from functions.codes.records import part_of

    batch: list[str] = []
    for _, some in groupby(sorted(codes, key=part_of), part_of):
        alike = list(some)
        if batch and len(batch) + len(alike) > TOGETHER:
            yield batch
            batch = []
        batch += alike
        while len(batch) > TOGETHER:
            yield batch[:TOGETHER]
            batch = batch[TOGETHER:]
    if batch:
        yield batch


def _every(tante: Any, name: str) -> Iterator[dict[str, Any]]:
    after, is_first = "", True
    while after or is_first:
        page = tante.ask("GET", f"/api/codes/{segment(name)}?after={after}")
        yield from page["codes"]
        after, is_first = page["next"], False
