"""What `tante breaker` says and does: how mails were received, what is stopped, and going on."""

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from local.asking import At, Key, RunningData, asking, out, wide

app = typer.Typer(help="Bounces and complaints of the last 24 hours, and what they stopped.")
SHOWN = 40


@app.callback(invoke_without_command=True)
def show_breaker(
    context: typer.Context, data: RunningData = None, at: At = "", key: Key = ""
) -> None:
    """How mails were received in the last 24 hours, and what is stopped."""
    if context.invoked_subcommand:
        return
    with asking(at, key, data) as tante:
        found = tante.ask("GET", "/api/breaker")
        if not found["on"]:
            out.print("the breaker is off (limits.yaml)")
        table = Table("", "sent", "bounced", "spam", "", box=None)
        for one in found["received"][:SHOWN]:
            numbers = map(str, (one["sent"], one["bounced"], one["complained"]))
            table.add_row(escape(one["name"]), *numbers, escape(_state(one)))
        wide().print(table if table.rows else "no receipts in the last 24 hours")
        classes = Table("", "sent", "bounced", "spam", box=None)
        for one in found["classes"]:
            numbers = map(str, (one["sent"], one["bounced"], one["complained"]))
            classes.add_row(escape(one["name"] or "published no more"), *numbers)
        if classes.rows:
            wide().print("\nby class:", classes)


@app.command("resume")
def resume(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="journey/message or domain, as tante breaker says")
    ],
    because: Annotated[str, typer.Option(help="Why sending may go on.")],
    data: RunningData = None,
    at: At = "",
    key: Key = "",
) -> None:
    """Let sending go on that was stopped. What waits goes within the hour."""
    with asking(at, key, data) as tante:
        tante.ask("POST", "/api/breaker/resume", {"name": name, "because": because})
        out.print(escape(f"{name} goes on; what waits goes within the hour"), soft_wrap=True)


def _state(one: dict[str, Any]) -> str:
    if not one["stopped"]:
        return ""
    until = f"until {one['until'][:16]}" if one["until"] else "until you resume it"
    return f"stopped {until}: {one['why']}"
