"""What `tante suppressions` says and does: addresses to which nothing goes, by keyed hash."""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

import typer
from rich.markup import escape
from rich.table import Table

from local.asking import At, Key, RunningData, asking, err, out, wide
from local.spreadsheet import safe

app = typer.Typer(help="Suppressed addresses: what nothing is sent to, and why.")
TOGETHER = 200
ADDRESSES = ("address", "email", "e-mail", "email address", "phone", "adresse", "telefon")
Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="An e-mail address or number.")]
By = Annotated[Literal["email", "sms"], typer.Option("--channel", help="email or sms.")]


@app.command("show")
def show_suppression(
    address: Address, channel: By = "email", data: RunningData = None, at: At = "", key: Key = ""
) -> None:
    """Whether an address is suppressed, since when and why."""
    with asking(at, key, data) as tante:
        body = {"address": address, "channel": channel}
        one = tante.ask("POST", "/api/suppressions/find", body)
        words = f"{one['reason']}, since {one['since'][:16]}, by {one['source']}"
        if one["lifted"]:
            words = f"lifted {one['lifted'][:16]} ({one['lifted_because']}); before: {words}"
        out.print(escape(words), soft_wrap=True)


@app.command("list")
def list_suppressions(data: RunningData = None, at: At = "", key: Key = "") -> None:
    """How many addresses are suppressed for which reason."""
    with asking(at, key, data) as tante:
        counts: dict[tuple[str, str], int] = {}
        for one in _every(tante):
            found = (one["channel"], one["reason"])
            counts[found] = counts.get(found, 0) + 1
        table = Table("channel", "reason", "addresses", box=None)
        for (channel, reason), count in sorted(counts.items()):
            table.add_row(channel, escape(reason), str(count))
        wide().print(table if counts else "no address is suppressed")


@app.command("add")
def add_suppression(
    address: Address,
    reason: Annotated[str, typer.Option(help="Why, in a few words.")] = "",
    channel: By = "email",
    data: RunningData = None,
    at: At = "",
    key: Key = "",
) -> None:
    """Send nothing to an address any more."""
    with asking(at, key, data) as tante:
        entry = {"address": address, "channel": channel, "reason": reason}
        taken = tante.ask("POST", "/api/suppressions", {"addresses": [entry]})
        if taken["wrong"]:
            err.print("[red]✗[/] that is no address; for a phone number add --channel sms")
            sys.exit(1)
        out.print("suppressed" if taken["added"] else "it was suppressed already")


@app.command("remove")
def remove_suppression(
    address: Address,
    because: Annotated[str, typer.Option(help="Why messages may go there again; it is kept.")],
    channel: By = "email",
    data: RunningData = None,
    at: At = "",
    key: Key = "",
) -> None:
    """Let messages go to an address again."""
    with asking(at, key, data) as tante:
        body = {"address": address, "channel": channel, "because": because}
        lifted = tante.ask("POST", "/api/suppressions/lift", body)
        out.print(escape(f"lifted; it was suppressed: {lifted['reason']}"), soft_wrap=True)


@app.command("import")
def import_suppressions(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="CSV: address (or key), and channel, reason if known."),
    ],
    data: RunningData = None,
    at: At = "",
    key: Key = "",
) -> None:
    """Suppress the addresses of a CSV file, such as another product's list or an export of this
    one. Broken off, do it again: what is there stays."""
    from local.imports.table import BadTable

    with asking(at, key, data) as tante:
        try:
            entries = list(read_entries(file))
        except BadTable as error:
            err.print(f"[red]✗[/] {escape(f'{file}: {error}')}", soft_wrap=True)
            sys.exit(1)
        added = known = 0
        wrong: list[int] = []
        for first in range(0, len(entries), TOGETHER):
            some = entries[first : first + TOGETHER]
            sent = {"addresses": [entry for _, entry in some], "imported": True}
            taken = tante.ask("POST", "/api/suppressions", sent)
            added, known = added + taken["added"], known + taken["known"]
            wrong += [some[place][0] for place in taken["wrong"]]
        out.print(f"{added} addresses added; {known} were there already", soft_wrap=True)
        for line in wrong[:10]:
            err.print(f"[yellow]![/] line {line}: no address, left out")
        if len(wrong) > 10:
            err.print(f"[yellow]![/] and {len(wrong) - 10} more lines")


@app.command("export")
def export_suppressions(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write the CSV file.")],
    data: RunningData = None,
    at: At = "",
    key: Key = "",
) -> None:
    """Write the list: keyed hashes, channels, reasons and times. No address is in it."""
    with asking(at, key, data) as tante:
        written = 0
        with file.open("w", encoding="utf-8", newline="") as text:
            rows = csv.writer(text)
            rows.writerow(["key", "channel", "reason", "since"])
            for one in _every(tante):
                cells = (one["key"], one["channel"], one["reason"], one["since"])
                rows.writerow(map(safe, cells))
                written += 1
        out.print(escape(f"{written} addresses written to {file}"), soft_wrap=True)


def read_entries(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV file with their line numbers, as the admin API takes them. A number that
    stands in a column "phone" goes by SMS. Raises BadTable."""
    from local.imports.table import BadTable
    from local.imports.table import Table as Sheet

    sheet = Sheet(file)
    heading = [cell.strip().lower() for cell in sheet.heading]
    of = {name: place for place, name in enumerate(heading)}
    column = next((of[one] for one in ADDRESSES if one in of), None)
    if column is None and "key" not in of:
        raise BadTable('a column "address" is missing; its first row names the columns')
    by_phone = column is not None and heading[column] in ("phone", "telefon")
    for row in sheet.rows():
        cells = dict(zip(heading, row.cells, strict=False))
        given = row.cells[column].strip() if column is not None and column < len(row.cells) else ""
        channel = cells.get("channel", "").strip().lower() or ("sms" if by_phone else "email")
        entry = {
            "address": given,
            "key": "" if given else cells.get("key", "").strip(),
            "channel": channel if channel in ("email", "sms") else "email",
            "reason": cells.get("reason", "").strip().removeprefix("'"),
        }
        yield row.number, entry


def _every(tante: Any) -> Iterator[dict[str, Any]]:
    after, is_first = "", True
    while after or is_first:
        asked = f"&after={quote(after, safe='')}" if after else ""
        page = tante.ask("GET", f"/api/suppressions?limit=500{asked}")
        yield from page["suppressions"]
        after, is_first = page["next"], False
