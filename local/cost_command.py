"""What `tante cost` says: what each journey cost in a month, and how its budget stands."""

import json
from typing import Annotated, Any
from urllib.parse import urlencode

import typer
from rich.markup import escape
from rich.table import Table

from local.asking import At, Key, RunningData, asking, out, wide

COLUMNS = ("runs", "mails", "texts", "so far", "month's end", "a run", "budget")
STATES = {"over": "[red]over[/]", "will be over": "[yellow]will be over[/]", "within": "within"}
ESTIMATE = (
    "An estimate by counted steps and messages and AWS's list prices as of {}, {}, without free "
    "tiers and taxes; what events, storage and alarms cost is not a journey's (docs/costs.md)."
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(cost)


def cost(
    month: Annotated[str, typer.Option(help='Like "2027-01"; the present one by default.')] = "",
    prices_of: Annotated[
        str, typer.Option("--prices-of", help="The region whose prices hold; the system's own.")
    ] = "",
    journey: Annotated[str, typer.Option(help="This journey alone, part by part.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="As the admin API answers it.")] = False,
    at: At = "",
    key: Key = "",
    data: RunningData = None,
) -> None:
    """What each journey cost this month, and will have cost by its end, beside its budget."""
    asked = {"month": month, "region": prices_of}
    query = urlencode({word: value for word, value in asked.items() if value})
    with asking(at, key, data) as tante:
        found = tante.ask("GET", f"/api/costs?{query}" if query else "/api/costs")
    if journey:
        found["journeys"] = [one for one in found["journeys"] if one["journey"] == journey]
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    if not found["journeys"]:
        what = f'journey "{journey}"' if journey else "journey"
        out.print(escape(f"in {found['month']} no {what} cost anything, and none has a budget"))
        return
    wide().print(parts(found["journeys"][0]) if journey else table(found))
    out.print(escape(ESTIMATE.format(found["prices"], found["region"])), soft_wrap=True)


def table(found: dict[str, Any]) -> Table:
    """All journeys of a month, and what they cost together."""
    over = f"{found['over']:.0%} of it over" if found["over"] < 1 else "the whole month"
    title = f"{found['month']}, {over}, in dollars"
    shown = Table("", box=None, title=title, title_justify="left")
    for name in COLUMNS:
        shown.add_column(name, justify="right")
    shown.add_column("")
    for one in found["journeys"]:
        counts = (f"{one['runs']:,}", f"{one['mails']:,}", f"{sum(one['texts'].values()):,}")
        shown.add_row(
            escape(one["journey"]),
            *counts,
            _off(one),
            _dollars(one["expected"]),
            _dollars(one["per_run"], 4),
            *_budget(one),
        )
    shown.add_section()
    sums = (_dollars(found["dollars"]), _dollars(found["expected"]), "", *_budget(found))
    shown.add_row("together", "", "", "", *sums, style="bold")
    return shown


def parts(one: dict[str, Any]) -> Table:
    """One journey, part by part."""
    shown = Table("", box=None, title=escape(one["journey"]), title_justify="left")
    for name in ("amount", "dollars each", "dollars"):
        shown.add_column(name, justify="right")
    shown.add_column("price")
    for row in one["rows"]:
        each = f"{row['price']:.10f}".rstrip("0")
        amount = f"{row['amount']:,.0f}" if row["amount"] >= 100 else f"{row['amount']:.3g}"
        unit = f"{row['unit']}, {row['sure']}"
        shown.add_row(escape(row["part"]), amount, each, _dollars(row["dollars"], 4), escape(unit))
    shown.add_section()
    shown.add_row("together", "", "", _dollars(one["dollars"], 4), "", style="bold")
    return shown


def _dollars(amount: float | None, places: int = 2) -> str:
    return "" if amount is None else f"{amount:,.{places}f}"


def _off(one: dict[str, Any]) -> str:
    off = f" ± {one['off']:.0%}" if one["off"] >= 0.005 else ""
    return _dollars(one["dollars"]) + off


def _budget(one: dict[str, Any]) -> tuple[str, str]:
    return _dollars(one["budget"]), STATES.get(one["state"], "")
