"""`tante keys secret`: who may use the admin API, and for what."""

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from local.asking import At, Key, RunningData, asking, out, wide

secret_keys_app = typer.Typer(help="Secret keys: who may use the admin API, and for what.")


@secret_keys_app.command("list")
def _list(at: At = "", key: Key = "", data: RunningData = None) -> None:
    """Show who has a key, what it may do, and when it was last used."""
    with asking(at, key, data) as asked:
        found = asked.ask("GET", "/api/keys")["keys"]
    table = Table("key of", "may", "made", "last used", "state", box=None, pad_edge=False)
    for one in found:
        may, made = ", ".join(one["scopes"]), (one["created"] or "")[:10]
        table.add_row(escape(one["name"]), may, made, one["used"] or "never", _state(one))
    wide().print(table)


def _state(one: dict[str, Any]) -> str:
    state: str = one["state"]
    ends = f", ends {one['ends'][:16].replace('T', ' ')}" if one["ends"] else ""
    return state + (ends if state == "in force" else "")


@secret_keys_app.command("add")
def _add(
    name: Annotated[str, typer.Argument(help="Whose it is, such as: Mia, or: CRM")],
    may: Annotated[
        list[str],
        typer.Option(
            "--may", help="read, people, journeys, forecasts, sales, keys or all; repeat it."
        ),
    ],
    at: At = "",
    key: Key = "",
    data: RunningData = None,
) -> None:
    """Make a key of somebody's own. It is shown once."""
    with asking(at, key, data) as asked:
        made = asked.ask("POST", "/api/keys", {"name": name, "scopes": may})
    out.print(f"{made['key']}   for {escape(name)}; shown this once", soft_wrap=True)


@secret_keys_app.command("rotate")
def _rotate(
    name: Annotated[str, typer.Argument(help="Whose key is exchanged.")],
    keep: Annotated[int, typer.Option(min=0, max=90, help="So many days the old one works.")] = 0,
    at: At = "",
    key: Key = "",
    data: RunningData = None,
) -> None:
    """Make a new key in the place of one, with the same scopes."""
    from local.address import segment

    with asking(at, key, data) as asked:
        made = asked.ask("POST", f"/api/keys/{segment(name)}/rotate", {"keep_days": keep})
    out.print(f"{made['key']}   for {escape(name)}; shown this once", soft_wrap=True)


@secret_keys_app.command("revoke")
def _revoke(
    name: Annotated[str, typer.Argument(help="Whose key and log-ins end at once.")],
    at: At = "",
    key: Key = "",
    data: RunningData = None,
) -> None:
    """Let a key and the log-ins with it end at once."""
    from local.address import segment

    with asking(at, key, data) as asked:
        asked.ask("DELETE", f"/api/keys/{segment(name)}")
    out.print(f"{escape(name)}: revoked")
